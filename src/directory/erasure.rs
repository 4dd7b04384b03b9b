//! Taking a person out of the address books for good, and keeping him out.
//!
//! What is removed is overwritten in the file, and the write-ahead log is cut off. A keyed hash (HMAC-SHA256, random key
//! in the store) of the contact's id and numbers stays, so that the next import does not bring the person back; it says
//! nothing about him to somebody who has only the hash. A number that others still share is blocked together with the
//! name alone, so that a family or a company keeps its number. Who was in no address book and has called is kept out by
//! his number.

use super::Book;
use crate::model::ContactId;

/// A contact that shall be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// Its address book.
    pub book: Book,
    /// Its id there.
    pub id: ContactId,
}

/// Where an erased person's numbers must not come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every address book of the store, also those that are made later.
    Everywhere,
    /// The address books that the contacts were taken from.
    TheirBooks,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Erasure {
    /// Each contact that was there, in the order in which they were named.
    pub removed: Vec<Removed>,
    /// Hashes that keep the person out from now on.
    pub blocks: u64,
    /// Whether the write-ahead log could be cut off. If not, another process was reading all the time, and overwritten
    /// text stays in the log until the next checkpoint.
    pub log_truncated: bool,
}

/// One erased contact: what a receipt may say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Name of the address book.
    pub book: std::sync::Arc<str>,
    /// The id that the contact had.
    pub id: ContactId,
    /// How many numbers went with it.
    pub numbers: u64,
    /// How many fields with a value went with it, its own and the known ones.
    pub fields: u64,
}
