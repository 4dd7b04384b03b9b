//! Address books in one SQLite file: the embedded default.
//!
//! Point reads run on the asking worker (`readers.rs`, `find.rs`). Single writes share one connection behind a mutex
//! and run on tokio's blocking threads: a write that has begun ends even when its caller has gone, and the runtime waits
//! for it at shutdown. An import has a connection and a thread of its own (`session.rs`). How versions and generations
//! work is told in `docs/decisions/directory-store.md`.

mod blocklist;
mod content;
mod erase;
mod export;
mod find;
mod keys;
mod lock;
mod matching;
mod readers;
mod reading;
mod recogniser;
mod removal;
mod rows;
mod search;
mod seen;
mod session;
mod staging;
mod tidy;
mod unnamed;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::future::ready;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::{
    Book, Change, Covers, Directory, Erasure, Found, ImportSession, Pending, Prepared, Reach, Removed, Revision,
    Selected, SharedNumber, Statistics, Stored,
};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::model::{Contact, ContactId, ContactNumber};
use crate::number::ladder::Wanted;
use crate::number::{Key, Number, Numbering};
use crate::store::{self, Durability, Store, failure};
use readers::Readers;

/// How long a snapshot may stay open between lookups: as long as a write that was not counted may go unseen, and as
/// long as an idle worker may keep the write-ahead log from shrinking.
const LONGEST_SNAPSHOT: Duration = Duration::from_secs(1);

/// A [`Directory`] in an SQLite file.
pub struct SqliteDirectory {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    readers: Readers,
    /// The one connection for single writes; empty before the first and after a failure.
    writer: Mutex<Option<Connection>>,
    clock: Arc<dyn Clock>,
    /// Books and settings of which it was said that the numbers were read with others.
    warned: Mutex<BTreeSet<(i64, String)>>,
}

impl SqliteDirectory {
    /// Opens the file, creates it when it is missing, and brings its tables up to date.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let store = Store::open(path, &store::DIRECTORY)?;
        let readers = Readers::new(store.clone());
        let inner = Arc::new(Inner { store, readers, writer: Mutex::new(None), clock, warned: Mutex::default() });
        keep_up(Arc::downgrade(&inner))?;
        Ok(Self { inner })
    }

    /// Runs `work` on a blocking thread.
    fn spawn<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Pending<'_, T> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            let task = tokio::task::spawn_blocking(move || work(&inner));
            task.await.unwrap_or_else(|error| {
                Err(Error::new(Kind::Internal, "a write to the store broke off").because(error))
            })
        })
    }
}

impl Inner {
    /// Does `work` in one write transaction that is on the disk when this returns.
    fn write<T>(&self, doing: &str, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let mut slot = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match slot.take() {
            Some(connection) => slot.insert(connection),
            None => slot.insert(self.store.writer(Durability::Acknowledged)?),
        };
        let result = Store::write(connection, doing, work);
        if result.as_ref().is_err_and(|error| !matches!(error.kind(), Kind::Busy | Kind::Invalid | Kind::Refused)) {
            *slot = None;
        }
        result
    }
}

impl Inner {
    /// Says once for each change that the numbers of a book were read with other settings.
    fn warn_of_other_reading(&self, book: &Book) -> Result<()> {
        let doing = "see how an address book was read";
        let Some(before) = self.readers.read(doing, |connection, _| reading::other(connection, book))? else {
            return Ok(());
        };
        let now = reading::text(&book.numbering);
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.insert((book.id, now.clone())) {
            let name = &book.name;
            tracing::warn!(
                "the numbers of the directory {name} were read with {before}, and the configuration says {now}: run \
                 `calldex directory reread {name}`"
            );
        }
        Ok(())
    }
}

/// Starts the thread that ends open snapshots every second. It owns nothing and ends with the directory.
fn keep_up(inner: Weak<Inner>) -> Result<()> {
    let run = move || {
        while let Some(inner) = inner.upgrade() {
            inner.readers.let_go();
            drop(inner);
            std::thread::sleep(LONGEST_SNAPSHOT);
        }
    };
    let thread = std::thread::Builder::new().name("calldex-store".to_owned()).spawn(run);
    thread.map(drop).map_err(|error| Error::new(Kind::Unavailable, "cannot start a thread").because(error))
}

