//! The read-only connections, one for each thread that looks up.
//!
//! A lookup runs on the worker that asks: handing it to another thread would cost more than the lookup. Each worker
//! takes "its" connection, so the mutexes are free unless there are more threads than connections. Connections are
//! opened when first used, closed with the directory, and thrown away after a failure, so that a store that was
//! repaired or put back is used again without a restart.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::error::{Error, Kind, Result};
use crate::store::{Store, failure};

/// Connections beyond the number of processors: for threads that are not workers.
const SPARE: usize = 2;

static NEXT_THREAD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The place of this thread among all that ever looked up.
    static THREAD: Cell<usize> = Cell::new(NEXT_THREAD.fetch_add(1, Ordering::Relaxed));
}

pub(super) struct Readers {
    store: Store,
    slots: Box<[Mutex<Option<Reader>>]>,
}

impl Readers {
    pub(super) fn new(store: Store) -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from) + SPARE;
        Self { store, slots: (0..count).map(|_| Mutex::new(None)).collect() }
    }

    /// Does `work` in one read transaction: whatever it reads belongs together.
    pub(super) fn read<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Connection, &Books) -> rusqlite::Result<T>,
    ) -> Result<T> {
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
        let result = reader.read(work).map_err(|error| failure(doing, error));
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
    /// `PRAGMA data_version` when `books` was read: it changes with every commit of any other connection.
    version: i64,
    books: Books,
}

impl Reader {
    fn open(store: &Store) -> Result<Self> {
        Ok(Self { connection: store.reader()?, version: -1, books: Books::default() })
    }

    /// The statement that asks for the version is not ended before `work` is: a statement that is under way holds the
    /// snapshot, and spares the BEGIN and COMMIT that would cost as much as the lookup.
    fn read<T>(&mut self, work: impl FnOnce(&Connection, &Books) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut statement = self.connection.prepare_cached("PRAGMA data_version")?;
        let mut snapshot = statement.query([])?;
        let version = snapshot.next()?.map_or(Ok(-1), |row| row.get(0))?;
        if version != self.version {
            self.books = Books::load(&self.connection)?;
            self.version = version;
        }
        work(&self.connection, &self.books)
    }
}

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
