//! Time as a parameter.
//!
//! `clippy.toml` forbids reading the clock anywhere else, so that whatever depends on time can be tested without
//! waiting. Pure code takes `now` as an argument; what lives longer holds a [`Clock`].

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// A time that only goes forward, for durations.
    fn now(&self) -> Instant;

    /// Milliseconds since 1970 UTC, for records.
    fn utc_millis(&self) -> i64;
}

/// The clock of the machine. In tests under a paused tokio runtime [`Clock::now`] stands still with it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place where the time comes from")]
    fn utc_millis(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}
