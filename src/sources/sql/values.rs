//! Makes JSON of the rows of a database, with numbers as numbers and everything that can be read as text as text.
//!
//! Points in time are written as PostgreSQL writes them in JSON, `2026-11-27T08:30:00`. A value that is no text, such as a
//! picture or a shape, is left out, and the rest of its row stays.

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
            "DATE" | "TIME" | "DATETIME" | "TIMESTAMP" => match moment(&kind, row.try_get_unchecked(place)?) {
                Some(text) => Value::String(text),
                None => continue,
            },
            "BIT" => bits(row.try_get_unchecked(place)?).into(),
            "GEOMETRY" => continue,
            // Decimals, words of a list, JSON and UUIDs come as text, and so do texts in binary columns.
            _ => match row.try_get_unchecked::<String, _>(place) {
                Ok(text) => Value::String(text),
                Err(_) => continue,
            },
        };
        record.insert(column.name().to_owned(), value);
    }
    Ok(record)
}

/// A point in time or a length of time in the protocol's own form: its length, then year, month, day, hour, minute, second
/// and microseconds, as far as they are not zero (MariaDB's page "Result Set Row Packet"). The session's zone is UTC.
fn moment(kind: &str, bytes: &[u8]) -> Option<String> {
    let (&length, bytes) = bytes.split_first()?;
    let bytes = bytes.get(..usize::from(length))?;
    let at = |place: usize| bytes.get(place).copied().unwrap_or(0);
    let four = |place: usize| u32::from_le_bytes([at(place), at(place + 1), at(place + 2), at(place + 3)]);
    let clock = |hours: u64, minutes: u8, seconds: u8, micros: u32| {
        let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
        format!("{hours:02}:{minutes:02}:{seconds:02}{}", fraction.trim_end_matches('0'))
    };
    if kind == "TIME" {
        let sign = if at(0) == 1 { "-" } else { "" };
        let hours = u64::from(four(1)) * 24 + u64::from(at(5));
        return Some(sign.to_owned() + &clock(hours, at(6), at(7), four(8)));
    }
    let date = format!("{:04}-{:02}-{:02}", u16::from_le_bytes([at(0), at(1)]), at(2), at(3));
    let time = || clock(at(4).into(), at(5), at(6), four(7));
    Some(match kind {
        "DATE" => date,
        "TIMESTAMP" => format!("{date}T{}+00:00", time()),
        _ => format!("{date}T{}", time()),
    })
}

/// The number that up to 64 bits are.
fn bits(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_are_read_from_the_bytes_of_the_protocol() {
        for (kind, bytes, text) in [
            ("DATE", &[4, 0xea, 7, 11, 27][..], "2026-11-27"),
            ("DATETIME", &[4, 0xea, 7, 11, 27], "2026-11-27T00:00:00"),
            ("DATETIME", &[7, 0xea, 7, 11, 27, 8, 30, 5], "2026-11-27T08:30:05"),
            ("TIMESTAMP", &[11, 0xea, 7, 1, 2, 3, 4, 5, 0x20, 0xa1, 7, 0], "2026-01-02T03:04:05.5+00:00"),
            ("TIME", &[0], "00:00:00"),
            ("TIME", &[8, 1, 2, 0, 0, 0, 3, 4, 5], "-51:04:05"),
        ] {
            assert_eq!(moment(kind, bytes).as_deref(), Some(text), "{bytes:?}");
        }
        assert_eq!((moment("DATE", &[]), moment("DATE", &[4, 1])), (None, None));
        assert_eq!((bits(&[]), bits(&[1, 2])), (0, 258));
    }
}
