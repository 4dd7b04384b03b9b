//! Puts a call together from its events.
//!
//! Pure: the same events give the same call. PBXs send no times, so a time is that of an arrival, and what is worked out
//! from it is marked. How the call went does not depend on the order in which its events arrived; a length of time that
//! would come out negative is not known.
//!
//! A call that goes on to another agent after its conversation has ended is running again: it has several parts, each with its
//! conversation. What is told of the call is told of its last part.

use super::party;
use crate::model::{CallOutcome, Direction, Event, EventKind};

/// How long a call may have been there before its first event: for the time in its `uniqueid`.
const LONGEST_BEFORE: i64 = 24 * 3_600 * 1_000;

/// How long after the end of a conversation an answer may arrive that belongs before it, in milliseconds: two requests at once,
/// and not the time in which a call is put through and answered.
const OVERTAKEN: i64 = 2_000;

/// A call as far as its events tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assembled {
    pub(super) telephone: String,
    pub(super) dnid: String,
    pub(super) direction: Direction,
    pub(super) state: State,
    pub(super) outcome: Option<CallOutcome>,
    pub(super) agent: Option<String>,
    pub(super) queue: Option<String>,
    pub(super) remote_number: Option<String>,
    pub(super) contact_id: Option<String>,
    pub(super) started: i64,
    pub(super) answered: Option<i64>,
    pub(super) ended: Option<i64>,
    pub(super) waited: Option<u64>,
    pub(super) duration: Option<u64>,
    pub(super) computed: Vec<&'static str>,
    pub(super) reason: Option<String>,
    pub(super) recording: Option<String>,
}

/// Where a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nobody has answered it yet.
    Rings = 0,
    /// Somebody speaks with the customer.
    Answered = 1,
    /// It is over.
    Over = 2,
}

impl State {
    /// Reads what the store holds.
    pub(super) fn from_stored(number: i64) -> Self {
        match number {
            0 => Self::Rings,
            1 => Self::Answered,
            _ => Self::Over,
        }
    }
}

/// Puts the events of one call together; they stand in the order of their arrival. `given_up` is a call whose end nobody
/// has reported for so long that it is over.
pub(super) fn assemble(events: &[Event], given_up: bool) -> Assembled {
    let last = parts(events).pop().unwrap_or(events);
    assemble_part(events, last, given_up)
}

/// The conversations of a call, one after another. All but the last one are over.
pub(super) fn conversations(events: &[Event], given_up: bool) -> Vec<Assembled> {
    let parts = parts(events);
    let last = parts.len();
    parts.into_iter().zip(1..).map(|(part, place)| assemble_part(events, part, given_up || place < last)).collect()
}

/// Takes the events of a call apart where it went on: where somebody answered who had not spoken, after all who had were
/// reported to have ended. What ends the whole call (`hangup`, `outgoing_end`) ends it for good.
fn parts(events: &[Event]) -> Vec<&[Event]> {
    let mut parts = Vec::new();
    let mut begin = 0;
    // Who ended his conversation in this part, where that stands, and when it came.
    let mut ended: Vec<String> = Vec::new();
    let mut last_end = None;
    for (place, event) in events.iter().enumerate() {
        match event.kind() {
            EventKind::OutgoingEnd | EventKind::Hangup => break,
            EventKind::QueueAnswerEnd => {
                // Where nobody is named, nobody can be told from somebody else.
                let Some(agent) = event.get("agent") else { break };
                ended.push(party::key(agent));
                last_end = Some((place + 1, event.received));
            }
            kind if is_answer(kind) => {
                let Some((next, received)) = last_end else { continue };
                let other = |agent: &str| !ended.contains(&party::key(agent));
                if event.get("agent").is_some_and(other) && event.received > received + OVERTAKEN {
                    parts.push(&events[begin..next]);
                    (begin, last_end) = (next, None);
                    ended.clear();
                }
            }
            _ => {}
        }
    }
    parts.push(&events[begin..]);
    parts
}

