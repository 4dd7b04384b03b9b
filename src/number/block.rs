//! Blocks: ranges of numbers that somebody entered for a company, never inferred.
//!
//! Three spellings: `+40 21 312 34xx` (any digits in these places), `+40 21 312 3400-3459` (from, to) and `+40 21 312*`
//! (whatever follows). A block is stored as prefixes, so that a lookup asks for the prefixes of the caller's number.

use crate::error::{Error, Kind, Result};

use super::parser::country_code;
use super::{Key, Number, Numbering, parse};

/// Fewest digits behind the country code: a shorter block is a whole city or network.
pub const LEAST_DIGITS_BEHIND_COUNTRY: usize = 5;

/// Most prefixes that one range may become.
const MOST_PREFIXES: usize = 64;

/// Most digits behind a `*` that are tried to find out how a number of the block is read.
const MOST_FILLED: usize = 12;

/// A part of a block: all numbers that begin with the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Block {
    /// First digits of the E.164 number.
    pub prefix: u64,
    /// Digits of the whole number; `None` for any.
    pub length: Option<u8>,
}

/// Reads a block as its owner wrote it.
///
/// # Errors
/// [`Kind::Invalid`] for a text that is no block, or one that is too wide; the message says which and what is expected.
pub fn parse_block(text: &str, numbering: &Numbering) -> Result<Vec<Block>> {
    let text = text.trim();
    let parts = if let Some(open) = text.strip_suffix('*') {
        vec![open_block(open, numbering)?]
    } else if text.ends_with(['x', 'X']) {
        vec![places_block(text, numbering)?]
    } else {
        range_blocks(text, numbering)?
    };
    match parts.iter().find(|part| !is_narrow(part)) {
        Some(_) => Err(invalid(text, "is too wide: at least the country code and five digits must be fixed")),
        None => Ok(parts),
    }
}

/// The prefixes of a number under which a block may hold it, longest first.
///
/// They go down to one digit of country code; behind a longer code no stored block is that short.
#[must_use]
pub fn prefixes(key: Key) -> Vec<u64> {
    let least = LEAST_DIGITS_BEHIND_COUNTRY + 1;
    let mut prefixes = Vec::new();
    let mut prefix = key.get();
    let mut digits = prefix.to_string().len();
    while digits >= least {
        prefixes.push(prefix);
        prefix /= 10;
        digits -= 1;
    }
    prefixes
}

/// `+40 21 312*`: filled up until it is a number, of which the filling is taken off again.
fn open_block(open: &str, numbering: &Numbering) -> Result<Block> {
    let mut best = None;
    for filled in 0..=MOST_FILLED {
        let candidate = format!("{open}{}", "0".repeat(filled));
        if let Some((key, valid)) = read(&candidate, numbering) {
            let prefix = without_last(key, filled);
            if valid {
                return prefix.map(|prefix| Block { prefix, length: None }).ok_or_else(|| too_open(open));
            }
            best = best.or(prefix);
        }
    }
    best.map(|prefix| Block { prefix, length: None }).ok_or_else(|| too_open(open))
}

fn too_open(open: &str) -> Error {
    invalid(&format!("{open}*"), "does not begin like a number of a known country; write it with + and country code")
}

/// `+40 21 312 34xx`: as many places as there are `x`.
fn places_block(text: &str, numbering: &Numbering) -> Result<Block> {
    let written = text.trim_end_matches(['x', 'X', ' ', '-', '.']);
    let places = text[written.len()..].chars().filter(|place| matches!(place, 'x' | 'X')).count();
    let (key, _) = read(&format!("{written}{}", "0".repeat(places)), numbering).ok_or_else(|| not_a_number(text))?;
    let prefix = without_last(key, places).ok_or_else(|| not_a_number(text))?;
    Ok(Block { prefix, length: Some(length(key)) })
}

/// `+40 21 312 3400-3459`: the last group of digits runs from one value to another of the same length.
fn range_blocks(text: &str, numbering: &Numbering) -> Result<Vec<Block>> {
    let expected = "is no block of numbers; expected +40 21 312 34xx, +40 21 312 3400-3459 or +40 21 312*";
    let (from_text, end) = text.rsplit_once(['-', '\u{2013}']).ok_or_else(|| invalid(text, expected))?;
    let (from_text, end) = (from_text.trim_end(), end.trim());
    let head = from_text.trim_end_matches(|character: char| character.is_ascii_digit());
    let start = &from_text[head.len()..];
    let same = !end.is_empty() && end.len() <= start.len() && end.bytes().all(|byte| byte.is_ascii_digit());
    if !same {
        return Err(invalid(text, expected));
    }
    let last_text = format!("{}{end}", &from_text[..from_text.len() - end.len()]);
    let (first, _) = read(from_text, numbering).ok_or_else(|| not_a_number(text))?;
    let (last, _) = read(&last_text, numbering).ok_or_else(|| not_a_number(text))?;
    if last < first || length(first) != length(last) {
        return Err(invalid(text, "ends before it begins"));
    }
    cover(first.get(), last.get(), length(first)).ok_or_else(|| invalid(text, "is too wide or too ragged; split it"))
}

