//! Phone numbers: read once, compared as keys, never by suffix.
//!
//! Pure: no clock, no I/O. [`parse`] turns whatever a PBX or a file holds into a [`Number`]; its [`Key`] is what the
//! directory is indexed by and what the cache is keyed with. The steps of [`parse`] are the files of this folder, in
//! this order: `clean` (one alphabet), `withheld` (is there a number?), `wrappers` (spreadsheets), `uri` (SIP headers,
//! URIs, channels), `prefix` (service codes), `body` (label, number, rest), `reading` and `parser` (which number it
//! is), `extension`. What is done with a number afterwards: [`forms()`] (spellings), [`ladder`] (what to look for),
//! [`indexed`] (how a contact is stored), [`several`] (cells that hold several), [`block`] (ranges). What proves it:
//! [`hostile`] and [`simulation`].

mod alias;
pub mod block;
mod body;
mod clean;
mod extension;
mod forms;
pub mod hostile;
pub mod indexed;
mod key;
pub mod ladder;
mod parser;
mod prefix;
mod reading;
pub mod several;
pub mod simulation;
mod uri;
mod withheld;
mod wrappers;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

pub use forms::{Forms, METADATA_VERSION, Spelling, country_of, forms, is_known_country, nearest_country};
pub use key::Key;

use body::{Body, Digits, MOST_DIGITS};
use parser::Reading;
use reading::{Reader, Readings};

/// Most digits of an extension or short number that is looked for in address books only.
pub const LONGEST_LOCAL: usize = 6;

/// Most characters of a code with `*` and `#`.
const LONGEST_CODE: usize = 8;

/// Most characters of a SIP user that is looked for.
const LONGEST_USER: usize = 64;

/// How many places inside of a number are tried as the start of an extension.
const MOST_CUTS: usize = 3;

/// A number that is E.164: as read, with what is known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

impl Number {
    /// What another system is asked for: the readings of a telephone number, the likelier one first. Nothing of any other
    /// kind is told to anybody.
    pub fn readings(&self) -> impl Iterator<Item = &Phone> {
        let both = match self {
            Self::Phone { phone, alternate, .. } => [Some(phone), alternate.as_ref()],
            _ => [None, None],
        };
        both.into_iter().flatten()
    }

    /// One word for explanations, logs and the command line.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Withheld { .. } => "withheld",
            Self::Local(_) => "local",
            Self::Phone { .. } => "phone",
            Self::Unusable => "unusable",
        }
    }
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

