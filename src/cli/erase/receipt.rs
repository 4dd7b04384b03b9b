//! What was removed where, for the person who asked: with ids and counts, without name or number, so that the receipt
//! can be kept.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::directory::Erasure;
use crate::events::Wiped;
use crate::model::ContactId;

/// What an erasure cannot reach; said every time, because nobody remembers it.
const NOT_REACHED: &str = "not reached: backups and exports made before, log files, other systems that a project asks";

/// The receipt for people.
pub(super) fn text(erasure: &Erasure, wiped: &Wiped) -> String {
    let mut out = String::new();
    for removed in &erasure.removed {
        let id: String = removed.id.to_string().chars().filter(|letter| !letter.is_control()).collect();
        let (book, numbers, fields) = (&removed.book, removed.numbers, removed.fields);
        // Writing into a String cannot fail.
        _ = writeln!(out, "{book}: contact {id} erased with {numbers} numbers and {fields} fields");
    }
    let Wiped { calls, events, journal, choices, .. } = wiped;
    _ = writeln!(
        out,
        "history: {calls} calls with {events} events, {journal} journal entries and {choices} choices of agents wiped"
    );
    _ = writeln!(out, "a running server forgets its copies within a second or two");
    _ = writeln!(out, "kept from coming back by {} keyed hashes (--forget-block takes them off)", erasure.blocks);
    _ = writeln!(out, "{}", in_the_file(erasure.log_truncated && wiped.log_truncated));
    _ = writeln!(out, "{NOT_REACHED}");
    out
}

fn in_the_file(log_truncated: bool) -> &'static str {
    match log_truncated {
        true => "overwritten in the file of the store, and its write-ahead log is cut off",
        false => {
            "overwritten in the file of the store; its write-ahead log could NOT be cut off, because another process \
             was reading: it may hold the text until the server is restarted or the next erasure"
        }
    }
}

/// The receipt for programs, one line.
pub(super) fn json(erasure: &Erasure, wiped: &Wiped) -> String {
    let removed = erasure.removed.iter().map(|removed| {
        let id = match &removed.id {
            ContactId::Integer(number) => Value::from(*number),
            ContactId::Text(text) => Value::from(&**text),
        };
        json!({ "directory": &*removed.book, "id": id, "numbers": removed.numbers, "fields": removed.fields })
    });
    let receipt = json!({
        "erased": removed.collect::<Vec<_>>(),
        "blocks": erasure.blocks,
        "history": {
            "calls": wiped.calls,
            "events": wiped.events,
            "journal": wiped.journal,
            "choices": wiped.choices,
        },
        "log_truncated": erasure.log_truncated && wiped.log_truncated,
        "not_reached": ["backups", "exports", "log files", "other systems"],
    });
    format!("{receipt}\n")
}
