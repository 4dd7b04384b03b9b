//! Ninth step: the extension behind a number.
//!
//! A word or sign says that digits are an extension: `ext. 5`, `x5`, `#5`, `,5`, `;ext=5`. A dash, a slash or brackets
//! say so only when the whole is no number of its plan and what stands before them is; the caller checks that.

/// Words before an extension in the languages that libphonenumber knows and some more, in lower case.
const WORDS: [&str; 36] = [
    "anexo",
    "anx",
    "app",
    "apparat",
    "durchwahl",
    "dw",
    "ekst",
    "ext",
    "extensao",
    "extension",
    "extensión",
    "extensão",
    "extn",
    "int",
    "interior",
    "interiorul",
    "interno",
    "klappe",
    "linia",
    "mellék",
    "nebenstelle",
    "nst",
    "p",
    "pause",
    "post",
    "poste",
    "ramal",
    "toestel",
    "w",
    "wait",
    "wewn",
    "wew",
    "x",
    "xtn",
    "доб",
    "вн",
];

/// Most digits behind a word (RFC 3966 and libphonenumber).
const MOST_BEHIND_A_WORD: usize = 20;

/// Most digits behind `x` or a sign; more are a second number.
const MOST_BEHIND_A_SIGN: usize = 9;

/// Most digits behind a comma or semicolon, which separate whole numbers as well.
const MOST_BEHIND_A_COMMA: usize = 6;

/// Most digits of an extension that only a dash, a slash or brackets announce.
const MOST_IN_BRACKETS: usize = 5;

/// Reads the extension at the start of what follows a number.
pub(super) fn behind(rest: &str) -> Option<String> {
    let opened = rest.trim_start_matches([' ', '(']);
    let signs = opened.len() - opened.trim_start_matches([',', ';', '#', '~', ' ']).len();
    let (signs, text) = opened.split_at(signs);
    let word = text.len() - text.trim_start_matches(char::is_alphabetic).len();
    let (word, text) = text.split_at(word);
    let most = match word {
        "" if signs.contains(['#', '~']) => MOST_BEHIND_A_SIGN,
        "" if signs.contains([',', ';']) => MOST_BEHIND_A_COMMA,
        "" => return None,
        "x" | "X" | "p" | "P" => MOST_BEHIND_A_SIGN,
        _ if is_word(word) => MOST_BEHIND_A_WORD,
        _ => return None,
    };
    leading_digits(text.trim_start_matches([':', '.', ' ', ',', '-', '=', '#']), most)
}

/// Reads what stands behind a dash, slash or bracket inside of a written number.
pub(super) fn behind_cut(tail: &str) -> Option<String> {
    let tail = tail.trim_matches([' ', ')', '.', '-', '/']);
    leading_digits(tail, MOST_IN_BRACKETS).filter(|digits| digits.len() == tail.len())
}

/// One group of digits with no letter and no other group behind it.
fn leading_digits(text: &str, most: usize) -> Option<String> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, behind) = text.split_at(length);
    let goes_on = behind.starts_with(char::is_alphabetic)
        || behind.trim_start_matches([' ', '-', '.']).starts_with(|next: char| next.is_ascii_digit());
    ((1..=most).contains(&length) && !goes_on).then(|| digits.to_owned())
}

fn is_word(word: &str) -> bool {
    let lower = word.to_lowercase();
    WORDS.contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_signs_announce_an_extension() {
        for rest in [
            "x5",
            "ext 5",
            "ext. 5",
            "EXT: 5",
            ";ext=5",
            "#5",
            " #5",
            ",5",
            ",,5#",
            "~5",
            "доб. 5",
            "int. 5",
            "p5",
            "(ext 5)",
            "poste 5",
            "Extension 5",
            ", ext. 5",
            "x5/x6",
        ] {
            assert_eq!(behind(rest).as_deref(), Some("5"), "{rest}");
        }
        assert_eq!(behind("x007").as_deref(), Some("007"), "leading zeros count");
    }

    #[test]
    fn a_second_number_or_a_remark_is_no_extension() {
        for rest in
            [", 0733222333", ";+40733222333", "sau 0733222333", "(mobile)", "", ", 0733 222 333", "please", "/ 5"]
        {
            assert_eq!(behind(rest), None, "{rest}");
        }
    }

    #[test]
    fn digits_behind_a_dash_are_short() {
        assert_eq!(behind_cut(" 123").as_deref(), Some("123"));
        assert_eq!(behind_cut("123)").as_deref(), Some("123"));
        assert_eq!(behind_cut(" 0733222333"), None);
    }
}
