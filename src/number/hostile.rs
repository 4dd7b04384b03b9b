//! Hostile numbers, made from bytes: for property tests, for a fuzzer, for measuring.
//!
//! Any bytes make a text and settings, so a fuzzer that changes bytes walks through everything that the front end
//! knows: schemes, parameters, escapes, digits of other scripts, marks that nobody sees, and very long runs.

use super::{LONGEST_LOCAL, Number, Numbering, Phone, WithoutPlus, parse};

/// What a text is made of. The first ones are the likeliest in real life.
const PIECES: [&str; 96] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "0722111222",
    "40722111222",
    "4930123456",
    "390612345678",
    "2125550123",
    "+",
    "00",
    "++",
    "011",
    "810",
    "8~10",
    " ",
    "-",
    ".",
    "/",
    "(",
    ")",
    "(0)",
    "[",
    "]",
    "_",
    ":",
    "\\",
    "~",
    ",",
    ",,",
    ";",
    "#",
    "*",
    "*31#",
    "#31#",
    "*67",
    "9999#",
    "ext",
    " ext. ",
    ";ext=",
    "x",
    "xx",
    "int. ",
    "доб. ",
    "p",
    "poste ",
    "(123)",
    "/123",
    " - 123",
    "sip:",
    "sips:",
    "tel:",
    "SIP/",
    "PJSIP/",
    "Local/",
    "-0000a1b2",
    "@",
    "@pbx.example.com",
    "@anonymous.invalid",
    "<",
    ">",
    "\"",
    "\"Ion\" <",
    ";phone-context=",
    ";phone-context=+40",
    ";phone-context=tel:",
    ";isub=1",
    ";npdi;rn=+4012345",
    ";verstat=x",
    ";user=phone",
    "%2B",
    "%25",
    "%",
    "%zz",
    "anonymous",
    "266696687",
    "E+10",
    "FLOWERS",
    "ion",
    "=\"",
    "'",
    ".0",
    "٠٧",
    "０７",
    "𝟕",
    "\u{ff5e}",
    "\u{200f}",
    "\u{feff}",
    "\0",
    "\u{1f600}",
];

/// Countries with plans of all sorts: fixed and open lengths, kept zeros, shared codes, small islands.
const COUNTRIES: [&str; 16] =
    ["RO", "DE", "AT", "IT", "US", "GB", "FR", "JP", "BR", "AR", "MX", "RU", "SG", "AC", "SM", "NU"];

/// Byte from which on a piece is repeated; the next byte says how often.
const REPEAT: u8 = 0xf0;

/// Makes a text. Up to some tens of thousands of characters.
#[must_use]
pub fn text_from_bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut bytes = bytes.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte < REPEAT {
            text.push_str(PIECES[usize::from(byte) % PIECES.len()]);
        } else {
            let piece = PIECES[usize::from(bytes.next().unwrap_or(0)) % PIECES.len()];
            let times = usize::from(bytes.next().unwrap_or(0)).pow(2) / 16;
            text.push_str(&piece.repeat(times));
        }
    }
    text
}

/// Makes settings from two bytes.
#[must_use]
pub fn numbering_from_bytes(country: u8, rest: u8) -> Numbering {
    Numbering {
        country: COUNTRIES.get(usize::from(country) % (COUNTRIES.len() + 1)).map(|&country| country.to_owned()),
        without_plus: [WithoutPlus::Auto, WithoutPlus::National, WithoutPlus::International][usize::from(rest % 3)],
        outside_prefix: (rest & 0x10 != 0).then(|| "9".to_owned()),
        strip_prefix: (rest & 0x20 != 0).then(|| "77".to_owned()),
        withheld: Vec::new(),
    }
}

