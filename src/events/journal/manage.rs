//! What an administrator does with the journal: look, try again, drop.

use rusqlite::{Connection, Row, params};

/// Which entries are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// One of them.
    One(i64),
    /// Every parked one.
    Parked,
    /// Every waiting one.
    Waiting,
    /// Those that were written.
    Written,
}

/// An entry for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub id: i64,
    /// What the other side tells repeats by.
    pub key: String,
    /// The project.
    pub project: String,
    /// Where it goes.
    pub target: String,
    /// The call.
    pub call: i64,
    /// `waiting`, `written` or `parked`.
    pub state: &'static str,
    /// Tries so far.
    pub tries: i64,
    /// When the next try is due, in milliseconds since 1970 UTC.
    pub due: i64,
    /// When its call was over.
    pub created: i64,
    /// Why the last try failed.
    pub error: Option<String>,
}

impl Which {
    /// Literal, so that the partial indexes are used.
    fn condition(self) -> String {
        match self {
            Self::One(id) => format!("id = {id}"),
            Self::Waiting => "state = 0".to_owned(),
            Self::Written => "state = 1".to_owned(),
            Self::Parked => "state = 2".to_owned(),
        }
    }
}

/// Entries, oldest first, at most `limit`; of one target when it is named.
pub(in super::super) fn list(
    connection: &Connection,
    which: Which,
    target: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<Listed>> {
    let sql = format!(
        "SELECT id, key, project, target, call, state, tries, due, created, error FROM journal \
         WHERE {} AND (?1 IS NULL OR target = ?1) ORDER BY id LIMIT ?2",
        which.condition()
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection.prepare(&sql)?.query_map(params![target, limit], listed)?.collect()
}

fn listed(row: &Row<'_>) -> rusqlite::Result<Listed> {
    Ok(Listed {
        id: row.get(0)?,
        key: row.get(1)?,
        project: row.get(2)?,
        target: row.get(3)?,
        call: row.get(4)?,
        state: match row.get(5)? {
            0 => "waiting",
            1 => "written",
            _ => "parked",
        },
        tries: row.get(6)?,
        due: row.get(7)?,
        created: row.get(8)?,
        error: row.get(9)?,
    })
}

/// Lets a part of the entries that are not written be tried again from now on, as if for the first time, at most `limit`.
/// Returns how many.
pub(in super::super) fn retry(
    connection: &Connection,
    which: Which,
    target: Option<&str>,
    now: i64,
    limit: usize,
) -> rusqlite::Result<usize> {
    // One whose turn it is already is left out: somebody who changes a part at a time would never come to an end.
    let again = if matches!(which, Which::One(_)) { "state <> 1" } else { "(state = 2 OR (state = 0 AND due > ?3))" };
    let sql = format!("UPDATE journal SET state = 0, tries = 0, due = ?3 WHERE id IN ({})", part(which, again));
    connection.execute(&sql, params![target, limit_of(limit), now])
}

/// Takes a part of the entries that are not written out for good, at most `limit`; their calls stay in the history. One
/// that is written stays: its key keeps the call from being written again. Returns how many.
pub(in super::super) fn drop_entries(
    connection: &Connection,
    which: Which,
    target: Option<&str>,
    limit: usize,
) -> rusqlite::Result<usize> {
    connection.execute(
        &format!("DELETE FROM journal WHERE id IN ({})", part(which, "state <> 1")),
        params![target, limit_of(limit)],
    )
}

/// Never all at once: an event would wait for the end.
fn part(which: Which, further: &str) -> String {
    format!(
        "SELECT id FROM journal WHERE {} AND (?1 IS NULL OR target = ?1) AND {further} ORDER BY id LIMIT ?2",
        which.condition()
    )
}

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Entries by target and state, for the metrics: waiting and parked ones.
pub(in super::super) fn counts(connection: &Connection) -> rusqlite::Result<Vec<(String, &'static str, u64)>> {
    let mut counts = Vec::new();
    for (state, name) in [(0, "waiting"), (2, "parked")] {
        let sql = "SELECT target, count(*) FROM journal WHERE state = ?1 GROUP BY target";
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map([state], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
        for row in rows {
            let (target, count): (String, i64) = row?;
            counts.push((target, name, count.cast_unsigned()));
        }
    }
    Ok(counts)
}
