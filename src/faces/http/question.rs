//! Reads what a PBX asks, from the query string and the body, exactly as it was sent.
//!
//! Everything here is hostile: a SIP user named `x&telephone=0722…` adds a parameter of its own, and a caller who could
//! choose between two values would choose who he is. So nothing is repaired and nothing wins: what was sent twice with
//! different values is known to nobody.

mod body;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use memchr::{memchr, memchr2};

use crate::config::Format;
use crate::model::Direction;

/// Longest query string, in bytes; a longer one is refused with 414.
pub(super) const MAX_QUERY: usize = 16 * 1024;
/// Longest body, in bytes; a longer one is refused with 413.
pub(super) const MAX_BODY: usize = 64 * 1024;
/// Most parameters of one request, query and body together.
pub(super) const MAX_PARAMETERS: usize = 1_000;

/// The parameters of a request as sent: names and values in order, repeats included.
///
/// It still holds the token, so printing it shows nothing; see [`super::credentials::take`].
#[derive(Clone, Default, PartialEq, Eq)]
pub(in crate::faces) struct Parameters<'a> {
    /// What was sent without `%` and `+` is not copied.
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    overflowed: bool,
    unreadable: bool,
}

/// What was asked, without a credential.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::faces) struct Asked {
    /// The customer's number, not trimmed: a first blank may be a lost plus.
    pub(in crate::faces) telephone: Value,
    /// The number that was called, not trimmed.
    pub(in crate::faces) dnid: Value,
    /// `in` or `out`, when the PBX says so.
    pub(in crate::faces) direction: Option<Direction>,
    /// `json`, `xml` or `text`, when the request names it.
    pub(in crate::faces) format: Option<Format>,
    /// All other parameters. One that was sent twice with different values is left out.
    pub(in crate::faces) others: BTreeMap<String, String>,
    /// Whether there was a body that could not be read; it counts as empty.
    pub(in crate::faces) unreadable_body: bool,
}

/// The value of a parameter that must have one meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::faces) enum Value {
    /// It was not sent.
    #[default]
    Absent,
    /// It was sent, perhaps several times with the same value. It may be empty.
    Given(String),
    /// It was sent with different values.
    Conflicting,
}

impl<'a> Parameters<'a> {
    /// Reads a raw query string, without the `?` before it.
    #[must_use]
    pub(in crate::faces) fn from_query(raw: &'a [u8]) -> Self {
        let mut parameters = Self::default();
        parameters.add_query(raw);
        parameters
    }

    /// Adds a raw query string. A further `?` is read as `&`: PBXs append `?telephone=` to an URL that has a query.
    pub(super) fn add_query(&mut self, raw: &'a [u8]) {
        for part in raw.split(|&byte| byte == b'?') {
            self.add_form(part);
        }
    }

    /// Adds a form: `&` between pairs, `+` is a blank, a `%` without two hexadecimal digits stays, as does a control
    /// character; bytes that are not UTF-8 become U+FFFD.
    pub(super) fn add_form(&mut self, raw: &'a [u8]) {
        let mut rest = raw;
        while !rest.is_empty() {
            let end = memchr(b'&', rest).unwrap_or(rest.len());
            let pair = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            if pair.is_empty() {
                continue;
            }
            match plain_pair(pair) {
                Some((name, value)) => self.push(name, value),
                None => form_urlencoded::parse(pair).for_each(|(name, value)| self.push(name, value)),
            }
        }
    }

    /// All pairs in the order in which they were sent; `None` when there were too many, or a body that cannot be read.
    pub(super) fn into_pairs(self) -> Option<Vec<(Cow<'a, str>, Cow<'a, str>)>> {
        (!self.overflowed && !self.unreadable).then_some(self.pairs)
    }

    /// Takes out every parameter whose name fits, and gives them back in order.
    pub(super) fn take(&mut self, fits: impl Fn(&str) -> bool) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        self.pairs.extract_if(.., |(name, _)| fits(name)).collect()
    }

    /// Sorts the parameters by meaning.
    #[must_use]
    pub(in crate::faces) fn into_asked(self) -> Asked {
        let mut asked = Asked { unreadable_body: self.unreadable, ..Asked::default() };
        let mut others: BTreeMap<String, Value> = BTreeMap::new();
        for (name, value) in self.pairs {
            match plain_name(&name) {
                "telephone" => asked.telephone.add(value),
                "dnid" => asked.dnid.add(value),
                _ => others.entry(name.into_owned()).or_default().add(value),
            }
        }
        if self.overflowed {
            (asked.telephone, asked.dnid) = (Value::Conflicting, Value::Conflicting);
        }
        asked.others = others.into_iter().filter_map(|(name, value)| Some((name, value.given()?))).collect();
        asked.direction = take_known(&mut asked.others, "direction", Direction::parse);
        asked.format = take_known(&mut asked.others, "format", parse_format);
        asked
    }

    /// Adds one parameter, as far as there is room.
    pub(super) fn push(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        if self.pairs.len() < MAX_PARAMETERS {
            self.pairs.push((name.into(), value.into()));
        } else {
            self.overflowed = true;
        }
    }
}

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Parameters({} pairs)", self.pairs.len())
    }
}

