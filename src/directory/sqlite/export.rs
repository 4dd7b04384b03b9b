//! Reads a whole address book, of one moment, for exports and reports.
//!
//! Each reading has a connection of its own, so that it never holds one that lookups use. While it goes on, the
//! write-ahead log cannot be cut off.

use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::rows::Record;
use super::write::generation;
use super::{Book, SharedNumber};
use crate::error::Result;
use crate::model::Contact;
use crate::number::Key;
use crate::store::{Store, failure};

const DOING: &str = "read an address book";

/// Contacts of a shared number that are handed over; more are only counted.
const MOST_SHARING: usize = 50;

/// Hands every contact of the book to `each`, oldest first, as often as `passes` says; the passes see the same moment.
pub(super) fn scan(
    store: &Store,
    book: &Book,
    passes: usize,
    each: &mut dyn FnMut(usize, Contact) -> Result<()>,
) -> Result<()> {
    let (connection, generation) = begin(store, book)?;
    // Without the plus SQLite would take an index and sort ten million rows.
    let sql =
        "SELECT row FROM contact WHERE +directory = ?1 AND since <= ?2 AND (until IS NULL OR until > ?2) ORDER BY row";
    for pass in 0..passes {
        let mut statement = connection.prepare_cached(sql).map_err(|error| failure(DOING, error))?;
        let mut rows = statement.query([book.id, generation]).map_err(|error| failure(DOING, error))?;
        while let Some(row) = rows.next().map_err(|error| failure(DOING, error))? {
            let record = row.get(0).and_then(|row| Record::load(&connection, row));
            if let Some(record) = record.map_err(|error| failure(DOING, error))? {
                each(pass, record.contact)?;
            }
        }
    }
    Ok(())
}

/// Hands every number that several contacts have to `each`, with the contacts, in the order of the numbers.
pub(super) fn shared(store: &Store, book: &Book, each: &mut dyn FnMut(SharedNumber) -> Result<()>) -> Result<()> {
    let (connection, generation) = begin(store, book)?;
    let sql = "SELECT key, nullif(extension, ''), contact FROM number_key WHERE directory = ?1 \
               ORDER BY key, directory, extension";
    let mut statement = connection.prepare(sql).map_err(|error| failure(DOING, error))?;
    let mut rows = statement.query([book.id]).map_err(|error| failure(DOING, error))?;
    let mut group = Group::default();
    loop {
        let row =
            rows.next().and_then(|row| row.map(Entry::read).transpose()).map_err(|error| failure(DOING, error))?;
        let goes_on = row.as_ref().is_some_and(|entry| entry.number == group.number);
        if !goes_on {
            let found = std::mem::take(&mut group).load(&connection, generation);
            if let Some(shared) = found.map_err(|error| failure(DOING, error))? {
                each(shared)?;
            }
        }
        let Some(Entry { number, contact }) = row else { return Ok(()) };
        group.number = number;
        group.contacts.insert(contact);
    }
}

fn begin(store: &Store, book: &Book) -> Result<(Connection, i64)> {
    let connection = store.reader()?;
    let begin = || {
        connection.execute_batch("BEGIN")?;
        generation(&connection, book.id)
    };
    let generation = begin().map_err(|error| failure(DOING, error))?;
    Ok((connection, generation))
}

/// A number and whose it is.
struct Entry {
    number: (Value, Option<String>),
    contact: i64,
}

impl Entry {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { number: (row.get(0)?, row.get(1)?), contact: row.get(2)? })
    }
}

/// The rows that share one number.
struct Group {
    number: (Value, Option<String>),
    contacts: BTreeSet<i64>,
}

impl Default for Group {
    fn default() -> Self {
        Self { number: (Value::Null, None), contacts: BTreeSet::new() }
    }
}

impl Group {
    /// The contacts that are seen; `None` when it is not more than one.
    fn load(self, connection: &Connection, generation: i64) -> rusqlite::Result<Option<SharedNumber>> {
        if self.contacts.len() < 2 {
            return Ok(None);
        }
        let sql = "SELECT 1 FROM contact WHERE row = ?1 AND since <= ?2 AND (until IS NULL OR until > ?2)";
        let mut statement = connection.prepare_cached(sql)?;
        let (mut contacts, mut count) = (Vec::new(), 0);
        for row in self.contacts {
            if !statement.exists((row, generation))? {
                continue;
            }
            count += 1;
            if contacts.len() < MOST_SHARING {
                contacts.extend(Record::load(connection, row)?.map(|record| record.contact));
            }
        }
        let number = match &self.number.0 {
            Value::Integer(bits) => Key::from_i64(*bits).map(|key| key.to_string()).unwrap_or_default(),
            Value::Text(text) => text.clone(),
            _ => String::new(),
        };
        Ok((count > 1).then_some(SharedNumber { number, extension: self.number.1, contacts, count }))
    }
}
