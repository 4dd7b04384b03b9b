//! calldex's own contact store.
//!
//! [`Directory`] is the trait that any storage implements; the embedded default is [`SqliteDirectory`]. Address books
//! are named, have a numbering of their own and a [`Revision`] that every write raises, also a write of another
//! process. What every implementation has to do is written down as tests in `battery.rs`.

mod breath;
pub mod erasure;
pub mod export;
pub mod import;
mod prepared;
pub mod quality;
mod removal;
mod reread;
mod sqlite;

#[cfg(test)]
mod battery;

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::Result;
use crate::model::{Contact, ContactId, ContactNumber, Field};
use crate::number::ladder::{Rung, Wanted};
use crate::number::{Key, Number, Numbering};

pub use erasure::{Erasure, Reach, Removed, Selected};
pub use prepared::Prepared;
pub use removal::{MostRemoved, Removal};
pub use reread::reread;
pub use sqlite::SqliteDirectory;

/// A boxed future, so that the trait can be used as an object.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Anything that stores address books.
///
/// Every method fails with `Busy` (somebody else writes), `Full`, `Corrupt` or `Unavailable` when the storage does.
pub trait Directory: Send + Sync + 'static {
    /// Opens an address book by its name and creates it when it is new. Done once, at start and at reload.
    fn open_book<'a>(&'a self, name: &'a str, numbering: &'a Numbering) -> Pending<'a, Book>;

    /// The names of every address book that the store holds, also of those that the configuration does not name.
    fn books(&self) -> Pending<'_, Vec<Arc<str>>>;

    /// How often the book was written to, exactly, by any process. Cheap enough for every lookup.
    ///
    /// An answer that is kept is good as long as this is the revision that [`Found`] came with.
    fn revision<'a>(&'a self, book: &'a Book) -> Pending<'a, Revision>;

    /// Reads as a lookup does, but nothing that a worker may remember: says whether the store can be read at this moment.
    fn check<'a>(&'a self, book: &'a Book) -> Pending<'a, ()>;

    /// Finds a caller in several books at once: one answer for each book, in the order of `books`, of one moment.
    ///
    /// Within a book the first step of the ladder that finds somebody wins; `exact` and `alternate` are one class and
    /// come together. The contacts come without their numbers and blocks, which would cost a third descent:
    /// [`Directory::get`] has them.
    fn find<'a>(&'a self, books: &'a [Book], wanted: &'a Wanted) -> Pending<'a, Vec<Found>>;

    /// The contact with this id, with its numbers and blocks.
    fn get<'a>(&'a self, book: &'a Book, id: &'a ContactId) -> Pending<'a, Option<Contact>>;

    /// Stores a contact in place of the one with its id. With an empty id it is matched with a stored contact that has
    /// one of its numbers and the same name, else it gets a new id.
    ///
    /// A contact whose `updated` is 0 gets the time of the store when it changes.
    ///
    /// # Errors
    /// `Busy` while an import into this book runs; `Invalid` for a block that is none; `Refused` for somebody who was
    /// erased (see [`Directory::forget_erased`]).
    fn put<'a>(&'a self, book: &'a Book, contact: Contact) -> Pending<'a, Stored>;

    /// Adds a number to a contact in one step: of two at the same time, both are there afterwards. A number that the
    /// contact has already changes nothing. `None` when there is no such contact.
    ///
    /// # Errors
    /// As [`Directory::put`].
    fn add_number<'a>(
        &'a self,
        book: &'a Book,
        id: &'a ContactId,
        number: ContactNumber,
    ) -> Pending<'a, Option<Stored>>;

    /// Removes a contact; `false` when there was none.
    ///
    /// # Errors
    /// `Busy` while an import into this book runs.
    fn remove<'a>(&'a self, book: &'a Book, id: &'a ContactId) -> Pending<'a, bool>;

    /// Contacts that have this number, this id, or this text in name, company or e-mail address, in any case; for
    /// people, not for calls: it may read the whole book. At most `limit`, oldest first.
    fn search<'a>(&'a self, book: &'a Book, text: &'a str, limit: usize) -> Pending<'a, Vec<Contact>>;

    /// How much the book holds.
    fn statistics<'a>(&'a self, book: &'a Book) -> Pending<'a, Statistics>;

    /// Begins an import; `covers` says for which parts of a contact the file speaks. Only one import may run in a book.
    ///
    /// Blocks: call it, and the session's methods, from a thread of the importer's own, never from an async worker.
    ///
    /// # Errors
    /// `Busy` when another import into this book runs, also in another process; the message says since when.
    fn begin_import(&self, book: &Book, covers: Covers) -> Result<Box<dyn ImportSession>>;

    /// Every contact that has this number in whatever reading, with whatever extension, or as one that could not be
    /// read; for people who look after the book, not for calls.
    fn holders<'a>(&'a self, book: &'a Book, number: &'a Number) -> Pending<'a, Vec<Contact>>;

    /// Erases contacts for good, from all their books in one step, and keeps them from coming back: an import passes
    /// over their rows, [`Directory::put`] refuses them. Those that do not exist are passed over.
    ///
    /// # Errors
    /// `Busy` while an import into one of the books runs; nothing is erased then.
    fn erase<'a>(&'a self, who: &'a [Selected], reach: Reach) -> Pending<'a, Erasure>;

    /// Keeps numbers that nobody has any more out of every book, as those of an erased person, who was in none. Returns how
    /// many hashes that made.
    fn keep_out<'a>(&'a self, numbers: &'a [Key]) -> Pending<'a, u64>;

    /// Lets an erased person come back into this book: takes the id and the numbers of `contact` off the list of the
    /// erased. Returns how many entries that were.
    fn forget_erased<'a>(&'a self, book: &'a Book, contact: Contact) -> Pending<'a, u64>;

    /// Removes a whole address book; returns how many contacts it had, or `None` when there is none of this name. A
    /// book that is opened again begins empty.
    ///
    /// # Errors
    /// `Busy` while an import into it runs.
    fn remove_book<'a>(&'a self, name: &'a str) -> Pending<'a, Option<u64>>;

    /// Hands every contact to `each`, oldest first, as often as `passes` says, with the number of the pass from 0. All
    /// passes see the same moment. Blocks: never call it from an async worker.
    ///
    /// # Errors
    /// Those of [`Directory`], and the first one of `each`, which ends the reading.
    fn scan(&self, book: &Book, passes: usize, each: &mut dyn FnMut(usize, Contact) -> Result<()>) -> Result<()>;

    /// Hands every number that several contacts have to `each`. Blocks: never call it from an async worker.
    ///
    /// # Errors
    /// As [`Directory::scan`].
    fn shared_numbers(&self, book: &Book, each: &mut dyn FnMut(SharedNumber) -> Result<()>) -> Result<()>;

    /// Removes what killed imports have left behind. It is never seen by a lookup, it only takes room. Called once
    /// after the start; [`Directory::begin_import`] does it for its own book.
    fn tidy(&self) -> Pending<'_, ()>;
}

