//! Pipedrive: a search within numbers, a token in a header only, activities that refuse `person_id`, pages by a cursor.

use serde_json::{Value, json};

use super::super::book::{Book, Person, digits};
use super::super::stand_in::{Answer, Crm, Limit, Request};
use super::{list, text_at};

pub(crate) struct Pipedrive;

fn item(person: Person) -> Value {
    json!({ "result_score": 0.5, "item": { "id": person.id, "type": "person", "name": person.name,
            "phones": [person.phone], "emails": [], "owner": { "id": 7 }, "organization": null } })
}

fn search(request: &Request, book: Book) -> Answer {
    let term = request.query("term");
    let found = match request.query("fields") {
        "phone" if term.len() >= 2 => book.containing(&digits(term)),
        "" => book.named(term),
        _ => return Answer::json(400, &json!({ "success": false })),
    };
    let page = match request.query("cursor") {
        "" => 0,
        cursor => cursor.strip_prefix("opaque+/").and_then(|page| page.parse().ok()).unwrap_or(1000),
    };
    let (found, more) = book.page(found, page);
    let next = more.then(|| format!("opaque+/{}", page + 1));
    let body =
        json!({ "success": true, "data": { "items": list(found, item) }, "additional_data": { "next_cursor": next } });
    Answer::json(200, &body).with("x-ratelimit-remaining", "9")
}

fn too_many() -> Answer {
    Answer::json(429, &json!({ "success": false, "error": "Rate limit exceeded", "errorCode": 429 }))
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
        request.header("x-api-token") == "PIPE-SECRET"
    }
    fn refuse(&self, _: &Request) -> Answer {
        Answer::json(401, &json!({ "success": false, "error": "unauthorized access", "errorCode": 401 }))
    }
    fn limit(&self) -> Answer {
        too_many().with("x-ratelimit-reset", "600")
    }
    fn limits(&self) -> Vec<(Limit, Answer)> {
        vec![
            (Limit::Seconds(300), Answer::html(403)),
            (Limit::Seconds(2), too_many().with("x-ratelimit-reset", "2")),
            (
                Limit::Day,
                Answer::json(200, &json!({ "success": true, "data": { "items": [] } }))
                    .with("x-daily-requests-left", "0"),
            ),
        ]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        match request.path.as_str() {
            "/api/v2/persons/search" => search(request, book),
            "/api/v1/users/7" => {
                Answer::json(200, &json!({ "success": true, "data": { "id": 7, "email": "ion@example.com" } }))
            }
            "/api/v2/activities" => {
                let activity = request.json();
                let fits = activity["person_id"].is_null() && activity["participants"][0]["person_id"].is_u64();
                let fits = fits && activity["done"].is_boolean() && activity["duration"] == "00:02";
                Answer::json(if fits { 201 } else { 400 }, &json!({ "success": fits, "data": { "id": 900 } }))
            }
            "/api/v2/persons" => {
                let fits = request.json()["phones"][0]["value"] == "+40722111222";
                Answer::json(if fits { 201 } else { 400 }, &json!({ "success": fits, "data": { "id": 950 } }))
            }
            _ => Answer::json(404, &json!({ "success": false })),
        }
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
