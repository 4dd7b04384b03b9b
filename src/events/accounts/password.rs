//! Passwords, as argon2id hashes with the library's parameters (OWASP's second recommendation: 19 MiB, two passes).

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::error::{Error, Kind, Result};

/// Fewest characters of a password.
pub const SHORTEST_PASSWORD: usize = 10;

/// Most bytes of a password.
pub const LONGEST_PASSWORD: usize = 1_024;

/// Most passwords that wait to be hashed; further ones are refused at once.
const WAITING: usize = 200;

/// The passwords of the process.
static PASSWORDS: Line = Line::new();

/// What a password is compared with when there is no account or no password, so that the time says nothing.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a new password.
///
/// # Errors
/// `Invalid` for one that is too short or too long; `Busy` when too many are being hashed.
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
    PASSWORDS.work(hashed).await?.map_err(failed)
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
    Ok(PASSWORDS.work(compare).await? && known)
}

/// Hashes passwords one after another, with a pause after each as long as it took: calls come first, so whoever tries
/// passwords, from however many addresses, gets at most half of one processor.
struct Line {
    turn: Semaphore,
    waiting: Semaphore,
}

impl Line {
    const fn new() -> Self {
        Self { turn: Semaphore::const_new(1), waiting: Semaphore::const_new(WAITING) }
    }

    async fn work<T: Send + 'static>(&'static self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let lost = || Error::new(Kind::Internal, "a password could not be hashed");
        let full = |_| Error::new(Kind::Busy, "too many sign in at this moment, try again");
        let waits = self.waiting.try_acquire().map_err(full)?;
        let turn = self.turn.acquire().await.map_err(|_| lost())?;
        drop(waits);
        let start = Instant::now();
        let done = tokio::task::spawn_blocking(work).await;
        let took = start.elapsed();
        // Whoever asked has his answer; only the next one waits. Ends with the runtime.
        tokio::spawn(async move {
            tokio::time::sleep(took).await;
            drop(turn);
        });
        done.map_err(|_| lost())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

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

    #[tokio::test]
    async fn one_password_is_hashed_at_a_time_with_a_pause_after_it_and_too_many_are_refused() {
        static LINE: Line = Line::new();
        const TIME: Duration = Duration::from_millis(5);
        let running = Arc::new(AtomicUsize::new(0));
        let work = || {
            let running = Arc::clone(&running);
            LINE.work(move || {
                assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "alone");
                std::thread::sleep(TIME);
                running.fetch_sub(1, Ordering::SeqCst);
            })
        };
        let start = Instant::now();
        let ends = futures_util::future::join_all((0..WAITING + 50).map(|_| work())).await;
        let refused = ends.iter().filter(|end| end.as_ref().is_err_and(|error| error.kind() == Kind::Busy)).count();
        // The first one has its turn before the next one comes.
        assert_eq!(refused, 49);
        let done = u32::try_from(ends.len() - refused).unwrap();
        assert!(ends.iter().filter(|end| end.is_ok()).count() == done as usize, "nobody else is refused");
        assert!(start.elapsed() >= TIME * (2 * done - 2), "it rests as long as it works");
    }
}
