//! An import: versions for the next generation, and one switch that shows them.
//!
//! Rows are staged in short transactions that need not be on the disk, so that other writers get their turn and no
//! lookup waits. The switch is one small transaction; with it everything staged before is on the disk. Only then are
//! the replaced versions removed. The lock ends with the session, or with the process.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::blocklist::Blocklist;
use super::content::Digester;
use super::lock::ImportLock;
use super::recogniser::Recogniser;
use super::staging::Staging;
use super::tidy::tidy_book;
use super::write::{self, highest_id, next_row, running_import};
use crate::clock::Clock;
use crate::directory::{
    Book, Change, Covers, Difference, ImportSession, ImportSummary, MostRemoved, Prepared, Preparer, Removal,
};
use crate::error::{Error, Kind, Result};
use crate::store::{Durability, Store, failure, set_durability};

/// Rows in a transaction: some 50 ms of writing.
pub(super) const CHUNK: usize = 5_000;

/// Keys in a transaction: as much writing, for they come in the order of their table.
const KEYS: usize = 20_000;

/// Rows between two gaps.
const ROWS_BETWEEN_GAPS: usize = 10_000;

/// The gap after some transactions in which another writer gets his turn.
const GAP: Duration = Duration::from_millis(2);

const DOING: &str = "import contacts";

/// An import into one book, on a connection of its own.
pub(super) struct Session {
    store: Store,
    connection: Connection,
    book: Book,
    staging: Staging,
    clock: Arc<dyn Clock>,
    state: State,
    /// Rows since the last gap.
    without_gap: usize,
    /// Given back last, when everything is cleaned up.
    lock: ImportLock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// A transaction failed: what is staged is not what was given.
    Broken,
    /// The switch has happened; there is nothing to take back.
    Switched,
}

impl Session {
    /// Takes the book for this import.
    pub(super) fn begin(store: &Store, book: &Book, covers: Covers, clock: Arc<dyn Clock>) -> Result<Self> {
        let connection = store.writer(Durability::Later)?;
        let lock = take_lock(store, &connection, book)?;
        lock.keep_room()?;
        tidy_book(&connection, book.id)?;
        let started = clock.utc_millis();
        let target = Store::write(&connection, DOING, |connection| {
            announce(connection, book.id, started).map_err(|error| failure(DOING, error))
        })?;
        let erased = Blocklist::load(&connection, book.id).map_err(|error| failure(DOING, error))?;
        let highest = highest_id(&connection, book.id).map_err(|error| failure(DOING, error))?;
        let staging = Staging::new(book, covers, target, erased, highest);
        let store = store.clone();
        Ok(Self { store, connection, book: book.clone(), staging, clock, state: State::Open, without_gap: 0, lock })
    }

    fn stage(&mut self, rows: Vec<Prepared>, changes: &mut Vec<Change>) -> Result<()> {
        let now = self.clock.utc_millis();
        let staging = &mut self.staging;
        let result = Store::write(&self.connection, DOING, |connection| {
            staging.apply(connection, rows, now, changes).map_err(|error| failure(DOING, error))
        });
        if result.is_err() {
            self.state = State::Broken;
        }
        result
    }

    /// Writes the keys that have been collected.
    fn write_keys(&mut self) -> Result<()> {
        let (staging, directory) = (&mut self.staging, self.book.id);
        let mut more = true;
        while more {
            let written = Store::write(&self.connection, DOING, |connection| {
                staging.pending.write(connection, directory, KEYS).map_err(|error| failure(DOING, error))
            });
            more = written.inspect_err(|_| self.state = State::Broken)?;
            std::thread::sleep(GAP);
        }
        Ok(())
    }

    fn expect_open(&self) -> Result<()> {
        match self.state {
            State::Open => Ok(()),
            _ => Err(Error::new(Kind::Internal, "the import has failed before and cannot go on")),
        }
    }
}

