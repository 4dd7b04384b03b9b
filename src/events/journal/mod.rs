//! The journal: calls that are over are written down in other systems, sooner or later.
//!
//! An entry is made in the transaction that ends its call, so no call is forgotten; it stays until the other side has
//! said yes, across restarts and outages of days. Entries of one customer go out one after another. Whoever gets a call
//! twice can tell by its key. `dispatch.rs` sends, `url.rs` is the one writer that needs no source.

mod dispatch;
mod entry;
mod manage;
mod url;

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::rows::CallRow;

pub(super) use dispatch::Step;
pub use dispatch::{Dispatcher, Target, Targets};
pub(super) use entry::{Entry, due, next_due, note};
pub use manage::{Listed, Which};
pub(super) use manage::{counts, drop_entries, list, retry};
pub use url::UrlLog;

/// How long an entry waits before its first try, in milliseconds: for events that were overtaken by the end of the call.
const SETTLE: i64 = 3_000;

/// Makes an entry for each target of a call that is over, unless there is one. A call that went otherwise than it looked
/// replaces what has not been tried yet.
pub(super) fn enter(connection: &Connection, call: &CallRow, targets: &[Arc<str>], now: i64) -> rusqlite::Result<()> {
    let Some(outcome) = call.outcome.filter(|_| !targets.is_empty()) else { return Ok(()) };
    let store: String =
        connection.prepare_cached("SELECT value FROM meta WHERE name = 'store'")?.query_row([], |row| row.get(0))?;
    let key = format!("{store}-{}-{}", call.id, outcome.as_str());
    let line = line(call);
    for target in targets {
        let sql = "DELETE FROM journal WHERE call = ?1 AND target = ?2 AND key <> ?3 AND state = 0 AND tries = 0";
        connection.prepare_cached(sql)?.execute(params![call.id, &**target, key])?;
        let sql = "INSERT OR IGNORE INTO journal (key, project, target, call, line, state, due, created) \
                   VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7)";
        let mut statement = connection.prepare_cached(sql)?;
        statement.execute(params![key, &*call.project, &**target, call.id, line, now + SETTLE, now])?;
    }
    Ok(())
}

/// The customer whose calls are written one after another: his number, or this call alone when there is none.
fn line(call: &CallRow) -> String {
    call.number.map_or_else(|| format!("call {}", call.id), |number| format!("{} {number}", call.project))
}
