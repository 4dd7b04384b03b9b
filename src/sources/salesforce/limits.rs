//! Minds the daily limit: Salesforce counts the requests of all programs of a company over 24 hours.
//!
//! Each answer says how many there were. Close to the limit calldex stops by itself, so that others can still work;
//! beyond it Salesforce stops it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;

use crate::error::{Error, Kind, Result};
use crate::sources::quiet::Quiet;

/// The part of the limit that calldex leaves to others, in hundredths.
const LEFT_TO_OTHERS: u64 = 5;
/// How long to wait near the limit before looking again: the count goes down as the hours pass.
const PAUSE_NEAR: Duration = Duration::from_secs(15 * 60);
/// How long to wait after a refusal.
const PAUSE_BEYOND: Duration = Duration::from_secs(60 * 60);

/// Until when nothing is sent.
#[derive(Default)]
pub(super) struct Limits(pub(super) Arc<Quiet>);

impl Limits {
    /// Says no while the limit is near or reached.
    pub(super) fn check(&self, now: Instant) -> Result<()> {
        let Some(rest) = self.0.rest(now) else { return Ok(()) };
        let message = "its daily limit of requests is nearly used up, so it is not asked for a while";
        Err(Error::new(Kind::Unavailable, message).retry_after(Some(rest)))
    }

    /// Reads what an answer says of the limit.
    pub(super) fn note(&self, headers: &HeaderMap, now: Instant) {
        let said = headers.get("sforce-limit-info").and_then(|value| value.to_str().ok()).and_then(usage);
        if said.is_some_and(|(used, most)| used.saturating_mul(100) >= most.saturating_mul(100 - LEFT_TO_OTHERS)) {
            self.0.keep(now + PAUSE_NEAR);
        }
    }

    /// The error of a refusal.
    pub(super) fn reached(&self, now: Instant) -> Error {
        self.0.keep(now + PAUSE_BEYOND);
        Error::new(Kind::Unavailable, "its daily limit of requests is used up").retry_after(Some(PAUSE_BEYOND))
    }
}

/// Both numbers of `api-usage=18/5000`; a usage of one program alone may stand beside it.
fn usage(header: &str) -> Option<(u64, u64)> {
    let parts = header.split([';', ',']).map(str::trim);
    let (used, most) = parts.filter_map(|part| part.strip_prefix("api-usage=")).next()?.split_once('/')?;
    Some((used.parse().ok()?, most.parse().ok().filter(|most| *most > 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    fn noted(header: &str) -> bool {
        let (limits, now) = (Limits::default(), SystemClock.now());
        let mut headers = HeaderMap::new();
        headers.insert("sforce-limit-info", header.parse().unwrap());
        limits.note(&headers, now);
        assert!(limits.check(now + PAUSE_NEAR).is_ok());
        limits.note(&headers, now);
        limits.check(now).is_err()
    }

    #[test]
    fn close_to_the_limit_it_is_not_asked_for_a_while() {
        assert!(noted("api-usage=4750/5000"));
        assert!(noted("per-app-api-usage=1/9(appName=x); api-usage=6000/5000"));
        for header in ["api-usage=18/5000", "api-usage=4749/5000", "api-usage=1/0", "x", "per-app-api-usage=9/9"] {
            assert!(!noted(header), "{header}");
        }
    }

    #[test]
    fn beyond_the_limit_it_says_for_how_long() {
        let (limits, now) = (Limits::default(), SystemClock.now());
        assert_eq!(limits.reached(now).pause(), Some(PAUSE_BEYOND));
        assert_eq!(
            limits.check(now + Duration::from_secs(60)).unwrap_err().pause(),
            Some(Duration::from_secs(59 * 60))
        );
        // What an answer that was under way says about the near limit does not shorten it.
        limits.0.keep(now + PAUSE_NEAR);
        assert!(limits.check(now + PAUSE_NEAR).is_err());
        assert!(limits.check(now + PAUSE_BEYOND).is_ok());
    }
}
