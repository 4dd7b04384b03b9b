//! What is wrong with the contacts of an address book, for the person who can mend it.
//!
//! Nothing is changed. The report counts everything and names the first places of each kind; the file of corrections
//! (`corrections.rs`) holds every contact with a wrong number, whole, so that it can be edited and imported.

mod corrections;
mod report;
mod sharing;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Write;

use super::{Book, Directory};
use crate::error::Result;
use crate::model::{Contact, ContactId, ContactNumber, Field};
use crate::number::indexed::{Indexed, Reason, indexed};
use crate::number::{Number, Numbering, parse};

use corrections::Corrections;
pub use sharing::Sharing;

/// How many places are named of each kind; all are counted.
pub const PLACES: usize = 20;

/// The state of one address book.
#[derive(Debug, Clone, Default)]
pub struct Quality {
    /// Contacts in the book.
    pub contacts: u64,
    /// Numbers that a call can be matched with.
    pub numbers: u64,
    /// What was found, by kind.
    pub findings: BTreeMap<Finding, Tally>,
    /// Lines in the file of corrections, without the names of the columns.
    pub corrections: u64,
}

/// What can be wrong. The order is the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// A number that can never match a call, and why.
    Never(Reason),
    /// A number without a plus that is a number of two countries.
    TwoWays,
    /// A number that can be matched, but is none of its numbering plan: mistyped, or a digit is missing.
    Doubtful,
    /// A number with an extension: a call from it shows the number, seldom the extension.
    Extension,
    /// A contact that no agent can greet by name: no name and no company.
    NoName,
    /// A contact that no call can find: no number and no block.
    NoNumber,
    /// A number that several contacts have, and what that looks like.
    Shared(Sharing),
}

/// One kind of finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// The first [`PLACES`].
    pub first: Vec<Place>,
}

/// Where something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The contact, or those that share a number.
    pub ids: Vec<ContactId>,
    /// The number as written, or the name, or what else is worth seeing.
    pub found: String,
}

/// Reads a book and reports on it; corrections go to `fixes` as CSV. Blocks: never call it from an async worker.
///
/// # Errors
/// Those of [`Directory::scan`], and `Unavailable` when `fixes` cannot be written.
pub fn check(directory: &dyn Directory, book: &Book, fixes: Option<&mut dyn Write>) -> Result<Quality> {
    let mut quality = Quality::default();
    let mut corrections = fixes.map(Corrections::begin).transpose()?;
    directory.scan(book, 1, &mut |_, contact| {
        let wrong = quality.look_at(&contact, &book.numbering);
        match &mut corrections {
            Some(corrections) if wrong => corrections.add(&contact, &book.numbering),
            _ => Ok(()),
        }
    })?;
    directory.shared_numbers(book, &mut |shared| {
        let names: Vec<&str> = shared.contacts.iter().take(3).map(name_of).collect();
        let more = if shared.count > 3 { ", ..." } else { "" };
        let found = format!("{}: {}{more}", shared.number, names.join(", "));
        let ids = shared.contacts.iter().map(|contact| contact.id.clone()).collect();
        quality.add(Finding::Shared(sharing::of(&shared)), ids, &found);
        Ok(())
    })?;
    if let Some(corrections) = corrections {
        quality.corrections = corrections.end()?;
    }
    Ok(quality)
}

impl Quality {
    /// How often something was found.
    #[must_use]
    pub fn count(&self, finding: Finding) -> u64 {
        self.findings.get(&finding).map_or(0, |tally| tally.count)
    }

    /// Looks at one contact; says whether there is something that a file of corrections can mend.
    fn look_at(&mut self, contact: &Contact, numbering: &Numbering) -> bool {
        self.contacts += 1;
        let mut wrong = false;
        let mut note = |finding: Finding, found: &str| {
            self.add(finding, vec![contact.id.clone()], found);
            wrong |= finding != Finding::Extension;
        };
        let mut matched = 0;
        for number in &contact.numbers {
            match Verdict::of(number, numbering) {
                Verdict::Good => matched += 1,
                Verdict::Extension => {
                    matched += 1;
                    note(Finding::Extension, &number.written);
                }
                Verdict::TwoWays { first, other } => {
                    matched += 1;
                    note(Finding::TwoWays, &format!("{}: {first} or {other}", number.written));
                }
                Verdict::Doubtful => {
                    matched += 1;
                    note(Finding::Doubtful, &number.written);
                }
                Verdict::Never(reason) => note(Finding::Never(reason), &number.written),
            }
        }
        if contact.get(Field::Name).or(contact.get(Field::Company)).is_none() {
            note(Finding::NoName, contact.numbers.first().map_or("", |number| &number.written));
        }
        if contact.numbers.is_empty() && contact.blocks.is_empty() {
            note(Finding::NoNumber, name_of(contact));
        }
        self.numbers += matched;
        wrong
    }

    fn add(&mut self, finding: Finding, ids: Vec<ContactId>, found: &str) {
        let tally = self.findings.entry(finding).or_default();
        tally.count += 1;
        if tally.first.len() < PLACES {
            tally.first.push(Place { ids, found: report::printable(found) });
        }
    }
}

/// What one number is good for.
enum Verdict {
    Good,
    Extension,
    TwoWays { first: String, other: String },
    Doubtful,
    Never(Reason),
}

impl Verdict {
    fn of(number: &ContactNumber, numbering: &Numbering) -> Self {
        match indexed(&number.written, &number.country, &number.label, numbering) {
            Indexed::Unread { reason, .. } => Self::Never(reason),
            Indexed::Number { valid: false, .. } => Self::Doubtful,
            Indexed::Number { extension: Some(_), .. } => Self::Extension,
            Indexed::Local(_) => Self::Good,
            Indexed::Number { .. } => match parse(&number.written, &own_numbering(number, numbering)) {
                Number::Phone { phone, alternate: Some(other), .. } => {
                    Self::TwoWays { first: phone.key.to_string(), other: other.key.to_string() }
                }
                _ => Self::Good,
            },
        }
    }
}

/// How this number is read: with its own country, else that of the book.
fn own_numbering(number: &ContactNumber, numbering: &Numbering) -> Numbering {
    let mut own = numbering.clone();
    if !number.country.is_empty() {
        own.country = Some(number.country.clone());
    }
    own
}

fn name_of(contact: &Contact) -> &str {
    contact.get(Field::Name).or(contact.get(Field::Company)).unwrap_or("(no name)")
}
