//! Contacts as rows of the tables, and back.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, Connection, Row, ToSql};

use super::keys;
use crate::directory::prepared::{MatchKey, Prepared};
use crate::model::{Contact, ContactId, ContactNumber, Field};
use crate::number::block::Block;
use crate::number::{Key, METADATA_VERSION};

/// The columns of `contact c` that [`contact`] reads, in its order.
pub(super) const COLUMNS: &str = "c.row, c.id, c.is_primary, c.updated, c.custom, c.name, c.company, c.email, c.owner, \
    c.backend_link, c.direct_line, c.queue_position, c.route_identifier, c.outbound_number, c.language, c.external_id";

static BY_ROW: LazyLock<String> = LazyLock::new(|| format!("SELECT {COLUMNS} FROM contact c WHERE c.row = ?1"));

/// The first column of a known field in [`COLUMNS`].
const FIRST_FIELD: usize = 5;

/// How many columns [`COLUMNS`] has.
pub(super) const COLUMN_COUNT: usize = FIRST_FIELD + Field::ALL.len();

/// A contact without its numbers, and its row.
pub(super) fn contact(row: &Row<'_>) -> rusqlite::Result<(i64, Contact)> {
    let mut contact = Contact {
        id: contact_id(row.get_ref(1)?)?,
        primary: row.get(2)?,
        updated: row.get(3)?,
        custom: custom(row.get_ref(4)?)?,
        ..Contact::default()
    };
    for (place, field) in Field::ALL.into_iter().enumerate() {
        if let Some(text) = row.get_ref(FIRST_FIELD + place)?.as_str_or_null()? {
            contact.fields.insert(field, text.to_owned());
        }
    }
    Ok((row.get(0)?, contact))
}

/// An id with the type it was stored with.
pub(super) fn contact_id(value: ValueRef<'_>) -> rusqlite::Result<ContactId> {
    match value {
        ValueRef::Integer(number) => match u32::try_from(number) {
            Ok(number) if number <= ContactId::MAX_INTEGER => Ok(ContactId::Integer(number)),
            _ => Ok(ContactId::Text(number.to_string().into())),
        },
        other => Ok(ContactId::Text(Arc::from(other.as_str()?))),
    }
}

fn custom(value: ValueRef<'_>) -> rusqlite::Result<BTreeMap<String, String>> {
    match value.as_str_or_null()? {
        None => Ok(BTreeMap::new()),
        Some(text) => serde_json::from_str(text)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, error.into())),
    }
}

/// An id as a value that keeps its type.
pub(super) struct IdValue<'a>(pub(super) &'a ContactId);

impl ToSql for IdValue<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            ContactId::Integer(number) => ToSqlOutput::Owned(Value::Integer(i64::from(*number))),
            ContactId::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// A contact with everything that is stored of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) contact: Contact,
    pub(super) keys: Vec<MatchKey>,
    /// The parts of each block.
    pub(super) blocks: Vec<Vec<Block>>,
}

impl From<Prepared> for Record {
    fn from(prepared: Prepared) -> Self {
        Self {
            keys: prepared.readings.iter().map(MatchKey::of).collect(),
            contact: prepared.contact,
            blocks: prepared.blocks,
        }
    }
}

impl Record {
    /// Reads the version in this row; `None` when there is no such row.
    pub(super) fn load(connection: &Connection, row: i64) -> rusqlite::Result<Option<Self>> {
        let mut statement = connection.prepare_cached(&BY_ROW)?;
        let mut rows = statement.query([row])?;
        let Some(found) = rows.next()? else { return Ok(None) };
        let (_, contact) = contact(found)?;
        let mut record = Self { contact, keys: Vec::new(), blocks: Vec::new() };
        record.load_numbers(connection, row)?;
        record.load_blocks(connection, row)?;
        Ok(Some(record))
    }

    fn load_numbers(&mut self, connection: &Connection, row: i64) -> rusqlite::Result<()> {
        let sql =
            "SELECT written, country, label, key, extension, tail FROM number WHERE contact = ?1 ORDER BY position";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([row])?;
        while let Some(row) = rows.next()? {
            self.contact.numbers.push(ContactNumber { written: row.get(0)?, country: row.get(1)?, label: row.get(2)? });
            let tail: Option<i64> = row.get(5)?;
            self.keys.push(match (row.get_ref(3)?, tail) {
                (ValueRef::Integer(bits), _) => match Key::from_i64(bits) {
                    Some(key) => MatchKey::Phone(key, row.get(4)?),
                    None => MatchKey::None,
                },
                (ValueRef::Text(_), _) => MatchKey::Local(row.get(3)?),
                (_, Some(tail)) => MatchKey::Tail(tail.cast_unsigned()),
                (_, None) => MatchKey::None,
            });
        }
        Ok(())
    }

    fn load_blocks(&mut self, connection: &Connection, row: i64) -> rusqlite::Result<()> {
        let sql = "SELECT part, written, prefix, length FROM block WHERE contact = ?1 ORDER BY position, part";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([row])?;
        while let Some(row) = rows.next()? {
            let (part, prefix): (i64, i64) = (row.get(0)?, row.get(2)?);
            if part == 0 {
                self.contact.blocks.push(row.get(1)?);
                self.blocks.push(Vec::new());
            }
            if let Some(parts) = self.blocks.last_mut() {
                parts.push(Block { prefix: prefix.cast_unsigned(), length: row.get(3)? });
            }
        }
        Ok(())
    }

    /// Whether each of its numbers can be matched.
    pub(super) fn all_match(&self) -> bool {
        self.keys.iter().all(MatchKey::is_certain)
    }

