//! The ladder on the tables: every step is one descent of an index and one of the contacts.

use std::sync::{Arc, LazyLock};

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Row, ToSql};

use super::readers::BookState;
use super::rows::{self, COLUMN_COUNT, COLUMNS};
use crate::directory::{Book, Hit};
use crate::model::Contact;
use crate::number::Key;
use crate::number::block::Block;
use crate::number::ladder::{self, By, Wanted};

/// Most contacts that one step returns. A number that more contacts share is a switchboard and names nobody.
const MOST_HITS: usize = 500;

/// `visible` is the rule of `migrations/directory/0001.sql`, with the generation as `?3`.
const VISIBLE: &str = "c.since <= ?3 AND (c.until IS NULL OR c.until > ?3)";

static BY_KEY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {COLUMNS}, n.extension FROM number_key n CROSS JOIN contact c ON c.row = n.contact \
         WHERE n.key = ?1 AND n.directory = ?2 AND {VISIBLE} LIMIT {MOST_HITS}"
    )
});

static BY_TAIL: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {COLUMNS}, n.written FROM number n CROSS JOIN contact c ON c.row = n.contact \
         WHERE n.tail = ?1 AND n.directory = ?2 AND {VISIBLE} LIMIT {MOST_HITS}"
    )
});

static BY_BLOCK: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {COLUMNS}, b.length FROM block b CROSS JOIN contact c ON c.row = b.contact \
         WHERE b.prefix = ?1 AND b.directory = ?2 AND {VISIBLE} LIMIT {MOST_HITS}"
    )
});

/// The hits of the first step that finds somebody in one book, by rung and id.
///
/// Which of the contacts are the caller, the ladder decides; here only is decided what it gets to see: a lower step is
/// not read when a higher one has found somebody.
pub(super) fn find(
    connection: &Connection,
    book: &Book,
    state: BookState,
    wanted: &Wanted,
) -> rusqlite::Result<Vec<Hit>> {
    let mut table = Table { connection, directory: book.id, generation: state.generation, found: Found::default() };
    if let Some(local) = &wanted.local {
        table.add_by_key(&LookupKey::Local(local), By::Local)?;
    }
    for key in wanted.exact.iter().map(|(key, _)| *key).chain(wanted.alternate) {
        table.add_by_key(&LookupKey::Phone(key), By::Number(key))?;
    }
    for step in [Table::add_aliases, Table::add_blocks, Table::add_tails] {
        let hits = table.found.choose(wanted);
        if !hits.is_empty() {
            return Ok(hits);
        }
        step(&mut table, wanted, state)?;
    }
    Ok(table.found.choose(wanted))
}

/// What the steps so far have read.
#[derive(Default)]
struct Found {
    /// For the ladder; a contact is its row.
    rows: Vec<ladder::Row<i64>>,
    contacts: Vec<(i64, Contact)>,
}

impl Found {
    fn choose(&mut self, wanted: &Wanted) -> Vec<Hit> {
        let mut hits: Vec<Hit> = ladder::choose(wanted, &self.rows)
            .into_iter()
            .filter_map(|(rung, row)| {
                let place = self.contacts.iter().position(|(other, _)| *other == row)?;
                Some(Hit { contact: Arc::new(self.contacts.swap_remove(place).1), rung })
            })
            .collect();
        hits.sort_by(|one, other| (one.rung, &one.contact.id).cmp(&(other.rung, &other.contact.id)));
        hits
    }
}

/// The visible part of one book.
struct Table<'a> {
    connection: &'a Connection,
    directory: i64,
    generation: i64,
    found: Found,
}

impl Table<'_> {
    fn add_by_key(&mut self, key: &LookupKey<'_>, by: By) -> rusqlite::Result<()> {
        self.add(&BY_KEY, key, |row| {
            let extension: String = row.get(COLUMN_COUNT)?;
            Ok((by.clone(), (!extension.is_empty()).then_some(extension)))
        })
    }

    fn add_aliases(&mut self, wanted: &Wanted, _: BookState) -> rusqlite::Result<()> {
        wanted.aliases.iter().try_for_each(|key| self.add_by_key(&LookupKey::Phone(*key), By::Number(*key)))
    }

    fn add_blocks(&mut self, wanted: &Wanted, state: BookState) -> rusqlite::Result<()> {
        if !state.has_blocks {
            return Ok(());
        }
        wanted.blocks.iter().try_for_each(|&prefix| {
            self.add(&BY_BLOCK, &prefix.cast_signed(), |row| {
                Ok((By::Block(Block { prefix, length: row.get(COLUMN_COUNT)? }), None))
            })
        })
    }

    fn add_tails(&mut self, wanted: &Wanted, _: BookState) -> rusqlite::Result<()> {
        wanted.tail.iter().try_for_each(|tail| {
            self.add(&BY_TAIL, &tail.cast_signed(), |row| Ok((By::Tail(row.get(COLUMN_COUNT)?), None)))
        })
    }

    fn add(
        &mut self,
        sql: &str,
        key: &dyn ToSql,
        found_by: impl Fn(&Row<'_>) -> rusqlite::Result<(By, Option<String>)>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([key, &self.directory, &self.generation])?;
        while let Some(row) = rows.next()? {
            let (by, extension) = found_by(row)?;
            let (contact, content) = rows::contact(row)?;
            self.found.rows.push(ladder::Row { by, extension, contact });
            self.found.contacts.push((contact, content));
        }
        Ok(())
    }
}

/// A key as the index holds it.
pub(super) enum LookupKey<'a> {
    Phone(Key),
    Local(&'a str),
}

impl ToSql for LookupKey<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Phone(key) => ToSqlOutput::Owned(Value::Integer(key.to_i64())),
            Self::Local(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// Every statement of a lookup and the index that it must use, for the test that reads their plans.
#[cfg(test)]
pub(super) fn statements() -> [(&'static str, &'static str); 3] {
    [(&BY_KEY, "PRIMARY KEY"), (&BY_TAIL, "number_by_tail"), (&BY_BLOCK, "block_by_prefix")]
}
