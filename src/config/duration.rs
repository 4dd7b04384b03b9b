//! Durations as people write them: `800ms`, `1.5s`, `15m`, `24h`, `7d`.

use std::time::Duration;

/// Each unit with its milliseconds, longest first.
const UNITS: [(&str, f64); 5] = [("ms", 1.0), ("d", 86_400_000.0), ("h", 3_600_000.0), ("m", 60_000.0), ("s", 1_000.0)];

/// Longest duration that is read, in milliseconds: a thousand years, so that nothing overflows behind it.
const LONGEST: f64 = 365_000.0 * 86_400_000.0;

/// Reads a duration; `None` without a unit, with a sign, or longer than a thousand years.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (digits, unit) = UNITS.iter().find_map(|(name, millis)| Some((text.strip_suffix(name)?, millis)))?;
    let digits = digits.trim_end();
    let plain = digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let millis = digits.parse::<f64>().ok().filter(|_| plain)? * unit;
    (millis <= LONGEST).then(|| Duration::from_secs_f64(millis / 1_000.0))
}

/// Writes a duration in its largest whole unit; parts of a millisecond are left out.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if millis > 0 && millis.is_multiple_of(size) {
            return format!("{}{unit}", millis / size);
        }
    }
    if millis == 0 { "0s".to_owned() } else { format!("{millis}ms") }
}

/// The duration that was probably meant: `15 minutes` is `15m`.
pub(crate) fn nearest_duration(text: &str) -> Option<String> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (digits, word) = (&text[..split], text[split..].trim().to_lowercase());
    let unit = match word.as_str() {
        "msec" | "msecs" => "ms",
        word if word.starts_with("mil") => "ms",
        word => UNITS.iter().map(|(unit, _)| *unit).find(|unit| word.starts_with(unit))?,
    };
    let near = format!("{digits}{unit}");
    parse_duration(&near).map(|_| near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_number_and_a_unit() {
        for (text, millis) in [("800ms", 800), ("1.5s", 1_500), ("15m", 900_000), ("24h", 86_400_000), ("2 s", 2_000)] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse_duration("7d"), Some(Duration::from_secs(7 * 86_400)));
        for text in ["", "800", "ms", "-1s", "+1s", "1e3s", "1.2.3s", ".5s", "infs", "nans", "1 year", "99999999d"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_duration_in_words_is_understood_enough_to_suggest_it() {
        let cases =
            [("15 minutes", "15m"), ("2 Hours", "2h"), ("5sec", "5s"), ("30 milliseconds", "30ms"), ("1 day", "1d")];
        for (text, near) in cases {
            assert_eq!(nearest_duration(text).as_deref(), Some(near), "{text}");
        }
        assert_eq!(nearest_duration("fast"), None);
        assert_eq!(nearest_duration("3 years"), None);
    }

    #[test]
    fn a_duration_is_written_in_its_largest_whole_unit() {
        for text in ["0s", "800ms", "1500ms", "2s", "90s", "15m", "25h", "1d"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
        assert_eq!(format_duration(Duration::from_secs(86_400)), "1d");
    }
}
