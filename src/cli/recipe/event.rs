//! A finished call out of a file, for sources that are no recipes: those take it as the journal has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::config::did_you_mean;
use crate::error::{Error, Kind, Result};
use crate::model::{CallOutcome, ContactId, ContactRef, Direction, EndedCall};
use crate::sources::recipe::CallFields;

/// Every field that a file may have; `contact` is the id of the caller in the source.
const FIELDS: [&str; 21] = [
    "key",
    "project",
    "uniqueid",
    "direction",
    "telephone",
    "number",
    "dnid",
    "queue",
    "agent",
    "remote_number",
    "outcome",
    "reason",
    "recording",
    "started",
    "answered",
    "ended",
    "waited",
    "duration",
    "contact",
    "name",
    "company",
];

/// Reads a finished call that is written down in a source of this name; without `started` it began `now`.
///
/// # Errors
/// [`Kind::Invalid`] with the field that is wrong.
pub(super) fn read_call(fields: &CallFields, source: &Arc<str>, now: i64) -> Result<EndedCall> {
    if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        let hint = did_you_mean(unknown, FIELDS);
        return Err(invalid(format!("a call has no field {unknown:?}{hint}; there are {}", FIELDS.join(", "))));
    }
    let number = text(fields, "number")?;
    let telephone = text(fields, "telephone")?.or_else(|| number.clone()).unwrap_or_default();
    // Who writes twice can tell by it, so an empty one would be that of other calls.
    let key =
        text(fields, "key")?.ok_or_else(|| invalid("key is missing: the same for every try to write this call"))?;
    let contact = |id| ContactRef { source: Arc::clone(source), id };
    Ok(EndedCall {
        key,
        project: text(fields, "project")?.unwrap_or_default().into(),
        uniqueid: text(fields, "uniqueid")?,
        direction: word(fields, "direction", Direction::parse, &["in", "out"])?.unwrap_or(Direction::In),
        telephone,
        number,
        dnid: text(fields, "dnid")?.unwrap_or_default(),
        queue: text(fields, "queue")?,
        agent: text(fields, "agent")?,
        remote_number: text(fields, "remote_number")?,
        outcome: word(fields, "outcome", CallOutcome::parse, &CallOutcome::ALL.map(CallOutcome::as_str))?
            .unwrap_or(CallOutcome::Unknown),
        reason: text(fields, "reason")?,
        recording: text(fields, "recording")?,
        started: moment(fields, "started")?.unwrap_or(now),
        answered: moment(fields, "answered")?,
        ended: moment(fields, "ended")?,
        waited: seconds(fields, "waited")?,
        duration: seconds(fields, "duration")?,
        computed: Vec::new(),
        contact: id(fields)?.map(contact),
        name: text(fields, "name")?,
        company: text(fields, "company")?,
        params: BTreeMap::new(),
    })
}

fn value<'a>(fields: &'a CallFields, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn text(fields: &CallFields, name: &str) -> Result<Option<String>> {
    match value(fields, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Some(_) => Err(invalid(format!("{name} is no text"))),
    }
}

fn word<T>(fields: &CallFields, name: &str, parse: fn(&str) -> Option<T>, words: &[&str]) -> Result<Option<T>> {
    let Some(written) = text(fields, name)? else { return Ok(None) };
    parse(&written).map(Some).ok_or_else(|| invalid(format!("{name} is {written:?}; expected {}", words.join(", "))))
}

fn moment(fields: &CallFields, name: &str) -> Result<Option<i64>> {
    let wrong = || invalid(format!("{name} is no moment; expected milliseconds since 1970, such as 1795680000000"));
    value(fields, name).map(|value| value.as_i64().ok_or_else(wrong)).transpose()
}

fn seconds(fields: &CallFields, name: &str) -> Result<Option<u64>> {
    let wrong = || invalid(format!("{name} is no time; expected seconds, such as 61"));
    value(fields, name).map(|value| value.as_u64().ok_or_else(wrong)).transpose()
}

fn id(fields: &CallFields) -> Result<Option<ContactId>> {
    match value(fields, "contact") {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(ContactId::Text(text.as_str().into()))),
        Some(Value::Number(number)) => Ok(Some(ContactId::from_text(&number.to_string()))),
        Some(_) => Err(invalid("contact is no id; expected a text or a number")),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> std::result::Result<EndedCall, String> {
        let fields: CallFields = serde_json::from_str(text).unwrap();
        read_call(&fields, &"crm".into(), 5).map_err(|error| error.to_string())
    }

    #[test]
    fn a_call_is_read_as_the_journal_would_have_it() {
        let call = read(
            r#"{"key": "k-1", "direction": "out", "number": "+40722111222", "outcome": "answered", "started": 7,
                "duration": 61, "agent": "ion", "contact": "003A0000001AbCdEFG", "queue": null}"#,
        );
        let call = call.unwrap();
        assert_eq!((call.direction, call.outcome, call.started), (Direction::Out, CallOutcome::Answered, 7));
        assert_eq!((call.telephone.as_str(), call.duration, call.queue), ("+40722111222", Some(61), None));
        assert_eq!(call.contact.unwrap().source, "crm".into());
        let empty = read(r#"{"key": "k-1"}"#).unwrap();
        assert_eq!((empty.started, empty.direction, empty.contact), (5, Direction::In, None));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_named() {
        for (text, expected) in [
            ("{}", "key is missing"),
            (r#"{"key": " "}"#, "key is missing"),
            (r#"{"key": "k", "durration": 1}"#, "did you mean \"duration\"?"),
            (r#"{"key": "k", "duration": -1}"#, "duration is no time"),
            (r#"{"key": "k", "started": "now"}"#, "started is no moment"),
            (r#"{"key": "k", "outcome": "ok"}"#, "outcome is \"ok\"; expected answered, missed, unknown"),
            (r#"{"key": "k", "agent": 101}"#, "agent is no text"),
            (r#"{"key": "k", "contact": []}"#, "contact is no id"),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.contains(expected), "{text}: {why}");
        }
    }
}
