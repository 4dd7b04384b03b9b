//! Freshdesk: exact spellings, the quoted grammar of its search, credentials by HTTP Basic, 404 without a body, 30 on a page.

use serde_json::{Value, json};

use super::super::book::{Book, Person};
use super::super::stand_in::{Answer, Crm, Limit, Request, basic};
use super::{list, text_at};

pub(crate) struct Freshdesk;

impl Freshdesk {
    fn search(request: &Request, book: Book) -> Answer {
        let invalid = || Answer::json(400, &json!({ "description": "Validation failed" }));
        let query = request.query("query");
        let Some(query) = query.strip_prefix('"').and_then(|query| query.strip_suffix('"')) else { return invalid() };
        let page = request.number("page").unwrap_or(1);
        if query.len() > 512 || !(1..=10).contains(&page) {
            return invalid();
        }
        let value = |term: &str, name: &str| Some(term.strip_prefix(name)?.strip_suffix('\'')?.to_owned());
        let wanted: Vec<String> = query.split(" OR ").filter_map(|term| value(term, "mobile:'")).collect();
        let name = value(query, "name:'");
        let fits = |person: &Person| {
            wanted.contains(&person.phone) || name.as_deref().is_some_and(|name| person.name.contains(name))
        };
        let found = book.give(fits);
        let total = found.len();
        Answer::json(200, &json!({ "total": total, "results": list(book.page(found, page - 1).0, contact) }))
    }

    fn contacts(request: &Request, book: Book) -> Answer {
        let page = request.number("page").unwrap_or(1);
        let (found, more) = book.page(book.exactly(request.query("mobile")), page - 1);
        let answer = Answer::json(200, &list(found, contact));
        let (host, mobile) = (request.header("host"), request.query("mobile").replace('+', "%2B"));
        let next = format!("http://{host}{}?mobile={mobile}&page={}", request.path, page + 1);
        if more { answer.with("Link", &format!("<{next}>; rel=\"next\"")) } else { answer }
    }
}

fn contact(person: Person) -> Value {
    json!({ "id": person.id, "name": person.name, "phone": null, "mobile": person.phone })
}

impl Crm for Freshdesk {
    fn recipe(&self) -> &'static str {
        "freshdesk"
    }
    fn params(&self) -> &'static str {
        r#"{ domain = "acme", user = "FRESHKEY-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["FRESHKEY-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.header("authorization") == basic("FRESHKEY-SECRET", "X")
    }
    fn refuse(&self, _: &Request) -> Answer {
        Answer::json(401, &json!({ "code": "invalid_credentials", "message": "You have to be logged in." }))
    }
    fn limits(&self) -> Vec<(Limit, Answer)> {
        vec![(Limit::Seconds(37), Answer::empty(429).with("Retry-After", "37"))]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        let body = match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/api/v2/search/contacts") => return Self::search(request, book),
            ("GET", "/api/v2/contacts") => return Self::contacts(request, book),
            ("GET", "/api/v2/tickets") if request.query("requester_id") == "42" => {
                json!([{ "id": 1, "status": 5, "responder_id": 8 }, { "id": 2, "status": 2, "responder_id": 7 }])
            }
            ("GET", "/api/v2/tickets") => json!([]),
            ("GET", "/api/v2/agents/7") => json!({ "id": 7, "contact": { "name": "Ion", "email": "ion@example.com" } }),
            ("POST", "/api/v2/tickets") => {
                let ticket = request.json();
                let fits = request.header("content-type") == "application/json" && ticket["requester_id"].is_u64();
                let fits = fits && ticket["description"].is_string() && ticket["status"].is_u64();
                return Answer::json(if fits { 201 } else { 400 }, &json!({ "id": 900 }));
            }
            ("POST", "/api/v2/contacts") => {
                let fits = request.json()["mobile"] == "+40722111222";
                return Answer::json(if fits { 201 } else { 400 }, &json!({ "id": 950 }));
            }
            _ => return Answer::empty(404),
        };
        Answer::json(200, &body).with("X-RateLimit-Remaining", "49")
    }
    fn link(&self) -> &'static str {
        "/a/contacts/42"
    }
    fn call(&self) -> Value {
        json!({ "key": "1-2", "number": "+40722111222", "direction": "in", "outcome": "missed", "dnid": "0310000000",
                "started": 1_795_680_000_000_i64, "contact": 42 })
    }
    fn log_path(&self) -> &'static str {
        "/api/v2/tickets"
    }
    fn created(&self, request: &Request) -> Option<String> {
        let makes = request.method == "POST" && request.path == "/api/v2/contacts";
        makes.then(|| text_at(&request.json(), "/name"))?
    }
    fn searched(&self, request: &Request) -> Option<String> {
        let query = request.query("query").strip_prefix("\"name:'")?;
        Some(query.strip_suffix("'\"")?.to_owned())
    }
}
