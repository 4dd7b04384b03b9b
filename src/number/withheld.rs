//! Second step: is there a number at all, or does the caller hide it?
//!
//! PBXs and trunks send words in place of a number, the word typed on a telephone keypad, or one digit repeated. Such
//! a caller must not become somebody: two people who hide their number are not the same person.

/// Words that mean "no number", in lower case, letters and digits only.
const WORDS: [&str; 58] = [
    "anonim",
    "anonimo",
    "anonym",
    "anonyme",
    "anonymous",
    "anonymouscaller",
    "anonymouscall",
    "ascuns",
    "asterisk",
    "blocked",
    "callerid",
    "desconocido",
    "empty",
    "false",
    "hidden",
    "hiddennumber",
    "inconnu",
    "masque",
    "na",
    "nan",
    "necunoscut",
    "nichtverfugbar",
    "nil",
    "nocallerid",
    "noname",
    "none",
    "nonumber",
    "notavailable",
    "notprovided",
    "null",
    "o",
    "oculto",
    "outofarea",
    "p",
    "presentationrestricted",
    "privado",
    "privat",
    "private",
    "privatecaller",
    "privatenumber",
    "prive",
    "restricted",
    "restrictedcall",
    "secret",
    "sconosciuto",
    "skjult",
    "ukendt",
    "unavailable",
    "unbekannt",
    "undefined",
    "unidentified",
    "unknown",
    "unknowncaller",
    "unknownnumber",
    "unterdruckt",
    "unterdrückt",
    "verborgen",
    "withheld",
];

/// ANONYMOUS, UNAVAILABLE, UNKNOWN and RESTRICTED typed on a keypad.
const KEYPAD: [&str; 4] = ["266696687", "86282452253", "8656696", "7378742833"];

/// Whether the text is a word for "no number", or holds no letter and no digit.
pub(super) fn is_word(text: &str, extra: &[String]) -> bool {
    let first = text.chars().find(|character| character.is_alphanumeric());
    if extra.is_empty() && first.is_some_and(|first| first.is_ascii_digit()) {
        // Almost every call: no word begins with a digit.
        return false;
    }
    let bare = bare(text);
    bare.is_empty() || WORDS.contains(&bare.as_str()) || extra.iter().any(|word| self::bare(word) == bare)
}

/// Whether the host of an address says that the caller is anonymous (RFC 3323).
pub(super) fn is_anonymous_host(host: &str) -> bool {
    let host = host.split([':', ';', '>']).next().unwrap_or_default().trim();
    host.eq_ignore_ascii_case("anonymous.invalid")
}

/// Whether these digits are a word typed on a keypad.
pub(super) fn is_keypad_spelling(digits: &str) -> bool {
    KEYPAD.contains(&digits)
}

/// Whether these digits are one digit repeated and too long for an extension; zeros are nobody's extension.
pub(super) fn is_one_digit(digits: &str, longest_extension: usize) -> bool {
    let mut bytes = digits.bytes();
    let first = bytes.next();
    first.is_some()
        && bytes.all(|byte| Some(byte) == first)
        && (first == Some(b'0') || digits.len() > longest_extension)
}

/// Letters and digits only, in lower case. Only the start counts: no word is longer.
fn bare(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).take(64).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case_and_punctuation() {
        for text in
            ["", "Anonymous", "(null)", "N/A", "OUT OF AREA", "<unknown>", "-", "Private Number", "P", "Asterisk"]
        {
            assert!(is_word(text, &[]), "{text}");
        }
        for text in ["0722111222", "Ion", "101", "unknown soldier"] {
            assert!(!is_word(text, &[]), "{text}");
        }
    }

    #[test]
    fn words_of_the_configuration_count_as_well() {
        assert!(is_word("Număr Secret", &["număr secret".to_owned()]));
    }

    #[test]
    fn one_digit_repeated_is_nobody_unless_it_is_an_extension() {
        assert!(is_one_digit("0000000000", 6) && is_one_digit("9999999", 6) && is_one_digit("0", 6));
        assert!(!is_one_digit("222", 6) && !is_one_digit("0722111222", 6) && !is_one_digit("", 6));
    }

    #[test]
    fn keypad_spellings_spell_their_words() {
        let keys = ["abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"];
        let key_of = |letter| 2 + keys.iter().position(|key| key.contains(letter)).unwrap();
        let type_word = |word: &str| word.chars().map(|letter| key_of(letter).to_string()).collect::<String>();
        assert_eq!(["anonymous", "unavailable", "unknown", "restricted"].map(type_word), KEYPAD);
    }
}
