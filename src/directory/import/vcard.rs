//! Cuts cards out of a vCard file: versions 2.1, 3.0 and 4.0, one behind the other, whatever stands between them.
//!
//! A card comes out unfolded and in UTF-8, so that a character that was folded in the middle is whole again and a
//! property of version 2.1 in another character set can be read. Pictures, sounds and keys are passed over line by
//! line and never held. What is no property is passed over and reported.

use std::collections::VecDeque;
use std::io::Read;

use encoding_rs::Encoding;

use crate::error::Result;

use super::card::put_card;
use super::columns::shorten;
use super::encoding::guess;
use super::lines::{Lines, Whole};
use super::reader::{Fault, MAX_FIELD, MAX_RECORD, Next};
use super::records::{Cells, Named};

/// Columns that every file of cards has: a card without a company says that there is none.
pub(crate) const COLUMNS: [&str; 8] =
    ["id", "name", "first_name", "last_name", "company", "email", "telephone", "telephone label"];

/// Properties whose values are not read.
const BINARY: [&str; 5] = ["PHOTO", "LOGO", "SOUND", "KEY", "X-MS-CARDPICTURE"];

/// Reads cards.
pub(crate) struct Cards<R> {
    lines: Lines<R>,
    /// The encoding that the user gave, for what is not UTF-8.
    given: Option<&'static Encoding>,
    central: bool,
    line: Vec<u8>,
    /// The line has been read but not used.
    ahead: bool,
    ready: VecDeque<(Next, Cells)>,
    /// The line where a card has begun whose properties are still to be read.
    begun: Option<u64>,
}

/// A property with its folded lines.
struct Property {
    line: u64,
    bytes: Vec<u8>,
    quoted_printable: bool,
    binary: bool,
    long: bool,
}

impl<R: Read> Cards<R> {
    /// Reads the bytes of a file as they are; `central` says that its country writes in Windows-1250.
    pub(crate) fn new(input: R, given: Option<&'static Encoding>, central: bool) -> Self {
        let (line, ready) = (Vec::new(), VecDeque::new());
        Self { lines: Lines::new(input), given, central, line, ahead: false, ready, begun: None }
    }

    /// Reads one line; `None` at the end of the file.
    fn line(&mut self) -> Result<Option<Whole>> {
        if std::mem::take(&mut self.ahead) {
            return Ok(Some(Whole::Yes));
        }
        self.lines.read(&mut self.line, MAX_FIELD)
    }

    /// Reads a property with its folded lines, or a blank line.
    fn property(&mut self) -> Result<Option<Property>> {
        let Some(mut whole) = self.line()? else { return Ok(None) };
        let head = String::from_utf8_lossy(self.line.get(..head_length(&self.line)).unwrap_or_default()).to_uppercase();
        let name = name_of(&head);
        let mut property = Property {
            line: self.lines.number(),
            bytes: Vec::new(),
            quoted_printable: head.contains("QUOTED-PRINTABLE"),
            binary: BINARY.contains(&name) || head.contains("BASE64") || head.contains("ENCODING=B"),
            long: false,
        };
        loop {
            property.long |= whole == Whole::No || property.bytes.len() + self.line.len() > MAX_FIELD;
            let soft = property.quoted_printable && self.line.last() == Some(&b'=');
            if !property.binary && !property.long {
                let from = usize::from(!property.bytes.is_empty() && !property.quoted_printable);
                let line = self.line.get(from..).unwrap_or_default();
                let end = line.len() - usize::from(soft && !line.is_empty());
                property.bytes.extend_from_slice(line.get(..end).unwrap_or_default());
            } else if property.bytes.is_empty() {
                property.bytes.extend_from_slice(head.as_bytes().get(..60).unwrap_or(head.as_bytes()));
            }
            match self.lines.read(&mut self.line, MAX_FIELD)? {
                Some(more) if soft || self.continues(&property) => whole = more,
                Some(Whole::Yes) => {
                    self.ahead = true;
                    return Ok(Some(property));
                }
                // So long a line is no property.
                Some(Whole::No) => {
                    self.line.clear();
                    self.ahead = true;
                    return Ok(Some(property));
                }
                None => return Ok(Some(property)),
            }
        }
    }

