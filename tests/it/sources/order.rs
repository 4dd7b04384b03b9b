//! Several sources: their order decides, late answers are kept, old ones stand in, and nobody is asked in vain.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{ADMIN, Line, Page, Server, TOKEN, Workplace, send, wait_until};

const NO_CACHE: &str = "[cache]\nfound_entries = 0\nunknown_entries = 0\n";

/// A project that asks these systems, in this order.
fn serve(pages: &[&Page], project: &str, rest: &str) -> (Workplace, Server) {
    let name = |place: usize| format!("source{place}");
    let source = |(place, page): (usize, &&Page)| {
        format!(
            "[source.{}]\ntype = \"generic\"\nurl = \"http://127.0.0.1:{}/\"\ntimeout = \"1m\"\n",
            name(place),
            page.port
        )
    };
    let names: Vec<String> = (0..pages.len()).map(name).collect();
    let sources: String = pages.iter().enumerate().map(source).collect();
    let workplace = Workplace::new(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\nadmin_tokens = [\"{ADMIN}\"]\n{rest}{sources}\
         [project.sales]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = {names:?}\n{project}\n"
    ));
    let server = workplace.serve();
    (workplace, server)
}

fn person(id: u32, more: Value) -> (&'static str, String) {
    let mut person = json!({ "id": id, "name": format!("Person {id}") });
    person.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ("200 OK", person.to_string())
}

fn nobody() -> (&'static str, String) {
    ("200 OK", json!({ "id": null, "name": null }).to_string())
}

fn lookup(server: &Server, telephone: &str) -> Value {
    let reply = server.lookup(&format!("telephone={telephone}"));
    assert_eq!(reply.status, 200);
    reply.json()
}

