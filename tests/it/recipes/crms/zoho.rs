//! Zoho CRM: tokens from a refresh token, one module and one exact spelling at a time, 204 for nobody.

use serde_json::{Value, json};

use super::super::book::{Book, Person};
use super::super::stand_in::{Answer, Crm, Limit, Request};
use super::{list, text_at};

pub(crate) struct Zoho;

const TOKEN: &str = "/oauth/v2/token";

fn contact(person: Person) -> Value {
    json!({ "id": person.id.to_string(), "Full_Name": person.name, "Phone": person.phone,
            "Owner": { "id": "7", "name": "Ion", "email": "ion@example.com" } })
}

/// Dan is a lead; all others are contacts.
fn search(request: &Request, book: Book, of_leads: bool) -> Answer {
    let mut found = match (request.query("phone"), request.query("word")) {
        ("", "") => return Answer::json(400, &json!({ "code": "REQUIRED_PARAM_MISSING", "status": "error" })),
        (phone, "") => book.exactly(phone),
        (_, word) => book.named(word),
    };
    found.retain(|person| (person.id == 43) == of_leads);
    let page = request.number("page").unwrap_or(1);
    let (found, more) = book.page(found, page - 1);
    if found.is_empty() {
        return Answer::empty(204);
    }
    let info = json!({ "per_page": book.page, "count": found.len(), "page": page, "more_records": more });
    Answer::json(200, &json!({ "data": list(found, contact), "info": info }))
}

impl Crm for Zoho {
    fn recipe(&self) -> &'static str {
        "zoho"
    }
    fn params(&self) -> &'static str {
        r#"{ client_id = "i", client_secret = "ZOHO-SECRET", refresh_token = "ZOHO-REFRESH", dc = "eu" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["ZOHO-SECRET", "ZOHO-REFRESH", "ZOHO-ACCESS"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        let login = request.form("refresh_token") == "ZOHO-REFRESH" && request.form("client_secret") == "ZOHO-SECRET";
        (self.is_login(request) && login) || request.header("authorization") == "Zoho-oauthtoken ZOHO-ACCESS"
    }
    fn is_login(&self, request: &Request) -> bool {
        request.path == TOKEN
    }
    fn refuse(&self, request: &Request) -> Answer {
        // The server of tokens says no with status 200.
        if self.is_login(request) {
            return Answer::json(200, &json!({ "error": "invalid_code" }));
        }
        Answer::json(401, &json!({ "code": "INVALID_TOKEN", "status": "error" }))
    }
    fn forbid(&self) -> Answer {
        Answer::json(403, &json!({ "code": "NO_PERMISSION", "status": "error" }))
    }
    fn rate(&self) -> Option<(usize, u64)> {
        Some((10, 1))
    }
    fn limits(&self) -> Vec<(Limit, Answer)> {
        vec![(Limit::Seconds(60), Answer::json(429, &json!({ "code": "TOO_MANY_REQUESTS" })))]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        match request.path.as_str() {
            TOKEN => Answer::json(200, &json!({ "access_token": "ZOHO-ACCESS", "expires_in": 3600 })),
            "/crm/v6/Contacts/search" => search(request, book, false),
            "/crm/v6/Leads/search" => search(request, book, true),
            "/crm/v6/Calls" => {
                let fits = request.json()["data"][0]["Call_Duration"] == "00:02";
                Answer::json(if fits { 201 } else { 400 }, &json!({ "data": [{ "details": { "id": "900" } }] }))
            }
            "/crm/v6/Contacts" => {
                let fits = request.json()["data"][0]["Phone"] == "+40722111222";
                Answer::json(if fits { 201 } else { 400 }, &json!({ "data": [{ "details": { "id": "950" } }] }))
            }
            _ => Answer::json(404, &json!({ "code": "INVALID_URL_PATTERN" })),
        }
    }
    fn page(&self) -> usize {
        200
    }
    fn link(&self) -> &'static str {
        "/tab/Contacts/42"
    }
    fn log_path(&self) -> &'static str {
        "/crm/v6/Calls"
    }
    fn created(&self, request: &Request) -> Option<String> {
        (request.path == "/crm/v6/Contacts").then(|| text_at(&request.json(), "/data/0/Last_Name"))?
    }
    fn searched(&self, request: &Request) -> Option<String> {
        let word = request.query("word");
        (!word.is_empty()).then(|| word.to_owned())
    }
}
