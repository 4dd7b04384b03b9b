//! Makes a project of the configuration ready to answer: address books opened, templates compiled, metrics at hand.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::config::{self, Config};
use crate::error::{Error, Kind, Result};
use crate::metrics::ProjectMetrics;
use crate::number::Numbering;
use crate::sources::{LiveSources, Source};

use super::Lookup;
use super::cache::SourceId;
use super::fan_out::Asked;
use super::memo::NumberingId;
use super::rules::Ruleset;

/// A project, ready to answer. It is made new at every reload; running lookups keep the one they started with.
pub struct Project {
    /// What the configuration says.
    pub config: Arc<config::Project>,
    pub(super) numbering: NumberingId,
    /// How it reads numbers, shared with every question.
    pub(super) home: Arc<Numbering>,
    pub(super) asked: Vec<Asked>,
    pub(super) ruleset: Ruleset,
    pub(super) metrics: ProjectMetrics,
    pub(super) rate: Option<DefaultDirectRateLimiter>,
}

impl Project {
    /// Counts this lookup, and says whether it is one too many for the live sources.
    pub(super) fn is_over_rate(&self) -> bool {
        self.rate.as_ref().is_some_and(|rate| rate.check().is_err())
    }
}

impl Lookup {
    /// Makes a project ready. Its address books are created in the store when they are new.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for a template that cannot be read or a source that does not exist; what the store says when a
    /// book cannot be opened.
    pub async fn prepare(
        &self,
        config: &Config,
        live: &LiveSources,
        project: &Arc<config::Project>,
    ) -> Result<Project> {
        let mut asked = Vec::with_capacity(project.sources.len());
        for name in &project.sources {
            if let Some(live) = live.get(name) {
                let id = self.identities.source(format!("source {name} {}", live.settings));
                let source: Arc<dyn Source> = Arc::new(live.guard.clone());
                let inputs = source.inputs();
                asked.push(Asked::Live { source, id, timeout: live.timeout, inputs });
                continue;
            }
            let settings = config.directories.get(name).ok_or_else(|| {
                Error::new(
                    Kind::Invalid,
                    format!("project {} asks {name}, which is neither a directory nor a source", project.name),
                )
            })?;
            let book = self.directory.open_book(name, &settings.numbering).await?;
            let id = self.identities.source(format!("directory {} {name} {:?}", book.id, settings.numbering));
            asked.push(Asked::Book { book, id });
        }
        let numbering = self.identities.numbering(format!("{:?}", project.numbering));
        Ok(Project {
            asked,
            numbering,
            home: Arc::new(project.numbering.clone()),
            ruleset: compile(project)?,
            metrics: ProjectMetrics::of(&project.name),
            rate: project.rate.and_then(NonZeroU32::new).map(rate_limit),
            config: Arc::clone(project),
        })
    }
}

/// Compiles rules and templates. What is wrong with them was found when the file was read, unless nothing was checked.
fn compile(project: &config::Project) -> Result<Ruleset> {
    let (ruleset, complaints) = Ruleset::compile(project);
    match complaints.into_iter().find(|complaint| !complaint.is_warning) {
        Some(complaint) => Err(Error::new(Kind::Invalid, format!("project {}: {}", project.name, complaint.message))),
        None => Ok(ruleset),
    }
}

/// So many lookups a second, with as many at once after a pause.
pub(super) fn rate_limit(per_second: NonZeroU32) -> DefaultDirectRateLimiter {
    RateLimiter::direct(Quota::per_second(per_second))
}

/// Gives every distinct set of settings a number that is never used for another one, so that the cache and the memo stay
/// right when a reload changes what a name means. It grows only with changes of the configuration.
#[derive(Default)]
pub(super) struct Identities {
    given: Mutex<HashMap<String, u32>>,
}

impl Identities {
    pub(super) fn source(&self, settings: String) -> SourceId {
        SourceId(self.give(settings))
    }

    fn numbering(&self, settings: String) -> NumberingId {
        NumberingId(self.give(format!("numbering {settings}")))
    }

    fn give(&self, settings: String) -> u32 {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let next = u32::try_from(given.len()).unwrap_or(u32::MAX);
        *given.entry(settings).or_insert(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_settings_share_a_number_and_different_ones_do_not() {
        let identities = Identities::default();
        let first = identities.source("directory customers RO".into());
        assert_eq!(first, identities.source("directory customers RO".into()));
        assert_ne!(first, identities.source("directory customers DE".into()));
    }
}
