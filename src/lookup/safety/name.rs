//! Names, made for a telephone's display and for the SIP headers on the way to it.

use std::borrow::Cow;

use super::Checked;
use super::plain::{is_control, is_hidden, starts_expression};
use crate::config::Reply;

/// Characters that FreeSWITCH 1.10 takes for syntax: it shows what is before, behind or between them.
const SIP_SYNTAX: &[char] = &[':', '/', '@', '"', '\\', '%'];

/// Forms a name as the project wants it. A name is never refused: a strange one is better than none.
///
/// What the project asks for (ASCII, SIP-safe) is not reported as a repair; everything else is.
pub(super) fn check<'a>(value: &'a str, shape: &Reply) -> Checked<'a> {
    if is_plain(value, shape) {
        return Checked::Ok(Cow::Borrowed(value.trim()));
    }
    let mut why = None;
    let mut name = Cow::Borrowed(value.trim());
    if name.chars().any(is_hidden) {
        name = Cow::Owned(without_hidden(&name));
        why = Some("control or invisible characters were taken out");
    }
    // Transliteration can write `$` and `{` where other characters stood, so what follows comes after it.
    if shape.name_ascii && !name.is_ascii() {
        name = Cow::Owned(tidy(&deunicode::deunicode_with_tofu(&name, "")));
    }
    if shape.name_sip_safe && name.contains(SIP_SYNTAX) {
        name = Cow::Owned(tidy(&name.replace(SIP_SYNTAX, "")));
    }
    if starts_expression(&name) {
        name = Cow::Owned(name.replace("${", "$ {").replace("$[", "$ ["));
        why = Some("`${` and `$[` are expressions of a dial plan");
    }
    if let Some((end, _)) = shape.name_length.and_then(|length| name.char_indices().nth(length)) {
        name = Cow::Owned(name[..end].trim_end().to_owned());
        why = Some("longer than `name_length`");
    }
    match why {
        Some(why) => Checked::Changed(name.into_owned(), why.into()),
        None => Checked::Ok(name),
    }
}

/// One pass over the bytes, which tells of almost every name that nothing is to be done.
fn is_plain(name: &str, shape: &Reply) -> bool {
    let longest = shape.name_length.unwrap_or(usize::MAX);
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) & (byte != b'$');
    // Without a way out of it the loop is done with vectors.
    !shape.name_sip_safe && name.len() <= longest && name.bytes().fold(true, |all, byte| all & plain(byte))
}

/// Line ends and tabs become blanks, as they stood between words; the rest disappears.
fn without_hidden(name: &str) -> String {
    let visible = |character: char| match character {
        '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        other => (!is_control(other) && !is_hidden(other)).then_some(other),
    };
    tidy(&name.chars().filter_map(visible).collect::<String>())
}

/// One blank between words, none around them, and no control character that a transliteration may have written.
fn tidy(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for word in name.split(|character: char| character == ' ' || is_control(character)) {
        if !word.is_empty() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    out.trim().to_owned()
}