    /// Whether the line that was just read belongs to the property before it.
    fn continues(&self, property: &Property) -> bool {
        let folded = matches!(self.line.first(), Some(b' ' | b'\t'));
        let body = property.binary && !self.line.is_empty() && !self.line.contains(&b':');
        (folded && !property.bytes.is_empty()) || body
    }

    /// Reads up to the end of the next card.
    fn card(&mut self) -> Result<()> {
        let mut card = String::new();
        while let Some(property) = self.property()? {
            let text = self.text(&property);
            match text.trim().to_ascii_uppercase().as_str() {
                "" => {}
                "BEGIN:VCARD" => {
                    if let Some(line) = self.begun.replace(property.line) {
                        self.finish(line, &card, Some(Fault::Card));
                        return Ok(());
                    }
                }
                "END:VCARD" => {
                    if let Some(line) = self.begun.take() {
                        self.finish(line, &card, None);
                        return Ok(());
                    }
                }
                _ if property.binary => {}
                _ if self.begun.is_none() || property.long || !is_property(&text) => self.remark(property.line, &text),
                _ if card.len() + text.len() > MAX_RECORD => self.remark(property.line, &text),
                _ => {
                    card.push_str(&text.replace(['\r', '\n'], " "));
                    card.push_str("\r\n");
                }
            }
        }
        match self.begun.take() {
            Some(line) => self.finish(line, &card, Some(Fault::Card)),
            None => self.ready.push_back((Next::End, Cells::default())),
        }
        Ok(())
    }

    fn remark(&mut self, line: u64, text: &str) {
        let cells = Cells { line, note: shorten(text.trim()), cells: Vec::new() };
        self.ready.push_back((Next::Remark(Fault::CardLine), cells));
    }

    fn finish(&mut self, line: u64, card: &str, fault: Option<Fault>) {
        if let Some(fault) = fault {
            self.ready.push_back((Next::Remark(fault), Cells { line, ..Cells::default() }));
        }
        let mut cells = Cells { line, ..Cells::default() };
        let next = if put_card(card, &mut cells) { Next::Row } else { Next::Broken(Fault::CardUnreadable) };
        self.ready.push_back((next, cells));
    }

    /// The property in UTF-8.
    fn text(&self, property: &Property) -> String {
        match std::str::from_utf8(&property.bytes) {
            Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
            Err(_) => {
                let encoding = charset(&property.bytes).or(self.given);
                let encoding = encoding.unwrap_or_else(|| guess(&property.bytes, self.central));
                encoding.decode(&property.bytes).0.into_owned()
            }
        }
    }
}

impl<R: Read + Send> Named for Cards<R> {
    fn next(&mut self, cells: &mut Cells) -> Result<Next> {
        loop {
            if let Some((next, found)) = self.ready.pop_front() {
                *cells = found;
                return Ok(next);
            }
            self.card()?;
        }
    }
}

/// How long the part of a line before its value is.
fn head_length(line: &[u8]) -> usize {
    memchr::memchr(b':', line).unwrap_or(line.len())
}

/// `TEL` of `item1.TEL;type=CELL`.
fn name_of(head: &str) -> &str {
    let name = head.split([';', ':']).next().unwrap_or_default();
    name.rsplit('.').next().unwrap_or_default().trim()
}

/// Whether a line has a name and a value.
fn is_property(text: &str) -> bool {
    let name = text.get(..head_length(text.as_bytes())).map(name_of).unwrap_or_default();
    let named = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    text.contains(':') && named && !name.is_empty()
}

/// `CHARSET=ISO-8859-2` before the value.
fn charset(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(bytes.get(..head_length(bytes)).unwrap_or_default()).to_ascii_uppercase();
    let (_, rest) = head.split_once("CHARSET=")?;
    let name = rest.split([';', ':', ',']).next().unwrap_or_default();
    Encoding::for_label_no_replacement(name.trim_matches(['"', ' ']).as_bytes())
}

#[cfg(test)]
#[path = "vcard_tests.rs"]
mod tests;
