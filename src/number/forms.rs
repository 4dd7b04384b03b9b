//! Spellings of a number: for people, and for systems that only find what is spelled as they hold it.
//!
//! A system that calldex does not own is asked with a few spellings; every number of its answer is then read and
//! compared by key, so a spelling too many costs a little time and can never name a stranger.

use rlibphonenumber::PHONE_NUMBER_UTIL;

use super::{Phone, parser};

/// Release of Google's numbering plans that the parser was built with; stored beside every key.
pub const METADATA_VERSION: &str = "9.0.42";

/// Countries by names that are not their two letters.
const NAMES: [(&str, &str); 16] = [
    ("UK", "GB"),
    ("EN", "GB"),
    ("ENG", "GB"),
    ("ENGLAND", "GB"),
    ("USA", "US"),
    ("AMERICA", "US"),
    ("AUT", "AT"),
    ("AUSTRIA", "AT"),
    ("GERMANY", "DE"),
    ("DEUTSCHLAND", "DE"),
    ("GREECE", "GR"),
    ("EL", "GR"),
    ("SPAIN", "ES"),
    ("SWITZERLAND", "CH"),
    ("POLAND", "PL"),
    ("CZECHIA", "CZ"),
];

/// The spellings of one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forms {
    /// `+40722111222`
    pub e164: String,
    /// `40722111222`
    pub digits: String,
    /// `0040722111222`
    pub double_zero: String,
    /// `0722111222`
    pub national_compact: String,
    /// `0722 111 222`
    pub national: String,
    /// `722111222`
    pub national_significant: String,
    /// `+40 722 111 222`, for people.
    pub international: String,
    /// Whether the number is of the country that [`forms()`] was given; then national spellings are unambiguous.
    pub at_home: bool,
}

impl Forms {
    /// As dialled from home: national there, `00` and the country code elsewhere.
    #[must_use]
    pub fn dialled(&self) -> &str {
        if self.at_home { &self.national_compact } else { &self.double_zero }
    }

    /// The number in one spelling.
    #[must_use]
    pub fn spelled(&self, spelling: Spelling) -> &str {
        match spelling {
            Spelling::E164 => &self.e164,
            Spelling::Digits => &self.digits,
            Spelling::DoubleZero => &self.double_zero,
            Spelling::Dialled => self.dialled(),
            Spelling::National => &self.national_compact,
            Spelling::NationalFormatted => &self.national,
            Spelling::NationalSignificant => &self.national_significant,
            Spelling::International => &self.international,
        }
    }

    /// The spellings to look for in a system, without repetition: international ones, and at home the national ones.
    #[must_use]
    pub fn spellings(&self) -> Vec<&str> {
        let mut spellings = vec![self.e164.as_str(), &self.digits, &self.double_zero];
        if self.at_home {
            spellings.extend([self.national_compact.as_str(), &self.national, &self.national_significant]);
        }
        let mut seen = Vec::with_capacity(spellings.len());
        for spelling in spellings {
            if !seen.contains(&spelling) {
                seen.push(spelling);
            }
        }
        seen
    }
}

/// The name of one spelling, for systems that are asked with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Spelling {
    /// `+40722111222`
    E164,
    /// `40722111222`
    Digits,
    /// `0040722111222`
    DoubleZero,
    /// As dialled from home: `0722111222` there, `0049301234` elsewhere.
    #[default]
    Dialled,
    /// `0722111222`
    National,
    /// `0722 111 222`
    NationalFormatted,
    /// `722111222`
    NationalSignificant,
    /// `+40 722 111 222`
    International,
}

impl Spelling {
    /// Every spelling by its name in the configuration.
    pub const ALL: [(&str, Self); 8] = [
        ("e164", Self::E164),
        ("digits", Self::Digits),
        ("double_zero", Self::DoubleZero),
        ("dialled", Self::Dialled),
        ("national", Self::National),
        ("national_formatted", Self::NationalFormatted),
        ("national_significant", Self::NationalSignificant),
        ("international", Self::International),
    ];

    /// The names of [`Spelling::ALL`].
    pub const WORDS: [&str; 8] = {
        let mut words = [""; 8];
        let mut index = 0;
        while index < 8 {
            words[index] = Self::ALL[index].0;
            index += 1;
        }
        words
    };

    /// Whether it leaves the country out, so that it says something only at home.
    #[must_use]
    pub fn is_national(self) -> bool {
        matches!(self, Self::National | Self::NationalFormatted | Self::NationalSignificant)
    }
}

