//! The calls of an erased person.
//!
//! Calls that were tied to the contact go, and those of his numbers, unless somebody else still has the number: a family's
//! or a company's calls are not his alone.

use super::{Candidate, Workshop, workshop};
use crate::clock::{Clock, SystemClock};
use crate::directory::Reach;
use crate::error::Result;
use crate::events::{EventStore, Wiped};
use crate::model::{ContactId, ContactRef};
use crate::number::indexed::{Indexed, indexed};
use crate::number::{Key, Number, Numbering, Phone, parse};
use crate::store::events_path;

/// Wipes the calls of the contacts, and of numbers that nobody has any more, from the file of events.
pub(super) fn wipe(workshop: &Workshop, numbers: &[Key], erased: &[Candidate]) -> Result<Wiped> {
    let path = &workshop.config.server.store;
    if !events_path(path).exists() {
        return Ok(Wiped { log_truncated: true, ..Wiped::default() });
    }
    let contacts = erased.iter().map(reference).collect();
    let store = EventStore::open(path)?;
    workshop::block_on(store.wipe(numbers.to_vec(), contacts, SystemClock.utc_millis()))?
}

fn reference(one: &Candidate) -> ContactRef {
    ContactRef { source: one.book.name.clone(), id: ContactId::clone(&one.contact.id) }
}

/// The given number and those of the contacts, without the ones that somebody still has.
pub(super) fn numbers_of_nobody(
    workshop: &Workshop,
    number: Option<&str>,
    erased: &[Candidate],
    reach: Reach,
) -> Result<Vec<Key>> {
    if reach == Reach::TheirBooks {
        // Another book may know the same person, and keeps his calls.
        return Ok(Vec::new());
    }
    let mut keys: Vec<Key> = Vec::new();
    let numberings = workshop.config.directories.values().map(|settings| &settings.numbering);
    let projects = workshop.config.projects.values().map(|project| &project.numbering);
    for numbering in numberings.chain(projects) {
        keys.extend(number.and_then(|text| key(text, numbering)));
    }
    for Candidate { book, contact } in erased {
        keys.extend(contact.numbers.iter().filter_map(|number| {
            match indexed(&number.written, &number.country, &number.label, &book.numbering) {
                Indexed::Number { key, .. } => Some(key),
                _ => None,
            }
        }));
    }
    keys.sort_unstable();
    keys.dedup();
    let mut left = Vec::new();
    for key in keys {
        if !somebody_has(workshop, key)? {
            left.push(key);
        }
    }
    Ok(left)
}

fn key(text: &str, numbering: &Numbering) -> Option<Key> {
    match parse(text, numbering) {
        Number::Phone { phone, .. } => Some(phone.key),
        _ => None,
    }
}

fn somebody_has(workshop: &Workshop, key: Key) -> Result<bool> {
    let number = Number::Phone { phone: Phone { key, valid: true }, extension: None, alternate: None };
    for book in workshop.books()? {
        if !workshop::block_on(workshop.directory.holders(&book, &number))??.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
