//! A server that behaves as one CRM does: credentials, ways to search, shapes of answers and errors, with faults on order.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::book::Book;
use super::fault::{Fault, react, wait_for};
use super::wire::{read, write};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query as they were sent.
    pub(crate) target: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// Lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn query(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The number in a parameter of the query.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.query(name).parse().ok()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(crate) fn form(&self, name: &str) -> String {
        let found = url::form_urlencoded::parse(self.body.as_bytes()).find(|(key, _)| key == name);
        found.map_or_else(String::new, |(_, value)| value.into_owned())
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("Content-Type", "application/json".into())], body: body.to_string() }
    }

    pub(crate) fn xml(status: u16, body: &str) -> Self {
        Self { status, headers: vec![("Content-Type", "text/xml".into())], body: body.to_owned() }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    /// A page, as servers in front of a CRM send it.
    pub(crate) fn html(status: u16) -> Self {
        Self { body: "<html>no</html>".into(), ..Self::empty(status) }.with("Content-Type", "text/html")
    }

    /// With a header, in the place of one of the same name.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// How one CRM behaves.
pub(crate) trait Crm: Send + Sync + 'static {
    /// The recipe.
    fn recipe(&self) -> &'static str;
    /// The parameters of a source, as a table.
    fn params(&self) -> &'static str;
    /// The secrets in them.
    fn secrets(&self) -> &'static [&'static str];
    /// Whether a request proves who it is.
    fn lets_in(&self, request: &Request) -> bool;
    /// Whether a request asks for a session.
    fn is_login(&self, _: &Request) -> bool {
        false
    }
    /// The answer to one that does not prove who it is.
    fn refuse(&self, _: &Request) -> Answer;
    /// The answer to one that may not do what it asks for.
    fn forbid(&self) -> Answer {
        Answer::json(403, &json!({ "message": "no" }))
    }
    /// The answer to one too many, which asks for 600 s without a request.
    fn limit(&self) -> Answer {
        Answer::empty(429).with("Retry-After", "600")
    }
    /// The requests that it allows in so many seconds, where its recipe has to keep to them.
    fn rate(&self) -> Option<(usize, u64)> {
        None
    }
    /// Other answers that ask for less, each with the seconds for which the source has to keep quiet.
    fn limits(&self) -> Vec<(Limit, Answer)> {
        Vec::new()
    }
    /// Everything else.
    fn answer(&self, request: &Request, book: Book) -> Answer;
    /// How many records stand on a page.
    fn page(&self) -> usize {
        30
    }
    /// The end of the page of a person.
    fn link(&self) -> &'static str;
    /// How a table of `[agent]` says that Ion looks after Ana.
    fn agent(&self) -> &'static str {
        "email = \"ion@example.com\""
    }
    /// How it says so by Ion's id in the CRM.
    fn owner(&self) -> &'static str {
        "owner = { crm = \"7\" }"
    }
    /// A finished call that it writes down, as the fields of a file.
    fn call(&self) -> Value {
        json!({ "key": "1-2", "number": "+40722111222", "direction": "in", "outcome": "answered", "dnid": "0310000000",
                "started": 1_795_680_000_000_i64, "duration": 61, "contact": 42 })
    }
    /// The beginning of the path to which it is sent.
    fn log_path(&self) -> &'static str;
    /// The name in a request that makes a contact; `None` for every other request.
    fn created(&self, _: &Request) -> Option<String> {
        None
    }
    /// The text in a request that searches by text; `None` for every other request.
    fn searched(&self, _: &Request) -> Option<String> {
        None
    }
}

/// How long a CRM wants to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Seconds(u64),
    /// Until midnight UTC.
    Day,
}

/// A CRM that runs.
pub(crate) struct StandIn {
    pub(crate) url: String,
    fault: Arc<Mutex<Fault>>,
    received: Arc<Mutex<Vec<Request>>>,
}

impl StandIn {
    /// Starts it on a free port. Its threads end with the process of the tests.
    pub(crate) fn start(crm: Arc<dyn Crm>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fault = Arc::new(Mutex::new(Fault::None));
        let received: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (ordered, kept) = (Arc::clone(&fault), Arc::clone(&received));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (crm, ordered, kept) = (Arc::clone(&crm), Arc::clone(&ordered), Arc::clone(&kept));
                std::thread::spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    kept.lock().unwrap().push(request.clone());
                    let fault = wait_for(&ordered);
                    let answer = react(&*crm, &fault, &request);
                    if !matches!(fault, Fault::Lose(path) if request.path.starts_with(path)) {
                        write(stream, &answer, &fault);
                    }
                });
            }
        });
        Self { url, fault, received }
    }

    pub(crate) fn order(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    pub(crate) fn received(&self) -> Vec<Request> {
        self.received.lock().unwrap().clone()
    }
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}
