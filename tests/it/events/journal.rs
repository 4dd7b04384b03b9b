//! Calls that are over are written down in another system, whatever happens to it.

use std::collections::BTreeSet;

use serde_json::json;

use super::report;
use super::stand_in::StandIn;
use crate::harness::{CONFIGURATION, CONTACTS, TOKEN, Workplace, get, wait_until};

/// A workplace whose calls are written to a stand-in.
pub(super) fn workplace(crm: &StandIn, more: &str) -> Workplace {
    let journal = format!(
        "\n[journal.crm]\nurl = \"http://{}/calls?key=a-secret-in-the-address\"\ntoken = \"a-token-for-the-crm\"\nrate = 60000\n{more}",
        crm.address
    );
    let configuration = CONFIGURATION.replace("sources = [", "journal = [\"crm\"]\nsources = [");
    Workplace::with(&format!("{configuration}{journal}"), CONTACTS)
}

#[test]
fn a_call_that_is_over_is_written_whole_and_once() {
    let crm = StandIn::start();
    let workplace = workplace(&crm, "");
    let server = workplace.serve();
    let call = "uniqueid=1&telephone=0722111222&dnid=0310000000&queue=support&agent=ion";
    report(&server, &format!("event=queue_answer&direction=IN&{call}"));
    let end = format!("event=queue_answer_end&{call}&billsec=61&recording=https://pbx.example.com/1.wav");
    for _ in 0..2 {
        report(&server, &end);
    }
    report(
        &server,
        "event=missed_calls&uniqueid=2&telephone=anonymous&queue_hold_time=7&recording=javascript:alert(1)",
    );
    wait_until("both calls to be written", || crm.got().len() == 2);
    let got = crm.got();
    let answered = got.iter().find(|written| written.body["outcome"] == "answered").unwrap();
    let missed = got.iter().find(|written| written.body["outcome"] == "missed").unwrap();
    assert_eq!(answered.authorization.as_deref(), Some("Bearer a-token-for-the-crm"));
    assert_eq!(answered.body["key"], answered.key.as_str());
    let expected = [
        ("project", json!("sales")),
        ("uniqueid", json!("1")),
        ("direction", json!("in")),
        ("telephone", json!("0722111222")),
        ("number", json!("+40722111222")),
        ("dnid", json!("0310000000")),
        ("agent", json!("ion")),
        ("outcome", json!("answered")),
        ("duration", json!(61)),
        ("queue", json!("support")),
        ("recording", json!("https://pbx.example.com/1.wav")),
        ("contact", json!({ "source": "customers", "id": "12345" })),
        ("name", json!("Ana Popescu")),
        ("company", json!("Acme SRL")),
    ];
    for (field, value) in expected {
        assert_eq!(answered.body[field], value, "{field}");
    }
    assert_eq!((&missed.body["number"], &missed.body["waited"]), (&json!(null), &json!(7)));
    assert_eq!((&missed.body["contact"], &missed.body["recording"]), (&json!(null), &json!(null)));
    let written = || workplace.succeed(&["journal", "list", "--written", "--json"]).lines().count();
    wait_until("both calls to be noted as written", || written() == 2);
    server.wait_for_metrics("calldex_journal_tries_total{target=\"crm\",result=\"written\"} 2");
    let log = server.whole_log();
    assert!(!log.contains("a-secret"), "{log}");
}

#[test]
fn a_system_that_is_down_gets_every_call_later_and_those_of_one_number_in_order() {
    let crm = StandIn::start();
    crm.answer_with(503);
    let workplace = workplace(&crm, "");
    let server = workplace.serve();
    for call in 0..6 {
        let number = if call % 2 == 0 { "0722111222" } else { "0722333444" };
        report(&server, &format!("event=missed_calls&uniqueid={call}&telephone={number}"));
    }
    wait_until("the first tries", || crm.got().len() >= 2);
    server.kill();
    let server = workplace.serve();
    crm.answer_with(200);
    wait_until("every call to be written", || crm.taken().len() >= 6);
    let taken = crm.taken();
    for number in ["0722111222", "0722333444"] {
        let mut order: Vec<String> = taken
            .iter()
            .filter(|written| written.body["telephone"] == number)
            .map(|written| written.body["uniqueid"].to_string())
            .collect();
        // A call whose answer came too late is sent again, under its key.
        order.dedup();
        let mut sorted = order.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(order, sorted, "{number}");
    }
    let keys: BTreeSet<&str> = taken.iter().map(|written| written.key.as_str()).collect();
    assert_eq!(keys.len(), 6);
    drop(server);
}

