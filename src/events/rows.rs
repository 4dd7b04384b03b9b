//! Rows of the table `call`.

use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use super::assemble::{Assembled, State};
use super::caller::Caller;
use crate::model::{CallOutcome, Direction};
use crate::number::Key;

/// A call as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallRow {
    /// Its number in the store.
    pub(crate) id: i64,
    /// The project.
    pub(crate) project: Arc<str>,
    /// Its name in the PBX.
    pub(crate) uniqueid: Option<String>,
    /// The customer's number as the PBX sent it.
    pub(crate) telephone: String,
    /// The same as a key.
    pub(crate) number: Option<Key>,
    /// The number that was called.
    pub(crate) dnid: String,
    /// Which way it goes.
    pub(crate) direction: Direction,
    /// Where it is.
    pub(crate) state: State,
    /// How it went, when it is over.
    pub(crate) outcome: Option<CallOutcome>,
    /// Who spoke last with the customer.
    pub(crate) agent: Option<String>,
    /// The queue.
    pub(crate) queue: Option<String>,
    /// The outside telephone that answered.
    pub(crate) remote_number: Option<String>,
    /// When it began.
    pub(crate) started: i64,
    /// When it was answered.
    pub(crate) answered: Option<i64>,
    /// When it ended.
    pub(crate) ended: Option<i64>,
    /// Seconds that the caller waited.
    pub(crate) waited: Option<u64>,
    /// Seconds of conversation.
    pub(crate) duration: Option<u64>,
    /// Names of the values that were worked out.
    pub(crate) computed: String,
    /// What the PBX says about a failure.
    pub(crate) reason: Option<String>,
    /// Address of the recording, unchecked.
    pub(crate) recording: Option<String>,
    /// Arrival of its newest event.
    pub(crate) touched: i64,
    /// Whether the caller is still to be looked up.
    pub(crate) unbound: bool,
    /// What is known about the caller.
    pub(crate) caller: Option<Caller>,
    /// Grows with every change of any call.
    pub(crate) change: i64,
}

impl CallRow {
    /// The same call, told of one of its conversations.
    pub(super) fn with(self, one: Assembled) -> Self {
        Self {
            state: one.state,
            outcome: one.outcome,
            agent: one.agent,
            queue: one.queue,
            remote_number: one.remote_number,
            started: one.started,
            answered: one.answered,
            ended: one.ended,
            waited: one.waited,
            duration: one.duration,
            computed: one.computed.join(" "),
            reason: one.reason,
            recording: one.recording,
            ..self
        }
    }
}

/// The columns that [`from_row`] reads.
pub(super) const COLUMNS: &str = "call.id, call.project, uniqueid, telephone, number, dnid, direction, state, outcome, \
     call.agent, queue, remote_number, started, answered, ended, waited, duration, computed, reason, recording, touched, \
     bound = 0, caller, change";

/// Calls that run and whose sources could not tell who is calling.
pub(super) const RUNS_WITHOUT_CALLER: &str =
    "state < 2 AND bound = 1 AND (caller ->> 'undetermined' = 1 OR caller ->> 'incomplete' = 1)";

/// Reads a call.
pub(super) fn call(connection: &Connection, id: i64) -> rusqlite::Result<CallRow> {
    let sql = format!("SELECT {COLUMNS} FROM call WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], from_row)
}

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<CallRow> {
    let text = |place| row.get::<_, Option<String>>(place);
    let seconds = |place| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(place)?.map(i64::cast_unsigned));
    Ok(CallRow {
        id: row.get(0)?,
        project: row.get::<_, String>(1)?.into(),
        uniqueid: text(2)?,
        telephone: row.get(3)?,
        number: row.get::<_, Option<i64>>(4)?.and_then(Key::from_i64),
        dnid: row.get(5)?,
        direction: Direction::parse(&row.get::<_, String>(6)?).unwrap_or(Direction::In),
        state: State::from_stored(row.get(7)?),
        outcome: text(8)?.and_then(|word| CallOutcome::parse(&word)),
        agent: text(9)?,
        queue: text(10)?,
        remote_number: text(11)?,
        started: row.get(12)?,
        answered: row.get(13)?,
        ended: row.get(14)?,
        waited: seconds(15)?,
        duration: seconds(16)?,
        computed: row.get(17)?,
        reason: text(18)?,
        recording: text(19)?,
        touched: row.get(20)?,
        unbound: row.get(21)?,
        caller: text(22)?.and_then(|json| serde_json::from_str(&json).ok()),
        change: row.get(23)?,
    })
}

/// The next number for a change. It goes on where it was after a restart, and never back.
pub(super) fn next_change(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "UPDATE meta SET value = value + 1 WHERE name = 'change' RETURNING value";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

/// Notes who the caller of a call is.
pub(super) fn bind(connection: &Connection, id: i64, caller: &Caller) -> rusqlite::Result<()> {
    let contact = caller.contact.as_ref();
    let json = serde_json::to_string(caller).unwrap_or_default();
    let sql = "UPDATE call SET bound = 1, contact_source = ?2, contact_id = ?3, caller = ?4, change = ?5 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![
        id,
        contact.map(|contact| &contact.source),
        contact.map(|contact| &contact.id),
        json,
        next_change(connection)?,
    ])?;
    Ok(())
}
