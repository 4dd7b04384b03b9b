//! Bitrix24: the code of a webhook in the path, batches whose commands use what earlier ones found, contacts beside leads,
//! 503 for one request too many.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::book::{Book, Mood, Person, digits};
use super::super::stand_in::{Answer, Crm, Limit, Request};
use super::{list, text_at};

pub(crate) struct Bitrix24;

/// Most values that a search for duplicates takes.
const MOST_VALUES: usize = 20;

/// Dan is a lead; all others are contacts.
fn is_lead(person: &Person) -> bool {
    person.id == 43
}

fn record(person: Person) -> Value {
    json!({ "ID": person.id.to_string(), "NAME": person.name, "LAST_NAME": null, "ASSIGNED_BY_ID": "7",
            "PHONE": [{ "VALUE_TYPE": "MOBILE", "VALUE": person.phone }] })
}

/// How Bitrix24 compares numbers, in a portal of Romania.
fn normalised(number: &str) -> String {
    let digits = digits(number);
    digits.strip_prefix('0').map_or_else(|| digits.clone(), |national| format!("40{national}"))
}

/// `crm.duplicate.findbycomm`: ids only.
fn duplicates(query: &[(String, String)], book: Book) -> Result<Value, Value> {
    let values: Vec<String> =
        query.iter().filter(|(key, _)| key == "values[]").map(|(_, value)| normalised(value)).collect();
    let is_of_phones = query.iter().any(|pair| *pair == ("type".to_owned(), "PHONE".to_owned()));
    if !is_of_phones || values.is_empty() || values.len() > MOST_VALUES || query.len() != values.len() + 1 {
        return Err(json!({ "error": "Communication values is not defined" }));
    }
    let found = book.give(|person| values.contains(&normalised(&person.phone)));
    let (leads, contacts): (Vec<Person>, Vec<Person>) = found.into_iter().partition(is_lead);
    let mut ids = Map::new();
    for (kind, people) in [("LEAD", leads), ("CONTACT", contacts)] {
        if !people.is_empty() {
            ids.insert(kind.to_owned(), people.iter().map(|person| json!(person.id)).collect());
        }
    }
    // PHP writes an empty table as a list.
    Ok(if ids.is_empty() { json!([]) } else { Value::Object(ids) })
}

/// `crm.contact.list` and `crm.lead.list` by ids; what refers to nothing is no filter at all.
fn records(query: &[(String, String)], earlier: &BTreeMap<String, Value>, of_leads: bool, book: Book) -> Value {
    let wanted = query.iter().find(|(key, _)| key == "filter[ID]").map_or("", |(_, value)| value);
    let place = wanted.strip_prefix("$result[").and_then(|rest| rest.strip_suffix(']'));
    let ids = place.and_then(|place| place.split_once("][")).and_then(|(key, kind)| earlier.get(key)?.get(kind));
    let ids = ids.and_then(Value::as_array);
    let all = Book { mood: Mood::Wide, ..book }.give(|_| true);
    let of_kind = all.into_iter().filter(|person| is_lead(person) == of_leads);
    let kept = of_kind.filter(|person| ids.is_none_or(|ids| ids.contains(&json!(person.id))));
    list(kept.take(book.page).collect(), record)
}

/// Runs the commands in the order in which they were written.
fn batch(request: &Request, book: Book) -> Answer {
    let asked = request.json();
    let Some(commands) = asked["cmd"].as_object() else {
        return Answer::json(400, &json!({ "error": "ERROR_ARGUMENT" }));
    };
    let mut names: Vec<&String> = commands.keys().collect();
    names.sort_by_key(|name| request.body.find(&format!("\"{name}\":")));
    let (mut results, mut errors) = (BTreeMap::new(), Map::new());
    for name in names {
        let command = commands[name].as_str().unwrap_or_default();
        let (method, query) = command.split_once('?').unwrap_or((command, ""));
        let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let outcome = match method {
            "crm.duplicate.findbycomm" => duplicates(&query, book),
            "crm.contact.list" => Ok(records(&query, &results, false, book)),
            "crm.lead.list" => Ok(records(&query, &results, true, book)),
            "crm.company.list" => Ok(json!([])),
            _ => Err(json!({ "error": "ERROR_METHOD_NOT_FOUND" })),
        };
        match outcome {
            Ok(result) => drop(results.insert(name.clone(), result)),
            Err(error) => drop(errors.insert(name.clone(), error)),
        }
    }
    let errors = if errors.is_empty() { json!([]) } else { Value::Object(errors) };
    Answer::json(200, &json!({ "result": { "result": results, "result_error": errors } }))
}

