//! What surrounds every live source, once, from outside: how long, how many at once, whether at all, and once more.
//!
//! A source knows only how to ask. The guard around it keeps its `timeout` and `max_in_flight`, leaves a failing system
//! alone ([`breaker`](super::breaker)), asks a second time when the failure was a passing one and time is left, counts,
//! and writes one line when the state changes. The rate is kept where requests leave ([`Budget`]), because one lookup
//! can take several.
//!
//! Locks: the breaker's mutex is held for a few comparisons, and for the copy of a text. Whoever waits for one of the permits holds nothing else. A
//! guard has no task of its own and ends with the last lookup that uses it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::breaker::{Breaker, Health, Pass, Why};
use super::budget::Budget;
use super::caller::Caller;
use super::watch::{self, Hidden, Note};
use super::{Inputs, LoggingIn, Pending, Question, Source};
use crate::clock::Clock;
use crate::config;
use crate::directory::Hit;
use crate::error::{Error, Kind, Result};
use crate::metrics::SourceMetrics;

/// The pause before the second try.
const BREATH: Duration = Duration::from_millis(50);

/// Requests that may wait for one of the permits, for each permit. More would wait longer than anybody listens.
const QUEUE: usize = 32;

/// Most bytes of the contacts of one answer: it is kept with explanations, also of those whom nobody asks about.
const LARGEST: usize = 128 * 1024;

/// A source with what surrounds it.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    source: Arc<dyn Source>,
    timeout: Duration,
    permits: Semaphore,
    most_waiting: usize,
    waiting: AtomicUsize,
    breaker: Mutex<Breaker>,
    /// What was said when the breaker opened; for people. Held for a copy.
    reason: Mutex<String>,
    budget: Arc<Budget>,
    metrics: SourceMetrics,
    clock: Arc<dyn Clock>,
    /// What no failure may show, whatever the system repeats.
    hidden: Arc<Hidden>,
}

impl Guard {
    /// Surrounds a source.
    #[must_use]
    pub fn new(source: Arc<dyn Source>, settings: &config::Source, budget: Arc<Budget>, clock: Arc<dyn Clock>) -> Self {
        let metrics = SourceMetrics::of(&settings.name);
        metrics.show_budget(budget.left());
        metrics.show_breaker(Health::Closed.level(), false);
        Self(Arc::new(Inner {
            source,
            timeout: settings.timeout,
            permits: Semaphore::new(settings.max_in_flight),
            most_waiting: settings.max_in_flight * QUEUE,
            waiting: AtomicUsize::new(0),
            breaker: Mutex::new(Breaker::new()),
            reason: Mutex::default(),
            budget,
            metrics,
            clock,
            hidden: Arc::default(),
        }))
    }

