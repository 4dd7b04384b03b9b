//! `[cache]`: how long and how much is remembered.

use std::time::Duration;

use super::keys::{Key, Kind, Section};
use super::reader::Reader;

/// `[cache]`: how long and how much is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// How long a found contact is reused.
    pub found: Duration,
    /// How long "nobody knows this number" is reused.
    pub unknown: Duration,
    /// How long a found contact may still be served when its source fails.
    pub stale: Duration,
    /// Most found answers kept.
    pub found_entries: usize,
    /// Most unknown answers kept; apart, so that random callers do not evict customers.
    pub unknown_entries: usize,
    /// Most number texts whose reading is remembered.
    pub number_entries: usize,
}

/// Longest lifetime that is accepted: a month.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// A number of entries; 0 turns the cache off. The bound is some gigabytes of memory.
const ENTRIES: Kind = Kind::Whole { min: 0, max: 10_000_000 };

/// A lifetime; `0s` keeps nothing.
const LIFETIME: Kind = Kind::Duration { min: Duration::ZERO, max: LONGEST };

/// The keys of `[cache]`.
pub(crate) static SECTION: Section = Section {
    path: "cache",
    about: "How long and how much is remembered of what sources and address books answered. A failure is never kept, \
            and a change in an address book is seen at once whatever stands here.",
    groups: &[&[
        Key::new("found", LIFETIME, "\"15m\"", "How long a found contact is reused. `\"0s\"` turns it off."),
        Key::new("unknown", LIFETIME, "\"60s\"", "How long \"nobody knows this number\" is reused."),
        Key::new(
            "stale",
            LIFETIME,
            "\"24h\"",
            "How long after that time a found contact may still be served when its source fails or is too slow.",
        ),
        Key::new(
            "found_entries",
            ENTRIES,
            "200000",
            "Most found answers kept in memory; each KB of a larger one counts.",
        ),
        Key::new(
            "unknown_entries",
            ENTRIES,
            "100000",
            "Most unknown answers kept; apart from the others, so that random callers do not push out customers.",
        ),
        Key::new("number_entries", ENTRIES, "200000", "Most number texts whose reading is remembered."),
    ]],
};

impl Cache {
    pub(crate) fn read(reader: Reader<'_>) -> Self {
        let entries = |name| usize::try_from(reader.whole(name).unwrap_or_default()).unwrap_or(usize::MAX);
        let cache = Self {
            found: reader.duration("found"),
            unknown: reader.duration("unknown"),
            stale: reader.duration("stale"),
            found_entries: entries("found_entries"),
            unknown_entries: entries("unknown_entries"),
            number_entries: entries("number_entries"),
        };
        reader.finish();
        cache
    }
}
