//! From a changed call to the pages of its agents.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{OptionalExtension, params};
use tokio::sync::{Notify, mpsc};

use super::card::{CallLine, Card, Told, card, line, tell};
use super::hub::{Notice, Stream};
use super::rows::{self, CallRow};
use super::{Caller, EventStore, Events, Named, State, party, past};
use crate::error::{Error, Kind, Result, contain};
use crate::lookup::Project;
use crate::number::Key;

/// Earlier calls on a card.
const EARLIER: usize = 10;

/// How far back a page that connects is told of, in milliseconds: a shift.
const SHOWN: i64 = 12 * 3_600 * 1_000;

/// Most calls that a page is told of at once.
const MOST_SHOWN: i64 = 200;

/// How long the card of a call that has ended is shown to a page that is opened, in milliseconds.
const JUST_ENDED: i64 = 120_000;

/// Calls in the list of an agent's last ones.
const LISTED: usize = 50;

/// Shortest time between two occasions on which every page reads all anew because calls could not be shown; the longest
/// that such a call is not on its page.
const RELOAD: Duration = Duration::from_secs(5);

/// Shows calls as they change, one after the other; looks up callers who are not known yet. Ends with the runtime.
pub(super) async fn announce(events: Arc<Events>, mut announced: mpsc::Receiver<Arc<CallRow>>) {
    let mut sought = HashSet::new();
    while let Some(call) = announced.recv().await {
        if call.state == super::State::Over {
            events.dispatcher.wake();
        }
        // Each call once: what fails is tried again by the upkeep.
        if call.unbound && sought.insert(call.id) {
            tokio::spawn(Arc::clone(&events).bind(Arc::clone(&call)));
        } else if !call.unbound {
            sought.remove(&call.id);
        }
        if sought.len() > 100_000 {
            sought.clear();
        }
        if let Err(error) = contain(events.show(&call)).await {
            tracing::error!(target: "calldex::events", "a call could not be shown: {error}");
        }
    }
}

/// Has every page read all anew when calls could not be shown: at once, and in a rush that does not end again and again,
/// but never one time right after another. Each call is in the store before it is announced, and what cannot be shown
/// while this waits is remembered by the `Notify`: a reload always follows. Ends with the runtime.
pub(super) async fn reload(events: Arc<Events>) {
    let reload = || {
        events.dispatcher.wake();
        events.hub.reload();
    };
    at_intervals(&events.announcer.unshown, reload).await;
}

async fn at_intervals(told: &Notify, act: impl Fn()) {
    loop {
        told.notified().await;
        act();
        tokio::time::sleep(RELOAD).await;
    }
}

impl Events {
    /// Connects a page of an agent. What it has missed before it reads with [`Events::missed`].
    pub fn connect(&self, project: &Arc<str>, agent: &str) -> Stream {
        self.hub.connect((Arc::clone(project), self.person(project, agent)))
    }

    /// The key of an agent who is signed in; the account may be named by user name or extension, like in events.
    fn person(&self, project: &str, agent: &str) -> String {
        let ready = self.project(project);
        ready.map_or_else(String::new, |ready| party::account(&ready.config.roster, agent))
    }

    /// The key of who has a call, as far as the PBX says. An outside telephone has the key of nobody.
    fn holder(&self, project: &Project, call: &CallRow) -> Option<String> {
        match &call.agent {
            _ if call.state == State::Rings => None,
            Some(name) => Some(self.agent_at_pbx(project, name)),
            None => (call.answered.is_some() && call.remote_number.is_some()).then(String::new),
        }
    }

    /// Ends the streams of all pages, because the server stops.
    pub fn close(&self) {
        self.hub.close();
    }

