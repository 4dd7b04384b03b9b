//! Freshdesk: exact spellings, the quoted grammar of its search with an index that is late, lists that are not, credentials by
//! HTTP Basic, 404 without a body, 30 on a page.
//!
//! Left out, because calldex never asks for it: notes on tickets, who the key belongs to, `AND`, brackets and ranges in queries.

use serde_json::{Value, json};

use super::super::book::{Book, Mood, Person};
use super::super::stand_in::{Answer, Crm, Limit, Request, basic};
use super::{list, text_at};

/// What a search may ask about.
const SEARCHED: [&str; 3] = ["name", "phone", "mobile"];

pub(crate) struct Freshdesk;

/// Which of the two fields holds the number of a person.
fn field_of(person: &Person) -> &'static str {
    if person.id.is_multiple_of(2) { "mobile" } else { "phone" }
}

fn contact(person: Person) -> Value {
    let field = field_of(&person);
    let mut contact = json!({ "id": person.id, "name": person.name, "phone": null, "mobile": null });
    contact[field] = person.phone.into();
    contact
}

fn invalid(field: &str) -> Answer {
    let error = json!({ "field": field, "message": "It is invalid.", "code": "invalid_value" });
    Answer::json(400, &json!({ "description": "Validation failed", "errors": [error] }))
}

/// `field:'value'` and more of them after ` OR `, all of it in double quotes; `None` for anything else.
fn conditions(query: &str) -> Option<Vec<(&str, &str)>> {
    let condition = |text| {
        let (field, value) = str::split_once(text, ":'")?;
        let value = value.strip_suffix('\'').filter(|value| !value.contains(['\'', '"']))?;
        SEARCHED.contains(&field).then_some((field, value))
    };
    query.strip_prefix('"')?.strip_suffix('"')?.split(" OR ").map(condition).collect()
}

fn search(request: &Request, book: Book) -> Answer {
    let query = request.query("query");
    let page = if request.query("page").is_empty() { Some(1) } else { request.number("page") };
    let Some(page) = page.filter(|page| (1..=10).contains(page)) else { return invalid("page") };
    let Some(conditions) = conditions(query).filter(|_| query.len() <= 512) else { return invalid("query") };
    let holds = |person: &Person, (field, value): &(&str, &str)| match *field {
        "name" => person.name.contains(value),
        field => field == field_of(person) && person.phone == *value,
    };
    let is_late = book.mood == Mood::Late;
    let found = book.give(|person| !is_late && conditions.iter().any(|condition| holds(person, condition)));
    let total = found.len();
    Answer::json(200, &json!({ "total": total, "results": list(book.page(found, page - 1).0, contact) }))
}

fn contacts(request: &Request, book: Book) -> Answer {
    let [(field, number)] = request.query.as_slice() else { return invalid("phone") };
    if !["phone", "mobile"].contains(&field.as_str()) {
        return invalid(field);
    }
    let (found, more) = book.page(book.give(|person| person.phone == *number && field_of(person) == field), 0);
    let next = format!("http://{}{}&page=2", request.header("host"), request.target);
    let answer = Answer::json(200, &list(found, contact));
    if more { answer.with("Link", &format!("<{next}>; rel=\"next\"")) } else { answer }
}

/// Tickets of the last 30 days, in the order that was asked for.
fn tickets(request: &Request) -> Answer {
    if request.query("order_by") != "updated_at" || request.number("per_page").is_none_or(|count| count > 100) {
        return invalid("order_by");
    }
    let ticket = |id, status, agent| json!({ "id": id, "status": status, "responder_id": agent });
    let is_of_ana = request.query("requester_id") == "42";
    Answer::json(200, &if is_of_ana { json!([ticket(1, 5, 8), ticket(2, 2, 7)]) } else { json!([]) })
}

fn make_ticket(request: &Request) -> Answer {
    let ticket = request.json();
    let one_of = |field: &str, most: u64| ticket[field].as_u64().is_some_and(|value| (1..=most).contains(&value));
    let is_from_somebody =
        ticket["requester_id"].is_u64() || (ticket["phone"].is_string() && ticket["name"].is_string());
    let has_texts = ticket["subject"].is_string() && ticket["description"].is_string();
    let is_valid = has_texts && one_of("status", 5) && one_of("priority", 4) && one_of("source", 10);
    made(request, is_from_somebody && is_valid, 900)
}

fn make_contact(request: &Request) -> Answer {
    let contact = request.json();
    made(request, contact["name"].is_string() && contact["mobile"] == "+40722111222", 950)
}

fn made(request: &Request, is_valid: bool, id: u64) -> Answer {
    match (request.header("content-type"), is_valid) {
        ("application/json", true) => Answer::json(201, &json!({ "id": id })),
        ("application/json", false) => invalid("body"),
        _ => Answer::empty(415),
    }
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
    fn forbid(&self) -> Answer {
        Answer::json(403, &json!({ "code": "access_denied", "message": "You are not authorized." }))
    }
    fn rate(&self) -> Option<(usize, u64)> {
        Some((50, 60))
    }
    fn limits(&self) -> Vec<(Limit, Answer)> {
        let few_left = Answer::json(200, &json!({ "total": 0, "results": [] })).with("X-RateLimit-Remaining", "5");
        vec![(Limit::Seconds(37), Answer::empty(429).with("Retry-After", "37")), (Limit::Seconds(30), few_left)]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        let (answer, cost) = match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/api/v2/search/contacts") => (search(request, book), "2"),
            ("GET", "/api/v2/contacts") => (contacts(request, book), "1"),
            ("GET", "/api/v2/tickets") => (tickets(request), "1"),
            ("GET", "/api/v2/agents/7") => {
                let ion = json!({ "id": 7, "contact": { "name": "Ion", "email": "ion@example.com" } });
                (Answer::json(200, &ion), "1")
            }
            ("POST", "/api/v2/tickets") => (make_ticket(request), "1"),
            ("POST", "/api/v2/contacts") => (make_contact(request), "1"),
            _ => (Answer::empty(404), "1"),
        };
        let answer = answer.with("X-RateLimit-Total", "50").with("X-RateLimit-Remaining", "49");
        answer.with("X-RateLimit-Used-CurrentRequest", cost)
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
