//! Checks what may leave, whatever its origin: a CRM, a file, a template or the caller himself.
//!
//! The answer is pasted into dial plans, SIP headers and browsers by machines that trust it. A newline in a name keeps
//! Asterisk from calling the agent, CR LF in a link adds a SIP header, `${` in a name makes FreeSWITCH drop the whole
//! answer, and a `direct_line` made of CRM text can dial abroad. What fails a check leaves as null, and a
//! [`Violation`] tells the explanation why.

mod known;
mod line;
mod link;
mod name;
mod plain;

use std::borrow::Cow;

pub(super) use known::{keep_listed, unlisted};
pub(crate) use plain::is_hidden;

use crate::config::Reply;
use crate::model::{CallerData, ContactId, Field};

/// The fields of an answer as they were decided, before any check. An absent or empty value becomes null.
#[derive(Debug, Clone, Default)]
pub struct RawAnswer<'a> {
    /// The contact's id.
    pub id: Option<ContactId>,
    /// `name`
    pub name: Option<Cow<'a, str>>,
    /// `queue_position`, as text.
    pub queue_position: Option<Cow<'a, str>>,
    /// `direct_line`
    pub direct_line: Option<Cow<'a, str>>,
    /// `backend_link`
    pub backend_link: Option<Cow<'a, str>>,
    /// `route_identifier`
    pub route_identifier: Option<Cow<'a, str>>,
    /// `outbound_number`
    pub outbound_number: Option<Cow<'a, str>>,
    /// `language`
    pub language: Option<Cow<'a, str>>,
    /// `external_id`
    pub external_id: Option<Cow<'a, str>>,
}

/// A value that did not leave as it was, for the explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field, as it is called in the answer.
    pub field: &'static str,
    /// What it was: without control characters, at most 200 characters.
    pub value: String,
    /// What leaves instead; `None` is null.
    pub kept: Option<String>,
    /// What was wrong, and what is expected.
    pub why: Cow<'static, str>,
}

/// What a check says about one value. An empty text means null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked<'a> {
    /// It may leave; blanks around it are gone, and a name is formed as the project wants it.
    Ok(Cow<'a, str>),
    /// It may leave after a repair.
    Changed(String, Cow<'static, str>),
    /// It must not leave.
    Refused(Cow<'static, str>),
}

/// Makes an answer that may leave; what had to be repaired or refused is listed in the order of the fields.
#[must_use]
pub fn make_safe(raw: RawAnswer<'_>, shape: &Reply) -> (CallerData, Vec<Violation>) {
    let mut violations = Vec::new();
    let id = raw.id.and_then(|id| safe_id(id, &mut violations));
    let mut safe = |field: Field, value: Option<Cow<'_, str>>| safe_text(field, value?, shape, &mut violations);
    let data = CallerData {
        id,
        name: safe(Field::Name, raw.name),
        queue_position: safe(Field::QueuePosition, raw.queue_position).and_then(|text| text.parse().ok()),
        direct_line: safe(Field::DirectLine, raw.direct_line),
        backend_link: safe(Field::BackendLink, raw.backend_link),
        route_identifier: safe(Field::RouteIdentifier, raw.route_identifier),
        outbound_number: safe(Field::OutboundNumber, raw.outbound_number),
        language: safe(Field::Language, raw.language),
        external_id: safe(Field::ExternalId, raw.external_id),
    };
    (data, violations)
}

/// Checks one value of one field. A checked `queue_position` is a decimal number from 0 to 100.
#[must_use]
pub fn check<'a>(field: Field, value: &'a str, shape: &Reply) -> Checked<'a> {
    match field {
        Field::Name => name::check(value, shape),
        Field::BackendLink => link::check(value, &shape.link_schemes),
        Field::DirectLine => line::check(value, shape),
        Field::QueuePosition => plain::check_queue_position(value),
        Field::OutboundNumber => plain::check_outbound_number(value),
        Field::Language => plain::check_language(value),
        Field::RouteIdentifier | Field::ExternalId => plain::check_identifier(value),
        Field::Company | Field::Email | Field::Owner => plain::check_text(value),
    }
}

fn safe_text(field: Field, value: Cow<'_, str>, shape: &Reply, found: &mut Vec<Violation>) -> Option<String> {
    let kept = match check(field, &value, shape) {
        // The usual case: nothing to do, and an owned text is not copied.
        Checked::Ok(Cow::Borrowed(same)) if same.len() == value.len() => value.into_owned(),
        Checked::Ok(text) => text.into_owned(),
        Checked::Changed(text, why) => {
            found.push(Violation::new(field.as_str(), &value, Some(&text), why));
            text
        }
        Checked::Refused(why) => {
            found.push(Violation::new(field.as_str(), &value, None, why));
            return None;
        }
    };
    (!kept.is_empty()).then_some(kept)
}

/// An integer is harmless; a text follows the rules of an identifier.
fn safe_id(id: ContactId, found: &mut Vec<Violation>) -> Option<ContactId> {
    let ContactId::Text(text) = &id else { return Some(id) };
    let kept = match plain::check_identifier(text) {
        Checked::Ok(same) if same.len() == text.len() && !same.is_empty() => return Some(id),
        Checked::Ok(trimmed) => trimmed.into_owned(),
        Checked::Changed(changed, why) => {
            found.push(Violation::new("id", text, Some(&changed), why));
            changed
        }
        Checked::Refused(why) => {
            found.push(Violation::new("id", text, None, why));
            return None;
        }
    };
    (!kept.is_empty()).then(|| ContactId::Text(kept.into()))
}

impl Violation {
    /// Most characters of a refused value that an explanation shows.
    const SHOWN: usize = 200;

    fn new(field: &'static str, value: &str, kept: Option<&str>, why: Cow<'static, str>) -> Self {
        let value = value.chars().filter(|&character| !plain::is_control(character)).take(Self::SHOWN).collect();
        Self { field, value, kept: kept.filter(|kept| !kept.is_empty()).map(str::to_owned), why }
    }
}

#[cfg(test)]
mod tests;
