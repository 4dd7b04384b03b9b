//! Removes what need not be kept any longer, a little at a time, so that no event waits for it.
//!
//! A project says how long its calls are kept. What it said last is remembered in the store, and holds on when the project
//! is removed from the configuration, or does not load because of a mistake in its file. So the calls of removed projects
//! end as well, and a mistake shortens nothing. What the journal has not got rid of stays while its project is there; when
//! the project has been gone for as long as it kept its calls, that goes too. A choice of an agent is kept as long as any
//! call of its number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::{EventStore, erase};
use crate::error::Result;

/// Calls and choices that are removed in one step.
const STEP: usize = 500;

/// Pause between two steps, so that events come first.
const BREATH: Duration = Duration::from_millis(50);

/// How long calls are kept whose project nobody knows any more, in milliseconds: the default of `history`.
const OF_STRANGERS: i64 = 90 * 86_400 * 1_000;

/// Calls of project ?1 that began before ?2; with ?3 also those that run, and those that the journal still holds.
const OLD_CALL: &str = "project = ?1 AND started < ?2 AND (?3 OR (state = 2 AND NOT EXISTS \
     (SELECT 1 FROM journal WHERE journal.call = call.id AND journal.state <> 1)))";

/// Choices of project ?1 from before ?2 for numbers of which there is no call any more.
const OLD_CHOICE: &str = "project = ?1 AND chosen < ?2 AND NOT EXISTS \
     (SELECT 1 FROM call WHERE call.number = choice.number AND call.project = choice.project)";

/// What of a project is old.
#[derive(Debug, Clone)]
struct Old {
    project: Arc<str>,
    before: i64,
    /// Also what the journal has not got rid of: the project is gone for good.
    all: bool,
}

impl EventStore {
    /// Removes what is old. `configured` says how long each project keeps its calls, in milliseconds.
    pub(super) async fn remove_old(&self, configured: BTreeMap<Arc<str>, i64>, now: i64) -> Result<()> {
        let holding = self.read("find the projects of calls", holding).await?;
        let remember = move |connection: &Connection| remember(connection, &configured, &holding, now);
        for old in self.change("remember how long calls are kept", remember).await? {
            self.remove_calls(&old).await?;
            self.remove_choices(&old).await?;
        }
        self.change("remove old sessions", move |connection| forget_sessions(connection, now)).await?;
        self.change("forget wiped calls", move |connection| erase::forget_names(connection, now)).await
    }

    async fn remove_calls(&self, old: &Old) -> Result<()> {
        let mut last = (i64::MIN, 0);
        loop {
            let wanted = old.clone();
            // Found by a reader: with many that stay, the search takes longer than an event may wait.
            let found = self.read("find old calls", move |connection| calls(connection, &wanted, last)).await?;
            let Some(next) = found.last().copied() else { return Ok(()) };
            last = next;
            let wanted = old.clone();
            self.change("remove old calls", move |connection| {
                let sql = format!("SELECT EXISTS (SELECT 1 FROM call WHERE id = ?4 AND {OLD_CALL})");
                for (_, id) in found {
                    let values = params![&*wanted.project, wanted.before, wanted.all, id];
                    if connection.prepare_cached(&sql)?.query_row(values, |row| row.get(0))? {
                        remove_call(connection, id)?;
                    }
                }
                Ok(())
            })
            .await?;
            tokio::time::sleep(BREATH).await;
        }
    }

    async fn remove_choices(&self, old: &Old) -> Result<()> {
        loop {
            let wanted = old.clone();
            let found = self.read("find old choices", move |connection| choices(connection, &wanted)).await?;
            if found.is_empty() {
                return Ok(());
            }
            let wanted = old.clone();
            self.change("remove old choices", move |connection| {
                let sql = format!("DELETE FROM choice WHERE number = ?3 AND {OLD_CHOICE}");
                let mut statement = connection.prepare_cached(&sql)?;
                let mut remove = |number| statement.execute(params![&*wanted.project, wanted.before, number]).map(drop);
                found.into_iter().try_for_each(&mut remove)
            })
            .await?;
            tokio::time::sleep(BREATH).await;
        }
    }
}

/// The projects of which anything is kept, from one entry of an index to the next.
fn holding(connection: &Connection) -> rusqlite::Result<BTreeSet<Arc<str>>> {
    let mut projects = BTreeSet::new();
    for table in ["call", "choice"] {
        let sql = format!("SELECT min(project) FROM {table} WHERE project > ?1");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut last = String::new();
        while let Some(next) = statement.query_row([&last], |row| row.get::<_, Option<String>>(0))? {
            projects.insert(Arc::from(next.as_str()));
            last = next;
        }
    }
    Ok(projects)
}

/// Notes how long each project keeps its calls, and says what is old of each.
fn remember(
    connection: &Connection,
    configured: &BTreeMap<Arc<str>, i64>,
    holding: &BTreeSet<Arc<str>>,
    now: i64,
) -> rusqlite::Result<Vec<Old>> {
    let sql = "INSERT INTO kept VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET history = ?2, seen = ?3";
    for (project, history) in configured {
        connection.prepare_cached(sql)?.execute(params![&**project, history, now])?;
    }
    let sql = "INSERT INTO kept VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    for project in holding {
        connection.prepare_cached(sql)?.execute(params![&**project, OF_STRANGERS, now])?;
    }
    let mut statement = connection.prepare_cached("SELECT project, history, seen FROM kept")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?)))?;
    let mut old = Vec::new();
    for row in rows.collect::<rusqlite::Result<Vec<(String, i64, i64)>>>()? {
        let (project, history, seen) = row;
        let project: Arc<str> = project.into();
        if !configured.contains_key(&project) && !holding.contains(&project) {
            connection.prepare_cached("DELETE FROM kept WHERE project = ?1")?.execute([&*project])?;
            continue;
        }
        let before = now.saturating_sub(history);
        old.push(Old { project, before, all: seen < before });
    }
    Ok(old)
}

/// Old calls as beginning and number, behind `last`.
fn calls(connection: &Connection, old: &Old, last: (i64, i64)) -> rusqlite::Result<Vec<(i64, i64)>> {
    let sql = format!(
        "SELECT started, id FROM call WHERE {OLD_CALL} AND (started, id) > (?4, ?5) ORDER BY started, id LIMIT {STEP}"
    );
    let values = params![&*old.project, old.before, old.all, last.0, last.1];
    connection.prepare_cached(&sql)?.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// The numbers of old choices.
fn choices(connection: &Connection, old: &Old) -> rusqlite::Result<Vec<i64>> {
    let sql = format!("SELECT number FROM choice WHERE {OLD_CHOICE} LIMIT {STEP}");
    connection.prepare_cached(&sql)?.query_map(params![&*old.project, old.before], |row| row.get(0))?.collect()
}

/// Removes a call with everything that belongs to it; returns how many events and entries of the journal that were.
pub(super) fn remove_call(connection: &Connection, id: i64) -> rusqlite::Result<(usize, usize)> {
    let remove = |sql: &str| connection.prepare_cached(sql)?.execute([id]);
    let events = remove("DELETE FROM event WHERE call = ?1")?;
    let entries = remove("DELETE FROM journal WHERE call = ?1")?;
    remove("DELETE FROM party WHERE call = ?1")?;
    remove("DELETE FROM call WHERE id = ?1")?;
    Ok((events, entries))
}

/// Removes sessions and invitations whose time is over.
fn forget_sessions(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM session WHERE expires < ?1")?.execute([now])?;
    connection.prepare_cached("DELETE FROM invitation WHERE expires < ?1")?.execute([now]).map(drop)
}
