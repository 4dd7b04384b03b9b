//! 100,000 random and hostile requests: never a 5xx, never a panic, never a name for a stranger, memory in bounds.
//!
//! The requests are made by `request.rs` from the seed alone, so a failure names the seed that shows it again.

mod request;

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::harness::{CONFIGURATION, CONTACTS, Line, Reply, Server, TOKEN, Workplace, resident_kilobytes, text};
use request::Hostile;

/// Requests of the whole run.
const REQUESTS: u64 = 100_000;

/// Connections at a time.
const LINES: u64 = 4;

/// Requests before the memory is measured for the first time: the caches of the allocator are filled then.
const WARM_UP: u64 = 4_000;

/// How much the server may grow over the run.
const GROWTH: u64 = 100 * 1024;

/// The names of all contacts.
const NAMES: [&str; 3] = ["Ana Popescu", "Dan Ionescu", "Jim Bond"];

/// Who is asked for by the generators: `+40722111222`, also as `0722 111 222`.
const KNOWN: &str = "722111222";

fn workplace() -> Workplace {
    let lenient = "[server]\ndefault_project = \"sales\"\nrefused_per_minute = 100000";
    Workplace::with(&CONFIGURATION.replace("[server]", lenient), CONTACTS)
}

/// How the requests were answered, so that a run that never came past the door is noticed.
#[derive(Default)]
struct Tally {
    answered: AtomicU64,
    named: AtomicU64,
    refused: AtomicU64,
}

#[test]
fn a_hundred_thousand_hostile_requests_do_no_harm() {
    let workplace = workplace();
    let server = workplace.serve();
    let (tally, done) = (Tally::default(), AtomicBool::new(false));
    ask_all(&server, 0..WARM_UP, &tally);
    let before = resident_kilobytes(server.id());
    let mut most = before;
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            ask_all(&server, WARM_UP..REQUESTS, &tally);
            done.store(true, Ordering::Relaxed);
        });
        let mut customer = Line::open(server.address);
        while !done.load(Ordering::Relaxed) && !asking.is_finished() {
            is_answered(&mut customer);
            most = most.max(resident_kilobytes(server.id()));
        }
        asking.join().unwrap();
    });
    let [answered, named, refused] = [tally.answered, tally.named, tally.refused].map(AtomicU64::into_inner);
    assert_eq!(answered + refused, REQUESTS, "one answer for each");
    assert!(answered > REQUESTS / 5 && named > 100 && refused > REQUESTS / 5, "{answered} {named} {refused}");
    assert!(most < before + GROWTH, "grew from {before} kB to {most} kB");
    is_answered(&mut Line::open(server.address));
    let log = server.whole_log();
    assert!(!log.contains("panic"), "{log}");
    assert!(!log.contains(TOKEN) && !log.contains(KNOWN), "{log}");
}

/// A real customer on a connection of his own.
fn is_answered(customer: &mut Line) {
    let reply = customer.get(&format!("/sales/lookup?telephone=0722111222&dnid=1&token={TOKEN}"));
    assert_eq!((reply.status, reply.json()["id"].as_u64()), (200, Some(12345)), "{}", reply.text());
}

/// Asks with every seed, over connections that are kept as long as the server keeps them.
fn ask_all(server: &Server, seeds: Range<u64>, tally: &Tally) {
    let next = AtomicU64::new(seeds.start);
    std::thread::scope(|scope| {
        for _ in 0..LINES {
            scope.spawn(|| {
                let mut line = None;
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    line = ask(server.address, line, seed, tally);
                }
            });
        }
    });
}

/// Asks one hostile request, checks its answer, and returns the connection when it can be used again.
fn ask(address: SocketAddr, line: Option<Line>, seed: u64, tally: &Tally) -> Option<Line> {
    let hostile = Hostile::from_seed(seed);
    let kept = line.is_some();
    let mut line = line.unwrap_or_else(|| Line::open(address));
    // A server that refuses a body closes before it has read all; its answer is there all the same.
    line.send(&hostile.bytes);
    let Some(reply) = line.reply_with_body(!hostile.is_head) else {
        // A kept connection may have been closed just before; on a new one there must be an answer.
        assert!(kept, "seed {seed}: closed without an answer to {:?}", text(&hostile.bytes));
        return ask(address, None, seed, tally);
    };
    check(&hostile, &reply, seed, tally);
    assert!(!line.holds_more(), "seed {seed}: one request had two answers: {:?}", text(&hostile.bytes));
    let closes = reply.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    (!closes).then_some(line)
}

