//! From a changed call to the pages of its agents.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::params;
use tokio::sync::mpsc;

use super::card::{Card, card};
use super::hub::{Notice, Stream};
use super::rows::{self, CallRow};
use super::{Announced, EventStore, Events, agent_key, party, past};
use crate::error::Result;
use crate::lookup::Project;

/// Earlier calls on a card.
const EARLIER: usize = 10;

/// How far back a page that connects is told of, in milliseconds: a shift.
const SHOWN: i64 = 12 * 3_600 * 1_000;

/// Most calls that a page is told of at once.
const MOST_SHOWN: i64 = 200;

/// Shows calls as they change, one after the other; looks up callers who are not known yet. Ends with the runtime.
pub(super) async fn announce(events: Arc<Events>, mut announced: mpsc::Receiver<Announced>) {
    let mut sought = HashSet::new();
    while let Some(Announced { call }) = announced.recv().await {
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
        events.show(&call).await;
    }
}

impl Events {
    /// Connects a page of an agent. What it has missed since `after` it reads with [`Events::cards`].
    pub fn connect(&self, project: &Arc<str>, agent: &str) -> Stream {
        self.hub.connect((Arc::clone(project), agent_key(agent)))
    }

    /// Ends the streams of all pages, because the server stops.
    pub fn close(&self) {
        self.hub.close();
    }

    /// The calls of an agent that have changed behind `after`, in the order of their changes, as cards; at most those of
    /// the last twelve hours.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn cards(&self, project: &Arc<str>, agent: &str, after: i64) -> Result<Vec<Card>> {
        let Some(ready) = self.project(project) else { return Ok(Vec::new()) };
        let (agent, since) = (agent_key(agent), self.clock.utc_millis() - SHOWN);
        let calls = self.store.calls_of_agent(Arc::clone(project), agent.clone(), after, since).await?;
        let cards = calls.into_iter().map(|(call, history)| card(&call, &ready.config, &agent, &history));
        Ok(cards.collect())
    }

    /// The card of one call of an agent; `None` when it is not his.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn card(&self, project: &Arc<str>, agent: &str, call: i64) -> Result<Option<Card>> {
        Ok(self.cards(project, agent, 0).await?.into_iter().find(|card| card.call == call))
    }

    /// Looks the caller of a call up anew and shows what comes of it, after somebody has changed who he is.
    pub async fn bind_again(self: &Arc<Self>, call: i64) -> Result<()> {
        let row = self.store.read("read a call", move |connection| rows::call(connection, call)).await?;
        Arc::clone(self).bind(Arc::new(row)).await;
        Ok(())
    }

    /// Brings a call to the pages that watch it.
    async fn show(&self, call: &Arc<CallRow>) {
        if self.hub.count() == 0 {
            return;
        }
        let Some(project) = self.project(&call.project) else { return };
        let Ok((agents, history)) = self.store.surroundings(Arc::clone(call)).await else { return };
        for agent in agents {
            let place = (Arc::clone(&call.project), agent);
            if self.hub.is_watched(&place) {
                self.hub.send(&place, &notice(call, &project, &place.1, &history));
            }
        }
    }
}

fn notice(call: &CallRow, project: &Project, agent: &str, history: &[crate::model::PastCall]) -> Notice {
    Notice::of(&card(call, &project.config, agent, history))
}

impl Notice {
    /// The notice that shows a card.
    #[must_use]
    pub fn of(card: &Card) -> Self {
        // A card is made of texts and numbers: writing it cannot fail.
        let json = serde_json::to_string(card).unwrap_or_default();
        Self { change: card.change, card: json.into() }
    }
}

type WithHistory = (CallRow, Vec<crate::model::PastCall>);

impl EventStore {
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
