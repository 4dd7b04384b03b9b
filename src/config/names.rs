//! Names of projects and directories: they stand in URLs, on command lines and as names of files.

use super::reader::Reader;

/// Longest name, in characters.
pub const MAX_NAME_LENGTH: usize = 64;

/// Names that calldex itself answers under; no project may take them.
pub const RESERVED_NAMES: [&str; 7] = ["api", "agent", "events", "metrics", "healthz", "readyz", "static"];

/// Says whether a name is made of `a-z 0-9 _ -`, starts with a letter or digit, and is not too long.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let harmless = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    (1..=MAX_NAME_LENGTH).contains(&name.len())
        && name.bytes().all(harmless)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// Reports a name that is not safe in a URL, with the nearest one that is.
pub(crate) fn check_name(what: &str, name: &str, reader: &Reader<'_>) {
    if let Some(message) = explain_name(what, name) {
        reader.sheet.problem(&reader.place, message);
    }
}

/// Says what is wrong with a name; `None` when nothing is.
pub(crate) fn explain_name(what: &str, name: &str) -> Option<String> {
    if is_name(name) {
        return None;
    }
    let near = nearest_name(name);
    let hint = if near.is_empty() { String::new() } else { format!("; did you mean \"{near}\"?") };
    Some(format!(
        "the {what} name {name:?} does not fit into a URL; expected 1 to {MAX_NAME_LENGTH} characters of a-z 0-9 _ -, \
         the first a letter or a digit{hint}"
    ))
}

fn nearest_name(name: &str) -> String {
    let folded = name.trim().to_lowercase();
    let safe: String = folded.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    safe.trim_matches(['-', '_']).chars().take(MAX_NAME_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_in_a_url() {
        for name in ["sales", "0", "a-b_c", &"a".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "Sales", "a b", "-a", "_a", "a/b", "a.b", "ș", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
        assert_eq!(nearest_name(" Sales Team!"), "sales-team");
    }
}
