//! What numbers are found by: a table in the order of the keys.
//!
//! Numbers come in the order of a file, which is no order: a row that went into the table at once would touch a page of
//! its own, and an import would write the whole table many times over. So an import collects its keys and writes them
//! in runs, each in the order of the table, which touches every page once in a run.

use std::collections::BTreeSet;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ToSql};

use super::rows::Record;
use crate::directory::prepared::MatchKey;

/// Keys that are collected before they are written: some 40 MB.
const RUN: usize = 500_000;

/// A row of the table without its book. The order is that of the table: SQLite puts integers before texts, and compares
/// texts by their bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    key: StoredKey,
    extension: Box<str>,
    contact: i64,
    position: i64,
}

/// A key as the table holds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StoredKey {
    /// The bits of a telephone number.
    Phone(i64),
    /// An extension, a short number or a SIP user.
    Local(Box<str>),
}

impl ToSql for StoredKey {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Phone(bits) => ToSqlOutput::Owned(Value::Integer(*bits)),
            Self::Local(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// Key and extension of a number that can be matched.
pub(super) fn stored(key: &MatchKey) -> Option<(StoredKey, Box<str>)> {
    match key {
        MatchKey::Phone(key, extension) => {
            Some((StoredKey::Phone(key.to_i64()), extension.as_deref().unwrap_or_default().into()))
        }
        MatchKey::Local(text) => Some((StoredKey::Local(text.as_str().into()), Box::default())),
        MatchKey::Tail(_) | MatchKey::None => None,
    }
}

/// The rows of a contact's version.
fn entries(record: &Record, contact: i64) -> impl Iterator<Item = Entry> {
    (0_i64..).zip(&record.keys).filter_map(move |(position, key)| {
        let (key, extension) = stored(key)?;
        Some(Entry { key, extension, contact, position })
    })
}

/// Writes the keys of one version at once.
pub(super) fn insert(connection: &Connection, directory: i64, record: &Record, contact: i64) -> rusqlite::Result<()> {
    entries(record, contact).try_for_each(|entry| insert_entry(connection, directory, &entry))
}

fn insert_entry(connection: &Connection, directory: i64, entry: &Entry) -> rusqlite::Result<()> {
    let sql = "INSERT INTO number_key (key, directory, extension, contact, position) VALUES (?1, ?2, ?3, ?4, ?5)";
    let Entry { key, extension, contact, position } = entry;
    connection.prepare_cached(sql)?.execute((key, directory, extension, contact, position))?;
    Ok(())
}

/// Removes the keys of a version, whose numbers are still there.
pub(super) fn delete(connection: &Connection, contact: i64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM number_key WHERE (key, directory, extension, contact, position) IN \
               (SELECT key, directory, coalesce(extension, ''), contact, position FROM number \
                WHERE contact = ?1 AND key IS NOT NULL)";
    connection.prepare_cached(sql)?.execute([contact])?;
    Ok(())
}

/// Keys of an import that are not in the table yet.
#[derive(Debug, Default)]
pub(super) struct Pending(BTreeSet<Entry>);

impl Pending {
    pub(super) fn add(&mut self, record: &Record, contact: i64) {
        self.0.extend(entries(record, contact));
    }

    pub(super) fn remove(&mut self, record: &Record, contact: i64) {
        entries(record, contact).for_each(|entry| _ = self.0.remove(&entry));
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= RUN
    }

    /// The rows of the versions that have the number.
    pub(super) fn contacts(&self, key: &StoredKey, extension: &str) -> impl Iterator<Item = i64> {
        let entry = |contact, position| Entry { key: key.clone(), extension: extension.into(), contact, position };
        self.0.range(entry(i64::MIN, i64::MIN)..=entry(i64::MAX, i64::MAX)).map(|entry| entry.contact)
    }

    /// Writes the first keys, at most `most`; says whether there are more.
    pub(super) fn write(&mut self, connection: &Connection, directory: i64, most: usize) -> rusqlite::Result<bool> {
        for _ in 0..most {
            let Some(entry) = self.0.pop_first() else { return Ok(false) };
            insert_entry(connection, directory, &entry)?;
        }
        Ok(!self.0.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: StoredKey, extension: &str, contact: i64) -> Entry {
        Entry { key, extension: extension.into(), contact, position: 0 }
    }

    #[test]
    fn the_order_is_that_of_the_table() {
        let local = |text: &str| StoredKey::Local(text.into());
        let ordered = [
            entry(StoredKey::Phone(-5), "", 9),
            entry(StoredKey::Phone(40_722_111_222), "", 1),
            entry(StoredKey::Phone(40_722_111_222), "", 2),
            entry(StoredKey::Phone(40_722_111_222), "10", 1),
            entry(StoredKey::Phone(40_722_111_222), "9", 1),
            entry(local("101"), "", 1),
            entry(local("Z"), "", 1),
            entry(local("é"), "", 1),
        ];
        let folder = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(&folder.path().join("calldex.db"), &crate::store::DIRECTORY).unwrap();
        let connection = store.writer(crate::store::Durability::Later).unwrap();
        for entry in ordered.iter().rev() {
            insert_entry(&connection, 1, entry).unwrap();
        }
        let sql =
            "SELECT CAST(key AS TEXT), extension, contact FROM number_key ORDER BY key, directory, extension, contact";
        let mut statement = connection.prepare(sql).unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let stored: Vec<(String, String, i64)> = statement.query_map([], read).unwrap().map(Result::unwrap).collect();
        let mut own = ordered.to_vec();
        own.sort();
        assert_eq!(own, ordered);
        let own = own.iter().map(|entry| {
            let key = match &entry.key {
                StoredKey::Phone(bits) => bits.to_string(),
                StoredKey::Local(text) => text.to_string(),
            };
            (key, entry.extension.to_string(), entry.contact)
        });
        assert_eq!(stored, own.collect::<Vec<_>>());
    }
}
