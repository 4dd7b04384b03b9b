//! The fields that are short texts with a form: queue position, identifiers, number, language.

use std::borrow::Cow;

use super::Checked;

/// Longest identifier that leaves, in characters: a distinguished name of LDAP fits, a document does not.
const MAX_IDENTIFIER: usize = 255;

/// A place in the queue: a whole number from 0 to 100. Never clamped, as 101 is more likely a mistake than a wish.
pub(super) fn check_queue_position(value: &str) -> Checked<'_> {
    let text = value.trim();
    // Spreadsheets and templates write whole numbers as 5.0.
    let digits = text.strip_suffix(".0").unwrap_or(text);
    if text.is_empty() {
        return Checked::Ok(Cow::Borrowed(""));
    }
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse::<u8>() {
        Ok(place) if is_number && place <= 100 => Checked::Ok(Cow::Borrowed(digits)),
        _ => Checked::Refused("expected a whole number from 0 to 100".into()),
    }
}

/// What the PBX compares byte by byte: a repaired one would match nothing, or something else.
pub(super) fn check_identifier(value: &str) -> Checked<'_> {
    let checked = check_text(value);
    let text = match &checked {
        Checked::Ok(text) => text.as_ref(),
        Checked::Changed(text, _) => text.as_str(),
        Checked::Refused(_) => return checked,
    };
    if starts_expression(text) {
        return Checked::Refused("`${` and `$[` are expressions of a dial plan".into());
    }
    if text.chars().nth(MAX_IDENTIFIER).is_some() {
        return Checked::Refused(format!("longer than {MAX_IDENTIFIER} characters").into());
    }
    checked
}

/// The number to show: digits behind an optional plus. Separators that people write are taken out.
pub(super) fn check_outbound_number(value: &str) -> Checked<'_> {
    let text = value.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= 32 && digits.is_empty() == text.is_empty() {
        return Checked::Ok(Cow::Borrowed(text));
    }
    let is_separator =
        |character| matches!(character, ' ' | '.' | '-' | '/' | '(' | ')' | '\u{a0}') || is_control(character);
    let bare: String = text.chars().filter(|&character| !is_separator(character)).collect();
    let digits = bare.strip_prefix('+').unwrap_or(&bare);
    if !digits.is_empty() && digits.len() <= 32 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Checked::Changed(bare, "separators were taken out of the number".into());
    }
    Checked::Refused("expected at most 32 digits, with or without a plus before them".into())
}

/// A language as BCP 47 and POSIX write it: `ro`, `pt-BR`, `zh_Hans`.
pub(super) fn check_language(value: &str) -> Checked<'_> {
    let text = value.trim();
    let mut parts = text.split(['-', '_']);
    let first = parts.next().unwrap_or_default();
    let first_fits = (2..=3).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_alphabetic());
    let others_fit = parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if text.is_empty() || (first_fits && others_fit && text.len() <= 35) {
        return Checked::Ok(Cow::Borrowed(text));
    }
    Checked::Refused("expected a language such as `ro` or `pt-BR`".into())
}

/// Any text: without control and invisible characters, and without blanks around it.
pub(super) fn check_text(value: &str) -> Checked<'_> {
    if !value.chars().any(is_hidden) {
        return Checked::Ok(Cow::Borrowed(value.trim()));
    }
    let visible: String = value.chars().filter(|&character| !is_hidden(character)).collect();
    let trimmed = visible.trim();
    if value.trim_matches(|character: char| character.is_whitespace() || is_hidden(character)) == trimmed {
        return Checked::Ok(Cow::Owned(trimmed.to_owned()));
    }
    Checked::Changed(trimmed.to_owned(), "control or invisible characters were taken out".into())
}

/// Control characters of C0 and C1, DEL, and the line and paragraph separators that some programs read as line ends.
pub(super) fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Control characters, and marks without a shape: those that turn the direction of writing can make a text read as
/// another one, the others make equal texts differ. Joiners stay: Persian names and emoji need them.
pub(crate) fn is_hidden(character: char) -> bool {
    is_control(character)
        || matches!(
            character,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'
                | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// Whether a dial plan would evaluate a part of the text.
pub(super) fn starts_expression(text: &str) -> bool {
    text.contains("${") || text.contains("$[")
}
