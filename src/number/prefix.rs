//! Sixth step: what is dialled before a number without being part of it.
//!
//! Service codes (`*31#` hides one's own number), the technical prefix of a trunk (`9999#`), and the trunk's own prefix
//! from the configuration. None of them is left on unless the rest could not be a number.

/// Least digits behind a prefix for it to be taken off.
const LEAST_DIGITS: usize = 3;

/// Least digits behind a prefix without a closing `#` (`*67` of North America).
const LEAST_DIGITS_OF_A_NUMBER: usize = 7;

/// Takes service codes, technical prefixes and a closing `#` off.
pub(super) fn strip<'a>(text: &'a str, trunk_prefix: Option<&str>) -> &'a str {
    let text = strip_trunk_prefix(text, trunk_prefix);
    let text = strip_service_codes(text);
    let text = strip_technical_prefix(text);
    let open = text.trim_end_matches(['#', ' ', '.', ')', '-', '/']);
    let is_closed = text[open.len()..].contains('#');
    if !is_closed || open.contains(['#', '*', ',', ';']) || count_digits(open) < LEAST_DIGITS { text } else { open }
}

/// Takes the configured prefix off.
fn strip_trunk_prefix<'a>(text: &'a str, prefix: Option<&str>) -> &'a str {
    let prefix = prefix.map(str::trim).filter(|prefix| !prefix.is_empty());
    match prefix.and_then(|prefix| text.strip_prefix(prefix)) {
        Some(rest) if count_digits(rest) > 0 => rest.trim_start(),
        _ => text,
    }
}

/// Takes `*31#`, `#31#`, `*67` and the like off, several times if need be.
fn strip_service_codes(mut text: &str) -> &str {
    while let Some(rest) = text.strip_prefix(['*', '#']) {
        let rest = rest.trim_start_matches(['*', '#']);
        let code = rest.bytes().take_while(u8::is_ascii_digit).count();
        let behind = &rest[code..];
        let number = behind.trim_start_matches(['*', '#', ' ']);
        let closed = behind.starts_with(['*', '#']);
        if (1..=3).contains(&code) && closed && count_digits(number) >= LEAST_DIGITS {
            text = number;
        } else if let Some(number) = behind_open_code(rest) {
            return number;
        } else {
            break;
        }
    }
    text
}

/// `67` and `82` of North America hide or show one's number; the number follows at once.
fn behind_open_code(rest: &str) -> Option<&str> {
    let number = rest.strip_prefix("67").or_else(|| rest.strip_prefix("82"))?;
    (count_digits(number) >= LEAST_DIGITS_OF_A_NUMBER).then(|| number.trim_start())
}

/// Takes `9999#` off when a longer number follows; a longer number before the `#` has an extension behind it.
fn strip_technical_prefix(text: &str) -> &str {
    let Some((prefix, number)) = text.split_once('#') else { return text };
    let is_prefix = (1..=8).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_digit());
    let digits = count_digits(number);
    if is_prefix && digits > prefix.len() && digits >= LEAST_DIGITS { number.trim_start() } else { text }
}

fn count_digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_codes_come_off() {
        for text in ["*31#0722111222", "#31#0722111222", "*31*0722111222", "*67 0722111222", "*31##31#0722111222"] {
            assert_eq!(strip(text, None), "0722111222", "{text}");
        }
        for text in ["**1", "*97", "*31#"] {
            assert_eq!(strip(text, None), text);
        }
    }

    #[test]
    fn a_technical_prefix_comes_off_and_an_extension_stays() {
        assert_eq!(strip("9999#40722111222", None), "40722111222");
        assert_eq!(strip("0722111222 #123", None), "0722111222 #123");
        assert_eq!(strip("0722111222,,123#", None), "0722111222,,123#");
        assert_eq!(strip("+40722111222#", None), "+40722111222");
    }

    #[test]
    fn the_prefix_of_the_trunk_comes_off_first() {
        assert_eq!(strip("77*31#0722111222", Some("77")), "0722111222");
        assert_eq!(strip("77", Some("77")), "77");
        assert_eq!(strip("0722111222", Some("")), "0722111222");
    }
}
