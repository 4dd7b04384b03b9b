//! Asks the sources of a project, and stops waiting as soon as the answer cannot change any more.
//!
//! The address books answer first, in microseconds. Live sources start together and are waited for in the project's
//! order: a later one may be faster, but it is not listened to before all that stand before it have spoken. That is why
//! the same question gets the same answer. At the deadline the wait ends with what has arrived.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;

use crate::config::Ask;
use crate::directory::{Book, Found, Hit, Revision};
use crate::error::Error;
use crate::model::ContactRef;
use crate::number::Number;
use crate::number::ladder::Wanted;
use crate::sources::{Inputs, Question, Source};

use super::cache::{CacheKey, Remembered, SourceId, are_same_people};
use super::flight::{Flight, Landed};
use super::{Lookup, Project, merge};

/// One of the sources of a project, in the project's order.
pub(crate) enum Asked {
    /// An address book of the directory.
    Book {
        /// The book.
        book: Book,
        /// Stands for it in the cache.
        id: SourceId,
    },
    /// A system that is asked at the moment of the call.
    Live {
        /// The source.
        source: Arc<dyn Source>,
        /// Stands for it in the cache.
        id: SourceId,
        /// How long one request may take; longer than any deadline.
        timeout: Duration,
        /// What of the call changes its answer.
        inputs: Inputs,
    },
}

impl Asked {
    /// The name in the configuration.
    pub(crate) fn name(&self) -> &Arc<str> {
        match self {
            Self::Book { book, .. } => &book.name,
            Self::Live { source, .. } => source.name(),
        }
    }

    /// The address book.
    pub(crate) fn book(&self) -> Option<&Book> {
        match self {
            Self::Book { book, .. } => Some(book),
            Self::Live { .. } => None,
        }
    }

    /// How long one request to a live source may take.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Book { .. } => None,
            Self::Live { timeout, .. } => Some(*timeout),
        }
    }

    fn id(&self) -> SourceId {
        match self {
            Self::Book { id, .. } | Self::Live { id, .. } => *id,
        }
    }
}

/// What one source contributed.
#[derive(Debug, Clone)]
pub struct Report {
    /// The source.
    pub source: Arc<str>,
    /// What it said.
    pub reply: Reply,
    /// Contacts that stand in for an answer that did not come.
    pub stand_in: Option<StandIn>,
    /// Whether the reply comes from the cache.
    pub cached: bool,
    /// Time from the start of the lookup until the reply was there.
    pub took: Duration,
    /// The revision of the address book that was read; zero for live sources.
    pub revision: Revision,
}

/// Contacts of a source that has not answered.
#[derive(Debug, Clone)]
pub enum StandIn {
    /// It has found them by now, and does not know all about them yet.
    SoFar(Arc<[Hit]>),
    /// They are remembered from before.
    Stale(Arc<[Hit]>),
}

/// What a source said.
#[derive(Debug, Clone)]
pub enum Reply {
    /// These contacts; an empty list is a definite "unknown".
    Hits(Arc<[Hit]>),
    /// It failed.
    Failed(Arc<Error>),
    /// It had not answered when the deadline came.
    Late,
    /// It was not asked, and why.
    NotAsked(&'static str),
}

impl Report {
    /// The contacts that count for the answer.
    #[must_use]
    pub fn hits(&self) -> &[Hit] {
        match (&self.reply, &self.stand_in) {
            (Reply::Hits(hits), _) | (_, Some(StandIn::SoFar(hits) | StandIn::Stale(hits))) => hits,
            _ => &[],
        }
    }

    /// Whether contacts remembered from before stand in for its answer.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        matches!(self.stand_in, Some(StandIn::Stale(_)))
    }

    /// Whether contacts stand in for its answer of which it does not know all yet.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        matches!(self.stand_in, Some(StandIn::SoFar(_)))
    }

    /// Says whether the source did not answer although it was asked.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.reply, Reply::Failed(_) | Reply::Late)
    }
}

