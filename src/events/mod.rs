//! What a PBX reports about its calls, and what becomes of it.
//!
//! An event is on the disk before it is acknowledged (`intake.rs`, through the one `writer.rs`). It is tied to the lookup
//! of its call (`tie.rs`) or its caller is looked up afterwards (`bind.rs`); with the other events of its call it is put
//! together to a call (`assemble.rs`). From calls come history (`past.rs`), the cards on the agents' pages (`card.rs`,
//! brought by `hub.rs`; `choices.rs` remembers whom an agent picked), and what is written down in other systems
//! (`journal/`). All of it lives in a second file beside the address books (`store.rs`), is kept as long as the project
//! says (`retention.rs`) and can be wiped (`erase.rs`).

pub mod accounts;
mod assemble;
mod bind;
mod caller;
mod card;
mod choices;
mod erase;
mod glance;
mod hub;
mod intake;
pub mod journal;
mod list;
mod party;
mod past;
mod readers;
mod retention;
mod rows;
mod store;
mod tie;
mod upkeep;
mod watch;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use metrics::{counter, histogram};
use tokio::sync::{Notify, mpsc};

use crate::clock::Clock;
use crate::error::Result;
use crate::lookup::{Lookup, Project};
use crate::metrics::{EVENT_SECONDS, EVENTS};
use crate::model::{Event, EventKind};
use hub::Hub;
use intake::Arrival;
use journal::{Callers, Dispatcher, Targets};
use rows::CallRow;

pub use assemble::State;
pub use caller::{Caller, Choice, Named};
pub use card::{CallLine, Candidate, Card};
pub use erase::Wiped;
pub use glance::Glance;
pub use hub::{Next, Notice, Stream};
pub use list::ListedEvent;
pub use store::EventStore;
pub use watch::OwnCall;

/// How long an event may take to the disk; then the PBX hears that it should send it again.
pub const LONGEST_WRITE: Duration = Duration::from_secs(2);

/// Changed calls that wait to be shown; when there are more, every page is told to read all anew.
const ANNOUNCED: usize = 2_000;

/// Most agents whose telephones ring by one event.
const MOST_RINGING: usize = 1_000;

/// Takes events in and brings them to whom they concern. One for the process.
pub struct Events {
    /// The file that holds them.
    pub store: Arc<EventStore>,
    lookup: Arc<Lookup>,
    clock: Arc<dyn Clock>,
    settings: ArcSwap<Settings>,
    dispatcher: Dispatcher,
    hub: Hub,
    announcer: Announcer,
}

/// The part of the configuration that events need; replaced as one piece.
#[derive(Default)]
pub struct Settings {
    /// The projects, ready to answer.
    pub projects: HashMap<Arc<str>, Arc<Project>>,
    /// Where calls are written to.
    pub targets: Targets,
}

/// Hands changed calls to whoever shows them. Cheap to clone.
#[derive(Clone)]
struct Announcer {
    queue: mpsc::Sender<Arc<CallRow>>,
    /// Told of each call that could not be shown; `watch::reload` waits for it.
    unshown: Arc<Notify>,
}

impl Announcer {
    /// Never waits: what does not fit is in the store, where the pages read it when they are told to.
    fn announce(&self, call: Arc<CallRow>) {
        if self.queue.try_send(call).is_err() {
            self.unshown.notify_one();
        }
    }
}

/// What became of an event that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is on the disk.
    Stored,
    /// It was here before.
    Repeat,
    /// It belongs to a call that was wiped, and was not kept.
    Erased,
}

impl Events {
    /// Takes events in for the projects of `settings`, and starts what works in the background. Must be called within a
    /// tokio runtime; the tasks end with it.
    #[must_use]
    pub fn start(store: Arc<EventStore>, lookup: Arc<Lookup>, clock: Arc<dyn Clock>, settings: Settings) -> Arc<Self> {
        let (queue, announced) = mpsc::channel(ANNOUNCED);
        let events = Arc::new(Self {
            dispatcher: Dispatcher::new(Arc::clone(&store), Arc::clone(&clock)),
            store,
            lookup,
            clock,
            settings: ArcSwap::default(),
            hub: Hub::default(),
            announcer: Announcer { queue, unshown: Arc::default() },
        });
        events.configure(settings);
        tokio::spawn(watch::announce(Arc::clone(&events), announced));
        tokio::spawn(watch::reload(Arc::clone(&events)));
        tokio::spawn(upkeep::run(Arc::clone(&events)));
        tokio::spawn(erase::watch(Arc::clone(&events)));
        events
    }

