//! The card of a call, as the agents' page shows it: the state of the call and what is known about the caller.

use serde::Serialize;

use super::assemble::State;
use super::caller::{Caller, Choice};
use super::rows::CallRow;
use crate::config::Project;
use crate::lookup::safety::is_hidden;
use crate::model::{CallOutcome, Direction, PastCall};
use crate::number::{Number, Phone, forms};

/// Most characters of a text on a card. A PBX may send any, and the caller chooses some of it.
const LONGEST: usize = 200;

/// A call for one agent's page. Times are milliseconds since 1970 UTC, lengths of time are seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Card {
    /// The number of the call.
    pub id: i64,
    /// `ringing`, `answered` or `ended`.
    pub state: &'static str,
    /// Of a call that has ended: `ended`, `missed`, or `taken` by another agent.
    pub ended_how: Option<&'static str>,
    /// `found`, `unknown`, `undetermined` or `withheld`.
    pub outcome: &'static str,
    /// `in` or `out`.
    pub direction: &'static str,
    /// The caller's name.
    pub name: Option<String>,
    /// The caller's company.
    pub company: Option<String>,
    /// The caller's e-mail address.
    pub email: Option<String>,
    /// The caller's number for people; null when it is withheld.
    pub number: Option<String>,
    /// The same as `+40722111222`, when it is a telephone number.
    pub e164: Option<String>,
    /// The page to open; `http`, `https` or a scheme that the project allows.
    pub link: Option<String>,
    /// The number that was called, as the PBX names it.
    pub dnid: Option<String>,
    /// The queue.
    pub queue: Option<String>,
    /// The agent who answered.
    pub agent: Option<String>,
    /// When the call began.
    pub started: i64,
    /// When it was answered.
    pub answered: Option<i64>,
    /// How long the caller waited.
    pub waited: Option<u64>,
    /// How long they spoke.
    pub duration: Option<u64>,
    /// Whether the caller was found by a guess.
    pub guess: bool,
    /// How he was found.
    pub rung: Option<String>,
    /// Whether this came after the card was first shown.
    pub late: bool,
    /// All who may be meant, when there are several.
    pub candidates: Vec<Candidate>,
    /// Earlier calls of the number, newest first.
    pub history: Vec<CallLine>,
}

/// One of several who may be meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Who.
    #[serde(flatten)]
    pub choice: Choice,
    /// Whether he is taken for the caller.
    pub chosen: bool,
}

/// A call in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallLine {
    /// The number of the call.
    pub id: i64,
    /// `in` or `out`.
    pub direction: &'static str,
    /// `answered`, `missed` or `unknown`; null while it runs.
    pub outcome: Option<&'static str>,
    /// When it began.
    pub started: i64,
    /// The caller's name; only in the list of an agent's calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The caller's number for people; only in the list of an agent's calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Who spoke with the caller.
    pub agent: Option<String>,
    /// The queue.
    pub queue: Option<String>,
    /// How long they spoke.
    pub duration: Option<u64>,
}

/// What a page is told about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// Its card, and a line for the list when it is over.
    Card(Box<Card>, Option<CallLine>),
    /// The card goes: another agent has the call.
    Gone(i64),
}

/// What an agent's page is told about a call; `agent` is a key, `holder` that of who has the call.
pub(super) fn tell(call: &CallRow, project: &Project, agent: &str, holder: Option<&str>, history: &[PastCall]) -> Told {
    if holder.is_some_and(|holder| holder != agent) {
        return Told::Gone(call.id);
    }
    let over = (call.state == State::Over).then(|| line(call, project));
    Told::Card(Box::new(card(call, project, history)), over)
}

