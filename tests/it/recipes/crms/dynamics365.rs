//! Dynamics 365: tokens by client credentials, OData filters, contacts that are no longer active, pages as long as a header
//! says, the next one by its address.

use serde_json::{Value, json};

use super::super::book::{Book, Person};
use super::super::stand_in::{Answer, Crm, Limit, Request};
use super::{list, text_at};

pub(crate) struct Dynamics365;

const TOKEN: &str = "/t/oauth2/v2.0/token";
const CONTACTS: &str = "/api/data/v9.2/contacts";

/// The one who was merged with Ana.
const MERGED: u64 = 142;

/// Dan has his number as a mobile one.
fn contact(person: Person) -> Value {
    let (phone, mobile) = if person.id == 43 { (None, Some(person.phone)) } else { (Some(person.phone), None) };
    json!({ "contactid": person.id.to_string(), "fullname": person.name, "telephone1": phone, "mobilephone": mobile,
            "_ownerid_value": "7" })
}

/// A condition on one field.
struct Condition {
    field: String,
    value: String,
    is_whole: bool,
}

impl Condition {
    /// `contains(FIELD,'TEXT')` or `FIELD eq 'TEXT'`, where a quote within the text is written twice.
    fn read(term: &str) -> Option<Self> {
        let inner = term.strip_prefix("contains(").and_then(|rest| rest.strip_suffix(')'));
        let (field, quoted) = inner.map_or_else(|| term.split_once(" eq "), |inner| inner.split_once(','))?;
        let value = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
        let is_known = ["telephone1", "telephone2", "mobilephone", "fullname"].contains(&field);
        let is_text = !value.replace("''", "").contains('\'');
        (is_known && is_text).then(|| Self {
            field: field.into(),
            value: value.replace("''", "'"),
            is_whole: inner.is_none(),
        })
    }

    fn fits(&self, person: &Person) -> bool {
        let phone_is = if person.id == 43 { "mobilephone" } else { "telephone1" };
        let text = match self.field.as_str() {
            "fullname" => person.name,
            field if field == phone_is => &person.phone,
            _ => return false,
        };
        if self.is_whole { text == self.value } else { text.contains(&self.value) }
    }
}

/// The conditions of a filter, one of which has to fit, and whether only active contacts are asked for.
fn read_filter(filter: &str) -> Option<(Vec<Condition>, bool)> {
    let active = filter.strip_prefix("statecode eq 0 and (").and_then(|rest| rest.strip_suffix(')'));
    let terms = active.unwrap_or(filter).split(" or ").map(Condition::read);
    Some((terms.collect::<Option<_>>()?, active.is_some()))
}

fn contacts(request: &Request, book: Book) -> Answer {
    let filter = request.query("$filter");
    let Some((conditions, only_active)) = read_filter(filter) else {
        return Answer::json(400, &json!({ "error": { "code": "0x80060888", "message": "Syntax error" } }));
    };
    let mut found = book.give(|person| conditions.iter().any(|condition| condition.fits(person)));
    if let Some(ana) = found.iter().find(|person| person.id == 42 && !only_active).cloned() {
        found.push(Person { id: MERGED, ..ana });
    }
    let size = request.header("prefer").strip_prefix("odata.maxpagesize=").and_then(|size| size.parse().ok());
    let book = Book { page: size.unwrap_or(5000), ..book };
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
    fn forbid(&self) -> Answer {
        Answer::json(
            403,
            &json!({ "error": { "code": "0x80040220", "message": "Principal user is missing prvReadContact" } }),
        )
    }
    fn rate(&self) -> Option<(usize, u64)> {
        Some((20, 1))
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
    fn page(&self) -> usize {
        50
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
        let (conditions, _) = read_filter(request.query("$filter"))?;
        conditions.into_iter().find(|condition| condition.field == "fullname").map(|condition| condition.value)
    }
}