const SETTLED: &str = "an earlier source had settled it";
const NO_PHONE: &str = "not a telephone number";
const TOLD: &str = "told of the call, nothing is expected of it";
const OVER_RATE: &str = "more lookups than the project's rate";

/// One lookup on its way through the sources.
pub(crate) struct FanOut<'a> {
    pub(crate) lookup: &'a Lookup,
    pub(crate) project: &'a Project,
    pub(crate) question: &'a Arc<Question>,
    /// Whom an agent has picked for this number: his source has to be heard.
    pub(crate) picked: Option<&'a ContactRef>,
    /// When the lookup began.
    pub(crate) start: Instant,
    /// When the answer has to leave.
    pub(crate) deadline: Instant,
    /// Whether the project is above its rate.
    pub(crate) over_rate: bool,
}

impl FanOut<'_> {
    /// Asks and returns one report for each source, in the project's order.
    pub(crate) async fn run(self) -> Vec<Report> {
        let mut reports: Vec<Option<Report>> = self.project.asked.iter().map(|_| None).collect();
        self.ask_books(&mut reports).await;
        if self.has_live() {
            match self.obstacle() {
                Some(why) => self.pass_over(&mut reports, why),
                None => {
                    self.tell(&mut reports);
                    // Boxed, so that a lookup of the address books alone does not carry the room for it about.
                    Box::pin(self.ask_live(&mut reports)).await;
                }
            }
        }
        let rest = self.project.asked.iter().zip(reports);
        rest.map(|(asked, report)| report.unwrap_or_else(|| self.report(asked, Reply::NotAsked(SETTLED)))).collect()
    }

    fn has_live(&self) -> bool {
        self.project.asked.iter().any(|asked| matches!(asked, Asked::Live { .. }))
    }

    /// Why no live source may see this number.
    fn obstacle(&self) -> Option<&'static str> {
        if !matches!(*self.question.number, Number::Phone { .. }) {
            return Some(NO_PHONE);
        }
        self.over_rate.then_some(OVER_RATE)
    }

    fn pass_over(&self, reports: &mut [Option<Report>], why: &'static str) {
        for (asked, slot) in self.project.asked.iter().zip(reports) {
            if slot.is_none() {
                *slot = Some(self.report(asked, Reply::NotAsked(why)));
            }
        }
    }

    /// Starts the flights to those that are only told of a call, whoever knows the caller already.
    fn tell(&self, reports: &mut [Option<Report>]) {
        for (asked, slot) in self.project.asked.iter().zip(reports) {
            let Asked::Live { source, timeout, inputs, .. } = asked else { continue };
            if inputs.each_call {
                drop(self.lookup.flights.board(&self.key(asked), source, *timeout, self.question));
                *slot = Some(self.report(asked, Reply::NotAsked(TOLD)));
            }
        }
    }

    /// Takes what the cache knows of the address books and reads the rest in one go.
    async fn ask_books(&self, reports: &mut [Option<Report>]) {
        let mut missing: Vec<(usize, &Book)> = Vec::new();
        for (place, asked) in self.project.asked.iter().enumerate() {
            let Asked::Book { book, .. } = asked else { continue };
            // The book is asked for its revision only when there is something that could be used.
            let Some((Remembered::Fresh(hits), then)) = self.remembered(asked) else {
                missing.push((place, book));
                continue;
            };
            match self.until_deadline(self.lookup.directory.revision(book)).await {
                Ok(revision) if revision == then => {
                    let report = self.report(asked, Reply::Hits(hits));
                    reports[place] = Some(Report { cached: true, revision, ..report });
                }
                Ok(_) => missing.push((place, book)),
                Err(error) => reports[place] = Some(self.failed_book(asked, error)),
            }
        }
        if !missing.is_empty() {
            self.read_books(&missing, reports).await;
        }
    }

    async fn read_books(&self, missing: &[(usize, &Book)], reports: &mut [Option<Report>]) {
        let wanted = Wanted::of(&self.question.number, self.project.config.guesses.tail);
        let books: Vec<Book> = missing.iter().map(|(_, book)| (*book).clone()).collect();
        match self.until_deadline(self.lookup.directory.find(&books, &wanted)).await {
            Ok(answers) => {
                for ((place, _), Found { revision, hits }) in missing.iter().zip(answers) {
                    let (asked, hits) = (&self.project.asked[*place], Arc::<[Hit]>::from(hits));
                    if !self.lookup.cache.is_off() {
                        let now = self.lookup.clock.now();
                        self.lookup.cache.put(self.key(asked), Arc::clone(&hits), revision, now);
                    }
                    reports[*place] = Some(Report { revision, ..self.report(asked, Reply::Hits(hits)) });
                }
            }
            Err(error) => {
                for (place, _) in missing {
                    reports[*place] = Some(self.failed_book(&self.project.asked[*place], Arc::clone(&error)));
                }
            }
        }
    }

    /// The store never holds an answer past the deadline, whatever storage stands behind the trait.
    async fn until_deadline<T>(&self, mut reading: crate::directory::Pending<'_, T>) -> Result<T, Arc<Error>> {
        // The embedded store answers at once, and a timer would cost as much as a look at its revision.
        if let Some(result) = (&mut reading).now_or_never() {
            return result.map_err(Arc::new);
        }
        match tokio::time::timeout_at(self.deadline.into(), reading).await {
            Ok(result) => result.map_err(Arc::new),
            Err(_) => Err(Arc::new(Error::new(crate::error::Kind::Timeout, "the store did not answer in time"))),
        }
    }

    fn failed_book(&self, asked: &Asked, error: Arc<Error>) -> Report {
        self.report(asked, Reply::Failed(error))
    }

    async fn ask_live(&self, reports: &mut [Option<Report>]) {
        let mut boarded: Vec<Option<Boarded>> = self.project.asked.iter().map(|_| None).collect();
        if self.project.config.ask == Ask::Together && !self.settled(reports) {
            for (place, asked) in self.project.asked.iter().enumerate() {
                self.begin(place, asked, reports, &mut boarded);
            }
        }
        for place in 0..reports.len() {
            if self.settled(reports) {
                break;
            }
            self.begin(place, &self.project.asked[place], reports, &mut boarded);
            if let Some(waiting) = &mut boarded[place] {
                let landed = self.wait(&mut waiting.flight).await;
                reports[place] = Some(self.landed(place, waiting, landed));
            }
        }
        self.collect_the_rest(reports, &mut boarded);
    }

    /// Answers a live source from the cache, or starts its flight.
    fn begin(&self, place: usize, asked: &Asked, reports: &mut [Option<Report>], boarded: &mut [Option<Boarded>]) {
        let Asked::Live { source, timeout, .. } = asked else { return };
        if reports[place].is_some() || boarded[place].is_some() {
            return;
        }
        let stale = match self.remembered(asked) {
            Some((Remembered::Fresh(hits), _)) => {
                reports[place] = Some(Report { cached: true, ..self.report(asked, Reply::Hits(hits)) });
                return;
            }
            Some((Remembered::Stale(hits), _)) => Some(hits),
            None => None,
        };
        let flight = self.lookup.flights.board(&self.key(asked), source, *timeout, self.question);
        boarded[place] = Some(Boarded { flight, stale });
    }

    async fn wait(&self, flight: &mut Flight) -> Option<Landed> {
        tokio::time::timeout_at(self.deadline.into(), flight.land()).await.ok().flatten()
    }

    fn landed(&self, place: usize, waiting: &Boarded, landed: Option<Landed>) -> Report {
        let (reply, stand_in) = match landed {
            Some(Ok(hits)) => (Reply::Hits(hits), None),
            Some(Err(error)) => (Reply::Failed(error), waiting.stand_in()),
            None => (Reply::Late, waiting.stand_in()),
        };
        Report { stand_in, ..self.report(&self.project.asked[place], reply) }
    }

    /// Lists what has landed meanwhile, and who is late, without waiting.
    fn collect_the_rest(&self, reports: &mut [Option<Report>], boarded: &mut [Option<Boarded>]) {
        let settled = self.settled(reports);
        for (place, (slot, waiting)) in reports.iter_mut().zip(boarded).enumerate() {
            let (None, Some(waiting)) = (&slot, waiting) else { continue };
            *slot = Some(match waiting.flight.landed() {
                None if settled => self.report(&self.project.asked[place], Reply::NotAsked(SETTLED)),
                landed => self.landed(place, waiting, landed),
            });
        }
    }

    /// Says whether no further answer can change the outcome.
    fn settled(&self, reports: &[Option<Report>]) -> bool {
        if self.picked.is_some_and(|picked| self.is_awaited(&picked.source, reports)) {
            return false;
        }
        for report in reports {
            match report {
                None => return false,
                Some(report) if !self.project.config.fill && merge::settles(report.hits()) => return true,
                Some(_) => {}
            }
        }
        true
    }

    /// Whether this source is asked and has not spoken yet.
    fn is_awaited(&self, source: &Arc<str>, reports: &[Option<Report>]) -> bool {
        let mut asked = self.project.asked.iter().zip(reports);
        asked.any(|(asked, report)| asked.name() == source && report.is_none())
    }

    fn remembered(&self, asked: &Asked) -> Option<(Remembered, Revision)> {
        if self.lookup.cache.is_off() {
            return None;
        }
        self.lookup.cache.get(&self.key(asked), self.start)
    }

    fn key(&self, asked: &Asked) -> CacheKey {
        let inputs = match asked {
            Asked::Book { .. } => Box::default(),
            Asked::Live { inputs, .. } => inputs_of(inputs, self.question),
        };
        CacheKey {
            source: asked.id(),
            number: Arc::clone(&self.question.number),
            tail: self.project.config.guesses.tail,
            inputs,
        }
    }

    fn report(&self, asked: &Asked, reply: Reply) -> Report {
        Report {
            source: Arc::clone(asked.name()),
            reply,
            stand_in: None,
            cached: false,
            took: self.lookup.clock.now().saturating_duration_since(self.start),
            revision: Revision::default(),
        }
    }
}