impl Numbering {
    /// The settings of a country with everything else by default.
    #[must_use]
    pub fn of_country(country: &str) -> Self {
        Self { country: Some(country.to_owned()), ..Self::default() }
    }
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

/// Reads a number. Takes any text of any length and never fails: what is no number is one of the other kinds.
#[must_use]
pub fn parse(text: &str, numbering: &Numbering) -> Number {
    let cleaned = clean::clean(text);
    if withheld::is_word(&cleaned.text, &numbering.withheld) {
        return Number::Withheld { reading: None };
    }
    let unwrapped = wrappers::unwrap(&cleaned.text);
    let address = uri::address(unwrapped);
    if address.anonymous || withheld::is_word(&address.user, &numbering.withheld) {
        return Number::Withheld { reading: None };
    }
    let user = wrappers::unwrap(&address.user);
    if wrappers::is_scientific(user) {
        return Number::Unusable;
    }
    let bare = prefix::strip(user, numbering.strip_prefix.as_deref());
    if address.is_user && !is_dialled(bare) {
        return local_user(user);
    }
    let reader = Reader::new(numbering, address.context.as_deref(), cleaned.lost_plus);
    let Some(body) = Body::cut(bare) else { return Number::Unusable };
    let found = find(&body, &reader);
    match judge(&body, bare, found, address.extension) {
        Number::Unusable if address.is_user && !reader.is_elsewhere() => local_user(user),
        Number::Local(_) if reader.is_elsewhere() => Number::Unusable,
        number => number,
    }
}

/// Loads the numbering plans, which takes milliseconds, before the first call needs them.
pub fn warm_up(country: Option<&str>) {
    let numbering = Numbering { country: country.map(str::to_owned), ..Numbering::default() };
    for text in ["+40722111222", "0722111222", "4930123456", "0049 30 123456"] {
        let _ = parse(text, &numbering);
    }
}

/// Finds the number in a text: with its letters typed, the whole, the part before an extension, over commas.
fn find(body: &Body<'_>, reader: &Reader<'_>) -> (Readings, Option<String>) {
    let behind = extension::behind(body.rest);
    let typed = body.typed_letters().filter(|_| behind.is_none());
    if body.letters_are_attached()
        && let Some(readings) = valid(reader, typed.as_deref())
    {
        return (readings, None);
    }
    let whole = reader.read(body.written);
    if whole.is_valid() {
        return before_brackets(body, reader, whole).unwrap_or((whole, behind));
    }
    for (head, tail) in body.inner_cuts().take(MOST_CUTS) {
        if let Some(readings) = valid(reader, Some(head)) {
            return (readings, extension::behind_cut(tail));
        }
    }
    if let Some((joined, rest)) = body.joined_over_commas()
        && let Some(readings) = valid(reader, Some(&joined))
    {
        return (readings, extension::behind(rest));
    }
    match valid(reader, typed.as_deref()) {
        Some(readings) => (readings, None),
        None => (whole, behind),
    }
}

/// A number in front of closing brackets, `+49 30 123456 (123)`: nobody sets the end of a number in brackets, so these
/// are an extension although, where numbers have no fixed length, the whole is valid too. It is kept as the alternate.
fn before_brackets(body: &Body<'_>, reader: &Reader<'_>, whole: Readings) -> Option<(Readings, Option<String>)> {
    let (head, tail) = body.closing_brackets()?;
    let extension = extension::behind_cut(tail)?;
    let readings = valid(reader, Some(head))?;
    Some((Readings { alternate: whole.first, ..readings }, Some(extension)))
}

fn valid(reader: &Reader<'_>, written: Option<&str>) -> Option<Readings> {
    written.map(|written| reader.read(written)).filter(Readings::is_valid)
}

/// Decides what kind of number the readings make.
fn judge(
    body: &Body<'_>,
    text: &str,
    (readings, behind): (Readings, Option<String>),
    parameter: Option<String>,
) -> Number {
    let Digits { digits, plus, .. } = Digits::collect(body.written);
    let first = readings.first.map(phone);
    if !first.is_some_and(|phone| phone.valid && plus) && body.plain {
        if withheld::is_keypad_spelling(&digits) {
            return Number::Withheld { reading: first };
        }
        if withheld::is_one_digit(&digits, LONGEST_LOCAL) {
            return Number::Withheld { reading: None };
        }
    }
    match first {
        Some(phone) if !phone.valid && is_filler(phone.key) => Number::Withheld { reading: None },
        Some(phone) if phone.valid || plus || digits.len() > LONGEST_LOCAL => {
            Number::Phone { phone, extension: parameter.or(behind), alternate: readings.alternate.map(self::phone) }
        }
        _ if !plus && digits.len() <= LONGEST_LOCAL && body.plain => local_digits(text, digits),
        _ => Number::Unusable,
    }
}

/// Whether an invalid number is a word typed on a keypad or one digit repeated, behind a plus or prefix.
fn is_filler(key: Key) -> bool {
    let digits = key.get().to_string();
    withheld::is_keypad_spelling(&digits) || withheld::is_one_digit(&digits, LONGEST_LOCAL)
}

/// An extension; a code with `*` or `#` keeps its signs.
fn local_digits(text: &str, digits: String) -> Number {
    let code: String = text.chars().filter(|character| matches!(character, '0'..='9' | '*' | '#')).collect();
    if code.len() == digits.len() {
        return Number::Local(digits);
    }
    if code.len() <= LONGEST_CODE { Number::Local(code) } else { Number::Unusable }
}

/// A SIP user that is no number. SIP compares users with case (RFC 3261), people do not. More digits than are read could not
/// be compared whole.
fn local_user(user: &str) -> Number {
    let lower = user.to_lowercase();
    let is_inside = |character: char| character.is_alphanumeric() || "._-+~!$&*# ".contains(character);
    let digits = lower.bytes().filter(u8::is_ascii_digit).count();
    let is_short = lower.chars().count() <= LONGEST_USER && digits <= MOST_DIGITS;
    let fits = !lower.is_empty() && is_short && lower.chars().all(is_inside);
    if fits { Number::Local(lower) } else { Number::Unusable }
}

/// Whether a SIP user consists of what can be dialled and what stands between digits.
fn is_dialled(user: &str) -> bool {
    user.bytes().any(|byte| byte.is_ascii_digit())
        && user.bytes().all(|byte| byte.is_ascii_digit() || b"+-.() *#_/,;".contains(&byte))
}

fn phone(reading: Reading) -> Phone {
    Phone { key: reading.key, valid: reading.valid }
}
