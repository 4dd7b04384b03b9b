//! What every [`Directory`] has to do, whatever it stores its contacts in.
//!
//! An implementation makes a [`Bench`] and runs [`ALL`]. Nothing here knows a storage.

mod care;
mod imports;
mod lookups;
mod writes;

use std::sync::Arc;

use tokio::runtime::Runtime;

use super::*;
use crate::number::parse;

/// A test of the battery.
pub(super) type Test = fn(&Bench);

/// Every test, with its name.
pub(super) const ALL: [&[(&str, Test)]; 4] = [lookups::ALL, writes::ALL, imports::ALL, care::ALL];

/// A storage to test. `open` opens it once more, as another process would.
pub(super) struct Bench {
    /// The storage, opened.
    pub(super) directory: Arc<dyn Directory>,
    /// Opens the same storage again.
    pub(super) open: Box<dyn Fn() -> Arc<dyn Directory> + Send + Sync>,
    runtime: Runtime,
}

impl Bench {
    /// A bench on a storage that is empty.
    pub(super) fn new(open: impl Fn() -> Arc<dyn Directory> + Send + Sync + 'static) -> Self {
        Self { directory: open(), open: Box::new(open), runtime: Runtime::new().unwrap() }
    }

    fn wait<T>(&self, pending: Pending<'_, T>) -> Result<T> {
        self.runtime.block_on(pending)
    }

    fn book(&self, name: &str) -> Book {
        self.wait(self.directory.open_book(name, &Numbering::of_country("RO"))).unwrap()
    }

    fn put(&self, book: &Book, contact: Contact) -> Stored {
        self.wait(self.directory.put(book, contact)).unwrap()
    }

    fn get(&self, book: &Book, id: &str) -> Option<Contact> {
        self.wait(self.directory.get(book, &ContactId::from_text(id))).unwrap()
    }

    fn revision(&self, book: &Book) -> u64 {
        self.wait(self.directory.revision(book)).unwrap().0
    }

    /// Who calls, as `name rung` by book.
    fn callers(&self, books: &[Book], telephone: &str) -> Vec<Vec<String>> {
        let wanted = Wanted::of(&parse(telephone, &Numbering::of_country("RO")), true);
        let found = self.wait(self.directory.find(books, &wanted)).unwrap();
        for (book, found) in books.iter().zip(&found) {
            assert_eq!(found.revision.0, self.revision(book));
        }
        let show = |hit: &Hit| format!("{} {}", hit.contact.get(Field::Name).unwrap_or("-"), hit.rung.as_str());
        found.iter().map(|found| found.hits.iter().map(show).collect()).collect()
    }

    /// Who calls, in one book.
    fn caller(&self, book: &Book, telephone: &str) -> Vec<String> {
        self.callers(std::slice::from_ref(book), telephone).remove(0)
    }

    /// Imports contacts in one go.
    fn import(&self, book: &Book, contacts: Vec<Contact>) -> ImportSummary {
        let mut session = self.directory.begin_import(book, covers()).unwrap();
        session.apply(prepare(contacts)).unwrap();
        session.finish().unwrap()
    }

    fn contacts(&self, book: &Book) -> u64 {
        self.wait(self.directory.statistics(book)).unwrap().contacts
    }
}

/// A contact with numbers; an empty id is none.
fn contact(id: &str, name: &str, numbers: &[&str]) -> Contact {
    let mut contact = Contact { id: ContactId::from_text(id), ..Contact::default() };
    contact.set(Field::Name, name);
    contact.numbers = numbers
        .iter()
        .map(|written| ContactNumber { written: (*written).to_owned(), ..ContactNumber::default() })
        .collect();
    contact
}

/// What a file with id, name, company and numbers covers.
fn covers() -> Covers {
    let fields = BTreeSet::from([Field::Name, Field::Company]);
    Covers { fields, custom: BTreeSet::from(["city".to_owned()]), numbers: true, blocks: true, primary: true }
}

fn prepare(contacts: Vec<Contact>) -> Vec<Prepared> {
    let numbering = Numbering::of_country("RO");
    contacts.into_iter().map(|contact| Prepared::read(contact, &numbering).unwrap()).collect()
}
