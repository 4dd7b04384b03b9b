//! Leaves a system alone that fails again and again, and finds out when it is back.
//!
//! Pure: `now` is a parameter, and whoever holds it does the locking. While it is closed everybody passes. After
//! [`FAILURES`] failures in a row it opens: nobody passes until the rest is over, then one request is the probe,
//! whose outcome closes or opens it again, for longer. The first refusal of the credentials opens it, because a wrong password
//! that is tried with every call locks the account, and for up to [`REFUSED_FOR`]. A system that says how long it wants to be
//! left alone gets that.
//!
//! No caller must stop a source for the others by what he sends. What goes wrong once a question was sent (a 5xx, no answer, a
//! 403 that may be about one request alone) counts once for each caller, all that sent something odd are one, and a refusal of
//! something odd is none. Only what goes wrong before counts each time: an address that cannot be connected to, a refused login.

use std::time::{Duration, Instant};

use super::caller::Caller;
use crate::error::{Error, Kind};

/// Passing failures in a row that open it; of different callers where they may be about what was asked.
pub const FAILURES: usize = 5;

/// Refusals of different callers in a row that open it, where one may be about its request alone.
pub const REFUSALS: usize = 3;

/// The first rest; each further one is twice as long.
pub const FIRST_REST: Duration = Duration::from_secs(1);

/// The longest rest, so that a system that is back is used after this time at the latest.
pub const LONGEST_REST: Duration = Duration::from_secs(30);

/// The first rest after refused credentials, so that a passing defect of a login costs little; each further one is four times
/// as long.
pub const FIRST_REFUSED_FOR: Duration = Duration::from_secs(60);

/// The longest rest after refused credentials.
pub const REFUSED_FOR: Duration = Duration::from_secs(15 * 60);

/// Longest time that a system may ask to be left alone.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Counts failures, and says who may pass.
#[derive(Debug)]
pub(crate) struct Breaker {
    state: State,
    /// Those that no caller can have provoked.
    failures: usize,
    /// Those whose requests failed; fewer than [`FAILURES`]. All who sent something odd are `None`.
    failed_callers: Vec<Option<u64>>,
    /// Those whose requests were refused, perhaps because of what was in them; fewer than [`REFUSALS`].
    refused_callers: Vec<u64>,
    next_rest: Duration,
    next_refused_for: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Instant,
        why: Why,
    },
    /// One request is on its way to find out.
    Probing {
        why: Why,
    },
}

/// Why a source is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It failed too often.
    Failing,
    /// It refuses the credentials.
    Refused,
    /// It asked for a pause.
    Asked,
}

/// The state of a source, for metrics and health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It is asked.
    Closed,
    /// One request finds out whether it is back.
    HalfOpen(Why),
    /// It is left alone.
    Open(Why),
}

/// Whether a request may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// As usual.
    Usual,
    /// It is the one that finds out; it must report back.
    Probe,
    /// Not before this time has passed.
    Stop(Why, Duration),
}

