//! Sends what the journal holds: one task for each target.
//!
//! A target that does not answer is asked with one call at a time, in growing pauses, so that its backlog does not fall
//! on it. A call that it refuses is tried a few times more and then parked, and the next ones go on. The tasks end when
//! the configuration changes or the server stops; a request that was under way then is made again, with the same key.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, join_all};
use metrics::counter;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::super::caller::Caller;
use super::super::rows::CallRow;
use super::super::store::EventStore;
use super::entry::{Entry, Tried};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result, contain};
use crate::metrics::JOURNAL_TRIES;
use crate::sources::CallLog;
use crate::sources::budget::behind;

/// Most calls on their way to one target.
const AT_ONCE: usize = 16;

/// Longest pause between two looks into the store, for what another process has changed.
const LOOK: Duration = Duration::from_secs(5);

/// First and longest pause of a call that failed, in milliseconds.
const PAUSES: (i64, i64) = (5_000, 3_600_000);

/// First and longest pause of a target that does not answer.
const TARGET_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// First and longest pause after what was written could not be noted.
const NOTE_PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// The longest that a target is left alone because it asks for it (`Retry-After`).
const LONGEST_QUIET: Duration = Duration::from_secs(3_600);

/// How long a target that refuses the credentials is left alone.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// How long an entry waits for its caller to be looked up, or for its call to be over again, in milliseconds.
const NOT_YET: (i64, i64) = (1_000, 60_000);

/// How long an entry waits for its caller after the end of its call, in milliseconds; then it goes without.
const LONGEST_LOOKUP: i64 = 120_000;

/// Longest failure that is kept, in characters.
const LONGEST_ERROR: usize = 300;

/// Finds out who called, for calls whose sources could not tell when they rang.
pub(crate) trait Callers: Send + Sync {
    /// Looks the caller of a call up and notes him; `None` when nobody can tell yet.
    fn look_up<'a>(&'a self, call: &'a CallRow) -> BoxFuture<'a, Option<Caller>>;
}

/// Where calls are written to.
#[derive(Clone)]
pub struct Target {
    /// Who writes.
    pub log: Arc<dyn CallLog>,
    /// Tries of one call before it is parked.
    pub tries: u32,
    /// Requests a minute.
    pub per_minute: u32,
}

/// All targets by their names.
pub type Targets = HashMap<Arc<str>, Target>;

/// Owns the tasks that send.
pub struct Dispatcher {
    store: Arc<EventStore>,
    clock: Arc<dyn Clock>,
    tasks: Mutex<JoinSet<()>>,
    wake: Arc<Notify>,
    /// Until when targets want to be left alone, by their names: a new configuration does not change that.
    rests: Mutex<HashMap<Arc<str>, Rest>>,
}

/// Until when a target wants to be left alone.
type Rest = Arc<Mutex<Option<Instant>>>;

impl Dispatcher {
    /// Sends nothing until it is told where to.
    pub(crate) fn new(store: Arc<EventStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, tasks: Mutex::default(), wake: Arc::default(), rests: Mutex::default() }
    }

    /// Sends to these targets from now on. Must be called within a tokio runtime.
    pub(crate) fn configure(&self, targets: &Targets, callers: &Weak<dyn Callers>) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        *tasks = JoinSet::new();
        let mut rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        rests.retain(|name, _| targets.contains_key(name));
        for (name, target) in targets {
            let line = Line {
                name: Arc::clone(name),
                target: target.clone(),
                store: Arc::clone(&self.store),
                clock: Arc::clone(&self.clock),
                wake: Arc::clone(&self.wake),
                callers: Weak::clone(callers),
                slot: Mutex::new(self.clock.now()),
                rest: Arc::clone(rests.entry(Arc::clone(name)).or_default()),
            };
            tasks.spawn(line.run());
        }
        tasks.spawn(tell_of_homeless(Arc::clone(&self.store), targets.keys().cloned().collect()));
    }

    /// Says that there may be something to send.
    pub(crate) fn wake(&self) {
        self.wake.notify_waiters();
    }
}

/// Says which calls wait for a journal that nothing of the configuration names any more.
async fn tell_of_homeless(store: Arc<EventStore>, known: HashSet<Arc<str>>) {
    let counts = store.journal_counts().await.unwrap_or_default();
    for (name, _, count) in counts.iter().filter(|(name, state, _)| *state == "waiting" && !known.contains(&**name)) {
        tracing::warn!(
            target: "calldex::journal",
            journal = name,
            calls = count,
            "calls wait for a journal that the configuration does not have any more; give it back, or drop them: \
             calldex journal drop --all --waiting --journal {name}",
        );
    }
}

