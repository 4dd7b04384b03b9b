//! Fourth step: what spreadsheets and databases put around a number.
//!
//! `="0722…"`, a leading apostrophe, quotes, `.0` of a number that became a floating point value. One damage cannot be
//! undone: `4.07221E+10` has lost its last digits.

/// Least digits before a `.0` that is taken off; `12.0` may be a part of a number.
const LEAST_DIGITS_OF_A_FLOAT: usize = 7;

/// Takes off what is around the number.
pub(super) fn unwrap(text: &str) -> &str {
    let mut text = text;
    if let Some(formula) = text.strip_prefix('=') {
        text = formula.trim();
    }
    text = text.strip_prefix('\'').unwrap_or(text).trim();
    if let Some(quoted) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'))
        && !quoted.contains('"')
    {
        text = quoted.trim();
    }
    text = text.strip_prefix('\'').unwrap_or(text);
    strip_fraction(text)
}

/// Whether a spreadsheet wrote the number in scientific notation: `4.07221E+10`.
pub(super) fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    [whole, fraction, exponent].iter().all(|part| is_digits(part)) && whole.len() == 1 && exponent.len() <= 2
}

/// Takes `.0` off a number that is nothing but digits otherwise.
fn strip_fraction(text: &str) -> &str {
    let Some((whole, fraction)) = text.split_once('.') else { return text };
    let digits = whole.strip_prefix('+').unwrap_or(whole);
    let zeros = !fraction.is_empty() && fraction.len() <= 2 && fraction.bytes().all(|byte| byte == b'0');
    if zeros && is_digits(digits) && digits.len() >= LEAST_DIGITS_OF_A_FLOAT { whole } else { text }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappings_of_spreadsheets_come_off() {
        for text in
            ["=\"0722111222\"", "'0722111222", "\"0722111222\"", "0722111222.0", "\"'0722111222\"", "0722111222"]
        {
            assert_eq!(unwrap(text), "0722111222", "{text}");
        }
        assert_eq!(unwrap("40.0"), "40.0");
        assert_eq!(unwrap("\"Ion\" <sip:1@x>, \"x\""), "\"Ion\" <sip:1@x>, \"x\"");
    }

    #[test]
    fn scientific_notation_is_damage() {
        assert!(is_scientific("4.07221E+10") && is_scientific("4E10") && is_scientific("4,07e+10"));
        assert!(!is_scientific("0722111222") && !is_scientific("1-800-EAT") && !is_scientific("E+10"));
    }
}
