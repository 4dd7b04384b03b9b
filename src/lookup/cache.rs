//! Remembers what the sources said about a number, for a while.
//!
//! Two answers are kept: contacts, and a definite "nobody knows this number". They live in bounded caches of their own,
//! so that random caller ids do not evict customers. A failure is never kept: the next call must try again. `now` is a
//! parameter everywhere, so tests never sleep.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quick_cache::Weighter;

use crate::config;
use crate::directory::{Hit, Revision};
use crate::number::Number;

/// Bytes that count as one entry, as almost every answer is smaller. What is in one, a source chooses, and what it is
/// remembered under, whoever calls.
const BYTES: usize = 1024;

/// What an answer depends on. Two questions with equal keys have the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey {
    /// The source with its settings.
    pub(crate) source: SourceId,
    /// The reading, with extension and alternate.
    pub(crate) number: Arc<Number>,
    /// Whether the last digits are tried as well.
    pub(crate) tail: bool,
    /// The values of what the source declares to use of the call beside the number.
    pub(crate) inputs: Box<[String]>,
}

/// Stands for one source with one set of settings as long as the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SourceId(pub(crate) u32);

/// What the cache knows about a key.
#[derive(Debug, Clone)]
pub(crate) enum Remembered {
    /// An answer that may be used; an empty list says that the source knows nobody.
    Fresh(Arc<[Hit]>),
    /// Contacts that may be used only when the source fails.
    Stale(Arc<[Hit]>),
}

/// Answers by what they depend on, as many as weigh so much.
type Answers = quick_cache::sync::Cache<CacheKey, Entry, Weight>;

/// The two caches.
pub(crate) struct Cache {
    found: Option<Answers>,
    unknown: Option<Answers>,
    lifetimes: Lifetimes,
}

/// How long each kind of answer may be reused.
#[derive(Debug, Clone, Copy)]
struct Lifetimes {
    found: Duration,
    unknown: Duration,
    stale: Duration,
}

#[derive(Clone)]
struct Entry {
    hits: Arc<[Hit]>,
    since: Instant,
    revision: Revision,
    /// Whether it holds all that the source knows.
    complete: bool,
    weight: u64,
}

#[derive(Clone)]
struct Weight;

impl Weighter<CacheKey, Entry> for Weight {
    fn weight(&self, _key: &CacheKey, entry: &Entry) -> u64 {
        entry.weight
    }
}

impl Cache {
    /// Empty caches of the configured sizes; a size of 0 switches one off.
    pub(crate) fn new(settings: &config::Cache) -> Self {
        let sized = |entries: usize| (entries > 0).then(|| Answers::with_weighter(entries, entries as u64, Weight));
        let lifetimes = Lifetimes { found: settings.found, unknown: settings.unknown, stale: settings.stale };
        Self { found: sized(settings.found_entries), unknown: sized(settings.unknown_entries), lifetimes }
    }

    /// Returns the remembered answer, or `None` when there is none or it is too old.
    ///
    /// It may be used only while the address book still has the revision that comes with it; live sources have none.
    pub(crate) fn get(&self, key: &CacheKey, now: Instant) -> Option<(Remembered, Revision)> {
        if let Some(entry) = self.found.as_ref().and_then(|cache| cache.get(key)) {
            let age = now.saturating_duration_since(entry.since);
            if entry.complete && age <= self.lifetimes.found {
                return Some((Remembered::Fresh(entry.hits), entry.revision));
            }
            return (age <= self.lifetimes.stale).then_some((Remembered::Stale(entry.hits), entry.revision));
        }
        let entry = self.unknown.as_ref()?.get(key)?;
        let age = now.saturating_duration_since(entry.since);
        (age <= self.lifetimes.unknown).then_some((Remembered::Fresh(entry.hits), entry.revision))
    }

    /// Keeps an answer. One that contradicts an older one replaces it.
    pub(crate) fn put(&self, key: CacheKey, hits: Arc<[Hit]>, revision: Revision, now: Instant) {
        self.keep(key, hits, revision, true, now);
    }