/// Spells a number. `home` is the two-letter country of whoever reads it; `None` counts every country as home.
#[must_use]
pub fn forms(phone: &Phone, home: Option<&str>) -> Forms {
    let digits = phone.key.get().to_string();
    let spelled = parser::spell(phone.key);
    let code = spelled.as_ref().map(|spelled| spelled.code);
    let (national, international) = match spelled {
        Some(spelled) => (spelled.national, spelled.international),
        None => (digits.clone(), phone.key.to_string()),
    };
    let home_code = home.and_then(parser::region).and_then(|home| PHONE_NUMBER_UTIL.get_country_code_for_region(home));
    let significant = code.and_then(|code| digits.strip_prefix(&code.to_string()).map(str::to_owned));
    Forms {
        e164: phone.key.to_string(),
        double_zero: format!("00{digits}"),
        national_compact: national.chars().filter(char::is_ascii_digit).collect(),
        national,
        national_significant: significant.unwrap_or_else(|| digits.clone()),
        international,
        at_home: code.is_some() && (home.is_none() || code == home_code),
        digits,
    }
}

/// The two-letter country of a valid number; `None` for international services (+800) and numbers outside of a plan.
#[must_use]
pub fn country_of(phone: &Phone) -> Option<String> {
    let region = parser::region_of(phone.key)?.as_region_str();
    (region.len() == 2).then(|| region.as_str().to_owned())
}

/// Whether there is a numbering plan for this two-letter country, in any case.
#[must_use]
pub fn is_known_country(country: &str) -> bool {
    parser::region(country).is_some()
}

/// The country that somebody may have meant: by a usual name, by the first two letters, or by one letter in common.
#[must_use]
pub fn nearest_country(text: &str) -> Option<String> {
    let text = text.trim().to_uppercase();
    if let Some((_, country)) = NAMES.iter().find(|(name, _)| *name == text) {
        return Some((*country).to_owned());
    }
    let start: String = text.chars().take(2).collect();
    if is_known_country(&start) {
        return Some(start);
    }
    let mut countries: Vec<String> =
        PHONE_NUMBER_UTIL.get_supported_regions().map(|region| region.as_region_str().as_str().to_owned()).collect();
    countries.sort_unstable();
    countries.into_iter().find(|country| strsim::levenshtein(country, &start) == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Key;

    fn phone(digits: u64) -> Phone {
        Phone { key: Key::new(digits).unwrap(), valid: true }
    }

    #[test]
    fn a_number_is_spelled_as_systems_hold_it() {
        let forms = forms(&phone(40_722_111_222), Some("RO"));
        assert_eq!(
            forms.spellings(),
            ["+40722111222", "40722111222", "0040722111222", "0722111222", "0722 111 222", "722111222"]
        );
        assert_eq!(forms.international, "+40 722 111 222");
        assert_eq!(forms.dialled(), "0722111222");
    }

    #[test]
    fn a_foreign_number_is_dialled_with_its_country_code() {
        let forms = forms(&phone(493_012_345_678), Some("RO"));
        assert_eq!(forms.dialled(), "00493012345678");
        assert_eq!(forms.spellings().len(), 3);
    }

    #[test]
    fn an_italian_number_keeps_its_zero() {
        let forms = forms(&phone(390_612_345_678), None);
        assert_eq!(
            (forms.national_compact.as_str(), forms.national_significant.as_str()),
            ("0612345678", "0612345678")
        );
    }

    #[test]
    fn a_number_outside_of_every_plan_is_still_spelled() {
        let forms = forms(&Phone { key: Key::new(999_123_456_789).unwrap(), valid: false }, Some("RO"));
        assert_eq!(forms.dialled(), "00999123456789");
        assert_eq!(forms.international, "+999123456789");
    }

    #[test]
    fn the_country_of_a_number_is_found() {
        assert_eq!(country_of(&phone(40_722_111_222)).as_deref(), Some("RO"));
        assert_eq!(country_of(&phone(80_012_345_678)), None);
    }

    #[test]
    fn a_mistaken_country_is_guessed() {
        assert!(
            is_known_country("RO") && is_known_country("ro") && !is_known_country("ZZ") && !is_known_country("ROU")
        );
        for (text, country) in [("ROU", "RO"), ("uk", "GB"), ("Romania", "RO"), ("Germany", "DE"), ("fr", "FR")] {
            assert_eq!(nearest_country(text).as_deref(), Some(country), "{text}");
        }
        assert!(nearest_country("RX").is_some_and(|country| is_known_country(&country)));
    }
}
