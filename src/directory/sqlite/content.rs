//! What a contact becomes when a row of a file speaks about it. Pure.

use sha2::{Digest as _, Sha256};

use super::rows::Record;
use crate::directory::Covers;
use crate::directory::prepared::{Digest, MatchKey};
use crate::model::{Contact, Field};
use crate::number::{METADATA_VERSION, Numbering};

/// Bytes of a digest that are of the hash: enough that two rows never share it by accident.
const HASH_BYTES: usize = 16;

/// The last byte of a digest when all numbers can be matched, so that nothing is lost by not reading them again.
pub(super) const ALL_MATCH: u8 = 1;

/// The old content with what the file covers taken from the new row. `updated` is the row's, when it gives one.
pub(super) fn replace(old: &Record, new: Record, covers: &Covers) -> Record {
    let mut merged = old.clone();
    for field in &covers.fields {
        merged.contact.set(*field, new.contact.get(*field).unwrap_or_default());
    }
    for name in &covers.custom {
        merged.contact.custom.remove(name);
    }
    merged.contact.custom.extend(new.contact.custom);
    if covers.numbers {
        merged.contact.numbers = new.contact.numbers;
        merged.keys = new.keys;
    }
    if covers.blocks {
        merged.contact.blocks = new.contact.blocks;
        merged.blocks = new.blocks;
    }
    if covers.primary {
        merged.contact.primary = new.contact.primary;
    }
    if new.contact.updated != 0 {
        merged.contact.updated = new.contact.updated;
    }
    merged
}

/// The content with what a further row of the same contact adds: new numbers, and fields that are still empty.
pub(super) fn add(existing: &Record, more: Record) -> Record {
    let mut merged = existing.clone();
    for (field, value) in more.contact.fields {
        merged.contact.fields.entry(field).or_insert(value);
    }
    for (name, value) in more.contact.custom {
        merged.contact.custom.entry(name).or_insert(value);
    }
    for (number, key) in more.contact.numbers.into_iter().zip(more.keys) {
        let known = merged.contact.numbers.contains(&number) || (key.is_certain() && merged.keys.contains(&key));
        if !known {
            merged.contact.numbers.push(number);
            merged.keys.push(key);
        }
    }
    for (text, block) in more.contact.blocks.into_iter().zip(more.blocks) {
        if !merged.blocks.contains(&block) {
            merged.contact.blocks.push(text);
            merged.blocks.push(block);
        }
    }
    merged.contact.primary |= more.contact.primary;
    merged.contact.updated = merged.contact.updated.max(more.contact.updated);
    merged
}

/// Whether two contents are the same; the time of the last change counts only when the file gave it.
pub(super) fn same(one: &Record, other: &Record, with_updated: bool) -> bool {
    let (a, b) = (&one.contact, &other.contact);
    (!with_updated || a.updated == b.updated)
        && a.fields == b.fields
        && a.custom == b.custom
        && a.primary == b.primary
        && a.numbers == b.numbers
        && a.blocks == b.blocks
        && one.keys == other.keys
        && one.blocks == other.blocks
}

/// Knows a row of a file again, so that the same row twice costs one read and its numbers are not read again. Two equal
/// digests mean that the row would change nothing; two different ones mean nothing.
pub(super) struct Digester {
    covers: Covers,
    /// A hash of what decides, beside a number itself, what it is read as.
    reading: u64,
}

impl Digester {
    pub(super) fn new(covers: Covers, numbering: &Numbering) -> Self {
        let hash = Sha256::digest(format!("{METADATA_VERSION} {numbering:?}"));
        let reading = hash.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        Self { covers, reading }
    }

    pub(super) fn covers(&self) -> &Covers {
        &self.covers
    }

    /// The digest of a row; `all_match` says whether each of its numbers can be matched.
    pub(super) fn digest(&self, contact: &Contact, all_match: bool) -> Digest {
        let covers = &self.covers;
        let mut feed = Feed::default();
        feed.numbers([self.reading]);
        feed.numbers([covers.numbers, covers.blocks, covers.primary, contact.primary].map(u64::from));
        covers.fields.iter().for_each(|field| feed.text(field.as_str()));
        covers.custom.iter().for_each(|name| feed.text(name));
        feed.numbers([contact.updated.cast_unsigned(), contact.numbers.len() as u64, contact.blocks.len() as u64]);
        for field in Field::ALL {
            feed.text(contact.get(field).unwrap_or_default());
        }
        for (name, value) in &contact.custom {
            feed.text(name);
            feed.text(value);
        }
        for number in &contact.numbers {
            for text in [&number.written, &number.country, &number.label] {
                feed.text(text);
            }
        }
        contact.blocks.iter().for_each(|text| feed.text(text));
        let mut digest = Digest::default();
        digest[..HASH_BYTES].copy_from_slice(&feed.hash()[..HASH_BYTES]);
        digest[HASH_BYTES] = if all_match { ALL_MATCH } else { 0 };
        digest
    }
}

/// The id of a contact that has none: made from what it is known by, so that the same row gets the same one.
pub(super) fn derived_id(record: &Record) -> String {
    let mut feed = Feed::default();
    feed.text(&fold_name(record));
    let certain: Vec<_> = record.keys.iter().filter(|key| key.is_certain()).collect();
    certain.iter().for_each(|key| feed.key(key));
    if certain.is_empty() {
        for field in [Field::Company, Field::Email] {
            feed.text(record.contact.get(field).unwrap_or_default());
        }
        record.contact.numbers.iter().for_each(|number| feed.text(&number.written));
    }
    let hash = feed.hash();
    let digits: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{DERIVED}{digits}")
}

/// How an id starts that this module made.
pub(super) const DERIVED: &str = "c-";

/// The name as two spellings of it are compared: without case and extra blanks.
pub(super) fn fold_name(record: &Record) -> String {
    fold(record.contact.get(Field::Name).unwrap_or_default())
}

/// A name without case and extra blanks.
pub(super) fn fold(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Hashes texts and integers so that no two lists of them look alike.
struct Feed(Vec<u8>);

impl Default for Feed {
    fn default() -> Self {
        Self(Vec::with_capacity(1_024))
    }
}

impl Feed {
    fn text(&mut self, text: &str) {
        self.numbers([text.len() as u64]);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn numbers<const N: usize>(&mut self, numbers: [u64; N]) {
        numbers.iter().for_each(|number| self.0.extend_from_slice(&number.to_le_bytes()));
    }

    fn hash(&self) -> impl std::ops::Deref<Target = [u8]> {
        Sha256::digest(&self.0)
    }

    fn key(&mut self, key: &MatchKey) {
        match key {
            MatchKey::Phone(key, extension) => {
                self.numbers([1, key.get()]);
                self.text(extension.as_deref().unwrap_or_default());
            }
            MatchKey::Local(text) => self.text(text),
            MatchKey::Tail(tail) => self.numbers([2, *tail]),
            MatchKey::None => self.numbers([3]),
        }
    }
}
