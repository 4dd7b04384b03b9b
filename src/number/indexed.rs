//! How a number of a contact is stored: by its key, as a short number, or, with the reason, as one that cannot match.
//!
//! A number that can never match is worse than none, because its owner believes that it works. So the reason is kept
//! in words for the person who can mend the file.

use super::several::split_several;
use super::{Key, LONGEST_LOCAL, Number, Numbering, clean, parse, uri, wrappers};

/// Digits of a tail: long enough to be one subscriber's in most plans.
pub const TAIL_DIGITS: usize = 9;

/// What the directory keeps for one number of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Indexed {
    /// A telephone number.
    Number {
        /// What it is found by.
        key: Key,
        /// Extension behind it.
        extension: Option<String>,
        /// Whether its numbering plan has it.
        valid: bool,
    },
    /// An extension, short number or SIP user.
    Local(String),
    /// It could not be read.
    Unread {
        /// Its last nine digits, when it has as many, for projects that try tails.
        tail: Option<u64>,
        /// Why it can never match (or by its tail only).
        reason: Reason,
    },
}

/// Why a number of a contact can never match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// There is no text.
    Empty,
    /// It has no country code, and no country is known.
    NoCountry,
    /// Too few digits for its country, too many for an extension.
    TooShort,
    /// More digits than any number has.
    TooLong,
    /// Not a number of the country.
    NotInPlan,
    /// Letters where digits should be.
    Letters,
    /// An e-mail address.
    Email,
    /// More than one number.
    Several,
    /// A word for a hidden number, or one digit repeated.
    Withheld,
    /// A spreadsheet turned it into `4.07E+10`.
    Scientific,
}

impl Reason {
    /// Every reason, for reports.
    pub const ALL: [Self; 10] = [
        Self::Empty,
        Self::NoCountry,
        Self::TooShort,
        Self::TooLong,
        Self::NotInPlan,
        Self::Letters,
        Self::Email,
        Self::Several,
        Self::Withheld,
        Self::Scientific,
    ];

    /// One word for stored rows, JSON and metric labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NoCountry => "no_country",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::NotInPlan => "not_in_plan",
            Self::Letters => "letters",
            Self::Email => "email",
            Self::Several => "several",
            Self::Withheld => "withheld",
            Self::Scientific => "scientific",
        }
    }

    /// What to tell the owner of the number.
    #[must_use]
    pub fn explain(self) -> &'static str {
        match self {
            Self::Empty => "there is no number",
            Self::NoCountry => "no country code, and no country is set: write it with + or set the country",
            Self::TooShort => "too few digits for a number of its country",
            Self::TooLong => "more digits than a number can have",
            Self::NotInPlan => "not a number of the country in which it is read",
            Self::Letters => "letters instead of a number",
            Self::Email => "an e-mail address, not a number",
            Self::Several => "more than one number in one field",
            Self::Withheld => "a word or digits that stand for a hidden number",
            Self::Scientific => "a spreadsheet cut off its last digits (4.07E+10): format the column as text",
        }
    }
}

/// Reads a number of a contact for storing. `country` is the country of the record (empty: the one of the address
/// book); `label` is what its source calls the number, which never changes how it is read, except that a label of a SIP
/// or extension field allows a bare user.
#[must_use]
pub fn indexed(written: &str, country: &str, label: &str, numbering: &Numbering) -> Indexed {
    if country.is_empty() || numbering.country.as_deref() == Some(country) {
        return store(written, label, numbering);
    }
    let own = Numbering { country: Some(country.to_owned()), ..numbering.clone() };
    store(written, label, &own)
}

fn store(written: &str, label: &str, numbering: &Numbering) -> Indexed {
    let folded = clean::fold(written);
    if folded.is_empty() {
        return Indexed::Unread { tail: None, reason: Reason::Empty };
    }
    if split_several(written).len() > 1 {
        return Indexed::Unread { tail: None, reason: Reason::Several };
    }
    let is_user = uri::address(&folded).has_scheme || is_user_label(label);
    match parse(written, numbering) {
        Number::Phone { phone, extension, .. } => Indexed::Number { key: phone.key, extension, valid: phone.valid },
        Number::Local(text) if is_user || !text.contains(char::is_alphabetic) => Indexed::Local(text),
        Number::Local(_) => Indexed::Unread { tail: None, reason: Reason::Email },
        Number::Withheld { .. } => Indexed::Unread { tail: None, reason: Reason::Withheld },
        Number::Unusable if is_user && is_word(&folded) => Indexed::Local(folded.to_lowercase()),
        Number::Unusable => unread(&folded, numbering),
    }
}

