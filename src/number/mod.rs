//! Phone numbers: read once, compared as keys, never by suffix.
//!
//! Pure: no clock, no I/O. [`parse`] turns whatever a PBX or a file holds into a [`Number`]; its [`Key`] is what the
//! directory is indexed by and what the cache is keyed with.

pub mod ladder;

/// The digits of an E.164 number as an integer: `+40 722 111 222` is 40722111222.
///
/// Up to 19 digits: the 15 of the ITU are not a safe bound. It never starts with a zero, so no digit is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u64);

/// A number that is E.164: as read, with what is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Phone {
    /// What it is compared by.
    pub key: Key,
    /// Whether it is a valid number of its numbering plan; a number that is only possible ranks behind.
    pub valid: bool,
}

/// What a text turned out to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Number {
    /// The caller hides it, or there was none. A keypad spelling (266696687) keeps its reading as a number, which only
    /// the directories may be asked for.
    Withheld {
        /// The keypad spelling as a number.
        reading: Option<Phone>,
    },
    /// An extension, a short number or a SIP user: a text key within the project's address books.
    Local(String),
    /// A telephone number.
    Phone {
        /// The first reading.
        phone: Phone,
        /// Extension behind the number; leading zeros count.
        extension: Option<String>,
        /// The other valid reading of a number without plus.
        alternate: Option<Phone>,
    },
    /// Neither: no number that could be somebody's.
    Unusable,
}

/// How the numbers of a project or an address book are read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Numbering {
    /// Two-letter country of numbers without a country code, upper case; `None` reads only international ones.
    pub country: Option<String>,
    /// What digits without a plus are.
    pub without_plus: WithoutPlus,
    /// Digits dialled for an outside line, which stand before the number, such as `9`.
    pub outside_prefix: Option<String>,
    /// Technical prefix of the trunk, such as `9999#`, taken off first.
    pub strip_prefix: Option<String>,
    /// Words that mean "withheld", beside the built-in ones; compared without case.
    pub withheld: Vec<String>,
}

/// What digits without a plus are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WithoutPlus {
    /// National if that is valid, else international; the other valid reading is kept as alternate.
    #[default]
    Auto,
    /// Always national.
    National,
    /// Always international, the plus is missing.
    International,
}
