//! The question: who rang, on what number, and what else the PBX told us.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// One question of a PBX, after the access check: it never holds a credential.
#[derive(Debug, Clone)]
pub struct Call {
    /// The project that is asked, by its name in the configuration.
    pub project: Arc<str>,
    /// The customer's number as received, not trimmed: a first blank may be a lost `+`. Empty when it was absent.
    pub telephone: String,
    /// The number that was called, or on an outbound call the number that the company goes out with, as received.
    pub dnid: String,
    /// Inbound or outbound, when the PBX says so.
    pub direction: Option<Direction>,
    /// Everything else that the PBX sent, by name.
    pub params: BTreeMap<String, String>,
    /// Ties log lines, the explanation and the answer together.
    pub request_id: RequestId,
}

impl Call {
    /// How many bytes of it a client has chosen.
    #[must_use]
    pub fn size(&self) -> usize {
        let params: usize = self.params.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.telephone.len() + self.dnid.len() + params
    }

    /// What is kept of a call that is too large to be kept whole: numbers up to this many characters, no parameters.
    #[must_use]
    pub fn shortened(&self, characters: usize) -> Self {
        let short = |text: &str| text.chars().take(characters).collect();
        let (telephone, dnid) = (short(&self.telephone), short(&self.dnid));
        let (project, request_id) = (Arc::clone(&self.project), self.request_id.clone());
        Self { project, telephone, dnid, direction: self.direction, params: BTreeMap::new(), request_id }
    }
}

/// Which way a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// A customer calls the company.
    In,
    /// The company calls a customer.
    Out,
}

impl Direction {
    /// Reads `in` or `out`, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "in" => Some(Self::In),
            "out" => Some(Self::Out),
            _ => None,
        }
    }

    /// The word as it stands in requests, rules and explanations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// The name of one request: at most 64 characters of `A-Z a-z 0-9 . _ -`.
///
/// It holds its text itself: each lookup has a new one, which is kept with its explanation.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId {
    length: u8,
    /// ASCII, followed by zeros.
    text: [u8; Self::MAX_LENGTH],
}

impl RequestId {
    /// Longest id that is taken over from a client, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// Takes over an id that a client sent, when it is short and harmless.
    #[must_use]
    pub fn from_client(text: &str) -> Option<Self> {
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let fits = (1..=Self::MAX_LENGTH).contains(&text.len());
        (fits && text.bytes().all(harmless)).then(|| Self::of(text.as_bytes()))
    }

    /// Names a request by 64 random bits, written as 16 hexadecimal digits.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0_u8; 16];
        for (place, digit) in digits.iter_mut().enumerate() {
            let nibble = (bits >> (60 - 4 * place)) & 0xf;
            *digit = HEX[nibble as usize];
        }
        Self::of(&digits)
    }

    /// Takes ASCII, at most [`RequestId::MAX_LENGTH`] of it.
    fn of(ascii: &[u8]) -> Self {
        let mut text = [0; Self::MAX_LENGTH];
        let mut length = 0;
        for (place, &byte) in text.iter_mut().zip(ascii) {
            *place = byte;
            length += 1;
        }
        Self { length, text }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_or_strange_id_of_a_client_is_not_taken_over() {
        assert!(RequestId::from_client("abc-1.2_3").is_some());
        assert!(RequestId::from_client("").is_none());
        assert!(RequestId::from_client(&"a".repeat(65)).is_none());
        assert!(RequestId::from_client("a\r\nSet-Cookie: x").is_none());
    }

    #[test]
    fn an_id_made_of_bits_has_sixteen_digits() {
        assert_eq!(RequestId::from_bits(0x1f).as_str(), "000000000000001f");
    }
}
