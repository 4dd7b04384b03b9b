//! What goes wrong with a CRM, on order: refusals, limits, redirects, answers that nobody can read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::book::{Book, Mood};
use super::meter::Meter;
use super::stand_in::{Answer, Crm, Request};

/// What stands in front of a path that has moved.
pub(crate) const MOVED: &str = "/moved";

/// A fault on order.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    None,
    /// The credentials are refused.
    Refuse,
    /// Whoever logs in gets a session, and the session is refused.
    RefuseSessions,
    /// 403 without a reason.
    Forbid,
    /// 404 without a body, as of an address that has moved.
    Missing,
    Limit,
    Down,
    HalfABody,
    /// The connection is closed without an answer.
    Reset,
    /// What is sent to this path is taken, and the connection is closed without an answer.
    Lose(&'static str),
    /// A web page with status 200.
    Page,
    /// XML with status 200.
    Xml,
    /// JSON of a shape that nobody expects.
    Odd,
    /// This status, and what was sent comes back, as pages of errors do it.
    Echo(u16),
    /// 400, and what was sent comes back in capitals.
    EchoInCapitals,
    /// 400, and what was sent comes back in base64.
    EchoInBase64,
    /// 400, and every secret comes back in pieces, in headers and body, one of them where the shown part of an answer ends.
    EchoInPieces,
    /// A redirect to a host whose name is the secret.
    RedirectToEcho,
    /// 429 that does not say for how long.
    LimitWithoutTime,
    /// An answer of this CRM's own.
    Say(Answer),
    /// A right answer with a header more.
    Add(&'static str, &'static str),
    /// A right answer, as long as no more come than the CRM allows.
    Meter(Arc<Meter>),
    /// A right answer in chunks.
    Chunked,
    /// A right answer, compressed.
    Gzip,
    /// A right answer, as soon as something else is ordered.
    Hold,
    /// A redirect with this status to an address in front of the path.
    Redirect(u16, String),
    /// A right answer to a search that finds too much.
    Search(Mood),
}

/// The fault on order; a held answer waits until it is let go.
pub(super) fn wait_for(ordered: &Mutex<Fault>) -> Fault {
    loop {
        let fault = ordered.lock().unwrap().clone();
        if !matches!(fault, Fault::Hold) {
            return fault;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(super) fn react(crm: &dyn Crm, fault: &Fault, request: &Request) -> Answer {
    let moved = request.path.strip_prefix(MOVED).map(|path| Request { path: path.to_owned(), ..request.clone() });
    let (is_moved, request) = (moved.is_some(), moved.as_ref().unwrap_or(request));
    let page = |kind: &str, text: &str| Answer { body: text.into(), ..Answer::empty(200) }.with("Content-Type", kind);
    let mood = if let Fault::Search(mood) = fault { *mood } else { Mood::Usual };
    let book = Book { mood, page: crm.page() };
    match fault {
        Fault::Refuse => crm.refuse(request),
        Fault::RefuseSessions if !crm.is_login(request) => crm.refuse(request),
        Fault::Forbid => crm.forbid(),
        Fault::Missing => Answer::empty(404),
        Fault::Limit => crm.limit(),
        Fault::Meter(meter) if !meter.admits() => crm.limit(),
        Fault::Down => Answer { body: "<html>sorry</html>".into(), ..Answer::empty(500) },
        Fault::Redirect(status, to) if !is_moved => {
            Answer::empty(*status).with("Location", &format!("{to}{}", request.target))
        }
        Fault::Page => page("text/html", "<!DOCTYPE html><p>Maintenance</p>"),
        Fault::Xml => page("application/xml", "<?xml version=\"1.0\"?><sorry/>"),
        Fault::Odd => Answer::json(200, &json!([[{ "oh": [null, -1.5e300, { "no": "\u{0}" }] }]])),
        Fault::Echo(status) => Answer::json(
            *status,
            &json!({ "sent": [request.target, request.headers, request.body], "access_token": "an-echo-of-a-token" }),
        ),
        Fault::EchoInCapitals => Answer::json(400, &json!({ "sent": sent(request).to_uppercase() })),
        Fault::EchoInBase64 => {
            use base64::Engine as _;
            Answer::json(400, &json!({ "sent": base64::engine::general_purpose::STANDARD.encode(sent(request)) }))
        }
        Fault::EchoInPieces => in_pieces(&secrets_in(crm, request)),
        Fault::RedirectToEcho => {
            let names: Vec<String> = secrets_in(crm, request).iter().map(|secret| as_host(secret)).collect();
            Answer::empty(302).with("Location", &format!("https://{}.evil.example/", names.join(".")))
        }
        Fault::LimitWithoutTime => Answer::empty(429),
        Fault::Say(answer) => answer.clone(),
        _ if !crm.lets_in(request) => crm.refuse(request),
        Fault::Add(name, value) => crm.answer(request, book).with(name, value),
        _ => crm.answer(request, book),
    }
}

/// The secrets that a request carries: those of the CRM, and credentials as they arrived.
fn secrets_in(crm: &dyn Crm, request: &Request) -> Vec<String> {
    let whole = sent(request);
    let known = crm.secrets().iter().filter(|secret| whole.contains(**secret)).map(|secret| (*secret).to_owned());
    let carried =
        ["authorization", "x-api-token"].map(|name| request.header(name).rsplit(' ').next().unwrap_or_default());
    known.chain(carried.map(str::to_owned)).filter(|secret| !secret.is_empty()).collect()
}

/// Letters and digits of a secret, as a name of a host may have them.
fn as_host(secret: &str) -> String {
    secret.chars().filter(char::is_ascii_alphanumeric).take(63).collect()
}

/// How much of a secret stands in one piece.
pub(super) fn piece(secret: &str) -> usize {
    secret.len() * 3 / 4
}

fn in_pieces(secrets: &[String]) -> Answer {
    /// Characters of an answer that calldex shows.
    const SHOWN: usize = 600;
    let mut body = String::new();
    for secret in secrets {
        let (front, back) = secret.split_at(piece(secret));
        body += &format!(
            "{front} {} {front}\\u{:04x}{} ",
            &secret[secret.len() - front.len()..],
            back.as_bytes()[0],
            &back[1..]
        );
        body += &format!("{front}\n{back} {front}%{:02x} {front}&#x{:x};\n", back.as_bytes()[0], back.as_bytes()[0]);
    }
    let last = secrets.last().map_or("", String::as_str);
    let filling = SHOWN.saturating_sub(body.len() + piece(last));
    body += &format!("{}{last}", "x".repeat(filling));
    let all = secrets.join(" ");
    Answer { body, ..Answer::empty(400) }
        .with("Content-Type", &format!("text/plain; charset={last}"))
        .with("WWW-Authenticate", &format!("Basic realm=\"{all}\""))
        .with("Retry-After", &all)
        .with("X-Error", &all)
}

/// What of a request may hold a credential, the shortest first: only the beginning of an answer is ever shown.
fn sent(request: &Request) -> String {
    let headers = ["authorization", "x-api-token"].map(|name| request.header(name));
    [&headers.concat(), request.target.as_str(), request.body.as_str()].join(" ")
}
