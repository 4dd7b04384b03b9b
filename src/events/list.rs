//! Reads events back for people and programs.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use super::intake::from_json;

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEvent {
    /// Its number: grows with every event.
    pub id: i64,
    /// The project.
    pub project: String,
    /// When it arrived, in milliseconds since 1970 UTC.
    pub received: i64,
    /// What happened, as the PBX called it.
    pub name: String,
    /// The call that it belongs to.
    pub call: i64,
    /// Everything that was sent.
    pub params: BTreeMap<String, Vec<String>>,
}

const COLUMNS: &str = "SELECT id, project, received, name, call, params FROM event";

/// Events behind one, oldest first.
pub(super) fn after(
    connection: &Connection,
    project: Option<&str>,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<ListedEvent>> {
    let sql = format!("{COLUMNS} WHERE id > ?2 AND (?1 IS NULL OR project = ?1) ORDER BY id LIMIT ?3");
    connection.prepare_cached(&sql)?.query_map(params![project, after, bounded(limit)], listed)?.collect()
}

/// The newest events, oldest of them first.
pub(super) fn latest(
    connection: &Connection,
    project: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<ListedEvent>> {
    let sql = format!("{COLUMNS} WHERE ?1 IS NULL OR project = ?1 ORDER BY id DESC LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut events: Vec<ListedEvent> =
        statement.query_map(params![project, bounded(limit)], listed)?.collect::<rusqlite::Result<_>>()?;
    events.reverse();
    Ok(events)
}

fn bounded(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn listed(row: &Row<'_>) -> rusqlite::Result<ListedEvent> {
    let params: String = row.get(5)?;
    Ok(ListedEvent {
        id: row.get(0)?,
        project: row.get(1)?,
        received: row.get(2)?,
        name: row.get(3)?,
        call: row.get(4)?,
        params: from_json(&params),
    })
}