/// An import into one address book: invisible until [`ImportSession::finish`], which shows all of it at once.
///
/// Dropped without `finish`, nothing has happened. Every method blocks; the session belongs to one thread.
pub trait ImportSession: Send {
    /// Stages rows, a few thousand at a time; returns what each row did, in order.
    ///
    /// Rows are matched by id, rows without an id by their numbers (see `docs/decisions/directory-store.md`). The first
    /// row of a contact in this import replaces what the file covers, further rows of the same contact add their
    /// numbers and fill in its empty fields. [`Change::Changed`] of a first row may turn out to be no change at all
    /// when a further row comes: the summary counts contacts and is right.
    ///
    /// # Errors
    /// Those of [`Directory`]. After an error the session can only be dropped.
    fn apply(&mut self, rows: Vec<Prepared>) -> Result<Vec<Change>>;

    /// What reads the numbers of the rows that follow, in a thread of its own; for the parts of a contact for which the
    /// session speaks now.
    ///
    /// # Errors
    /// Those of [`Directory`].
    fn preparer(&self) -> Result<Box<dyn Preparer>>;

    /// Says for which parts of a contact the rows that follow speak, in place of what [`Directory::begin_import`] was
    /// told: the next file of a folder may have other columns.
    fn speak_for(&mut self, covers: Covers);

    /// Removes every contact that no row was, when [`ImportSession::finish`] shows the import. No rows may follow.
    ///
    /// # Errors
    /// `Invalid` when these are more than `most`; those of [`Directory`]. The session can only be dropped then.
    fn remove_unnamed(&mut self, most: Option<MostRemoved>) -> Result<Removal>;

