//! Tokens as calldex keeps them: never the text, only its SHA-256.
//!
//! A token of `calldex token new` has 256 random bits, so a plain hash is enough: there is nothing to guess.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::{Error, Kind, Result};

/// The SHA-256 of a token. Printing it shows nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes the text of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Reads `sha256:` and 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when the text has another form.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(Kind::Invalid, "expected \"sha256:\" and 64 hexadecimal digits, as `calldex token hash` prints")
        };
        let digits = text.strip_prefix("sha256:").filter(|digits| digits.len() == 64).ok_or_else(wrong)?;
        let mut bytes = [0_u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }

    /// The form that [`TokenHash::parse`] reads.
    #[must_use]
    pub fn to_text(self) -> String {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{digits}")
    }

    /// Compares in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TokenHash(…)")
    }
}

/// A token that opens a project, or the administrator's pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The hash of its text.
    pub hash: TokenHash,
    /// From when on it is refused, in milliseconds since 1970 UTC; `None` is never.
    pub expires: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back_what_it_prints_and_shows_nothing_in_a_log() {
        let hash = TokenHash::of("secret");
        assert_eq!(TokenHash::parse(&hash.to_text()).unwrap(), hash);
        assert_eq!(format!("{hash:?}"), "TokenHash(…)");
        assert!(TokenHash::parse("sha256:xyz").is_err());
        assert!(TokenHash::parse("secret").is_err());
    }
}
