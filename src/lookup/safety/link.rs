//! Links: the agent's browser opens them unasked, and PBXs copy them into SIP headers.

use std::borrow::Cow;

use super::Checked;
use super::plain::{is_hidden, starts_expression};

/// Longest link that leaves, in characters.
const MAX_LENGTH: usize = 2_000;

/// Schemes that run code in the page that opens them. No setting allows them.
const NEVER: [&str; 3] = ["javascript", "vbscript", "data"];

/// Checks a link against the schemes that the project allows beside `http` and `https`.
pub(super) fn check<'a>(value: &'a str, schemes: &[String]) -> Checked<'a> {
    if is_plain(value) {
        return wrong_scheme(value, schemes).map_or(Checked::Ok(Cow::Borrowed(value)), Checked::Refused);
    }
    // Browsers drop line ends and tabs inside a link before they read its scheme, so the check does the same first.
    let is_outside = |character: char| character.is_whitespace() || is_hidden(character);
    let trimmed = value.trim_matches(is_outside);
    if trimmed.is_empty() {
        return Checked::Ok(Cow::Borrowed(""));
    }
    let visible: Cow<'a, str> = if trimmed.chars().any(is_hidden) {
        Cow::Owned(trimmed.chars().filter(|&character| !is_hidden(character)).collect())
    } else {
        Cow::Borrowed(trimmed)
    };
    if let Some(why) = wrong(&visible, schemes) {
        return Checked::Refused(why);
    }
    if visible.contains(['"', '<', '>', '`']) || starts_expression(&visible) {
        return Checked::Changed(escaped(&visible), "quotes, angle brackets and `${` were percent-encoded".into());
    }
    match visible {
        Cow::Borrowed(same) => Checked::Ok(Cow::Borrowed(same)),
        Cow::Owned(cleaned) => Checked::Changed(cleaned, "control or invisible characters were taken out".into()),
    }
}

/// One pass over the bytes, which tells of almost every link that only its scheme is left to be looked at.
fn is_plain(link: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() & !matches!(byte, b'"' | b'<' | b'>' | b'`' | b'\\' | b'$');
    // Without a way out of it the loop is done with vectors.
    (1..=MAX_LENGTH).contains(&link.len()) && link.bytes().fold(true, |all, byte| all & plain(byte))
}

/// Says what is wrong with a link, if anything is.
fn wrong(link: &str, schemes: &[String]) -> Option<Cow<'static, str>> {
    if link.contains(char::is_whitespace) {
        return Some("a link must not hold blanks; write %20".into());
    }
    if link.contains('\\') {
        return Some("a link must not hold backslashes: browsers read them as slashes".into());
    }
    if link.chars().nth(MAX_LENGTH).is_some() {
        return Some(format!("longer than {MAX_LENGTH} characters").into());
    }
    wrong_scheme(link, schemes)
}

/// Says what is wrong with the scheme of a link and what follows it, if anything is.
fn wrong_scheme(link: &str, schemes: &[String]) -> Option<Cow<'static, str>> {
    let Some((scheme, rest)) = split_scheme(link) else {
        return Some("expected a whole link, such as https://crm.example.com/contact/1".into());
    };
    let is_web = scheme == "http" || scheme == "https";
    let is_listed = schemes.iter().any(|allowed| allowed.trim_end_matches(':').eq_ignore_ascii_case(&scheme));
    if NEVER.contains(&scheme.as_str()) || !(is_web || is_listed) {
        return Some(format!("the scheme `{scheme}` is not http, https or one of the project's `link_schemes`").into());
    }
    if is_web && !has_host(rest) {
        return Some("expected a host behind http:// or https://".into());
    }
    rest.is_empty().then(|| "nothing follows the scheme".into())
}

/// The scheme in lower case and what follows its colon, by RFC 3986 section 3.1.
fn split_scheme(link: &str) -> Option<(String, &str)> {
    let (scheme, rest) = link.split_once(':')?;
    let starts_well = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    (starts_well && scheme.bytes().all(fits)).then(|| (scheme.to_ascii_lowercase(), rest))
}

/// Whether `//host` follows; `https:///x` would make a browser take `x` for the host.
fn has_host(rest: &str) -> bool {
    rest.strip_prefix("//").is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':', '@']))
}

/// Writes the characters that no link holds as percent-encoded ones, as a browser would.
fn escaped(link: &str) -> String {
    let mut out = link.replace("${", "$%7B").replace("$[", "$%5B");
    for (plain, coded) in [("\"", "%22"), ("<", "%3C"), (">", "%3E"), ("`", "%60")] {
        out = out.replace(plain, coded);
    }
    out
}
