//! The owners of contacts: who of them has which extension, remembered for an hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::task::is_id;
use crate::directory::Hit;
use crate::error::{Error, Kind, Result};
use crate::model::Field;
use crate::sources::so_far;

/// How long their query may take: the caller is known already and waits.
const QUERY: Duration = Duration::from_millis(300);
/// How long an extension is remembered.
const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// Most owners that are remembered.
const MOST: usize = 10_000;

/// Extensions by the ids of owners. The lock is held for one access.
pub(super) struct Owners {
    line: String,
    known: Mutex<HashMap<String, (Option<String>, Instant)>>,
}

impl Owners {
    /// Owners whose line is made by this template.
    pub(super) fn new(line: String) -> Self {
        Self { line, known: Mutex::default() }
    }

    /// Sets the line of each contact whose owner has an extension; `ask` sends a query about those who are not known yet. When
    /// it fails, or has not answered after `limit`, that costs the line and not the contact.
    pub(super) async fn set_lines<F>(
        &self,
        hits: &mut [Hit],
        now: Instant,
        limit: Duration,
        ask: impl FnOnce(String) -> F,
    ) where
        F: Future<Output = Result<Value>>,
    {
        let mut wanted: Vec<String> =
            hits.iter().filter_map(|hit| hit.contact.get(Field::Owner)).map(str::to_owned).collect();
        wanted.retain(|id| is_id(id) && self.get(id, now).is_none());
        wanted.sort_unstable();
        wanted.dedup();
        self.set_known(hits, now);
        if wanted.is_empty() {
            return;
        }
        so_far::hand_over(hits);
        let late = |_| Err(Error::new(Kind::Timeout, "no answer in the time of a follow-up request"));
        match tokio::time::timeout(limit.min(QUERY), ask(query(&wanted))).await.unwrap_or_else(late) {
            Ok(answer) => self.learn(wanted, &answer, now),
            Err(why) => {
                tracing::debug!(target: "calldex::sources", "the owners' extensions are not known: {why}");
                if why.is_passing() {
                    so_far::leave_gap();
                }
            }
        }
        self.set_known(hits, now);
    }

    fn set_known(&self, hits: &mut [Hit], now: Instant) {
        for hit in hits {
            let owner = hit.contact.get(Field::Owner).and_then(|id| self.get(id, now)).flatten();
            if let Some(extension) = owner {
                let contact = Arc::make_mut(&mut hit.contact);
                contact.set(Field::DirectLine, self.line.replace("{extension}", &extension));
                contact.custom.insert("owner_extension".to_owned(), extension);
            }
        }
    }

    fn learn(&self, wanted: Vec<String>, answer: &Value, now: Instant) {
        let records = answer.get("records").and_then(Value::as_array);
        let found = records.into_iter().flatten().filter_map(|record| {
            let text = |name: &str| record.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            Some((text("Id")?.to_owned(), text("Extension").map(str::to_owned)))
        });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + wanted.len() > MOST {
            known.clear();
        }
        // Groups own leads too and are no users: they are remembered as somebody without an extension.
        known.extend(wanted.into_iter().map(|id| (id, (None, now + LIFETIME))));
        known.extend(found.map(|(id, extension)| (id, (extension, now + LIFETIME))));
    }

    /// What is known of an owner: `None` when nothing is, or no more.
    fn get(&self, id: &str, now: Instant) -> Option<Option<String>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(id).filter(|(_, until)| now < *until).map(|(extension, _)| extension.clone())
    }
}

fn query(wanted: &[String]) -> String {
    let ids = wanted.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(",");
    format!("SELECT Id, Extension FROM User WHERE Id IN ({ids})")
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use serde_json::json;

    use super::*;
    use crate::clock::{Clock, SystemClock};
    use crate::model::Contact;
    use crate::number::ladder::Rung;
    use crate::sources::so_far::SoFar;

    const ID: &str = "005A0000001AbCdEFG";

    fn hits() -> Vec<Hit> {
        let mut contact = Contact::default();
        contact.set(Field::Owner, ID);
        vec![Hit { contact: Arc::new(contact), rung: Rung::Exact }]
    }

    fn line(hits: &[Hit]) -> Option<&str> {
        hits[0].contact.get(Field::DirectLine)
    }

    #[tokio::test(start_paused = true)]
    async fn a_query_that_hangs_costs_the_line_and_is_given_up_long_before_a_call_is() {
        let (owners, now) = (Owners::new("SIP/{extension}".to_owned()), SystemClock.now());
        for (limit, most) in [(Duration::from_secs(10), QUERY), (Duration::from_millis(20), Duration::from_millis(20))]
        {
            let (start, so_far, mut hits) = (tokio::time::Instant::now(), SoFar::default(), hits());
            let asking = so_far::collect(&so_far, owners.set_lines(&mut hits, now, limit, |_| pending()));
            tokio::time::timeout(Duration::from_secs(60), asking).await.expect("it is waited for");
            assert_eq!((line(&hits), start.elapsed()), (None, most));
            assert!(so_far.hits().is_some() && so_far.has_gap(), "whoever waits gets him, and asks again");
        }
        let (so_far, mut hits) = (SoFar::default(), hits());
        let answer = json!({"records": [{"Id": ID, "Extension": "101"}]});
        so_far::collect(&so_far, owners.set_lines(&mut hits, now, QUERY, |_| ready(Ok(answer)))).await;
        assert_eq!((line(&hits), so_far.has_gap()), (Some("SIP/101"), false), "the next one is asked again");
    }
}
