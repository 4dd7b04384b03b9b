//! Single writes: one contact in one transaction, seen at once.

use rusqlite::{Connection, OptionalExtension};

use super::keys;
use super::lock::ImportLock;
use super::matching::{self, Match};
use super::reading;
use super::rows::{self, IdValue, Insert, Place, Record, Size};
use super::{Book, Change, Prepared, Stored};
use crate::directory::prepared::MatchKey;
use crate::error::{Error, Kind, Result};
use crate::model::{ContactId, ContactNumber};
use crate::number::indexed::indexed;
use crate::store::{Store, failure};

/// Makes the row of a new address book, unless another process just did; returns its id.
pub(super) fn create_book(connection: &Connection, name: &str) -> Result<i64> {
    let create = || {
        connection.execute("INSERT INTO directory (name) VALUES (?1) ON CONFLICT DO UPDATE SET removed = 0", [name])?;
        connection.query_row("SELECT id FROM directory WHERE name = ?1", [name], |row| row.get(0))
    };
    create().map_err(|error| failure("create an address book", error))
}

/// Stores a contact in place of the version that is seen now.
pub(super) fn put(connection: &Connection, book: &Book, prepared: Prepared, now: i64) -> rusqlite::Result<Stored> {
    let generation = generation(connection, book.id)?;
    let mut record = Record::from(prepared);
    let scope = matching::Scope { connection, directory: book.id, generation };
    let (old_row, id) = match matching::find(&scope, &record, None)? {
        Match::Existing { row, id } => (Some(row), id),
        Match::New(id) => (None, id),
    };
    record.contact.id = id;
    replace(connection, book, old_row, record, now)
}

/// The version of a contact that is seen now, by its row, with one more number; as it is when it has that number already.
pub(super) fn with_number(
    connection: &Connection,
    book: &Book,
    id: &ContactId,
    number: &ContactNumber,
) -> rusqlite::Result<Option<(i64, Record)>> {
    let Some(row) = row_of(connection, book.id, id, generation(connection, book.id)?)? else { return Ok(None) };
    let Some(mut record) = Record::load(connection, row)? else { return Ok(None) };
    let key = MatchKey::of(&indexed(&number.written, &number.country, &number.label, &book.numbering));
    if !key.is_certain() || !record.keys.contains(&key) {
        record.contact.numbers.push(number.clone());
        record.keys.push(key);
        record.contact.updated = 0;
    }
    Ok(Some((row, record)))
}

/// Stores a version in place of the one in `old_row`.
pub(super) fn replace(
    connection: &Connection,
    book: &Book,
    old_row: Option<i64>,
    mut record: Record,
    now: i64,
) -> rusqlite::Result<Stored> {
    let id = record.contact.id.clone();
    let mut difference = record.size();
    let mut change = Change::Added;
    if let Some(row) = old_row
        && let Some(old) = Record::load(connection, row)?
    {
        let given = record.contact.updated != 0;
        if super::content::same(&old, &record, given) {
            return Ok(Stored { id, change: Change::Unchanged });
        }
        difference -= old.size();
        change = Change::Changed;
        rows::delete(connection, row)?;
    }
    if record.contact.updated == 0 {
        record.contact.updated = now;
    }
    let since = generation(connection, book.id)?;
    let place = Place { directory: book.id, row: next_row(connection)?, since };
    reading::note_first(connection, book.id, &book.numbering)?;
    Insert::prepare(connection)?.write(&record, place, None)?;
    keys::insert(connection, book.id, &record, place.row)?;
    count(connection, book.id, difference)?;
    Ok(Stored { id, change })
}

/// Removes the version of a contact that is seen now.
pub(super) fn remove(connection: &Connection, book: &Book, id: &ContactId) -> rusqlite::Result<bool> {
    let generation = generation(connection, book.id)?;
    let Some(row) = row_of(connection, book.id, id, generation)? else { return Ok(false) };
    let mut difference = Size::default();
    if let Some(old) = Record::load(connection, row)? {
        difference -= old.size();
    }
    rows::delete(connection, row)?;
    count(connection, book.id, difference)?;
    Ok(true)
}