    /// Puts a new configuration in force. Where agents have other names or extensions now, pages read all anew: calls may
    /// reach another one of them.
    pub fn configure(self: &Arc<Self>, settings: Settings) {
        let callers: Weak<dyn Callers> = Arc::downgrade(&(Arc::clone(self) as Arc<dyn Callers>));
        self.lookup.beside(|| self.dispatcher.configure(&settings.targets, &callers));
        let settings = Arc::new(settings);
        let before = self.settings.swap(Arc::clone(&settings));
        let is_changed = |(name, was): (&Arc<str>, &Arc<Project>)| {
            settings.projects.get(name).is_some_and(|is| is.config.roster != was.config.roster)
        };
        if before.projects.iter().any(is_changed) {
            self.hub.reload();
        }
    }

    /// Takes an event in: when it returns, the event is on the disk.
    ///
    /// # Errors
    /// When it did not get there within [`LONGEST_WRITE`]. It may have been written all the same: sent again with a
    /// `uniqueid`, it counts once.
    pub async fn take(self: &Arc<Self>, project: &Project, event: Event) -> Result<Taken> {
        let start = self.clock.now();
        let (name, kind) = (Arc::clone(&event.project), event.kind());
        let taken = self.write(project, event).await;
        let result = match &taken {
            Ok(Taken::Stored) => "stored",
            Ok(Taken::Repeat) => "repeat",
            Ok(Taken::Erased) => "erased",
            Err(_) => "failed",
        };
        counter!(EVENTS, "project" => name.to_string(), "event" => kind.as_str(), "result" => result).increment(1);
        histogram!(EVENT_SECONDS).record(self.clock.now().saturating_duration_since(start).as_secs_f64());
        taken
    }

    async fn write(self: &Arc<Self>, project: &Project, event: Event) -> Result<Taken> {
        let (number, caller) = self.tie(project, &event).await;
        let arrival = Arrival {
            agents: self.agents_of(project, &event),
            event,
            number,
            caller,
            journal: project.config.journal.clone().into(),
            longest_call: millis(project.config.longest_call),
        };
        let announcer = self.announcer.clone();
        let written = self.store.accept(arrival, move |accepted| {
            if let Some(new) = accepted.as_ref().filter(|accepted| !accepted.repeat) {
                announcer.announce(Arc::clone(&new.call));
            }
        })?;
        let accepted = match tokio::time::timeout(LONGEST_WRITE, written).await {
            Ok(Ok(accepted)) => accepted?,
            Ok(Err(_)) | Err(_) => return Err(intake::too_late()),
        };
        Ok(match accepted {
            None => Taken::Erased,
            Some(accepted) if accepted.repeat => Taken::Repeat,
            Some(_) => Taken::Stored,
        })
    }

    /// The agents whose call an event makes it: their telephones ring, or one of them speaks. Of several who ring each is
    /// named; who speaks is one. Whom any other event names is told of nothing.
    fn agents_of(&self, project: &Project, event: &Event) -> Vec<String> {
        let several = || event.params.get("agent").into_iter().flatten().map(String::as_str);
        let named: Vec<&str> = match event.kind() {
            EventKind::Ringing => several().filter(|name| !name.trim().is_empty()).take(MOST_RINGING).collect(),
            EventKind::QueueAnswer
            | EventKind::DialAnswer
            | EventKind::CallForwardAnswer
            | EventKind::QueueAnswerEnd
            | EventKind::OutgoingEnd => event.get("agent").into_iter().collect(),
            EventKind::Missed | EventKind::Hangup | EventKind::Other => Vec::new(),
        };
        named.into_iter().map(|name| self.agent_at_pbx(project, name)).collect()
    }

    /// The key of the agent whom a PBX calls this.
    fn agent_at_pbx(&self, project: &Project, name: &str) -> String {
        let is_account = |whole: &str| self.store.has_account(&project.config.name, whole);
        party::person(&project.config.roster, name, is_account)
    }

    /// How many agents' pages are connected.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.hub.count()
    }

    fn project(&self, name: &str) -> Option<Arc<Project>> {
        self.settings.load().projects.get(name).cloned()
    }
}

/// A length of time as the store counts it.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
