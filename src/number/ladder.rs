//! The ladder: in which ways a contact can be the caller, from certain to guessed.

use super::Key;

/// A step of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rung {
    /// The number, with its extension or without, is the contact's.
    Exact,
    /// The other reading of a number without plus is the contact's.
    Alternate,
    /// The source says so and gives no numbers to verify.
    Asserted,
    /// An extension, short number or SIP user of the project's address books.
    Local,
    /// The number is the contact's in an older numbering plan.
    Alias,
    /// A range of numbers that somebody entered holds the number.
    Block,
    /// The last digits are those of a number that could not be read.
    Tail,
}

impl Rung {
    /// Certain rungs are one class; the others are guesses.
    #[must_use]
    pub fn is_certain(self) -> bool {
        matches!(self, Self::Exact | Self::Alternate | Self::Asserted | Self::Local)
    }

    /// Name in explanations, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Alternate => "alternate",
            Self::Asserted => "asserted",
            Self::Local => "local",
            Self::Alias => "alias",
            Self::Block => "block",
            Self::Tail => "tail",
        }
    }
}

/// What to look for: every key under which the caller may be stored, by rung.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Wanted {
    /// The number and the extension behind it.
    pub exact: Option<(Key, Option<String>)>,
    /// The other reading.
    pub alternate: Option<Key>,
    /// The number in older numbering plans.
    pub aliases: Vec<Key>,
    /// An extension, short number or SIP user.
    pub local: Option<String>,
    /// The last nine digits, when the project tries them.
    pub tail: Option<u64>,
}
