//! The journal: calls that are over are written down in other systems, sooner or later.
//!
//! An entry is made in the transaction that ends its call, so no call is forgotten; it stays until the other side has
//! said yes, across restarts and outages of days. Entries of one customer go out one after another. Whoever gets a call
//! twice can tell by its key. `dispatch.rs` sends, `url.rs` is the one writer that needs no source.

mod dispatch;
mod entry;
mod manage;
mod url;

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::assemble::Assembled;
use super::caller::Named;
use super::rows::CallRow;
use crate::model::CallOutcome;
use crate::number::Key;

pub(super) use dispatch::{Callers, Step};
pub use dispatch::{Dispatcher, Target, Targets};
#[cfg(test)]
pub(super) use entry::Tried;
pub(super) use entry::{Entry, due, next_due, note};
pub use manage::{Listed, Which};
pub(super) use manage::{counts, drop_entries, list, retry};
pub use url::UrlLog;

/// How long an entry waits before its first try, in milliseconds: for events that were overtaken by the end of the call.
const SETTLE: i64 = 3_000;

/// Calls of a number among which one that still waits is looked for.
const LOOKED_BACK: i64 = 20;

/// Makes an entry for each target and each conversation of a call that is over, unless there is one. What went otherwise than
/// it looked replaces what has not been tried yet.
pub(super) fn enter(
    connection: &Connection,
    call: &CallRow,
    conversations: &[Assembled],
    targets: &[Arc<str>],
    now: i64,
) -> rusqlite::Result<()> {
    if targets.is_empty() {
        return Ok(());
    }
    let store: String =
        connection.prepare_cached("SELECT value FROM meta WHERE name = 'store'")?.query_row([], |row| row.get(0))?;
    let key = |(part, conversation): (usize, &Assembled)| Some(key(&store, call.id, part, conversation.outcome?));
    let keys: Vec<String> = (1..).zip(conversations).filter_map(key).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let line = line(connection, call)?;
    let all = serde_json::Value::from(keys.clone()).to_string();
    for target in targets {
        let sql = "DELETE FROM journal WHERE call = ?1 AND target = ?2 AND state = 0 AND tries = 0 \
                   AND key NOT IN (SELECT value FROM json_each(?3))";
        connection.prepare_cached(sql)?.execute(params![call.id, &**target, all])?;
        let sql = "INSERT OR IGNORE INTO journal (key, project, target, call, line, state, due, created) \
                   VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7)";
        let mut statement = connection.prepare_cached(sql)?;
        for key in &keys {
            statement.execute(params![key, &*call.project, &**target, call.id, line, now + SETTLE, now])?;
        }
    }
    match call.caller.as_ref().and_then(|caller| caller.contact.as_ref()) {
        Some(contact) => join_contact(connection, call, contact),
        None => Ok(()),
    }
}

/// What a conversation is called in other systems, for ever: the store, the number of the call, from the second conversation
/// on its place in the call, and how it went.
fn key(store: &str, call: i64, part: usize, outcome: CallOutcome) -> String {
    let part = if part > 1 { format!(".{part}") } else { String::new() };
    format!("{store}-{call}{part}-{}", outcome.as_str())
}

/// Reads the place in the call and how it went, of a [`key`].
fn read_key(key: &str) -> (usize, Option<CallOutcome>) {
    let mut words = key.rsplit('-');
    let outcome = words.next().and_then(CallOutcome::parse);
    let part = words.next().and_then(|call| call.split_once('.')?.1.parse().ok());
    (part.unwrap_or(1), outcome)
}

/// The customer whose calls are written one after another: the contact that is calling, else his number, or this call
/// alone when there is none. A number whose earlier calls still wait stays in the line of these.
fn line(connection: &Connection, call: &CallRow) -> rusqlite::Result<String> {
    let Some(number) = call.number else { return Ok(format!("call {}", call.id)) };
    if let Some(contact) = call.caller.as_ref().and_then(|caller| caller.contact.as_ref()) {
        return Ok(line_of_contact(&call.project, contact));
    }
    let sql = "SELECT journal.line FROM (SELECT id FROM call WHERE number = ?1 AND project = ?2 AND id <> ?3 \
               ORDER BY started DESC LIMIT ?4) AS earlier JOIN journal ON journal.call = earlier.id \
               WHERE journal.state = 0 ORDER BY journal.id DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let waiting = statement.query_row(params![number.to_i64(), &*call.project, call.id, LOOKED_BACK], |row| row.get(0));
    Ok(waiting.optional()?.unwrap_or_else(|| line_of_number(&call.project, number)))
}

fn line_of_number(project: &str, number: Key) -> String {
    format!("{project} {number}")
}

fn line_of_contact(project: &str, contact: &Named) -> String {
    format!("{project} {} {}", contact.source, contact.id)
}

/// Puts what waits for this call and its number into the line of the contact that it has turned out to be of.
pub(super) fn join_contact(connection: &Connection, call: &CallRow, contact: &Named) -> rusqlite::Result<()> {
    let Some(number) = call.number else { return Ok(()) };
    let sql = "UPDATE journal SET line = ?2 WHERE call = ?1 AND state = 0";
    connection.prepare_cached(sql)?.execute(params![call.id, line_of_contact(&call.project, contact)])?;
    let sql = "UPDATE journal SET line = ?2 WHERE state = 0 AND line = ?3 AND target IN \
               (SELECT target FROM journal WHERE call = ?1)";
    let (to, from) = (line_of_contact(&call.project, contact), line_of_number(&call.project, number));
    connection.prepare_cached(sql)?.execute(params![call.id, to, from]).map(drop)
}
