//! What is remembered about earlier calls of a number, for rules that look back: "the third try in an hour".
//!
//! The trait crosses layers: `lookup` asks, whoever keeps the events answers. [`NoHistory`] stands in until somebody does.

use std::pin::Pin;
use std::sync::Arc;

use super::Direction;
use crate::error::Result;
use crate::number::Key;

/// An answer that is on its way.
pub type Recollection<'a> = Pin<Box<dyn Future<Output = Result<History>> + Send + 'a>>;

/// Remembers earlier calls.
pub trait Remembers: Send + Sync {
    /// The calls of a number with a project that began at `since` or later, in milliseconds since 1970 UTC.
    ///
    /// It is asked while the telephone rings, beside the sources, and waited for until the deadline at most: reading
    /// must take microseconds, or happen on another thread. It does not hold the call that is asking.
    ///
    /// # Errors
    /// When the calls cannot be read; then the call is decided as if there were none, and the explanation says so.
    fn recall<'a>(&'a self, project: &'a Arc<str>, number: Key, since: i64) -> Recollection<'a>;
}

/// The earlier calls of one number with one project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The newest first; at most [`History::MOST_CALLS`].
    pub calls: Vec<PastCall>,
    /// The agent who spoke with the number last, however long ago that was; not bounded by `since`.
    pub last_agent: Option<Arc<str>>,
}

impl History {
    /// More calls than these are of no use to a rule and would cost every lookup.
    pub const MOST_CALLS: usize = 100;
}

/// One earlier call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastCall {
    /// When it began, in milliseconds since 1970 UTC.
    pub at: i64,
    /// Which way it went, when the PBX said so.
    pub direction: Option<Direction>,
    /// How it ended.
    pub outcome: PastOutcome,
    /// The user of the PBX who answered.
    pub agent: Option<Arc<str>>,
}

/// How an earlier call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PastOutcome {
    /// Somebody answered.
    Answered,
    /// The caller hung up before anybody answered.
    Abandoned,
    /// Nobody answered, for another reason or an unknown one.
    Missed,
}

impl PastOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Answered, Self::Abandoned, Self::Missed];

    /// The word in rules, tests and explanations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Abandoned => "abandoned",
            Self::Missed => "missed",
        }
    }
}

/// Remembers nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHistory;

impl Remembers for NoHistory {
    fn recall<'a>(&'a self, _project: &'a Arc<str>, _number: Key, _since: i64) -> Recollection<'a> {
        Box::pin(std::future::ready(Ok(History::default())))
    }
}
