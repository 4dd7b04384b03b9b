//! MiniCRM: a full-text search for at least six digits, results by id, ids as texts, an empty result as a list, 100 on a page.

use serde_json::{Value, json};

use super::super::book::{Book, Person, digits};
use super::super::stand_in::{Answer, Crm, Limit, Request, basic};
use super::text_at;

pub(crate) struct MiniCrm;

fn contacts(request: &Request, book: Book) -> Answer {
    let query = request.query("Query");
    if query.chars().count() < 3 || (query == digits(query) && query.len() < 6) {
        return Answer::empty(400);
    }
    let found = if query == digits(query) { book.containing(query) } else { book.named(query) };
    let count = found.len();
    let contact = |person: Person| {
        let id = person.id.to_string();
        (id.clone(), json!({ "Id": id, "Name": person.name, "Type": "Person", "Phone": person.phone }))
    };
    let (found, _) = book.page(found, request.number("Page").unwrap_or(0));
    let results: serde_json::Map<String, Value> = found.into_iter().map(contact).collect();
    let results = if results.is_empty() { json!([]) } else { Value::Object(results) };
    Answer::json(200, &json!({ "Count": count, "Results": results }))
}

impl Crm for MiniCrm {
    fn recipe(&self) -> &'static str {
        "minicrm"
    }
    fn params(&self) -> &'static str {
        r#"{ SystemId = "119", APIKey = "MINIKEY-SECRET", VoipKey = "VOIP-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["MINIKEY-SECRET", "VOIP-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.header("authorization") == basic("119", "MINIKEY-SECRET")
    }
    fn refuse(&self, _: &Request) -> Answer {
        Answer::empty(401)
    }
    fn limits(&self) -> Vec<(Limit, Answer)> {
        vec![(Limit::Seconds(60), Answer::empty(429))]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/Api/R3/Contact") => contacts(request, book),
            ("PUT", "/Api/R3/Contact") => {
                let contact = request.json();
                let fits = contact["Type"] == "Person" && contact["FirstName"].is_string();
                Answer::json(if fits { 200 } else { 400 }, &json!({ "Id": 950 }))
            }
            (_, "/Api/R3/Project") if request.query("MainContactId") == "42" => {
                let project = json!({ "Id": 1, "UserId": 7, "ContactId": 42, "Deleted": 0 });
                Answer::json(200, &json!({ "Count": 1, "Results": { "1": project } }))
            }
            (_, "/Api/R3/Project") => Answer::json(200, &json!({ "Count": 0, "Results": [] })),
            (_, "/Api/CallLog") => {
                let log = request.json();
                let call = &log["Data"][0];
                let fits =
                    log["ApiKey"] == "VOIP-SECRET" && call["CallType"] == 1 && call["Date"] == "2026-11-26 08:00:00";
                Answer::empty(if fits { 200 } else { 400 })
            }
            _ => Answer::empty(404),
        }
    }
    fn page(&self) -> usize {
        100
    }
    fn link(&self) -> &'static str {
        "/119/#Contact/42"
    }
    fn agent(&self) -> &'static str {
        "owner = { crm = \"7\" }"
    }
    fn log_path(&self) -> &'static str {
        "/Api/CallLog"
    }
    fn created(&self, request: &Request) -> Option<String> {
        (request.method == "PUT").then(|| text_at(&request.json(), "/FirstName"))?
    }
    fn searched(&self, request: &Request) -> Option<String> {
        let query = request.query("Query");
        (request.method == "GET" && query != digits(query)).then(|| query.to_owned())
    }
}