#[test]
fn a_system_that_asks_to_be_left_alone_is_left_alone() {
    let crm = StandIn::start();
    crm.answer_with(429);
    crm.ask_for_quiet(3_000);
    let workplace = workplace(&crm, "");
    let server = workplace.serve();
    report(&server, "event=missed_calls&uniqueid=1&telephone=0722111222");
    wait_until("the first try", || crm.got().len() == 1);
    server.wait_for_log("the journal does not take calls now, they wait");
    server.wait_for_log("seconds=3000");
    let listed = workplace.succeed(&["journal", "list", "--waiting", "--json"]);
    let entry: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let due: jiff::Timestamp = entry["due"].as_str().unwrap().parse().unwrap();
    let wait = due.as_second() - jiff::Timestamp::now().as_second();
    assert!((60..=3_000).contains(&wait), "{listed}");
}

#[test]
fn a_token_that_is_refused_parks_no_call_and_is_not_tried_all_the_time() {
    let crm = StandIn::start();
    crm.answer_with(401);
    let workplace = workplace(&crm, "tries = 10\n");
    let server = workplace.serve();
    report(&server, "event=missed_calls&uniqueid=1&telephone=0722111222");
    server.wait_for_log("the journal does not take calls now, they wait: it answered with status 401");
    let listed = workplace.succeed(&["journal", "list", "--waiting", "--json"]);
    let entry: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let due: jiff::Timestamp = entry["due"].as_str().unwrap().parse().unwrap();
    let created: jiff::Timestamp = entry["created"].as_str().unwrap().parse().unwrap();
    assert!(due.as_second() - created.as_second() >= 60, "{listed}");
    assert_eq!((crm.got().len(), &entry["tries"]), (1, &json!(1)), "a call that is refused itself would be parked");
}

#[test]
fn what_waits_for_a_journal_without_a_name_is_told_and_goes_out_when_it_has_one_again() {
    let crm = StandIn::start();
    crm.answer_with(503);
    let workplace = workplace(&crm, "");
    let with = std::fs::read_to_string(workplace.path("calldex.toml")).unwrap();
    let server = workplace.serve();
    report(&server, "event=missed_calls&uniqueid=1&telephone=0722111222");
    wait_until("the first try", || !crm.got().is_empty());
    server.kill();
    workplace.write("calldex.toml", with.replace("crm", "other"));
    let server = workplace.serve();
    server.wait_for_log("calls wait for a journal that the configuration does not have any more");
    let listed = workplace.succeed(&["journal", "list", "--waiting", "--journal", "crm"]);
    assert!(listed.contains("  sales  crm  waiting  "), "{listed}");
    server.kill();
    crm.answer_with(200);
    // The project is gone, its journal is not.
    workplace.write("calldex.toml", with.replace("journal = [\"crm\"]\n", ""));
    let server = workplace.serve();
    wait_until("the call to be written", || crm.taken().len() == 1);
    drop(server);
}

#[test]
fn a_call_that_is_refused_is_parked_until_somebody_decides() {
    let crm = StandIn::start();
    crm.answer_with(422);
    let workplace = workplace(&crm, "tries = 1\n");
    let server = workplace.serve();
    for call in 0..3 {
        report(&server, &format!("event=missed_calls&uniqueid={call}&telephone=072211122{call}"));
    }
    let parked = || workplace.succeed(&["journal", "list", "--json"]).lines().count();
    wait_until("the calls to be parked", || parked() == 3);
    let shown = workplace.succeed(&["journal", "list"]);
    assert!(shown.contains("  sales  crm  parked  1 try  it answered with status 422"), "{shown}");
    server.wait_for_metrics("calldex_journal_entries{target=\"crm\",state=\"parked\"} 3");
    let first = workplace.succeed(&["journal", "list", "--limit", "1"]);
    assert!(first.starts_with("1  ") && first.ends_with("than these 1: --limit COUNT prints more\n"), "{first}");
    assert_eq!(workplace.succeed(&["journal", "drop", "1"]), "1 entry dropped\n");
    assert!(workplace.fail(&["journal", "retry", "1"]).contains("has no entry 1"));
    assert_eq!(workplace.succeed(&["journal", "drop", "--all", "--waiting"]), "0 entries dropped\n");
    crm.answer_with(200);
    assert_eq!(workplace.succeed(&["journal", "retry", "--all"]), "2 entries will be tried again\n");
    wait_until("the rest to be written", || crm.taken().len() == 2);
    wait_until("nothing is left", || parked() == 0);
}

