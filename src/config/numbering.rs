//! The keys that say how telephone numbers are read, of projects and directories.

use std::sync::OnceLock;

use super::keys::{Key, Kind, words};
use super::reader::Reader;
use crate::number::{Numbering, WithoutPlus};

const WITHOUT_PLUS: [(&str, WithoutPlus); 3] =
    [("auto", WithoutPlus::Auto), ("national", WithoutPlus::National), ("international", WithoutPlus::International)];

/// What projects and directories share.
pub(crate) const COMMON: &[Key] = &[
    Key::new(
        "country",
        Kind::Text("the two capital letters of a country, such as \"RO\""),
        "",
        "The country whose numbers are written without a country code. Without it only international numbers are read.",
    ),
    Key::new(
        "numbers_without_plus",
        Kind::Choice(&words(&WITHOUT_PLUS)),
        "\"auto\"",
        "What digits without a plus are. `auto`: national if that is a valid number, else international; the other \
         valid reading is tried second.",
    ),
];

/// What only projects have.
pub(crate) const OF_A_PBX: &[Key] = &[
    Key::new(
        "outside_prefix",
        Kind::Text("1 to 6 characters of 0-9 * #, such as \"9\""),
        "",
        "What is dialled for an outside line and arrives in front of the number.",
    ),
    Key::new(
        "strip_prefix",
        Kind::Text("1 to 20 characters of 0-9 * #, such as \"9999#\""),
        "",
        "A technical prefix of the trunk; it is taken off first.",
    ),
    Key::new(
        "withheld",
        Kind::Texts("a word such as \"private\""),
        "",
        "Further words that this PBX or trunk sends for a caller who hides his number; compared without case.",
    ),
];

/// Reads the keys of [`COMMON`].
pub(crate) fn read_common(reader: &Reader<'_>) -> Numbering {
    Numbering {
        country: reader.parse("country", read_country),
        without_plus: reader.choice("numbers_without_plus", &WITHOUT_PLUS),
        ..Numbering::default()
    }
}

/// Reads the keys of [`COMMON`] and [`OF_A_PBX`].
pub(crate) fn read_of_a_pbx(reader: &Reader<'_>) -> Numbering {
    Numbering {
        outside_prefix: reader.parse("outside_prefix", |text| read_prefix(text, 6)),
        strip_prefix: reader.parse("strip_prefix", |text| read_prefix(text, 20)),
        withheld: reader.texts("withheld").into_iter().map(|text| text.value).collect(),
        ..read_common(reader)
    }
}

fn read_prefix(text: &str, longest: usize) -> Result<String, String> {
    let dialled = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'#'));
    if dialled && text.len() <= longest { Ok(text.to_owned()) } else { Err(String::new()) }
}

/// Names of countries that people write instead of the letters of the standard.
const OTHER_NAMES: [(&str, &str); 4] = [("UK", "GB"), ("EL", "GR"), ("EN", "GB"), ("JAP", "JP")];

fn read_country(text: &str) -> Result<String, String> {
    let known = countries();
    if known.iter().any(|country| country == text) {
        return Ok(text.to_owned());
    }
    let upper = text.to_uppercase();
    let other = OTHER_NAMES.iter().find(|(name, _)| *name == upper).map(|(_, country)| *country);
    let start = upper.get(..2).filter(|_| upper.len() <= 3);
    let near = other.or_else(|| known.iter().map(String::as_str).find(|country| Some(*country) == start));
    Err(near.map_or_else(|| name_neighbours(&upper, known), |country| format!("; did you mean \"{country}\"?")))
}

fn name_neighbours(upper: &str, known: &[String]) -> String {
    let first = upper.chars().next();
    let neighbours: Vec<&str> = known.iter().map(String::as_str).filter(|name| name.chars().next() == first).collect();
    match first {
        Some(letter) if !neighbours.is_empty() => format!("; with {letter} there are {}", neighbours.join(" ")),
        _ => String::new(),
    }
}

/// Every country that has a numbering plan, sorted.
// To be replaced by the list of `crate::number` as soon as that module has one.
fn countries() -> &'static [String] {
    static COUNTRIES: OnceLock<Vec<String>> = OnceLock::new();
    COUNTRIES.get_or_init(|| {
        let regions = rlibphonenumber::PHONE_NUMBER_UTIL.get_supported_regions();
        let mut countries: Vec<String> = regions.map(|region| region.to_string()).collect();
        countries.sort();
        countries
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_two_capital_letters_that_have_a_numbering_plan() {
        assert_eq!(read_country("RO").unwrap(), "RO");
        assert_eq!(read_country("ro").unwrap_err(), "; did you mean \"RO\"?");
        assert_eq!(read_country("UK").unwrap_err(), "; did you mean \"GB\"?");
        assert_eq!(read_country("DEU").unwrap_err(), "; did you mean \"DE\"?");
        assert_eq!(read_country("RX").unwrap_err(), "; with R there are RE RO RS RU RW");
        assert_eq!(read_country("001").unwrap_err(), "");
    }
}