    /// The newest change of any call: whoever has read everything before it listens behind it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn newest_change(&self) -> Result<i64> {
        self.store.newest_change().await
    }

    /// The change with which somebody was erased last: whoever knows none so new has to read everything anew.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn newest_erasure(&self) -> Result<i64> {
        self.store.erasures().await
    }

    /// What an agent's page is told of the calls that have changed behind `after`, in the order of their changes; of the
    /// last twelve hours.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn missed(&self, project: &Arc<str>, agent: &str, after: i64) -> Result<Vec<Notice>> {
        let Some(ready) = self.project(project) else { return Ok(Vec::new()) };
        let (agent, since) = (self.person(project, agent), self.clock.utc_millis() - SHOWN);
        let calls = self.store.calls_of_agent(Arc::clone(project), agent.clone(), after, since).await?;
        let told = |(call, history): &WithHistory| {
            let holder = self.holder(&ready, call);
            Notice::of(call, &tell(call, &ready.config, &agent, holder.as_deref(), history))
        };
        Ok(calls.iter().map(told).collect())
    }

    /// What a page shows first: the cards of the calls that run or have just ended, and the list of the agent's last calls,
    /// both newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn desk(&self, project: &Arc<str>, agent: &str) -> Result<(Vec<Card>, Vec<CallLine>)> {
        let Some(ready) = self.project(project) else { return Ok((Vec::new(), Vec::new())) };
        let (agent, now) = (self.person(project, agent), self.clock.utc_millis());
        let mut calls = self.store.calls_of_agent(Arc::clone(project), agent.clone(), 0, now - SHOWN).await?;
        calls.retain(|(call, _)| self.holder(&ready, call).is_none_or(|holder| holder == agent));
        calls.sort_by_key(|(call, _)| -call.started);
        let fresh = |call: &CallRow| call.state != State::Over || call.touched > now - JUST_ENDED;
        let cards =
            calls.iter().filter(|(call, _)| fresh(call)).map(|(call, history)| card(call, &ready.config, history));
        let over = calls.iter().filter(|(call, _)| call.state == State::Over).take(LISTED);
        Ok((cards.collect(), over.map(|(call, _)| line(call, &ready.config)).collect()))
    }

    /// A call that an agent takes part in; `None` when it is not his.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn own_call(&self, project: &Arc<str>, agent: &str, call: i64) -> Result<Option<OwnCall>> {
        let (project, agent) = (Arc::clone(project), self.person(project, agent));
        self.store
            .read("read a call", move |connection| {
                let sql = format!(
                    "SELECT {} FROM call JOIN party ON party.call = call.id WHERE call.id = ?1 AND party.project = ?2 \
                     AND party.agent = ?3",
                    rows::COLUMNS
                );
                let mut statement = connection.prepare_cached(&sql)?;
                let found = statement.query_row(params![call, &*project, agent], rows::from_row).optional()?;
                Ok(found.map(|call| OwnCall { number: call.number, row: Arc::new(call) }))
            })
            .await
    }

    /// Remembers which of several contacts the caller is, and shows it.
    ///
    /// # Errors
    /// `NotFound` when he is not one of them; when the store cannot be written.
    pub async fn choose(&self, call: &OwnCall, contact: &Named, agent: &str) -> Result<()> {
        let announcer = self.announcer.clone();
        let announce =
            move |call: &Option<Arc<CallRow>>| call.iter().cloned().for_each(|call| announcer.announce(call));
        let now = self.clock.utc_millis();
        let picked = self.store.pick(call.row.id, contact.clone(), agent, now, announce).await?;
        let nobody = || Error::new(Kind::NotFound, "this contact is none of those who may be calling");
        picked.map(drop).ok_or_else(nobody)
    }

    /// Looks the caller of a call up anew and shows what comes of it, after somebody has changed who he is.
    pub async fn look_again(self: &Arc<Self>, call: &OwnCall) {
        self.seek(&call.row, true).await;
    }

    /// Looks the caller up after an agent has made a contact of him in another system. Until that system finds what was
    /// made, which may take it a while, the card shows what the agent has typed.
    pub async fn show_made(
        &self,
        call: &OwnCall,
        contact: Option<Named>,
        name: Option<String>,
        company: Option<String>,
    ) {
        let Some(project) = self.project(&call.row.project) else { return };
        let deadline = self.clock.now() + project.config.deadline;
        let typed = || Caller { contact, name, company, ..Caller::default() };
        let caller = match self.ask(&project, &call.row, deadline).await {
            Some(caller) if !caller.is_nobody() => caller,
            _ => typed(),
        };
        self.note(&call.row, Caller { by_agent: true, ..caller }).await;
    }

    /// Brings a call to the pages that watch it.
    async fn show(&self, call: &Arc<CallRow>) {
        if self.hub.count() == 0 {
            return;
        }
        let Some(project) = self.project(&call.project) else { return };
        let (agents, history) = match self.store.surroundings(Arc::clone(call)).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(target: "calldex::events", "a call cannot be shown, the pages read all anew: {error}");
                return self.announcer.unshown.notify_one();
            }
        };
        let holder = self.holder(&project, call);
        for agent in agents {
            let place = (Arc::clone(&call.project), agent);
            if self.hub.is_watched(&place) {
                let told = tell(call, &project.config, &place.1, holder.as_deref(), &history);
                self.hub.send(&place, &Notice::of(call, &told));
            }
        }
    }
}