/// Labels of fields that hold a user of the PBX and not a number.
fn is_user_label(label: &str) -> bool {
    ["sip", "extension", "interior", "user"].iter().any(|name| label.eq_ignore_ascii_case(name))
}

/// A user is one word of few characters with a letter in it.
fn is_word(text: &str) -> bool {
    text.len() <= 64
        && text.contains(char::is_alphabetic)
        && text.chars().all(|character| character.is_alphanumeric() || "._-+".contains(character))
}

fn unread(folded: &str, numbering: &Numbering) -> Indexed {
    let digits: String = folded.chars().filter(char::is_ascii_digit).collect();
    let letters = folded.contains(char::is_alphabetic);
    let international = folded.contains('+') || digits.starts_with("00");
    let reason = if wrappers::is_scientific(wrappers::unwrap(folded)) {
        Reason::Scientific
    } else if letters && digits.len() <= LONGEST_LOCAL {
        Reason::Letters
    } else if digits.len() > Key::MAX_DIGITS {
        Reason::TooLong
    } else if numbering.country.is_none() && !international {
        Reason::NoCountry
    } else if digits.len() < TAIL_DIGITS {
        Reason::TooShort
    } else {
        Reason::NotInPlan
    };
    let tail = match reason {
        Reason::NoCountry | Reason::NotInPlan => tail(&digits),
        _ => None,
    };
    Indexed::Unread { tail, reason }
}

/// The last nine digits as an integer; `None` when there are fewer, or too many for a number.
fn tail(digits: &str) -> Option<u64> {
    let start = digits.len().checked_sub(TAIL_DIGITS)?;
    digits[start..].parse().ok().filter(|tail| *tail > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(written: &str, country: Option<&str>) -> Option<Reason> {
        let numbering = Numbering { country: country.map(str::to_owned), ..Numbering::default() };
        match indexed(written, "", "", &numbering) {
            Indexed::Unread { reason, .. } => Some(reason),
            _ => None,
        }
    }

    #[test]
    fn a_number_is_stored_by_its_key_and_extension() {
        let numbering = Numbering::of_country("RO");
        let key = Key::new(40_722_111_222).unwrap();
        let stored = indexed("0722 111 222 x5", "", "", &numbering);
        assert_eq!(stored, Indexed::Number { key, extension: Some("5".to_owned()), valid: true });
        let stored = indexed("030 123456", "DE", "", &numbering);
        assert!(matches!(stored, Indexed::Number { key, .. } if key.get() == 4_930_123_456), "{stored:?}");
    }

    #[test]
    fn short_numbers_and_users_are_local() {
        let numbering = Numbering::of_country("RO");
        assert_eq!(indexed("101", "", "", &numbering), Indexed::Local("101".to_owned()));
        assert_eq!(indexed("sip:Ion@pbx", "", "", &numbering), Indexed::Local("ion".to_owned()));
        assert_eq!(indexed("ion", "", "sip", &numbering), Indexed::Local("ion".to_owned()));
    }

    #[test]
    fn every_number_that_cannot_match_says_why() {
        for (written, country, expected) in [
            ("", Some("RO"), Reason::Empty),
            ("0722 111 222", None, Reason::NoCountry),
            ("0722 111 2", Some("RO"), Reason::TooShort),
            ("0722 111 222 333 444 555 666", Some("RO"), Reason::TooLong),
            ("0722 111 222 33", Some("RO"), Reason::NotInPlan),
            ("Ion Popescu", Some("RO"), Reason::Letters),
            ("ion@example.com", Some("RO"), Reason::Email),
            ("0722 111 222 / 0733 222 333", Some("RO"), Reason::Several),
            ("anonymous", Some("RO"), Reason::Withheld),
            ("0000000000", Some("RO"), Reason::Withheld),
            ("4.07221E+10", Some("RO"), Reason::Scientific),
        ] {
            assert_eq!(reason(written, country), Some(expected), "{written:?}");
        }
    }

    #[test]
    fn only_an_unread_number_of_nine_digits_has_a_tail() {
        let numbering = Numbering::default();
        let stored = indexed("0722 111 222", "", "", &numbering);
        assert_eq!(stored, Indexed::Unread { tail: Some(722_111_222), reason: Reason::NoCountry });
        let stored = indexed("0312 34 56", "", "", &numbering);
        assert_eq!(stored, Indexed::Unread { tail: None, reason: Reason::NoCountry });
    }

    #[test]
    fn reasons_have_their_own_words() {
        for reason in Reason::ALL {
            assert_eq!(Reason::ALL.iter().filter(|other| other.as_str() == reason.as_str()).count(), 1);
            assert!(!reason.explain().is_empty());
        }
    }
}
