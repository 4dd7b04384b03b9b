//! JSON: one compact line with every key.

use std::fmt::Write;

use super::reply::{Frame, Part, parts, room};
use crate::model::CallerData;

/// Writes `{"id":…}`, or `{"root_tag":{"id":…}}`. Only what RFC 8259 demands is escaped: not `/`, not other alphabets.
pub(super) fn write(answer: &CallerData, frame: Frame<'_>) -> String {
    let mut out = String::with_capacity(room(answer, frame));
    if let Some(tag) = frame.root_tag {
        out.push('{');
        quote(&mut out, tag);
        out.push(':');
    }
    let mut before = '{';
    for (name, part) in parts(answer, frame.extended) {
        out.push(before);
        before = ',';
        out.push('"');
        out.push_str(name);
        out.push_str("\":");
        push(&mut out, part);
    }
    if let Some(error) = frame.error {
        out.push_str(",\"error\":");
        quote(&mut out, error);
    }
    out.push('}');
    if frame.root_tag.is_some() {
        out.push('}');
    }
    out
}

/// How many bytes a character takes inside a string.
pub(super) fn written_len(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    }
}

fn push(out: &mut String, part: Part<'_>) {
    match part {
        Part::Null => out.push_str("null"),
        Part::Text(text) => quote(out, text),
        Part::Integer(number) => push_integer(out, number),
    }
}

/// Writes an integer. One above 2^31-1 is written as a string: Asterisk's `JSON_DECODE` turned 5000000001 into
/// 705032705.
fn push_integer(out: &mut String, number: u32) {
    // Writing to a string cannot fail.
    let _ = if i32::try_from(number).is_ok() { write!(out, "{number}") } else { write!(out, "\"{number}\"") };
}

fn quote(out: &mut String, text: &str) {
    let is_plain = |byte: u8| (byte >= b' ') & (byte != b'"') & (byte != b'\\');
    out.push('"');
    // Without a way out of it this loop is done with vectors, and almost always it is all there is to do.
    if text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
        out.push_str(text);
        out.push('"');
        return;
    }
    let mut done = 0;
    for (place, byte) in text.bytes().enumerate() {
        if is_plain(byte) {
            continue;
        }
        // The bytes that are escaped are ASCII, so both cuts are between characters.
        out.push_str(&text[done..place]);
        escape(out, byte);
        done = place + 1;
    }
    out.push_str(&text[done..]);
    out.push('"');
}

fn escape(out: &mut String, byte: u8) {
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        0x08 => out.push_str("\\b"),
        0x0c => out.push_str("\\f"),
        other => {
            let _ = write!(out, "\\u{other:04x}");
        }
    }
}
