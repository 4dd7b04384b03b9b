//! Which of several contacts an agent has picked for a number.
//!
//! Every lookup of a PBX asks, so the numbers for which anybody was picked are known in memory, and the store is only
//! read for one of these. A number stays in memory when another process has wiped its choice: then the read finds none.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use rusqlite::{Connection, OptionalExtension, params};

use super::store::EventStore;
use crate::error::Result;
use crate::model::{ContactId, ContactRef};
use crate::number::Key;

/// The numbers of all projects for which somebody may have been picked. The lock is held for a look.
#[derive(Default)]
pub(super) struct PickedNumbers {
    any: AtomicBool,
    numbers: RwLock<HashSet<i64>>,
}

impl PickedNumbers {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT DISTINCT number FROM choice")?;
        let numbers: HashSet<i64> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(Self { any: AtomicBool::new(!numbers.is_empty()), numbers: RwLock::new(numbers) })
    }

    pub(super) fn add(&self, number: Key) {
        self.numbers.write().unwrap_or_else(PoisonError::into_inner).insert(number.to_i64());
        self.any.store(true, Ordering::Release);
    }

    fn may_hold(&self, number: Key) -> bool {
        let holds = || self.numbers.read().unwrap_or_else(PoisonError::into_inner).contains(&number.to_i64());
        self.any.load(Ordering::Acquire) && holds()
    }
}

impl EventStore {
    /// Which contact an agent picked for a number.
    pub(super) fn choice(&self, project: &str, number: Key) -> Result<Option<ContactRef>> {
        if !self.picked.may_hold(number) {
            return Ok(None);
        }
        self.read_here("read a choice", |connection| find(connection, project, number))
    }
}

/// Remembers which contact an agent picked for a number.
pub(super) fn remember(
    connection: &Connection,
    project: &str,
    number: Key,
    contact: &ContactRef,
    agent: &str,
    now: i64,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO choice (project, number, source, contact, agent, chosen) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (source, id) = (&*contact.source, contact.id.to_string());
    connection.prepare_cached(sql)?.execute(params![project, number.to_i64(), source, id, agent, now]).map(drop)
}

pub(super) fn find(connection: &Connection, project: &str, number: Key) -> rusqlite::Result<Option<ContactRef>> {
    let sql = "SELECT source, contact FROM choice WHERE project = ?1 AND number = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let chosen = statement.query_row(params![project, number.to_i64()], |row| {
        let (source, id): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(ContactRef { source: source.into(), id: ContactId::from_text(&id) })
    });
    chosen.optional()
}
