//! The read-only connections, one for each thread that looks up.
//!
//! A lookup runs on the worker that asks: handing it to another thread would cost more than the lookup. Each worker
//! takes "its" connection, so the mutexes are free unless there are more threads than connections. Connections are
//! opened when first used, closed with the directory, and thrown away after a failure, so that a store that was
//! repaired or put back is used again without a restart.
//!
//! A connection keeps its snapshot open from one lookup to the next while the count of writes proves that it is the
//! newest. Beginning and ending a snapshot would cost more than the lookup: file locks, and a mutex of SQLite's that all
//! connections of a process share. [`Readers::let_go`], called every second, ends the open snapshots, so that an idle
//! worker never keeps the write-ahead log from shrinking, and so that a program that writes without counting (any
//! SQLite tool) is seen. It also closes connections to a file that was cut off or replaced: they would answer from
//! memory, some workers from one and some from none, for as long as they are asked for what they have read already.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use rusqlite::Connection;

use crate::error::{Error, Kind, Result};
use crate::store::{Store, StoreFile, WriteCounter, failure};

/// Connections beyond the number of processors: for threads that are not workers.
const SPARE: usize = 2;

static NEXT_THREAD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The place of this thread among all that ever looked up.
    static THREAD: Cell<usize> = Cell::new(NEXT_THREAD.fetch_add(1, Ordering::Relaxed));
}

pub(super) struct Readers {
    store: Store,
    /// Read by every lookup without a lock, replaced when the file was deleted.
    counter: ArcSwap<WriteCounter>,
    slots: Box<[Mutex<Option<Reader>>]>,
}

impl Readers {
    pub(super) fn new(store: Store) -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from) + SPARE;
        let counter = ArcSwap::from_pointee(WriteCounter::open(store.path()));
        Self { store, counter, slots: (0..count).map(|_| Mutex::new(None)).collect() }
    }

    /// Ends the snapshots that lookups have left open, and closes what is connected to a file that is no more.
    pub(super) fn let_go(&self) {
        let file = self.store.file();
        for slot in &self.slots {
            // A slot that is locked is in use; a second later it may be free.
            if let Ok(mut slot) = slot.try_lock()
                && slot.as_mut().is_some_and(|reader| reader.end().is_err() || !reader.file.is_still(file))
            {
                *slot = None;
            }
        }
        if !self.counter.load().is_in_place() {
            self.counter.store(Arc::new(WriteCounter::open(self.store.path())));
        }
    }

    /// Proves that the store can be read at this moment, whatever a worker may still know: on a connection of its own.
    pub(super) fn read_afresh<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Connection, &Books) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let mut reader = Reader::open(&self.store).map_err(|error| self.without_folder(&error))?;
        reader.read(None, work).map_err(|error| failure(doing, error))
    }

    /// The same error for people who need not know where the store is: anybody may ask whether it can be read.
    fn without_folder(&self, error: &Error) -> Error {
        let path = self.store.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Error::new(error.kind(), error.to_string().replace(&*path.to_string_lossy(), &name))
    }

    /// Does `work` in one snapshot: whatever it reads belongs together.
    pub(super) fn read<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Connection, &Books) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let writes = self.counter.load().read();
        let mut slot = self.slot();
        if slot.is_none() {
            match Reader::open(&self.store) {
                Ok(reader) => *slot = Some(reader),
                // When the file descriptors have run out, a connection of another thread still answers.
                Err(error) => {
                    drop(slot);
                    slot = self.open_slot().ok_or(error)?;
                }
            }
        }
        let Some(reader) = slot.as_mut() else {
            return Err(Error::new(Kind::Internal, "there is no connection to read with"));
        };
        let result = reader.read(writes, work).map_err(|error| failure(doing, error));
        if result.as_ref().is_err_and(|error| error.kind() != Kind::Busy) {
            *slot = None;
        }
        result
    }

    /// A connection that is open, of whatever thread; waits while others use it.
    fn open_slot(&self) -> Option<MutexGuard<'_, Option<Reader>>> {
        let mut slots = self.slots.iter().map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner));
        slots.find(|slot| slot.is_some())
    }

    fn slot(&self) -> MutexGuard<'_, Option<Reader>> {
        let own = THREAD.with(Cell::get) % self.slots.len();
        for place in (own..self.slots.len()).chain(0..own) {
            if let Ok(slot) = self.slots[place].try_lock() {
                return slot;
            }
        }
        self.slots[own].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Reader {
    connection: Connection,
    /// What it is connected to.
    file: StoreFile,
    /// The count of writes before the open snapshot began; `None` when none is open.
    snapshot: Option<u64>,
    books: Books,
}