    /// Keeps contacts of a live source of which not everything could be learned: they stand in when the source fails, but
    /// the next call asks again. The same people of whom more is remembered stay.
    pub(crate) fn put_incomplete(&self, key: CacheKey, hits: Arc<[Hit]>, now: Instant) {
        let known = self.found.as_ref().and_then(|cache| cache.get(&key)).filter(|known| known.complete);
        let fresh_enough = |known: &Entry| now.saturating_duration_since(known.since) <= self.lifetimes.stale;
        if !known.is_some_and(|known| fresh_enough(&known) && are_same_people(&known.hits, &hits)) {
            self.keep(key, hits, Revision::default(), false, now);
        }
    }

    fn keep(&self, key: CacheKey, hits: Arc<[Hit]>, revision: Revision, complete: bool, now: Instant) {
        let (keep, forget) = if hits.is_empty() { (&self.unknown, &self.found) } else { (&self.found, &self.unknown) };
        if let Some(cache) = forget {
            cache.remove(&key);
        }
        if let Some(cache) = keep {
            let bytes = key.inputs.iter().map(String::len).chain(hits.iter().map(|hit| hit.contact.size()));
            let weight = 1 + (bytes.sum::<usize>() / BYTES) as u64;
            cache.insert(key, Entry { hits, since: now, revision, complete, weight });
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        [&self.found, &self.unknown].into_iter().flatten().for_each(Answers::clear);
    }

    /// Forgets who was unknown.
    pub(crate) fn clear_unknown(&self) {
        self.unknown.iter().for_each(Answers::clear);
    }

    /// How many answers are kept: found, unknown.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        let size = |cache: &Option<Answers>| cache.as_ref().map_or(0, |it| it.len());
        (size(&self.found), size(&self.unknown))
    }

    /// Says whether nothing is ever kept.
    pub(crate) fn is_off(&self) -> bool {
        self.found.is_none() && self.unknown.is_none()
    }
}

