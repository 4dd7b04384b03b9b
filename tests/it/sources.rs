//! Live sources through the whole program, behind a proxy that does everything a network and a system can do.

mod bombs;
mod order;
mod rate;
mod readings;
mod rebinding;
mod tenant;
mod ticketsys;
mod trial;
mod wire;

use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::{Mood, Server, TOKEN, Troublemaker, Workplace, get, resident_kilobytes, wait_until};

const FOUND: &str =
    r#"{"id":7,"name":"Ana Pop","queue_position":3,"direct_line":null,"backend_link":null,"route_identifier":null}"#;

fn configuration(port: u16, source: &str, project: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\n\
         [source.crm]\ntype = \"generic\"\nurl = \"http://127.0.0.1:{port}/caller?key=hunter2\"\n{source}\n\
         [project.sales]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = [\"crm\"]\n{project}\n"
    )
}

fn name(server: &Server, telephone: &str) -> Value {
    server.lookup(&format!("telephone={telephone}&dnid=0310000000")).json()["name"].clone()
}

fn is_degraded(server: &Server, telephone: &str) -> bool {
    let reply = server.lookup(&format!("telephone={telephone}&dnid=0310000000"));
    assert_eq!(reply.status, 200);
    reply.header("x-calldex-degraded") == Some("crm") && reply.json()["name"] == Value::Null
}

#[test]
fn whatever_a_system_does_the_pbx_gets_its_answer_and_a_recovered_system_is_used() {
    let crm = Troublemaker::start(FOUND);
    let keys = "[cache]\nfound_entries = 0\nunknown_entries = 0";
    let workplace =
        Workplace::new(&format!("{}\n{keys}", configuration(crm.port, "timeout = \"300ms\"", "deadline = \"10s\"")));
    let server = workplace.serve();
    wait_until("the first answer in time", || name(&server, "0722111222") == "Ana Pop");
    for mood in [Mood::Hang, Mood::Cut, Mood::Reset, Mood::Garbage, Mood::Page, Mood::Fail, Mood::Drip] {
        crm.set(mood);
        assert!(is_degraded(&server, "0722111222"), "{mood:?}");
        crm.set(Mood::Answer);
        wait_until("the system that is back", || name(&server, "0722111222") == "Ana Pop");
    }
    let log = server.whole_log();
    assert!(!log.contains("hunter2"), "{log}");
}

#[test]
fn a_thousand_calls_of_one_number_are_one_request() {
    let crm = Troublemaker::start(FOUND);
    crm.set(Mood::Slow);
    let workplace = Workplace::new(&configuration(crm.port, "", "deadline = \"10s\""));
    let server = workplace.serve();
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(name(&server, "0722111222"), "Ana Pop");
                }
            });
        }
    });
    assert_eq!(crm.asked(), 1);
}

#[test]
fn the_first_refusal_stops_a_source_of_any_type_and_a_reload_lets_it_try_again() {
    for (api_type, source) in [
        ("generic", ""),
        ("ticketsys", ""),
        (
            "soap",
            "params = \"func_name=find&init_params[uri]=urn:crm&init_params[location]=http://127.0.0.1:PORT/soap\"",
        ),
    ] {
        let crm = Troublemaker::start(FOUND);
        crm.set(Mood::Refuse);
        let source = source.replace("PORT", &crm.port.to_string());
        let text = configuration(crm.port, &source, "deadline = \"10s\"");
        let workplace = Workplace::new(&text.replace("\"generic\"", &format!("\"{api_type}\"")));
        let server = workplace.serve();
        for last in 0..10 {
            assert!(is_degraded(&server, &format!("072211122{last}")), "{api_type}");
        }
        assert_eq!(crm.asked(), 1, "{api_type}: a wrong password is not tried with every call");
        assert_eq!(get(server.address, "/readyz").json()["sources"], json!({ "crm": "refused" }), "{api_type}");
        server.wait_for_metrics("calldex_source_refused{source=\"crm\"} 1");
        server.wait_for_log("left alone: it refuses the credentials");
        if api_type != "soap" {
            crm.set(Mood::Answer);
            server.signal("HUP");
            wait_until("the mended source", || name(&server, "0722111222") == "Ana Pop");
            server.wait_for_metrics("calldex_source_refused{source=\"crm\"} 0");
        }
        server.stop();
    }
}

#[test]
fn a_notification_is_told_of_every_call_and_never_waited_for() {
    let crm = Troublemaker::start("");
    let source = "params = \"ignore_response=1\"\ntimeout = \"60s\"";
    let workplace = Workplace::new(&configuration(crm.port, source, "deadline = \"10s\""));
    let server = workplace.serve();
    for _ in 0..5 {
        let reply = server.lookup("telephone=0722111222&dnid=0310000000");
        assert_eq!((reply.status, reply.header("x-calldex-degraded")), (200, None));
    }
    server.lookup("telephone=anonymous");
    wait_until("five notifications", || crm.asked() == 5);
}

#[test]
fn a_failing_source_does_not_make_the_process_grow() {
    let crm = Troublemaker::start(FOUND);
    crm.set(Mood::Cut);
    let workplace = Workplace::new(&configuration(crm.port, "", ""));
    let server = workplace.serve();
    let round = |first: usize| {
        for number in first..first + 1500 {
            server.lookup(&format!("telephone=0722{number:06}"));
        }
        resident_kilobytes(server.id())
    };
    let (_, before) = (round(0), round(1500));
    let after = round(3000);
    assert!(after < before + 8 * 1024, "from {before} to {after} kB");
}

#[test]
fn a_source_that_hangs_holds_nobody_up() {
    let crm = Troublemaker::start(FOUND);
    crm.set(Mood::Hang);
    let workplace = Workplace::new(&configuration(crm.port, "", "deadline = \"1s\""));
    let server = workplace.serve();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for caller in 0..200 {
            let server = &server;
            scope.spawn(move || assert!(is_degraded(server, &format!("0722000{caller:03}"))));
        }
    });
    // One after another they would take three minutes; the exact time is for the benchmarks.
    assert!(start.elapsed().as_secs() < 100, "{:?}", start.elapsed());
}
