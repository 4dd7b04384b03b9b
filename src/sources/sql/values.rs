//! Makes JSON of the rows of a database, with numbers as numbers and everything that can be read as text as text.
//!
//! A column of a type that is no text, number or truth, such as a picture or a point in time, is left out.

use serde_json::Value;
use sqlx::mysql::MySqlRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};

use super::engine::Record;

/// A row that the database has made JSON of itself.
pub(super) fn from_json(text: &str) -> sqlx::Result<Record> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A row of MariaDB or MySQL.
pub(super) fn of_mysql(row: &MySqlRow) -> sqlx::Result<Record> {
    let mut record = Record::new();
    for (place, column) in row.columns().iter().enumerate() {
        let value = row.try_get_raw(place)?;
        let kind = value.type_info().name().to_owned();
        let value = match kind.as_str() {
            _ if value.is_null() => Value::Null,
            "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => {
                row.try_get_unchecked::<i64, _>(place)?.into()
            }
            "FLOAT" => row.try_get_unchecked::<f32, _>(place)?.into(),
            "DOUBLE" => row.try_get_unchecked::<f64, _>(place)?.into(),
            kind if kind.ends_with("UNSIGNED") || kind == "YEAR" => row.try_get_unchecked::<u64, _>(place)?.into(),
            "DATE" | "TIME" | "DATETIME" | "TIMESTAMP" | "GEOMETRY" | "BIT" => continue,
            // Decimals come as text, and so do texts in binary columns.
            _ => match row.try_get_unchecked::<String, _>(place) {
                Ok(text) => Value::String(text),
                Err(_) => continue,
            },
        };
        record.insert(column.name().to_owned(), value);
    }
    Ok(record)
}

/// A row of SQLite, where every value has a type of its own, whatever its column says.
pub(super) fn of_sqlite(row: &SqliteRow) -> sqlx::Result<Record> {
    let mut record = Record::new();
    for (place, column) in row.columns().iter().enumerate() {
        let value = row.try_get_raw(place)?;
        let kind = value.type_info().name().to_owned();
        let value = match kind.as_str() {
            _ if value.is_null() => Value::Null,
            "INTEGER" | "BOOLEAN" => row.try_get_unchecked::<i64, _>(place)?.into(),
            "REAL" => row.try_get_unchecked::<f64, _>(place)?.into(),
            _ => match row.try_get_unchecked::<String, _>(place) {
                Ok(text) => Value::String(text),
                Err(_) => continue,
            },
        };
        record.insert(column.name().to_owned(), value);
    }
    Ok(record)
}