/// One part of the call that `events` are of.
fn assemble_part(events: &[Event], part: &[Event], given_up: bool) -> Assembled {
    let all = Events(events);
    let view = Events(part);
    let answered = view.times(is_answer).min();
    let conversation_ended = view.times(|kind| kind == EventKind::QueueAnswerEnd).max();
    let ended = view.times(ends).max();
    let missed = view.times(|kind| kind == EventKind::Missed).max();
    let spoken = answered.is_some() || conversation_ended.is_some();
    // A call that one queue lost and another one took is not over: only a call that nobody took ends by being missed.
    let over_at = ended.or(if spoken { None } else { missed });
    let direction = all.direction();
    let outcome = view.outcome(spoken, missed.is_some(), direction);
    let over = over_at.is_some() || given_up;
    let state = if over {
        State::Over
    } else if spoken {
        State::Answered
    } else {
        State::Rings
    };
    let mut computed = Vec::new();
    computed.push("started");
    // A later part begins with its first event.
    let started = if part.as_ptr() == events.as_ptr() { view.started() } else { view.arrived() };
    // A call whose first event is its answer has waited for nobody knows how long.
    let until = answered.filter(|answered| started < *answered);
    let waited = view.number("queue_hold_time").or_else(|| note(&mut computed, "waited", seconds(started, until)));
    let sent = view.number("billsec").or_else(|| view.number("duration"));
    let talked = answered.and_then(|answered| seconds(answered, over_at));
    Assembled {
        telephone: all.first("telephone").unwrap_or_default(),
        dnid: all.first("dnid").unwrap_or_default(),
        direction,
        state,
        outcome: over.then_some(outcome),
        agent: view.agent(),
        queue: view.last("queue"),
        remote_number: view.last("remote_number"),
        contact_id: all.first("contact_id"),
        started,
        answered,
        ended: over_at,
        waited,
        duration: sent.or_else(|| note(&mut computed, "duration", talked)),
        reason: view.last("fail_reason").or_else(|| view.last("explain_reason")),
        recording: ["recording", "recording_url", "recordingfile", "monitor_file"]
            .iter()
            .find_map(|name| view.last(name)),
        computed,
    }
}

pub(super) fn is_answer(kind: EventKind) -> bool {
    matches!(kind, EventKind::QueueAnswer | EventKind::DialAnswer | EventKind::CallForwardAnswer)
}

/// What ends a call whatever else was reported.
fn ends(kind: EventKind) -> bool {
    matches!(kind, EventKind::QueueAnswerEnd | EventKind::OutgoingEnd | EventKind::Hangup)
}

/// Whole seconds from one time to another; `None` when there is no other, or it lies before.
fn seconds(from: i64, to: Option<i64>) -> Option<u64> {
    u64::try_from(to? - from).ok().map(|millis| millis / 1_000)
}

fn note(computed: &mut Vec<&'static str>, name: &'static str, value: Option<u64>) -> Option<u64> {
    if value.is_some() {
        computed.push(name);
    }
    value
}

/// Questions to the events of a call.
struct Events<'a>(&'a [Event]);

impl Events<'_> {
    fn times(&self, fits: impl Fn(EventKind) -> bool) -> impl DoubleEndedIterator<Item = i64> {
        self.0.iter().filter(move |event| fits(event.kind())).map(|event| event.received)
    }

    fn first(&self, name: &str) -> Option<String> {
        self.0.iter().find_map(|event| event.get(name)).map(str::to_owned)
    }

    fn last(&self, name: &str) -> Option<String> {
        self.0.iter().rev().find_map(|event| event.get(name)).map(str::to_owned)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.0.iter().rev().find_map(|event| event.get(name)?.trim().parse().ok())
    }

    fn direction(&self) -> Direction {
        let said = self.0.iter().find_map(|event| Direction::parse(event.get("direction")?.trim()));
        let outgoing = || self.0.iter().any(|event| event.kind() == EventKind::OutgoingEnd);
        said.unwrap_or_else(|| if outgoing() { Direction::Out } else { Direction::In })
    }

    /// Who spoke last; of a call that nobody answered, nobody did.
    fn agent(&self) -> Option<String> {
        let of = |fits: fn(EventKind) -> bool| {
            let events = self.0.iter().rev().filter(move |event| fits(event.kind()));
            events.filter_map(|event| event.get("agent")).next().map(str::to_owned)
        };
        of(is_answer)
            .or_else(|| of(|kind| kind == EventKind::QueueAnswerEnd))
            .or_else(|| of(|kind| kind == EventKind::OutgoingEnd))
    }

    fn outcome(&self, spoken: bool, missed: bool, direction: Direction) -> CallOutcome {
        let sent = ["call_status", "disposition", "status"].iter().find_map(|name| self.last(name));
        match sent.map(|word| word.trim().to_ascii_uppercase()).as_deref() {
            _ if spoken => CallOutcome::Answered,
            Some("ANSWERED" | "ANSWER") => CallOutcome::Answered,
            Some("NO ANSWER" | "NOANSWER" | "CONGESTION" | "FAILED" | "BUSY" | "CANCEL") => CallOutcome::Missed,
            _ if missed => CallOutcome::Missed,
            _ if direction == Direction::In && self.times(|kind| kind == EventKind::Hangup).next().is_some() => {
                CallOutcome::Missed
            }
            _ => CallOutcome::Unknown,
        }
    }

    /// When the first of them came.
    fn arrived(&self) -> i64 {
        self.0.iter().map(|event| event.received).min().unwrap_or_default()
    }

    /// Asterisk names a call by the second in which it began (`1732612345.12`); otherwise it began with its first event.
    fn started(&self) -> i64 {
        let first = self.arrived();
        let uniqueid = self.first("uniqueid").unwrap_or_default();
        let named = uniqueid.split('.').next().and_then(|epoch| epoch.parse::<i64>().ok()?.checked_mul(1_000));
        named.filter(|named| (first - LONGEST_BEFORE..=first).contains(named)).unwrap_or(first)
    }
}

#[cfg(test)]
mod tests;