/// Reads the text that the bytes make, and reads the result again. Returns what is wrong: a number that is not itself
/// when it is read again. `None` when all is well.
#[must_use]
pub fn violation(bytes: &[u8]) -> Option<String> {
    let [country, rest, bytes @ ..] = bytes else { return None };
    let numbering = numbering_from_bytes(*country, *rest);
    let text = text_from_bytes(bytes);
    let number = parse(&text, &numbering);
    let written = canonical_text(&number)?;
    let bare = Numbering { outside_prefix: None, strip_prefix: None, ..numbering };
    let again = parse(&written, &bare);
    (again != without_alternate(number.clone()))
        .then(|| format!("{text:?} is {number:?}, but {written:?} is {again:?} with {bare:?}"))
}

/// The text of a number that means nothing else: `+40213123456;ext=5`, `101`, `sip:ion@local`.
#[must_use]
pub fn canonical_text(number: &Number) -> Option<String> {
    match number {
        Number::Phone { phone: Phone { key, .. }, extension, .. } => {
            Some(extension.as_ref().map_or(key.to_string(), |extension| format!("{key};ext={extension}")))
        }
        Number::Local(text) if is_short_number(text) => Some(text.clone()),
        Number::Local(text) => Some(format!("sip:{text}@local")),
        Number::Withheld { .. } | Number::Unusable => None,
    }
}

fn is_short_number(text: &str) -> bool {
    text.len() <= LONGEST_LOCAL && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn without_alternate(number: Number) -> Number {
    match number {
        Number::Phone { phone, extension, .. } => Number::Phone { phone, extension, alternate: None },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::number::indexed::indexed;
    use crate::number::ladder::Wanted;
    use crate::number::several::split_several;
    use crate::number::{block, country_of, forms};

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_number_that_is_read_again_is_itself(bytes in prop::collection::vec(any::<u8>(), 2..24)) {
            prop_assert_eq!(violation(&bytes), None);
        }

        #[test]
        fn nothing_panics_whatever_is_read(text in "\\PC{0,40}", bytes in prop::collection::vec(any::<u8>(), 2..40)) {
            let numbering = numbering_from_bytes(bytes[0], bytes[1]);
            for text in [text, text_from_bytes(&bytes), String::from_utf8_lossy(&bytes).into_owned()] {
                let number = parse(&text, &numbering);
                let _ = (Wanted::of(&number, true), indexed(&text, "", "", &numbering), block::parse_block(&text, &numbering));
                if let Number::Phone { phone, .. } = number {
                    prop_assert!(!forms(&phone, Some("RO")).spellings().is_empty());
                    let _ = country_of(&phone);
                }
                prop_assert!(split_several(&text).iter().all(|part| !part.is_empty() && text.contains(part)));
            }
        }

        #[test]
        fn every_spelling_of_a_number_is_the_number(bytes in prop::collection::vec(0_u8..15, 1..4), country in 0_u8..16) {
            let numbering = numbering_from_bytes(country, 0);
            if let Number::Phone { phone, .. } = parse(&text_from_bytes(&bytes), &numbering) {
                let forms = forms(&phone, None);
                for written in [&forms.e164, &forms.international] {
                    let again = parse(written, &numbering);
                    let is_same = matches!(&again, Number::Phone { phone: other, .. } if other.key == phone.key);
                    prop_assert!(is_same, "{} is {:?}", written, again);
                }
            }
        }
    }

    #[test]
    fn what_a_fuzzer_has_found_stays_mended() {
        // 33 digits of a SIP user behind a trunk's prefix: without the last one, which was not looked at, they are all alike.
        let bytes = [&[0xa4][..], &[0x67; 33], &[0x00, 0x3f, 0x00]].concat();
        assert_eq!(violation(&bytes), None);
    }

    #[test]
    fn a_text_of_many_kilobytes_is_read_at_once() {
        for piece in ["7", "+", "(0)", "\"", "<", ";phone-context=tel:", "%25", ",", "/x", "\u{200f}", "-1"] {
            let _ = parse(&piece.repeat(36_000), &Numbering::of_country("RO"));
        }
    }
}
