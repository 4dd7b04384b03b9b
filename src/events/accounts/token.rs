//! Random tokens for links and sessions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::{Error, Kind, Result};

/// 256 random bits as text that fits into a URL and a cookie.
pub(super) fn new_token() -> Result<String> {
    let mut bits = [0_u8; 32];
    getrandom::fill(&mut bits).map_err(|error| Error::new(Kind::Unavailable, "no randomness").because(error))?;
    Ok(URL_SAFE_NO_PAD.encode(bits))
}

/// What is stored of a token. It has 256 random bits, so a fast hash keeps it secret.
pub(super) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
