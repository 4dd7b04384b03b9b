//! MiniCRM: a full-text search that takes digits from six on, results by id, ids as texts or numbers, an empty result as a
//! list or an object, 100 on a page, a call log with a key of its own.
//!
//! Left out, because calldex never asks for it: the search by the end of a number (`Phone=`), which the full text covers;
//! schemas, since agents are found by the ids of users; tasks (`ToDo`), which need a project.

use serde_json::{Map, Value, json};

use super::super::book::{Book, Person, digits};
use super::super::stand_in::{Answer, Crm, Limit, Request, basic};
use super::{is_moment, text_at};

/// The company that Ana works for.
const ACME: u64 = 500;

pub(crate) struct MiniCrm;

/// A table of records by id, or what stands for an empty one: PHP does not tell the two kinds apart.
fn results(records: Vec<Value>, count: usize) -> Answer {
    let by_id = |record: Value| (record["Id"].to_string().replace('"', ""), record);
    let results: Map<String, Value> = records.into_iter().map(by_id).collect();
    let is_list = results.is_empty() && count == 0;
    Answer::json(200, &json!({ "Count": count, "Results": if is_list { json!([]) } else { results.into() } }))
}

/// A record of a search. Ids are texts in some answers and numbers in others, and what is empty is not there.
fn contact(person: Person) -> Value {
    let id: Value = if person.id.is_multiple_of(2) { person.id.to_string().into() } else { person.id.into() };
    let mut contact = json!({ "Id": id, "Name": person.name, "Type": "Person", "Phone": person.phone,
                              "Url": format!("https://r3.minicrm.hu/Api/R3/Contact/{}", person.id) });
    if person.id == 42 {
        contact["BusinessId"] = ACME.into();
    }
    contact
}

fn contacts(request: &Request, book: Book) -> Answer {
    let query = request.query("Query");
    let is_number = query == digits(query);
    if query.chars().count() < 3 || (is_number && query.len() < 6) {
        return Answer::empty(400);
    }
    let page = if request.query("Page").is_empty() { Some(0) } else { request.number("Page") };
    let Some(page) = page else { return Answer::empty(400) };
    let found = if is_number { book.containing(query) } else { book.named(query) };
    let count = found.len();
    if count == 0 && query.ends_with(['1', '3', '5', '7', '9']) {
        return Answer::json(200, &json!({ "Count": 0, "Results": {} }));
    }
    results(book.page(found, page).0.into_iter().map(contact).collect(), count)
}

fn projects(request: &Request) -> Answer {
    let project = |id: u64, user: u64, group: &str, deleted: u64| {
        let project = json!({ "Id": id, "UserId": user, "ContactId": 42, "Deleted": deleted });
        (request.query("StatusGroup") == group && request.query("MainContactId") == "42").then_some(project)
    };
    let of_ana = [project(3, 9, "Success", 0), project(2, 8, "Open", 1), project(1, 7, "Open", 0)];
    let found: Vec<Value> = of_ana.into_iter().flatten().collect();
    let count = found.len();
    results(found, count)
}

fn log(request: &Request) -> Answer {
    let log = request.json();
    let calls = log["Data"].as_array().cloned().unwrap_or_default();
    let is_call = |call: &Value| {
        let has_numbers = call["Duration"].is_u64() && call["CallType"].as_u64().is_some_and(|kind| kind <= 2);
        has_numbers && call["Number"].is_string() && is_moment(&call["Date"], "%Y-%m-%d %H:%M:%S")
    };
    let is_valid = log["ApiKey"] == "VOIP-SECRET" && !calls.is_empty() && calls.iter().all(is_call);
    Answer::empty(if is_valid { 200 } else { 400 })
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
        request.path == "/Api/CallLog" || request.header("authorization") == basic("119", "MINIKEY-SECRET")
    }
    fn refuse(&self, _: &Request) -> Answer {
        Answer::empty(401)
    }
    fn rate(&self) -> Option<(usize, u64)> {
        Some((60, 60))
    }
    fn limits(&self) -> Vec<(Limit, Answer)> {
        vec![(Limit::Seconds(60), Answer::empty(429))]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/Api/R3/Contact") => contacts(request, book),
            ("GET", "/Api/R3/Contact/500") => {
                Answer::json(200, &json!({ "Id": ACME, "Type": "Business", "Name": "Acme" }))
            }
            ("PUT", "/Api/R3/Contact") => {
                let contact = request.json();
                let is_valid = contact["Type"] == "Person" && contact["FirstName"].is_string();
                Answer::json(if is_valid { 200 } else { 400 }, &json!({ "Id": 950 }))
            }
            ("GET", "/Api/R3/Project") => projects(request),
            ("POST", "/Api/CallLog") => log(request),
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
        self.owner()
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
