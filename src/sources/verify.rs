//! Makes sure that the contacts of a system are the caller: the most important rule of this program.
//!
//! A system that calldex does not own finds what is spelled alike, contains the digits or ends with them. So every number of
//! every contact that it returns is read with the country of the source and compared as a key, on the same ladder as
//! those of the address books; a contact without the caller's number is dropped. Only an answer that carries no number
//! at all is taken at its word, and its rung says so.

use std::sync::Arc;

use super::watch::{self, Note};
use crate::directory::Hit;
use crate::model::Contact;
use crate::number::indexed::{Indexed, indexed};
use crate::number::ladder::{self, By, Row, Rung, Wanted};
use crate::number::several::split_several;
use crate::number::{Number, Numbering};

/// The field with what the source calls the number by which a contact was found, such as `mobile`.
pub const NUMBER_LABEL: &str = "number_label";

/// The contacts that are the caller, each with the rung on which it was found.
#[must_use]
pub fn verify(contacts: Vec<Contact>, number: &Number, numbering: &Numbering) -> Vec<Hit> {
    if contacts.iter().all(|contact| contact.numbers.is_empty()) {
        return contacts.into_iter().map(|contact| hit(contact, Rung::Asserted)).collect();
    }
    let count = contacts.len();
    let numbers = if watch::is_on() { written(&contacts) } else { Vec::new() };
    let hits = compare(contacts, number, numbering);
    watch::note(|| {
        let strangers = if hits.is_empty() { numbers } else { Vec::new() };
        Note::Verified { contacts: count, kept: hits.len(), strangers }
    });
    hits
}

/// Adds what another reading of the number has found to what is known already.
pub fn add_new(known: &mut Vec<Hit>, found: Vec<Hit>) {
    for hit in found {
        if known.iter().all(|known| known.contact != hit.contact) {
            known.push(hit);
        }
    }
}

/// Keeps the contacts that a condition holds for, where it holds for some of those with the same number. Whoever has the number
/// that the other reading means is another caller, and is not told apart by it.
pub fn prefer(hits: &mut Vec<Hit>, holds: impl Fn(&Contact) -> bool) {
    let preferred: Vec<(Rung, bool)> = hits.iter().map(|hit| (hit.rung, holds(&hit.contact))).collect();
    let mut each = preferred.iter();
    hits.retain(|hit| each.next().is_none_or(|(_, holds)| *holds) || !preferred.contains(&(hit.rung, true)));
}

/// Puts contacts into an order that does not depend on the one of the answer: the usual reading of the number first, the newest
/// first, then by id.
pub fn order(hits: &mut [Hit]) {
    let key = |hit: &Hit| (hit.rung, std::cmp::Reverse(hit.contact.updated));
    hits.sort_by(|one, other| key(one).cmp(&key(other)).then_with(|| one.contact.id.cmp(&other.contact.id)));
}

fn written(contacts: &[Contact]) -> Vec<String> {
    contacts.iter().flat_map(|contact| &contact.numbers).map(|number| number.written.clone()).collect()
}

fn compare(contacts: Vec<Contact>, number: &Number, numbering: &Numbering) -> Vec<Hit> {
    let wanted = Wanted::of(number, false);
    let read = contacts.iter().enumerate().flat_map(|(place, contact)| rows_of(place, contact, numbering));
    let (rows, labels): (Vec<Row<usize>>, Vec<String>) = read.unzip();
    let mut contacts: Vec<Option<Contact>> = contacts.into_iter().map(Some).collect();
    let hits = ladder::choose(&wanted, &rows).into_iter().filter_map(|(rung, place)| {
        let mut contact = contacts[place].take()?;
        name_number(&mut contact, rows.iter().zip(&labels).filter(|(row, _)| row.contact == place), &wanted);
        Some(hit(contact, rung))
    });
    hits.collect()
}

/// Notes what the source calls the number by which a contact was found, so that a mobile one can come before a switchboard.
fn name_number<'a>(contact: &mut Contact, rows: impl Iterator<Item = (&'a Row<usize>, &'a String)>, wanted: &Wanted) {
    let keys = wanted.keys();
    let is_wanted = |row: &Row<usize>| matches!(row.by, By::Number(key) if keys.contains(&key));
    let mut labels: Vec<&str> = Vec::new();
    for (_, label) in rows.filter(|(row, label)| is_wanted(row) && !label.is_empty()) {
        if !labels.contains(&label.as_str()) {
            labels.push(label);
        }
    }
    if !labels.is_empty() {
        contact.custom.entry(NUMBER_LABEL.to_owned()).or_insert_with(|| labels.join(", "));
    }
}

fn hit(contact: Contact, rung: Rung) -> Hit {
    Hit { contact: Arc::new(contact), rung }
}

