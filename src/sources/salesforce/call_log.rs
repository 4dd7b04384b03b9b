//! Writes calls down in Salesforce: by the customer's own Apex class where the settings name one, else as a task.

use std::sync::Arc;

use super::class::Class;
use super::org::Org;
use super::task;
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::model::EndedCall;
use crate::sources::{Agents, CallLog, Writing};

/// Writes calls down for one source.
pub(super) struct Calls(pub(super) Arc<Parts>);

/// What it takes.
pub(super) struct Parts {
    pub(super) source: Arc<str>,
    pub(super) org: Arc<Org>,
    /// The class that gets the calls, where the settings name one; why it cannot, as long as that is so.
    pub(super) class: Option<Result<Class>>,
    pub(super) agents: Agents,
    pub(super) owner_of_contact: bool,
}

impl Parts {
    /// The user of Salesforce who spoke, where the agent's `owner` says so.
    fn owner(&self, call: &EndedCall) -> Option<&str> {
        let agent = config::Agent::find(&self.agents, call.agent.as_deref()?)?;
        agent.owner.get(&self.source).map(String::as_str).filter(|owner| task::is_id(owner))
    }
}

impl CallLog for Calls {
    fn log_call(&self, call: Arc<EndedCall>) -> Writing<'static> {
        let calls = Arc::clone(&self.0);
        Box::pin(async move {
            match &calls.class {
                Some(Ok(class)) => class.send(&calls.org, &call, &calls.source).await,
                Some(Err(why)) => Err(Error::new(Kind::Invalid, why.to_string())),
                None => {
                    let owner = task::Owner { agent: calls.owner(&call), or_of_contact: calls.owner_of_contact };
                    task::write(&calls.org, &call, &calls.source, owner).await
                }
            }
        })
    }
}
