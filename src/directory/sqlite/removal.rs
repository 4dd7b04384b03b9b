//! Removes a whole address book, as an import of nothing would: marked in short transactions, gone in one step.
//!
//! Killed before the switch, everything is as it was; killed after it, what is left is seen by nobody and is tidied.

use rusqlite::{Connection, OptionalExtension};

use super::Inner;
use super::lock::ImportLock;
use super::session::{CHUNK, announce};
use super::tidy::tidy_book;
use super::write::running_import;
use crate::error::{Error, Kind, Result};
use crate::store::{Durability, Store, failure, set_durability};

const DOING: &str = "remove an address book";

/// Removes the book of this name; returns how many contacts it had, or `None` when there is no such book.
pub(super) fn remove_book(inner: &Inner, name: &str) -> Result<Option<u64>> {
    let connection = inner.store.writer(Durability::Later)?;
    let sql = "SELECT id, contacts FROM directory WHERE name = ?1 AND removed = 0";
    let found = connection.query_row(sql, [name], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).optional();
    let Some((directory, contacts)) = found.map_err(|error| failure(DOING, error))? else { return Ok(None) };
    let Some(_lock) = ImportLock::take(&inner.store, directory)? else {
        let running = running_import(&connection, directory).map_err(|error| failure(DOING, error))?;
        return Err(running.map_or_else(|| busy(name), |import| import.refusal(name)));
    };
    tidy_book(&connection, directory)?;
    let now = inner.clock.utc_millis();
    let target = in_transaction(&connection, |connection| announce(connection, directory, now))?;
    let mut last = 0;
    while let Some(row) = in_transaction(&connection, |connection| mark(connection, directory, target, last))? {
        last = row;
    }
    set_durability(&connection, Durability::Acknowledged).map_err(|error| failure(DOING, error))?;
    in_transaction(&connection, |connection| switch(connection, directory, target))?;
    tidy_book(&connection, directory)?;
    // A log that somebody reads is cut off some other time; nothing of it is seen.
    inner.store.truncate_log()?;
    Ok(Some(contacts.cast_unsigned()))
}

fn busy(name: &str) -> Error {
    Error::new(Kind::Busy, format!("an import into {name} is just beginning or ending: try again"))
}

fn in_transaction<T>(connection: &Connection, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
    Store::write(connection, DOING, |connection| work(connection).map_err(|error| failure(DOING, error)))
}

/// Marks the next versions behind the row `last`; returns the last one that was marked.
fn mark(connection: &Connection, directory: i64, target: i64, last: i64) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT row FROM contact WHERE row > ?1 AND +directory = ?2 AND until IS NULL ORDER BY row LIMIT ?3";
    let chunk = i64::try_from(CHUNK).unwrap_or(i64::MAX);
    let rows: Vec<i64> = connection
        .prepare_cached(sql)?
        .query_map((last, directory, chunk), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut statement = connection.prepare_cached("UPDATE contact SET until = ?2 WHERE row = ?1")?;
    for row in &rows {
        statement.execute((row, target))?;
    }
    Ok(rows.last().copied())
}

fn switch(connection: &Connection, directory: i64, target: i64) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE directory SET generation = ?2, revision = revision + 1, contacts = 0, numbers = 0, blocks = 0, \
         imported_at = NULL, removed = 1 WHERE id = ?1",
        (directory, target),
    )?;
    connection.execute("DELETE FROM import WHERE directory = ?1", [directory])?;
    Ok(())
}