#[test]
fn whoever_names_no_journal_or_no_entries_is_told_what_there_is() {
    let workplace = workplace(&StandIn::start(), "");
    for command in [vec!["list"], vec!["retry", "--all"], vec!["drop", "--all"]] {
        for (name, hint) in [("crn", "did you mean crm?"), ("NOSUCH", "configured: crm")] {
            let said = workplace.fail(&[&["journal"], &command[..], &["--journal", name]].concat());
            assert!(said.contains(&format!("there is no journal {name} in the configuration; {hint}")), "{said}");
        }
    }
    for command in [vec!["retry"], vec!["drop"], vec!["drop", "--journal", "crm"]] {
        let output = workplace.run(&[&["journal"], &command[..]].concat());
        let said = crate::harness::text(&output.stderr);
        assert!(!output.status.success() && said.contains("<ENTRY|--all>"), "{said}");
    }
    assert_eq!(workplace.succeed(&["journal", "list", "--journal", "crm"]), "0 parked, 0 waiting\n");
    assert_eq!(workplace.succeed(&["journal", "list", "--json"]), "");
}

#[test]
fn a_project_that_names_no_journal_is_told_so() {
    let workplace = Workplace::new(&CONFIGURATION.replace("sources = [", "journal = [\"crn\"]\nsources = ["));
    let output = workplace.run(&["config", "check"]);
    let said = crate::harness::text(&output.stdout) + &crate::harness::text(&output.stderr);
    assert!(said.contains("; add [journal.crn]"), "{said}");
}

/// A project file of a tenant, beside the usual configuration.
fn tenant(journal: &str) -> Workplace {
    let workplace = Workplace::with(CONFIGURATION, CONTACTS);
    workplace.write(
        "projects/shop.toml",
        format!(
            "[journal.own]\n{journal}\n[directory.d]\n[project.shop]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\n\
             sources = [\"d\"]\ntenant = true\njournal = [\"own\"]\n"
        ),
    );
    workplace
}

#[test]
fn what_a_tenant_writes_down_reaches_nothing_around_calldex() {
    let crm = StandIn::start();
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}/calls", crm.address.port());
        let workplace = tenant(&format!("url = \"{url}\"\nrate = 60000"));
        let server = workplace.serve();
        let event = format!("/shop/events?event=missed_calls&uniqueid=1&telephone=0722111222&token={TOKEN}");
        assert_eq!(get(server.address, &event).status, 200);
        let listed = || workplace.succeed(&["journal", "list", "--waiting", "--json"]);
        wait_until("the first try", || listed().contains("\"tries\":1"));
        assert!(listed().contains("not a public one"), "{host}: {}", listed());
        assert!(crm.got().is_empty(), "{host}");
    }
}

#[test]
fn a_journal_that_cannot_be_used_stops_neither_the_server_nor_its_calls() {
    let workplace = Workplace::with(CONFIGURATION, CONTACTS);
    workplace.write(
        "projects/shop.toml",
        format!(
            "[source.page]\ntype = \"generic\"\nurl = \"https://crm.example.com/page\"\n[project.shop]\n\
             country = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = [\"page\"]\njournal = [\"page\"]\n"
        ),
    );
    let server = workplace.serve();
    server.wait_for_log("the source shop/page cannot write calls");
    let event = format!("/shop/events?event=missed_calls&uniqueid=1&telephone=&token={TOKEN}");
    assert_eq!(get(server.address, &event).status, 200);
    let listed = || workplace.succeed(&["journal", "list", "--waiting", "--json"]);
    wait_until("a try", || listed().contains("cannot write calls"));
}
