//! Takes the credentials out of a request before anything else sees it, and hides them in what is logged.

use std::fmt;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use percent_encoding::percent_decode;

use super::question::{Parameters, plain_name};

/// The tokens that a request offers, in the order parameters, path, headers. Printing it shows nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OfferedTokens {
    /// Tokens, none of them empty; one that fits is enough.
    pub values: Vec<String>,
    /// The URL and the body contradict each other: refused, whatever the values are.
    pub conflicting: bool,
}

/// Takes every offered token: the parameter `token`, the last part of the path, `Authorization` as bearer or as the
/// password of Basic. A different token in a header is a second offer, not a contradiction: a caller who smuggles a
/// parameter into the URL cannot write headers.
pub fn take(parameters: &mut Parameters, path: Option<&str>, headers: &HeaderMap) -> OfferedTokens {
    // A name that only resembles `token` opens nothing, but it holds a secret and must not travel on.
    let taken = parameters.take(is_secret_name);
    let mut sent = taken.into_iter().filter(|(name, _)| plain_name(name) == "token").map(|(_, value)| value);
    let mut offered = OfferedTokens::default();
    if let Some(first) = sent.next() {
        offered.conflicting = sent.any(|other| other != first);
        offered.add(first);
    }
    if let Some(path) = path.filter(|path| !path.is_empty()) {
        offered.conflicting |= offered.values.iter().any(|value| value != path);
        offered.add(path.to_owned());
    }
    for token in headers.get_all(AUTHORIZATION).iter().filter_map(|header| from_header(header.as_bytes())) {
        offered.add(token);
    }
    offered
}

/// The token of the first `Authorization: Bearer`, for the pages that take no other.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<String> {
    headers.get_all(AUTHORIZATION).iter().find_map(|header| {
        let (scheme, rest) = split_header(header.as_bytes())?;
        scheme.eq_ignore_ascii_case("bearer").then(|| rest.to_owned()).filter(|token| !token.is_empty())
    })
}

/// The query string with every token written as `***`, for a log line. Everything else stays as it was sent.
#[must_use]
pub fn mask_query(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    for pair in query.split_inclusive(['&', '?']) {
        let end = pair.len() - usize::from(pair.ends_with(['&', '?']));
        let name = pair[..end].split('=').next().unwrap_or_default();
        let spelled = name.replace('+', " ");
        if is_secret_name(&percent_decode(spelled.as_bytes()).decode_utf8_lossy()) {
            out.push_str(name);
            out.push_str("=***");
            out.push_str(&pair[end..]);
        } else {
            out.push_str(pair);
        }
    }
    out
}

impl OfferedTokens {
    fn add(&mut self, token: String) {
        if !token.is_empty() && !self.values.contains(&token) {
            self.values.push(token);
        }
    }
}

impl fmt::Debug for OfferedTokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "OfferedTokens({}, conflicting: {})", self.values.len(), self.conflicting)
    }
}

/// `token`, in any case, as the item of a list, or behind the `amp;` of an URL that was escaped for HTML.
fn is_secret_name(name: &str) -> bool {
    let name = name.strip_prefix("amp;").unwrap_or(name);
    let plain = name.split('[').next().unwrap_or_default();
    plain.trim_matches(|edge: char| edge.is_whitespace() || edge.is_control()).eq_ignore_ascii_case("token")
}

fn from_header(header: &[u8]) -> Option<String> {
    let (scheme, rest) = split_header(header)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.to_owned());
    }
    scheme.eq_ignore_ascii_case("basic").then(|| password(rest)).flatten()
}

fn split_header(header: &[u8]) -> Option<(&str, &str)> {
    let (scheme, rest) = std::str::from_utf8(header).ok()?.trim().split_once([' ', '\t'])?;
    Some((scheme, rest.trim()))
}

