//! What is done from time to time: calls that nobody ends are given up, callers that could not be looked up are looked up,
//! and what need not be kept is removed.

use std::sync::Arc;
use std::time::Duration;

use super::{Announced, Events, millis, retention};
use crate::error::{Result, contain};

/// Time between two rounds.
const ROUND: Duration = Duration::from_secs(30);

/// Rounds between two removals of what is old.
const REMOVE: u64 = 20;

/// Calls without a caller that one round looks up.
const MOST_UNBOUND: i64 = 100;

/// Pause between two steps of a removal, so that events come first.
const BREATH: Duration = Duration::from_millis(50);

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
        for call in self.store.unbound(MOST_UNBOUND).await? {
            // The next one must be looked up whatever becomes of this one.
            if let Err(error) = contain(Arc::clone(self).bind(call)).await {
                tracing::error!(target: "calldex::events", "a caller could not be looked up: {error}");
            }
        }
        if remove {
            self.remove_old().await?;
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
            for call in self.store.give_up(name, targets, before, now).await? {
                let _ = self.announce.try_send(Announced { call });
            }
        }
        Ok(())
    }

    async fn remove_old(&self) -> Result<()> {
        let settings = self.settings.load_full();
        let now = self.clock.utc_millis();
        for (name, project) in &settings.projects {
            let before = now - millis(project.config.history);
            while self.store.forget(Arc::clone(name), before).await? {
                tokio::time::sleep(BREATH).await;
            }
        }
        self.store.change("remove old sessions", move |connection| retention::forget_sessions(connection, now)).await
    }
}
