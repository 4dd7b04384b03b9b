//! Looks up the callers of calls that could not be tied to a lookup, and of those whose lookup was incomplete.
//!
//! First with the project's deadline, so that a card has a name soon; when a source was late, once more with all the time
//! that the source may take: that joins the request under way and brings the late answer to the open card. Where a source was
//! down, the caller is looked up again from time to time while the call runs (`upkeep.rs`), and before it is written down.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lookup::Project;
use crate::model::{Call, RequestId};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Events;
use super::caller::Caller;
use super::journal::Callers;
use super::rows::CallRow;

impl Callers for Events {
    fn look_up<'a>(&'a self, call: &'a CallRow) -> BoxFuture<'a, Option<Caller>> {
        let looked_up = async move {
            let project = self.project(&call.project)?;
            let deadline = self.clock.now() + project.config.deadline;
            let caller = self.ask(&project, call, deadline).await?;
            if caller.undetermined || caller.incomplete {
                return None;
            }
            let caller = Caller { late: !caller.is_nobody(), ..caller };
            self.note(call, caller.clone()).await;
            Some(caller)
        };
        looked_up.boxed()
    }
}

impl Events {
    /// Looks up the caller of a call and notes him; runs in a task of its own.
    pub(super) async fn bind(self: Arc<Self>, call: Arc<CallRow>) {
        self.seek(&call, false).await;
    }

    /// The same. `by_agent` is whether an agent has just made the contact that is to be found.
    pub(super) async fn seek(&self, call: &CallRow, by_agent: bool) {
        let Some(project) = self.project(&call.project) else { return };
        let deadline = self.clock.now() + project.config.deadline;
        let Some(caller) = self.ask(&project, call, deadline).await else { return };
        let (late, by_agent) = (caller.incomplete, by_agent && !caller.is_nobody());
        // A card that was shown without a name gets it now.
        let again = call.caller.is_some() && !by_agent && !caller.is_nobody();
        self.note(call, Caller { late: again, by_agent, ..caller }).await;
        if late {
            let deadline = self.clock.now() + self.lookup.patience(&project);
            if let Some(caller) = self.ask(&project, call, deadline).await {
                // Whatever it brings, nothing more follows.
                let late = !caller.is_nobody();
                self.note(call, Caller { incomplete: false, late, ..caller }).await;
            }
        }
    }

    pub(super) async fn ask(
        &self,
        project: &Arc<Project>,
        call: &CallRow,
        deadline: std::time::Instant,
    ) -> Option<Caller> {
        let question = Call {
            project: Arc::clone(&project.config.name),
            telephone: call.telephone.clone(),
            dnid: call.dnid.clone(),
            direction: Some(call.direction),
            params: BTreeMap::new(),
            request_id: RequestId::from_bits(call.id.cast_unsigned()),
        };
        let answer = self.lookup.inquire(project, question, deadline).await;
        let contact_id = self.store.contact_id(call.id).await.ok().flatten();
        let caller = Caller::of(project, &answer, contact_id.as_deref());
        Some(self.with_choice(project, call.number?, caller))
    }

    pub(super) async fn note(&self, call: &CallRow, caller: Caller) {
        let announcer = self.announcer.clone();
        let noted = self.store.bind(call.id, caller, move |call| announcer.announce(Arc::clone(call))).await;
        if let Err(error) = noted {
            // It is tried again by the upkeep.
            tracing::warn!(target: "calldex::events", "a caller could not be noted: {error}");
        }
    }
}
