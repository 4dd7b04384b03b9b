//! Salesforce: a login by SOAP or OAuth, SOSL over three kinds of records, errors as lists, a daily limit that every answer
//! tells of.
//!
//! Left out, because calldex never asks for it: searches by parameters, further pages of queries (none has more than one),
//! what was changed or deleted lately, the limits by themselves, OAuth by password or with a refresh token.

mod search;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::super::assertion::{Claims, is_good};
use super::super::book::Book;
use super::super::stand_in::{Answer, Crm, Limit, Request, basic};
use super::text_at;
use search::find;

const SOAP_LOGIN: &str = "/services/Soap/u/";
const TOKEN: &str = "/services/oauth2/token";
const CLASS: &str = "/services/Soap/class/";
const OWNER: &str = "005A00000000000007";
pub(crate) const SECRETS: [&str; 5] = ["pw-SECRET", "WRONG-SECRET", "TOKEN-SECRET", "app-SECRET", "00D!session"];
pub(crate) const BY_PASSWORD: &str =
    "{ username = \"ion@example.com\", password = \"pw-SECRET\", token = \"TOKEN-SECRET\" }";

/// Its sessions are numbered, so that the last one counts.
#[derive(Default)]
pub(crate) struct Salesforce {
    pub(crate) sessions: AtomicUsize,
    pub(crate) is_used_up: AtomicBool,
    /// The tasks that were made.
    pub(crate) tasks: Mutex<Vec<Value>>,
}

impl Salesforce {
    fn session(&self) -> String {
        format!("00D!session{}", self.sessions.load(Ordering::SeqCst))
    }

    fn log_in(&self, request: &Request) -> Answer {
        let version = &request.path[SOAP_LOGIN.len()..];
        if version.parse().is_ok_and(|version: f64| version >= 65.0) {
            return fault("UNSUPPORTED_API_VERSION");
        }
        let is_user = request.body.contains("<ns1:username>ion@example.com</ns1:username>");
        if !is_user || !request.body.contains("<ns1:password>pw-SECRETTOKEN-SECRET</ns1:password>") {
            return fault("INVALID_LOGIN");
        }
        self.sessions.fetch_add(1, Ordering::SeqCst);
        xml(
            200,
            &format!(
                "<loginResponse><result><serverUrl>http://{}{SOAP_LOGIN}{version}/00D</serverUrl>\
                 <sessionId>{}</sessionId></result></loginResponse>",
                request.header("host"),
                self.session()
            ),
        )
    }

    fn grant(&self, request: &Request) -> Answer {
        let error = match request.form("grant_type").as_str() {
            "client_credentials" => {
                let lets_in = request.header("authorization") == basic("app", "app-SECRET");
                (!lets_in).then_some("invalid_client")
            }
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
                let (issuer, subject) = ("app", "ion@example.com");
                let claims = Claims { issuer, subject, audience: "https://login.salesforce.com" };
                (!is_good(&request.form("assertion"), &claims)).then_some("invalid_grant")
            }
            _ => Some("unsupported_grant_type"),
        };
        if let Some(error) = error {
            return Answer::json(400, &json!({ "error": error, "error_description": "authentication failure" }));
        }
        self.sessions.fetch_add(1, Ordering::SeqCst);
        let instance = format!("http://{}", request.header("host"));
        let session = self.session();
        Answer::json(200, &json!({ "access_token": session, "instance_url": instance, "token_type": "Bearer" }))
    }

    fn data(&self, request: &Request, book: Book) -> Answer {
        if request.header("authorization") != format!("Bearer {}", self.session()) {
            return ended();
        }
        if self.is_used_up.load(Ordering::SeqCst) {
            return used_up();
        }
        let query = request.query("q");
        match (request.method.as_str(), request.path.trim_start_matches("/services/data/v59.0/")) {
            ("GET", "search/") => match find(query, book) {
                Some(records) => Answer::json(200, &json!({ "searchRecords": records })),
                None => wrong(400, "MALFORMED_SEARCH"),
            },
            ("GET", "query/") if !query.matches('\'').count().is_multiple_of(2) => wrong(400, "MALFORMED_QUERY"),
            ("GET", "query/") if query.contains("FROM User") => {
                let user = json!({ "attributes": { "type": "User" }, "Id": OWNER, "Extension": "101" });
                Answer::json(200, &json!({ "totalSize": 1, "done": true, "records": [user] }))
            }
            ("GET", "query/") if query.contains("FROM Task") => self.find_task(query),
            ("GET", "query/") => Answer::json(200, &json!({ "totalSize": 0, "done": true, "records": [] })),
            ("POST", "sobjects/Task/") => {
                self.tasks.lock().unwrap().push(request.json());
                make(request, "Subject", "00TA00000000000001")
            }
            ("POST", "sobjects/Contact/") => make(request, "LastName", "003A00000000000950"),
            _ => wrong(404, "NOT_FOUND"),
        }
    }

    fn find_task(&self, query: &str) -> Answer {
        let tasks = self.tasks.lock().unwrap();
        let is_meant =
            |task: &&Value| query.contains(&format!("WHERE CallObject = '{}'", text_at(task, "/CallObject").unwrap()));
        let found: Vec<Value> = tasks.iter().filter(is_meant).map(|_| json!({ "Id": "00TA00000000000001" })).collect();
        Answer::json(200, &json!({ "done": true, "records": found }))
    }

    fn class(&self, request: &Request) -> Answer {
        let session = self.session();
        let header = format!("<ns1:SessionHeader><ns1:sessionId>{session}</ns1:sessionId></ns1:SessionHeader>");
        let namespace = format!("http://soap.sforce.com/schemas/class/{}", &request.path[CLASS.len()..]);
        if request.header("soapaction") != "\"\"" || !request.body.contains(&format!("xmlns:ns1=\"{namespace}\"")) {
            return fault("UNKNOWN_EXCEPTION");
        }
        if !request.body.contains(&header) {
            return fault("INVALID_SESSION_ID");
        }
        xml(200, &format!("<sendCallInfoResponse xmlns=\"{namespace}\"><result>ok</result></sendCallInfoResponse>"))
    }
}

