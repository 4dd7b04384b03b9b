//! A made-up CRM whose interface takes its key nowhere but in the query.

use serde_json::{Value, json};

use super::super::book::{Book, Person};
use super::super::stand_in::{Answer, Crm, Request};

pub(crate) struct InTheQuery;

/// A recipe for it.
pub(crate) const RECIPE_IN_THE_QUERY: &str = r#"
format = 1
title = "A CRM with its key in the query"
[param]
key = { title = "Key", secret = true }
[auth]
kind = "query"
name = "api_key"
value = "{{ param.key }}"
[[lookup]]
get = "/people"
query = { phone = "{{ forms.e164 }}" }
records = "people"
[map]
id = "id"
name = "name"
numbers = "[phone]"
[[log_call]]
post = "/calls"
json = { number = "{{ call.number }}" }
"#;

impl Crm for InTheQuery {
    fn recipe(&self) -> &'static str {
        "in_the_query"
    }
    fn params(&self) -> &'static str {
        "{ key = \"QUERY-SECRET\" }"
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["QUERY-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.query("api_key") == "QUERY-SECRET"
    }
    fn refuse(&self, _: &Request) -> Answer {
        Answer::empty(401)
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        let person = |person: Person| json!({ "id": person.id, "name": person.name, "phone": person.phone });
        let found: Vec<Value> = book.exactly(request.query("phone")).into_iter().map(person).collect();
        Answer::json(200, &json!({ "people": found }))
    }
    fn link(&self) -> &'static str {
        ""
    }
    fn log_path(&self) -> &'static str {
        "/calls"
    }
}
