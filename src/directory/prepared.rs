//! A contact whose numbers have been read, ready to be stored.
//!
//! Reading costs microseconds and needs no store, so the importer does it in threads of its own and can report what a
//! text turned out to be without reading it twice.

use crate::error::Result;
use crate::model::Contact;
use crate::number::{Number, Numbering};

/// A contact with the readings of its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    contact: Contact,
    readings: Vec<Number>,
    blocks: Vec<Block>,
}

impl Prepared {
    /// Reads the numbers of a contact: each with its own country, else with that of the address book.
    ///
    /// # Errors
    /// `Invalid` for a block that is none; check them with [`Block::parse`] first to keep the rest of the contact.
    pub fn read(contact: Contact, numbering: &Numbering) -> Result<Self>;

    /// The contact as given.
    #[must_use]
    pub fn contact(&self) -> &Contact;

    /// What each number turned out to be, in the order of `contact.numbers`. [`Number::Unusable`] can never match.
    #[must_use]
    pub fn readings(&self) -> &[Number];
}

/// A range of numbers that somebody entered: "+40 21 312 34xx is Acme".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Block {
    /// The digits that are fixed, with the country code.
    pub prefix: u64,
    /// How many digits a number of the block has; `None` for any.
    pub length: Option<u8>,
}

impl Block {
    /// Reads `+40 21 312 34xx` (each `x` one digit) or `+40 21 312 34*` (any further digits).
    ///
    /// # Errors
    /// `Invalid` without a plus, or with fewer than five digits behind the country code.
    pub fn parse(text: &str) -> Result<Self>;
}
