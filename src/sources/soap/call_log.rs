//! Writes calls down by a function of a SOAP service, `log_func`: it gets the fields of the call by their names.

use std::sync::Arc;

use super::Soap;
use crate::model::EndedCall;
use crate::soap::Value;
use crate::sources::{CallLog, Writing};

/// Writes calls down for one source.
pub(super) struct Calls(Arc<Soap>);

impl Calls {
    /// `soap` calls the function that takes calls.
    pub(super) fn of(soap: Soap) -> Arc<dyn CallLog> {
        Arc::new(Self(Arc::new(soap)))
    }
}

impl CallLog for Calls {
    fn log_call(&self, call: Arc<EndedCall>) -> Writing<'static> {
        let soap = Arc::clone(&self.0);
        // What the function answers is no matter, unless it is a fault.
        Box::pin(async move { soap.call(fields(&call, &soap)).await.map(drop) })
    }
}

/// The same names as in the journal of an address; what is not known is null.
fn fields<'a>(call: &EndedCall, soap: &Soap) -> Vec<(&'a str, Value)> {
    let own = call.contact.as_ref().filter(|contact| contact.source == soap.name);
    let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::text);
    let time = |millis: Option<i64>| {
        let time = millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
        time.map_or(Value::Null, |time| Value::text(time.to_string()))
    };
    let seconds =
        |count: Option<u64>| count.and_then(|count| i64::try_from(count).ok()).map_or(Value::Null, Value::Integer);
    let telephone = call.number.as_deref().map_or_else(|| call.telephone.clone(), |it| soap.answers.spell_known(it));
    vec![
        ("telephone", Value::text(telephone)),
        ("dnid", Value::text(call.dnid.as_str())),
        ("key", Value::text(call.key.as_str())),
        ("project", Value::text(&*call.project)),
        ("uniqueid", text(&call.uniqueid)),
        ("direction", Value::text(call.direction.as_str())),
        ("number", text(&call.number)),
        ("queue", text(&call.queue)),
        ("agent", text(&call.agent)),
        ("remote_number", text(&call.remote_number)),
        ("outcome", Value::text(call.outcome.as_str())),
        ("reason", text(&call.reason)),
        ("recording", text(&call.recording)),
        ("started", time(Some(call.started))),
        ("answered", time(call.answered)),
        ("ended", time(call.ended)),
        ("waited", seconds(call.waited)),
        ("duration", seconds(call.duration)),
        ("contact_id", own.map_or(Value::Null, |contact| Value::text(contact.id.to_string()))),
        ("name", text(&call.name)),
        ("company", text(&call.company)),
    ]
}