/// The numbers of a contact as the ladder compares them. Extensions and short numbers of other systems name nobody here.
fn rows_of(place: usize, contact: &Contact, numbering: &Numbering) -> Vec<(Row<usize>, String)> {
    let mut rows = Vec::new();
    for number in &contact.numbers {
        for written in split_several(&number.written) {
            if let Indexed::Number { key, extension, .. } = indexed(written, &number.country, &number.label, numbering)
            {
                rows.push((Row { by: By::Number(key), extension, contact: place }, number.label.clone()));
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContactId, ContactNumber};
    use crate::number::parse;

    fn contact(id: u32, numbers: &[&str]) -> Contact {
        let number = |written: &&str| ContactNumber { written: (*written).to_owned(), ..ContactNumber::default() };
        Contact { id: ContactId::Integer(id), numbers: numbers.iter().map(number).collect(), ..Contact::default() }
    }

    fn verified(contacts: Vec<Contact>, telephone: &str) -> Vec<(Rung, String)> {
        let romanian = Numbering::of_country("RO");
        let hits = verify(contacts, &parse(telephone, &romanian), &romanian);
        hits.iter().map(|hit| (hit.rung, hit.contact.id.to_string())).collect()
    }

    #[test]
    fn whoever_only_contains_the_digits_is_dropped() {
        let contacts =
            vec![contact(1, &["+49 722 111 222"]), contact(2, &["(0722) 111-222"]), contact(3, &["10722111222"])];
        assert_eq!(verified(contacts, "+40722111222"), [(Rung::Exact, "2".to_owned())]);
    }

    #[test]
    fn an_answer_without_any_number_is_taken_at_its_word() {
        assert_eq!(verified(vec![contact(7, &[])], "0722111222"), [(Rung::Asserted, "7".to_owned())]);
    }

    #[test]
    fn a_contact_without_number_beside_one_with_numbers_is_dropped() {
        let contacts = vec![contact(1, &[]), contact(2, &["0722111222; 0733111222"])];
        assert_eq!(verified(contacts, "0733 111 222"), [(Rung::Exact, "2".to_owned())]);
        assert!(verified(vec![contact(1, &[]), contact(2, &["0722111223"])], "0722111222").is_empty());
    }

    #[test]
    fn a_preference_tells_those_with_one_number_apart_and_leaves_those_of_the_other_reading() {
        let hit = |id, rung, updated| Hit { contact: Arc::new(Contact { updated, ..contact(id, &[]) }), rung };
        let all = [
            hit(4, Rung::Exact, 1),
            hit(1, Rung::Alternate, 9),
            hit(3, Rung::Exact, 1),
            hit(2, Rung::Exact, 2),
            hit(5, Rung::Alternate, 9),
        ];
        let left = |preferred: &[u32]| {
            let mut hits = all.to_vec();
            prefer(&mut hits, |contact| preferred.iter().any(|id| contact.id == ContactId::Integer(*id)));
            order(&mut hits);
            hits.iter().map(|hit| hit.contact.id.to_string()).collect::<String>()
        };
        assert_eq!((left(&[]), left(&[4, 3])), ("23415".to_owned(), "3415".to_owned()));
        assert_eq!((left(&[5]), left(&[1, 2])), ("2345".to_owned(), "21".to_owned()));
    }

    #[test]
    fn a_contact_says_what_its_source_calls_the_number_that_it_was_found_by() {
        let labelled = |numbers: &[(&str, &str)]| {
            let number = |(label, written): &(&str, &str)| ContactNumber {
                written: (*written).to_owned(),
                label: (*label).to_owned(),
                ..ContactNumber::default()
            };
            Contact { numbers: numbers.iter().map(number).collect(), ..contact(1, &[]) }
        };
        for (numbers, expected) in [
            (&[("work", "021 312 3456"), ("mobile", "0722111222")][..], Some("mobile")),
            (&[("home", "+40722111222"), ("mobile", "0722 111 222"), ("home", "0722111222")], Some("home, mobile")),
            (&[("work", "021 312 3456"), ("", "0722111222")], None),
        ] {
            let romanian = Numbering::of_country("RO");
            let hits = verify(vec![labelled(numbers)], &parse("0722111222", &romanian), &romanian);
            assert_eq!(hits[0].contact.custom.get(NUMBER_LABEL).map(String::as_str), expected);
        }
    }

    #[test]
    fn the_other_reading_of_a_number_without_plus_counts_and_says_so() {
        let hits = verified(vec![contact(1, &["+49 30 123456"])], "4930123456");
        assert!(matches!(hits.as_slice(), [(Rung::Exact | Rung::Alternate, _)]), "{hits:?}");
    }
}