    /// Keeps values out of what is said about failures.
    pub(super) fn hiding(mut self, hidden: Arc<Hidden>) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.hidden = hidden;
        }
        self
    }

    /// Whether the source is asked at this moment.
    #[must_use]
    pub fn health(&self) -> Health {
        self.0.breaker().health()
    }

    /// Lets a source try once more whose credentials were refused; called when the configuration is read again.
    pub fn forgive(&self) {
        self.0.source.forgive();
        self.0.breaker().forgive(self.0.clock.now());
        self.0.show();
    }

    /// Goes on as an earlier guard around the same account would.
    pub(super) fn take_over(&self, earlier: &Self) {
        let now = self.0.clock.now();
        self.0.breaker().take_over(&earlier.0.breaker(), now);
        *self.0.reason() = earlier.0.reason().clone();
        self.0.show();
    }

    /// Logs the source in where it has to be, so that the first call need not wait for it, and a credential that is refused is
    /// known before somebody calls.
    pub(super) fn log_in_ahead(&self) {
        let (Some(login), Ok(runtime)) = (self.0.source.log_in(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let inner = Arc::clone(&self.0);
        // Ends by itself: a login has the time of every request.
        runtime.spawn(async move { inner.log_in_ahead(login).await });
    }

    /// Brings the gauges up to date that change by time alone.
    pub fn measure(&self) {
        self.0.metrics.show_budget(self.0.budget.left());
    }
}

impl Source for Guard {
    fn name(&self) -> &Arc<str> {
        self.0.source.name()
    }

    fn inputs(&self) -> Inputs {
        self.0.source.inputs()
    }

    fn link_for_unknown(&self, question: &Question) -> Option<String> {
        self.0.source.link_for_unknown(question)
    }

    fn refusal(&self) -> Option<Error> {
        let (why, rest) = self.0.breaker().stops(self.0.clock.now())?;
        let refused = self.0.left_alone(why, rest);
        self.0.metrics.count(Err(refused.kind()), Duration::ZERO);
        Some(refused)
    }

    fn find(&self, question: Arc<Question>) -> Pending<'static> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let start = inner.clock.now();
            let found = inner.find(question, start + inner.timeout).await;
            let took = inner.clock.now().saturating_duration_since(start);
            inner.metrics.count(found.as_ref().map(|hits| !hits.is_empty()).map_err(Error::kind), took);
            inner.metrics.show_budget(inner.budget.left());
            found
        })
    }
}

impl Inner {
    /// The steps of one lookup.
    async fn find(&self, question: Arc<Question>, until: Instant) -> Result<Vec<Hit>> {
        if let Some((why, rest)) = self.breaker().stops(self.clock.now()) {
            return Err(self.left_alone(why, rest));
        }
        let _permit = self.permit(until).await?;
        let caller = Caller::of(&question, &self.source.inputs());
        let attempt = Attempt::begin(self, caller)?;
        let first = self.ask(&question, until).await;
        let is_probe = attempt.is_probe;
        let found = attempt.end(first);
        match found {
            Err(error) if self.is_worth_another_try(&error, is_probe, until) => {
                tokio::time::sleep(BREATH).await;
                self.metrics.count_retry();
                watch::note(|| Note::Again);
                let again = Attempt::begin(self, caller)?;
                again.end(self.ask(&question, until).await)
            }
            found => found,
        }
    }

    async fn ask(&self, question: &Arc<Question>, until: Instant) -> Result<Vec<Hit>> {
        let _shown = self.metrics.in_flight();
        match tokio::time::timeout_at(until.into(), self.source.find(Arc::clone(question))).await {
            Ok(Ok(hits)) if is_too_large(&hits) => {
                let message = format!("its contacts are larger than {} KB; take less of them over", LARGEST / 1024);
                Err(Error::new(Kind::Corrupt, message))
            }
            Ok(found) => found,
            Err(_) => Err(Error::new(Kind::Timeout, "no answer within the source's timeout")),
        }
    }

    async fn log_in_ahead(&self, login: LoggingIn) {
        let Ok(attempt) = Attempt::begin(self, Caller::nobody()) else { return };
        let late = |_| Err(Error::new(Kind::Timeout, "no answer within the source's timeout"));
        let ended = tokio::time::timeout(self.timeout, login).await.unwrap_or_else(late);
        // One that opened the breaker was told already.
        if let (Err(error), Health::Closed) = (attempt.end(ended), self.breaker().health()) {
            let source = self.source.name();
            tracing::warn!(target: "calldex::source", %source, "cannot log in ahead of the first call: {error}");
        }
    }

    /// A passing failure, but not one that asks for less.
    fn is_worth_another_try(&self, error: &Error, is_probe: bool, until: Instant) -> bool {
        let passing = error.is_passing() && error.kind() != Kind::Busy && error.pause().is_none();
        passing && !is_probe && self.clock.now() + BREATH < until
    }

