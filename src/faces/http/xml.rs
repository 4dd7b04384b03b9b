//! XML: plain elements in order, in the only form that PHP's `json_decode(json_encode(simplexml_load_string($xml)))`
//! reads without loss: no attributes, no CDATA, no namespace, no comment, nothing before the declaration.

use std::fmt::Write;

use super::reply::{Frame, Part, parts, room};
use crate::model::CallerData;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// The root element of a project that names none, or none that can be an element.
const ROOT: &str = "response";

/// Writes the fields as children of the root element; null is an empty element, which PHP reads as an empty array.
pub(super) fn write(answer: &CallerData, frame: Frame<'_>) -> String {
    let root = frame.root_tag.filter(|tag| is_element_name(tag)).unwrap_or(ROOT);
    let around = frame.xml_wrap.filter(|tag| is_element_name(tag));
    let mut out = String::with_capacity(2 * room(answer, frame));
    out.push_str(DECLARATION);
    for tag in around.into_iter().chain([root]) {
        open(&mut out, tag);
    }
    for (name, part) in parts(answer, frame.extended) {
        element(&mut out, name, part);
    }
    if let Some(error) = frame.error {
        element(&mut out, "error", Part::Text(error));
    }
    for tag in [root].into_iter().chain(around) {
        close(&mut out, tag);
    }
    out
}

/// How many bytes a character takes in the text of an element.
pub(super) fn written_len(character: char) -> usize {
    entity(character).map_or(character.len_utf8(), str::len)
}

fn element(out: &mut String, name: &str, part: Part<'_>) {
    if part == Part::Null {
        out.push('<');
        out.push_str(name);
        out.push_str("/>");
        return;
    }
    open(out, name);
    match part {
        Part::Null => {}
        Part::Text(text) => escape(out, text),
        Part::Integer(number) => {
            // Writing to a string cannot fail.
            let _ = write!(out, "{number}");
        }
    }
    close(out, name);
}

fn open(out: &mut String, name: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

fn close(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn escape(out: &mut String, text: &str) {
    let mut done = 0;
    for (place, character) in text.char_indices() {
        if let Some(entity) = entity(character) {
            out.push_str(&text[done..place]);
            out.push_str(entity);
            done = place + character.len_utf8();
        }
    }
    out.push_str(&text[done..]);
}

/// What is written in a character's place. XML 1.0 (section 2.2) has no way to write most control characters nor the
/// two non-characters, so they are left out, and so are the few that it could write.
fn entity(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\u{fffe}' | '\u{ffff}' => Some(""),
        other => other.is_control().then_some(""),
    }
}

/// Whether a text can be the name of an element without a namespace; only ASCII, which every reader takes.
fn is_element_name(name: &str) -> bool {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts_well && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}