/// What stands behind the first colon (RFC 7617); the user does not count. Small devices leave out the padding of
/// base64, use its URL alphabet, or leave bits behind.
fn password(coded: &str) -> Option<String> {
    let alphabet = if coded.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    let lenient = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let plain = GeneralPurpose::new(alphabet, lenient).decode(coded).ok()?;
    let (_, password) = std::str::from_utf8(&plain).ok()?.split_once(':')?;
    Some(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(query: &str, path: Option<&str>, authorization: &[&str]) -> OfferedTokens {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        let mut parameters = Parameters::from_query(query.as_bytes());
        let offered = take(&mut parameters, path, &headers);
        let left = format!("{:?}", parameters.pairs());
        for token in &offered.values {
            assert!(!left.contains(token.as_str()), "{left}");
        }
        offered
    }

    #[test]
    fn a_token_is_taken_from_every_place_where_a_pbx_can_put_it() {
        for (query, path, header) in [
            ("telephone=1&token=s3cret&dnid=2", None, None),
            ("telephone=1&%74oken=s3cret", None, None),
            ("key=1?token=s3cret", None, None),
            ("token[]=s3cret", None, None),
            ("token%5B0%5D=s3cret", None, None),
            ("token=s3cret&token=s3cret", None, None),
            ("", Some("s3cret"), None),
            ("token=s3cret", Some("s3cret"), None),
            ("", None, Some("Bearer s3cret")),
            ("", None, Some("bearer   s3cret ")),
            ("", None, Some("Basic dXNlcjpzM2NyZXQ=")),
            ("", None, Some("basic dXNlcjpzM2NyZXQ")),
            ("token=", None, Some("Basic OnMzY3JldA==")),
        ] {
            let found = offered(query, path, header.as_slice());
            assert_eq!(found.values, ["s3cret"], "{query} {path:?} {header:?}");
            assert!(!found.conflicting, "{query} {path:?} {header:?}");
        }
    }

    #[test]
    fn a_password_may_hold_colons_and_any_letter() {
        assert_eq!(offered("", None, &["Basic dTphOmI6xINjw6k="]).values, ["a:b:ăcé"]);
        assert_eq!(offered("", None, &["Basic dTo_Pz8-"]).values, ["???>"], "the URL alphabet");
    }

    #[test]
    fn different_tokens_in_the_url_contradict_each_other() {
        assert!(offered("token=a&token=b", None, &[]).conflicting);
        assert!(offered("token=a&token=", None, &[]).conflicting);
        assert!(offered("token=a&token[]=b", None, &[]).conflicting);
        assert!(offered("token=a", Some("b"), &[]).conflicting);
    }

    #[test]
    fn a_token_in_a_header_is_one_more_offer() {
        let found = offered("token=a", None, &["Bearer b", "Basic dTpj"]);
        assert_eq!(found.values, ["a", "b", "c"]);
        assert!(!found.conflicting);
    }

    #[test]
    fn nothing_is_offered_by_an_empty_or_broken_credential() {
        for header in [
            "Bearer",
            "Bearer ",
            "Basic",
            "Basic dQ==",
            "Basic dTo=",
            "Basic !!!",
            "Digest x=y",
            "s3cret",
            "Basic /////w==",
        ] {
            assert_eq!(offered("token=", Some(""), &[header]), OfferedTokens::default(), "{header}");
        }
    }

    #[test]
    fn a_name_that_resembles_token_opens_nothing_and_does_not_travel_on() {
        let mut parameters = Parameters::from_query(b"TOKEN=a&amp;token=b&token[x]=c&token%00=e&tokens=d");
        assert_eq!(take(&mut parameters, None, &HeaderMap::new()), OfferedTokens::default());
        assert_eq!(parameters.pairs(), [("tokens".to_owned(), "d".to_owned())]);
    }

    #[test]
    fn only_a_bearer_token_is_a_bearer_token() {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, "Basic dTpw".parse().unwrap());
        assert_eq!(bearer(&headers), None);
        headers.append(AUTHORIZATION, "BEARER abc".parse().unwrap());
        assert_eq!(bearer(&headers).as_deref(), Some("abc"));
    }

    #[test]
    fn a_masked_query_shows_everything_but_the_token() {
        assert_eq!(mask_query("a=1&token=secret&b=%zz?token=x=y&c"), "a=1&token=***&b=%zz?token=***&c");
        assert_eq!(mask_query("%74oken=secret&+token+=x"), "%74oken=***&+token+=***");
        assert_eq!(mask_query("TOKEN[0]=secret&"), "TOKEN[0]=***&");
        assert_eq!(mask_query(""), "");
    }

    #[test]
    fn printing_offered_tokens_shows_none() {
        assert_eq!(format!("{:?}", offered("token=s3cret", None, &[])), "OfferedTokens(1, conflicting: false)");
    }
}