/// A flight that is waited for, and what may stand in for it.
struct Boarded {
    flight: Flight,
    stale: Option<Arc<[Hit]>>,
}

impl Boarded {
    /// What is newer counts, unless it is the same people of whom more is remembered.
    fn stand_in(&self) -> Option<StandIn> {
        match (self.flight.so_far(), self.stale.clone()) {
            (Some(found), Some(stale)) if are_same_people(&found, &stale) => Some(StandIn::Stale(stale)),
            (Some(found), _) => Some(StandIn::SoFar(found)),
            (None, stale) => stale.map(StandIn::Stale),
        }
    }
}

/// The values of everything beside the number that changes the source's answer.
fn inputs_of(inputs: &Inputs, question: &Question) -> Box<[String]> {
    let call = &question.call;
    let dnid = inputs.dnid.then(|| call.dnid.clone());
    let numbering = inputs.numbering.then(|| format!("{:?}", question.numbering));
    let project = inputs.project.then(|| call.project.to_string());
    let raw = inputs.raw.then(|| call.telephone.clone());
    let each_call = inputs.each_call.then(|| call.request_id.to_string());
    let params = inputs.params.iter().map(|name| call.params.get(name).cloned().unwrap_or_default());
    [dnid, numbering, project, raw, each_call].into_iter().flatten().chain(params).collect()
}
