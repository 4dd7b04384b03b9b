//! The waist: every call goes through [`Lookup::answer`], which reads as the list of its steps.
//!
//! A face hands in a [`Call`] and gets an [`Answer`], whatever protocol it speaks. Whatever fails on the way, there is
//! an answer by the deadline; what failed is named in it.

mod answers;
mod cache;
mod checks;
mod decide;
mod explain;
mod fan_out;
mod flight;
mod memo;
pub mod merge;
mod prepare;
mod recall;
mod record;
mod rules;
pub mod safety;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::config;
use crate::directory::Directory;
use crate::model::{Call, CallerData, History};
use crate::number::Number;
use crate::sources::Question;

use cache::Cache;
use fan_out::{Asked, FanOut};
use flight::Flights;
use memo::Memo;
use merge::Candidate;
use recall::Recalled;
use record::Recent;
use rules::Facts;

pub use checks::CHECKS;
pub use decide::{Decision, From, Origin};
pub use explain::Explanation;
pub use fan_out::{Reply, Report, StandIn};
pub use prepare::Project;
pub use rules::{Fields, Listed, Ruling, Verdict};

/// Answers calls. One for the process; projects come and go with the configuration, this stays with its cache.
pub struct Lookup {
    directory: Arc<dyn Directory>,
    clock: Arc<dyn Clock>,
    memo: Memo,
    cache: Arc<Cache>,
    flights: Flights,
    identities: prepare::Identities,
    recent: Recent,
    answers: answers::Answers,
    history: Option<Arc<dyn History>>,
}

/// What is known about a caller when the answer leaves.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The answer for the PBX.
    pub caller_data: Arc<CallerData>,
    /// What kind of answer it is.
    pub outcome: Outcome,
    /// How it came to be; it also names the sources that did not answer.
    pub explanation: Arc<Explanation>,
}

/// What kind of answer it is. An outage is never "unknown".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Somebody was found.
    Found,
    /// Every source said that it knows nobody.
    Unknown,
    /// Nobody was found, and some source failed or was late.
    Undetermined,
    /// The caller hides his number.
    Withheld,
}

impl Outcome {
    /// One word for explanations, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Unknown => "unknown",
            Self::Undetermined => "undetermined",
            Self::Withheld => "withheld",
        }
    }
}

impl Lookup {
    /// A lookup over a directory, with empty caches.
    #[must_use]
    pub fn new(directory: Arc<dyn Directory>, clock: Arc<dyn Clock>, settings: &config::Cache) -> Self {
        let cache = Arc::new(Cache::new(settings));
        Self {
            directory,
            memo: Memo::new(settings.number_entries),
            flights: Flights::new(Arc::clone(&cache), Arc::clone(&clock)),
            cache,
            clock,
            identities: prepare::Identities::default(),
            recent: Recent::default(),
            answers: answers::Answers::default(),
            history: None,
        }
    }

    /// The same lookup, with rules that can look at earlier calls.
    #[must_use]
    pub fn with_history(self, history: Arc<dyn History>) -> Self {
        Self { history: Some(history), ..self }
    }

    /// The same lookup, which asks live sources on a runtime of their own: the threads that answer calls do nothing else.
    #[must_use]
    pub fn asking_on(self, runtime: Handle) -> Self {
        Self { flights: self.flights.on(runtime), ..self }
    }

    /// Does something so that the tasks it starts run where live sources are asked.
    pub fn beside<T>(&self, work: impl FnOnce() -> T) -> T {
        self.flights.beside(work)
    }

    /// Says who is calling and where the call should go, by the project's deadline after `start`.
    pub async fn answer(&self, project: &Project, call: Call, start: Instant) -> Answer {
        let deadline = start + project.config.deadline;
        let explanation = self.explain(project, call, start, deadline, project.is_over_rate()).await;
        self.record(project, explanation)
    }

