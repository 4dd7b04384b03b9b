//! Connections that read the events' file: kept while nobody uses them, thrown away after a failure.

use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::error::Result;
use crate::store::{Store, failure};

/// Most connections that are kept.
const KEPT: usize = 8;

/// Connections to read with. The lock is held to take one and to put it back, never while it is used.
pub(super) struct Readers {
    store: Store,
    free: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(store: Store) -> Self {
        Self { store, free: Mutex::default() }
    }

    /// Reads on this thread.
    ///
    /// # Errors
    /// Those of SQLite; `doing` is what was tried.
    pub(super) fn read<T>(&self, doing: &str, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match free {
            Some(connection) => connection,
            None => self.store.reader()?,
        };
        let value = work(&connection).map_err(|error| failure(doing, error))?;
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(connection);
        }
        Ok(value)
    }
}
