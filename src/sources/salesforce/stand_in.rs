//! A Salesforce for the tests: login in three ways, sessions that end, searches, tasks, a class, and the daily limit.
//!
//! Its searches find too much on purpose, as any number that contains the digits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::sources::stand_in::{Received, StandIn};

/// What the stand-in does, and what was left in it.
#[derive(Default)]
pub(super) struct State {
    /// How often somebody has logged in; the sessions are numbered by it.
    pub(super) logins: AtomicUsize,
    /// Whether sessions end as soon as they are made.
    pub(super) is_hostile: AtomicBool,
    /// Whether the daily limit is used up.
    pub(super) is_used_up: AtomicBool,
    /// The value of `Sforce-Limit-Info`.
    pub(super) usage: Mutex<String>,
    /// The host that a login leads to, instead of its own.
    pub(super) instance: Mutex<Option<String>>,
    /// The tasks.
    pub(super) tasks: Mutex<Vec<Value>>,
    /// The records.
    pub(super) records: Mutex<Vec<Value>>,
}

impl State {
    /// Ends the session that is open.
    pub(super) fn end_session(&self) {
        self.logins.fetch_add(1, Ordering::Relaxed);
    }

    fn session(&self) -> String {
        format!("00D!session{}", self.logins.load(Ordering::Relaxed))
    }
}

pub(super) const USER: &str = "ion@example.com";
pub(super) const PASSWORD: &str = "pw&<1>";
pub(super) const TOKEN: &str = "TOKEN123";

/// Starts one with two contacts.
pub(super) async fn start() -> (StandIn, Arc<State>) {
    let state = Arc::new(State::default());
    *state.usage.lock().unwrap() = "api-usage=18/5000".to_owned();
    *state.records.lock().unwrap() = vec![
        json!({"attributes": {"type": "Contact"}, "Id": "003A0000001AbCdEFG", "Name": "Ana Popescu",
            "Account": {"Name": "Acme"}, "Phone": "+49 721 11222", "MobilePhone": "(0722) 111-222",
            "OwnerId": "005A0000001AbCdEFG", "LastModifiedDate": "2026-11-23T05:58:29.000+0000"}),
        json!({"attributes": {"type": "Lead"}, "Id": "00QA0000001AbCdEFG", "Name": "Somebody else",
            "Company": "Beta", "Phone": "9 0722 111 222 9", "OwnerId": "00GA0000001AbCdEFG"}),
    ];
    let kept = Arc::clone(&state);
    let server = StandIn::start(move |request| answer(&kept, request)).await;
    (server, state)
}

fn answer(state: &State, request: &Received) -> Vec<u8> {
    let line = request.line().to_owned();
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (status, kind, body) = match (method, path) {
        ("POST", path) if path.starts_with("/services/Soap/u/") => log_in(state, request, path),
        ("POST", "/services/oauth2/token") => grant(state, request),
        ("POST", path) if path.starts_with("/services/Soap/class/") => class(state, request),
        (method, path) if path.starts_with("/services/data/v59.0/") => {
            let (status, body) = data(state, request, method, &path["/services/data/v59.0/".len()..], query);
            (status, "application/json", body.to_string())
        }
        _ => ("404 Not Found", "text/html", "<html>not here</html>".to_owned()),
    };
    let usage = state.usage.lock().unwrap().clone();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nSforce-Limit-Info: {usage}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:sf=\"urn:fault.partner.soap.sforce.com\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns=\"urn:partner.soap.sforce.com\">\
         <soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
}

fn fault(code: &str) -> (&'static str, &'static str, String) {
    let fault = format!(
        "<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: words with {PASSWORD_ESCAPED}</faultstring>\
         </soapenv:Fault>"
    );
    ("500 Internal Server Error", "text/xml", envelope(&fault))
}

const PASSWORD_ESCAPED: &str = "pw&amp;&lt;1&gt;";

fn log_in(state: &State, request: &Received, path: &str) -> (&'static str, &'static str, String) {
    let version: f64 = path.trim_start_matches("/services/Soap/u/").parse().unwrap_or(0.0);
    if version >= 65.0 {
        return fault("UNSUPPORTED_API_VERSION");
    }
    let wanted = format!("<ns1:password>{PASSWORD_ESCAPED}{TOKEN}</ns1:password>");
    if !request.body.contains(&wanted) || !request.body.contains(&format!("<ns1:username>{USER}<")) {
        state.logins.fetch_add(1, Ordering::Relaxed);
        return fault("INVALID_LOGIN");
    }
    state.logins.fetch_add(1, Ordering::Relaxed);
    let instance = instance(state, request);
    let result = format!(
        "<loginResponse><result><metadataServerUrl>x</metadataServerUrl><passwordExpired>false</passwordExpired>\
         <serverUrl>{instance}/services/Soap/u/59.0/00Dxx0000000001</serverUrl><sessionId>{}</sessionId>\
         <userId>005</userId><userInfo><orgDefaultCurrencyIsoCode xsi:nil=\"true\"/>\
         <sessionSecondsValid>7200</sessionSecondsValid></userInfo></result></loginResponse>",
        state.session()
    );
    ("200 OK", "text/xml; charset=utf-8", envelope(&result))
}

fn instance(state: &State, request: &Received) -> String {
    let other = state.instance.lock().unwrap().clone();
    other.unwrap_or_else(|| format!("http://{}", request.header("host").unwrap()))
}

