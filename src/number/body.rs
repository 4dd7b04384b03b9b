//! Seventh step: digits and signs. Cuts a text into a label, the number as written, and what follows it.
//!
//! `Tel: +40 (0)722 111 222 ext 5` is the label `Tel: `, the written number `+40 (0)722 111 222 ` and the rest `ext 5`.

/// Fewest digits of a number that may stand right behind letters (`tel0722111222`, but not `room12`).
const LEAST_DIGITS_BEHIND_LETTERS: usize = 7;

/// Fewest letters of a number that is partly spelled (`0800 FLOWERS`).
const LEAST_LETTERS: usize = 3;

/// Most digits that are kept of a written number; longer ones are no number of any plan.
pub(super) const MOST_DIGITS: usize = 32;

/// A text around a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<'a> {
    /// From the first digit or plus to the first sign that cannot be inside a number.
    pub(super) written: &'a str,
    /// What follows.
    pub(super) rest: &'a str,
    /// Nothing but the number stands in the text.
    pub(super) plain: bool,
}

impl<'a> Body<'a> {
    /// Cuts the text; `None` when there is no number in it.
    pub(super) fn cut(text: &'a str) -> Option<Self> {
        let first_digit = text.find(|character: char| character.is_ascii_digit())?;
        let start = text[..first_digit].trim_end_matches(['+', ' ', '(']).len();
        let end = start + written_length(&text[start..]);
        let (label, written, rest) = (text[..start].trim(), &text[start..end], text[end..].trim_start());
        let glued = text[..start].chars().next_back().is_some_and(char::is_alphanumeric) && !written.starts_with('+');
        if glued && !written.starts_with(' ') && count_digits(written) < LEAST_DIGITS_BEHIND_LETTERS {
            return None;
        }
        let plain = label.trim_matches(['*', '#']).is_empty() && rest.trim_matches([')', '.', '*', '#']).is_empty();
        Some(Self { written, rest, plain })
    }

    /// The places where an extension or a second number may begin inside of the written number, last one first.
    pub(super) fn inner_cuts(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let written = self.written;
        written.rmatch_indices(['-', '/', '(', '\\']).map(|(at, sign)| (&written[..at], &written[at + sign.len()..]))
    }

    /// Brackets that close the whole text: what stands before them and in them.
    pub(super) fn closing_brackets(&self) -> Option<(&'a str, &'a str)> {
        let inner = self.written.trim_end().strip_suffix(')').filter(|_| self.rest.is_empty())?;
        inner.rsplit_once('(')
    }

    /// Whether letters follow with no space between (`0800-FLOWERS`); a remark stands apart.
    pub(super) fn letters_are_attached(&self) -> bool {
        !self.written.ends_with([' ', '(']) && self.rest.starts_with(|first: char| first.is_ascii_alphabetic())
    }

    /// The number with the groups behind commas (`0722,111,222`), and what follows those.
    pub(super) fn joined_over_commas(&self) -> Option<(String, &'a str)> {
        if !self.rest.starts_with(',') {
            return None;
        }
        let is_inside = |character: char| character.is_ascii_digit() || ", -./()".contains(character);
        let end = self.rest.find(|character| !is_inside(character)).unwrap_or(self.rest.len());
        Some((format!("{}{}", self.written, self.rest[..end].replace(',', " ")), &self.rest[end..]))
    }

    /// The number with its letters typed on a keypad (`0800 FLOWERS`).
    pub(super) fn typed_letters(&self) -> Option<String> {
        let is_inside = |character: char| character.is_ascii_alphanumeric() || " -./()".contains(character);
        let end = self.rest.find(|character| !is_inside(character)).unwrap_or(self.rest.len());
        let spelled = &self.rest[..end];
        let letters = spelled.bytes().filter(u8::is_ascii_alphabetic).count();
        (self.rest.starts_with(|first: char| first.is_ascii_alphabetic()) && letters >= LEAST_LETTERS)
            .then(|| self.written.chars().chain(spelled.chars()).map(type_letter).collect())
    }
}

/// The key on which a letter stands (ITU-T E.161).
fn type_letter(letter: char) -> char {
    match letter.to_ascii_lowercase() {
        'a'..='c' => '2',
        'd'..='f' => '3',
        'g'..='i' => '4',
        'j'..='l' => '5',
        'm'..='o' => '6',
        'p'..='s' => '7',
        't'..='v' => '8',
        'w'..='z' => '9',
        _ => letter,
    }
}

