//! Reads what happened before with a number: its calls.

use rusqlite::{Connection, Row, params};

use crate::model::{CallOutcome, Direction, PastCall};
use crate::number::Key;

/// The calls of a number, newest first.
pub(super) fn calls(
    connection: &Connection,
    project: &str,
    number: Key,
    since: i64,
    limit: usize,
) -> rusqlite::Result<Vec<PastCall>> {
    let sql = "SELECT id, direction, started, outcome, agent, queue, dnid, duration FROM call \
               WHERE project = ?1 AND number = ?2 AND started >= ?3 ORDER BY started DESC, id DESC LIMIT ?4";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(params![project, number.to_i64(), since, limit], past_call)?.collect()
}

fn past_call(row: &Row<'_>) -> rusqlite::Result<PastCall> {
    Ok(PastCall {
        id: row.get(0)?,
        direction: Direction::parse(&row.get::<_, String>(1)?).unwrap_or(Direction::In),
        started: row.get(2)?,
        outcome: row.get::<_, Option<String>>(3)?.and_then(|word| CallOutcome::parse(&word)),
        agent: row.get(4)?,
        queue: row.get(5)?,
        dnid: row.get(6)?,
        duration: row.get::<_, Option<i64>>(7)?.map(i64::cast_unsigned),
    })
}
