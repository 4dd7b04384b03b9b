//! Events: taken in once, kept through everything, put together to calls.

mod agent;
mod erased;
mod intake;
mod journal;
mod picks;
mod signed_out;
mod stand_in;
mod streams;
mod survive;

use serde_json::Value;

use crate::harness::{self, Reply, Server, TOKEN, Workplace};

/// Reports an event of the project `sales`; `query` stands as it is in the URL.
fn report(server: &Server, query: &str) -> Reply {
    harness::report(server.address, &format!("/sales/events?{query}&token={TOKEN}"))
}

/// Everything that the store holds, oldest first.
fn events(workplace: &Workplace) -> Vec<Value> {
    let text = workplace.succeed(&["events", "list", "--json"]);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A value of the table of calls, as SQLite's own tool would show it.
fn calls(workplace: &Workplace, columns: &str) -> Vec<String> {
    let database = workplace.database("calldex-events.db");
    let mut statement = database.prepare(&format!("SELECT {columns} FROM call ORDER BY id")).unwrap();
    let count = statement.column_count();
    let text = |row: &rusqlite::Row<'_>| {
        let value = |place| match row.get::<_, rusqlite::types::Value>(place).unwrap() {
            rusqlite::types::Value::Null => "-".to_owned(),
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        };
        Ok((0..count).map(value).collect::<Vec<_>>().join(" "))
    };
    statement.query_map([], text).unwrap().map(Result::unwrap).collect()
}