/// How far a number goes: digits and what people write between them. A plus may follow zeros only; `~` stands in
/// `8~10` and `0~0` (wait for the tone), `x` in `0xx11` (place of a carrier) and nowhere else.
fn written_length(text: &str) -> usize {
    let mut zeros_only = true;
    for (at, character) in text.char_indices() {
        let inside = match character {
            '0' => true,
            '1'..='9' => {
                zeros_only = false;
                true
            }
            '+' => zeros_only,
            '~' => matches!((text[..at].trim(), text[at..].get(1..2)), ("8", Some("1")) | ("0", Some("0"))),
            'x' | 'X' => text[..at].trim_end_matches(['x', 'X']).trim_start_matches('(') == "0",
            _ => " -./()[]_:\\".contains(character),
        };
        if !inside {
            return at;
        }
    }
    text.len()
}

/// The digits of a written number, and what was said about its country code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digits {
    /// ASCII digits, without the signs and zeros that stand for a plus.
    pub(super) digits: String,
    /// It had a plus, in whatever form (`+`, `++`, `+00`, `00+`).
    pub(super) plus: bool,
    /// The same without the zero of `(0)`, which people write between country code and number.
    pub(super) without_bracketed_zero: Option<String>,
}

impl Digits {
    /// Collects the digits.
    pub(super) fn collect(written: &str) -> Self {
        let (plus, rest) = match written.rfind('+') {
            Some(at) => (true, &written[at + 1..]),
            None => (false, written),
        };
        let mut digits = String::with_capacity(MOST_DIGITS);
        digits.extend(rest.chars().filter(char::is_ascii_digit).take(MOST_DIGITS));
        let zeros = digits.len() - digits.trim_start_matches('0').len();
        let without_bracketed_zero = without_bracketed_zero(rest);
        if plus && zeros >= 2 {
            digits.drain(..zeros);
        }
        Self { digits, plus, without_bracketed_zero }
    }
}

fn without_bracketed_zero(rest: &str) -> Option<String> {
    let at = rest.find("(0)")?;
    let (before, behind) = (&rest[..at], &rest[at + 3..]);
    let digits: String = before.chars().chain(behind.chars()).filter(char::is_ascii_digit).take(MOST_DIGITS).collect();
    (count_digits(before) > 0).then_some(digits)
}

fn count_digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> (&str, &str) {
        let body = Body::cut(text).unwrap();
        (body.written.trim(), body.rest)
    }

    #[test]
    fn label_number_and_rest_are_told_apart() {
        assert_eq!(cut("Tel: +40 (0)722 111 222 ext 5"), ("+40 (0)722 111 222", "ext 5"));
        assert_eq!(cut("phone=+40722111222&x=1"), ("+40722111222", "&x=1"));
        assert_eq!(cut("+40722111222 / +40733222333"), ("+40722111222 /", "+40733222333"));
        assert_eq!(cut("8~10376712345~5"), ("8~10376712345", "~5"));
        assert_eq!(cut("0xx1123456789x5"), ("0xx1123456789", "x5"));
        assert_eq!(cut("tel0722111222"), ("0722111222", ""));
        assert!(Body::cut("room12").is_none() && Body::cut("none").is_none());
    }

    #[test]
    fn every_way_to_write_a_plus_is_one() {
        for written in ["+40722", "++40722", "+0040722", "00+40722", "(+40) 722", "+ 40 722"] {
            let digits = Digits::collect(written);
            assert_eq!((digits.digits.as_str(), digits.plus), ("40722", true), "{written}");
        }
        assert_eq!(Digits::collect("+0722").digits, "0722");
    }

    #[test]
    fn a_bracketed_zero_can_be_left_out() {
        assert_eq!(Digits::collect("+40 (0)722").without_bracketed_zero.as_deref(), Some("40722"));
        assert_eq!(Digits::collect("(0)722").without_bracketed_zero, None);
    }

    #[test]
    fn letters_are_typed_and_commas_joined() {
        assert_eq!(Body::cut("0800 FLOWERS").unwrap().typed_letters().as_deref(), Some("0800 3569377"));
        assert_eq!(Body::cut("0722 x5").unwrap().typed_letters(), None);
        assert_eq!(Body::cut("0722,111,222").unwrap().joined_over_commas(), Some(("0722 111 222".to_owned(), "")));
    }
}
