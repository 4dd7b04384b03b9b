//! Finds contacts for people: by number, id, or a part of a name.
//!
//! It may read a whole book, so it has a connection of its own and never holds one that lookups use.

use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;
use rusqlite::{Connection, ToSql};

use super::rows::{IdValue, Record};
use crate::directory::Book;
use crate::error::Result;
use crate::model::{Contact, ContactId};
use crate::number::{self, Key, Number};
use crate::store::{Store, failure};

/// Contacts that `text` means, oldest first.
pub(super) fn search(store: &Store, book: &Book, text: &str, limit: usize) -> Result<Vec<Contact>> {
    let connection = store.reader()?;
    let work = || -> rusqlite::Result<Vec<Contact>> {
        connection.execute_batch("BEGIN")?;
        let found = rows(&connection, book, text, limit)?;
        let records = found.into_iter().map(|row| Record::load(&connection, row));
        Ok(records.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().map(|record| record.contact).collect())
    };
    work().map_err(|error| failure("search an address book", error))
}

fn rows(connection: &Connection, book: &Book, text: &str, limit: usize) -> rusqlite::Result<Vec<i64>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let by_number = "c.row IN (SELECT contact FROM number_key WHERE key = ?1 AND directory = c.directory)";
    let select = |condition: &str, value: &dyn ToSql| -> rusqlite::Result<Vec<i64>> {
        let sql = format!(
            "SELECT c.row FROM contact c JOIN directory d ON d.id = c.directory WHERE d.id = ?2 \
             AND c.since <= d.generation AND (c.until IS NULL OR c.until > d.generation) AND ({condition}) \
             ORDER BY c.row LIMIT ?3"
        );
        connection.prepare(&sql)?.query_map([value, &book.id, &limit], |row| row.get(0))?.collect()
    };
    let id = ContactId::from_text(text);
    let mut found = select("c.id = ?1", &IdValue(&id))?;
    for key in keys(text, book) {
        found.extend(select(by_number, &key)?);
    }
    let wanted = text.trim().to_lowercase();
    if found.is_empty() && !wanted.is_empty() {
        add_holds(connection, wanted)?;
        found = select("holds(c.name) OR holds(c.company) OR holds(c.email) OR ?1 IS NULL", &"")?;
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Every key that the text has in this book.
fn keys(text: &str, book: &Book) -> Vec<Value> {
    let phone = |key: Key| Value::Integer(key.to_i64());
    match number::parse(text, &book.numbering) {
        Number::Phone { phone: first, alternate, .. } => {
            std::iter::once(first).chain(alternate).map(|found| phone(found.key)).collect()
        }
        Number::Withheld { reading: Some(reading) } => vec![phone(reading.key)],
        Number::Local(local) => vec![Value::Text(local)],
        Number::Withheld { reading: None } | Number::Unusable => Vec::new(),
    }
}

/// Gives SQLite a comparison without case in any language; its own knows only ASCII.
fn add_holds(connection: &Connection, wanted: String) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("holds", 1, flags, move |context| {
        let text = context.get_raw(0).as_str_or_null()?;
        Ok(text.is_some_and(|text| text.to_lowercase().contains(&wanted)))
    })
}
