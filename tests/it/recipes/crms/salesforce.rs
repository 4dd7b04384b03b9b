//! Salesforce: a login by SOAP or OAuth, SOSL, errors as lists, a daily limit that every answer tells of.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::super::book::{Book, Person, digits};
use super::super::stand_in::{Answer, Crm, Limit, Request, basic};
use super::{list, text_at};

const SOAP_LOGIN: &str = "/services/Soap/u/59.0";
const TOKEN: &str = "/services/oauth2/token";
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
        if !request.body.contains("<ns1:password>pw-SECRETTOKEN-SECRET</ns1:password>") {
            return fault("INVALID_LOGIN");
        }
        self.sessions.fetch_add(1, Ordering::SeqCst);
        xml(
            200,
            &format!(
                "<loginResponse><result><serverUrl>http://{}/services/Soap/u/59.0/00D</serverUrl>\
                 <sessionId>{}</sessionId></result></loginResponse>",
                request.header("host"),
                self.session()
            ),
        )
    }

    fn grant(&self, request: &Request) -> Answer {
        let lets_in = match request.form("grant_type").as_str() {
            "client_credentials" => request.header("authorization") == basic("app", "app-SECRET"),
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => request.form("assertion").split('.').count() == 3,
            _ => false,
        };
        if !lets_in {
            return Answer::json(400, &json!({ "error": "invalid_client" }));
        }
        self.sessions.fetch_add(1, Ordering::SeqCst);
        let instance = format!("http://{}", request.header("host"));
        Answer::json(200, &json!({ "access_token": self.session(), "instance_url": instance }))
    }

    fn data(&self, request: &Request, book: Book) -> Answer {
        if request.header("authorization") != format!("Bearer {}", self.session()) {
            return ended();
        }
        if self.is_used_up.load(Ordering::SeqCst) {
            return used_up();
        }
        match request.path.trim_start_matches("/services/data/v59.0/") {
            "search/" => {
                let Some(terms) = request.query("q").strip_prefix("FIND {").and_then(|rest| rest.split_once("} IN "))
                else {
                    return Answer::json(400, &json!([{ "message": "no", "errorCode": "MALFORMED_SEARCH" }]));
                };
                let terms: Vec<&str> = terms.0.split(" OR ").collect();
                let found = book.give(|person| terms.iter().any(|term| digits(&person.phone).contains(term)));
                Answer::json(200, &json!({ "searchRecords": list(found, record) }))
                    .with("Sforce-Limit-Info", "api-usage=18/5000")
            }
            "query/" if request.query("q").contains("FROM User") => {
                let user = json!({ "attributes": { "type": "User" }, "Id": OWNER, "Extension": "101" });
                Answer::json(200, &json!({ "totalSize": 1, "done": true, "records": [user] }))
            }
            "query/" if request.query("q").contains("FROM Task") => self.find_task(request.query("q")),
            "query/" => Answer::json(200, &json!({ "totalSize": 0, "done": true, "records": [] })),
            "sobjects/Task/" => {
                self.tasks.lock().unwrap().push(request.json());
                Answer::json(201, &json!({ "id": "00TA00000000000001", "success": true }))
            }
            _ => Answer::json(404, &json!([{ "message": "no", "errorCode": "NOT_FOUND" }])),
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
        let header =
            format!("<ns1:SessionHeader><ns1:sessionId>{}</ns1:sessionId></ns1:SessionHeader>", self.session());
        if !request.body.contains(&header) {
            return fault("INVALID_SESSION_ID");
        }
        xml(200, "<sendCallInfoResponse><result>ok</result></sendCallInfoResponse>")
    }
}

fn record(person: Person) -> Value {
    json!({ "attributes": { "type": "Contact" }, "Id": format!("003A00000000000{:03}", person.id % 1000),
            "Name": person.name, "Phone": person.phone, "OwnerId": OWNER })
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
        [SOAP_LOGIN, TOKEN].contains(&request.path.as_str())
    }
    fn refuse(&self, request: &Request) -> Answer {
        match request.path.as_str() {
            SOAP_LOGIN => fault("INVALID_LOGIN"),
            TOKEN => Answer::json(400, &json!({ "error": "invalid_client" })),
            _ => ended(),
        }
    }
    fn limits(&self) -> Vec<(Limit, Answer)> {
        vec![(Limit::Seconds(3600), used_up())]
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        match request.path.as_str() {
            SOAP_LOGIN => self.log_in(request),
            TOKEN => self.grant(request),
            path if path.starts_with("/services/Soap/class/") => self.class(request),
            _ => self.data(request, book),
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
}
