//! Erases contacts with every version of them, in one transaction for all address books.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::blocklist::{Blocklist, EVERYWHERE};
use super::keys;
use super::rows::{self, IdValue, Record, Size};
use super::write::{self, count, generation, row_of};
use super::{Book, Erasure, Inner, Reach, Removed, Selected};
use crate::directory::prepared::MatchKey;
use crate::error::Result;
use crate::model::{Contact, ContactNumber};
use crate::number::ladder::Wanted;
use crate::number::{Key, Number, Numbering};
use crate::store::{Store, failure};

const DOING: &str = "erase contacts";

/// Erases the contacts, then cuts off the write-ahead log.
pub(super) fn erase(inner: &Inner, who: &[Selected], reach: Reach) -> Result<Erasure> {
    let now = inner.clock.utc_millis();
    let mut erasure = inner.write(DOING, |connection| {
        let mut books: Vec<&Book> = who.iter().map(|one| &one.book).collect();
        books.sort_by_key(|book| book.id);
        books.dedup_by_key(|book| book.id);
        let locks = books.into_iter().map(|book| write::refuse_during_import(connection, &inner.store, book));
        let _locks = locks.collect::<Result<Vec<_>>>()?;
        remove_all(connection, who, reach, now).map_err(|error| failure(DOING, error))
    })?;
    erasure.log_truncated = inner.store.truncate_log()?;
    Ok(erasure)
}

fn remove_all(connection: &Connection, who: &[Selected], reach: Reach, now: i64) -> rusqlite::Result<Erasure> {
    let mut erasure = Erasure::default();
    let mut gone = Vec::new();
    for Selected { book, id } in who {
        let Some(row) = row_of(connection, book.id, id, generation(connection, book.id)?)? else { continue };
        let Some(record) = Record::load(connection, row)? else { continue };
        remove_versions(connection, book.id, &record)?;
        erasure.removed.push(Removed {
            book: book.name.clone(),
            id: id.clone(),
            numbers: record.contact.numbers.len() as u64,
            fields: (record.contact.fields.len() + record.contact.custom.len()) as u64,
        });
        gone.push((book.id, record));
    }
    // After all removals: whom others share a number with is then plain to see.
    for (directory, record) in &gone {
        erasure.blocks += Blocklist::add(connection, *directory, reach, record, now)?;
    }
    Ok(erasure)
}

/// Also versions that an import has replaced and nobody has tidied yet.
fn remove_versions(connection: &Connection, directory: i64, record: &Record) -> rusqlite::Result<()> {
    let sql = "SELECT row FROM contact WHERE directory = ?1 AND id = ?2";
    let versions: Vec<i64> = connection
        .prepare_cached(sql)?
        .query_map((directory, IdValue(&record.contact.id)), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for row in versions {
        rows::delete(connection, row)?;
    }
    let mut difference = Size::default();
    difference -= record.size();
    count(connection, directory, difference)
}

/// Every contact that has the number, in whatever reading, with whatever extension, or as one that could not be read.
pub(super) fn holders(store: &Store, book: &Book, number: &Number) -> Result<Vec<Contact>> {
    let connection = store.reader()?;
    let work = || -> rusqlite::Result<Vec<Contact>> {
        connection.execute_batch("BEGIN")?;
        let wanted = Wanted::of(number, true);
        let mut found = Vec::new();
        let keys = wanted.keys().into_iter().map(|key| Value::Integer(key.to_i64()));
        for key in keys.chain(wanted.local.map(Value::Text)) {
            found.extend(rows_with(&connection, book, ("number_key", "key"), key)?);
        }
        if let Some(tail) = wanted.tail {
            found.extend(rows_with(&connection, book, ("number", "tail"), Value::Integer(tail.cast_signed()))?);
        }
        found.sort_unstable();
        found.dedup();
        let records = found.into_iter().map(|row| Record::load(&connection, row));
        Ok(records.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().map(|record| record.contact).collect())
    };
    work().map_err(|error| failure("look for a number", error))
}

fn rows_with(
    connection: &Connection,
    book: &Book,
    (table, column): (&str, &str),
    value: Value,
) -> rusqlite::Result<Vec<i64>> {
    let sql = format!(
        "SELECT c.row FROM {table} n CROSS JOIN contact c ON c.row = n.contact JOIN directory d ON d.id = c.directory \
         WHERE n.{column} = ?1 AND n.directory = ?2 AND c.since <= d.generation \
         AND (c.until IS NULL OR c.until > d.generation)"
    );
    connection.prepare(&sql)?.query_map((value, book.id), |row| row.get(0))?.collect()
}

/// Keeps numbers out of every book, those that are made later too.
pub(super) fn keep_out(inner: &Inner, numbers: &[Key]) -> Result<u64> {
    let number = |key: &Key| ContactNumber { written: key.to_string(), ..ContactNumber::default() };
    let contact = Contact { numbers: numbers.iter().map(number).collect(), ..Contact::default() };
    let record = Record::from(super::Prepared::read(contact, &Numbering::default())?);
    let (doing, now) = ("keep numbers out", inner.clock.utc_millis());
    inner.write(doing, |connection| {
        Blocklist::add(connection, EVERYWHERE, Reach::Everywhere, &record, now).map_err(|error| failure(doing, error))
    })
}

/// Lets a person come back: takes his id and numbers off the list; returns how many entries went.
pub(super) fn forget_erased(inner: &Inner, book: &Book, contact: Contact) -> Result<u64> {
    let record = Record::from(super::Prepared::read(contact, &book.numbering)?);
    let doing = "let an erased person come back";
    inner.write(doing, |connection| {
        Blocklist::take_off(connection, book.id, &record).map_err(|error| failure(doing, error))
    })
}

/// Names of the contacts that have this number, as they are seen now; in one book, or in all when `directory` is 0.
pub(super) fn names_with(
    connection: &Connection,
    directory: i64,
    key: &MatchKey,
) -> rusqlite::Result<Vec<Option<String>>> {
    let Some((key, extension)) = keys::stored(key) else { return Ok(Vec::new()) };
    let sql = "SELECT c.name FROM number_key n CROSS JOIN contact c ON c.row = n.contact \
               JOIN directory d ON d.id = c.directory \
               WHERE n.key = ?1 AND n.extension = ?2 AND (n.directory = ?3 OR ?3 = 0) AND c.since <= d.generation \
               AND (c.until IS NULL OR c.until > d.generation)";
    connection.prepare_cached(sql)?.query_map((key, extension, directory), |row| row.get(0))?.collect()
}