    async fn permit(&self, until: Instant) -> Result<SemaphorePermit<'_>> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let full = || Error::new(Kind::Busy, "as many requests as max_in_flight allows are on their way");
        let _waiting = Waiting::begin(&self.waiting, self.most_waiting).ok_or_else(full)?;
        match tokio::time::timeout_at(until.into(), self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(full()),
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reason(&self) -> MutexGuard<'_, String> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn left_alone(&self, why: Why, rest: Duration) -> Error {
        let (seconds, reason) = (rest.as_secs_f32().ceil(), self.reason().clone());
        let pause = (!rest.is_zero()).then_some(rest);
        let (kind, words) = match why {
            Why::Failing => (Kind::Unavailable, format!("left alone after failures, for {seconds} s more")),
            Why::Refused => {
                let words = format!("left alone for {seconds} s more or until the configuration is read again");
                (Kind::Refused, words)
            }
            Why::Asked => (Kind::Unavailable, format!("it asked for a pause, of {seconds} s more")),
        };
        let message = if reason.is_empty() { words } else { format!("{words}: {reason}") };
        Error::new(kind, message).retry_after(pause)
    }

    fn show(&self) {
        let health = self.breaker().health();
        let refused = matches!(health, Health::Open(Why::Refused) | Health::HalfOpen(Why::Refused));
        self.metrics.show_breaker(health.level(), refused);
    }
}

/// Whether the contacts are more than one answer may hold.
pub(super) fn is_too_large(hits: &[Hit]) -> bool {
    hits.iter().map(|hit| hit.contact.size()).sum::<usize>() > LARGEST
}

/// A place in the queue for a permit.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize, most: usize) -> Option<Self> {
        let waiting = Self(count);
        (count.fetch_add(1, Ordering::Relaxed) < most).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One request. Whatever becomes of it, the breaker hears of it: also when the source panics or nobody waits any more.
struct Attempt<'a> {
    inner: &'a Inner,
    caller: Caller,
    is_probe: bool,
    ended: bool,
}

impl<'a> Attempt<'a> {
    fn begin(inner: &'a Inner, caller: Caller) -> Result<Self> {
        let pass = inner.breaker().pass(inner.clock.now());
        let is_probe = match pass {
            Pass::Stop(why, rest) => return Err(inner.left_alone(why, rest)),
            Pass::Probe => true,
            Pass::Usual => false,
        };
        if is_probe {
            inner.show();
        }
        Ok(Self { inner, caller, is_probe, ended: false })
    }

    fn end<T>(mut self, found: Result<T>) -> Result<T> {
        let found = found.map_err(|error| error.reworded(|text| self.inner.hidden.hide(text)));
        self.ended = true;
        self.report(found.as_ref().err());
        found
    }

    fn report(&self, failed: Option<&Error>) {
        let (inner, name) = (self.inner, self.inner.source.name());
        let mut breaker = inner.breaker();
        let before = breaker.health();
        match failed {
            None => breaker.succeed(),
            Some(error) => {
                breaker.fail(error, self.caller, self.is_probe, inner.clock.now());
            }
        }
        let after = breaker.health();
        if let (true, Health::Open(_), Some(error)) = (before != after, after, failed) {
            *inner.reason() = error.to_string();
        }
        drop(breaker);
        match (before, after, failed) {
            // Nobody but the administrator can mend that.
            (Health::Closed, Health::Open(Why::Refused), Some(error)) => {
                tracing::error!(target: "calldex::source", source = %name, why = "refused", "left alone: {error}");
            }
            (Health::Closed, Health::Open(why), Some(error)) => {
                tracing::warn!(target: "calldex::source", source = %name, why = why.as_str(), "left alone: {error}");
            }
            (Health::Open(_) | Health::HalfOpen(_), Health::Closed, _) => {
                tracing::info!(target: "calldex::source", source = %name, "asked again: it answers");
            }
            _ => {}
        }
        if before != after {
            inner.show();
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.report(Some(&Error::new(Kind::Internal, "the request ended without an answer")));
        }
    }
}

#[cfg(test)]
mod tests;