/// Whoever was erased is not stored again by mistake.
fn refuse_erased(connection: &Connection, book: &Book, record: &rows::Record) -> Result<()> {
    let check = || blocklist::Blocklist::load(connection, book.id)?.refuses(connection, record);
    if check().map_err(|error| failure("look for erased people", error))? {
        let message = "this person was erased and is not brought back, unless you say --again";
        return Err(Error::new(Kind::Refused, message));
    }
    Ok(())
}

/// A future that is ready: reads are over before it is asked.
fn done<'a, T: Send + 'a>(result: Result<T>) -> Pending<'a, T> {
    Box::pin(ready(result))
}

impl Directory for SqliteDirectory {
    fn open_book<'a>(&'a self, name: &'a str, numbering: &'a Numbering) -> Pending<'a, Book> {
        let (name, numbering) = (Arc::<str>::from(name), Arc::new(numbering.clone()));
        self.spawn(move |inner| {
            let known = inner.readers.read("open an address book", |connection, _| {
                let sql = "SELECT id FROM directory WHERE name = ?1 AND removed = 0";
                connection.query_row(sql, [&name], |row| row.get(0)).optional()
            })?;
            let id = match known {
                Some(id) => id,
                None => inner.write("create an address book", |connection| write::create_book(connection, &name))?,
            };
            let book = Book { id, name, numbering };
            inner.warn_of_other_reading(&book)?;
            Ok(book)
        })
    }

    fn books(&self) -> Pending<'_, Vec<Arc<str>>> {
        done(self.inner.readers.read("list the address books", |connection, _| {
            let mut statement =
                connection.prepare_cached("SELECT name FROM directory WHERE removed = 0 ORDER BY name")?;
            statement.query_map([], |row| row.get(0))?.collect()
        }))
    }

    fn revision<'a>(&'a self, book: &'a Book) -> Pending<'a, Revision> {
        let read = |_: &Connection, books: &readers::Books| Ok(Revision(books.get(book.id).revision));
        done(self.inner.readers.read("read the revision of an address book", read))
    }

    fn check<'a>(&'a self, book: &'a Book) -> Pending<'a, ()> {
        let book = book.clone();
        self.spawn(move |inner| {
            let nobody = Wanted { local: Some("check".to_owned()), ..Wanted::default() };
            inner.readers.read_afresh("read the store", |connection, states| {
                find::find(connection, &book, states.get(book.id), &nobody).map(drop)
            })
        })
    }

    fn find<'a>(&'a self, books: &'a [Book], wanted: &'a Wanted) -> Pending<'a, Vec<Found>> {
        done(self.inner.readers.read("look up a caller", |connection, states| {
            let find = |book: &Book| {
                let state = states.get(book.id);
                let hits = find::find(connection, book, state, wanted)?;
                Ok(Found { revision: Revision(state.revision), hits })
            };
            books.iter().map(find).collect()
        }))
    }

    fn get<'a>(&'a self, book: &'a Book, id: &'a ContactId) -> Pending<'a, Option<Contact>> {
        done(self.inner.readers.read("read a contact", |connection, books| {
            let row = write::row_of(connection, book.id, id, books.get(book.id).generation)?;
            let record = row.map(|row| rows::Record::load(connection, row)).transpose()?.flatten();
            Ok(record.map(|record| record.contact))
        }))
    }

    fn put<'a>(&'a self, book: &'a Book, contact: Contact) -> Pending<'a, Stored> {
        let book = book.clone();
        self.spawn(move |inner| {
            let prepared = Prepared::read(contact, &book.numbering)?;
            let now = inner.clock.utc_millis();
            inner.write("store a contact", |connection| {
                let _lock = write::refuse_during_import(connection, &inner.store, &book)?;
                refuse_erased(connection, &book, &rows::Record::from(prepared.clone()))?;
                write::put(connection, &book, prepared, now).map_err(|error| failure("store a contact", error))
            })
        })
    }

    fn add_number<'a>(
        &'a self,
        book: &'a Book,
        id: &'a ContactId,
        number: ContactNumber,
    ) -> Pending<'a, Option<Stored>> {
        let (book, id) = (book.clone(), id.clone());
        self.spawn(move |inner| {
            let now = inner.clock.utc_millis();
            inner.write("add a number to a contact", |connection| {
                let failed = |error| failure("add a number to a contact", error);
                let _lock = write::refuse_during_import(connection, &inner.store, &book)?;
                let found = write::with_number(connection, &book, &id, &number).map_err(failed)?;
                let Some((row, record)) = found else { return Ok(None) };
                refuse_erased(connection, &book, &record)?;
                write::replace(connection, &book, Some(row), record, now).map(Some).map_err(failed)
            })
        })
    }

    fn remove<'a>(&'a self, book: &'a Book, id: &'a ContactId) -> Pending<'a, bool> {
        let (book, id) = (book.clone(), id.clone());
        self.spawn(move |inner| {
            inner.write("remove a contact", |connection| {
                let _lock = write::refuse_during_import(connection, &inner.store, &book)?;
                write::remove(connection, &book, &id).map_err(|error| failure("remove a contact", error))
            })
        })
    }

    fn search<'a>(&'a self, book: &'a Book, text: &'a str, limit: usize) -> Pending<'a, Vec<Contact>> {
        let (book, text) = (book.clone(), text.to_owned());
        self.spawn(move |inner| search::search(&inner.store, &book, &text, limit))
    }

    fn statistics<'a>(&'a self, book: &'a Book) -> Pending<'a, Statistics> {
        done(self.inner.readers.read("count an address book", |connection, _| {
            let sql = "SELECT contacts, numbers, revision, imported_at FROM directory WHERE id = ?1";
            let found = connection.prepare_cached(sql)?.query_row([book.id], |row| {
                let count = |column| row.get(column).map(i64::cast_unsigned);
                let (contacts, numbers, revision) = (count(0)?, count(1)?, Revision(count(2)?));
                Ok(Statistics { contacts, numbers, revision, imported_at: row.get(3)?, read_otherwise: None })
            });
            let read_otherwise = reading::other(connection, book)?;
            Ok(Statistics { read_otherwise, ..found.optional()?.unwrap_or_default() })
        }))
    }

    fn holders<'a>(&'a self, book: &'a Book, number: &'a Number) -> Pending<'a, Vec<Contact>> {
        let (book, number) = (book.clone(), number.clone());
        self.spawn(move |inner| erase::holders(&inner.store, &book, &number))
    }

    fn erase<'a>(&'a self, who: &'a [Selected], reach: Reach) -> Pending<'a, Erasure> {
        let who = who.to_vec();
        self.spawn(move |inner| erase::erase(inner, &who, reach))
    }

    fn keep_out<'a>(&'a self, numbers: &'a [Key]) -> Pending<'a, u64> {
        let numbers = numbers.to_vec();
        self.spawn(move |inner| erase::keep_out(inner, &numbers))
    }

    fn forget_erased<'a>(&'a self, book: &'a Book, contact: Contact) -> Pending<'a, u64> {
        let book = book.clone();
        self.spawn(move |inner| erase::forget_erased(inner, &book, contact))
    }

    fn remove_book<'a>(&'a self, name: &'a str) -> Pending<'a, Option<u64>> {
        let name = name.to_owned();
        self.spawn(move |inner| removal::remove_book(inner, &name))
    }

    fn scan(&self, book: &Book, passes: usize, each: &mut dyn FnMut(usize, Contact) -> Result<()>) -> Result<()> {
        export::scan(&self.inner.store, book, passes, each)
    }

    fn shared_numbers(&self, book: &Book, each: &mut dyn FnMut(SharedNumber) -> Result<()>) -> Result<()> {
        export::shared(&self.inner.store, book, each)
    }

    fn begin_import(&self, book: &Book, covers: Covers) -> Result<Box<dyn ImportSession>> {
        let session = session::Session::begin(&self.inner.store, book, covers, Arc::clone(&self.inner.clock))?;
        Ok(Box::new(session))
    }

    fn tidy(&self) -> Pending<'_, ()> {
        self.spawn(|inner| tidy::tidy(&inner.store))
    }
}