impl Reader {
    fn open(store: &Store) -> Result<Self> {
        // Looked at before it is opened: if it is replaced in between, the connection is closed a second later.
        let file = store.file();
        Ok(Self { connection: store.reader()?, file, snapshot: None, books: Books::default() })
    }

    /// Does `work` in the open snapshot if nobody has written since it began, else in a new one. While somebody writes
    /// (`writes` is `None`) the new one does not stay open, so that the write-ahead log can be emptied.
    fn read<T>(
        &mut self,
        writes: Option<u64>,
        work: impl FnOnce(&Connection, &Books) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if writes.is_none() || self.snapshot != writes {
            self.end()?;
            self.connection.prepare_cached("BEGIN")?.execute([])?;
            // Until the books are read, what is open is good for nobody: the next one ends it.
            self.snapshot = Some(UNFINISHED);
            // The first reading takes the snapshot; a write that is committed until then is in it and will be counted.
            self.books = Books::load(&self.connection)?;
            self.snapshot = Some(writes.unwrap_or(UNFINISHED));
        }
        let result = work(&self.connection, &self.books);
        if writes.is_none() {
            self.end()?;
        }
        result
    }

    fn end(&mut self) -> rusqlite::Result<()> {
        if self.snapshot.take().is_some() {
            self.connection.prepare_cached("COMMIT")?.execute([])?;
        }
        Ok(())
    }
}

/// Stands for no count: counts of finished writes are even.
const UNFINISHED: u64 = u64::MAX;

/// The state of every book in the snapshot of a read transaction.
#[derive(Debug, Default)]
pub(super) struct Books(Vec<BookState>);

/// What a lookup has to know of a book.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct BookState {
    id: i64,
    pub(super) generation: i64,
    pub(super) revision: u64,
    pub(super) has_blocks: bool,
}

impl Books {
    fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement =
            connection.prepare_cached("SELECT id, generation, revision, blocks FROM directory ORDER BY id")?;
        let books = statement.query_map([], |row| {
            let revision: i64 = row.get(2)?;
            let blocks: i64 = row.get(3)?;
            let (id, generation) = (row.get(0)?, row.get(1)?);
            Ok(BookState { id, generation, revision: revision.cast_unsigned(), has_blocks: blocks > 0 })
        })?;
        Ok(Self(books.collect::<rusqlite::Result<_>>()?))
    }

    /// The state of a book; that of an empty one when somebody has deleted its row.
    pub(super) fn get(&self, id: i64) -> BookState {
        let place = self.0.binary_search_by_key(&id, |book| book.id);
        place.map_or(BookState { id, ..BookState::default() }, |place| self.0[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DIRECTORY, Durability};

    #[test]
    fn a_snapshot_whose_beginning_failed_is_not_read_with_what_was_known_before() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("calldex.db"), &DIRECTORY).unwrap();
        let writer = store.writer(Durability::Acknowledged).unwrap();
        let write = |sql: &str| writer.execute_batch(sql).unwrap();
        write("INSERT INTO directory (name, revision) VALUES ('customers', 1)");
        let mut reader = Reader::open(&store).unwrap();
        let mut revision = |writes| reader.read(Some(writes), |_, books| Ok(books.get(1).revision));
        assert_eq!(revision(0).unwrap(), 1);
        write("UPDATE directory SET revision = 2; ALTER TABLE directory RENAME TO hidden");
        assert!(revision(2).is_err(), "as if the store were busy");
        write("ALTER TABLE hidden RENAME TO directory");
        assert_eq!(revision(2).unwrap(), 2);
    }
}
