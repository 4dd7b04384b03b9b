//! Takes an event in: recognised as a repeat or written down, and its call put together anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::assemble::{self, Assembled, assemble, conversations};
use super::caller::Caller;
use super::rows::{self, CallRow};
use super::{erase, journal, party};
use crate::error::{Error, Kind, Result};
use crate::model::{CallOutcome, Event, EventKind};
use crate::number::Key;
use crate::store::failure;

/// How long after its newest event a call with a name takes further ones, in milliseconds.
pub(super) const JOIN: i64 = 24 * 3_600 * 1_000;

/// How long an event may have been overtaken by the end of its call, in milliseconds, where the PBX names no calls: two
/// requests at once, and not the time in which somebody hangs up and rings again.
const OVERTAKEN: i64 = 2_000;

/// Most events of one call that are put together; a call with more is no call.
const MOST_EVENTS: usize = 500;

pub(super) const DOING: &str = "write down an event";

/// An event with what is known when it arrives.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) event: Event,
    /// The keys of the agents whom it names.
    pub(super) agents: Vec<String>,
    /// The customer's number, unless it is withheld or local.
    pub(super) number: Option<Key>,
    pub(super) caller: Tie,
    /// Where the project writes its calls.
    pub(super) journal: Arc<[Arc<str>]>,
    /// After how many milliseconds a call without a name is another one.
    pub(super) longest_call: i64,
}

impl Arrival {
    /// About how much memory it takes: the texts that were sent, and what keeps each of them.
    pub(super) fn bytes(&self) -> usize {
        const EACH: usize = 96;
        let texts = self.event.params.iter().flat_map(|(name, values)| values.iter().chain([name]));
        texts.map(|text| text.len() + EACH).sum()
    }
}

/// Whether the caller of an event is known.
#[derive(Debug, Clone)]
pub(super) enum Tie {
    /// There is no number to look up.
    Nobody,
    /// It is the caller of a lookup of a moment ago.
    Tied(Box<Caller>),
    /// He is still to be looked up.
    Open,
}

/// What became of an event.
#[derive(Debug, Clone)]
pub(super) struct Accepted {
    /// Whether it was here before; then nothing was written.
    pub(super) repeat: bool,
    /// Its call as it is now.
    pub(super) call: Arc<CallRow>,
}

/// Writes an event down, in the transaction of the writer; `None` for one of a call that was wiped, which is not kept.
pub(super) fn accept(connection: &Connection, arrival: &Arrival) -> Result<Option<Accepted>> {
    let written = || -> rusqlite::Result<Option<Accepted>> {
        let event = &arrival.event;
        if erase::is_wiped(connection, event)? {
            return Ok(None);
        }
        let digest = digest(event);
        if let Some(call) = find_repeat(connection, digest.as_deref())? {
            return Ok(Some(Accepted { repeat: true, call: Arc::new(rows::call(connection, call)?) }));
        }
        let call = match find_call(connection, arrival)? {
            Some(call) => call,
            None => begin_call(connection, arrival)?,
        };
        insert(connection, event, call, digest.as_deref())?;
        for agent in &arrival.agents {
            party::add(connection, &event.project, agent, call)?;
        }
        let row = renew(connection, call, arrival)?;
        Ok(Some(Accepted { repeat: false, call: Arc::new(row) }))
    };
    written().map_err(|error| failure(DOING, error))
}

/// Stands for project and all parameters; `None` when the PBX does not name the call: then nothing tells a repeat from
/// another call of the same kind.
fn digest(event: &Event) -> Option<Vec<u8>> {
    event.get("uniqueid")?;
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    add(&event.project);
    for (name, values) in &event.params {
        add(name);
        add(&values.len().to_string());
        values.iter().for_each(|value| add(value));
    }
    Some(hash.finalize()[..16].to_vec())
}

/// The call of the same event that was here before.
fn find_repeat(connection: &Connection, digest: Option<&[u8]>) -> rusqlite::Result<Option<i64>> {
    let Some(digest) = digest else { return Ok(None) };
    let mut statement = connection.prepare_cached("SELECT call FROM event WHERE digest = ?1")?;
    statement.query_row([digest], |row| row.get(0)).optional()
}

