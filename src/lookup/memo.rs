//! Remembers how a text was read as a number.
//!
//! PBXs ask for the same callers again and again, and a reading depends on nothing but the text and the numbering
//! settings. The parser costs microseconds, a look into this memo a fraction of one.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::Equivalent;
use quick_cache::sync::Cache;

use crate::number::{self, Number, Numbering};

/// Longest text that is remembered, in bytes. A longer one is no telephone number and not worth the memory.
const MAX_TEXT: usize = 64;

/// A bounded memory of readings, shared by all workers.
pub(crate) struct Memo {
    readings: Option<Cache<Reading, Arc<Number>>>,
}

impl Memo {
    /// A memo for so many texts; 0 switches it off.
    pub(crate) fn new(entries: usize) -> Self {
        Self { readings: (entries > 0).then(|| Cache::new(entries)) }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        if let Some(readings) = &self.readings {
            readings.clear();
        }
    }

    /// Reads a text with the settings that `identity` stands for.
    pub(crate) fn read(&self, text: &str, numbering: &Numbering, identity: NumberingId) -> Arc<Number> {
        let Some(readings) = self.readings.as_ref().filter(|_| text.len() <= MAX_TEXT) else {
            return Arc::new(number::parse(text, numbering));
        };
        if let Some(known) = readings.get(&ReadingRef { identity, text }) {
            return known;
        }
        let number = Arc::new(number::parse(text, numbering));
        readings.insert(Reading { identity, text: text.into() }, Arc::clone(&number));
        number
    }
}

/// Stands for one set of numbering settings as long as the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NumberingId(pub(crate) u32);

#[derive(PartialEq, Eq)]
struct Reading {
    identity: NumberingId,
    text: Box<str>,
}

struct ReadingRef<'a> {
    identity: NumberingId,
    text: &'a str,
}

impl Hash for Reading {
    fn hash<H: Hasher>(&self, state: &mut H) {
        ReadingRef { identity: self.identity, text: &self.text }.hash(state);
    }
}

impl Hash for ReadingRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity.hash(state);
        self.text.hash(state);
    }
}

impl Equivalent<Reading> for ReadingRef<'_> {
    fn equivalent(&self, key: &Reading) -> bool {
        self.identity == key.identity && self.text == &*key.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_once_for_each_numbering() {
        let memo = Memo::new(10);
        let romania = Numbering { country: Some("RO".into()), ..Numbering::default() };
        let germany = Numbering { country: Some("DE".into()), ..Numbering::default() };
        let first = memo.read("0722111222", &romania, NumberingId(1));
        assert!(Arc::ptr_eq(&first, &memo.read("0722111222", &romania, NumberingId(1))));
        assert_ne!(first, memo.read("0722111222", &germany, NumberingId(2)));
    }

    #[test]
    fn a_text_too_long_for_a_number_is_not_kept() {
        let memo = Memo::new(10);
        let text = "7".repeat(MAX_TEXT + 1);
        let first = memo.read(&text, &Numbering::default(), NumberingId(1));
        assert!(!Arc::ptr_eq(&first, &memo.read(&text, &Numbering::default(), NumberingId(1))));
    }
}