/// One target at work.
struct Line {
    name: Arc<str>,
    target: Target,
    store: Arc<EventStore>,
    clock: Arc<dyn Clock>,
    wake: Arc<Notify>,
    callers: Weak<dyn Callers>,
    /// When the next request may leave.
    slot: Mutex<Instant>,
    rest: Rest,
}

impl Line {
    async fn run(self) {
        let mut failures = 0;
        loop {
            if let Some(rest) = self.rest() {
                tokio::time::sleep(rest).await;
            }
            let at_once = if failures == 0 { AT_ONCE } else { 1 };
            let woken = self.wake.notified();
            let entries = self.store.journal_due(&self.name, self.clock.utc_millis(), at_once).await;
            let entries = match entries {
                Ok(entries) if !entries.is_empty() => entries,
                Ok(_) => {
                    let wait = self.until_due().await;
                    let _ = tokio::time::timeout(wait, woken).await;
                    continue;
                }
                Err(error) => {
                    tracing::warn!(target: "calldex::journal", "the journal cannot be read: {error}");
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
            };
            let outcomes = join_all(entries.iter().map(|entry| self.try_to_send(entry))).await;
            let down = outcomes.iter().all(|outcome| outcome.down.is_some());
            let why = outcomes.iter().find_map(|outcome| outcome.down.clone()).unwrap_or_default();
            let quiet = outcomes.iter().filter_map(|outcome| outcome.quiet).max().unwrap_or_default();
            let steps = outcomes.into_iter().map(|outcome| outcome.step);
            self.note(entries.iter().map(|entry| entry.id).zip(steps).collect()).await;
            failures = if down { failures + 1 } else { 0 };
            if down || !quiet.is_zero() {
                self.pause(failures, quiet, &why).await;
            }
        }
    }

    /// A defect is a failure of this one call: the others go out.
    async fn try_to_send(&self, entry: &Entry) -> Outcome {
        contain(self.send(entry)).await.unwrap_or_else(|defect| Outcome {
            step: Step::Tried(self.judge(entry, Err(defect))),
            down: None,
            quiet: None,
        })
    }

    async fn send(&self, entry: &Entry) -> Outcome {
        let now = self.clock.utc_millis();
        if entry.call.outcome.is_none() {
            return Outcome::untried(Step::Postpone(now + NOT_YET.1));
        }
        if !entry.is_true() {
            return Outcome::untried(Step::Forget);
        }
        let unknown = entry.call.unbound || entry.call.caller.as_ref().is_some_and(|caller| caller.incomplete);
        if unknown && now < entry.call.touched + LONGEST_LOOKUP {
            return Outcome::untried(Step::Postpone(now + NOT_YET.0));
        }
        self.wait_for_slot().await;
        if let Some(rest) = self.rest() {
            return Outcome::untried(Step::Postpone(self.clock.utc_millis() + super::super::millis(rest)));
        }
        let Some(call) = self.with_caller(entry).await.ended_call() else {
            return Outcome::untried(Step::Postpone(now + NOT_YET.1));
        };
        let sent = behind(self.target.log.log_call(Arc::new(call))).await;
        let result = match &sent {
            Ok(()) => "written",
            Err(error) if error.is_passing() => "unanswered",
            Err(_) => "refused",
        };
        if let Some(pause) = sent.as_ref().err().and_then(Error::pause) {
            // At once: others of the same turn wait for their slot.
            *self.rest.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(self.clock.now() + pause.min(LONGEST_QUIET));
        }
        counter!(JOURNAL_TRIES, "target" => self.name.to_string(), "result" => result).increment(1);
        let (down, quiet) = match &sent {
            Ok(()) => (None, None),
            Err(error) => (is_of_target(error).then(|| readable(error)), quiet(error)),
        };
        Outcome { step: Step::Tried(self.judge(entry, sent)), down, quiet }
    }

    /// The entry with its caller, where his sources could not tell when he rang: they may have been down, as the target was.
    async fn with_caller(&self, entry: &Entry) -> Entry {
        let mut entry = entry.clone();
        let open = entry.call.caller.as_ref().is_none_or(|caller| caller.undetermined || caller.incomplete);
        if open
            && entry.call.number.is_some()
            && let Some(callers) = self.callers.upgrade()
            && let Some(caller) = callers.look_up(&entry.call).await
        {
            entry.call.caller = Some(caller);
        }
        entry
    }

    fn judge(&self, entry: &Entry, sent: Result<()>) -> Tried {
        let Err(error) = sent else { return Tried::Written };
        let tries = entry.tries.saturating_add(1);
        let most = if is_of_target(&error) { self.target.tries } else { (self.target.tries / 10).max(1) };
        let quiet = quiet(&error).map_or(0, |pause| i64::try_from(pause.as_millis()).unwrap_or(0));
        let error = readable(&error);
        if tries >= most {
            tracing::warn!(
                target: "calldex::journal",
                journal = &*self.name,
                entry = entry.id,
                tries,
                "a call is parked: {error}",
            );
            return Tried::Parked { error };
        }
        let own = PAUSES.0.saturating_mul(1 << (tries - 1).min(12)).min(PAUSES.1);
        Tried::Later { due: self.clock.utc_millis() + own.max(quiet), error }
    }

    /// Nothing is sent before this is noted, or a full disk would have the other side write down the same calls again and
    /// again. A process that ends before it could sends them once more, with the same keys.
    async fn note(&self, steps: Vec<(i64, Step)>) {
        let mut pause = NOTE_PAUSES.0;
        while let Err(error) = self.store.journal_note(steps.clone(), self.clock.utc_millis()).await {
            tracing::warn!(target: "calldex::journal", "what was written cannot be noted: {error}");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(NOTE_PAUSES.1);
        }
    }

    async fn until_due(&self) -> Duration {
        let due = self.store.journal_next_due(&self.name).await.ok().flatten();
        let wait = due.map(|due| u64::try_from(due - self.clock.utc_millis()).unwrap_or_default());
        wait.map_or(LOOK, |millis| Duration::from_millis(millis.max(5)).min(LOOK))
    }

    /// How long the target still wants to be left alone.
    fn rest(&self) -> Option<Duration> {
        let until = *self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        until.map(|until| until.saturating_duration_since(self.clock.now())).filter(|rest| !rest.is_zero())
    }

    /// `quiet` is how long the target wants to be left alone.
    async fn pause(&self, failures: u32, quiet: Duration, why: &str) {
        let own = TARGET_PAUSES.0.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(TARGET_PAUSES.1);
        let pause = own.max(quiet);
        tracing::warn!(
            target: "calldex::journal",
            journal = &*self.name,
            seconds = pause.as_secs(),
            "the journal does not take calls now, they wait: {why}",
        );
        tokio::time::sleep(pause).await;
    }

    /// Waits until the rate allows a next request.
    async fn wait_for_slot(&self) {
        let apart = Duration::from_secs(60) / self.target.per_minute.max(1);
        let now = self.clock.now();
        let own = {
            let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
            let own = (*slot).max(now);
            *slot = own + apart;
            own
        };
        tokio::time::sleep(own.saturating_duration_since(now)).await;
    }
}

/// What came of an entry.
struct Outcome {
    /// What is to be noted.
    step: Step,
    /// Why the target takes no call at all.
    down: Option<String>,
    /// How long it wants to be left alone.
    quiet: Option<Duration>,
}

impl Outcome {
    fn untried(step: Step) -> Self {
        Self { step, down: None, quiet: None }
    }
}

/// What is noted about an entry.
#[derive(Debug, Clone)]
pub(in super::super) enum Step {
    /// A try.
    Tried(Tried),
    /// Not tried, because it is too early.
    Postpone(i64),
    /// The call went otherwise: another entry says how.
    Forget,
}

/// Whether a failure says something about the target and nothing about the call: it is not there, or does not let us in.
fn is_of_target(error: &Error) -> bool {
    error.is_passing() || is_refusal(error)
}

fn is_refusal(error: &Error) -> bool {
    error.kind() == Kind::Refused && !error.is_perhaps_of_one_request()
}

/// How long the target is to be left alone: as it says. Credentials that are refused are not tried all the time, or the
/// account may be locked.
fn quiet(error: &Error) -> Option<Duration> {
    let own = is_refusal(error).then_some(AFTER_REFUSAL);
    error.pause().max(own).map(|pause| pause.min(LONGEST_QUIET))
}

/// A failure as it is kept: short, on one line.
fn readable(error: &Error) -> String {
    let text = error.to_string();
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(LONGEST_ERROR).collect()
}

#[cfg(test)]
mod tests;