fn grant(state: &State, request: &Received) -> (&'static str, &'static str, String) {
    let form: std::collections::BTreeMap<String, String> =
        form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
    let refused = |error: &str| {
        let body = json!({"error": error, "error_description": "authentication failure"});
        ("400 Bad Request", "application/json", body.to_string())
    };
    let is_good = match form.get("grant_type").map(String::as_str) {
        // app:se&cret
        Some("client_credentials") => request.header("authorization") == Some("Basic YXBwOnNlJmNyZXQ="),
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => {
            form.get("assertion").is_some_and(|assertion| assertion.split('.').count() == 3)
        }
        _ => return refused("unsupported_grant_type"),
    };
    state.logins.fetch_add(1, Ordering::Relaxed);
    if !is_good {
        return refused("invalid_client");
    }
    let body =
        json!({"access_token": state.session(), "instance_url": instance(state, request), "token_type": "Bearer"});
    ("200 OK", "application/json", body.to_string())
}

fn class(state: &State, request: &Received) -> (&'static str, &'static str, String) {
    let class = "http://soap.sforce.com/schemas/class/CreateActivitiesWebService";
    let session = format!("<ns1:SessionHeader><ns1:sessionId>{}</ns1:sessionId></ns1:SessionHeader>", state.session());
    let is_right =
        request.body.contains(&format!("xmlns:ns1=\"{class}\"")) && request.header("soapaction") == Some("\"\"");
    if !is_right {
        return fault("UNKNOWN_EXCEPTION");
    }
    if !request.body.contains(&session) {
        return fault("INVALID_SESSION_ID");
    }
    let body = format!("<sendCallInfoResponse xmlns=\"{class}\"><result>ok</result></sendCallInfoResponse>");
    ("200 OK", "text/xml", envelope(&body))
}

fn data(state: &State, request: &Received, method: &str, path: &str, query: &str) -> (&'static str, Value) {
    let bearer = format!("Bearer {}", state.session());
    if state.is_hostile.load(Ordering::Relaxed) || request.header("authorization") != Some(&bearer) {
        let body = json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]);
        return ("401 Unauthorized", body);
    }
    if state.is_used_up.load(Ordering::Relaxed) {
        let body = json!([{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]);
        return ("403 Forbidden", body);
    }
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let asked = pairs.find(|(name, _)| name == "q").map(|(_, value)| value.into_owned()).unwrap_or_default();
    match (method, path) {
        ("GET", "search/") => search(state, &asked),
        ("GET", "query/") => select(state, &asked),
        ("POST", "sobjects/Task/") => {
            state.tasks.lock().unwrap().push(serde_json::from_str(&request.body).unwrap());
            ("201 Created", json!({"id": "00TA0000001AbCdEFG", "success": true, "errors": []}))
        }
        _ => ("404 Not Found", json!([{"message": "not found", "errorCode": "NOT_FOUND"}])),
    }
}

fn search(state: &State, asked: &str) -> (&'static str, Value) {
    let malformed = ("400 Bad Request", json!([{"message": "no", "errorCode": "MALFORMED_SEARCH"}]));
    let Some((terms, rest)) = asked.strip_prefix("FIND {").and_then(|rest| rest.split_once('}')) else {
        return malformed;
    };
    let is_plain = terms.bytes().all(|byte| byte.is_ascii_digit() || b" OR".contains(&byte));
    if !is_plain || !rest.starts_with(" IN PHONE FIELDS RETURNING Contact(") || rest.matches('(').count() != 3 {
        return malformed;
    }
    let terms: Vec<&str> = terms.split(" OR ").collect();
    let records = state.records.lock().unwrap().clone();
    let found = records.into_iter().filter(|record| {
        let digits = |name: &str| {
            let text = record[name].as_str().unwrap_or_default();
            text.chars().filter(char::is_ascii_digit).collect::<String>()
        };
        let all = [digits("Phone"), digits("MobilePhone")];
        let hidden = record["Hidden"] == true;
        hidden || all.iter().any(|number| terms.iter().any(|term| number.contains(term)))
    });
    ("200 OK", json!({"searchRecords": found.collect::<Vec<_>>()}))
}

fn select(state: &State, asked: &str) -> (&'static str, Value) {
    let records = if asked.starts_with("SELECT Id, Extension FROM User WHERE Id IN ('005A0000001AbCdEFG'") {
        vec![json!({"Id": "005A0000001AbCdEFG", "Extension": "101"})]
    } else if let Some(key) = asked.strip_prefix("SELECT Id FROM Task WHERE CallObject = '") {
        let key = key.split('\'').next().unwrap();
        let tasks = state.tasks.lock().unwrap();
        tasks.iter().filter(|task| task["CallObject"] == key).cloned().collect()
    } else if asked == "SELECT OwnerId FROM Contact WHERE Id = '003A0000001AbCdEFG' LIMIT 1" {
        vec![json!({"OwnerId": "005A0000001AbCdEFG"})]
    } else if asked == "SELECT OwnerId FROM Lead WHERE Id = '00QA0000001AbCdEFG' LIMIT 1" {
        vec![json!({"OwnerId": "00GA0000001AbCdEFG"})]
    } else {
        return ("400 Bad Request", json!([{"message": "no", "errorCode": "MALFORMED_QUERY"}]));
    };
    ("200 OK", json!({"totalSize": records.len(), "done": true, "records": records}))
}
