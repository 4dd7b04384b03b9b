//! First step: one alphabet. Digits of every script become ASCII, look-alikes become the sign that they stand for.
//!
//! What a person or a program cannot see (direction marks, a byte order mark, zero-width spaces) is dropped, because
//! text copied from web pages and chats is full of it; control characters become spaces.

/// Most characters of an input that are looked at. A number with name and SIP parameters is far shorter.
const MOST_CHARACTERS: usize = 512;

/// Text in one alphabet.
pub(super) struct Cleaned {
    /// Trimmed text without control characters; its digits are ASCII.
    pub(super) text: String,
    /// The text began with a space before a digit: a `+` that a URL decoder took for a space.
    pub(super) lost_plus: bool,
}

/// Cleans what came from outside.
pub(super) fn clean(raw: &str) -> Cleaned {
    let start = raw.as_bytes();
    let lost_plus = start.first() == Some(&b' ') && start.get(1).is_some_and(|byte| matches!(byte, b'1'..=b'9'));
    Cleaned { text: fold(raw), lost_plus }
}

/// Folds every character and trims the result.
pub(super) fn fold(raw: &str) -> String {
    // Most numbers are plain ASCII, which stands for itself.
    if raw.len() <= MOST_CHARACTERS && raw.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return raw.trim_matches(' ').to_owned();
    }
    let mut text: String = raw.chars().take(MOST_CHARACTERS).filter_map(fold_character).collect();
    text.truncate(text.trim_end().len());
    let indent = text.len() - text.trim_start().len();
    text.drain(..indent);
    text
}

/// The character that stands for this one; `None` for one that is dropped.
fn fold_character(character: char) -> Option<char> {
    match character {
        ' '..='~' => Some(character),
        _ if is_invisible(character) => None,
        _ if character.is_control() || character.is_whitespace() => Some(' '),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0),
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{30fc}' | '\u{fe58}' | '\u{fe63}' => Some('-'),
        '\u{fe62}' | '\u{207a}' | '\u{2795}' => Some('+'),
        '\u{2053}' | '\u{223c}' | '\u{301c}' => Some('~'),
        '\u{2044}' | '\u{2215}' => Some('/'),
        '\u{b7}' | '\u{2022}' | '\u{2024}' | '\u{3002}' => Some('.'),
        '\u{60c}' | '\u{3001}' => Some(','),
        '\u{61b}' => Some(';'),
        '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' => Some('"'),
        '\u{2018}'..='\u{201b}' | '\u{b4}' | '\u{2bc}' => Some('\''),
        _ => Some(fold_digit(character).unwrap_or(character)),
    }
}

/// Soft hyphen, zero-width and direction marks, variation selectors, the box of a keycap, the byte order mark.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{20e3}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e01ef}')
}

/// The ASCII digit of a decimal digit of another script.
fn fold_digit(character: char) -> Option<char> {
    let code = u32::from(character);
    let next = ZEROS.partition_point(|zero| *zero <= code);
    let value = code - ZEROS.get(next.checked_sub(1)?)?;
    if value < 10 { char::from_digit(value, 10) } else { None }
}

/// The zero of every script that has decimal digits (Unicode general category Nd), ascending; nine digits follow each.
const ZEROS: [u32; 71] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0,
    0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0,
    0x11f50, 0x16130, 0x16a60, 0x16ac0, 0x16b50, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140,
    0x1e2f0, 0x1e4f0, 0x1e950, 0x1fbf0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_become_ascii() {
        for zero in ZEROS {
            let written: String = (0..10).filter_map(|digit| char::from_u32(zero + digit)).collect();
            assert_eq!(fold(&written), "0123456789", "{zero:x}");
        }
        assert!(ZEROS.is_sorted());
    }

    #[test]
    fn signs_that_look_alike_become_one() {
        assert_eq!(fold("＋４０\u{a0}７２２‑１１１～５"), "+40 722-111~5");
    }

    #[test]
    fn what_cannot_be_seen_is_dropped_and_controls_become_spaces() {
        assert_eq!(fold("\u{feff}\u{202a}+40\u{200b}722\u{ad}\t111\0\r\n"), "+40722 111");
    }

    #[test]
    fn a_space_before_a_digit_was_a_plus() {
        assert!(clean(" 40722111222").lost_plus);
        for text in ["40722111222", " 0722111222", "  40722111222", "\t40722111222", " ", ""] {
            assert!(!clean(text).lost_plus, "{text:?}");
        }
    }

    #[test]
    fn a_long_input_is_cut() {
        assert_eq!(fold(&"7".repeat(36_000)).len(), MOST_CHARACTERS);
    }
}
