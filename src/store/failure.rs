//! What a failure of SQLite means, in words for an administrator.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::{Error, Kind};

/// A failure while the program runs; `doing` is what was tried, such as `look up a caller`.
#[must_use]
pub fn failure(doing: &str, error: rusqlite::Error) -> Error {
    let kind = kind_of(&error);
    let message = match kind {
        Kind::Busy => format!("cannot {doing}: another program is writing to the store"),
        Kind::Full => format!("cannot {doing}: the disk of the store is full"),
        Kind::Corrupt => format!("cannot {doing}: the store is damaged; restore it from a backup"),
        _ => format!("cannot {doing}"),
    };
    Error::new(kind, message).because(error)
}

/// A failure to open the store.
#[must_use]
pub fn at_open(path: &Path, error: rusqlite::Error) -> Error {
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "it is not an SQLite database; give another file name or move it away",
        Some(ErrorCode::DatabaseCorrupt) => "it is damaged or was cut off; restore it from a backup",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program has locked it; end that program or its transaction"
        }
        Some(ErrorCode::ReadOnly) => {
            "it is read-only; the user that runs calldex must be able to write the file and its folder"
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "the user that runs calldex must be able to read and write the file and its folder"
        }
        Some(ErrorCode::DiskFull) => "the disk is full",
        _ => "SQLite refuses it",
    };
    Error::new(kind_of(&error), format!("cannot open the store {}: {reason}", path.display())).because(error)
}

fn kind_of(error: &rusqlite::Error) -> Kind {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Kind::Busy,
        Some(ErrorCode::DiskFull) => Kind::Full,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Kind::Corrupt,
        Some(
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied,
        ) => Kind::Unavailable,
        Some(_) => Kind::Internal,
        None => Kind::Corrupt,
    }
}