/// Makes a record, where one field at least is filled; the call fields of a task have their lengths.
fn make(request: &Request, needed: &str, id: &str) -> Answer {
    let record = request.json();
    let length = |field: &str| record[field].as_str().map_or(0, |text| text.chars().count());
    match request.header("content-type") {
        "application/json" if length(needed) == 0 => wrong(400, "REQUIRED_FIELD_MISSING"),
        "application/json" if length("CallObject") > 255 || length("LastName") > 80 => wrong(400, "STRING_TOO_LONG"),
        "application/json" => Answer::json(201, &json!({ "id": id, "success": true, "errors": [] })),
        _ => wrong(415, "UNSUPPORTED_MEDIA_TYPE"),
    }
}

fn wrong(status: u16, code: &str) -> Answer {
    Answer::json(status, &json!([{ "message": "no", "errorCode": code }]))
}

fn ended() -> Answer {
    Answer::json(401, &json!([{ "message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID" }]))
}

fn used_up() -> Answer {
    Answer::json(403, &json!([{ "message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED" }]))
}

fn xml(status: u16, body: &str) -> Answer {
    Answer::xml(
        status,
        &format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"urn:partner.soap.sforce.com\" \
             xmlns:sf=\"urn:fault.partner.soap.sforce.com\"><e:Body>{body}</e:Body></e:Envelope>"
        ),
    )
}

fn fault(code: &str) -> Answer {
    xml(500, &format!("<e:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}</faultstring></e:Fault>"))
}

impl Crm for Salesforce {
    fn recipe(&self) -> &'static str {
        "salesforce"
    }
    fn params(&self) -> &'static str {
        BY_PASSWORD
    }
    fn secrets(&self) -> &'static [&'static str] {
        &SECRETS
    }
    fn lets_in(&self, _: &Request) -> bool {
        true
    }
    fn is_login(&self, request: &Request) -> bool {
        request.path == TOKEN || request.path.starts_with(SOAP_LOGIN)
    }
    fn refuse(&self, request: &Request) -> Answer {
        match request.path.as_str() {
            path if path.starts_with(SOAP_LOGIN) => fault("INVALID_LOGIN"),
            TOKEN => Answer::json(400, &json!({ "error": "invalid_client" })),
            _ => ended(),
        }
    }
    fn forbid(&self) -> Answer {
        wrong(403, "INSUFFICIENT_ACCESS")
    }
    fn limits(&self) -> Vec<(Limit, Answer)> {
        vec![(Limit::Seconds(3600), used_up())]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        match request.path.as_str() {
            TOKEN => self.grant(request),
            path if path.starts_with(SOAP_LOGIN) => self.log_in(request),
            path if path.starts_with(CLASS) => self.class(request),
            _ => self.data(request, book).with("Sforce-Limit-Info", "api-usage=18/5000"),
        }
    }
    fn link(&self) -> &'static str {
        "/003A00000000000042"
    }
    fn agent(&self) -> &'static str {
        self.owner()
    }
    fn owner(&self) -> &'static str {
        "owner = { crm = \"005A00000000000007\" }"
    }
    fn log_path(&self) -> &'static str {
        "/services/data/v59.0/sobjects/Task/"
    }
    fn created(&self, request: &Request) -> Option<String> {
        request.path.ends_with("/sobjects/Contact/").then(|| text_at(&request.json(), "/LastName"))?
    }
}
