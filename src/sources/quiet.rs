//! What a system said about being asked: until when it wants to be left alone, and how much of today's requests is spent.
//!
//! It belongs to the account on the other side, not to a source: when the settings of a source change around the same
//! account, what was said still holds. Both locks are held for a comparison.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A day, in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// What an account said about being asked.
#[derive(Debug, Default)]
pub struct Quiet {
    until: Mutex<Option<Instant>>,
    /// The day (UTC, since 1970) and the requests of that day.
    spent: Mutex<(i64, u32)>,
}

impl Quiet {
    /// How long it wants to be left alone from now on; `None` when it may be asked.
    pub(super) fn rest(&self, now: Instant) -> Option<Duration> {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.and_then(|until| until.checked_duration_since(now)).filter(|rest| !rest.is_zero())
    }

    /// Leaves it alone until then; an earlier end never takes the place of a later one.
    pub(super) fn keep(&self, until: Instant) {
        let mut quiet = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *quiet = Some(quiet.map_or(until, |before| before.max(until)));
    }

    /// Counts a request of today. `now` is in milliseconds since 1970. Returns whether it was still one of `daily`.
    pub(super) fn spend(&self, daily: u32, now: i64) -> bool {
        let today = now.div_euclid(DAY);
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.0 != today {
            *spent = (today, 0);
        }
        let is_left = spent.1 < daily;
        spent.1 += u32::from(is_left);
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    #[test]
    fn the_longest_time_that_was_said_counts() {
        let (quiet, now, minute) = (Quiet::default(), SystemClock.now(), Duration::from_secs(60));
        assert_eq!(quiet.rest(now), None);
        quiet.keep(now + minute);
        quiet.keep(now + minute / 2);
        assert_eq!(quiet.rest(now), Some(minute));
        assert_eq!(quiet.rest(now + minute), None);
    }

    #[test]
    fn a_day_has_so_many_requests_and_the_next_one_as_many_again() {
        let quiet = Quiet::default();
        let of_day = |day: i64| (0..5).filter(|_| quiet.spend(3, day * DAY + 1)).count();
        assert_eq!((of_day(1), of_day(1), of_day(2)), (3, 0, 3));
    }
}
