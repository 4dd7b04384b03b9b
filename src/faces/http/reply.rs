//! Writes the answer as bytes: one line, every key, never more than a PBX can take.
//!
//! Kamailio reads the first line only, Asterisk loses a whole answer of 4096 bytes, and a variable of Kamailio keeps
//! the caller before when a key is missing. So an answer that is too long gives up parts in a fixed order, and says so.

use bytes::Bytes;

use super::{json, text, xml};
use crate::config::{Format, Reply};
use crate::model::{CallerData, ContactId};

/// Longest body in any format, in bytes: Asterisk's variable holds 4096 with the zero behind it.
pub(super) const MAX_BODY: usize = 4_095;

/// A name is not cut below this many characters to save something else.
const LEAST_NAME: usize = 32;

/// A body that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// For `Content-Type`.
    pub content_type: &'static str,
    /// At most 4095 bytes, without a line end.
    pub body: Bytes,
    /// The fields that were cut or left out to make it fit, by their names in the answer; for the explanation.
    pub shortened: Vec<&'static str>,
}

/// Writes an answer in the shape of its project.
///
/// JSON and XML are well-formed for any answer and any setting: a tag that cannot be an element is not used in XML.
#[must_use]
pub fn render(answer: &CallerData, shape: &Reply, format: Format) -> Rendered {
    Frame::of(shape).render(answer, format)
}

/// What stands around the fields.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Frame<'a> {
    pub(super) extended: bool,
    pub(super) root_tag: Option<&'a str>,
    pub(super) xml_wrap: Option<&'a str>,
    pub(super) error: Option<&'a str>,
}

impl<'a> Frame<'a> {
    pub(super) fn of(shape: &'a Reply) -> Self {
        Self {
            extended: shape.extended,
            root_tag: shape.root_tag.as_deref(),
            xml_wrap: shape.xml_wrap.as_deref(),
            error: None,
        }
    }

    pub(super) fn render(self, answer: &CallerData, format: Format) -> Rendered {
        let mut body = self.write(answer, format);
        let mut shortened = Vec::new();
        if body.len() > MAX_BODY {
            (body, shortened) = self.fit(answer, format);
        }
        Rendered { content_type: content_type(format), body: Bytes::from(body), shortened }
    }

    fn write(self, answer: &CallerData, format: Format) -> String {
        match format {
            Format::Json => json::write(answer, self),
            Format::Xml => xml::write(answer, self),
            Format::Text if self.error.is_some() => String::new(),
            Format::Text => text::write(answer),
        }
    }

    /// Cuts the name; where that is not enough, gives up one field after the other until a cut name fits.
    fn fit(self, answer: &CallerData, format: Format) -> (String, Vec<&'static str>) {
        let mut kept = answer.clone();
        if !self.extended {
            (kept.outbound_number, kept.language, kept.external_id) = (None, None, None);
        }
        let mut shortened = Vec::new();
        let mut next = GIVEN_UP.iter();
        loop {
            kept.name.clone_from(&answer.name);
            let body = self.write(&kept, format);
            if body.len() <= MAX_BODY {
                return (body, shortened);
            }
            let name = cut(kept.name.as_deref().unwrap_or_default(), body.len() - MAX_BODY, format);
            if name.chars().nth(LEAST_NAME - 1).is_some() {
                kept.name = Some(name.to_owned());
                shortened.push("name");
                return (self.write(&kept, format), shortened);
            }
            match next.find(|(_, give_up)| give_up(&mut kept)) {
                Some((field, _)) => shortened.push(*field),
                None => break,
            }
        }
        // The frame alone is too long: without it a PBX at least reads an unknown caller.
        shortened.push("name");
        (Self { root_tag: None, xml_wrap: None, ..self }.write(&CallerData::default(), format), shortened)
    }
}

/// Empties one field; false when it is empty already.
type GiveUp = fn(&mut CallerData) -> bool;

/// The other fields in the order in which they are given up.
const GIVEN_UP: [(&str, GiveUp); 7] = [
    ("backend_link", |answer| clear(&mut answer.backend_link)),
    ("external_id", |answer| clear(&mut answer.external_id)),
    ("outbound_number", |answer| clear(&mut answer.outbound_number)),
    ("language", |answer| clear(&mut answer.language)),
    ("route_identifier", |answer| clear(&mut answer.route_identifier)),
    ("direct_line", |answer| clear(&mut answer.direct_line)),
    ("id", |answer| answer.id.take().is_some()),
];

fn clear(field: &mut Option<String>) -> bool {
    field.take().is_some_and(|text| !text.is_empty())
}

/// The longest beginning of a name that is `excess` bytes shorter as it is written, cut between characters.
fn cut(name: &str, excess: usize, format: Format) -> &str {
    let written = match format {
        Format::Json => json::written_len,
        Format::Xml => xml::written_len,
        Format::Text => text::written_len,
    };
    let mut saved = 0;
    for (start, character) in name.char_indices().rev() {
        saved += written(character);
        if saved >= excess {
            return name[..start].trim_end();
        }
    }
    ""
}

fn content_type(format: Format) -> &'static str {
    match format {
        Format::Json => "application/json",
        Format::Xml => "application/xml",
        Format::Text => "text/plain; charset=utf-8",
    }
}

/// The value of a field on its way into JSON or XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::faces) enum Part<'a> {
    Null,
    Integer(u32),
    Text(&'a str),
}

impl<'a> Part<'a> {
    fn of(text: Option<&'a String>) -> Self {
        match text {
            Some(text) if !text.is_empty() => Self::Text(text),
            _ => Self::Null,
        }
    }
}

/// The fields with their names, in the order on the wire.
pub(in crate::faces) fn parts(answer: &CallerData, extended: bool) -> impl Iterator<Item = (&'static str, Part<'_>)> {
    let id = match &answer.id {
        Some(ContactId::Integer(number)) => Part::Integer(*number),
        Some(ContactId::Text(text)) if !text.is_empty() => Part::Text(text),
        _ => Part::Null,
    };
    let all = [
        ("id", id),
        ("name", Part::of(answer.name.as_ref())),
        ("queue_position", answer.queue_position.map_or(Part::Null, |place| Part::Integer(place.into()))),
        ("direct_line", Part::of(answer.direct_line.as_ref())),
        ("backend_link", Part::of(answer.backend_link.as_ref())),
        ("route_identifier", Part::of(answer.route_identifier.as_ref())),
        ("outbound_number", Part::of(answer.outbound_number.as_ref())),
        ("language", Part::of(answer.language.as_ref())),
        ("external_id", Part::of(answer.external_id.as_ref())),
    ];
    all.into_iter().take(if extended { 9 } else { 6 })
}

/// Room for a usual answer, so that the buffer grows only for much escaping.
pub(super) fn room(answer: &CallerData, frame: Frame<'_>) -> usize {
    let id = match &answer.id {
        Some(ContactId::Text(text)) => text.len(),
        _ => 10,
    };
    let texts = [&answer.name, &answer.direct_line, &answer.backend_link, &answer.route_identifier];
    let frames = [frame.root_tag, frame.xml_wrap, frame.error];
    let lengths = texts.into_iter().flatten().map(String::len);
    lengths.chain(frames.into_iter().flatten().map(|tag| 2 * tag.len())).sum::<usize>() + id + 352
}

#[cfg(test)]
mod tests;