    /// Says what [`ImportSession::finish`] would do, with at most `most` contacts as they were and would be: changed
    /// and removed ones first, then added ones. Nothing has happened when it returns.
    ///
    /// # Errors
    /// Those of [`Directory`].
    fn preview(self: Box<Self>, most: usize) -> Result<(ImportSummary, Vec<Difference>)>;

    /// Makes everything visible in one step. When it returns, the import is on the disk.
    ///
    /// # Errors
    /// Those of [`Directory`]; the book is then as before.
    fn finish(self: Box<Self>) -> Result<ImportSummary>;
}

/// Makes contacts ready for [`ImportSession::apply`].
pub trait Preparer: Send {
    /// Reads the numbers of contacts. One that is stored exactly so, with numbers that can all be matched, is only
    /// recognised, because reading its numbers would be most of the work of importing the same file again.
    ///
    /// # Errors
    /// Those of [`Directory`]; `Invalid` for a block that is none.
    fn prepare(&mut self, contacts: Vec<Contact>) -> Result<Vec<Prepared>>;
}

/// An open address book. Cheap to clone; valid as long as the [`Directory`] that opened it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// Its number in the store.
    pub id: i64,
    /// Its name: `customers`, or `acme/customers` from a project file.
    pub name: Arc<str>,
    /// How its numbers are read.
    pub numbering: Arc<Numbering>,
}

/// Counts the writes to one address book. An answer made from an older revision is not used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Revision(pub u64);

/// What one address book says about a caller.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The revision of the book that says so.
    pub revision: Revision,
    /// The contacts that may be the caller, by rung and id; empty when the book does not know him.
    pub hits: Vec<Hit>,
}

/// A contact that an address book has for a number, and how sure that is.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The contact.
    pub contact: Arc<Contact>,
    /// The step of the ladder on which it was found.
    pub rung: Rung,
}

/// What storing a contact did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The id under which it is stored: its own, or the one that was made for it.
    pub id: ContactId,
    /// What happened.
    pub change: Change,
}

/// What a row or a contact did to an address book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It was not there before.
    Added,
    /// It was there with other content.
    Changed,
    /// It was there exactly so; nothing was written.
    Unchanged,
    /// It was erased before and is not brought back; nothing was written. Only an import says so.
    Erased,
}

/// For which parts of a contact an import speaks. Those are replaced, everything else stays as stored.
///
/// A file with the columns `id` and `email` must not take away names and numbers that another file brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Covers {
    /// Known fields for which the file has a column.
    pub fields: BTreeSet<Field>,
    /// Custom fields for which the file has a column.
    pub custom: BTreeSet<String>,
    /// Whether it has number columns.
    pub numbers: bool,
    /// Whether it has block columns.
    pub blocks: bool,
    /// Whether it says who is primary.
    pub primary: bool,
}

/// What an import did, in contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportSummary {
    /// Contacts that were not there before.
    pub added: u64,
    /// Contacts whose content changed.
    pub changed: u64,
    /// Contacts that were there exactly so.
    pub unchanged: u64,
    /// Rows of people who were erased before; they are not brought back.
    pub erased: u64,
    /// Contacts that were there and that the import removed.
    pub removed: u64,
    /// Numbers of the added and changed contacts that a call can be matched with.
    pub numbers: u64,
    /// The book's revision from now on.
    pub revision: Revision,
}

/// A contact before an import and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What the address book holds; `None` for a new contact.
    pub before: Option<Contact>,
    /// What it would hold; `None` for a removed contact.
    pub after: Option<Contact>,
}

/// How much an address book holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Contacts.
    pub contacts: u64,
    /// Numbers, whether they can be matched or not.
    pub numbers: u64,
    /// Times it was written to.
    pub revision: Revision,
    /// End of the last import in milliseconds since 1970 UTC.
    pub imported_at: Option<i64>,
    /// The settings with which its numbers were read, when the configuration has others now; [`reread()`] mends that.
    pub read_otherwise: Option<String>,
}

/// A number that several contacts of a book have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedNumber {
    /// In international form, or an extension or SIP user.
    pub number: String,
    /// The extension behind it.
    pub extension: Option<String>,
    /// The contacts, oldest first; at most 50.
    pub contacts: Vec<Contact>,
    /// How many there are.
    pub count: u64,
}