/// A search by name.
fn contacts(asked: &Value, book: Book) -> Answer {
    let Some(name) = asked["filter"]["%LAST_NAME"].as_str() else {
        return Answer::json(400, &json!({ "error": "ERROR_ARGUMENT" }));
    };
    Answer::json(200, &json!({ "result": list(book.named(name), record) }))
}

impl Crm for Bitrix24 {
    fn recipe(&self) -> &'static str {
        "bitrix24"
    }
    fn params(&self) -> &'static str {
        r#"{ domain = "acme.bitrix24.ro", user = "1", hook = "HOOKSECRET", workday = "yes" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["HOOKSECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.path.starts_with("/rest/1/HOOKSECRET/")
    }
    fn refuse(&self, _: &Request) -> Answer {
        Answer::json(
            401,
            &json!({ "error": "INVALID_CREDENTIALS", "error_description": "Invalid request credentials" }),
        )
    }
    fn forbid(&self) -> Answer {
        Answer::json(
            403,
            &json!({ "error": "insufficient_scope", "error_description": "The request requires higher privileges" }),
        )
    }
    fn rate(&self) -> Option<(usize, u64)> {
        Some((2, 1))
    }
    fn limits(&self) -> Vec<(Limit, Answer)> {
        let too_many = json!({ "error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests" });
        let blocked = json!({ "contacts": { "error": "OPERATION_TIME_LIMIT" } });
        let within_a_batch = json!({ "result": { "result": { "by_phone": [] }, "result_error": blocked } });
        vec![
            (Limit::Seconds(5), Answer::json(503, &too_many)),
            (Limit::Seconds(600), Answer::json(429, &json!({ "error": "OVERLOAD_LIMIT" }))),
            (Limit::Seconds(600), Answer::json(200, &within_a_batch)),
        ]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        let asked = request.json();
        match request.path.rsplit('/').next().unwrap_or_default() {
            "batch.json" => batch(request, book),
            "crm.contact.list.json" => contacts(&asked, book),
            "timeman.status.json" if asked["USER_ID"] == 7 => {
                Answer::json(200, &json!({ "result": { "STATUS": "OPENED" } }))
            }
            "user.get.json" if asked["ID"] == "7" => {
                let user = json!({ "ID": "7", "NAME": "Ion", "EMAIL": "ion@example.com", "UF_PHONE_INNER": "101" });
                Answer::json(200, &json!({ "result": [user] }))
            }
            "crm.timeline.comment.add.json" => {
                let fits = asked["fields"]["ENTITY_ID"] == 42 && asked["fields"]["ENTITY_TYPE"] == "contact";
                Answer::json(if fits { 200 } else { 400 }, &json!({ "result": 900 }))
            }
            "crm.contact.add.json" => {
                let fits = asked["fields"]["PHONE"][0]["VALUE"] == "+40722111222";
                Answer::json(if fits { 200 } else { 400 }, &json!({ "result": 950 }))
            }
            _ => Answer::json(404, &json!({ "error": "ERROR_METHOD_NOT_FOUND" })),
        }
    }
    fn page(&self) -> usize {
        50
    }
    fn link(&self) -> &'static str {
        "/crm/contact/details/42/"
    }
    fn log_path(&self) -> &'static str {
        "/rest/1/HOOKSECRET/crm.timeline.comment.add.json"
    }
    fn created(&self, request: &Request) -> Option<String> {
        text_at(&request.json(), "/fields/NAME")
    }
    fn searched(&self, request: &Request) -> Option<String> {
        text_at(&request.json(), "/filter/%LAST_NAME")
    }
}
