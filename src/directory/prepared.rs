//! A contact whose numbers have been read, ready to be stored.
//!
//! Reading costs microseconds and needs no store, so the importer does it in threads of its own and can report what a
//! text turned out to be without reading it twice.

use crate::error::Result;
use crate::model::Contact;
use crate::number::block::{Block, parse_block};
use crate::number::indexed::{Indexed, indexed};
use crate::number::{Key, Numbering};

/// A contact with the readings of its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    pub(super) contact: Contact,
    pub(super) readings: Vec<Indexed>,
    /// The parts of each block, in the order of `contact.blocks`.
    pub(super) blocks: Vec<Vec<Block>>,
    /// By which the store knows the row again that this was read from.
    pub(super) digest: Option<Digest>,
    /// The version in the store that says exactly this; readings and blocks are empty then.
    pub(super) known: Option<i64>,
}

/// Names the content of a row, and whether all of its numbers can be matched.
pub(super) type Digest = [u8; 17];

impl Prepared {
    /// Reads the numbers of a contact: each with its own country, else with that of the address book.
    ///
    /// # Errors
    /// `Invalid` for a block that is none; check them with [`parse_block`] first to keep the rest of the contact.
    pub fn read(contact: Contact, numbering: &Numbering) -> Result<Self> {
        let readings = contact.numbers.iter();
        let readings =
            readings.map(|number| indexed(&number.written, &number.country, &number.label, numbering)).collect();
        let blocks = contact.blocks.iter().map(|text| parse_block(text, numbering)).collect::<Result<_>>()?;
        Ok(Self { contact, readings, blocks, digest: None, known: None })
    }

    /// A contact that is stored exactly so, with numbers that can all be matched.
    pub(super) fn recognised(contact: Contact, version: i64) -> Self {
        Self { contact, readings: Vec::new(), blocks: Vec::new(), digest: None, known: Some(version) }
    }

    /// Whether the numbers were not read because the contact is stored exactly so; all of them can be matched.
    #[must_use]
    pub fn is_recognised(&self) -> bool {
        self.known.is_some()
    }

    /// The contact as given.
    #[must_use]
    pub fn contact(&self) -> &Contact {
        &self.contact
    }

    /// What each number turned out to be, in the order of `contact.numbers`; those that can never match say why. Empty
    /// for a contact that was only recognised.
    #[must_use]
    pub fn readings(&self) -> &[Indexed] {
        &self.readings
    }
}

/// What a number is stored and found under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MatchKey {
    /// A telephone number and its extension.
    Phone(Key, Option<String>),
    /// An extension, short number or SIP user.
    Local(String),
    /// Last digits of a number that could not be read.
    Tail(u64),
    /// Nothing: it never matches.
    None,
}

impl MatchKey {
    pub(super) fn of(reading: &Indexed) -> Self {
        match reading {
            Indexed::Number { key, extension, .. } => Self::Phone(*key, extension.clone()),
            Indexed::Local(text) => Self::Local(text.clone()),
            Indexed::Unread { tail, .. } => tail.map_or(Self::None, Self::Tail),
        }
    }

    /// Whether a call can be matched with it.
    pub(super) fn is_certain(&self) -> bool {
        matches!(self, Self::Phone(..) | Self::Local(_))
    }
}
