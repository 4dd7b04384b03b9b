//! A call as a task of Salesforce: what a telephone in its own window would leave behind.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::org::Org;
use crate::error::Result;
use crate::model::{CallOutcome, ContactRef, Direction, EndedCall};

/// The kinds of contacts, by how their ids begin.
const KINDS: [(&str, &str); 3] = [("003", "Contact"), ("00Q", "Lead"), ("001", "Account")];

/// Longest value of the fields of calls, in characters.
const LONGEST: usize = 255;

/// Whose task a call becomes.
pub(super) struct Owner<'a> {
    /// The user who spoke, where he is known.
    pub(super) agent: Option<&'a str>,
    /// Whether it is else the owner of the contact.
    pub(super) or_of_contact: bool,
}

/// Writes a call down, unless a task with its key is there already.
pub(super) async fn write(org: &Org, call: &EndedCall, source: &str, owner: Owner<'_>) -> Result<()> {
    let key: String =
        call.key.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').take(LONGEST).collect();
    let written = org.query(&format!("SELECT Id FROM Task WHERE CallObject = '{key}' LIMIT 1")).await?;
    if written.get("records").and_then(Value::as_array).is_some_and(|records| !records.is_empty()) {
        return Ok(());
    }
    let owner = match (owner.agent, owner.or_of_contact) {
        (Some(agent), _) => Some(agent.to_owned()),
        (None, true) => owner_of_contact(org, call, source).await?,
        (None, false) => None,
    };
    org.create("Task", &Value::Object(fields(call, &key, source, owner.as_deref()))).await.map(|_| ())
}

/// The user who owns the contact of a call; `None` for nobody, and for a queue, which owns no tasks.
async fn owner_of_contact(org: &Org, call: &EndedCall, source: &str) -> Result<Option<String>> {
    let Some(id) = call.contact.as_ref().and_then(|contact| own_id(contact, source)) else { return Ok(None) };
    let Some((_, kind)) = KINDS.iter().find(|(prefix, _)| id.starts_with(prefix)) else { return Ok(None) };
    let found = org.query(&format!("SELECT OwnerId FROM {kind} WHERE Id = '{id}' LIMIT 1")).await?;
    let owner = found.pointer("/records/0/OwnerId").and_then(Value::as_str);
    Ok(owner.filter(|owner| is_id(owner) && owner.starts_with("005")).map(str::to_owned))
}

fn fields(call: &EndedCall, key: &str, source: &str, owner: Option<&str>) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    let direction = if call.direction == Direction::In { "Inbound" } else { "Outbound" };
    let other = call.number.as_deref().unwrap_or(&call.telephone);
    let subject = format!("{direction} call {}", if other.is_empty() { "from a withheld number" } else { other });
    set("Subject", json!(cut(&subject)));
    set("TaskSubtype", json!("Call"));
    set("Status", json!("Completed"));
    set("Priority", json!("Normal"));
    set("CallType", json!(direction));
    set("CallDisposition", json!(disposition(call.outcome)));
    set("CallObject", json!(key));
    // Without one Salesforce takes the user who is logged in.
    if let Some(owner) = owner {
        set("OwnerId", json!(owner));
    }
    if let Ok(started) = Timestamp::from_millisecond(call.started) {
        set("ActivityDate", json!(started.strftime("%Y-%m-%d").to_string()));
    }
    if let Some(duration) = call.duration {
        set("CallDurationInSeconds", json!(duration));
    }
    set("Description", json!(description(call)));
    if let Some(id) = call.contact.as_ref().and_then(|contact| own_id(contact, source)) {
        // Contacts and leads are the people of a task, anything else is what it is about.
        let name = if id.starts_with("003") || id.starts_with("00Q") { "WhoId" } else { "WhatId" };
        set(name, json!(id));
    }
    fields
}

/// The id of a contact that this source knows.
pub(super) fn own_id(contact: &ContactRef, source: &str) -> Option<String> {
    let id = contact.id.to_string();
    (&*contact.source == source && is_id(&id)).then_some(id)
}

/// Whether a text is an id of Salesforce.
pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn disposition(outcome: CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Answered => "answered",
        CallOutcome::Missed => "missed",
        CallOutcome::Unknown => "unknown",
    }
}

fn description(call: &EndedCall) -> String {
    let lines = [
        ("Number", Some(call.telephone.as_str()).filter(|text| !text.is_empty())),
        ("Called", Some(call.dnid.as_str()).filter(|text| !text.is_empty())),
        ("Queue", call.queue.as_deref()),
        ("Agent", call.agent.as_deref()),
        ("Reason", call.reason.as_deref()),
    ];
    let mut text: Vec<String> =
        lines.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", cut(value?)))).collect();
    text.extend(call.waited.map(|seconds| format!("Waited: {seconds} s")));
    // Whole: a cut address leads nowhere.
    text.extend(call.recording.as_deref().map(|address| format!("Recording: {address}")));
    text.join("\n")
}

fn cut(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect()
}
