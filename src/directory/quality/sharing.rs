//! What it means that several contacts have the same number, by rules that a person can check.
//!
//! In this order: all have the same name in whatever order of words, or the same e-mail address: the same person twice.
//! All have the same company, or more than six share the number: a switchboard. All have one word of their names in
//! common: a family. Else nobody can tell.

use std::collections::BTreeSet;

use crate::directory::SharedNumber;
use crate::model::{Contact, Field};

/// More than this on one number are no family.
const LARGEST_FAMILY: u64 = 6;

/// What contacts with the same number probably are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sharing {
    /// One person, stored several times: merge the contacts.
    SamePerson,
    /// People of one surname.
    Family,
    /// People of one company, or many.
    Switchboard,
    /// Different people: one of them may have the number no longer.
    Unclear,
}

impl Sharing {
    /// Every kind, for reports.
    pub const ALL: [Self; 4] = [Self::SamePerson, Self::Family, Self::Switchboard, Self::Unclear];

    /// One word for JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SamePerson => "same_person",
            Self::Family => "family",
            Self::Switchboard => "switchboard",
            Self::Unclear => "unclear",
        }
    }

    /// What to tell the owner of the contacts.
    #[must_use]
    pub fn explain(self) -> &'static str {
        match self {
            Self::SamePerson => "one number, one name or e-mail address: the same person several times",
            Self::Family => "one number, names with a word in common: a family",
            Self::Switchboard => "one number, one company or more than six contacts: a switchboard",
            Self::Unclear => "one number, different people: perhaps not everybody's any more",
        }
    }
}

/// Decides by the rules above.
pub(super) fn of(shared: &SharedNumber) -> Sharing {
    let all_have = |key: fn(&Contact) -> Option<String>| {
        let mut keys = shared.contacts.iter().map(key);
        let first = keys.next().flatten();
        first.is_some() && keys.all(|key| key == first)
    };
    let seen_all = shared.count == shared.contacts.len() as u64;
    if seen_all && (all_have(name_key) || all_have(|contact| text(contact, Field::Email))) {
        Sharing::SamePerson
    } else if shared.count > LARGEST_FAMILY || all_have(|contact| text(contact, Field::Company)) {
        Sharing::Switchboard
    } else if have_a_word_in_common(&shared.contacts) {
        Sharing::Family
    } else {
        Sharing::Unclear
    }
}

fn text(contact: &Contact, field: Field) -> Option<String> {
    contact.get(field).map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty())
}

/// The words of the name in one order: `Pop Ana` is `Ana Pop`.
fn name_key(contact: &Contact) -> Option<String> {
    let words = words(contact);
    (!words.is_empty()).then(|| words.into_iter().collect::<Vec<_>>().join(" "))
}

fn words(contact: &Contact) -> BTreeSet<String> {
    let name = contact.get(Field::Name).unwrap_or_default().to_lowercase();
    name.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| word.chars().count() > 1)
        .map(str::to_owned)
        .collect()
}

fn have_a_word_in_common(contacts: &[Contact]) -> bool {
    let mut common = contacts.first().map(words).unwrap_or_default();
    for contact in contacts {
        let own = words(contact);
        common.retain(|word| own.contains(word));
    }
    !common.is_empty()
}