fn check(hostile: &Hostile, reply: &Reply, seed: u64, tally: &Tally) {
    let shown = || format!("seed {seed}: {:?} was answered {}, {:?}", text(&hostile.bytes), reply.status, reply.text());
    assert!([200, 400, 403, 404, 405, 413, 414, 429, 431].contains(&reply.status), "{}", shown());
    assert_eq!(reply.header("x-calldex-degraded"), None, "{}", shown());
    let names = NAMES.iter().any(|name| reply.text().contains(name));
    assert!(!names || (reply.status == 200 && hostile.may_ask() && hostile.asks_for(KNOWN)), "{}", shown());
    (if reply.status == 200 { &tally.answered } else { &tally.refused }).fetch_add(1, Ordering::Relaxed);
    tally.named.fetch_add(u64::from(names), Ordering::Relaxed);
    if hostile.is_head {
        return;
    }
    let is_explanation = hostile.path == "/sales/explain";
    assert!(reply.body.len() <= 4095 || is_explanation, "{}", shown());
    let content_type = reply.header("content-type").unwrap_or_default();
    match content_type.split(';').next().unwrap_or_default() {
        "application/json" => assert!(reply.json().is_object(), "{}", shown()),
        "application/xml" => check_xml(reply, &shown),
        "text/plain" => check_text(reply, &shown),
        // hyper refuses what is no HTTP by itself, without a body.
        "" => assert!(reply.status >= 400 && reply.body.is_empty(), "{}", shown()),
        other => panic!("{other}: {}", shown()),
    }
}

/// Well-formed to the end, with a declaration and one element around all.
fn check_xml(reply: &Reply, shown: &dyn Fn() -> String) {
    let body = std::str::from_utf8(&reply.body).unwrap();
    assert!(body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><response>"), "{}", shown());
    let mut reader = quick_xml::Reader::from_str(body);
    while reader.read_event().unwrap_or_else(|error| panic!("{error}: {}", shown())) != quick_xml::events::Event::Eof {}
}

/// A name or nothing, without an end of line.
fn check_text(reply: &Reply, shown: &dyn Fn() -> String) {
    let body = std::str::from_utf8(&reply.body).unwrap();
    assert!(body.is_empty() || NAMES.contains(&body), "{}", shown());
}

/// What is no HTTP at all, or tries to hide a second request in the first: `(bytes, most answers)`.
fn raw_attacks() -> Vec<(Vec<u8>, usize)> {
    let secret = format!("GET /sales/lookup?telephone=0722111222&token={TOKEN} HTTP/1.1\r\nHost: x\r\n\r\n");
    let post = "POST /sales/lookup HTTP/1.1\r\nHost: x\r\n";
    let mut attacks: Vec<(Vec<u8>, usize)> = [
        format!("{post}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n{secret}"),
        format!("{post}Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{secret}", 5 + secret.len()),
        format!("{post}Content-Length: {}\r\nContent-Length: 0\r\n\r\n{secret}", secret.len()),
        format!("{post}Content-Length: +{}\r\n\r\n{secret}", secret.len()),
        format!("{post}Transfer-Encoding: xchunked\r\n\r\n{secret}"),
        format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n{secret}"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{secret}"),
        format!("GET /sales/lookup?a=1 HTTP/1.1\nHost: x\r\nX: \r\r\n\r\n{}", "x".repeat(100)),
        format!("GET /sales/lookup?{} HTTP/1.1\r\nHost: x\r\n\r\n", "telephone=1&".repeat(4_000)),
        format!("GET / HTTP/1.1\r\n{}\r\n", "X-Header: 1\r\n".repeat(5_000)),
        format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(1 << 20)),
        "GET / HTTP/2.0\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03".to_owned(),
    ]
    .into_iter()
    .map(|attack| (attack.into_bytes(), 1))
    .collect();
    attacks.extend((0..400).map(|seed| (Hostile::raw(seed), usize::MAX)));
    attacks
}

#[test]
fn raw_bytes_that_are_no_http_name_nobody_and_end_nothing() {
    let workplace = workplace();
    let server = workplace.serve();
    let mut customer = Line::open(server.address);
    for (bytes, most) in raw_attacks() {
        let mut line = Line::open(server.address);
        line.send(&bytes);
        line.finish();
        let answers = text(&line.until_closed());
        let shown = text(&bytes[..bytes.len().min(500)]);
        assert!(!answers.contains("HTTP/1.1 5") && !answers.contains("HTTP/1.0 5"), "{shown:?}: {answers}");
        assert!(!NAMES.iter().any(|name| answers.contains(name)), "{shown:?}: {answers}");
        assert!(answers.matches("HTTP/1.").count() <= most, "{shown:?}: {answers}");
        is_answered(&mut customer);
    }
    let log = server.whole_log();
    assert!(!log.contains("panic"), "{log}");
}
