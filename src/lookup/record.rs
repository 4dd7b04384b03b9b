//! What is left of a lookup when its answer is ready: an explanation, numbers in the metrics, at most one log line.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use metrics::counter;

use crate::directory::Statistics;
use crate::metrics::{DEGRADED, STALE, VALUES_REFUSED};
use crate::sources::Question;

use super::explain::Explanation;
use super::fan_out::Asked;
use super::{Answer, Lookup, Outcome, Project, Reply};

/// How many explanations are kept.
pub(super) const KEPT: usize = 1_000;

/// Largest call that is kept whole with its explanation, in bytes: a PBX sends some hundred. Thousands of explanations are
/// kept, and what is in them is chosen by clients.
const LARGEST: usize = 8 * 1024;

/// Characters of a number that are kept of a larger one.
const SHORTENED: usize = 256;

/// The explanations of the last lookups. The lock is held for a push or a search, never across an await.
#[derive(Default)]
pub(super) struct Recent {
    explanations: Mutex<VecDeque<Arc<Explanation>>>,
}

impl Recent {
    fn push(&self, explanation: Arc<Explanation>) {
        let mut explanations = self.explanations.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = if explanations.len() >= KEPT { explanations.pop_front() } else { None };
        explanations.push_back(explanation);
        drop(explanations);
        drop(oldest);
    }

    /// Forgets them all.
    pub(super) fn clear(&self) {
        let forgotten = std::mem::take(&mut *self.explanations.lock().unwrap_or_else(PoisonError::into_inner));
        drop(forgotten);
    }

    /// The project's newest lookup with this request id. Clients choose ids, so two projects may have the same.
    pub(super) fn find(&self, project: &str, request_id: &str) -> Option<Arc<Explanation>> {
        let is_meant =
            |it: &&Arc<Explanation>| *it.project == *project && it.question.call.request_id.as_str() == request_id;
        let explanations = self.explanations.lock().unwrap_or_else(PoisonError::into_inner);
        explanations.iter().rev().find(is_meant).cloned()
    }
}

impl Lookup {
    /// Writes down how a lookup went and makes its answer.
    pub(super) fn record(&self, project: &Project, explanation: Explanation) -> Answer {
        count(project, &explanation);
        project.metrics.seconds.record(explanation.took.as_secs_f64());
        let explanation = Arc::new(bounded(explanation));
        self.recent.push(Arc::clone(&explanation));
        self.answers.keep(&explanation);
        Answer { caller_data: Arc::clone(&explanation.decision.caller_data), outcome: explanation.outcome, explanation }
    }

    /// How much each address book of these projects holds.
    pub async fn book_statistics<'a>(
        &self,
        projects: impl Iterator<Item = &'a Arc<Project>>,
    ) -> BTreeMap<Arc<str>, Statistics> {
        let mut all = BTreeMap::new();
        for asked in projects.flat_map(|project| &project.asked) {
            if let Asked::Book { book, .. } = asked
                && !all.contains_key(&book.name)
                && let Ok(statistics) = self.directory.statistics(book).await
            {
                all.insert(Arc::clone(&book.name), statistics);
            }
        }
        all
    }

    /// Why the address books of these projects cannot be read; `None` when they can.
    pub async fn store_obstacle<'a>(&self, projects: impl Iterator<Item = &'a Arc<Project>>) -> Option<String> {
        for asked in projects.flat_map(|project| &project.asked) {
            if let Asked::Book { book, .. } = asked {
                return self.directory.check(book).await.err().map(|error| error.to_string());
            }
        }
        None
    }

    /// How many answers are kept (found, unknown), and how many requests are on their way.
    #[must_use]
    pub fn sizes(&self) -> ((usize, usize), usize) {
        (self.cache.sizes(), self.flights.count())
    }
}

/// An explanation that takes no more memory than many of them may.
fn bounded(explanation: Explanation) -> Explanation {
    let Question { call, number, numbering } = &*explanation.question;
    if call.size() <= LARGEST {
        return explanation;
    }
    let call = Arc::new(call.shortened(SHORTENED));
    let question = Question { call, number: Arc::clone(number), numbering: Arc::clone(numbering) };
    Explanation { question: Arc::new(question), ..explanation }
}

fn count(project: &Project, explanation: &Explanation) {
    let metrics = &project.metrics;
    match explanation.outcome {
        Outcome::Found => &metrics.found,
        Outcome::Unknown => &metrics.unknown,
        Outcome::Undetermined => &metrics.undetermined,
        Outcome::Withheld => &metrics.withheld,
    }
    .increment(1);
    if explanation.over_rate {
        metrics.over_rate.increment(1);
    }
    for report in &explanation.reports {
        match (&report.reply, report.cached) {
            (Reply::Hits(_), true) => metrics.cache_hits.increment(1),
            (Reply::Hits(_), false) => metrics.cache_misses.increment(1),
            (Reply::Failed(_) | Reply::Late, _) => {
                counter!(DEGRADED, "source" => report.source.to_string()).increment(1);
            }
            (Reply::NotAsked(_), _) => {}
        }
        if report.is_stale() {
            counter!(STALE, "source" => report.source.to_string()).increment(1);
        }
    }
    if let Some(ruling) = &explanation.decision.ruling {
        metrics.rules_failed.increment(u64::try_from(ruling.failures()).unwrap_or_default());
    }
    for violation in &explanation.decision.violations {
        counter!(VALUES_REFUSED, "field" => violation.field).increment(1);
    }
}
