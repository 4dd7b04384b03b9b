//! What events need of a configuration: the projects, and whoever writes calls down for them.

use std::sync::Arc;

use crate::error::{Error, Kind, Result};
use crate::events::Settings;
use crate::events::journal::{Target, Targets, UrlLog};
use crate::faces::Current;
use crate::model::EndedCall;
use crate::sources::{CallLog, Writing};

/// Tries and requests a minute for a source that writes calls; its own limits stand around it.
const OF_A_SOURCE: (u32, u32) = (50, 600);

/// The settings of events for a configuration that is about to be in force.
pub(super) fn settings(current: &Current) -> Settings {
    // An address without a project gets what a project that is gone has left behind.
    let of_projects = current.config.projects.values().flat_map(|project| &project.journal);
    let mut targets = Targets::new();
    for name in of_projects.chain(current.config.journals.keys()) {
        if !targets.contains_key(name) {
            targets.insert(Arc::clone(name), target(current, name));
        }
    }
    Settings { projects: current.projects.clone(), targets }
}

/// Where calls are written to under this name. What cannot be set up keeps its calls waiting, and stops nobody else: it may
/// be one tenant's.
fn target(current: &Current, name: &Arc<str>) -> Target {
    set_up(current, name).unwrap_or_else(|error| {
        tracing::error!(target: "calldex::journal", journal = &**name, "calls wait, they cannot be written: {error}");
        Target { log: Arc::new(Nowhere(error.to_string())), tries: u32::MAX, per_minute: OF_A_SOURCE.1 }
    })
}

fn set_up(current: &Current, name: &Arc<str>) -> Result<Target> {
    if let Some(journal) = current.config.journals.get(name) {
        let log = Arc::new(UrlLog::new(journal)?);
        return Ok(Target { log, tries: journal.tries, per_minute: journal.rate });
    }
    let log = current.live.get(name).and_then(|live| live.call_log.clone());
    let log = log.ok_or_else(|| {
        let message = format!("the source {name} cannot write calls; take it out of journal, or set it up to");
        Error::new(Kind::Invalid, message)
    })?;
    Ok(Target { log, tries: OF_A_SOURCE.0, per_minute: OF_A_SOURCE.1 })
}

/// Takes no call, and says why.
struct Nowhere(String);

impl CallLog for Nowhere {
    fn log_call(&self, _: Arc<EndedCall>) -> Writing<'static> {
        // A passing failure: the calls wait until the configuration is another one.
        let why = Error::new(Kind::Unavailable, self.0.clone());
        Box::pin(async { Err(why) })
    }
}
