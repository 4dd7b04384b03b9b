//! `history` in a rule: earlier calls of the number that are over. The call that is ringing is not among them.

use std::sync::Arc;

use minijinja::value::{Object, Value};

use crate::model::{CallOutcome, Direction, PastCall, abandoned_in_a_row, last_agent};

/// How far rules look back, in milliseconds; `last_agent` too.
pub(in crate::lookup) const REACH: i64 = WINDOWS[2].1;

/// Most calls that are read for a rule.
pub(in crate::lookup) const MOST_CALLS: usize = 100;

const HOUR: i64 = 3_600_000;

/// The attributes of `history` that count calls, and how far each looks back.
const WINDOWS: [(&str, i64); 3] = [("last_hour", HOUR), ("last_day", 24 * HOUR), ("last_week", 7 * 24 * HOUR)];

/// The attributes of `history`.
pub(super) const OF_HISTORY: [&str; 5] = ["abandoned_in_a_row", "last_agent", "last_day", "last_hour", "last_week"];
/// The attributes of each window.
pub(super) const OF_WINDOW: [&str; 4] = ["abandoned", "answered", "calls", "outgoing"];

/// `history`
#[derive(Debug)]
pub(super) struct HistoryView {
    /// Newest first.
    pub(super) calls: Arc<[PastCall]>,
    /// Milliseconds since 1970 UTC.
    pub(super) now: i64,
}

impl Object for HistoryView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "last_agent" => last_agent(&self.calls).map(Value::from),
            "abandoned_in_a_row" => Some(Value::from(abandoned_in_a_row(&self.calls))),
            _ => {
                let (_, length) = WINDOWS.iter().find(|(name, _)| *name == key)?;
                Some(Value::from_object(Window { history: Arc::clone(self), since: self.now - length }))
            }
        }
    }
}

/// `history.last_hour` and its like.
#[derive(Debug)]
struct Window {
    history: Arc<HistoryView>,
    since: i64,
}

impl Object for Window {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let inbound = |call: &PastCall| call.direction == Direction::In;
        let answered = |call: &PastCall| inbound(call) && call.outcome == Some(CallOutcome::Answered);
        let over = |call: &&PastCall| call.outcome.is_some() && call.started >= self.since;
        let count = |fits: &dyn Fn(&PastCall) -> bool| {
            Some(Value::from(self.history.calls.iter().filter(over).filter(|call| fits(call)).count()))
        };
        match key {
            "calls" => count(&inbound),
            "abandoned" => count(&PastCall::is_abandoned),
            "answered" => count(&answered),
            "outgoing" => count(&|call| !inbound(call)),
            _ => None,
        }
    }
}
