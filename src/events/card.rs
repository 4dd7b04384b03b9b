//! The card of a call, as the agents' page shows it: the state of the call and what is known about the caller.

use serde::Serialize;

use super::assemble::State;
use super::caller::Choice;
use super::party::agent_key;
use super::rows::CallRow;
use crate::config::Project;
use crate::model::{CallOutcome, Direction, PastCall};
use crate::number::{Number, Phone, forms};

/// A call for one agent's page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Card {
    /// The number of the call.
    pub call: i64,
    /// Grows with every change: a card with a smaller one is older.
    pub change: i64,
    /// What the page shows.
    pub state: CardState,
    /// `in` or `out`.
    pub direction: &'static str,
    /// How the call went, when it is over.
    pub outcome: Option<&'static str>,
    /// The caller's number for people; empty when it is withheld.
    pub number: String,
    /// The same as `+40722111222`, when it is a telephone number.
    pub e164: Option<String>,
    /// The number that was called, as the PBX names it.
    pub dnid: String,
    /// The queue.
    pub queue: Option<String>,
    /// The agent who answered.
    pub agent: Option<String>,
    /// When the call began, in milliseconds since 1970 UTC.
    pub started: i64,
    /// When it was answered.
    pub answered: Option<i64>,
    /// When it ended.
    pub ended: Option<i64>,
    /// Seconds that the caller waited.
    pub waited: Option<u64>,
    /// Seconds of conversation.
    pub duration: Option<u64>,
    /// Source and id of the contact, when it is one.
    pub contact: Option<super::caller::Named>,
    /// The caller's name.
    pub name: Option<String>,
    /// The caller's company.
    pub company: Option<String>,
    /// The page to open; `http`, `https` or a scheme that the project allows.
    pub link: Option<String>,
    /// Whether more may become known: another card follows then.
    pub incomplete: bool,
    /// All who may be meant, when there are several.
    pub candidates: Vec<Choice>,
    /// Earlier calls of the number, newest first.
    pub history: Vec<Earlier>,
}

/// What a card says at the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CardState {
    /// The telephone rings.
    Ringing,
    /// The agent speaks with the caller.
    Answered,
    /// Another agent has taken the call: the card closes.
    Taken,
    /// The agent has spoken with the caller.
    Ended,
    /// Nobody has taken the call.
    Missed,
}

/// An earlier call on a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Earlier {
    /// When it began, in milliseconds since 1970 UTC.
    pub started: i64,
    /// `in` or `out`.
    pub direction: &'static str,
    /// `answered`, `missed` or `unknown`.
    pub outcome: &'static str,
    /// Who spoke with the caller.
    pub agent: Option<String>,
    /// The queue.
    pub queue: Option<String>,
    /// Seconds of conversation.
    pub duration: Option<u64>,
}

/// Makes the card of a call for one agent; `agent` is a key.
pub(super) fn card(call: &CallRow, project: &Project, agent: &str, history: &[PastCall]) -> Card {
    let caller = call.caller.clone().unwrap_or_default();
    let earlier = history.iter().filter(|earlier| earlier.id != call.id && earlier.outcome.is_some());
    Card {
        call: call.id,
        change: call.change,
        state: state(call, agent),
        direction: call.direction.as_str(),
        outcome: call.outcome.map(CallOutcome::as_str),
        number: readable(call, project),
        e164: call.number.map(|key| key.to_string()),
        dnid: call.dnid.clone(),
        queue: call.queue.clone(),
        agent: call.agent.clone(),
        started: call.started,
        answered: call.answered,
        ended: call.ended,
        waited: call.waited,
        duration: call.duration,
        contact: caller.contact,
        name: caller.name,
        company: caller.company,
        link: caller.link,
        incomplete: call.unbound || caller.incomplete,
        candidates: caller.candidates,
        history: earlier.map(Earlier::of).collect(),
    }
}

fn state(call: &CallRow, agent: &str) -> CardState {
    let own = call.agent.as_deref().is_some_and(|name| agent_key(name) == agent);
    match (call.state, &call.agent) {
        (State::Rings, _) => CardState::Ringing,
        (_, Some(_)) if !own => CardState::Taken,
        (State::Answered, _) => CardState::Answered,
        (State::Over, None) if call.direction == Direction::In => CardState::Missed,
        (State::Over, _) => CardState::Ended,
    }
}

/// The number for people: as a valid one is spelled, else what the PBX sent, without what is no text.
fn readable(call: &CallRow, project: &Project) -> String {
    if let Some(key) = call.number {
        return forms(&Phone { key, valid: true }, project.numbering.country.as_deref()).international;
    }
    match crate::number::parse(&call.telephone, &project.numbering) {
        Number::Withheld { .. } | Number::Unusable => String::new(),
        _ => call.telephone.trim().chars().filter(|letter| !letter.is_control()).take(64).collect(),
    }
}

impl Earlier {
    fn of(call: &PastCall) -> Self {
        Self {
            started: call.started,
            direction: call.direction.as_str(),
            outcome: call.outcome.unwrap_or(CallOutcome::Unknown).as_str(),
            agent: call.agent.clone(),
            queue: call.queue.clone(),
            duration: call.duration,
        }
    }
}
