//! A server that behaves as one CRM does: credentials, ways to search, shapes of answers and errors, with faults on order.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// A person in every CRM, with the number as somebody typed it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) phone: &'static str,
}

/// Who is in every CRM. The last one's number only contains the digits of a Romanian one.
pub(crate) const PEOPLE: [Person; 3] = [
    Person { id: 42, name: "Ana Pop", phone: "+40722111222" },
    Person { id: 43, name: "Dan Ionescu", phone: "0722333444" },
    Person { id: 44, name: "Somebody Else", phone: "+49 722555666" },
];

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
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
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
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

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
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
    /// The answer to one that does not.
    fn refuse(&self) -> Answer;
    /// The answer to one too many.
    fn limit(&self) -> Answer {
        Answer::empty(429).with("Retry-After", "600")
    }
    /// Everything else.
    fn answer(&self, request: &Request) -> Answer;
    /// The end of the page of a person.
    fn link(&self) -> &'static str;
    /// A finished call that it writes down, as the fields of a file.
    fn call(&self) -> Value {
        json!({ "key": "1-2", "number": "+40722111222", "direction": "in", "outcome": "answered", "dnid": "0310000000",
                "started": 1_795_680_000_000_i64, "duration": 61, "contact": 42 })
    }
    /// The path to which it is sent.
    fn log_path(&self) -> &'static str;
}

/// A fault on order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Refuse,
    Limit,
    Down,
    HalfABody,
    /// The connection is closed without an answer.
    Reset,
    /// A web page with status 200.
    Page,
    /// XML with status 200.
    Xml,
    /// 429 that does not say for how long.
    LimitWithoutTime,
    /// A right answer in chunks.
    Chunked,
    /// A right answer, compressed.
    Gzip,
    Redirect(String),
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
                    let fault = ordered.lock().unwrap().clone();
                    write(stream, &react(&*crm, &fault, &request), &fault);
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

fn react(crm: &dyn Crm, fault: &Fault, request: &Request) -> Answer {
    match fault {
        Fault::Refuse => crm.refuse(),
        Fault::Limit => crm.limit(),
        Fault::Down => Answer { body: "<html>sorry</html>".into(), ..Answer::empty(500) },
        Fault::Redirect(to) => Answer::empty(307).with("Location", &format!("{to}{}", request.path)),
        Fault::Page => Answer { body: "<!DOCTYPE html><p>Maintenance</p>".into(), ..Answer::empty(200) }
            .with("Content-Type", "text/html"),
        Fault::Xml => Answer { body: "<?xml version=\"1.0\"?><sorry/>".into(), ..Answer::empty(200) }
            .with("Content-Type", "application/xml"),
        Fault::LimitWithoutTime => Answer::empty(429),
        _ if !crm.lets_in(request) => crm.refuse(),
        _ => crm.answer(request),
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    Some(Request { method, path: path.to_owned(), query, headers, body: String::from_utf8(body).ok()? })
}

fn write(mut stream: TcpStream, answer: &Answer, fault: &Fault) {
    let (encoding, body) = match fault {
        Fault::Reset => return,
        Fault::HalfABody => (String::new(), answer.body.as_bytes()[..answer.body.len() / 2].to_vec()),
        Fault::Chunked => ("Transfer-Encoding: chunked\r\n".to_owned(), in_chunks(answer.body.as_bytes())),
        Fault::Gzip => ("Content-Encoding: gzip\r\n".to_owned(), compressed(answer.body.as_bytes())),
        _ => (String::new(), answer.body.as_bytes().to_vec()),
    };
    let length = if *fault == Fault::HalfABody { answer.body.len() } else { body.len() };
    let mut text = format!("HTTP/1.1 {} X\r\nConnection: close\r\n{encoding}", answer.status);
    if *fault != Fault::Chunked {
        text.push_str(&format!("Content-Length: {length}\r\n"));
    }
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    // A client that has gone away is its own business.
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(&body));
}

fn in_chunks(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in body.chunks(7) {
        out.extend(format!("{:x}\r\n", chunk.len()).bytes());
        out.extend(chunk);
        out.extend(b"\r\n");
    }
    out.extend(b"0\r\n\r\n");
    out
}

/// Gzip as a program makes it that does not compress: blocks that are stored.
fn compressed(body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let length = u16::try_from(body.len()).unwrap();
    out.push(1);
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(body);
    out.extend(crc32(body).to_le_bytes());
    out.extend(u32::from(length).to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// The digits of a text.
pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The people whose number, as somebody typed it, is exactly this.
pub(crate) fn exactly(number: &str) -> Vec<Person> {
    PEOPLE.into_iter().filter(|person| person.phone == number).collect()
}

/// The people whose digits hold these.
pub(crate) fn containing(wanted: &str) -> Vec<Person> {
    PEOPLE.into_iter().filter(|person| digits(person.phone).contains(wanted)).collect()
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}
