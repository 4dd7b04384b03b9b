//! Passwords, as argon2id hashes with the library's parameters (OWASP's second recommendation: 19 MiB, two passes).

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::error::{Error, Kind, Result};

/// Fewest characters of a password.
pub const SHORTEST_PASSWORD: usize = 10;

/// Most bytes of a password.
pub const LONGEST_PASSWORD: usize = 1_024;

/// Hashes that are computed at a time: each takes a processor for a while, and calls come first.
static AT_ONCE: Semaphore = Semaphore::const_new(1);

/// What a password is compared with when there is no account or no password, so that the time says nothing.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a new password.
///
/// # Errors
/// `Invalid` for one that is too short or too long.
pub(super) async fn hash(password: String) -> Result<String> {
    if password.chars().count() < SHORTEST_PASSWORD || password.len() > LONGEST_PASSWORD {
        let message = format!("a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters");
        return Err(Error::new(Kind::Invalid, message));
    }
    let hashed = move || -> std::result::Result<String, argon2::password_hash::Error> {
        let hash: PasswordHash = Argon2::default().hash_password(password.as_bytes())?;
        Ok(hash.to_string())
    };
    let failed = |error: argon2::password_hash::Error| {
        Error::new(Kind::Internal, "cannot hash a password").because(error.to_string())
    };
    work(hashed).await?.map_err(failed)
}

/// Whether a password is the one with this hash; without a hash it never is, after the same time.
pub(super) async fn fits(password: String, hash: Option<String>) -> Result<bool> {
    let known = hash.is_some();
    let compare = move || {
        let hash = hash.as_deref().unwrap_or(NOBODY);
        let parsed = PasswordHash::new(hash);
        password.len() <= LONGEST_PASSWORD
            && parsed.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    };
    Ok(work(compare).await? && known)
}

async fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let lost = || Error::new(Kind::Internal, "a password could not be hashed");
    let _turn = AT_ONCE.acquire().await.map_err(|_| lost())?;
    tokio::task::spawn_blocking(work).await.map_err(|_| lost())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_fits() {
        let hash = hash("correct horse battery".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(fits("correct horse battery".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!fits("correct horse batterz".to_owned(), Some(hash)).await.unwrap());
        assert!(!fits(String::new(), None).await.unwrap());
        assert!(PasswordHash::new(NOBODY).is_ok(), "comparing with nobody takes as long");
    }

    #[tokio::test]
    async fn a_short_password_is_refused() {
        assert_eq!(hash("short".to_owned()).await.unwrap_err().kind(), Kind::Invalid);
    }
}