/// The fewest prefixes that hold exactly the numbers from first to last; `None` for too many.
fn cover(first: u64, last: u64, length: u8) -> Option<Vec<Block>> {
    let mut parts = Vec::new();
    let mut from = first;
    while from <= last {
        let mut size = 1;
        while from.is_multiple_of(size * 10) && size < 10_u64.pow(9) && from + (size * 10 - 1) <= last {
            size *= 10;
        }
        parts.push(Block { prefix: from / size, length: Some(length) });
        if parts.len() > MOST_PREFIXES {
            return None;
        }
        from += size;
    }
    Some(parts)
}

fn read(text: &str, numbering: &Numbering) -> Option<(Key, bool)> {
    match parse(text, numbering) {
        Number::Phone { phone, extension: None, .. } => Some((phone.key, phone.valid)),
        _ => None,
    }
}

fn without_last(key: Key, places: usize) -> Option<u64> {
    let prefix = key.get() / 10_u64.checked_pow(u32::try_from(places).ok()?)?;
    (prefix > 0).then_some(prefix)
}

fn is_narrow(part: &Block) -> bool {
    let digits = part.prefix.to_string().len();
    Key::new(part.prefix).is_some_and(|key| digits >= LEAST_DIGITS_BEHIND_COUNTRY + country_code_length(key))
}

/// Country codes have one to three digits; an unknown one counts as three.
fn country_code_length(key: Key) -> usize {
    let filled = key.get().to_string();
    let filled = format!("{filled:0<12}");
    Key::from_digits(&filled).and_then(country_code).map_or(3, |code| code.to_string().len())
}

fn length(key: Key) -> u8 {
    u8::try_from(key.get().to_string().len()).unwrap_or(u8::MAX)
}

fn not_a_number(text: &str) -> Error {
    invalid(text, "cannot be read as numbers; write it with + and country code")
}

fn invalid(text: &str, what: &str) -> Error {
    Error::new(Kind::Invalid, format!("`{text}` {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &str) -> Vec<(u64, Option<u8>)> {
        let numbering = Numbering::of_country("RO");
        parse_block(text, &numbering).unwrap().into_iter().map(|block| (block.prefix, block.length)).collect()
    }

    #[test]
    fn three_spellings_are_read() {
        assert_eq!(blocks("+40 21 312 34xx"), [(402_131_234, Some(11))]);
        assert_eq!(blocks("021 312 34XX"), [(402_131_234, Some(11))]);
        assert_eq!(blocks("+40 21 312*"), [(4_021_312, None)]);
        assert_eq!(blocks("021 312 3*"), [(40_213_123, None)]);
    }

    #[test]
    fn a_range_becomes_the_fewest_prefixes() {
        let expected: Vec<_> = (0..6).map(|ten| (4_021_312_340 + ten, Some(11))).collect();
        assert_eq!(blocks("+40 21 312 3400-3459"), expected);
        assert_eq!(blocks("+40 21 312 3400-59"), expected);
        assert_eq!(blocks("+40 21 312 3400 - 3400"), [(40_213_123_400, Some(11))]);
        assert_eq!(blocks("+40 21 312 3000-3999"), [(40_213_123, Some(11))]);
    }

    #[test]
    fn what_is_no_block_or_too_wide_is_refused() {
        let numbering = Numbering::of_country("RO");
        for text in
            ["+40 21 31*", "+40*", "*", "", "+40 21 312 3400", "+40 21 312 3459-3400", "xx", "+40xxxxxxxxx", "Ion-Ana"]
        {
            assert!(parse_block(text, &numbering).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_is_in_its_blocks_and_in_no_other() {
        let caller = Key::new(40_213_123_456).unwrap();
        let asked = prefixes(caller);
        assert_eq!(asked.first(), Some(&40_213_123_456));
        assert_eq!(asked.last(), Some(&402_131));
        assert!(asked.contains(&402_131_234) && !asked.contains(&40_213));
    }
}