impl Breaker {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Closed,
            failures: 0,
            failed_callers: Vec::new(),
            refused_callers: Vec::new(),
            next_rest: FIRST_REST,
            next_refused_for: FIRST_REFUSED_FOR,
        }
    }

    /// Whether a request would be stopped at this moment.
    pub(crate) fn stops(&self, now: Instant) -> Option<(Why, Duration)> {
        match self.state {
            State::Open { until, why } if now < until => Some((why, until - now)),
            State::Probing { why } => Some((why, Duration::ZERO)),
            State::Open { .. } | State::Closed => None,
        }
    }

    /// Lets a request through or not.
    pub(crate) fn pass(&mut self, now: Instant) -> Pass {
        if let Some((why, rest)) = self.stops(now) {
            return Pass::Stop(why, rest);
        }
        match self.state {
            State::Open { why, .. } => {
                self.state = State::Probing { why };
                Pass::Probe
            }
            State::Closed | State::Probing { .. } => Pass::Usual,
        }
    }

    /// The system answered: whatever was, it is back, unless it has asked for a pause since this request began.
    pub(crate) fn succeed(&mut self) {
        if !matches!(self.state, State::Open { why: Why::Asked, .. }) {
            *self = Self::new();
        }
    }

    /// The system failed for a caller. Returns whether that opened the breaker.
    pub(crate) fn fail(&mut self, error: &Error, caller: Caller, probe: bool, now: Instant) -> bool {
        // Whoever began before it opened has nothing new to say.
        if !probe && self.state != State::Closed {
            return false;
        }
        let asked = !error.is_before_asking();
        let whoever = asked.then(|| caller.is_plain.then_some(caller.id));
        match (error.kind(), error.pause()) {
            // Nothing was learned of the system: the next caller finds out.
            (Kind::Refused, _) if asked && !caller.is_plain => probe && self.open(now, Why::Refused),
            (Kind::Refused, _) if asked && error.is_perhaps_of_one_request() => {
                self.count_refused(caller.id, probe, now)
            }
            (Kind::Refused, _) => {
                let rest = self.next_refused_for;
                self.next_refused_for = (rest * 4).min(REFUSED_FOR);
                self.open(now + rest, Why::Refused)
            }
            // A limit of our own: the system was not asked.
            (Kind::Busy, _) => probe && self.open(now + FIRST_REST, Why::Failing),
            (_, Some(pause)) => self.open(now + pause.min(LONGEST_PAUSE), Why::Asked),
            (Kind::Internal, _) => self.count(whoever, probe, now),
            _ if error.is_passing() => self.count(whoever, probe, now),
            // It answers, though not what is wanted: that is for the one who asked.
            _ => {
                self.succeed();
                false
            }
        }
    }

    /// The configuration was read again, perhaps because somebody has mended the credentials on the other side. One request
    /// finds out; more of them could lock an account.
    pub(crate) fn forgive(&mut self, now: Instant) {
        if let State::Open { until, why: Why::Refused } = &mut self.state {
            *until = now;
        }
    }

    /// The settings have changed, the account is the one of an earlier breaker: what it said still holds.
    pub(crate) fn take_over(&mut self, earlier: &Self, now: Instant) {
        self.state = match earlier.state {
            State::Open { until, why: Why::Asked } => State::Open { until, why: Why::Asked },
            State::Open { why: Why::Refused, .. } | State::Probing { why: Why::Refused } => {
                State::Open { until: now, why: Why::Refused }
            }
            State::Open { .. } | State::Probing { .. } | State::Closed => State::Closed,
        };
    }

    pub(crate) fn health(&self) -> Health {
        match self.state {
            State::Closed => Health::Closed,
            State::Open { why, .. } => Health::Open(why),
            State::Probing { why } => Health::HalfOpen(why),
        }
    }

    /// Counts a failure, of a caller where his question may have provoked it.
    fn count(&mut self, whoever: Option<Option<u64>>, probe: bool, now: Instant) -> bool {
        match whoever {
            // As with a refusal: the next caller finds out.
            Some(None) if probe => return self.open(now, Why::Failing),
            Some(caller) if self.failed_callers.contains(&caller) => {}
            Some(caller) => self.failed_callers.push(caller),
            None => self.failures += 1,
        }
        (self.failures + self.failed_callers.len() >= FAILURES || probe) && self.rest(now, Why::Failing)
    }

    fn count_refused(&mut self, caller: u64, probe: bool, now: Instant) -> bool {
        if !self.refused_callers.contains(&caller) {
            self.refused_callers.push(caller);
        }
        (self.refused_callers.len() >= REFUSALS || probe) && self.rest(now, Why::Refused)
    }

    /// Opens it, each time for twice as long.
    fn rest(&mut self, now: Instant, why: Why) -> bool {
        let rest = self.next_rest;
        self.next_rest = (rest * 2).min(LONGEST_REST);
        (self.failures, self.failed_callers, self.refused_callers) = (0, Vec::new(), Vec::new());
        self.open(now + rest, why)
    }

    fn open(&mut self, until: Instant, why: Why) -> bool {
        self.state = State::Open { until, why };
        true
    }
}

impl Health {
    /// For the gauge: 0 is closed, 1 half-open, 2 open.
    #[must_use]
    pub fn level(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::HalfOpen(_) => 1,
            Self::Open(_) => 2,
        }
    }

    /// Why the source is left alone; `None` when it is asked as usual.
    #[must_use]
    pub fn why(self) -> Option<Why> {
        match self {
            Self::Closed => None,
            Self::HalfOpen(why) | Self::Open(why) => Some(why),
        }
    }
}

impl Why {
    /// One word for health and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Refused => "refused",
            Self::Asked => "paused",
        }
    }
}

#[cfg(test)]
mod tests;
