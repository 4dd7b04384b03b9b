//! What a request offers as its secret, and whether that opens anything.
//!
//! A secret may come in the query, in a form, in the path, as a bearer token or as the password of HTTP Basic. The same
//! secret in two places is one. Two different ones are refused, whichever of them is right: such a client is confused
//! or trying its luck, and which one would count should not depend on the order in which we look.
//!
//! Only the first secret is kept, and never printed.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::config::{Token, TokenHash};

/// Longest secret that is looked at, in bytes; a longer one is refused.
const LONGEST: usize = 1024;

/// Base64 with or without padding, since clients differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The secret that a request offers.
#[derive(Clone, Default)]
pub struct Offered<'a> {
    secret: Option<Cow<'a, str>>,
    differing: bool,
    too_long: bool,
}

/// How a secret compares with the tokens that would open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Valid,
    Missing,
    Wrong,
    Expired,
    Differing,
}

impl<'a> Offered<'a> {
    /// A request that offers nothing yet.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Only what stands in `Authorization: Bearer`: the administrators' way.
    #[must_use]
    pub fn bearer(headers: &'a HeaderMap) -> Self {
        let mut offered = Self::none();
        for value in headers.get_all(AUTHORIZATION) {
            if let Some(secret) = after_scheme(value.as_bytes(), b"bearer") {
                offered.add(String::from_utf8_lossy(secret));
            }
        }
        offered
    }

    /// What stands in `Authorization`: a bearer token, or the password of HTTP Basic. Its user name does not matter.
    #[must_use]
    pub fn authorization(headers: &'a HeaderMap) -> Self {
        let mut offered = Self::none();
        for value in headers.get_all(AUTHORIZATION) {
            if let Some(secret) = after_scheme(value.as_bytes(), b"bearer") {
                offered.add(String::from_utf8_lossy(secret));
            }
            if let Some(encoded) = after_scheme(value.as_bytes(), b"basic")
                && let Ok(decoded) = BASE64.decode(encoded)
                && let Some(colon) = decoded.iter().position(|byte| *byte == b':')
            {
                offered.add(Cow::Owned(String::from_utf8_lossy(&decoded[colon + 1..]).into_owned()));
            }
        }
        offered
    }

    /// Says whether nothing is offered.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.secret.is_none()
    }

    /// Adds a secret from the query, a form or the path, decoded. An empty one counts as none, since PHP sends
    /// `token=` for a field that was left empty.
    pub fn add(&mut self, secret: impl Into<Cow<'a, str>>) {
        let secret = secret.into();
        if secret.is_empty() {
            return;
        }
        self.too_long |= secret.len() > LONGEST;
        match &self.secret {
            None => self.secret = Some(secret),
            // Both come from the client, so how long the comparison takes tells it nothing.
            Some(first) => self.differing |= *first != secret,
        }
    }

    /// The same, for whom the request does not live long enough.
    #[must_use]
    pub fn into_owned(self) -> Offered<'static> {
        let secret = self.secret.map(|secret| Cow::Owned(secret.into_owned()));
        Offered { secret, differing: self.differing, too_long: self.too_long }
    }

    /// Compares with every token, also after one fitted, so that the time taken says nothing about them.
    pub(crate) fn compare(&self, tokens: &[Token], utc_millis: i64) -> Verdict {
        let text = self.secret.as_deref().filter(|_| !self.too_long).unwrap_or_default();
        let hash = TokenHash::of(text);
        let (mut valid, mut expired) = (false, false);
        for token in tokens {
            let fits = token.hash.matches(&hash);
            let over = token.expires.is_some_and(|end| utc_millis >= end);
            valid |= fits & !over;
            expired |= fits & over;
        }
        match () {
            () if self.differing => Verdict::Differing,
            () if self.secret.is_none() => Verdict::Missing,
            () if self.too_long => Verdict::Wrong,
            () if valid => Verdict::Valid,
            () if expired => Verdict::Expired,
            () => Verdict::Wrong,
        }
    }
}

impl fmt::Debug for Offered<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Offered").field("secret", &self.secret.as_ref().map(|_| "…")).finish_non_exhaustive()
    }
}

