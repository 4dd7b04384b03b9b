//! Thousands of pages at once, and one that reads nothing.

use std::io::Write;
use std::net::TcpStream;

use serde_json::json;

use super::agent::Page;
use super::report;
use crate::harness::{PATIENCE, Workplace, allow_open_files, get, read_some, resident_kilobytes, text, wait_until};

/// Pages that listen at a time.
const PAGES: usize = 2_000;

/// Calls that ring before any of them reads.
const CALLS: usize = 40;

/// How many pages the server counts.
fn connected(server: &crate::harness::Server) -> usize {
    let metrics = get(server.address, "/metrics").text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("calldex_agent_streams ")).unwrap();
    line.parse().unwrap()
}

fn open(page: &Page) -> TcpStream {
    listen(page, TcpStream::connect(page.address).unwrap())
}

/// A page whose network takes in as little as can be, so that what it does not read stays with the server.
fn open_narrow(page: &Page) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        socket.connect(page.address).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    listen(page, stream)
}

fn listen(page: &Page, mut stream: TcpStream) -> TcpStream {
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
    // More than wait for a page, while none of them reads.
    for call in 1..=CALLS {
        report(&server, &format!("event=ringing&agent=ion&uniqueid={call}&telephone=0722111222"));
    }
    read_until(&mut streams[0], &format!("\"id\":{CALLS},"));
    let each = resident_kilobytes(server.id()).saturating_sub(before) / PAGES as u64;
    // Other tests make the allocator keep more or less; what grows without end is found by the test of the pages that never read.
    assert!(each < 600, "{each} KB for each page that does not read");
    for stream in &mut streams[1..] {
        read_until(stream, &format!("\"id\":{CALLS},"));
    }
    drop(streams);
    wait_until("the pages to be forgotten", || connected(&server) == 0);
}

/// Ten people have this number, each with a long link: notices of more than 20 KB.
fn workplace_of_a_large_family() -> Workplace {
    let long = format!("{{{{ contact.id }}}}?{}", "x".repeat(1_900));
    let family: String = (1..=10).map(|id| format!("{id},Pop {id},0722 111 222\n")).collect();
    let configuration = crate::harness::CONFIGURATION.replace("{{ contact.id }}", &long);
    Workplace::with(&configuration, &format!("id,name,telephone\n{family}"))
}

#[test]
fn pages_that_never_read_cost_a_bounded_piece_of_memory_and_the_others_stay_live() {
    const SILENT: usize = 12;
    const CALLS: usize = 400;
    let workplace = workplace_of_a_large_family();
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ana");
    let mut listening = open(&page);
    read_until(&mut listening, "retry: 2000");
    let names: Vec<String> = (0..SILENT).map(|place| format!("ion-{place}")).collect();
    let silent: Vec<TcpStream> = names.iter().map(|name| open_narrow(&Page::open(&workplace, &server, name))).collect();
    wait_until("all pages to be counted", || connected(&server) == SILENT + 1);
    let all: String = names.iter().map(|name| format!("&agent={name}")).collect();
    let mut rings = |call: usize| {
        report(&server, &format!("event=ringing&agent=ana{all}&uniqueid={call}&telephone=0722111222"));
        read_until(&mut listening, &format!("\"id\":{call},"));
    };
    rings(1);
    let before = resident_kilobytes(server.id());
    (2..=CALLS).for_each(&mut rings);
    // They were sent 100 MB. For each of them 32 notices wait, and what is being written.
    let grown = resident_kilobytes(server.id()).saturating_sub(before);
    assert!(grown < 45_000, "{grown} KB for {SILENT} pages that do not read");
    drop(silent);
}

#[test]
fn a_page_that_never_reads_holds_up_nobody_and_is_closed() {
    let configuration = crate::harness::CONFIGURATION.replace("[server]\n", "[server]\nidle_timeout = \"1s\"\n");
    let workplace = Workplace::with(&configuration, crate::harness::CONTACTS);
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ion");
    let mut silent = open_narrow(&page);
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
