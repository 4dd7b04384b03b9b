//! Zendesk: a search language in which a plus finds nothing and a star stands for any beginning; the next page by its address.

use serde_json::{Value, json};

use super::super::book::{Book, Person, digits};
use super::super::stand_in::{Answer, Crm, Limit, Request, basic};
use super::{Freshdesk, list, text_at};

pub(crate) struct Zendesk;

const SEARCH: &str = "/api/v2/search.json";
const USERS: &str = "type:user role:end-user ";

fn user(person: Person) -> Value {
    json!({ "id": person.id, "name": person.name, "phone": person.phone, "email": null })
}

fn search(request: &Request, book: Book) -> Answer {
    let query = request.query("query");
    let Some(asked) = query.strip_prefix(USERS) else { return Answer::json(422, &json!({ "error": "invalid" })) };
    let found = match asked.strip_prefix("phone:*") {
        // Another word would be another condition.
        Some(number) if !number.bytes().all(|byte| byte.is_ascii_digit()) => Vec::new(),
        Some(number) => book.give(|person| digits(&person.phone).ends_with(number)),
        None => book.named(asked),
    };
    let page = request.number("page").unwrap_or(1);
    let count = found.len();
    let (found, more) = book.page(found, page - 1);
    let query = url::form_urlencoded::byte_serialize(query.as_bytes()).collect::<String>();
    let next = more.then(|| format!("http://{}{SEARCH}?page={}&query={query}", request.header("host"), page + 1));
    Answer::json(200, &json!({ "count": count, "results": list(found, user), "next_page": next }))
}

impl Crm for Zendesk {
    fn recipe(&self) -> &'static str {
        "zendesk"
    }
    fn params(&self) -> &'static str {
        r#"{ domain = "acme", email = "a@acme.example", token = "ZEN-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["ZEN-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.header("authorization") == basic("a@acme.example/token", "ZEN-SECRET")
    }
    fn refuse(&self, _: &Request) -> Answer {
        Answer::json(401, &json!({ "error": "Couldn't authenticate you" }))
    }
    fn forbid(&self) -> Answer {
        Answer::json(403, &json!({ "error": "Forbidden", "description": "You do not have access to this page." }))
    }
    fn rate(&self) -> Option<(usize, u64)> {
        Some((200, 60))
    }
    fn limits(&self) -> Vec<(Limit, Answer)> {
        vec![(Limit::Seconds(93), Answer::json(429, &json!({})).with("Retry-After", "93"))]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        let answer = match request.path.as_str() {
            SEARCH => search(request, book),
            "/api/v2/users/42/tickets/requested.json" => {
                let tickets = json!([{ "id": 1, "status": "solved", "assignee_id": 8 }, { "id": 2, "status": "open", "assignee_id": 7 }]);
                Answer::json(200, &json!({ "tickets": tickets }))
            }
            "/api/v2/users/7.json" => {
                Answer::json(200, &json!({ "user": { "id": 7, "name": "Ion", "email": "ion@example.com" } }))
            }
            "/api/v2/tickets.json" => {
                let ticket = &request.json()["ticket"];
                let fits = ticket["requester_id"] == 42 && ticket["comment"]["body"].is_string();
                Answer::json(if fits { 201 } else { 422 }, &json!({ "ticket": { "id": 900 } }))
            }
            "/api/v2/users.json" => {
                let user = &request.json()["user"];
                let fits = user["phone"] == "+40722111222" && user["role"] == "end-user";
                Answer::json(if fits { 201 } else { 422 }, &json!({ "user": { "id": 950 } }))
            }
            _ => Answer::json(404, &json!({ "error": "RecordNotFound", "description": "Not found" })),
        };
        answer.with("X-Rate-Limit", "200").with("X-Rate-Limit-Remaining", "199")
    }
    fn page(&self) -> usize {
        100
    }
    fn link(&self) -> &'static str {
        "/agent/users/42"
    }
    fn call(&self) -> Value {
        Freshdesk.call()
    }
    fn log_path(&self) -> &'static str {
        "/api/v2/tickets.json"
    }
    fn created(&self, request: &Request) -> Option<String> {
        (request.path == "/api/v2/users.json").then(|| text_at(&request.json(), "/user/name"))?
    }
    fn searched(&self, request: &Request) -> Option<String> {
        let text = request.query("query").strip_prefix(USERS)?;
        (!text.starts_with("phone:")).then(|| text.to_owned())
    }
}
