//! Bitrix24: the code of a webhook in the path, exact spellings, 503 for one request too many, 50 on a page.

use serde_json::{Value, json};

use super::super::book::{Book, Person};
use super::super::stand_in::{Answer, Crm, Limit, Request};
use super::{list, text_at};

pub(crate) struct Bitrix24;

fn contact(person: Person) -> Value {
    json!({ "ID": person.id.to_string(), "NAME": person.name, "LAST_NAME": null, "ASSIGNED_BY_ID": "7",
            "PHONE": [{ "VALUE_TYPE": "WORK", "VALUE": person.phone }] })
}

fn contacts(asked: &Value, book: Book) -> Answer {
    let found = match (asked["filter"]["PHONE"].as_str(), asked["filter"]["%LAST_NAME"].as_str()) {
        (Some(phone), None) => book.exactly(phone),
        (None, Some(name)) => book.named(name),
        _ => return Answer::json(400, &json!({ "error": "ERROR_ARGUMENT" })),
    };
    let start = asked["start"].as_u64().and_then(|start| usize::try_from(start).ok()).unwrap_or(0);
    let total = found.len();
    let (found, more) = book.page(found, start / book.page);
    let mut body = json!({ "total": total, "result": list(found, contact) });
    if more {
        body["next"] = json!(start + book.page);
    }
    Answer::json(200, &body)
}

impl Crm for Bitrix24 {
    fn recipe(&self) -> &'static str {
        "bitrix24"
    }
    fn params(&self) -> &'static str {
        r#"{ domain = "acme.bitrix24.ro", user = "1", hook = "HOOKSECRET" }"#
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
    fn limits(&self) -> Vec<(Limit, Answer)> {
        let too_many = json!({ "error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests" });
        vec![
            (Limit::Seconds(5), Answer::json(503, &too_many)),
            (Limit::Seconds(600), Answer::json(429, &json!({ "error": "OVERLOAD_LIMIT" }))),
        ]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        let asked = request.json();
        match request.path.rsplit('/').next().unwrap_or_default() {
            "crm.contact.list.json" => contacts(&asked, book),
            "user.get.json" if asked["ID"] == "7" => {
                let user = json!({ "ID": "7", "NAME": "Ion", "EMAIL": "ion@example.com", "UF_PHONE_INNER": "101" });
                Answer::json(200, &json!({ "result": [user] }))
            }
            "crm.timeline.comment.add.json" => {
                let fits = asked["fields"]["ENTITY_ID"] == 42;
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
