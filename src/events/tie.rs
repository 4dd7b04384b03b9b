//! Ties an event to the lookup of its call.
//!
//! A lookup carries no name of the call. So an event belongs to the last answer for the same project, number and number
//! called, as long as the id that came with it fits. Where it does not, the caller is looked up again (`bind.rs`).

use crate::lookup::Project;
use crate::model::Event;
use crate::number::{Key, Number};

use super::Events;
use super::caller::Caller;
use super::intake::Tie;

impl Events {
    /// Who the caller of an event is, as far as that is known without asking anybody.
    pub(super) async fn tie(&self, project: &Project, event: &Event) -> (Option<Key>, Tie) {
        let Some(telephone) = event.get("telephone") else { return (None, Tie::Nobody) };
        let number = self.lookup.read_number(project, telephone);
        let Number::Phone { phone, .. } = &*number else { return (None, Tie::Nobody) };
        let dnid = event.get("dnid").unwrap_or_default();
        let Some(answer) = self.lookup.recent_answer(project, &number, dnid).await else {
            return (Some(phone.key), Tie::Open);
        };
        let contact_id = event.get("contact_id");
        let answered = answer.decision.caller_data.id.as_ref().map(ToString::to_string);
        let fits = contact_id.is_none_or(|id| answered.as_deref() == Some(id));
        if !fits || answer.missing().next().is_some() {
            return (Some(phone.key), Tie::Open);
        }
        let caller = self.with_choice(project, phone.key, Caller::of(project, &answer, contact_id));
        (Some(phone.key), Tie::Tied(Box::new(caller)))
    }

    /// Applies what an agent has picked for this number, where several fit. It counts before the id that the PBX sends,
    /// which it may have got before the agent picked; a guess stays behind what is certain, as in the lookup.
    pub(super) fn with_choice(&self, project: &Project, number: Key, caller: Caller) -> Caller {
        if caller.candidates.is_empty() {
            return caller;
        }
        match self.store.choice(&project.config.name, number) {
            Ok(Some(chosen)) if !caller.is_weaker(&chosen) => caller.prefer(|choice| choice.to_ref() == chosen),
            _ => caller,
        }
    }
}
