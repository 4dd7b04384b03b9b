//! Whoever is signed out hears of no further call, however busy his page is.

use std::time::Instant;

use super::agent::{Listener, Page};
use super::report;
use crate::harness::{PATIENCE, Server, Workplace};

/// Has a telephone ring again and again until the page behind `listener` is told that it is signed out.
fn ring_until_signed_out(server: &Server, agent: &str, listener: &mut Listener, calls: &mut u32) {
    let end = Instant::now() + PATIENCE;
    while !listener.heard.contains("event: signed_out") {
        assert!(Instant::now() < end, "a busy page is never told");
        *calls += 1;
        let ringing = format!("event=ringing&agent=other&agent={agent}&uniqueid={calls}&telephone=0722111222");
        report(server, &ringing);
        listener.until_any(&[&format!("\"id\":{calls},"), "event: signed_out"]);
    }
    assert!(listener.is_over(), "and its stream ends");
}

#[test]
fn a_busy_page_of_a_revoked_agent_is_closed_and_the_others_stay_live() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let (ion, other) = (Page::open(&workplace, &server, "ion"), Page::open(&workplace, &server, "other"));
    let (mut of_ion, mut of_other) = (ion.listen(""), other.listen(""));
    workplace.succeed(&["agent", "revoke", "ion", "--project", "sales"]);
    let mut calls = 0;
    ring_until_signed_out(&server, "ion", &mut of_ion, &mut calls);
    of_other.until(&format!("\"id\":{calls},"));
    // Signing out by himself ends his other pages in the same browser.
    let mut second = other.listen("");
    let out = other.send("DELETE", "/agent/session", &format!("X-Csrf: {}\r\n", other.csrf), None);
    assert_eq!(out.status, 200);
    ring_until_signed_out(&server, "other", &mut second, &mut calls);
}
