//! When a source is left alone, and for how long.

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
    assert!(breaker.fail(&forbidden, plain(5), false, now), "three callers in a row: it is not about their numbers");
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
