//! Removes versions that nobody sees: of killed imports, and replaced ones.
//!
//! In short transactions, so that writers get their turn; killed in the middle, the next run goes on. Whoever tidies a
//! book holds its import lock.

use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::lock::ImportLock;
use super::rows;
use super::session::CHUNK;
use super::write::{generation, running_import};
use crate::directory::breath;
use crate::error::Result;
use crate::store::{Durability, Store, failure};

const DOING: &str = "remove old versions of contacts";

/// Tidies every book into which no import runs.
pub(super) fn tidy(store: &Store) -> Result<()> {
    let connection = store.writer(Durability::Later)?;
    for book in books(&connection).map_err(|error| failure(DOING, error))? {
        if let Some(_lock) = ImportLock::take(store, book)? {
            tidy_book(&connection, book)?;
        }
    }
    Ok(())
}

fn books(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    connection.prepare_cached("SELECT id FROM directory")?.query_map([], |row| row.get(0))?.collect()
}

/// Tidies one book; the caller holds its import lock.
pub(super) fn tidy_book(connection: &Connection, directory: i64) -> Result<()> {
    if running_import(connection, directory).map_err(|error| failure(DOING, error))?.is_some() {
        while in_chunk(connection, |connection| delete_staged(connection, directory))? {}
        while in_chunk(connection, |connection| unmark(connection, directory))? {}
        in_chunk(connection, |connection| {
            connection.execute("DELETE FROM import WHERE directory = ?1", [directory])?;
            Ok(false)
        })?;
    }
    while has_replaced(connection, directory).map_err(|error| failure(DOING, error))? {
        in_chunk(connection, |connection| delete_replaced(connection, directory))?;
    }
    Ok(())
}

fn in_chunk(connection: &Connection, work: impl FnOnce(&Connection) -> rusqlite::Result<bool>) -> Result<bool> {
    Store::write(connection, DOING, |connection| work(connection).map_err(|error| failure(DOING, error)))
}

/// Deletes versions that a killed import staged; says whether there may be more.
///
/// They are the highest rows of the table, so they are taken from the end: what is gone is not looked at again.
fn delete_staged(connection: &Connection, directory: i64) -> rusqlite::Result<bool> {
    let Some(import) = running_import(connection, directory)? else { return Ok(false) };
    let generation = generation(connection, directory)?;
    let sql = "SELECT row FROM contact WHERE row >= ?1 AND +directory = ?2 AND since > ?3 ORDER BY row DESC LIMIT ?4";
    delete_selected(connection, sql, [import.first_row, directory, generation, chunk()])
}

/// Takes the mark off versions that a killed import would have replaced.
fn unmark(connection: &Connection, directory: i64) -> rusqlite::Result<bool> {
    let sql = "UPDATE contact SET until = NULL WHERE row IN \
               (SELECT row FROM contact WHERE directory = ?1 AND until > ?2 LIMIT ?3)";
    let generation = generation(connection, directory)?;
    let changed = connection.prepare_cached(sql)?.execute([directory, generation, chunk()])?;
    Ok(changed == CHUNK)
}

fn has_replaced(connection: &Connection, directory: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM contact c JOIN directory d ON d.id = c.directory \
               WHERE c.directory = ?1 AND c.until <= d.generation LIMIT 1";
    Ok(connection.prepare_cached(sql)?.query_row([directory], |_| Ok(())).optional()?.is_some())
}

fn delete_replaced(connection: &Connection, directory: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT row FROM contact WHERE directory = ?1 AND until <= ?2 LIMIT ?3";
    let generation = generation(connection, directory)?;
    delete_selected(connection, sql, [directory, generation, chunk()])
}

fn delete_selected<const N: usize>(connection: &Connection, sql: &str, values: [i64; N]) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(sql)?;
    let found =
        statement.query_map(params_from_iter(values), |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    for row in &found {
        rows::delete(connection, *row)?;
        breath::row_done();
    }
    Ok(found.len() == CHUNK)
}

fn chunk() -> i64 {
    i64::try_from(CHUNK).unwrap_or(i64::MAX)
}
