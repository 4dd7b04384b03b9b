//! Earlier calls with a number: for rules that look back, and for the agents' page.

use std::pin::Pin;

use super::{CallOutcome, ContactRef, Direction};
use crate::error::Result;
use crate::number::Key;

/// Calls that were found, on their way.
pub type PendingCalls<'a> = Pin<Box<dyn Future<Output = Result<Vec<PastCall>>> + Send + 'a>>;

/// Whoever remembers calls.
///
/// Withheld callers have no history: there is no number to ask for.
pub trait History: Send + Sync + 'static {
    /// The calls of a project with this number that began at `since` (milliseconds since 1970 UTC) or later, newest
    /// first, at most `limit`; those that still run among them. Costs microseconds in the embedded store.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn calls<'a>(&'a self, project: &'a str, number: Key, since: i64, limit: usize) -> PendingCalls<'a>;

    /// Whom an agent has picked for this number, which several contacts have. Every lookup asks before it asks anybody
    /// else: it costs a look into memory for a number that nobody has picked anybody for, and microseconds else.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn picked(&self, project: &str, number: Key) -> Result<Option<ContactRef>>;
}

/// One earlier call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastCall {
    /// Its number in the store.
    pub id: i64,
    /// Which way it went.
    pub direction: Direction,
    /// When it began, in milliseconds since 1970 UTC.
    pub started: i64,
    /// How it went; `None` while it runs.
    pub outcome: Option<CallOutcome>,
    /// The agent who spoke with the customer, as the PBX names him.
    pub agent: Option<String>,
    /// The queue.
    pub queue: Option<String>,
    /// The number that was called, or that the company went out with.
    pub dnid: String,
    /// Seconds of conversation, where known.
    pub duration: Option<u64>,
}

impl PastCall {
    /// Whether the customer rang and nobody took the call.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.direction == Direction::In && self.outcome == Some(CallOutcome::Missed)
    }
}

/// The agent who spoke last with the customer; `calls` are newest first, as [`History::calls`] gives them.
#[must_use]
pub fn last_agent(calls: &[PastCall]) -> Option<&str> {
    calls.iter().find_map(|call| call.agent.as_deref())
}

/// How many calls of the customer nobody took since the last one that somebody did.
#[must_use]
pub fn abandoned_in_a_row(calls: &[PastCall]) -> usize {
    let over = calls.iter().filter(|call| call.outcome.is_some());
    over.take_while(|call| call.outcome != Some(CallOutcome::Answered)).filter(|call| call.is_abandoned()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(outcome: Option<CallOutcome>, agent: Option<&str>) -> PastCall {
        PastCall {
            id: 1,
            direction: Direction::In,
            started: 0,
            outcome,
            agent: agent.map(str::to_owned),
            queue: None,
            dnid: String::new(),
            duration: None,
        }
    }

    #[test]
    fn calls_that_nobody_took_count_until_one_that_somebody_did() {
        let (missed, answered) = (Some(CallOutcome::Missed), Some(CallOutcome::Answered));
        let calls =
            [call(None, None), call(missed, None), call(missed, None), call(answered, Some("ion")), call(missed, None)];
        assert_eq!(abandoned_in_a_row(&calls), 2);
        assert_eq!(last_agent(&calls), Some("ion"));
        assert_eq!((abandoned_in_a_row(&[]), last_agent(&[])), (0, None));
    }
}