impl Asked {
    /// Whether the request contradicts itself, or has too many parameters to be read whole: an unknown caller.
    #[must_use]
    pub(in crate::faces) fn is_conflicting(&self) -> bool {
        self.telephone == Value::Conflicting || self.dnid == Value::Conflicting
    }

    /// The id of an earlier request, for an explanation; it stays among the other parameters.
    #[must_use]
    pub(super) fn request(&self) -> Option<&str> {
        self.others.get("request").map(String::as_str)
    }

    /// What the integrator should know, for `X-Calldex-Warning`. It holds nothing of the request.
    #[must_use]
    pub(super) fn warning(&self) -> Option<&'static str> {
        if self.is_conflicting() {
            Some("telephone or dnid was sent with different values, or there were too many parameters")
        } else if self.telephone != Value::Absent {
            None
        } else if self.unreadable_body {
            Some("telephone is missing; the body is neither a form nor a JSON object")
        } else {
            Some("telephone is missing")
        }
    }
}

impl Value {
    /// The text, when there is one that counts.
    #[must_use]
    pub(in crate::faces) fn given(self) -> Option<String> {
        match self {
            Self::Given(text) => Some(text),
            Self::Absent | Self::Conflicting => None,
        }
    }

    fn add(&mut self, text: Cow<'_, str>) {
        match self {
            Self::Absent => *self = Self::Given(text.into_owned()),
            Self::Given(known) if *known == text => {}
            Self::Given(_) | Self::Conflicting => *self = Self::Conflicting,
        }
    }
}

/// A pair in which nothing is encoded, as almost all are: it stands in the request as it is meant.
fn plain_pair(pair: &[u8]) -> Option<(&str, &str)> {
    if memchr2(b'%', b'+', pair).is_some() || !pair.is_ascii() {
        return None;
    }
    let pair = std::str::from_utf8(pair).ok()?;
    Some(memchr(b'=', pair.as_bytes()).map_or((pair, ""), |end| (&pair[..end], &pair[end + 1..])))
}

/// The name without the `[]` or `[0]` that PHP's `http_build_query` adds to the items of a list. Case counts.
pub(super) fn plain_name(name: &str) -> &str {
    let is_index = |index: &&str| index.bytes().all(|byte| byte.is_ascii_digit());
    let list = name.split_once('[').filter(|(_, rest)| rest.strip_suffix(']').as_ref().is_some_and(is_index));
    list.map_or(name, |(plain, _)| plain)
}

/// Takes a parameter out when its value is one that calldex knows; a PBX may mean something else by the same name.
fn take_known<T>(others: &mut BTreeMap<String, String>, name: &str, parse: fn(&str) -> Option<T>) -> Option<T> {
    let known = parse(others.get(name)?)?;
    others.remove(name);
    Some(known)
}

fn parse_format(text: &str) -> Option<Format> {
    [("json", Format::Json), ("xml", Format::Xml), ("text", Format::Text)]
        .into_iter()
        .find_map(|(word, format)| word.eq_ignore_ascii_case(text).then_some(format))
}

/// Reads any bytes as a request, for fuzzers and property tests.
///
/// # Panics
/// When the parameters are without bound, or a token is left over.
pub fn fuzz_bytes(query: &[u8], body: &[u8]) {
    let mut parameters = Parameters::from_query(query);
    parameters.add_body(Some("application/json"), body);
    parameters.add_body(None, query);
    let headers = http::HeaderMap::new();
    super::credentials::take(&mut parameters, None, &headers);
    assert!(parameters.pairs.len() <= MAX_PARAMETERS, "more parameters than are read");
    let asked = parameters.into_asked();
    assert!(!asked.others.contains_key("token") && !asked.others.contains_key("telephone"), "a token is left over");
}

#[cfg(test)]
mod tests;
