//! Looks up the callers of calls that could not be tied to a lookup, and of those whose lookup was incomplete.
//!
//! First with the project's deadline, so that a card has a name soon; when a source was late, once more with all the time
//! that the source may take: that joins the request under way and brings the late answer to the open card.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lookup::Project;
use crate::model::{Call, RequestId};

use super::Events;
use super::caller::Caller;
use super::rows::CallRow;

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
        self.note(call, Caller { by_agent, ..caller }).await;
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
