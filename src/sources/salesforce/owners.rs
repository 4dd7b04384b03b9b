//! The owners of contacts: who of them has which extension, remembered for an hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::org::Org;
use super::task::is_id;
use crate::directory::Hit;
use crate::model::Field;

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

    /// Sets the line of each contact whose owner has an extension. A failure costs the line and not the contact.
    pub(super) async fn set_lines(&self, hits: &mut [Hit], org: &Org) {
        let now = org.now();
        let mut wanted: Vec<String> =
            hits.iter().filter_map(|hit| hit.contact.get(Field::Owner)).map(str::to_owned).collect();
        wanted.retain(|id| is_id(id) && self.get(id, now).is_none());
        wanted.sort_unstable();
        wanted.dedup();
        if !wanted.is_empty()
            && let Err(why) = self.learn(&wanted, org, now).await
        {
            tracing::debug!(target: "calldex::sources", "the owners' extensions are not known: {why}");
        }
        for hit in hits {
            let owner = hit.contact.get(Field::Owner).and_then(|id| self.get(id, now)).flatten();
            if let Some(extension) = owner {
                let contact = Arc::make_mut(&mut hit.contact);
                contact.set(Field::DirectLine, self.line.replace("{extension}", &extension));
                contact.custom.insert("owner_extension".to_owned(), extension);
            }
        }
    }

    async fn learn(&self, wanted: &[String], org: &Org, now: Instant) -> crate::error::Result<()> {
        let ids = wanted.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(",");
        let answer = org.query(&format!("SELECT Id, Extension FROM User WHERE Id IN ({ids})")).await?;
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
        known.extend(wanted.iter().map(|id| (id.clone(), (None, now + LIFETIME))));
        known.extend(found.map(|(id, extension)| (id, (extension, now + LIFETIME))));
        Ok(())
    }

    /// What is known of an owner: `None` when nothing is, or no more.
    fn get(&self, id: &str, now: Instant) -> Option<Option<String>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(id).filter(|(_, until)| now < *until).map(|(extension, _)| extension.clone())
    }
}
