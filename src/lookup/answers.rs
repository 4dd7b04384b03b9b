//! Remembers which answer a PBX got for a call, for the events that it reports later about the same call.
//!
//! A lookup carries no name of the call, so its answer is found again by project, number and number called. What is kept
//! is the explanation that exists anyway; keeping it costs a hash and no copy. Withheld callers are not remembered:
//! nothing would tell one from the other.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use crate::directory::{Book, Directory};
use crate::model::Call;
use crate::number::Number;
use crate::sources::Question;

use super::decide::{self, Decision};
use super::explain::Explanation;
use super::merge::{self, Candidate};
use super::recall::Recalled;
use super::rules::Facts;
use super::{Lookup, Outcome, Project, candidates};

/// How many answers are kept.
const KEPT: usize = 4_000;

/// How long an answer counts for events of its call, in milliseconds: longer than a caller waits in a queue and speaks.
const WINDOW: i64 = 4 * 3_600 * 1_000;

/// Recent answers. Shared by all workers; the shards of the cache have locks of their own.
pub(super) struct Answers {
    kept: Cache<u64, Arc<Explanation>>,
    hasher: RandomState,
}

impl Default for Answers {
    fn default() -> Self {
        Self { kept: Cache::new(KEPT), hasher: RandomState::new() }
    }
}

/// What tells one call from another: the customer's number.
#[derive(Hash, PartialEq, Eq)]
enum Who<'a> {
    Phone(u64),
    Local(&'a str),
}

fn who(number: &Number) -> Option<Who<'_>> {
    match number {
        Number::Phone { phone, .. } => Some(Who::Phone(phone.key.get())),
        Number::Local(text) => Some(Who::Local(text)),
        Number::Withheld { .. } | Number::Unusable => None,
    }
}

/// The number called as far as two reports of it agree: its digits.
fn digits(dnid: &str) -> impl Iterator<Item = char> {
    dnid.chars().filter(char::is_ascii_digit)
}

impl Answers {
    pub(super) fn keep(&self, explanation: &Arc<Explanation>) {
        let question = &explanation.question;
        if let Some(key) = self.key(&explanation.project, &question.number, &question.call.dnid) {
            self.kept.insert(key, Arc::clone(explanation));
        }
    }

    fn key(&self, project: &str, number: &Number, dnid: &str) -> Option<u64> {
        let mut key = self.hasher.build_hasher();
        (project, who(number)?).hash(&mut key);
        digits(dnid).for_each(|digit| digit.hash(&mut key));
        Some(key.finish())
    }

    /// Two calls may share a key by chance, so what is found is compared.
    fn find(&self, project: &str, number: &Number, dnid: &str, now: i64) -> Option<Arc<Explanation>> {
        let found = self.kept.get(&self.key(project, number, dnid)?)?;
        let question = &found.question;
        let same = *found.project == *project
            && who(&question.number) == who(number)
            && digits(&question.call.dnid).eq(digits(dnid))
            && (now - WINDOW..=now + WINDOW).contains(&found.received);
        same.then_some(found)
    }
}

impl Lookup {
    /// Forgets everything that is remembered of anybody: answers of sources, explanations, readings of numbers.
    pub fn forget_everybody(&self) {
        self.cache.clear();
        self.recent.clear();
        self.answers.kept.clear();
        self.memo.clear();
    }

    /// Forgets who was unknown, after somebody was made known in another system.
    pub fn forget_unknown(&self) {
        self.cache.clear_unknown();
        self.answers.kept.retain(|_, kept| kept.outcome != Outcome::Unknown);
    }

    /// Reads a number as the project's calls are read.
    pub fn read_number(&self, project: &Project, telephone: &str) -> Arc<Number> {
        self.memo.read(telephone, &project.config.numbering, project.numbering)
    }

    /// The last answer that this project's PBX got for a number and the number that it called, unless that is long ago or
    /// an address book that it rests on has changed since: then it is better to look up again.
    pub async fn recent_answer(&self, project: &Project, number: &Number, dnid: &str) -> Option<Arc<Explanation>> {
        let found = self.answers.find(&project.config.name, number, dnid, self.clock.utc_millis())?;
        self.is_current(project, &found).await.then_some(found)
    }

    /// Looks up a caller for calldex itself, not for a PBX: nothing is counted, and nobody's rate is used up. The answer
    /// is there at `deadline`, which may be later than a PBX would wait.
    pub async fn inquire(&self, project: &Project, call: Call, deadline: Instant) -> Explanation {
        self.explain(project, call, self.clock.now(), deadline, false).await
    }

    /// The address books that a project asks, in its order.
    pub fn books<'a>(&self, project: &'a Project) -> impl Iterator<Item = &'a Book> {
        project.asked.iter().filter_map(super::fan_out::Asked::book)
    }

    /// Where the address books are.
    #[must_use]
    pub fn directory(&self) -> &Arc<dyn Directory> {
        &self.directory
    }

    /// The longest that a source of this project may take.
    #[must_use]
    pub fn patience(&self, project: &Project) -> Duration {
        project.asked.iter().filter_map(super::fan_out::Asked::timeout).max().unwrap_or(project.config.deadline)
    }
}

impl Explanation {
    /// Every contact that was found, each once, the certain ones first.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        let mut all = candidates(&self.reports);
        all.sort_by_key(|candidate| (!candidate.hit.rung.is_certain(), candidate.place, candidate.hit.rung));
        let mut seen: Vec<Candidate> = Vec::new();
        for candidate in all {
            let known = |it: &Candidate| it.source == candidate.source && it.hit.contact.id == candidate.hit.contact.id;
            if !seen.iter().any(known) {
                seen.push(candidate);
            }
        }
        seen
    }

    /// What the answer would have been, had this candidate been the only one.
    #[must_use]
    pub fn answer_for(&self, project: &Project, candidate: &Candidate) -> Decision {
        let Question { call, number, .. } = &*self.question;
        let candidates = std::slice::from_ref(candidate);
        let person = merge::choose(candidates, None, project.config.guesses, false);
        let facts = Facts {
            project: &project.config,
            call,
            number,
            dnid: None,
            person: person.as_ref(),
            candidates,
            outcome: Outcome::Found,
            stranger: None,
            now: self.received,
            recalled: Recalled::nothing(),
        };
        decide::decide(&facts, &project.ruleset)
    }
}