/// A call of the agent who asks.
pub struct OwnCall {
    /// The customer's number; `None` when it is withheld or no telephone number.
    pub number: Option<Key>,
    row: Arc<CallRow>,
}

impl Notice {
    /// The events of a stream that tell it. Only the last one carries the change: a page that has it has all.
    fn of(call: &CallRow, told: &Told) -> Self {
        let event = |kind: &str, data: String| format!("event: {kind}\ndata: {data}\n");
        // What is written is made of texts and numbers: it cannot fail.
        let mut text = match told {
            Told::Gone(id) => event("gone", serde_json::json!({ "id": id }).to_string()),
            Told::Card(card, line) => {
                let card = event("card", serde_json::to_string(card).unwrap_or_default());
                match line {
                    Some(line) => {
                        format!("{card}\n{}", event("call", serde_json::to_string(line).unwrap_or_default()))
                    }
                    None => card,
                }
            }
        };
        text.push_str(&format!("id: {}\n\n", call.change));
        Self { change: call.change, text: text.into() }
    }
}

type WithHistory = (CallRow, Vec<crate::model::PastCall>);

impl EventStore {
    async fn newest_change(&self) -> Result<i64> {
        let sql = "SELECT value FROM meta WHERE name = 'change'";
        self.read("read the newest change", move |connection| connection.query_row(sql, [], |row| row.get(0))).await
    }

    /// The agents of a call, and the earlier calls of its number.
    async fn surroundings(&self, call: Arc<CallRow>) -> Result<(Vec<String>, Vec<crate::model::PastCall>)> {
        self.read("read the agents of a call", move |connection| {
            Ok((party::of_call(connection, call.id)?, history(connection, &call)?))
        })
        .await
    }

    /// The calls of an agent that have changed, each with the earlier calls of its number.
    async fn calls_of_agent(
        &self,
        project: Arc<str>,
        agent: String,
        after: i64,
        since: i64,
    ) -> Result<Vec<WithHistory>> {
        self.read("read the calls of an agent", move |connection| {
            let sql = format!(
                "SELECT {} FROM party JOIN call ON call.id = party.call WHERE party.project = ?1 AND party.agent = ?2 \
                 AND change > ?3 AND touched > ?4 ORDER BY party.call DESC LIMIT {MOST_SHOWN}",
                rows::COLUMNS
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let calls = statement.query_map(params![&*project, agent, after, since], rows::from_row)?;
            let mut calls: Vec<CallRow> = calls.collect::<rusqlite::Result<_>>()?;
            calls.sort_by_key(|call| call.change);
            calls.into_iter().map(|call| history(connection, &call).map(|history| (call, history))).collect()
        })
        .await
    }

    /// The id that the PBX sent with the events of a call.
    pub(super) async fn contact_id(&self, call: i64) -> Result<Option<String>> {
        self.read("read the events of a call", move |connection| {
            let events = super::intake::events_of(connection, call)?;
            Ok(events.iter().find_map(|event| event.get("contact_id")).map(str::to_owned))
        })
        .await
    }
}

fn history(connection: &rusqlite::Connection, call: &CallRow) -> rusqlite::Result<Vec<crate::model::PastCall>> {
    let Some(number) = call.number else { return Ok(Vec::new()) };
    past::calls(connection, &call.project, number, 0, EARLIER + 1)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_rush_without_end_reloads_the_pages_again_and_again_and_not_too_often() {
        let (told, reloads) = (Notify::new(), AtomicUsize::new(0));
        let reload = at_intervals(&told, || _ = reloads.fetch_add(1, Ordering::Relaxed));
        let rush = async {
            // Ends well before the next pause does.
            for _ in 0..9_900 {
                told.notify_one();
                tokio::time::sleep(RELOAD / 1_000).await;
            }
            assert_eq!(reloads.load(Ordering::Relaxed), 10, "each time that the pause is over");
            tokio::time::sleep(RELOAD).await;
            assert_eq!(reloads.load(Ordering::Relaxed), 11, "also what came during the last pause");
            tokio::time::sleep(RELOAD * 10).await;
            assert_eq!(reloads.load(Ordering::Relaxed), 11, "and no more");
        };
        tokio::select! {
            () = reload => {}
            () = rush => {}
        }
    }
}
