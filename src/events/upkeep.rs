//! What is done from time to time: calls that nobody ends are given up, callers that could not be looked up are looked up,
//! and what need not be kept is removed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::{CallRow, Events, millis};
use crate::error::{Result, contain};
use crate::lookup::Project;

/// Time between two rounds.
const ROUND: Duration = Duration::from_secs(30);

/// Rounds between two removals of what is old.
const REMOVE: u64 = 20;

/// Callers that are looked up at a time: one may take as long as his source.
const AT_ONCE: usize = 8;

/// Calls without a caller that one round looks up, of each project.
const MOST_UNBOUND: i64 = 100;

/// Runs until the runtime ends. The first round is right after the start: a killed process may have left callers open.
pub(super) async fn run(events: Arc<Events>) {
    for round in 0_u64.. {
        let looked_after = contain(events.look_after(round.is_multiple_of(REMOVE))).await;
        if let Err(error) = looked_after.and_then(|done| done) {
            tracing::warn!(target: "calldex::events", "the upkeep of events has failed: {error}");
        }
        tokio::time::sleep(ROUND).await;
    }
}

impl Events {
    async fn look_after(self: &Arc<Self>, remove: bool) -> Result<()> {
        self.give_up().await?;
        self.look_up_unbound().await?;
        if remove {
            self.remove_old().await?;
        }
        Ok(())
    }

    /// Calls of a project that is not configured any more stay as they are, and must not take the turn of others.
    async fn look_up_unbound(self: &Arc<Self>) -> Result<()> {
        let settings = self.settings.load_full();
        for name in self.store.projects_with_unbound_calls().await? {
            if !settings.projects.contains_key(&*name) {
                continue;
            }
            let calls = self.store.unbound(name, MOST_UNBOUND).await?;
            let look_up = async |call| {
                // The next one must be looked up whatever becomes of this one.
                if let Err(error) = contain(Arc::clone(self).bind(call)).await {
                    tracing::error!(target: "calldex::events", "a caller could not be looked up: {error}");
                }
            };
            stream::iter(calls).for_each_concurrent(AT_ONCE, look_up).await;
        }
        Ok(())
    }

    async fn give_up(self: &Arc<Self>) -> Result<()> {
        let settings = self.settings.load_full();
        let now = self.clock.utc_millis();
        for name in self.store.projects_with_running_calls().await? {
            let Some(project) = settings.projects.get(&*name) else { continue };
            let before = now - millis(project.config.longest_call);
            let targets = project.config.journal.clone().into();
            let announcer = self.announcer.clone();
            let announce =
                move |calls: &Vec<Arc<CallRow>>| calls.iter().cloned().for_each(|call| announcer.announce(call));
            self.store.give_up(name, targets, before, now, announce).await?;
        }
        Ok(())
    }

    async fn remove_old(&self) -> Result<()> {
        let settings = self.settings.load_full();
        let kept = |(name, project): (&Arc<str>, &Arc<Project>)| (Arc::clone(name), millis(project.config.history));
        self.store.remove_old(settings.projects.iter().map(kept).collect(), self.clock.utc_millis()).await
    }
}
