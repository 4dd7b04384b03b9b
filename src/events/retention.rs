//! Removes what a project need not keep any longer, a little at a time, so that no event waits for it.

use rusqlite::{Connection, params};

/// Calls that are removed in one step.
const STEP: i64 = 500;

/// Removes calls of a project that began before a time, with their events and what was written of them. A call that the
/// journal has not got rid of stays. Says whether there may be more.
pub(super) fn forget(connection: &Connection, project: &str, before: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT id FROM call WHERE project = ?1 AND started < ?2 AND state = 2 AND NOT EXISTS \
               (SELECT 1 FROM journal WHERE journal.call = call.id AND journal.state <> 1) ORDER BY started LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let ids: Vec<i64> =
        statement.query_map(params![project, before, STEP], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    ids.iter().try_for_each(|id| remove_call(connection, *id).map(drop))?;
    Ok(i64::try_from(ids.len()) == Ok(STEP))
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
pub(super) fn forget_sessions(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM session WHERE expires < ?1")?.execute([now])?;
    connection.prepare_cached("DELETE FROM invitation WHERE expires < ?1")?.execute([now]).map(drop)
}
