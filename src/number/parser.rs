//! Everything that calldex asks of `rlibphonenumber`, behind a guard.
//!
//! The library panics on some hostile texts (a `tel:` behind a `;phone-context=`) and has no limit of length. It never
//! sees such a text: what goes in is made of ASCII digits with at most one plus before them, at most [`MOST_DIGITS`]
//! of them. The guard stays for what is not known yet: a caller must not end the process.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

use super::{Key, alias};

/// Most digits that are handed to the library: the longest number behind the longest international prefix.
const MOST_DIGITS: usize = 26;

/// How often a result may be read again until it stays the same.
const MOST_ROUNDS: usize = 6;

/// A number as the numbering plans see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// The E.164 digits.
    pub(super) key: Key,
    /// Its plan has this number.
    pub(super) valid: bool,
    /// Its plan has numbers of this length.
    pub(super) possible: bool,
}

/// Finds the plan of a country by its two letters; `None` for a country that the library does not know.
pub(super) fn region(country: &str) -> Option<Region> {
    let region = Region::from_code(country).ok().filter(|region| *region != Region::World)?;
    PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|_| region)
}

/// Reads digits as they are dialled within a country.
pub(super) fn read_national(digits: &str, region: Region) -> Option<Reading> {
    guarded(digits, None, || PHONE_NUMBER_UTIL.parse(digits, Some(region)).ok())
}

/// Reads digits that begin with a country code.
pub(super) fn read_international(digits: &str) -> Option<Reading> {
    if digits.starts_with('0') {
        return None;
    }
    guarded(digits, Some(digits), || parse_international(digits))
}

/// How a number is written.
pub(super) struct Spelled {
    /// Its country code.
    pub(super) code: i32,
    /// As people write it in its own country.
    pub(super) national: String,
    /// As people write it with its country code.
    pub(super) international: String,
}

/// Spells a number; `None` when no plan knows its country code.
pub(super) fn spell(key: Key) -> Option<Spelled> {
    ask(key, |number| {
        Some(Spelled {
            code: number.country_code,
            national: number.format_as(PhoneNumberFormat::National).into_owned(),
            international: number.format_as(PhoneNumberFormat::International).into_owned(),
        })
    })
}

/// The digits with which a number is written in its own country, trunk prefix included.
pub(super) fn national_digits(key: Key) -> String {
    let written = ask(key, |number| Some(number.format_as(PhoneNumberFormat::National).into_owned()));
    written.unwrap_or_default().chars().filter(char::is_ascii_digit).collect()
}

/// The country code of a number.
pub(super) fn country_code(key: Key) -> Option<i32> {
    ask(key, |number| Some(number.country_code))
}

/// The country of a valid number.
pub(super) fn region_of(key: Key) -> Option<Region> {
    ask(key, PhoneNumber::get_region_code)
}

/// Whether a number is a landline, or may be one.
pub(super) fn is_fixed_line(key: Key) -> bool {
    let kind = ask(key, |number| Some(number.get_type()));
    matches!(kind, Some(PhoneNumberType::FixedLine | PhoneNumberType::FixedLineOrMobile))
}

/// Asks the library about a key, inside the guard.
fn ask<T>(key: Key, question: impl FnOnce(&PhoneNumber) -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(|| question(&PHONE_NUMBER_UTIL.parse(key.to_string(), None).ok()?))).ok().flatten()
}

/// Runs the library inside the guard and settles the result. `read` are the digits behind a plus that it is made from.
fn guarded(digits: &str, read: Option<&str>, parse: impl FnOnce() -> Option<PhoneNumber>) -> Option<Reading> {
    if digits.len() > MOST_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    catch_unwind(AssertUnwindSafe(|| settle(parse()?, read))).ok().flatten()
}

/// Reads a result again until it stays the same: the library takes off one trunk prefix at a time, so that the number
/// it returns may not be what it makes of that number. Without this, a number would not equal itself after a round trip.
fn settle(mut number: PhoneNumber, read: Option<&str>) -> Option<Reading> {
    let mut read = read.map(str::to_owned);
    for _ in 0..=MOST_ROUNDS {
        let digits = e164_digits(&number);
        if read.as_deref() == Some(&digits) {
            return judge(&number, &digits);
        }
        number = parse_international(&digits)?;
        read = Some(digits);
    }
    None
}

fn judge(number: &PhoneNumber, digits: &str) -> Option<Reading> {
    let key = Key::from_digits(digits)?;
    let valid = number.is_valid();
    let possible =
        valid || number.is_possible_with_reason() == Ok(NumberLengthType::IsPossible) || alias::is_former(key);
    Some(Reading { key, valid, possible })
}

fn parse_international(digits: &str) -> Option<PhoneNumber> {
    let mut text = String::with_capacity(digits.len() + 1);
    text.push('+');
    text.push_str(digits);
    PHONE_NUMBER_UTIL.parse(&text, None).ok()
}

/// Country code, leading zeros, the rest. Written here because the library's formatter gives at most ten zeros.
fn e164_digits(number: &PhoneNumber) -> String {
    let zeros = if number.italian_leading_zero() { number.number_of_leading_zeros().max(1) } else { 0 };
    let zeros = usize::try_from(zeros).unwrap_or(0).min(Key::MAX_DIGITS);
    let mut digits = String::with_capacity(MOST_DIGITS);
    digits.push_str(&number.country_code.to_string());
    digits.extend(std::iter::repeat_n('0', zeros));
    digits.push_str(&number.national_number.to_string());
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_knows_whether_its_plan_has_the_number() {
        let known = read_international("40722111222").unwrap();
        assert!(known.valid && known.possible);
        let odd = read_international("40999999999").unwrap();
        assert!(!odd.valid && odd.possible);
        let short = read_international("407221112").unwrap();
        assert!(!short.possible);
    }

    #[test]
    fn what_is_not_digits_never_reaches_the_library() {
        for text in ["1;phone-context=a;tel:", "", "+40722111222", &"1".repeat(27)] {
            assert_eq!(guarded(text, None, || panic!("asked")), None, "{text}");
        }
    }

    #[test]
    fn a_panic_of_the_library_is_no_reading() {
        assert_eq!(guarded("40722111222", None, || panic!("a panic that this test wants")), None);
    }

    #[test]
    fn more_than_ten_leading_zeros_are_kept_or_refused_but_never_lost() {
        let written = format!("39{}123", "0".repeat(11));
        assert_eq!(read_international(&written).map(|reading| reading.key.get().to_string()), Some(written));
        assert_eq!(read_international(&format!("39{}123", "0".repeat(16))), None);
    }

    #[test]
    fn only_countries_with_a_plan_are_known() {
        assert!(region("RO").is_some() && region("AC").is_some());
        assert!(region("ZZ").is_none() && region("001").is_none() && region("").is_none() && region("ROU").is_none());
    }
}
