//! Wipes a person out of events, calls, journal and choices.
//!
//! Deleted rows are overwritten in the file, and the write-ahead log is cut off afterwards. A call that was withheld or
//! came from another number cannot be found by the number; it can by the contact.
//!
//! A PBX may go on to report of a call that was wiped, while it runs or because it repeats itself. Where the PBX names its
//! calls, a hash of the name stays for a day, and such an event is acknowledged and not kept.
//!
//! Whoever erases is another process than the server that runs. So every erasure is counted in the store, and the server
//! looks at the count every second: then it forgets every answer and explanation that it keeps, and pages read anew. The
//! count is a change like that of a call, so that a page that was away meanwhile hears of it when it is back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::{EventStore, Events, accounts};
use crate::error::Result;

use super::caller::Caller;
use super::retention::remove_call;
use super::{intake, rows};
use crate::model::{ContactRef, Event};
use crate::number::Key;

/// How often the server looks whether somebody was erased or signed out.
const LOOK: Duration = Duration::from_secs(1);

/// The change by which an erasure was asked for last, whether there was anything to wipe or not.
const ASKED: &str = "erase_asked";

/// How long events of a wiped call are not kept, in milliseconds: as long as they would be taken for events of that call.
const REPORTED: i64 = intake::JOIN;

/// Forgets what the process remembers of anybody when somebody was erased, and has pages look after their sessions when
/// one has ended. Ends with the runtime.
pub(super) async fn watch(events: Arc<Events>) {
    let read = async || {
        let store = &events.store;
        Some([
            store.mark(ASKED).await.ok()?,
            store.erasures().await.ok()?,
            store.mark(accounts::SIGNED_OUT).await.ok()?,
        ])
    };
    let mut known = read().await;
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(now) = read().await else { continue };
        let Some(before) = known.replace(now) else { continue };
        let [asked, erased, signed_out] = [0, 1, 2].map(|mark| before[mark] != now[mark]);
        if asked || erased {
            events.lookup.forget_everybody();
        }
        if erased {
            events.hub.reload();
        }
        if signed_out {
            events.hub.look();
        }
    }
}

impl EventStore {
    /// The change by which somebody was erased last; 0 when nobody ever was.
    pub(super) async fn erasures(&self) -> Result<i64> {
        self.mark("erasures").await
    }

    async fn mark(&self, name: &'static str) -> Result<i64> {
        self.read("read a mark", move |connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
            Ok(statement.query_row([name], |row| row.get(0)).optional()?.unwrap_or_default())
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
pub(super) fn wipe(
    connection: &Connection,
    numbers: &[Key],
    contacts: &[ContactRef],
    now: i64,
) -> rusqlite::Result<Wiped> {
    let mut wiped = Wiped::default();
    for id in calls(connection, numbers, contacts)? {
        remember_call(connection, id, now)?;
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
    let mark = |name: &str| -> rusqlite::Result<()> {
        let change = rows::next_change(connection)?;
        let sql = "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)";
        connection.execute(sql, params![name, change]).map(drop)
    };
    // The server may remember somebody of whom nothing stands anywhere: the answer of a live source.
    mark(ASKED)?;
    // Where nobody was erased nobody's page reads all anew. Of a contact the server may remember more than stood here.
    if wiped != Wiped::default() || !contacts.is_empty() {
        mark("erasures")?;
    }
    Ok(wiped)
}

fn remember_call(connection: &Connection, id: i64, now: i64) -> rusqlite::Result<()> {
    let call = rows::call(connection, id)?;
    let Some(uniqueid) = &call.uniqueid else { return Ok(()) };
    let sql = "INSERT OR REPLACE INTO wiped (hash, since) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![hash(&call.project, uniqueid), now]).map(drop)
}

/// Whether an event belongs to a call that was wiped.
pub(super) fn is_wiped(connection: &Connection, event: &Event) -> rusqlite::Result<bool> {
    let Some(uniqueid) = event.get("uniqueid") else { return Ok(false) };
    let sql = "SELECT EXISTS (SELECT 1 FROM wiped WHERE hash = ?1 AND since > ?2)";
    let values = params![hash(&event.project, uniqueid), event.received - REPORTED];
    connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))
}

/// Forgets the names of calls that were wiped so long ago that nobody reports of them any more.
pub(super) fn forget_names(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM wiped WHERE since <= ?1")?.execute([now - REPORTED]).map(drop)
}

fn hash(project: &str, uniqueid: &str) -> Vec<u8> {
    Sha256::digest(format!("{project}/{uniqueid}")).to_vec()
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
