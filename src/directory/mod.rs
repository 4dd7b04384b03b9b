//! calldex's own contact store.
//!
//! [`Directory`] is the trait that any storage implements; the embedded default is SQLite. An address book has a name,
//! a country and a revision that every write raises, also a write of another process.

use std::sync::Arc;

use crate::error::Result;
use crate::model::Contact;
use crate::number::ladder::Rung;

/// A boxed future, so that the trait can be used as an object.
pub type Pending<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Counts the writes to one address book. An answer made from an older revision is not used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Revision(pub u64);

/// A contact that an address book has for a number, and how sure that is.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The contact.
    pub contact: Arc<Contact>,
    /// The step of the ladder on which it was found.
    pub rung: Rung,
}
