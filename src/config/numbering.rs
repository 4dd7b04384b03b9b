//! The keys that say how telephone numbers are read, of projects and directories.

use super::keys::{Key, Kind, words};
use super::reader::Reader;
use crate::number::{Numbering, WithoutPlus, is_known_country, nearest_country};

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

/// Only capital letters, so that equal settings are spelled alike.
fn read_country(text: &str) -> Result<String, String> {
    if is_known_country(text) && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(text.to_owned());
    }
    Err(nearest_country(text).map_or_else(String::new, |country| format!("; did you mean \"{country}\"?")))
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
        assert_eq!(read_country("RX").unwrap_err(), "; did you mean \"AX\"?");
        assert_eq!(read_country("001").unwrap_err(), "");
    }
}
