//! Dynamics 365: tokens by client credentials, OData filters, ids that are GUIDs, the next page by its address.

use serde_json::{Value, json};

use super::super::book::{Book, Person};
use super::super::stand_in::{Answer, Crm, Limit, Request};
use super::{list, text_at};

pub(crate) struct Dynamics365;

const TOKEN: &str = "/t/oauth2/v2.0/token";
const CONTACTS: &str = "/api/data/v9.2/contacts";

fn contact(person: Person) -> Value {
    json!({ "contactid": person.id.to_string(), "fullname": person.name, "telephone1": person.phone,
            "_ownerid_value": "7" })
}

/// The text in a filter: `contains(FIELD,'TEXT')`.
fn contained(filter: &str, field: &str) -> Option<String> {
    let rest = filter.split(&format!("contains({field},'")).nth(1)?;
    Some(rest.split("')").next()?.replace("''", "'"))
}

fn contacts(request: &Request, book: Book) -> Answer {
    let filter = request.query("$filter");
    let found = match (contained(filter, "telephone1"), contained(filter, "fullname")) {
        (Some(number), None) => book.give(|person| person.phone.contains(&number)),
        (None, Some(name)) => book.named(&name),
        _ => return Answer::json(400, &json!({ "error": { "code": "0x80060888" } })),
    };
    let page = request.number("$skiptoken").unwrap_or(0);
    let (found, more) = book.page(found, page);
    let mut body = json!({ "value": list(found, contact) });
    if more {
        let filter = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>();
        let host = request.header("host");
        body["@odata.nextLink"] = json!(format!("http://{host}{CONTACTS}?$filter={filter}&$skiptoken={}", page + 1));
    }
    Answer::json(200, &body)
}

impl Crm for Dynamics365 {
    fn recipe(&self) -> &'static str {
        "dynamics365"
    }
    fn params(&self) -> &'static str {
        r#"{ domain = "acme.crm4.dynamics.com", tenant = "t", client_id = "i", client_secret = "DYN-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["DYN-SECRET", "DYN-ACCESS"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        let login = self.is_login(request) && request.form("client_secret") == "DYN-SECRET";
        login || request.header("authorization") == "Bearer DYN-ACCESS"
    }
    fn is_login(&self, request: &Request) -> bool {
        request.path == TOKEN
    }
    fn refuse(&self, _: &Request) -> Answer {
        Answer::json(401, &json!({ "error": "invalid_client" }))
    }
    fn limits(&self) -> Vec<(Limit, Answer)> {
        let too_many = json!({ "error": { "code": "0x80072322", "message": "Number of requests exceeded" } });
        vec![(Limit::Seconds(90), Answer::json(429, &too_many).with("Retry-After", "90"))]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        match (request.method.as_str(), request.path.as_str()) {
            (_, TOKEN) if request.form("scope").ends_with("/.default") => {
                Answer::json(200, &json!({ "access_token": "DYN-ACCESS", "expires_in": 3599 }))
            }
            ("GET", CONTACTS) if request.header("odata-version") == "4.0" => contacts(request, book),
            (_, "/api/data/v9.2/systemusers(7)") => {
                Answer::json(200, &json!({ "internalemailaddress": "ion@example.com", "fullname": "Ion" }))
            }
            // Made unless it is there: the id is the client's.
            ("PATCH", path) if path.starts_with("/api/data/v9.2/phonecalls(") => {
                let call = request.json();
                let fits = call["regardingobjectid_contact_phonecall@odata.bind"] == "/contacts(42)"
                    && call["directioncode"] == false;
                Answer::empty(if fits { 204 } else { 400 })
            }
            ("POST", CONTACTS) => {
                let fits = request.json()["telephone1"] == "+40722111222"
                    && request.header("prefer") == "return=representation";
                Answer::json(if fits { 201 } else { 400 }, &json!({ "contactid": "950" }))
            }
            _ => Answer::json(404, &json!({ "error": { "code": "0x80060888" } })),
        }
    }
    fn link(&self) -> &'static str {
        "/main.aspx?etn=contact&pagetype=entityrecord&id=42"
    }
    fn log_path(&self) -> &'static str {
        "/api/data/v9.2/phonecalls("
    }
    fn created(&self, request: &Request) -> Option<String> {
        (request.method == "POST" && request.path == CONTACTS).then(|| text_at(&request.json(), "/lastname"))?
    }
    fn searched(&self, request: &Request) -> Option<String> {
        contained(request.query("$filter"), "fullname")
    }
}