/// What stands behind the scheme of an `Authorization` value. Schemes are told apart without regard to case (RFC 9110).
fn after_scheme<'a>(value: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (found, rest) = value.split_at_checked(scheme.len())?;
    (found.eq_ignore_ascii_case(scheme) && rest.first() == Some(&b' ')).then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn token(text: &str, expires: Option<i64>) -> Token {
        Token { hash: TokenHash::of(text), expires }
    }

    fn verdict(offered: &Offered<'_>) -> Verdict {
        offered.compare(&[token("old", Some(1_000)), token("new", None)], 500)
    }

    fn with_authorization(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn two_tokens_open_at_once_until_one_expires() {
        let tokens = [token("old", Some(1_000)), token("new", None)];
        for (secret, now, expected) in [
            ("old", 999, Verdict::Valid),
            ("old", 1_000, Verdict::Expired),
            ("new", 999, Verdict::Valid),
            ("new", i64::MAX, Verdict::Valid),
            ("other", 999, Verdict::Wrong),
        ] {
            let mut offered = Offered::none();
            offered.add(secret);
            assert_eq!(offered.compare(&tokens, now), expected, "{secret} at {now}");
        }
    }

    #[test]
    fn a_token_that_was_listed_twice_opens_as_long_as_one_of_them_does() {
        let mut offered = Offered::none();
        offered.add("same");
        assert_eq!(offered.compare(&[token("same", Some(1)), token("same", None)], 5), Verdict::Valid);
    }

    #[test]
    fn a_bearer_token_and_a_basic_password_are_read_in_any_case_and_padding() {
        for value in
            ["Bearer new", "bearer new", "BEARER   new ", "Basic cGJ4Om5ldw==", "basic cGJ4Om5ldw", "Basic Om5ldw=="]
        {
            let headers = with_authorization(&[value]);
            assert_eq!(verdict(&Offered::authorization(&headers)), Verdict::Valid, "{value}");
        }
        for value in ["Bearer", "Bearernew", "Basic", "Basic %%%", "Basic bmV3", "Digest new", "new", "Basic cGJ4Og=="]
        {
            let headers = with_authorization(&[value]);
            assert_eq!(verdict(&Offered::authorization(&headers)), Verdict::Missing, "{value}");
        }
    }

    #[test]
    fn an_administrator_is_read_from_the_bearer_alone() {
        let headers = with_authorization(&["Basic cGJ4Om5ldw=="]);
        assert_eq!(verdict(&Offered::bearer(&headers)), Verdict::Missing);
        let headers = with_authorization(&["Bearer new"]);
        assert_eq!(verdict(&Offered::bearer(&headers)), Verdict::Valid);
    }

    #[test]
    fn the_same_secret_twice_is_one_and_two_different_ones_are_refused() {
        let headers = with_authorization(&["Bearer new"]);
        let mut offered = Offered::authorization(&headers);
        offered.add("new");
        offered.add("");
        assert_eq!(verdict(&offered), Verdict::Valid);
        offered.add("old");
        assert_eq!(verdict(&offered), Verdict::Differing);
        let headers = with_authorization(&["Bearer new", "Basic cGJ4OnNlY3JldA=="]);
        assert_eq!(verdict(&Offered::authorization(&headers)), Verdict::Differing);
    }

    #[test]
    fn an_empty_token_is_none_and_a_huge_one_is_wrong() {
        let mut offered = Offered::none();
        offered.add("");
        assert_eq!(verdict(&offered), Verdict::Missing);
        let huge = "x".repeat(LONGEST + 1);
        offered.add(huge.as_str());
        assert_eq!(offered.compare(&[token(&huge, None)], 0), Verdict::Wrong);
        let longest = "x".repeat(LONGEST);
        let mut offered = Offered::none();
        offered.add(longest.as_str());
        assert_eq!(offered.compare(&[token(&longest, None)], 0), Verdict::Valid);
    }

    #[test]
    fn nothing_of_a_secret_is_printed() {
        let mut offered = Offered::none();
        offered.add("hunter2");
        assert!(!format!("{offered:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn no_authorization_bytes_can_panic_or_open(value in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut headers = HeaderMap::new();
            for prefix in [&b""[..], b"Bearer ", b"Basic "] {
                if let Ok(value) = HeaderValue::from_bytes(&[prefix, &value].concat()) {
                    headers.append(AUTHORIZATION, value);
                }
            }
            let offered = Offered::authorization(&headers);
            prop_assert_ne!(offered.compare(&[token("a secret that nobody guesses", None)], 0), Verdict::Valid);
        }
    }
}