impl ImportSession for Session {
    fn apply(&mut self, rows: Vec<Prepared>) -> Result<Vec<Change>> {
        self.expect_open()?;
        let mut changes = Vec::with_capacity(rows.len());
        let mut rest = rows.into_iter();
        loop {
            let chunk: Vec<_> = rest.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(changes);
            }
            self.without_gap += chunk.len();
            self.stage(chunk, &mut changes)?;
            if self.without_gap >= ROWS_BETWEEN_GAPS {
                self.without_gap = 0;
                std::thread::sleep(GAP);
            }
            if self.staging.pending.is_full() {
                self.write_keys()?;
            }
        }
    }

    fn preparer(&self) -> Result<Box<dyn Preparer>> {
        let generation = self.staging.target - 1;
        let is_empty = || {
            let sql = "SELECT contacts = 0 FROM directory WHERE id = ?1";
            self.connection.query_row(sql, [self.book.id], |row| row.get(0)).map_err(|error| failure(DOING, error))
        };
        let useless = self.staging.erased.is_in_force() || is_empty()?;
        let connection = if useless { None } else { Some(self.store.reader()?) };
        let numbering = Arc::clone(&self.book.numbering);
        let digester = Digester::new(self.staging.digester.covers().clone(), &numbering);
        Ok(Box::new(Recogniser { connection, directory: self.book.id, generation, numbering, digester }))
    }

    fn speak_for(&mut self, covers: Covers) {
        self.staging.speak_for(covers);
    }

    fn remove_unnamed(&mut self, most: Option<MostRemoved>) -> Result<Removal> {
        self.expect_open()?;
        let staging = &mut self.staging;
        let removal = staging.unnamed(&self.connection).map_err(|error| failure(DOING, error))?;
        if let Some(refusal) = most.and_then(|most| most.refusal(removal)) {
            self.state = State::Broken;
            return Err(Error::new(Kind::Invalid, refusal));
        }
        let mut after = Some(i64::MIN);
        while let Some(row) = after {
            let removed = Store::write(&self.connection, DOING, |connection| {
                staging.end_unnamed(connection, row, CHUNK).map_err(|error| failure(DOING, error))
            });
            after = removed.inspect_err(|_| self.state = State::Broken)?;
            std::thread::sleep(GAP);
        }
        Ok(removal)
    }

    fn preview(self: Box<Self>, most: usize) -> Result<(ImportSummary, Vec<Difference>)> {
        self.expect_open()?;
        let differences = self.staging.differences(&self.connection, most).map_err(|error| failure(DOING, error))?;
        Ok((self.staging.summary(), differences))
    }

    fn finish(mut self: Box<Self>) -> Result<ImportSummary> {
        self.expect_open()?;
        self.write_keys()?;
        set_durability(&self.connection, Durability::Acknowledged).map_err(|error| failure(DOING, error))?;
        let now = self.clock.utc_millis();
        let staging = &mut self.staging;
        Store::write(&self.connection, DOING, |connection| {
            staging.switch(connection, now).map_err(|error| failure(DOING, error))
        })?;
        self.state = State::Switched;
        Ok(self.staging.summary())
    }
}

impl Drop for Session {
    /// Removes what nobody sees: replaced versions after the switch, staged ones without it. What this cannot do, the
    /// next import or [`Directory::tidy`](crate::directory::Directory::tidy) does.
    fn drop(&mut self) {
        self.lock.give_up_room();
        let tidied = set_durability(&self.connection, Durability::Later)
            .map_err(|error| failure(DOING, error))
            .and_then(|()| tidy_book(&self.connection, self.book.id));
        if let Err(error) = tidied {
            tracing::warn!(%error, "an import left versions behind; they take room until the next one");
        }
    }
}

fn take_lock(store: &Store, connection: &Connection, book: &Book) -> Result<ImportLock> {
    if let Some(lock) = ImportLock::take(store, book.id)? {
        return Ok(lock);
    }
    let running = running_import(connection, book.id).map_err(|error| failure(DOING, error))?;
    Err(match running {
        Some(import) => import.refusal(&book.name),
        None => {
            Error::new(Kind::Busy, format!("another import into {} is just beginning or ending: try again", book.name))
        }
    })
}

/// Says that an import runs; returns the generation that it stages for.
pub(super) fn announce(connection: &Connection, directory: i64, started: i64) -> rusqlite::Result<i64> {
    let first_row = next_row(connection)?;
    connection.execute(
        "INSERT INTO import (directory, process, started, first_row) VALUES (?1, ?2, ?3, ?4)",
        (directory, std::process::id(), started, first_row),
    )?;
    Ok(write::generation(connection, directory)? + 1)
}
