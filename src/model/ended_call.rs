//! A call that is over, for those who write it down elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{ContactRef, Direction};

/// A call that is over, put together from its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedCall {
    /// The same for every try to write this call down: whoever gets it twice can tell. Letters, digits and dashes.
    pub key: String,
    /// The project.
    pub project: Arc<str>,
    /// The name of the call in the PBX, when it has one.
    pub uniqueid: Option<String>,
    /// Which way it went.
    pub direction: Direction,
    /// The customer's number as the PBX sent it; empty when it was withheld.
    pub telephone: String,
    /// The same number as `+40722111222`, when it is one.
    pub number: Option<String>,
    /// The number that was called, or that the company went out with, as the PBX sent it.
    pub dnid: String,
    /// The queue.
    pub queue: Option<String>,
    /// The agent who spoke last, as the PBX names him.
    pub agent: Option<String>,
    /// The outside telephone that answered.
    pub remote_number: Option<String>,
    /// How it went.
    pub outcome: CallOutcome,
    /// What the PBX says about a failure.
    pub reason: Option<String>,
    /// Address of the recording, when the PBX sent one. It is text of a stranger until it is checked.
    pub recording: Option<String>,
    /// When it began, in milliseconds since 1970 UTC.
    pub started: i64,
    /// When it was answered.
    pub answered: Option<i64>,
    /// When it ended; `None` when nobody said so and it was given up.
    pub ended: Option<i64>,
    /// Seconds that the caller waited.
    pub waited: Option<u64>,
    /// Seconds of conversation.
    pub duration: Option<u64>,
    /// Names of the values above that calldex has worked out from arrival times, because the PBX does not send them.
    pub computed: Vec<String>,
    /// The caller, when exactly one contact was meant.
    pub contact: Option<ContactRef>,
    /// The caller's name.
    pub name: Option<String>,
    /// The caller's company.
    pub company: Option<String>,
    /// The parameters of the event that ended the call, as sent.
    pub params: BTreeMap<String, Vec<String>>,
}

impl EndedCall {
    /// What is known of it by name, as those who write it down see it: nulls for what is not, times in milliseconds.
    #[must_use]
    pub fn to_fields(&self) -> Map<String, Value> {
        let fields = [
            ("key", json!(self.key)),
            ("project", json!(*self.project)),
            ("uniqueid", json!(self.uniqueid)),
            ("direction", json!(self.direction.as_str())),
            ("telephone", json!(self.telephone)),
            ("number", json!(self.number)),
            ("dnid", json!(self.dnid)),
            ("queue", json!(self.queue)),
            ("agent", json!(self.agent)),
            ("remote_number", json!(self.remote_number)),
            ("outcome", json!(self.outcome.as_str())),
            ("reason", json!(self.reason)),
            ("recording", json!(self.recording)),
            ("started", json!(self.started)),
            ("answered", json!(self.answered)),
            ("ended", json!(self.ended)),
            ("waited", json!(self.waited)),
            ("duration", json!(self.duration)),
            ("name", json!(self.name)),
            ("company", json!(self.company)),
        ];
        fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    }
}

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallOutcome {
    /// Somebody spoke with the customer.
    Answered,
    /// Nobody did; of an inbound call one also says abandoned.
    Missed,
    /// The PBX did not say.
    Unknown,
}

impl CallOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Answered, Self::Missed, Self::Unknown];

    /// One word for answers, the journal and the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Missed => "missed",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}