    /// How many numbers a call can be matched with.
    pub(super) fn matchable(&self) -> i64 {
        i64::try_from(self.keys.iter().filter(|key| key.is_certain()).count()).unwrap_or(i64::MAX)
    }

    /// What it adds to the totals of its book.
    pub(super) fn size(&self) -> Size {
        let count = |length| i64::try_from(length).unwrap_or(i64::MAX);
        Size { contacts: 1, numbers: count(self.keys.len()), blocks: count(self.blocks.len()) }
    }
}

/// Writes versions. The statements are prepared once for many.
pub(super) struct Insert<'c> {
    connection: &'c Connection,
    contact: CachedStatement<'c>,
    number: CachedStatement<'c>,
}

impl<'c> Insert<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        let contact = connection.prepare_cached(INSERT_CONTACT)?;
        Ok(Self { connection, contact, number: connection.prepare_cached(INSERT_NUMBER)? })
    }

    /// Writes a version that is seen from the generation `since` on; [`keys`] make its numbers found.
    pub(super) fn write(&mut self, record: &Record, place: Place, digest: Option<&[u8]>) -> rusqlite::Result<()> {
        let contact = &record.contact;
        let custom = match contact.custom.is_empty() {
            true => None,
            false => Some(
                serde_json::to_string(&contact.custom)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?,
            ),
        };
        let id = IdValue(&contact.id);
        let head: [&dyn ToSql; 8] =
            [&place.row, &place.directory, &id, &place.since, &contact.primary, &contact.updated, &custom, &digest];
        for (index, value) in head.into_iter().enumerate() {
            self.contact.raw_bind_parameter(index + 1, value)?;
        }
        for (index, field) in Field::ALL.into_iter().enumerate() {
            self.contact.raw_bind_parameter(head.len() + index + 1, contact.get(field))?;
        }
        self.contact.raw_execute()?;
        self.write_numbers(record, place)?;
        self.write_blocks(record, place)
    }

    fn write_numbers(&mut self, record: &Record, place: Place) -> rusqlite::Result<()> {
        for (position, (number, key)) in (0_i64..).zip(record.contact.numbers.iter().zip(&record.keys)) {
            let (key, extension, tail) = match key {
                MatchKey::Phone(key, extension) => {
                    (ToSqlOutput::Owned(Value::Integer(key.to_i64())), extension.as_deref(), None)
                }
                MatchKey::Local(text) => (ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())), None, None),
                MatchKey::Tail(tail) => (ToSqlOutput::Owned(Value::Null), None, Some(tail.cast_signed())),
                MatchKey::None => (ToSqlOutput::Owned(Value::Null), None, None),
            };
            let ContactNumber { written, country, label } = number;
            let (contact, directory) = (place.row, place.directory);
            self.number.execute((
                contact,
                position,
                directory,
                written,
                country,
                label,
                key,
                extension,
                tail,
                METADATA_VERSION,
            ))?;
        }
        Ok(())
    }

    fn write_blocks(&self, record: &Record, place: Place) -> rusqlite::Result<()> {
        for (position, (written, parts)) in (0_i64..).zip(record.contact.blocks.iter().zip(&record.blocks)) {
            for (part, Block { prefix, length }) in (0_i64..).zip(parts) {
                let (contact, directory) = (place.row, place.directory);
                let values = (contact, position, part, directory, written, prefix.cast_signed(), length);
                self.connection.prepare_cached(INSERT_BLOCK)?.execute(values)?;
            }
        }
        Ok(())
    }
}

/// Where a version goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) directory: i64,
    pub(super) row: i64,
    pub(super) since: i64,
}

/// Totals of a book, or a difference of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Size {
    pub(super) contacts: i64,
    pub(super) numbers: i64,
    pub(super) blocks: i64,
}

impl std::ops::AddAssign for Size {
    fn add_assign(&mut self, more: Self) {
        self.contacts += more.contacts;
        self.numbers += more.numbers;
        self.blocks += more.blocks;
    }
}

impl std::ops::SubAssign for Size {
    fn sub_assign(&mut self, less: Self) {
        self.contacts -= less.contacts;
        self.numbers -= less.numbers;
        self.blocks -= less.blocks;
    }
}

const INSERT_CONTACT: &str = "INSERT INTO contact (row, directory, id, since, is_primary, updated, custom, digest, \
    name, company, email, owner, backend_link, direct_line, queue_position, route_identifier, outbound_number, \
    language, external_id) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";

const INSERT_NUMBER: &str = "INSERT INTO number \
    (contact, position, directory, written, country, label, key, extension, tail, metadata) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

const INSERT_BLOCK: &str = "INSERT INTO block (contact, position, part, directory, written, prefix, length) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// Removes one version with all that belongs to it.
pub(super) fn delete(connection: &Connection, row: i64) -> rusqlite::Result<()> {
    keys::delete(connection, row)?;
    for sql in [
        "DELETE FROM number WHERE contact = ?1",
        "DELETE FROM block WHERE contact = ?1",
        "DELETE FROM contact WHERE row = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([row])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_the_known_fields_in_their_order() {
        let names: Vec<_> = COLUMNS.split(", ").map(|column| column.trim().trim_start_matches("c.")).collect();
        let fields: Vec<_> = Field::ALL.iter().map(|field| field.as_str()).collect();
        assert_eq!(names[FIRST_FIELD..], fields);
        assert_eq!(names.len(), COLUMN_COUNT);
        assert!(INSERT_CONTACT.contains(&fields.join(", ")));
    }
}
