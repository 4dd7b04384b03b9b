//! Odoo 19: one address for each method of each model, a key as bearer, `false` for nothing.

use serde_json::{Value, json};

use super::super::book::{Book, Person, digits};
use super::super::stand_in::{Answer, Crm, Request};
use super::{list, text_at};

pub(crate) struct Odoo;

pub(super) fn partner(person: Person) -> Value {
    json!({ "id": person.id, "name": person.name, "email": false, "phone": person.phone, "mobile": false,
            "commercial_company_name": false, "is_company": false, "user_id": [7, "Ion"],
            "write_date": "2026-01-01 10:00:00" })
}

/// Odoo's own search finds a number with the same beginning, however it is written. A domain of more or of other conditions
/// finds everybody.
pub(super) fn partners(domain: &Value, options: &Value, book: Book) -> Value {
    let condition = domain.as_array().filter(|conditions| conditions.len() == 1).map(|conditions| &conditions[0]);
    let wanted = condition.and_then(|condition| condition[2].as_str()).unwrap_or_default();
    let found = match condition.and_then(|condition| condition[0].as_str()) {
        Some("phone_mobile_search") => book.containing(&digits(wanted.strip_prefix('+').unwrap_or(wanted))),
        Some("name") => book.named(wanted),
        _ => book.give(|_| true),
    };
    let number = |key: &str| options[key].as_u64().and_then(|number| usize::try_from(number).ok());
    let limit = number("limit").unwrap_or(usize::MAX);
    list(found.into_iter().skip(number("offset").unwrap_or(0)).take(limit).collect(), partner)
}

impl Crm for Odoo {
    fn recipe(&self) -> &'static str {
        "odoo"
    }
    fn params(&self) -> &'static str {
        r#"{ key = "ODOO-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["ODOO-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.header("authorization") == "bearer ODOO-SECRET"
    }
    fn refuse(&self, _: &Request) -> Answer {
        Answer::json(401, &json!({ "name": "werkzeug.exceptions.Unauthorized", "message": "Invalid apikey" }))
    }
    fn forbid(&self) -> Answer {
        Answer::json(403, &json!({ "name": "odoo.exceptions.AccessError", "message": "You are not allowed" }))
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        let asked = request.json();
        if request.method != "POST" || request.header("content-type") != "application/json" {
            return Answer::json(405, &json!({ "name": "werkzeug.exceptions.MethodNotAllowed" }));
        }
        match request.path.as_str() {
            "/json/2/res.partner/search_read" => Answer::json(200, &partners(&asked["domain"], &asked, book)),
            "/json/2/res.users/read" if asked["ids"] == json!([7]) => {
                Answer::json(200, &json!([{ "id": 7, "name": "Ion", "email": "ion@example.com" }]))
            }
            "/json/2/res.partner/message_post" => {
                let fits = asked["ids"] == json!([42]);
                Answer::json(if fits { 200 } else { 422 }, &json!(900))
            }
            "/json/2/res.partner/create" => {
                let fits = asked["vals_list"][0]["phone"] == "+40722111222";
                Answer::json(if fits { 200 } else { 422 }, &json!([950]))
            }
            _ => Answer::json(404, &json!({ "name": "werkzeug.exceptions.NotFound" })),
        }
    }
    fn page(&self) -> usize {
        50
    }
    fn link(&self) -> &'static str {
        "/odoo/contacts/42"
    }
    fn log_path(&self) -> &'static str {
        "/json/2/res.partner/message_post"
    }
    fn created(&self, request: &Request) -> Option<String> {
        text_at(&request.json(), "/vals_list/0/name")
    }
    fn searched(&self, request: &Request) -> Option<String> {
        let domain = &request.json()["domain"][0];
        (domain[0] == "name").then(|| text_at(domain, "/2"))?
    }
}
