//! Pipedrive: a search within numbers, a token that it takes from a header and refuses in an address, activities that refuse
//! `person_id`, pages by a cursor, the limit in the headers of every answer.
//!
//! Left out, because calldex never asks for it: the list of persons with `updated_since`, call logs (an activity needs no
//! app), and what calls webhooks.

use serde_json::{Value, json};

use super::super::book::{Book, Person, digits};
use super::super::stand_in::{Answer, Crm, Limit, Request};
use super::{is_moment, list, text_at};

pub(crate) struct Pipedrive;

fn item(person: Person) -> Value {
    json!({ "result_score": 0.5, "item": { "id": person.id, "type": "person", "name": person.name,
            "phones": [person.phone], "emails": [], "owner": { "id": 7 }, "organization": null } })
}

fn success(status: u16, data: &Value, next: Option<String>) -> Answer {
    Answer::json(status, &json!({ "success": true, "data": data, "additional_data": { "next_cursor": next } }))
}

fn failure(status: u16, error: &str) -> Answer {
    let body = json!({ "success": false, "error": error, "errorCode": status, "error_info": "", "data": null });
    Answer::json(status, &body)
}

fn search(request: &Request, book: Book) -> Answer {
    let term = request.query("term");
    if term.chars().count() < 2 || request.number("limit").is_none_or(|limit| !(1..=500).contains(&limit)) {
        return failure(400, "validation failed");
    }
    let found = match request.query("fields") {
        "phone" => book.containing(&digits(term)),
        "" => book.named(term),
        _ => return failure(400, "validation failed"),
    };
    let page = match request.query("cursor") {
        "" => Some(0),
        cursor => cursor.strip_prefix("opaque+/").and_then(|page| page.parse().ok()),
    };
    let Some(page) = page else { return failure(400, "the cursor is invalid") };
    let (found, more) = book.page(found, page);
    success(200, &json!({ "items": list(found, item) }), more.then(|| format!("opaque+/{}", page + 1)))
}

/// JSON of strict types: a number is no text.
fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| jiff::civil::Time::strptime("%H:%M", text).is_ok())
}

fn make_activity(request: &Request) -> Answer {
    let activity = request.json();
    if !activity["person_id"].is_null() {
        return failure(400, "person_id is read-only");
    }
    let is_for_somebody = activity["participants"][0]["person_id"].is_u64();
    let has_owner = activity["owner_id"].is_null() || activity["owner_id"].is_u64();
    let has_times = is_moment(&activity["due_date"], "%Y-%m-%d") && is_time(&activity["due_time"]);
    let is_valid = activity["subject"].is_string() && activity["type"] == "call" && activity["done"].is_boolean();
    let is_valid = is_valid && is_for_somebody && has_owner && has_times && activity["duration"] == "00:02";
    if is_valid { success(201, &json!({ "id": 900 }), None) } else { failure(400, "validation failed") }
}

fn make_person(request: &Request) -> Answer {
    let person = request.json();
    let phone = &person["phones"][0];
    let is_valid = person["name"].is_string() && phone["value"] == "+40722111222" && phone["primary"].is_boolean();
    if is_valid { success(201, &json!({ "id": 950 }), None) } else { failure(400, "validation failed") }
}

impl Crm for Pipedrive {
    fn recipe(&self) -> &'static str {
        "pipedrive"
    }
    fn params(&self) -> &'static str {
        r#"{ domain = "acme", user = "u", token = "PIPE-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["PIPE-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.header("x-api-token") == "PIPE-SECRET" && request.query("api_token").is_empty()
    }
    fn refuse(&self, _: &Request) -> Answer {
        failure(401, "unauthorized access")
    }
    fn forbid(&self) -> Answer {
        failure(403, "forbidden")
    }
    fn rate(&self) -> Option<(usize, u64)> {
        Some((10, 2))
    }
    fn limit(&self) -> Answer {
        failure(429, "Rate limit exceeded").with("x-ratelimit-reset", "600")
    }
    fn limits(&self) -> Vec<(Limit, Answer)> {
        let spent = success(200, &json!({ "items": [] }), None).with("x-daily-requests-left", "0");
        vec![
            (Limit::Seconds(300), Answer::html(403)),
            (Limit::Seconds(2), failure(429, "Rate limit exceeded").with("x-ratelimit-reset", "2")),
            (Limit::Day, spent),
        ]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        let answer = match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/api/v2/persons/search") => search(request, book),
            ("GET", "/api/v1/users/7") => success(200, &json!({ "id": 7, "email": "ion@example.com" }), None),
            ("POST", "/api/v2/activities") => make_activity(request),
            ("POST", "/api/v2/persons") => make_person(request),
            _ => failure(404, "not found"),
        };
        let answer = answer.with("x-ratelimit-limit", "10").with("x-ratelimit-remaining", "9");
        answer.with("x-ratelimit-reset", "2").with("x-daily-requests-left", "9999")
    }
    fn link(&self) -> &'static str {
        "/person/42"
    }
    fn log_path(&self) -> &'static str {
        "/api/v2/activities"
    }
    fn created(&self, request: &Request) -> Option<String> {
        (request.path == "/api/v2/persons").then(|| text_at(&request.json(), "/name"))?
    }
    fn searched(&self, request: &Request) -> Option<String> {
        let is_search = request.path == "/api/v2/persons/search" && request.query("fields").is_empty();
        is_search.then(|| request.query("term").to_owned())
    }
}
