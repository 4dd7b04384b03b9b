//! Which lists of a project a caller is on.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{Entry, List, Project, Who};
use crate::number::{Key, Number, country_of};

/// The lists of a project, ready to be searched.
#[derive(Debug, Default)]
pub(super) struct Lists(Vec<Searchable>);

/// A list, with an index of its numbers: blocklists grow long.
#[derive(Debug)]
struct Searchable {
    name: Arc<str>,
    numbers: HashMap<Key, Vec<Entry>>,
    others: Vec<Entry>,
}

/// A list that the caller is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The list.
    pub list: Arc<str>,
    /// The note of the entry.
    pub note: Option<String>,
}

/// What is looked for in the lists.
pub(super) struct Sought<'a> {
    pub(super) number: &'a Number,
    /// Where the caller was found.
    pub(super) found_in: &'a [Arc<str>],
    /// Milliseconds since 1970 UTC.
    pub(super) now: i64,
}

impl Lists {
    pub(super) fn of(project: &Project) -> Self {
        Self(project.routing.lists.iter().map(|(name, list)| Searchable::of(name, list)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lists that the caller is on, in the order of their names.
    pub(super) fn find(&self, sought: &Sought<'_>) -> Vec<Listed> {
        let mut country = None;
        let listed = self.0.iter().filter_map(|list| {
            let entry = list.find(sought, &mut country)?;
            Some(Listed { list: Arc::clone(&list.name), note: entry.note.clone() })
        });
        listed.collect()
    }
}

impl Searchable {
    fn of(name: &Arc<str>, list: &List) -> Self {
        let mut numbers: HashMap<Key, Vec<Entry>> = HashMap::new();
        let mut others = Vec::new();
        for entry in &list.entries {
            match &entry.who {
                Who::Number(key) => numbers.entry(*key).or_default().push(entry.clone()),
                _ => others.push(entry.clone()),
            }
        }
        Self { name: Arc::clone(name), numbers, others }
    }

    fn find(&self, sought: &Sought<'_>, country: &mut Option<Option<String>>) -> Option<&Entry> {
        let counts = |entry: &&Entry| entry.expires.is_none_or(|expires| sought.now < expires);
        let phone = match sought.number {
            Number::Phone { phone, .. } => Some(phone),
            _ => None,
        };
        let by_number = phone.and_then(|phone| self.numbers.get(&phone.key)?.iter().find(counts));
        by_number.or_else(|| {
            let digits = phone.map(|phone| phone.key.get().to_string());
            self.others.iter().filter(counts).find(|entry| match &entry.who {
                Who::Number(_) => false,
                Who::Local(name) => matches!(sought.number, Number::Local(local) if local == name),
                Who::Prefix(prefix) => digits.as_ref().is_some_and(|digits| digits.starts_with(prefix.as_str())),
                Who::Country(wanted) => {
                    country.get_or_insert_with(|| phone.and_then(country_of)).as_ref() == Some(wanted)
                }
                Who::Directory(name) => sought.found_in.contains(name),
            })
        })
    }
}
