//! What events need of a configuration: the projects, and whoever writes calls down for them.

use std::sync::Arc;

use crate::error::{Error, Kind, Result};
use crate::events::Settings;
use crate::events::journal::{Target, Targets, UrlLog};
use crate::faces::Current;

/// Tries and requests a minute for a source that writes calls; its own limits stand around it.
const OF_A_SOURCE: (u32, u32) = (50, 600);

/// The settings of events for a configuration that is about to be in force.
///
/// # Errors
/// `Invalid` when a project writes its calls to a source that cannot write any.
pub(super) fn settings(current: &Current) -> Result<Settings> {
    let mut targets = Targets::new();
    for project in current.config.projects.values() {
        for name in &project.journal {
            if !targets.contains_key(name) {
                targets.insert(Arc::clone(name), target(current, name)?);
            }
        }
    }
    Ok(Settings { projects: current.projects.clone(), targets })
}

fn target(current: &Current, name: &Arc<str>) -> Result<Target> {
    if let Some(journal) = current.config.journals.get(name) {
        let log = Arc::new(UrlLog::new(journal)?);
        return Ok(Target { log, tries: journal.tries, per_minute: journal.rate });
    }
    let log = current.live.get(name).and_then(|live| live.call_log.clone());
    let log = log.ok_or_else(|| {
        Error::new(
            Kind::Invalid,
            format!("the source {name} cannot write calls; take it out of journal, or set it up to"),
        )
    })?;
    Ok(Target { log, tries: OF_A_SOURCE.0, per_minute: OF_A_SOURCE.1 })
}
