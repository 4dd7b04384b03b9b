//! Tells Ticketsys of a finished call as the PBX tells of its events: `GET url?event=...`.
//!
//! Nothing public says what Ticketsys takes. These are the parameters of the PBX's own documentation, at the address of the
//! lookup; a system that knows no events reads them as one more question, which does no harm.

use std::sync::Arc;

use super::Generic;
use crate::model::{CallOutcome, Direction, EndedCall};
use crate::sources::http::Request;
use crate::sources::{CallLog, Writing};

/// Writes calls down for one source.
pub(super) struct Calls(pub(super) Generic);

impl CallLog for Calls {
    fn log_call(&self, call: Arc<EndedCall>) -> Writing<'static> {
        let ticketsys = self.0.clone();
        Box::pin(async move { ticketsys.client.tell(ticketsys.event(&call)).await })
    }
}

impl Generic {
    /// The request. What is not known is empty, as the PBX has it; so is the id of a contact that another source knows.
    fn event(&self, call: &EndedCall) -> Request {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let own = call.contact.as_ref().filter(|contact| contact.source == self.name);
        let (direction, event) = name(call);
        let mut url = self.settings.url.clone();
        url.query_pairs_mut()
            .append_pair("event", event)
            .append_pair("direction", direction)
            .append_pair("agent", &text(&call.agent))
            .append_pair("remote_number", &text(&call.remote_number))
            .append_pair("telephone", &call.telephone)
            .append_pair("dnid", &call.dnid)
            .append_pair("contact_id", &own.map(|contact| contact.id.to_string()).unwrap_or_default())
            .append_pair("queue", &text(&call.queue))
            .append_pair("fail_reason", &text(&call.reason))
            .append_pair("uniqueid", &text(&call.uniqueid));
        Request::get(url)
    }
}

fn name(call: &EndedCall) -> (&'static str, &'static str) {
    match (call.direction, call.outcome) {
        (Direction::Out, _) => ("OUT", "outgoing_end"),
        (Direction::In, CallOutcome::Missed) => ("IN", "missed_calls"),
        (Direction::In, _) => ("IN", "queue_answer_end"),
    }
}
