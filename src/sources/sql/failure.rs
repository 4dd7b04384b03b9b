//! What a database says when something is wrong, as an error of ours.
//!
//! A message about a value would repeat the caller's number, so only those about the query itself are passed on.

use sqlx::mysql::MySqlDatabaseError;

use crate::error::{Error, Kind};
use crate::sources::http::explain_tls;
use crate::sources::watch::excerpt;

/// The code of the database, when the failure is its own.
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(|code| code.into_owned())
}

/// Turns a failure into an error of ours.
pub(super) fn explain(error: &sqlx::Error) -> Error {
    let Some(told) = error.as_database_error() else { return of_connection(error) };
    let code = told.code().map(|code| code.into_owned()).unwrap_or_default();
    let kind = match told.try_downcast_ref::<MySqlDatabaseError>() {
        Some(told) => of_mysql(told.number()),
        None if code.len() == 5 => of_postgres(&code),
        None => of_sqlite(code.parse().unwrap_or(0)),
    };
    if let Some(words) = explain_code(&code, told.try_downcast_ref::<MySqlDatabaseError>().map(|told| told.number())) {
        return Error::new(kind, format!("{words} ({code})"));
    }
    match kind {
        Kind::Refused => Error::new(kind, format!("the database refuses user or password ({code})")),
        Kind::Timeout => Error::new(kind, "the query took longer than the source's timeout"),
        Kind::Corrupt => Error::new(kind, format!("the database cannot compare the number with its column ({code})")),
        Kind::Unavailable => {
            Error::new(kind, format!("the database cannot answer now ({code})")).because(told.message().to_owned())
        }
        _ => Error::new(kind, format!("the database does not accept the query ({code})"))
            .because(told.message().to_owned()),
    }
}

/// Failures that have words of their own.
fn explain_code(code: &str, of_mysql: Option<u16>) -> Option<&'static str> {
    match (code, of_mysql) {
        ("3D000", None) | (_, Some(1049)) => Some("there is no such database"),
        (_, Some(1044)) => Some("the user may not use this database, or there is none of this name"),
        ("42501", None) | (_, Some(1142 | 1143)) => Some("the user may not read this table or column"),
        ("26", None) => Some("the file is no database of SQLite"),
        ("11", None) => Some("the file is damaged"),
        _ => None,
    }
}

fn of_connection(error: &sqlx::Error) -> Error {
    match error {
        sqlx::Error::Io(why) => match why.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(why) => not_safe(explain_tls(why)),
            None => Error::new(Kind::Unavailable, "the database cannot be reached").because(why.to_string()),
        },
        sqlx::Error::Tls(why) => not_safe(why.to_string()),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            Error::new(Kind::Corrupt, "a row of the database cannot be read")
        }
        sqlx::Error::Configuration(_) => {
            let message = "the database cannot be connected to as url says: its login wants TLS (ssl-mode=REQUIRED), or \
                           the client's key cannot be read";
            Error::new(Kind::Invalid, message)
        }
        sqlx::Error::Protocol(why) => {
            Error::new(Kind::Unavailable, "the database answers what the driver does not understand")
                .because(excerpt(why))
        }
        _ => Error::new(Kind::Unavailable, "the connection to the database broke off"),
    }
}

fn not_safe(why: String) -> Error {
    let message = "the connection to the database is not safe (ca_file names an authority of your own, sslmode in url \
                   chooses another way)";
    Error::new(Kind::Unavailable, message).because(why)
}

/// By SQLSTATE, its class first (PostgreSQL's appendix "Error Codes").
fn of_postgres(code: &str) -> Kind {
    match (&code[..2], code) {
        ("28", _) => Kind::Refused,
        (_, "57014") => Kind::Timeout,
        ("08" | "53" | "57" | "58" | "40" | "55", _) => Kind::Unavailable,
        ("22", _) => Kind::Corrupt,
        _ => Kind::Invalid,
    }
}

/// By number (MariaDB's and MySQL's lists of error codes).
fn of_mysql(number: u16) -> Kind {
    match number {
        1044 | 1045 | 1698 | 1130 | 1862 => Kind::Refused,
        1969 | 3024 => Kind::Timeout,
        1040 | 1053 | 1129 | 1152..=1161 | 1203 | 1205 | 1213 | 1226 | 1927 | 2002..=2013 => Kind::Unavailable,
        1267 | 1292 | 1366 => Kind::Corrupt,
        _ => Kind::Invalid,
    }
}

/// By result code, extended ones by their low byte (sqlite.org/rescode.html).
fn of_sqlite(code: u32) -> Kind {
    match code & 0xff {
        5 | 6 | 10 | 14 => Kind::Unavailable,
        9 => Kind::Timeout,
        11 | 26 => Kind::Corrupt,
        23 => Kind::Refused,
        _ => Kind::Invalid,
    }
}