/// Up to four milliseconds, by chance, but the same for the same request.
fn delay(line: &str, salt: u64) {
    let mut state = line.bytes().fold(salt, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    state ^= state >> 29;
    std::thread::sleep(Duration::from_micros(state % 4000));
}

#[test]
fn a_thousand_calls_with_delays_by_chance_get_the_answer_of_the_order() {
    let first = Page::start(|line| {
        delay(line, 1);
        // Every second caller is known to the second system only.
        if line.contains("0&dnid") { nobody() } else { person(1, json!({})) }
    });
    let others = [2, 3].map(|id| {
        Page::start(move |line| {
            delay(line, u64::from(id));
            person(id, json!({}))
        })
    });
    let (_workplace, server) = serve(&[&first, &others[0], &others[1]], "deadline = \"10s\"", NO_CACHE);
    std::thread::scope(|scope| {
        for caller in 0..10 {
            let address = server.address;
            scope.spawn(move || {
                let mut line = Line::open(address);
                for turn in 0..100 {
                    let known = turn % 2;
                    let target = format!("/sales/lookup?telephone=0722{caller}{turn:03}1{known}&token={TOKEN}");
                    let expected = if known == 1 { 1 } else { 2 };
                    let reply = line.get(&target);
                    assert_eq!(
                        (&reply.json()["id"], reply.header("x-calldex-degraded")),
                        (&json!(expected), None),
                        "{target}"
                    );
                }
            });
        }
    });
    assert_eq!(first.asked(), 1000);
}

#[test]
fn in_turn_the_second_system_is_asked_only_when_the_first_one_knows_nobody() {
    let first = Page::start(|line| if line.contains("0722111222") { person(1, json!({})) } else { nobody() });
    let second = Page::start(|_| person(2, json!({})));
    let (_workplace, server) = serve(&[&first, &second], "ask = \"in_turn\"\ndeadline = \"10s\"", NO_CACHE);
    for _ in 0..5 {
        assert_eq!(lookup(&server, "0722111222")["id"], 1);
    }
    assert_eq!((first.asked(), second.asked()), (5, 0));
    assert_eq!(lookup(&server, "0722111333")["id"], 2);
    assert_eq!((first.asked(), second.asked()), (6, 1));
}

#[test]
fn fill_takes_what_describes_from_later_systems_and_nothing_that_steers() {
    let first = Page::start(|_| person(1, json!({ "name": null, "email": "ana@example.com" })));
    let more = json!({ "language": "ro", "queue_position": 5, "direct_line": "SIP/dan", "backend_link": "https://x.example/" });
    let second = Page::start(move |_| person(2, more.clone()));
    let project = "reply = \"extended\"\ndeadline = \"10s\"\n";
    for (fill, name) in [("", Value::Null), ("fill = true", json!("Person 2"))] {
        let (_workplace, server) = serve(&[&first, &second], &format!("{project}{fill}"), NO_CACHE);
        let found = lookup(&server, "0722111222");
        assert_eq!((&found["id"], &found["name"]), (&json!(1), &name), "{found}");
        for steers in ["queue_position", "direct_line", "backend_link", "language"] {
            assert_eq!(found[steers], Value::Null, "{found}");
        }
    }
}

#[test]
fn an_answer_that_comes_after_the_deadline_is_there_for_the_next_call() {
    let held = Arc::new(AtomicBool::new(true));
    let gate = Arc::clone(&held);
    let slow = Page::start(move |_| {
        while gate.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        person(1, json!({}))
    });
    let (_workplace, server) = serve(&[&slow], "deadline = \"50ms\"", "");
    let first = server.lookup("telephone=0722111222");
    assert_eq!((first.header("x-calldex-degraded"), &first.json()["id"]), (Some("source0"), &Value::Null));
    held.store(false, Ordering::SeqCst);
    wait_until("the late answer", || lookup(&server, "0722111222")["id"] == 1);
    assert_eq!(slow.asked(), 1);
}

#[test]
fn a_contact_that_was_known_stands_in_while_its_system_fails_and_the_explanation_says_so() {
    let down = Arc::new(AtomicBool::new(false));
    let failing = Arc::clone(&down);
    let page = Page::start(move |_| match failing.load(Ordering::SeqCst) {
        true => ("503 Down", String::new()),
        false => person(1, json!({})),
    });
    let (_workplace, server) = serve(&[&page], "deadline = \"10s\"", "[cache]\nfound = \"0s\"\nstale = \"1h\"\n");
    assert_eq!(lookup(&server, "0722111222")["id"], 1);
    down.store(true, Ordering::SeqCst);
    let reply = server.lookup("telephone=0722111222");
    assert_eq!((reply.header("x-calldex-degraded"), &reply.json()["name"]), (Some("source0"), &json!("Person 1")));
    let request = reply.header("x-request-id").unwrap();
    let target = format!("/sales/explain?request={request}");
    let bytes =
        format!("GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}\r\nConnection: close\r\n\r\n");
    let explained = send(server.address, bytes.as_bytes()).json();
    assert_eq!(explained["sources"][0]["stale"], true, "{explained}");
    let stranger = server.lookup("telephone=0722111333");
    assert_eq!((stranger.header("x-calldex-degraded"), &stranger.json()["name"]), (Some("source0"), &Value::Null));
}

#[test]
fn calls_that_a_firewall_refuses_stop_nothing_for_the_others() {
    let page = Page::start(|line| match line.contains("evil") {
        true => ("403 Forbidden", String::new()),
        false => person(1, json!({})),
    });
    let (_workplace, server) = serve(&[&page], "deadline = \"10s\"", NO_CACHE);
    for caller in 0..20 {
        let reply = server.lookup(&format!("telephone=07221112{caller:02}&dnid=%27%20evil"));
        assert_eq!(reply.header("x-calldex-degraded"), Some("source0"));
    }
    assert_eq!(page.asked(), 20, "whoever sends something odd stops nobody");
    assert_eq!(lookup(&server, "0722111333")["id"], 1);
    for caller in 0..20 {
        server.lookup(&format!("telephone=07221112{caller:02}&dnid=evil"));
    }
    // Each second or more one of them finds out, so a machine that stalls sees some more.
    assert!((24..41).contains(&page.asked()), "three callers with nothing odd: {}", page.asked());
}

#[test]
fn calls_that_a_system_fails_at_stop_nothing_for_the_others() {
    let page = Page::start(|line| {
        let odd = line.contains("evil") || line.contains("0722111222");
        if odd { ("500 Internal Server Error", String::new()) } else { person(1, json!({})) }
    });
    let (_workplace, server) = serve(&[&page], "deadline = \"10s\"", NO_CACHE);
    for caller in 0..20 {
        for query in [format!("telephone=07221113{caller:02}&dnid=%27%20evil"), "telephone=0722111222".to_owned()] {
            let reply = server.lookup(&query);
            assert_eq!(reply.header("x-calldex-degraded"), Some("source0"));
        }
    }
    assert_eq!(page.asked(), 80, "whoever sends something odd, or one number alone, stops nobody");
    assert_eq!(lookup(&server, "0722111333")["id"], 1);
}
