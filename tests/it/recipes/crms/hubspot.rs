//! HubSpot: at most five groups of filters, numbers calculated without their country code, properties as asked for only.

use serde_json::{Value, json};

use super::super::book::{Book, Person, digits};
use super::super::stand_in::{Answer, Crm, Limit, Request};
use super::{list, text_at};

pub(crate) struct HubSpot;

/// What HubSpot makes of a number.
fn calculated(person: &Person) -> String {
    let digits = digits(&person.phone);
    digits.trim_start_matches("40").trim_start_matches("49").trim_start_matches('0').to_owned()
}

fn search(asked: &Value, book: Book) -> Answer {
    let found = match (asked["query"].as_str(), asked["filterGroups"].as_array()) {
        (Some(text), None) => book.named(text),
        (None, Some(groups)) if groups.len() <= 5 => {
            let values: Vec<&str> = groups.iter().filter_map(|group| group["filters"][0]["value"].as_str()).collect();
            book.give(|person| values.contains(&calculated(person).as_str()) || values.contains(&person.phone.as_str()))
        }
        _ => return Answer::json(400, &json!({ "status": "error" })),
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
            _ => Answer::json(404, &json!({ "status": "error" })),
        }
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
