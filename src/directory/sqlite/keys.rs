//! What numbers are found by: a table in the order of the keys.
//!
//! Numbers come in the order of a file, which is no order: a row that went into the table at once would touch a page of
//! its own, and an import would write the whole table many times over. So an import collects its keys and writes them
//! in runs, each in the order of the table, which touches every page once in a run.

use std::collections::{BTreeSet, HashMap};

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Statement, ToSql};

use super::rows::Record;
use crate::directory::prepared::MatchKey;

/// Keys that are collected before they are written: some 12 MB.
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
    let mut insert = connection.prepare_cached(INSERT)?;
    entries(record, contact).try_for_each(|entry| insert_entry(&mut insert, directory, &entry))
}

const INSERT: &str =
    "INSERT INTO number_key (key, directory, extension, contact, position) VALUES (?1, ?2, ?3, ?4, ?5)";

fn insert_entry(insert: &mut Statement<'_>, directory: i64, entry: &Entry) -> rusqlite::Result<()> {
    let Entry { key, extension, contact, position } = entry;
    insert.execute((key, directory, extension, contact, position))?;
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
pub(super) struct Pending {
    /// Telephone numbers without an extension, nearly all keys there are; in the order of their contacts until they are
    /// written.
    phones: Vec<Phone>,
    /// The last of the phones with a key, from which the others follow. Made when first asked for: rows with ids never do.
    last: Option<HashMap<i64, u32>>,
    /// Phones that are in the table already; those are sorted then.
    written: usize,
    others: BTreeSet<Entry>,
}

/// A telephone number without an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Phone {
    key: i64,
    contact: i64,
    /// [`GONE`] when the version is.
    position: u32,
    /// The phone before it with the same key, or [`NONE`].
    before: u32,
}

/// The position of a number whose contact has been changed by a further row.
const GONE: u32 = u32::MAX;

/// No phone has this place.
const NONE: u32 = u32::MAX;

impl Pending {
    pub(super) fn add(&mut self, record: &Record, contact: i64) {
        for entry in entries(record, contact) {
            match (&entry.key, u32::try_from(entry.position)) {
                (StoredKey::Phone(key), Ok(position)) if entry.extension.is_empty() => {
                    self.phones.push(Phone { key: *key, contact, position, before: NONE });
                    self.link(self.phones.len() - 1);
                }
                _ => _ = self.others.insert(entry),
            }
        }
    }

    /// Makes the phone the last one of its key.
    fn link(&mut self, place: usize) {
        let (Some(last), Some(phone)) = (&mut self.last, self.phones.get_mut(place)) else { return };
        let place = u32::try_from(place).unwrap_or(NONE);
        phone.before = last.insert(phone.key, place).unwrap_or(NONE);
    }

    pub(super) fn remove(&mut self, record: &Record, contact: i64) {
        let from = self.phones.partition_point(|phone| phone.contact < contact);
        let phones = self.phones.iter_mut().skip(from).take_while(|phone| phone.contact == contact);
        phones.for_each(|phone| phone.position = GONE);
        entries(record, contact).for_each(|entry| _ = self.others.remove(&entry));
    }

    pub(super) fn is_full(&self) -> bool {
        self.phones.len() + self.others.len() >= RUN
    }

    /// The rows of the versions that have the number, at most `most`.
    pub(super) fn contacts(&mut self, key: &StoredKey, extension: &str, most: usize) -> Vec<i64> {
        if let (StoredKey::Phone(key), true) = (key, extension.is_empty()) {
            return self.phone_contacts(*key, most);
        }
        let entry = |contact, position| Entry { key: key.clone(), extension: extension.into(), contact, position };
        let found = self.others.range(entry(i64::MIN, i64::MIN)..=entry(i64::MAX, i64::MAX));
        found.map(|entry| entry.contact).take(most).collect()
    }

