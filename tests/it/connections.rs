//! Many, slow, silent and old connections, and the end of the process in the middle of requests.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::harness::{CONFIGURATION, CONTACTS, Line, Server, TOKEN, Workplace, allow_open_files, get};

/// Silent connections.
const IDLE: usize = 2_000;

/// Connections that send a byte now and then.
const SLOW: usize = 200;

fn request(telephone: &str, rest: &str) -> String {
    format!("GET /sales/lookup?telephone={telephone}&dnid=1&token={TOKEN} {rest}")
}

fn whole_request(telephone: &str) -> String {
    request(telephone, "HTTP/1.1\r\nHost: calldex\r\n\r\n")
}

fn with_server(keys: &str) -> (Workplace, Server) {
    let workplace = Workplace::with(&CONFIGURATION.replace("[server]", &format!("[server]\n{keys}")), CONTACTS);
    let server = workplace.serve();
    (workplace, server)
}

fn names_ana(line: &mut Line) {
    assert!(line.send(whole_request("0722111222").as_bytes()), "closed before the request");
    assert_eq!(line.reply().expect("an answer").json()["name"], "Ana Popescu");
}

#[test]
fn lookups_are_answered_beside_2000_idle_and_200_slow_connections() {
    allow_open_files(4_096);
    let (_workplace, server) = with_server("idle_timeout = \"1h\"");
    let mut idle: Vec<Line> = (0..IDLE).map(|_| Line::open(server.address)).collect();
    for line in idle.iter_mut().step_by(2) {
        // Every second one has had its answer and stays, as Asterisk's do for the length of a call.
        names_ana(line);
    }
    let mut slow: Vec<Line> = (0..SLOW).map(|_| Line::open(server.address)).collect();
    let request = whole_request("0722111222");
    let mut kept = Line::open(server.address);
    for byte in request.as_bytes() {
        for line in &mut slow {
            assert!(line.send(&[*byte]));
        }
        names_ana(&mut kept);
        names_ana(&mut Line::open(server.address));
    }
    for line in &mut slow {
        assert_eq!(line.reply().expect("the slow ones are answered too").json()["name"], "Ana Popescu");
    }
    let open = || {
        let metrics = get(server.address, "/metrics").text();
        let mut lines = metrics.lines();
        let count = lines.find_map(|line| line.strip_prefix("calldex_connections{listener=\"http\"} ")).unwrap();
        count.parse::<usize>().unwrap()
    };
    crate::harness::wait_until("all connections to be counted", || open() > IDLE + SLOW);
    for line in &mut idle {
        names_ana(line);
    }
}

/// A connection that has had an answer; on a machine that stops for a second the first try may come too late.
fn used_line(server: &Server) -> Line {
    let mut answered = None;
    crate::harness::wait_until("an answer before the idle timeout", || {
        let mut line = Line::open(server.address);
        line.send(whole_request("0722111222").as_bytes());
        if line.reply().is_some_and(|reply| reply.status == 200) {
            answered = Some(line);
        }
        answered.is_some()
    });
    answered.unwrap()
}

#[test]
fn silent_and_half_sent_connections_are_closed_after_the_idle_timeout() {
    let (_workplace, server) = with_server("idle_timeout = \"1s\"");
    let mut silent: Vec<Line> = (0..50).map(|_| Line::open(server.address)).collect();
    let mut half: Vec<Line> = (0..50).map(|_| Line::open(server.address)).collect();
    for line in &mut half {
        line.send(request("0722111222", "HTTP/1.1\r\nHost:").as_bytes());
    }
    let mut used: Vec<Line> = (0..50).map(|_| used_line(&server)).collect();
    for line in silent.iter_mut().chain(&mut half).chain(&mut used) {
        assert_eq!(line.until_closed(), b"", "no answer to what was not asked");
    }
}

#[test]
fn beyond_the_most_connections_idle_ones_make_room_and_every_lookup_is_answered() {
    let (_workplace, server) = with_server("max_connections = 10\nidle_timeout = \"1h\"");
    let mut lines = Vec::new();
    for _ in 0..60 {
        let mut line = Line::open(server.address);
        names_ana(&mut line);
        lines.push(line);
    }
    for line in &mut lines[..40] {
        assert_eq!(line.until_closed(), b"");
    }
    names_ana(lines.last_mut().unwrap());
}