/// Whether two answers name the same contacts, whatever else they know about them.
pub(crate) fn are_same_people(one: &[Hit], other: &[Hit]) -> bool {
    one.iter().map(|hit| &hit.contact.id).eq(other.iter().map(|hit| &hit.contact.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};
    use crate::model::Contact;
    use crate::number::ladder::Rung;

    const MINUTE: Duration = Duration::from_secs(60);

    fn cache() -> Cache {
        Cache::new(&config::Cache {
            found: 15 * MINUTE,
            unknown: MINUTE,
            stale: 24 * 60 * MINUTE,
            found_entries: 100,
            unknown_entries: 100,
            number_entries: 100,
        })
    }

    fn key(local: &str) -> CacheKey {
        CacheKey {
            source: SourceId(1),
            number: Arc::new(Number::Local(local.into())),
            tail: false,
            inputs: Box::new([]),
        }
    }

    fn somebody() -> Arc<[Hit]> {
        Arc::new([Hit { contact: Arc::new(Contact::default()), rung: Rung::Exact }])
    }

    fn nobody() -> Arc<[Hit]> {
        Arc::new([])
    }

    /// What may be used while the book has this revision.
    fn get(cache: &Cache, key: &CacheKey, revision: Revision, now: Instant) -> Option<Remembered> {
        cache.get(key, now).filter(|(_, of)| *of == revision).map(|(remembered, _)| remembered)
    }

    #[test]
    fn an_unknown_number_is_forgotten_sooner_than_a_known_one() {
        let (cache, start) = (cache(), SystemClock.now());
        cache.put(key("101"), somebody(), Revision(1), start);
        cache.put(key("102"), nobody(), Revision(1), start);
        let later = start + 2 * MINUTE;
        assert!(
            matches!(get(&cache, &key("101"), Revision(1), later), Some(Remembered::Fresh(hits)) if hits.len() == 1)
        );
        assert!(get(&cache, &key("102"), Revision(1), start + MINUTE).is_some());
        assert!(get(&cache, &key("102"), Revision(1), later).is_none());
    }

    #[test]
    fn a_known_number_grows_stale_and_then_is_gone() {
        let (cache, start) = (cache(), SystemClock.now());
        cache.put(key("101"), somebody(), Revision(1), start);
        assert!(matches!(get(&cache, &key("101"), Revision(1), start + 16 * MINUTE), Some(Remembered::Stale(_))));
        assert!(get(&cache, &key("101"), Revision(1), start + 25 * 60 * MINUTE).is_none());
    }

    #[test]
    fn a_change_of_the_address_book_drops_what_was_remembered() {
        let (cache, start) = (cache(), SystemClock.now());
        cache.put(key("101"), somebody(), Revision(1), start);
        cache.put(key("102"), nobody(), Revision(1), start);
        assert!(get(&cache, &key("101"), Revision(2), start).is_none());
        assert!(get(&cache, &key("102"), Revision(2), start).is_none());
    }

    #[test]
    fn a_contradicting_answer_replaces_the_older_one() {
        let (cache, start) = (cache(), SystemClock.now());
        cache.put(key("101"), somebody(), Revision(1), start);
        cache.put(key("101"), nobody(), Revision(1), start);
        assert!(
            matches!(get(&cache, &key("101"), Revision(1), start), Some(Remembered::Fresh(hits)) if hits.is_empty())
        );
    }

    #[test]
    fn contacts_that_are_not_complete_only_stand_in_and_take_the_place_of_nothing_better() {
        let (cache, start) = (cache(), SystemClock.now());
        let other: Arc<[Hit]> = {
            let contact = Contact { id: crate::model::ContactId::Integer(7), ..Contact::default() };
            Arc::new([Hit { contact: Arc::new(contact), rung: Rung::Exact }])
        };
        let stale = |now| match cache.get(&key("101"), now) {
            Some((Remembered::Stale(hits), _)) => Some(hits),
            fresh => panic!("expected what only stands in, found {fresh:?}"),
        };
        cache.put_incomplete(key("101"), somebody(), start);
        assert!(are_same_people(&stale(start).unwrap(), &somebody()));
        let complete = somebody();
        cache.put(key("101"), Arc::clone(&complete), Revision::default(), start);
        let later = start + 16 * MINUTE;
        cache.put_incomplete(key("101"), somebody(), later);
        assert!(Arc::ptr_eq(&stale(later).unwrap(), &complete), "more is known of the same");
        cache.put_incomplete(key("101"), Arc::clone(&other), later);
        assert!(Arc::ptr_eq(&stale(later).unwrap(), &other), "the number is another's now");
        assert!(cache.get(&key("101"), later + 25 * 60 * MINUTE).is_none());
    }

    #[test]
    fn large_answers_and_long_questions_take_the_place_of_as_many_usual_ones() {
        let (cache, start) = (cache(), SystemClock.now());
        for number in 0..100 {
            let mut large = Contact::default();
            large.custom.insert("note".to_owned(), "x".repeat(20 * BYTES));
            let large: Arc<[Hit]> = Arc::new([Hit { contact: Arc::new(large), rung: Rung::Exact }]);
            cache.put(key(&format!("1{number}")), large, Revision(1), start);
            let inputs = Box::new(["9".repeat(20 * BYTES)]);
            cache.put(CacheKey { inputs, ..key(&format!("2{number}")) }, nobody(), Revision(1), start);
        }
        let (found, unknown) = cache.sizes();
        assert!(found < 6 && unknown < 6, "{found} and {unknown} of 20 KB where 100 of 1 KB have room");
    }

    #[test]
    fn random_callers_do_not_evict_customers() {
        let (cache, start) = (cache(), SystemClock.now());
        cache.put(key("customer"), somebody(), Revision(1), start);
        for number in 0..10_000 {
            cache.put(key(&number.to_string()), nobody(), Revision(1), start);
        }
        assert!(get(&cache, &key("customer"), Revision(1), start).is_some());
        assert!(cache.sizes().1 <= 100);
    }
}