/// The call that an event belongs to: the one of its name, or else the running one of the same number.
fn find_call(connection: &Connection, arrival: &Arrival) -> rusqlite::Result<Option<i64>> {
    let Arrival { event, number, longest_call, .. } = arrival;
    let (project, now) = (&*event.project, event.received);
    if let Some(uniqueid) = event.get("uniqueid") {
        let sql =
            "SELECT id FROM call WHERE project = ?1 AND uniqueid = ?2 AND touched > ?3 ORDER BY touched DESC LIMIT 1";
        let mut statement = connection.prepare_cached(sql)?;
        return statement.query_row(params![project, uniqueid, now - JOIN], |row| row.get(0)).optional();
    }
    let dnid = event.get("dnid").unwrap_or_default();
    let Some(number) = number else {
        let telephone = event.get("telephone").unwrap_or_default();
        return find_without_number(connection, project, telephone, dnid, now - longest_call);
    };
    let sql = "SELECT id FROM call WHERE project = ?1 AND number = ?2 AND uniqueid IS NULL AND dnid = ?3 AND state < 2 \
               AND touched > ?4 ORDER BY started DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let running = statement.query_row(params![project, number.to_i64(), dnid, now - longest_call], |row| row.get(0));
    match running.optional()? {
        None => find_overtaken(connection, event, *number),
        running => Ok(running),
    }
}

/// The running call without a name of a withheld or internal caller. Two of them at the same number cannot be told apart; a call
/// for each event would leave cards that nobody ends, and calls in the journal that were none.
fn find_without_number(
    connection: &Connection,
    project: &str,
    telephone: &str,
    dnid: &str,
    since: i64,
) -> rusqlite::Result<Option<i64>> {
    if telephone.is_empty() && dnid.is_empty() {
        return Ok(None);
    }
    let sql = "SELECT id FROM call WHERE state < 2 AND touched > ?4 AND project = ?1 AND number IS NULL \
               AND uniqueid IS NULL AND telephone = ?2 AND dnid = ?3 ORDER BY started DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row(params![project, telephone, dnid, since], |row| row.get(0)).optional()
}

/// The call without a name that was over a moment ago, when this event is of its beginning and was overtaken by its end.
/// A call that knows such an event already is one from before.
fn find_overtaken(connection: &Connection, event: &Event, number: Key) -> rusqlite::Result<Option<i64>> {
    let begins = |kind| kind == EventKind::Ringing || assemble::is_answer(kind);
    if !begins(event.kind()) {
        return Ok(None);
    }
    let sql = "SELECT id FROM call WHERE project = ?1 AND number = ?2 AND uniqueid IS NULL AND dnid = ?3 AND state = 2 \
               AND timed_out = 0 AND touched > ?4 ORDER BY started DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let dnid = event.get("dnid").unwrap_or_default();
    let since = event.received - OVERTAKEN;
    let over = statement.query_row(params![&*event.project, number.to_i64(), dnid, since], |row| row.get(0));
    let Some(call) = over.optional()? else { return Ok(None) };
    let same = |other: &Event| other.kind() == event.kind() && other.get("agent") == event.get("agent");
    Ok((!events_of(connection, call)?.iter().any(same)).then_some(call))
}

/// A row that [`renew`] fills in a moment later, in the same transaction.
fn begin_call(connection: &Connection, arrival: &Arrival) -> rusqlite::Result<i64> {
    let event = &arrival.event;
    let sql = "INSERT INTO call (project, uniqueid, telephone, dnid, direction, state, started, computed, touched, bound, \
               change) VALUES (?1, ?2, '', '', 'in', 0, ?3, '', ?3, 2, 0)";
    connection.prepare_cached(sql)?.execute(params![&*event.project, event.get("uniqueid"), event.received])?;
    Ok(connection.last_insert_rowid())
}

fn insert(connection: &Connection, event: &Event, call: i64, digest: Option<&[u8]>) -> rusqlite::Result<()> {
    let sql = "INSERT INTO event (project, name, received, call, params, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut statement = connection.prepare_cached(sql)?;
    let values = params![&*event.project, event.name(), event.received, call, to_json(&event.params), digest];
    statement.execute(values).map(drop)
}

