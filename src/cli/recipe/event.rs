//! A finished call out of a file, for sources that are no recipes: those take it as the journal has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::did_you_mean;
use crate::error::{Error, Kind, Result};
use crate::model::{CallOutcome, ContactId, ContactRef, Direction, EndedCall};
use crate::sources::recipe::CallFields;

/// Every field that a file may have: those of the journal's JSON; `contact` may also be the id of the caller in the source.
const FIELDS: [&str; 23] = [
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
    "computed",
    "params",
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
        computed: parsed(fields, "computed", "a list of texts")?,
        contact: contact(fields, source)?,
        name: text(fields, "name")?,
        company: text(fields, "company")?,
        params: params(fields)?,
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
    let wrong = || {
        let expected = "expected one such as \"2026-11-26T09:12:25Z\", or milliseconds since 1970";
        invalid(format!("{name} is no moment; {expected}"))
    };
    let read = |value: &Value| match value {
        Value::String(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond),
        value => value.as_i64(),
    };
    value(fields, name).map(|value| read(value).ok_or_else(wrong)).transpose()
}

fn seconds(fields: &CallFields, name: &str) -> Result<Option<u64>> {
    let wrong = || invalid(format!("{name} is no time; expected seconds, such as 61"));
    value(fields, name).map(|value| value.as_u64().ok_or_else(wrong)).transpose()
}

fn parsed<T: DeserializeOwned + Default>(fields: &CallFields, name: &str, expected: &str) -> Result<T> {
    let Some(value) = value(fields, name) else { return Ok(T::default()) };
    serde_json::from_value(value.clone()).map_err(|_| invalid(format!("{name} is not {expected}")))
}

/// The parameters of the last event: a text each, or a list of texts.
fn params(fields: &CallFields) -> Result<BTreeMap<String, Vec<String>>> {
    let all: BTreeMap<String, OneOrMore> = parsed(fields, "params", "a table of texts")?;
    Ok(all.into_iter().map(|(name, values)| (name, values.into_list())).collect())
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn into_list(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::More(texts) => texts,
        }
    }
}

/// The caller: his id in this source, or `{source, id}` as the journal writes it.
fn contact(fields: &CallFields, source: &Arc<str>) -> Result<Option<ContactRef>> {
    let wrong = || invalid("contact is no id; expected a text, a number, or { source, id }");
    let id = |value: &Value| match value {
        Value::String(text) => Some(ContactId::Text(text.as_str().into())),
        Value::Number(number) => Some(ContactId::from_text(&number.to_string())),
        _ => None,
    };
    let Some(value) = value(fields, "contact") else { return Ok(None) };
    let (source, of) = match value {
        Value::Object(both) => {
            let named = both.get("source").and_then(Value::as_str).ok_or_else(wrong)?;
            (named.into(), both.get("id").ok_or_else(wrong)?)
        }
        value => (Arc::clone(source), value),
    };
    Ok(Some(ContactRef { source, id: id(of).ok_or_else(wrong)? }))
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
    fn what_the_journal_writes_is_read() {
        let call = read(
            r#"{"key": "k-1", "started": "2024-11-26T09:12:25Z", "answered": null, "computed": ["started"],
                "contact": {"source": "customers", "id": "12345"}, "params": {"event": "hangup", "tag": ["a", "b"]}}"#,
        );
        let call = call.unwrap();
        assert_eq!((call.started, call.computed.as_slice()), (1_732_612_345_000, &["started".to_owned()][..]));
        assert_eq!(call.contact.unwrap().source, "customers".into());
        assert_eq!((call.params["event"].len(), call.params["tag"].len()), (1, 2));
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
            (r#"{"key": "k", "contact": {"id": 7}}"#, "contact is no id"),
            (r#"{"key": "k", "params": [1]}"#, "params is not a table of texts"),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.contains(expected), "{text}: {why}");
        }
    }
}