#[test]
fn http_1_0_is_closed_after_the_answer_unless_it_asks_to_stay() {
    let (_workplace, server) = with_server("");
    let mut kept = Line::open(server.address);
    for _ in 0..3 {
        kept.send(request("0722111222", "HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").as_bytes());
        let reply = kept.reply().expect("kept open");
        assert_eq!(reply.json()["name"], "Ana Popescu");
        assert!(reply.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("keep-alive")));
    }
    let mut closed = Line::open(server.address);
    closed.send(request("0722111222", "HTTP/1.0\r\n\r\n").as_bytes());
    assert_eq!(closed.reply().expect("an answer").json()["name"], "Ana Popescu");
    assert_eq!(closed.until_closed(), b"");
}

#[test]
fn requests_sent_at_once_are_answered_in_their_order() {
    let (_workplace, server) = with_server("");
    let callers = [("0722111222", "Ana Popescu"), ("0799999999", ""), ("0722333444", "Dan Ionescu")];
    let mut line = Line::open(server.address);
    let requests: String = (0..90).map(|place| whole_request(callers[place % 3].0)).collect();
    assert!(line.send(requests.as_bytes()));
    for place in 0..90 {
        let name = line.reply().expect("an answer").json()["name"].as_str().unwrap_or_default().to_owned();
        assert_eq!(name, callers[place % 3].1, "answer {place}");
    }
    assert!(!line.holds_more());
}

#[test]
fn at_the_end_200_requests_under_way_are_answered_and_idle_connections_close() {
    let (_workplace, mut server) = with_server("idle_timeout = \"1h\"");
    let mut busy: Vec<Line> = (0..200).map(|_| Line::open(server.address)).collect();
    let mut idle: Vec<Line> = (0..200).map(|_| Line::open(server.address)).collect();
    for line in busy.iter_mut().chain(&mut idle) {
        names_ana(line);
    }
    for line in &mut busy {
        assert!(line.send(whole_request("0722333444").as_bytes()));
    }
    server.signal("TERM");
    for line in &mut busy {
        let reply = line.reply().expect("what was sent before the end is answered");
        assert_eq!((reply.status, reply.json()["name"].as_str()), (200, Some("Dan Ionescu")));
    }
    for line in busy.iter_mut().chain(&mut idle) {
        assert_eq!(line.until_closed(), b"");
    }
    assert_eq!(server.wait().code(), Some(0));
    assert!(std::net::TcpStream::connect(server.address).is_err(), "new connections are refused");
}

#[test]
fn under_load_the_end_cuts_no_answer_in_half() {
    let (_workplace, mut server) = with_server("");
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut line = Line::open(server.address);
                    let mut answered = 0;
                    // `reply` itself fails on half an answer.
                    while line.send(whole_request("0722111222").as_bytes()) {
                        let Some(reply) = line.reply() else { break };
                        assert_eq!((reply.status, reply.json()["name"].as_str()), (200, Some("Ana Popescu")));
                        answered += 1;
                        if answered == 20 {
                            ended.store(true, Ordering::Relaxed);
                        }
                    }
                    answered
                })
            })
            .collect();
        crate::harness::wait_until("load", || ended.load(Ordering::Relaxed));
        server.signal("TERM");
        let answered: usize = callers.into_iter().map(|caller| caller.join().unwrap()).sum();
        assert!(answered >= 20);
    });
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn when_files_run_out_lookups_go_on_and_the_process_lives() {
    allow_open_files(2_048);
    let workplace = Workplace::with_contacts();
    let server = workplace.serve_with_open_files(64);
    names_ana(&mut Line::open(server.address));
    let mut crowd: Vec<Line> = (0..300).map(|_| Line::open(server.address)).collect();
    for _ in 0..20 {
        names_ana(&mut Line::open(server.address));
    }
    for line in &mut crowd {
        line.send(whole_request("0722111222").as_bytes());
    }
    drop(crowd);
    for _ in 0..20 {
        names_ana(&mut Line::open(server.address));
    }
    assert_eq!(server.stop().code(), Some(0));
}
