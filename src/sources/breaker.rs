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
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    fn error(kind: Kind) -> Error {
        Error::new(kind, "scripted")
    }

    const CALLER: Caller = Caller { id: 7, is_plain: true };

    /// A failure that no caller can have provoked.
    fn on_the_way(kind: Kind) -> Error {
        error(kind).before_asking(true)
    }

    fn plain(id: u64) -> Caller {
        Caller { id, is_plain: true }
    }

    fn odd(id: u64) -> Caller {
        Caller { id, is_plain: false }
    }

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new();
        for failure in 1..=FAILURES {
            assert_eq!(breaker.pass(now), Pass::Usual);
            assert_eq!(breaker.fail(&on_the_way(Kind::Unavailable), CALLER, false, now), failure == FAILURES);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_probes_once_and_closes() {
        let now = SystemClock.now();
        let mut breaker = opened(now);
        assert!(matches!(breaker.pass(now), Pass::Stop(Why::Failing, rest) if rest == FIRST_REST));
        let later = now + FIRST_REST;
        assert_eq!(breaker.pass(later), Pass::Probe);
        assert!(matches!(breaker.pass(later), Pass::Stop(..)), "one probe at a time");
        breaker.succeed();
        assert_eq!((breaker.pass(later), breaker.health()), (Pass::Usual, Health::Closed));
    }

    #[test]
    fn each_rest_is_twice_as_long_up_to_a_bound() {
        let mut now = SystemClock.now();
        let mut breaker = opened(now);
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            assert!(matches!(breaker.pass(now), Pass::Stop(_, rest) if rest == Duration::from_secs(seconds)));
            now += Duration::from_secs(seconds);
            assert_eq!(breaker.pass(now), Pass::Probe);
            assert!(breaker.fail(&error(Kind::Timeout), CALLER, true, now));
        }
    }

    #[test]
    fn failures_between_successes_do_not_add_up() {
        let (mut breaker, now) = (Breaker::new(), SystemClock.now());
        for _ in 0..20 {
            for caller in 1..FAILURES {
                breaker.fail(&on_the_way(Kind::Unavailable), CALLER, false, now);
                breaker.succeed();
                breaker.fail(&error(Kind::Unavailable), plain(caller as u64), false, now);
            }
            breaker.succeed();
        }
        assert_eq!(breaker.health(), Health::Closed);
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_no_outage() {
        let (mut breaker, now) = (Breaker::new(), SystemClock.now());
        for kind in [Kind::Corrupt, Kind::Invalid, Kind::NotFound].repeat(10) {
            assert!(!breaker.fail(&error(kind), CALLER, false, now));
        }
        assert_eq!(breaker.pass(now), Pass::Usual);
    }

    #[test]
    fn the_first_refusal_stops_the_source_each_further_one_for_longer_and_a_reload_tries_once() {
        let (mut breaker, mut now) = (Breaker::new(), SystemClock.now());
        for minutes in [1, 4, 15, 15] {
            let rest = Duration::from_secs(minutes * 60);
            let is_probe = breaker.pass(now) == Pass::Probe;
            assert!(breaker.fail(&error(Kind::Refused), CALLER, is_probe, now), "{minutes} min");
            assert_eq!(breaker.pass(now), Pass::Stop(Why::Refused, rest));
            now += rest;
        }
        assert_eq!(breaker.pass(now), Pass::Probe);
        assert!(breaker.fail(&error(Kind::Refused), CALLER, true, now));
        breaker.forgive(now);
        assert_eq!(breaker.health(), Health::Open(Why::Refused), "nothing is known yet");
        assert_eq!(breaker.pass(now), Pass::Probe);
        assert!(breaker.fail(&error(Kind::Refused), CALLER, true, now), "a reload costs one request");
    }

    #[test]
    fn a_login_is_refused_whoever_calls() {
        for refused in [error(Kind::Refused), error(Kind::Refused).perhaps_of_one_request(true)] {
            let (mut breaker, now) = (Breaker::new(), SystemClock.now());
            assert!(breaker.fail(&refused.before_asking(true), odd(1), false, now));
            assert_eq!(breaker.health(), Health::Open(Why::Refused));
        }
    }

    #[test]
    fn other_settings_around_the_same_account_forget_failures_and_nothing_that_it_said() {
        let now = SystemClock.now();
        let minute = Duration::from_secs(60);
        let after = |error: Error, now| {
            let (mut before, mut breaker) = (Breaker::new(), Breaker::new());
            (0..FAILURES).for_each(|_| {
                before.fail(&error, CALLER, false, now);
            });
            breaker.take_over(&before, now);
            breaker.pass(now)
        };
        assert_eq!(after(error(Kind::Unavailable).retry_after(Some(minute)), now), Pass::Stop(Why::Asked, minute));
        assert_eq!(after(error(Kind::Refused), now), Pass::Probe);
        assert_eq!(after(error(Kind::Unavailable), now), Pass::Usual);
    }

    #[test]
    fn nobody_stops_a_source_alone_by_calls_that_it_fails_at() {
        let (mut breaker, now) = (Breaker::new(), SystemClock.now());
        for kind in [Kind::Unavailable, Kind::Timeout, Kind::Internal].repeat(100) {
            assert!(!breaker.fail(&error(kind), plain(1), false, now));
            for forged in 10..20 {
                assert!(!breaker.fail(&error(kind), odd(forged), false, now));
            }
        }
        for other in 2..FAILURES as u64 {
            assert_eq!(breaker.fail(&error(Kind::Timeout), plain(other), false, now), other == FAILURES as u64 - 1);
        }
        assert_eq!(breaker.pass(now), Pass::Stop(Why::Failing, FIRST_REST), "it fails at everybody's");
        let later = now + FIRST_REST;
        assert_eq!(breaker.pass(later), Pass::Probe);
        assert!(breaker.fail(&error(Kind::Timeout), odd(10), true, later));
        assert_eq!(breaker.pass(later), Pass::Probe, "something odd proves nothing: another one is the probe at once");
        assert!(breaker.fail(&error(Kind::Timeout), plain(2), true, later));
        assert_eq!(breaker.pass(later), Pass::Stop(Why::Failing, 2 * FIRST_REST));
    }

    #[test]
    fn nobody_stops_a_source_alone_by_calls_that_a_firewall_refuses() {
        let (mut breaker, now) = (Breaker::new(), SystemClock.now());
        let forbidden = error(Kind::Refused).perhaps_of_one_request(true);
        for _ in 0..100 {
            assert!(!breaker.fail(&forbidden, plain(1), false, now));
            assert!(!breaker.fail(&forbidden, plain(2), false, now));
        }
        breaker.succeed();
        assert!(!breaker.fail(&forbidden, plain(3), false, now), "it answers other callers");
        assert!(!breaker.fail(&forbidden, plain(4), false, now));
        assert!(
            breaker.fail(&forbidden, plain(5), false, now),
            "three callers in a row: it is not about their numbers"
        );
        assert_eq!(breaker.pass(now), Pass::Stop(Why::Refused, FIRST_REST));
        let later = now + FIRST_REST;
        assert_eq!(breaker.pass(later), Pass::Probe);
        assert!(breaker.fail(&forbidden, plain(3), true, later));
        assert_eq!(breaker.pass(later), Pass::Stop(Why::Refused, 2 * FIRST_REST));
        assert_eq!(breaker.pass(later + 2 * FIRST_REST), Pass::Probe, "it is soon known again when it answers");
    }

    #[test]
    fn requests_with_something_odd_in_them_stop_nothing_and_prove_nothing() {
        let (mut breaker, now) = (Breaker::new(), SystemClock.now());
        let forbidden = error(Kind::Refused).perhaps_of_one_request(true);
        for caller in 1..100 {
            assert!(!breaker.fail(&forbidden, odd(caller), false, now));
            assert!(!breaker.fail(&error(Kind::Refused), odd(caller), false, now));
        }
        assert_eq!((breaker.pass(now), breaker.refused_callers.len()), (Pass::Usual, 0));
        for caller in 1..=3 {
            breaker.fail(&forbidden, plain(caller), false, now);
        }
        let later = now + FIRST_REST;
        assert_eq!(breaker.pass(later), Pass::Probe);
        breaker.fail(&forbidden, odd(4), true, later);
        assert_eq!(breaker.pass(later), Pass::Probe, "another one is the probe at once");
        breaker.fail(&forbidden, plain(5), true, later);
        assert_eq!(breaker.pass(later), Pass::Stop(Why::Refused, 2 * FIRST_REST));
        assert!(!breaker.fail(&error(Kind::Refused), odd(6), false, later), "late news");
    }

    #[test]
    fn a_system_that_asks_for_a_pause_gets_it_within_reason() {
        for (asked, given) in [(60, 60), (86_400, 3600)] {
            let (mut breaker, now) = (Breaker::new(), SystemClock.now());
            let busy = error(Kind::Unavailable).retry_after(Some(Duration::from_secs(asked)));
            assert!(breaker.fail(&busy, CALLER, false, now));
            assert_eq!(breaker.pass(now), Pass::Stop(Why::Asked, Duration::from_secs(given)));
        }
    }

    #[test]
    fn a_request_that_began_before_a_pause_was_asked_for_does_not_end_it() {
        let (mut breaker, now) = (Breaker::new(), SystemClock.now());
        let busy = error(Kind::Unavailable).retry_after(Some(Duration::from_secs(60)));
        assert!(breaker.fail(&busy, CALLER, false, now));
        breaker.succeed();
        assert!(!breaker.fail(&error(Kind::Invalid), CALLER, false, now));
        assert_eq!(breaker.pass(now), Pass::Stop(Why::Asked, Duration::from_secs(60)));
        assert_eq!(breaker.pass(now + Duration::from_secs(60)), Pass::Probe);
        breaker.succeed();
        assert_eq!(breaker.pass(now), Pass::Usual);
    }

    #[test]
    fn a_limit_of_our_own_says_nothing_about_the_system() {
        let (mut breaker, now) = (Breaker::new(), SystemClock.now());
        for _ in 0..20 {
            assert!(!breaker.fail(&error(Kind::Busy), CALLER, false, now));
        }
        let mut breaker = opened(now);
        assert_eq!(breaker.pass(now + FIRST_REST), Pass::Probe);
        assert!(breaker.fail(&error(Kind::Busy), CALLER, true, now + FIRST_REST), "the probe was not sent");
        assert_eq!(breaker.pass(now + 2 * FIRST_REST), Pass::Probe);
    }

    #[test]
    fn of_eight_workers_at_once_exactly_one_probes() {
        let now = SystemClock.now();
        let breaker = std::sync::Mutex::new(opened(now));
        let probes = || (0..1000).filter(|_| breaker.lock().unwrap().pass(now + FIRST_REST) == Pass::Probe).count();
        let counts: Vec<usize> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8).map(|_| scope.spawn(probes)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        assert_eq!(counts.iter().sum::<usize>(), 1, "{counts:?}");
    }

    #[test]
    fn late_news_from_before_it_opened_change_nothing() {
        let now = SystemClock.now();
        let mut breaker = opened(now);
        assert!(!breaker.fail(&error(Kind::Unavailable), CALLER, false, now + FIRST_REST / 2));
        assert_eq!(breaker.pass(now + FIRST_REST), Pass::Probe);
        assert!(!breaker.fail(&error(Kind::Unavailable), CALLER, false, now + FIRST_REST));
        assert!(matches!(breaker.health(), Health::HalfOpen(Why::Failing)), "the probe decides");
    }
}
