//! HubSpot: at most five groups of filters, numbers calculated without their country code where it has one, a star before
//! the end of a word, properties as asked for only.

use serde_json::{Value, json};

use super::super::book::{Book, Person, digits};
use super::super::stand_in::{Answer, Crm, Limit, Request};
use super::{list, text_at};

pub(crate) struct HubSpot;

const ANYBODY: Person = Person { id: 0, name: "", phone: String::new() };

/// What HubSpot makes of a number; nothing without a country code.
fn calculated(person: &Person) -> Option<String> {
    let digits = digits(person.phone.strip_prefix('+')?);
    Some(digits[2..].to_owned())
}

/// Whether a person is found by a filter; `None` for one that HubSpot does not know.
fn fits(person: &Person, filter: &Value) -> Option<bool> {
    let value = filter["value"].as_str().filter(|value| !value.is_empty())?;
    match (filter["propertyName"].as_str()?, filter["operator"].as_str()?) {
        ("hs_searchable_calculated_phone_number", "EQ") => Some(calculated(person).as_deref() == Some(value)),
        ("phone", "CONTAINS_TOKEN") => {
            let end = value.strip_prefix('*')?;
            Some(person.phone.split_whitespace().any(|word| word.ends_with(end)))
        }
        // Nobody has a mobile number here.
        ("hs_searchable_calculated_mobile_number", "EQ") | ("mobilephone", "CONTAINS_TOKEN") => Some(false),
        _ => None,
    }
}

fn search(asked: &Value, book: Book) -> Answer {
    let one = |group: &Value| group["filters"].as_array().filter(|filters| filters.len() == 1)?.first().cloned();
    let found = match (asked["query"].as_str(), asked["filterGroups"].as_array()) {
        (Some(text), None) => book.named(text),
        (None, Some(groups)) if groups.len() <= 5 => {
            let filters: Option<Vec<Value>> = groups.iter().map(one).collect();
            let Some(filters) = filters.filter(|filters| filters.iter().all(|filter| fits(&ANYBODY, filter).is_some()))
            else {
                return Answer::json(400, &json!({ "status": "error", "category": "VALIDATION_ERROR" }));
            };
            book.give(|person| filters.iter().any(|filter| fits(person, filter) == Some(true)))
        }
        _ => return Answer::json(400, &json!({ "status": "error", "category": "VALIDATION_ERROR" })),
    };
    let known = |property: &str| asked["properties"].as_array().is_some_and(|all| all.contains(&json!(property)));
    let contact = |person: Person| {
        let all = json!({ "firstname": person.name, "lastname": null, "phone": person.phone, "mobilephone": null,
                          "hubspot_owner_id": "7" });
        let properties = all.as_object().unwrap().iter().filter(|(name, _)| known(name));
        let properties: serde_json::Map<_, _> = properties.map(|(name, value)| (name.clone(), value.clone())).collect();
        json!({ "id": person.id.to_string(), "properties": properties })
    };
    let start: usize = asked["after"].as_str().map_or(0, |after| after.parse().unwrap_or(100_000));
    let total = found.len();
    let (found, more) = book.page(found, start / book.page);
    let mut body = json!({ "total": total, "results": list(found, contact) });
    if more {
        body["paging"] = json!({ "next": { "after": (start + book.page).to_string() } });
    }
    Answer::json(200, &body)
}

impl Crm for HubSpot {
    fn recipe(&self) -> &'static str {
        "hubspot"
    }
    fn params(&self) -> &'static str {
        r#"{ token = "HUB-SECRET", portal = "123" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["HUB-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.header("authorization") == "Bearer HUB-SECRET"
    }
    fn refuse(&self, _: &Request) -> Answer {
        Answer::json(401, &json!({ "status": "error", "category": "INVALID_AUTHENTICATION" }))
    }
    fn forbid(&self) -> Answer {
        Answer::json(403, &json!({ "status": "error", "category": "MISSING_SCOPES" }))
    }
    fn rate(&self) -> Option<(usize, u64)> {
        Some((4, 1))
    }
    fn limits(&self) -> Vec<(Limit, Answer)> {
        let secondly = json!({ "status": "error", "errorType": "RATE_LIMIT", "policyName": "SECONDLY" });
        vec![(Limit::Seconds(60), Answer::json(429, &secondly))]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        let asked = request.json();
        match request.path.as_str() {
            "/crm/v3/objects/contacts/search" => search(&asked, book),
            "/crm/v3/owners/7" => {
                Answer::json(200, &json!({ "id": "7", "email": "ion@example.com", "firstName": "Ion" }))
            }
            "/crm/v3/objects/calls" => {
                let fits =
                    asked["properties"]["hs_call_duration"] == 61_000 && asked["associations"][0]["to"]["id"] == "42";
                Answer::json(if fits { 201 } else { 400 }, &json!({ "id": "900" }))
            }
            "/crm/v3/objects/contacts" => {
                let fits = asked["properties"]["phone"] == "+40722111222";
                Answer::json(if fits { 201 } else { 400 }, &json!({ "id": "950" }))
            }
            _ => Answer::json(404, &json!({ "status": "error", "category": "OBJECT_NOT_FOUND" })),
        }
    }
    fn page(&self) -> usize {
        50
    }
    fn link(&self) -> &'static str {
        "/contacts/123/record/0-1/42"
    }
    fn log_path(&self) -> &'static str {
        "/crm/v3/objects/calls"
    }
    fn created(&self, request: &Request) -> Option<String> {
        (request.path == "/crm/v3/objects/contacts").then(|| text_at(&request.json(), "/properties/firstname"))?
    }
    fn searched(&self, request: &Request) -> Option<String> {
        text_at(&request.json(), "/query")
    }
}
