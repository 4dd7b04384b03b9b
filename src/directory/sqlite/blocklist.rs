//! Who was erased and must not come back, as keyed hashes.

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, OptionalExtension};
use sha2::Sha256;

use super::Reach;
use super::content::{DERIVED, fold, fold_name};
use super::erase::names_with;
use super::rows::Record;
use crate::directory::prepared::MatchKey;
use crate::model::ContactId;

/// Bytes of the key.
const KEY: usize = 32;

/// The directory of an entry that holds everywhere.
pub(super) const EVERYWHERE: i64 = 0;

/// The list as it concerns one address book. Empty most of the time, and then it costs nothing.
pub(super) struct Blocklist {
    directory: i64,
    /// `None` when nobody was erased from this book or from all.
    key: Option<Vec<u8>>,
}

impl Blocklist {
    /// Opens the list for one book.
    pub(super) fn load(connection: &Connection, directory: i64) -> rusqlite::Result<Self> {
        let sql = "SELECT EXISTS (SELECT 1 FROM erased WHERE directory IN (0, ?1))";
        let any: bool = connection.prepare_cached(sql)?.query_row([directory], |row| row.get(0))?;
        let key = if any { read_key(connection)? } else { None };
        Ok(Self { directory, key })
    }

    /// Whether anybody is on the list.
    pub(super) fn is_in_force(&self) -> bool {
        self.key.is_some()
    }

    /// Whether the contact is somebody who was erased. The one place where this is decided.
    pub(super) fn refuses(&self, connection: &Connection, record: &Record) -> rusqlite::Result<bool> {
        let Some(key) = &self.key else { return Ok(false) };
        let hasher = Hasher(key);
        let name = hasher.name(record);
        let mut statement =
            connection.prepare_cached("SELECT name FROM erased WHERE directory IN (0, ?1) AND hash = ?2")?;
        for hash in hasher.all(self.directory, record) {
            let mut rows = statement.query((self.directory, hash))?;
            while let Some(row) = rows.next()? {
                let only_with: Vec<u8> = row.get(0)?;
                if only_with.is_empty() || only_with == name {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Puts an erased contact on the list; returns how many entries that made. The contact is gone from the tables.
    pub(super) fn add(
        connection: &Connection,
        directory: i64,
        reach: Reach,
        record: &Record,
        now: i64,
    ) -> rusqlite::Result<u64> {
        let key = match read_key(connection)? {
            Some(key) => key,
            None => make_key(connection)?,
        };
        let hasher = Hasher(&key);
        let scope = if reach == Reach::Everywhere { EVERYWHERE } else { directory };
        let mut statement = connection.prepare_cached("INSERT OR IGNORE INTO erased VALUES (?1, ?2, ?3, ?4)")?;
        let mut added = 0;
        if let Some(hash) = hasher.id(directory, record) {
            added += statement.execute((directory, hash, Vec::new(), now))?;
        }
        for (number, hash) in record.keys.iter().zip(hasher.numbers(record)) {
            let sharing = names_with(connection, scope, number)?;
            let sharing: Vec<String> = sharing.iter().map(|name| fold(name.as_deref().unwrap_or_default())).collect();
            // Somebody of the same name keeps the number: then only the id tells the two apart.
            if sharing.contains(&fold_name(record)) {
                continue;
            }
            let only_with = if sharing.is_empty() { Vec::new() } else { hasher.name(record) };
            added += statement.execute((scope, hash, only_with, now))?;
        }
        Ok(added as u64)
    }

    /// Takes the id and the numbers of a contact off the list; returns how many entries went.
    pub(super) fn take_off(connection: &Connection, directory: i64, record: &Record) -> rusqlite::Result<u64> {
        let Some(key) = read_key(connection)? else { return Ok(0) };
        let mut statement = connection.prepare_cached("DELETE FROM erased WHERE directory IN (0, ?1) AND hash = ?2")?;
        let hashes = Hasher(&key).all(directory, record);
        let gone = hashes.into_iter().map(|hash| statement.execute((directory, hash)));
        Ok(gone.sum::<rusqlite::Result<usize>>()? as u64)
    }
}

fn read_key(connection: &Connection) -> rusqlite::Result<Option<Vec<u8>>> {
    connection.prepare_cached("SELECT key FROM erasure_key")?.query_row([], |row| row.get(0)).optional()
}

fn make_key(connection: &Connection) -> rusqlite::Result<Vec<u8>> {
    let mut key = vec![0; KEY];
    getrandom::fill(&mut key).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection.execute("INSERT INTO erasure_key (key) VALUES (?1)", [&key])?;
    Ok(key)
}

/// Makes the hashes. Each kind begins with a letter of its own, so that an id never looks like a number.
struct Hasher<'a>(&'a [u8]);

impl Hasher<'_> {
    /// The hashes of the id, if it has one, and of every number.
    fn all(&self, directory: i64, record: &Record) -> Vec<Vec<u8>> {
        self.id(directory, record).into_iter().chain(self.numbers(record)).collect()
    }

    /// `None` for an id that calldex made: it says no more than name and numbers.
    fn id(&self, directory: i64, record: &Record) -> Option<Vec<u8>> {
        let made = matches!(&record.contact.id, ContactId::Text(text) if text.is_empty() || text.starts_with(DERIVED));
        (!made).then(|| self.hash(&format!("i{directory} {:?}", record.contact.id)))
    }

    fn numbers<'b>(&'b self, record: &'b Record) -> impl Iterator<Item = Vec<u8>> + 'b {
        record.keys.iter().zip(&record.contact.numbers).map(|(key, number)| {
            self.hash(&match key {
                MatchKey::Phone(key, extension) => format!("p{key} {}", extension.as_deref().unwrap_or_default()),
                MatchKey::Local(text) => format!("l{text}"),
                MatchKey::Tail(_) | MatchKey::None => {
                    format!("w{}", number.written.split_whitespace().collect::<String>())
                }
            })
        })
    }

    fn name(&self, record: &Record) -> Vec<u8> {
        self.hash(&format!("n{}", fold_name(record)))
    }

    fn hash(&self, text: &str) -> Vec<u8> {
        // HMAC takes a key of any length; were it refused, an empty hash would match nothing that is stored.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0) else { return Vec::new() };
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
}
