//! Entries of the journal in the store, as the dispatcher sees them.

use rusqlite::{Connection, OptionalExtension, params};
use url::Url;

use super::super::assemble::{State, conversations};
use super::super::intake;
use super::super::rows::{self, CallRow};
use super::dispatch::Step;
use super::read_key;
use crate::model::{EndedCall, Event};

/// Longest address of a recording that is passed on, in bytes: a cut one would lead nowhere.
const LONGEST_ADDRESS: usize = 2_000;

/// An entry whose turn it is.
#[derive(Debug, Clone)]
pub(in super::super) struct Entry {
    pub(in super::super) id: i64,
    pub(super) key: String,
    pub(super) tries: u32,
    pub(in super::super) call: CallRow,
    /// What ended the call.
    pub(super) last: Option<Event>,
}

/// How a try ended.
#[derive(Debug, Clone)]
pub(in super::super) enum Tried {
    /// The other side has it.
    Written,
    /// Not yet; the next try is at `due`.
    Later { due: i64, error: String },
    /// Somebody has to look at it.
    Parked { error: String },
}

/// The oldest waiting entry of each line of a target whose time has come, at most `limit`.
pub(in super::super) fn due(
    connection: &Connection,
    target: &str,
    now: i64,
    limit: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let sql = "SELECT id, key, tries, call FROM journal WHERE target = ?1 AND state = 0 AND due <= ?2 \
               AND NOT EXISTS (SELECT 1 FROM journal AS earlier WHERE earlier.target = journal.target \
               AND earlier.line = journal.line AND earlier.state = 0 AND earlier.id < journal.id) \
               ORDER BY due, id LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![target, now, limit], |row| {
        let tries: i64 = row.get(2)?;
        Ok((row.get(0)?, row.get(1)?, u32::try_from(tries).unwrap_or(u32::MAX), row.get(3)?))
    })?;
    let rows: Vec<(i64, String, u32, i64)> = rows.collect::<rusqlite::Result<_>>()?;
    let entry = |(id, key, tries, call): (i64, String, u32, i64)| {
        let row = rows::call(connection, call).optional()?;
        let mut events = intake::events_of(connection, call)?;
        // What has ended by being given up is over in its row.
        let mut all = conversations(&events, row.as_ref().is_some_and(|call| call.state == State::Over));
        let last = events.pop();
        let (part, _) = read_key(&key);
        if all.len() > 1 && (1..=all.len()).contains(&part) {
            let one = all.swap_remove(part - 1);
            return Ok(row.map(|call| Entry { id, key, tries, call: call.with(one), last }));
        }
        Ok(row.map(|call| Entry { id, key, tries, call, last }))
    };
    rows.into_iter().filter_map(|row| entry(row).transpose()).collect()
}

/// When the next entry of a target is due; `None` when none waits.
pub(in super::super) fn next_due(connection: &Connection, target: &str) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT min(due) FROM journal WHERE target = ?1 AND state = 0";
    connection.prepare_cached(sql)?.query_row([target], |row| row.get(0))
}

/// Notes how a try ended, unless somebody dropped the entry meanwhile.
pub(in super::super) fn note(connection: &Connection, id: i64, step: &Step, now: i64) -> rusqlite::Result<()> {
    let tried = match step {
        Step::Tried(tried) => tried,
        Step::Postpone(due) => {
            let sql = "UPDATE journal SET due = ?2 WHERE id = ?1 AND state = 0";
            return connection.prepare_cached(sql)?.execute(params![id, due]).map(drop);
        }
        Step::Forget => {
            return connection.prepare_cached("DELETE FROM journal WHERE id = ?1")?.execute([id]).map(drop);
        }
    };
    let (state, due, written, error) = match tried {
        Tried::Written => (1, now, Some(now), None),
        Tried::Later { due, error } => (0, *due, None, Some(error)),
        Tried::Parked { error } => (2, now, None, Some(error)),
    };
    let sql = "UPDATE journal SET state = ?2, tries = tries + 1, due = ?3, written = ?4, error = ?5 \
               WHERE id = ?1 AND state = 0";
    connection.prepare_cached(sql)?.execute(params![id, state, due, written, error]).map(drop)
}

impl Entry {
    /// The call as writers get it; `None` while it is not over: a queue had lost it, and another one has taken it since.
    pub(in super::super) fn ended_call(&self) -> Option<EndedCall> {
        let call = &self.call;
        let caller = call.caller.clone().unwrap_or_default();
        Some(EndedCall {
            key: self.key.clone(),
            project: call.project.clone(),
            uniqueid: call.uniqueid.clone(),
            direction: call.direction,
            telephone: call.telephone.clone(),
            number: call.number.map(|key| key.to_string()),
            dnid: call.dnid.clone(),
            queue: call.queue.clone(),
            agent: call.agent.clone(),
            remote_number: call.remote_number.clone(),
            outcome: call.outcome?,
            reason: call.reason.clone(),
            recording: call.recording.as_deref().and_then(address),
            started: call.started,
            answered: call.answered,
            ended: call.ended,
            waited: call.waited,
            duration: call.duration,
            computed: call.computed.split_whitespace().map(str::to_owned).collect(),
            contact: caller.contact.as_ref().map(super::super::caller::Named::to_ref),
            name: caller.name,
            company: caller.company,
            params: self.last.as_ref().map(|event| event.params.clone()).unwrap_or_default(),
        })
    }

    /// Whether the entry still says how its call went.
    pub(in super::super) fn is_true(&self) -> bool {
        self.call.outcome == read_key(&self.key).1
    }
}

/// A recording is only passed on as an address of the web, spelled so that it is one word without quotes and brackets wherever
/// it stands. One with a user or a password is not: everybody in the CRM would read it, or take the user for the host.
fn address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    let url = url.as_str().replace('\'', "%27").replace('[', "%5B").replace(']', "%5D");
    (is_plain && url.len() <= LONGEST_ADDRESS).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_an_address_and_nothing_else() {
        let signed = "https://s3.example.com/rec/1.wav?X-Amz-Date=20261127T100000Z&X-Amz-Signature=ab%2Bcd#t=1";
        for (sent, passed) in [
            (signed, signed),
            (" http://10.0.0.5:8088/rec/1.wav\n", "http://10.0.0.5:8088/rec/1.wav"),
            ("https://pbx.example.com/a b/ă.wav", "https://pbx.example.com/a%20b/%C4%83.wav"),
            ("https://x.example.com/'><script>\"[url]", "https://x.example.com/%27%3E%3Cscript%3E%22%5Burl%5D"),
            ("https://x.example.com/1\r\nSet-Cookie: a=b", "https://x.example.com/1Set-Cookie:%20a=b"),
            ("https://x.example.com/{{ 7 * 7 }}", "https://x.example.com/%7B%7B%207%20*%207%20%7D%7D"),
        ] {
            assert_eq!(address(sent).as_deref(), Some(passed), "{sent}");
        }
        let huge = format!("https://x.example.com/{}", "a".repeat(LONGEST_ADDRESS));
        for sent in [
            "",
            "/var/spool/monitor/1.wav",
            "javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "file:///etc/passwd",
            "https://",
            "https://bank.example.com:443@evil.example.com/1.wav",
            &huge,
        ] {
            assert_eq!(address(sent), None, "{sent}");
        }
    }
}
