//! Brings the tables of a file up to date, step by step.
//!
//! The step that a file has reached is in its `user_version`; its `application_id` says that it is ours, so that a
//! database of another program is never written to.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::failure::at_open;
use crate::error::{Error, Kind, Result};

/// One kind of file of the store.
#[derive(Debug)]
pub struct Migrations {
    /// The `application_id` of the file: a file of another kind is never taken for one of this.
    application: i64,
    /// The steps that make its tables, oldest first. A released step never changes.
    steps: &'static [&'static str],
}

/// The file that holds the address books: `cdex` in ASCII.
pub const DIRECTORY: Migrations = Migrations {
    application: 0x6364_6578,
    steps: &[
        include_str!("../../migrations/directory/0001.sql"),
        include_str!("../../migrations/directory/0002.sql"),
        include_str!("../../migrations/directory/0003.sql"),
        include_str!("../../migrations/directory/0004.sql"),
    ],
};

/// The file beside it that holds events, history, journal and the agents' accounts: `cdev` in ASCII.
pub const EVENTS: Migrations = Migrations {
    application: 0x6364_6576,
    steps: &[
        include_str!("../../migrations/events/0001.sql"),
        include_str!("../../migrations/events/0002.sql"),
        include_str!("../../migrations/events/0003.sql"),
    ],
};

/// Refuses a file that is not ours or is newer than this program; writes nothing.
pub(super) fn check(connection: &Connection, migrations: &Migrations, path: &Path) -> Result<()> {
    let state = State::read(connection).map_err(|error| at_open(path, error))?;
    if state.application != migrations.application && (state.application != 0 || state.has_tables) {
        let ours = [&DIRECTORY, &EVENTS].iter().any(|known| known.application == state.application);
        let what = if ours { "it is another file of calldex's" } else { "it is a database of another program" };
        return Err(Error::new(Kind::Invalid, format!("cannot open the store {}: {what}", path.display())));
    }
    let newest = migrations.steps.len();
    if state.version > newest {
        let message = format!(
            "cannot open the store {}: a newer calldex wrote it (format {}, this one knows up to {newest}); use that version, or a backup from before",
            path.display(),
            state.version
        );
        return Err(Error::new(Kind::Invalid, message));
    }
    Ok(())
}

/// Refuses a file that lacks steps; writes nothing.
pub(super) fn check_current(connection: &Connection, migrations: &Migrations, path: &Path) -> Result<()> {
    let state = State::read(connection).map_err(|error| at_open(path, error))?;
    if state.version >= migrations.steps.len() {
        return Ok(());
    }
    let message = format!(
        "cannot read the store {}: an older calldex wrote it, and nothing has brought it up to date yet; start the \
         server once",
        path.display()
    );
    Err(Error::new(Kind::Invalid, message))
}

/// Runs the steps that the file lacks, each in a transaction of its own.
pub(super) fn run(connection: &Connection, migrations: &Migrations, path: &Path) -> Result<()> {
    loop {
        let state = State::read(connection).map_err(|error| at_open(path, error))?;
        if state.version >= migrations.steps.len() {
            return Ok(());
        }
        step(connection, migrations).map_err(|error| at_open(path, error))?;
    }
}

/// Runs the next step, unless another process did while we waited for the lock.
fn step(connection: &Connection, migrations: &Migrations) -> rusqlite::Result<()> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let version = State::read(&transaction)?.version;
    let Some(sql) = migrations.steps.get(version) else { return Ok(()) };
    let next = i64::try_from(version + 1).unwrap_or(i64::MAX);
    transaction.execute_batch(sql)?;
    transaction.pragma_update(None, "application_id", migrations.application)?;
    transaction.pragma_update(None, "user_version", next)?;
    transaction.commit()
}

/// What a file says about itself, read in one statement so that it belongs together.
struct State {
    application: i64,
    version: usize,
    has_tables: bool,
}

impl State {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT (SELECT application_id FROM pragma_application_id), \
                   (SELECT user_version FROM pragma_user_version), EXISTS (SELECT 1 FROM sqlite_schema)";
        connection.query_row(sql, [], |row| {
            let version: i64 = row.get(1)?;
            let version = usize::try_from(version).unwrap_or(usize::MAX);
            Ok(Self { application: row.get(0)?, version, has_tables: row.get(2)? })
        })
    }
}
