//! Thousands of pages at once, and one that reads nothing.

use std::io::Write;
use std::net::TcpStream;

use serde_json::json;

use super::agent::Page;
use super::report;
use crate::harness::{PATIENCE, Workplace, allow_open_files, get, read_some, resident_kilobytes, text, wait_until};

/// Pages that listen at a time.
const PAGES: usize = 2_000;

/// How many pages the server counts.
fn connected(server: &crate::harness::Server) -> usize {
    let metrics = get(server.address, "/metrics").text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("calldex_agent_streams ")).unwrap();
    line.parse().unwrap()
}

fn open(page: &Page) -> TcpStream {
    let mut stream = TcpStream::connect(page.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET /agent/stream?after=0 HTTP/1.1\r\nHost: calldex\r\nCookie: {}\r\n\r\n", page.cookie);
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let (mut heard, mut piece) = (String::new(), [0_u8; 4_096]);
    while !heard.contains(wanted) {
        let count = read_some(stream, &mut piece).unwrap();
        assert!(count > 0, "the stream has ended before {wanted:?}: {heard}");
        heard.push_str(&text(&piece[..count]));
    }
    heard
}

#[test]
fn two_thousand_pages_hear_of_a_call_and_cost_little_memory() {
    allow_open_files(5_000);
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    // Pages of one agent: each call goes to all of them.
    let page = Page::open(&workplace, &server, "ion");
    drop(open(&page));
    let before = resident_kilobytes(server.id());
    let mut streams: Vec<TcpStream> = (0..PAGES).map(|_| open(&page)).collect();
    for stream in &mut streams {
        read_until(stream, "retry: 2000");
    }
    wait_until("all pages to be counted, and the first one no longer", || connected(&server) == PAGES);
    let each = resident_kilobytes(server.id()).saturating_sub(before) / PAGES as u64;
    // The futures of a debug build are far larger than those of a release; this only finds what grows without end.
    assert!(each < 200, "{each} KB for each page");
    report(&server, "event=ringing&agent=ion&uniqueid=1&telephone=0722111222");
    for stream in &mut streams {
        read_until(stream, "\"state\":\"ringing\"");
    }
    drop(streams);
    wait_until("the pages to be forgotten", || connected(&server) == 0);
}

#[test]
fn a_page_that_never_reads_holds_up_nobody_and_is_closed() {
    let configuration = crate::harness::CONFIGURATION.replace("[server]\n", "[server]\nidle_timeout = \"1s\"\n");
    let workplace = Workplace::with(&configuration, crate::harness::CONTACTS);
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ion");
    let mut silent = open(&page);
    read_until(&mut silent, "retry: 2000");
    let mut listening = open(&page);
    read_until(&mut listening, "retry: 2000");
    // Long texts fill the network's buffers of the one that does not read.
    let long = "x".repeat(8_000);
    let mut calls = 0;
    wait_until("the silent page to be closed", || {
        for _ in 0..50 {
            calls += 1;
            report(&server, &format!("event=ringing&agent=ion&uniqueid={calls}&telephone=0722111222&queue={long}"));
            read_until(&mut listening, &format!("\"id\":{calls},"));
        }
        connected(&server) == 1
    });
    assert_eq!(page.get("/agent/state").json()["agent"], json!("ion"));
}
