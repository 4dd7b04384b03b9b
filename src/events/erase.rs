//! Wipes a person out of events, calls, journal and choices.
//!
//! Deleted rows are overwritten in the file, and the write-ahead log is cut off afterwards. A call that was withheld or
//! came from another number cannot be found by the number; it can by the contact.
//!
//! Whoever erases is another process than the server that runs. So every erasure is counted in the store, and the server
//! looks at the count every second: then it forgets every answer and explanation that it keeps, and pages read anew.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::{EventStore, Events};
use crate::error::Result;

use super::caller::Caller;
use super::retention::remove_call;
use super::rows;
use crate::model::ContactRef;
use crate::number::Key;

/// How often the server looks whether somebody was erased.
const LOOK: Duration = Duration::from_secs(1);

/// Forgets what the process remembers of anybody when somebody was erased. Ends with the runtime.
pub(super) async fn watch(events: Arc<Events>) {
    let mut known = events.store.erasures().await.ok();
    loop {
        tokio::time::sleep(LOOK).await;
        let Ok(now) = events.store.erasures().await else { continue };
        if known.replace(now).is_some_and(|before| before != now) {
            events.lookup.forget_everybody();
            events.hub.reload();
        }
    }
}

impl EventStore {
    async fn erasures(&self) -> Result<i64> {
        self.read("count erasures", |connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = 'erasures'")?;
            Ok(statement.query_row([], |row| row.get(0)).optional()?.unwrap_or_default())
        })
        .await
    }
}

/// How much was wiped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wiped {
    /// Calls.
    pub calls: usize,
    /// Events.
    pub events: usize,
    /// Entries of the journal, written or not.
    pub journal: usize,
    /// Choices of agents.
    pub choices: usize,
    /// Whether the write-ahead log could be cut off; if not, overwritten text stays in it until the next checkpoint.
    pub log_truncated: bool,
}

/// Wipes the calls of these numbers in every project, and those of these contacts.
pub(super) fn wipe(connection: &Connection, numbers: &[Key], contacts: &[ContactRef]) -> rusqlite::Result<Wiped> {
    let mut wiped = Wiped::default();
    for id in calls(connection, numbers, contacts)? {
        let (events, journal) = remove_call(connection, id)?;
        wiped =
            Wiped { calls: wiped.calls + 1, events: wiped.events + events, journal: wiped.journal + journal, ..wiped };
    }
    for number in numbers {
        wiped.choices += connection.execute("DELETE FROM choice WHERE number = ?1", [number.to_i64()])?;
    }
    for contact in contacts {
        let sql = "DELETE FROM choice WHERE source = ?1 AND contact = ?2";
        wiped.choices += connection.execute(sql, params![&*contact.source, contact.id.to_string()])?;
        forget_candidate(connection, contact)?;
    }
    // Where nobody was erased nobody's page reads all anew. Of a contact the server may remember more than stood here.
    if wiped != Wiped::default() || !contacts.is_empty() {
        let sql =
            "INSERT INTO meta (name, value) VALUES ('erasures', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1";
        connection.execute(sql, [])?;
    }
    Ok(wiped)
}

fn calls(connection: &Connection, numbers: &[Key], contacts: &[ContactRef]) -> rusqlite::Result<BTreeSet<i64>> {
    let mut ids = BTreeSet::new();
    for number in numbers {
        let mut statement = connection.prepare_cached("SELECT id FROM call WHERE number = ?1")?;
        let rows = statement.query_map([number.to_i64()], |row| row.get::<_, i64>(0))?;
        ids.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    for contact in contacts {
        let sql = "SELECT id FROM call WHERE contact_id = ?1 AND contact_source = ?2";
        let mut statement = connection.prepare_cached(sql)?;
        let rows =
            statement.query_map(params![contact.id.to_string(), &*contact.source], |row| row.get::<_, i64>(0))?;
        ids.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    Ok(ids)
}

/// Others' calls may name the contact as one of several who might have been meant.
fn forget_candidate(connection: &Connection, contact: &ContactRef) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("SELECT id, caller FROM call WHERE instr(caller, '\"candidates\"') > 0")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(i64, String)> = rows.collect::<rusqlite::Result<_>>()?;
    for (id, json) in rows {
        let Ok(mut caller) = serde_json::from_str::<Caller>(&json) else { continue };
        let before = caller.candidates.len();
        caller.candidates.retain(|choice| choice.contact.to_ref() != *contact);
        if caller.candidates.len() < before {
            rows::bind(connection, id, &caller)?;
        }
    }
    Ok(())
}