/// Makes the card of a call.
pub(super) fn card(call: &CallRow, project: &Project, history: &[PastCall]) -> Card {
    let caller = call.caller.clone().unwrap_or_default();
    let outcome = outcome(call, project, &caller);
    let earlier = history.iter().filter(|earlier| earlier.id != call.id && earlier.outcome.is_some());
    let chosen = |choice: &Choice| caller.contact.as_ref() == Some(&choice.contact);
    let candidates = caller.candidates.iter().map(|choice| Candidate { chosen: chosen(choice), choice: brief(choice) });
    let candidates = candidates.collect();
    Card {
        id: call.id,
        state: match call.state {
            State::Rings => "ringing",
            State::Answered => "answered",
            State::Over => "ended",
        },
        ended_how: (call.state == State::Over).then(|| ended_how(call)),
        outcome,
        direction: call.direction.as_str(),
        name: shown(caller.name.as_deref()),
        company: shown(caller.company.as_deref()),
        email: shown(caller.email.as_deref()),
        number: readable(call, project),
        e164: call.number.map(|key| key.to_string()),
        link: caller.link,
        dnid: shown(Some(&call.dnid)),
        queue: shown(call.queue.as_deref()),
        agent: shown(call.agent.as_deref()),
        started: call.started,
        answered: call.answered,
        waited: call.waited,
        duration: call.duration,
        guess: caller.guess,
        rung: caller.rung,
        late: caller.late,
        candidates,
        history: earlier.map(CallLine::earlier).collect(),
    }
}

fn brief(choice: &Choice) -> Choice {
    Choice {
        name: shown(choice.name.as_deref()),
        company: shown(choice.company.as_deref()),
        email: shown(choice.email.as_deref()),
        ..choice.clone()
    }
}

/// A text for a card: not too long, and without marks that have no shape or turn the direction of what stands beside it.
fn shown(text: Option<&str>) -> Option<String> {
    let visible = text?.trim().chars().filter(|&letter| !is_hidden(letter)).take(LONGEST);
    Some(visible.collect()).filter(|text: &String| !text.is_empty())
}

fn ended_how(call: &CallRow) -> &'static str {
    let missed = call.direction == Direction::In && call.outcome == Some(CallOutcome::Missed);
    if missed { "missed" } else { "ended" }
}

fn outcome(call: &CallRow, project: &Project, caller: &Caller) -> &'static str {
    let withheld = || matches!(crate::number::parse(&call.telephone, &project.numbering), Number::Withheld { .. });
    match call.number {
        None if withheld() => "withheld",
        _ if !caller.is_nobody() => "found",
        _ if call.unbound || caller.incomplete || caller.undetermined => "undetermined",
        _ => "unknown",
    }
}

/// The number for people: as a valid one is spelled, else what the PBX sent, without what is no text.
fn readable(call: &CallRow, project: &Project) -> Option<String> {
    if let Some(key) = call.number {
        return Some(forms(&Phone { key, valid: true }, project.numbering.country.as_deref()).international);
    }
    match crate::number::parse(&call.telephone, &project.numbering) {
        Number::Withheld { .. } | Number::Unusable => None,
        _ => shown(Some(&call.telephone)).map(|text| text.chars().take(64).collect()),
    }
}

/// A call for the list of an agent's calls.
pub(super) fn line(call: &CallRow, project: &Project) -> CallLine {
    CallLine {
        id: call.id,
        direction: call.direction.as_str(),
        outcome: call.outcome.map(CallOutcome::as_str),
        started: call.started,
        name: shown(call.caller.as_ref().and_then(|caller| caller.name.as_deref())),
        number: readable(call, project),
        agent: shown(call.agent.as_deref()),
        queue: shown(call.queue.as_deref()),
        duration: call.duration,
    }
}

impl CallLine {
    fn earlier(call: &PastCall) -> Self {
        Self {
            id: call.id,
            direction: call.direction.as_str(),
            outcome: call.outcome.map(CallOutcome::as_str),
            started: call.started,
            name: None,
            number: None,
            agent: shown(call.agent.as_deref()),
            queue: shown(call.queue.as_deref()),
            duration: call.duration,
        }
    }
}