/// Puts a call together from all its events and writes it anew.
fn renew(connection: &Connection, id: i64, arrival: &Arrival) -> rusqlite::Result<CallRow> {
    let before = rows::call(connection, id)?;
    let given_up: bool =
        connection.prepare_cached("SELECT timed_out FROM call WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
    let events = events_of(connection, id)?;
    write(connection, id, &assemble(&events, given_up), arrival.event.received)?;
    bind(connection, &before, arrival)?;
    let row = rows::call(connection, id)?;
    journal::enter(connection, &row, &conversations(&events, given_up), &arrival.journal, arrival.event.received)?;
    Ok(row)
}

/// The first number of a call counts, and the first time that its caller is known.
fn bind(connection: &Connection, before: &CallRow, arrival: &Arrival) -> rusqlite::Result<()> {
    let Some(number) = arrival.number else { return Ok(()) };
    if before.number.is_none() {
        let sql = "UPDATE call SET number = ?2, bound = 0 WHERE id = ?1";
        connection.prepare_cached(sql)?.execute(params![before.id, number.to_i64()])?;
    }
    match &arrival.caller {
        Tie::Tied(caller) if before.caller.is_none() => rows::bind(connection, before.id, caller),
        _ => Ok(()),
    }
}

/// Gives up calls whose end nobody has reported. Returns how they are now.
pub(super) fn give_up(
    connection: &Connection,
    project: &str,
    journal: &[Arc<str>],
    before: i64,
    now: i64,
) -> Result<Vec<Arc<CallRow>>> {
    let written = || -> rusqlite::Result<Vec<Arc<CallRow>>> {
        let sql = "SELECT id FROM call WHERE state < 2 AND touched < ?1 AND project = ?2 LIMIT 200";
        let ids: Vec<i64> = connection
            .prepare_cached(sql)?
            .query_map(params![before, project], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut given_up = Vec::new();
        for id in ids {
            connection.prepare_cached("UPDATE call SET timed_out = 1 WHERE id = ?1")?.execute([id])?;
            let touched = rows::call(connection, id)?.touched;
            let events = events_of(connection, id)?;
            write(connection, id, &assemble(&events, true), touched)?;
            let row = rows::call(connection, id)?;
            journal::enter(connection, &row, &conversations(&events, true), journal, now)?;
            given_up.push(Arc::new(row));
        }
        Ok(given_up)
    };
    written().map_err(|error| failure("give up a call", error))
}

fn write(connection: &Connection, id: i64, call: &Assembled, touched: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE call SET telephone = ?2, dnid = ?3, direction = ?4, state = ?5, outcome = ?6, agent = ?7, queue = ?8, \
               remote_number = ?9, started = ?10, answered = ?11, ended = ?12, waited = ?13, duration = ?14, \
               computed = ?15, reason = ?16, recording = ?17, touched = max(touched, ?18), change = ?19 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![
        id,
        call.telephone,
        call.dnid,
        call.direction.as_str(),
        call.state as i64,
        call.outcome.map(CallOutcome::as_str),
        call.agent,
        call.queue,
        call.remote_number,
        call.started,
        call.answered,
        call.ended,
        call.waited.map(u64::cast_signed),
        call.duration.map(u64::cast_signed),
        call.computed.join(" "),
        call.reason,
        call.recording,
        touched,
        rows::next_change(connection)?,
    ])?;
    Ok(())
}

/// The events of a call in the order of their arrival.
pub(super) fn events_of(connection: &Connection, call: i64) -> rusqlite::Result<Vec<Event>> {
    let sql = format!("SELECT project, received, params FROM event WHERE call = ?1 ORDER BY id LIMIT {MOST_EVENTS}");
    connection.prepare_cached(&sql)?.query_map([call], event)?.collect()
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let (project, params): (String, String) = (row.get(0)?, row.get(2)?);
    Ok(Event { project: project.into(), received: row.get(1)?, params: from_json(&params) })
}

/// Parameters as a JSON object: a text each, or a list where one was sent with several values.
pub(super) fn to_json(params: &BTreeMap<String, Vec<String>>) -> String {
    let value = |values: &Vec<String>| match values.as_slice() {
        [only] => serde_json::Value::from(only.as_str()),
        several => serde_json::Value::from(several),
    };
    let object: serde_json::Map<_, _> = params.iter().map(|(name, values)| (name.clone(), value(values))).collect();
    serde_json::Value::Object(object).to_string()
}

/// Reads what [`to_json`] has written.
pub(super) fn from_json(text: &str) -> BTreeMap<String, Vec<String>> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
    let texts = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => vec![text],
        serde_json::Value::Array(items) => {
            items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    };
    object.into_iter().map(|(name, value)| (name, texts(value))).collect()
}

/// The failure of an event that did not reach the disk in time.
pub(super) fn too_late() -> Error {
    Error::new(Kind::Timeout, "an event was not on the disk in time")
}
