//! Connections that read the events' file: kept while nobody uses them, thrown away after a failure.
//!
//! At most so many threads read at a time. Without a limit the pages of a thousand agents, which look after their sessions
//! in the same second, would have a thread each, and the memory that those threads have touched stays with the process.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::error::{Error, Kind, Result};
use crate::store::{Store, failure};

/// Most connections that are kept, and most threads that read at a time.
const KEPT: usize = 8;

/// Connections to read with. The lock is held to take one and to put it back, never while it is used.
pub(super) struct Readers {
    store: Store,
    free: Mutex<Vec<Connection>>,
    turns: Semaphore,
}

impl Readers {
    pub(super) fn new(store: Store) -> Self {
        Self { store, free: Mutex::default(), turns: Semaphore::new(KEPT) }
    }

    /// Reads on a blocking thread, when it is this read's turn.
    ///
    /// # Errors
    /// As [`Readers::read`].
    pub(super) async fn read_elsewhere<T: Send + 'static>(
        self: &Arc<Self>,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let failed = |error: String| Error::new(Kind::Internal, format!("cannot {doing}")).because(error);
        let _turn = self.turns.acquire().await.map_err(|error| failed(error.to_string()))?;
        let readers = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || readers.read(doing, work)).await;
        read.map_err(|error| failed(error.to_string()))?
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::store::EVENTS;

    #[tokio::test]
    async fn a_crowd_of_reads_takes_few_threads_and_connections() {
        static READING: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("events.db"), &EVENTS).unwrap();
        let readers = Arc::new(Readers::new(store));
        let read = || {
            readers.read_elsewhere("count", |connection| {
                MOST.fetch_max(READING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(std::time::Duration::from_millis(1));
                READING.fetch_sub(1, Ordering::SeqCst);
                connection.query_row("SELECT 7", [], |row| row.get::<_, i64>(0))
            })
        };
        let all = futures_util::future::join_all((0..200).map(|_| read())).await;
        assert!(all.into_iter().all(|value| value.unwrap() == 7));
        assert!((1..=KEPT).contains(&MOST.load(Ordering::SeqCst)), "{MOST:?}");
    }
}