    fn phone_contacts(&mut self, key: i64, most: usize) -> Vec<i64> {
        if self.last.is_none() {
            self.last = Some(HashMap::with_capacity(RUN));
            (0..self.phones.len()).for_each(|place| self.link(place));
        }
        let mut contacts = Vec::new();
        let mut place = self.last.as_ref().and_then(|last| last.get(&key)).copied().unwrap_or(NONE);
        while let Some(phone) = self.phones.get(place as usize).filter(|_| contacts.len() < most) {
            if phone.position != GONE {
                contacts.push(phone.contact);
            }
            place = phone.before;
        }
        contacts
    }

    /// Writes the next keys, at most `most`; says whether there are more. No keys may be added before all are written.
    pub(super) fn write(&mut self, connection: &Connection, directory: i64, most: usize) -> rusqlite::Result<bool> {
        if self.written == 0 {
            self.last = None;
            self.phones.retain(|phone| phone.position != GONE);
            self.phones.sort_unstable();
        }
        let mut insert = connection.prepare_cached(INSERT)?;
        let next = self.phones.iter().skip(self.written).take(most);
        let mut count = 0;
        for Phone { key, contact, position, .. } in next {
            let (key, position) = (StoredKey::Phone(*key), i64::from(*position));
            let entry = Entry { key, extension: Box::default(), contact: *contact, position };
            insert_entry(&mut insert, directory, &entry)?;
            count += 1;
        }
        self.written += count;
        for _ in count..most {
            let Some(entry) = self.others.pop_first() else {
                self.phones.clear();
                self.written = 0;
                return Ok(false);
            };
            insert_entry(&mut insert, directory, &entry)?;
        }
        Ok(true)
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
        let mut insert = connection.prepare(INSERT).unwrap();
        for entry in ordered.iter().rev() {
            insert_entry(&mut insert, 1, entry).unwrap();
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

    fn record(numbers: &[&str]) -> Record {
        let written = |text: &&str| crate::model::ContactNumber { written: (*text).to_owned(), ..Default::default() };
        let contact = crate::model::Contact { numbers: numbers.iter().map(written).collect(), ..Default::default() };
        Record::from(crate::directory::Prepared::read(contact, &crate::number::Numbering::of_country("RO")).unwrap())
    }

    #[test]
    fn what_is_pending_is_found_until_it_is_gone_and_written_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(&folder.path().join("calldex.db"), &crate::store::DIRECTORY).unwrap();
        let connection = store.writer(crate::store::Durability::Later).unwrap();
        let (ana, ion) = (record(&["0722 111 222", "101", "0211 x5"]), record(&["0722 111 222", "0722 000 111"]));
        let shared = stored(&ana.keys[0]).unwrap();
        let mut pending = Pending::default();
        pending.add(&ana, 1);
        pending.add(&ion, 2);
        assert_eq!(pending.contacts(&shared.0, &shared.1, 9), [2, 1]);
        pending.add(&ana, 3);
        assert_eq!(pending.contacts(&shared.0, &shared.1, 9), [3, 2, 1]);
        assert_eq!(pending.contacts(&shared.0, &shared.1, 1), [3]);
        pending.remove(&ion, 2);
        assert_eq!(pending.contacts(&shared.0, &shared.1, 9), [3, 1]);
        let local = stored(&ana.keys[1]).unwrap();
        assert_eq!(pending.contacts(&local.0, &local.1, 9), [1, 3]);
        while pending.write(&connection, 7, 1).unwrap() {}
        let written: i64 = connection.query_row("SELECT count(*) FROM number_key", [], |row| row.get(0)).unwrap();
        let expected = 2 * ana.keys.iter().filter(|key| key.is_certain()).count();
        assert_eq!(usize::try_from(written).unwrap(), expected, "each key once, and none of a version that is gone");
        assert!(pending.contacts(&shared.0, &shared.1, 9).is_empty());
        pending.add(&ion, 4);
        assert_eq!(pending.contacts(&shared.0, &shared.1, 9), [4]);
    }
}