    /// The steps of a lookup, from the number to the decision.
    async fn explain(
        &self,
        project: &Project,
        call: Call,
        start: Instant,
        deadline: Instant,
        over_rate: bool,
    ) -> Explanation {
        let number = self.memo.read(&call.telephone, &project.config.numbering, project.numbering);
        let question = Arc::new(Question { call: Arc::new(call), number, numbering: Arc::clone(&project.home) });
        let now = self.clock.utc_millis();
        let picked = self.picked(project, &question.number);
        let picked = picked.as_ref();
        let asked = FanOut { lookup: self, project, question: &question, picked, start, deadline, over_rate };
        let (reports, recalled) = if project.ruleset.needs_history() {
            // Boxed: a lookup without such rules does not carry the room for both about.
            let recalled = self.recall(project, &question.number, now, deadline);
            Box::pin(futures_util::future::join(asked.run(), recalled)).await
        } else {
            (asked.run().await, Recalled::nothing())
        };
        let candidates = candidates(&reports);
        let person = merge::choose(&candidates, picked, project.config.guesses, project.config.fill);
        let outcome = outcome(person.is_some(), &question.number, &reports);
        let decision = decide::decide(
            &Facts {
                project: &project.config,
                call: &question.call,
                number: &question.number,
                dnid: self.read_dnid(project, &question.call),
                person: person.as_ref(),
                candidates: &candidates,
                outcome,
                stranger: stranger(project, &question, outcome),
                now,
                recalled,
            },
            &project.ruleset,
        );
        let took = self.clock.now().saturating_duration_since(start);
        Explanation {
            project: Arc::clone(&project.config.name),
            question,
            received: now.saturating_add(i64::try_from(took.as_millis()).unwrap_or(i64::MAX)),
            took,
            over_rate,
            reports,
            person,
            outcome,
            decision,
            note: None,
            shortened: OnceLock::new(),
        }
    }

    /// The reading of the number that was called, when a rule looks at it: the memo mostly has it.
    fn read_dnid(&self, project: &Project, call: &Call) -> Option<Arc<Number>> {
        let needed = project.ruleset.needs_dnid();
        needed.then(|| self.memo.read(&call.dnid, &project.config.numbering, project.numbering))
    }

    /// Answers a call that names no one caller, such as one with two different numbers, without asking any source: rules
    /// speak of him as of a caller whom nobody knows.
    pub fn answer_nobody(&self, project: &Project, call: Call, start: Instant, why: &'static str) -> Answer {
        let question = Arc::new(Question {
            call: Arc::new(call),
            number: Arc::new(Number::Unusable),
            numbering: Arc::clone(&project.home),
        });
        let now = self.clock.utc_millis();
        let facts = Facts {
            project: &project.config,
            call: &question.call,
            number: &question.number,
            dnid: self.read_dnid(project, &question.call),
            person: None,
            candidates: &[],
            outcome: Outcome::Unknown,
            stranger: None,
            now,
            recalled: Recalled::nothing(),
        };
        let decision = decide::decide(&facts, &project.ruleset);
        self.record(
            project,
            Explanation {
                project: Arc::clone(&project.config.name),
                question,
                received: now,
                took: self.clock.now().saturating_duration_since(start),
                over_rate: false,
                reports: Vec::new(),
                person: None,
                outcome: Outcome::Unknown,
                decision,
                note: Some(why),
                shortened: OnceLock::new(),
            },
        )
    }
}

/// The page that the first source has for a caller whom nobody knows.
fn stranger(project: &Project, question: &Question, outcome: Outcome) -> Option<(Arc<str>, String)> {
    let is_caller = outcome == Outcome::Unknown && matches!(&*question.number, Number::Phone { .. });
    let mut sources = project.asked.iter().filter(|_| is_caller);
    sources.find_map(|asked| match asked {
        Asked::Live { source, .. } => Some((Arc::clone(source.name()), source.link_for_unknown(question)?)),
        Asked::Book { .. } => None,
    })
}

/// Every contact that a source contributed, with its place in the project's order.
fn candidates(reports: &[Report]) -> Vec<Candidate> {
    let with_place = reports.iter().enumerate();
    with_place
        .flat_map(|(place, report)| {
            let of_source = move |hit: &crate::directory::Hit| Candidate {
                source: Arc::clone(&report.source),
                place,
                hit: hit.clone(),
            };
            report.hits().iter().map(of_source)
        })
        .collect()
}

fn outcome(found: bool, number: &Number, reports: &[Report]) -> Outcome {
    if found {
        Outcome::Found
    } else if matches!(number, Number::Withheld { .. }) {
        Outcome::Withheld
    } else if reports.iter().any(Report::is_missing) {
        Outcome::Undetermined
    } else {
        Outcome::Unknown
    }
}
