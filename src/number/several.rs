//! Cells that hold several numbers: `0722 111 222 / 0733 222 333; +40 21 312 34 56`.
//!
//! The same signs stand inside of one number (`021/312 34 56`, `0722,111,222`), so a soft sign separates only where
//! every part is long enough to be a number.

/// Fewest digits of a part for a sign that also stands inside of numbers to separate.
const LEAST_DIGITS: usize = 7;

/// Fewest digits of a part that begins with a country code: `0049 171/2079190` is one number.
const LEAST_INTERNATIONAL: usize = 9;

/// Longest cell that is split, in bytes; a longer one is no list of numbers.
const LONGEST_CELL: usize = 4_096;

/// Words that separate numbers, in the languages of the neighbourhood.
const WORDS: [&str; 14] = ["or", "and", "sau", "si", "și", "şi", "oder", "und", "ou", "et", "o", "y", "vagy", "és"];

/// Splits a cell into the texts of its numbers, trimmed and in order; a text that holds one number stays whole.
#[must_use]
pub fn split_several(text: &str) -> Vec<&str> {
    if text.len() > LONGEST_CELL {
        return vec![text];
    }
    if is_plain(text) {
        return Some(text.trim_matches(' ')).filter(|text| !text.is_empty()).into_iter().collect();
    }
    text.split(['\n', '\r', '|'])
        .flat_map(split_at_words)
        .flat_map(|part| split_at_soft(part, is_semicolon))
        .flat_map(|part| split_at_soft(part, |_, character| character == ','))
        .flat_map(|part| split_at_soft(part, |_, character| matches!(character, '/' | '&' | '\\')))
        .flat_map(|part| split_at_soft(part, |behind, character| character == ' ' && starts_number(behind)))
        .map(|part| part.trim_matches([' ', '\t', ',', ';', '/']))
        .filter(|part| !part.is_empty())
        .collect()
}

/// Whether nothing in the text can separate numbers, as in most cells: digits, and what stands inside of numbers only.
fn is_plain(text: &str) -> bool {
    let behind_the_first = text.get(1..).unwrap_or_default();
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b' ' | b'.' | b'-' | b'(' | b')' | b'+'))
        && !behind_the_first.contains('+')
}

/// Splits at words that stand alone between two parts that have digits.
fn split_at_words(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for word in text.split(' ') {
        let end = at + word.len();
        let is_separator = WORDS.contains(&word.to_lowercase().as_str());
        if is_separator && count_digits(&text[start..at]) > 1 && count_digits(&text[end..]) > 1 {
            parts.push(&text[start..at]);
            start = end;
        }
        at = (end + 1).min(text.len());
    }
    parts.push(&text[start..]);
    parts
}

/// Splits where `separates` says so of the text behind a character and the character, if every part is long enough.
fn split_at_soft(text: &str, separates: impl Fn(&str, char) -> bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, character) in text.char_indices() {
        let behind = &text[at + character.len_utf8()..];
        if separates(behind, character) {
            parts.push(&text[start..at]);
            start = at + character.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    let long_enough = parts.iter().all(|part| is_long_enough(part));
    if long_enough && parts.len() > 1 { parts } else { vec![text] }
}

/// A semicolon separates numbers unless the name of a parameter follows (`;ext=5`).
fn is_semicolon(behind: &str, character: char) -> bool {
    character == ';' && !behind.trim_start().starts_with(|next: char| next.is_alphabetic())
}

/// A plus behind a space begins another number.
fn starts_number(behind: &str) -> bool {
    behind.trim_start_matches('(').starts_with('+')
}

/// Whether a part may be a whole number.
fn is_long_enough(part: &str) -> bool {
    let part = part.trim_start_matches([' ', '(']);
    match part.strip_prefix("00").or_else(|| part.strip_prefix('+')) {
        Some(international) => count_digits(international) >= LEAST_INTERNATIONAL,
        None => count_digits(part) >= LEAST_DIGITS,
    }
}

fn count_digits(text: &str) -> usize {
    text.chars().filter(|character| character.is_numeric()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_numbers_are_told_apart() {
        for text in [
            "0722 111 222 / 0733 222 333",
            "0722 111 222;0733 222 333",
            "0722 111 222, 0733 222 333",
            "0722 111 222\n0733 222 333",
            "0722 111 222 or 0733 222 333",
            "0722 111 222 sau 0733 222 333;",
            "0722 111 222 | 0733 222 333",
            "0722 111 222 & 0733 222 333",
        ] {
            assert_eq!(split_several(text), ["0722 111 222", "0733 222 333"], "{text:?}");
        }
        assert_eq!(split_several("+40722111222 +40733222333"), ["+40722111222", "+40733222333"]);
        assert_eq!(
            split_several("0722 111 222 / 0733 222 333; +40 21 312 34 56"),
            ["0722 111 222", "0733 222 333", "+40 21 312 34 56"]
        );
        assert_eq!(split_several("021/312 34 56, 0722111222"), ["021/312 34 56", "0722111222"]);
        assert_eq!(split_several("101\n102"), ["101", "102"]);
    }

    #[test]
    fn one_number_stays_whole() {
        for text in [
            "021/312 34 56",
            "0722,111,222",
            "tel:+40722111222;ext=1234567",
            "+40 (0) 722 111 222",
            "0722 111 222, 123",
            "0722 111 222 / 23",
            "Ion or Ana 0722 111 222",
            "+40 722 111 222",
            "0049 171/2079190",
            "+49 (0)2151/1234567",
            "(0049) 2151 / 1234567",
        ] {
            assert_eq!(split_several(text), [text]);
        }
        assert!(split_several(" ; ").len() <= 1 && split_several("").is_empty());
    }
}