/// Refuses a single write while an import into the book runs: it would be lost in the switch, or the switch in it.
///
/// What a killed import left is no hindrance; the lock that is returned then keeps a new one from beginning.
pub(super) fn refuse_during_import(connection: &Connection, store: &Store, book: &Book) -> Result<Option<ImportLock>> {
    match running_import(connection, book.id).map_err(|error| failure("look for an import", error))? {
        None => Ok(None),
        Some(import) => match ImportLock::take(store, book.id)? {
            Some(lock) => Ok(Some(lock)),
            None => Err(import.refusal(&book.name)),
        },
    }
}

/// An import that says it is running.
pub(super) struct RunningImport {
    process: i64,
    started: i64,
    /// Its versions have this row or a higher one.
    pub(super) first_row: i64,
}

impl RunningImport {
    /// The refusal of whatever cannot happen at the same time.
    pub(super) fn refusal(&self, book: &str) -> Error {
        let since = jiff::Timestamp::from_millisecond(self.started)
            .map_or_else(|_| "an unknown time".to_owned(), |time| time.to_string());
        let process = self.process;
        Error::new(
            Kind::Busy,
            format!("an import into {book} has been running since {since} (process {process}): wait for it, or end it"),
        )
    }
}

/// The import row of a book.
pub(super) fn running_import(connection: &Connection, directory: i64) -> rusqlite::Result<Option<RunningImport>> {
    let mut statement =
        connection.prepare_cached("SELECT process, started, first_row FROM import WHERE directory = ?1")?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(RunningImport { process: row.get(0)?, started: row.get(1)?, first_row: row.get(2)? })
    };
    statement.query_row([directory], read).optional()
}

/// The version of a contact that is seen in a generation.
pub(super) fn row_of(
    connection: &Connection,
    directory: i64,
    id: &ContactId,
    generation: i64,
) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT row FROM contact \
               WHERE directory = ?1 AND id = ?2 AND since <= ?3 AND (until IS NULL OR until > ?3)";
    connection.prepare_cached(sql)?.query_row((directory, IdValue(id), generation), |row| row.get(0)).optional()
}

/// The highest id that is a number, of every version there is. SQLite puts numbers before texts.
pub(super) fn highest_id(connection: &Connection, directory: i64) -> rusqlite::Result<Option<u32>> {
    let sql = "SELECT id FROM contact WHERE directory = ?1 AND id < '' ORDER BY id DESC LIMIT 1";
    connection.prepare_cached(sql)?.query_row([directory], |row| row.get(0)).optional()
}

/// The generation that lookups see.
pub(super) fn generation(connection: &Connection, directory: i64) -> rusqlite::Result<i64> {
    let mut statement = connection.prepare_cached("SELECT generation FROM directory WHERE id = ?1")?;
    statement.query_row([directory], |row| row.get(0))
}

/// A row for a new version. No import that runs, or ran and was killed, may have its first row above it: by that row its
/// versions are told apart from older ones.
pub(super) fn next_row(connection: &Connection) -> rusqlite::Result<i64> {
    let sql =
        "SELECT max(coalesce((SELECT max(row) + 1 FROM contact), 1), coalesce((SELECT max(first_row) FROM import), 1))";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

/// Raises the revision and adjusts the totals.
pub(super) fn count(connection: &Connection, directory: i64, difference: Size) -> rusqlite::Result<()> {
    let sql = "UPDATE directory SET revision = revision + 1, contacts = contacts + ?2, numbers = numbers + ?3, \
               blocks = blocks + ?4 WHERE id = ?1";
    let values = (directory, difference.contacts, difference.numbers, difference.blocks);
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}
