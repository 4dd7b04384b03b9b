//! Somebody is erased while his call runs and pages show it.

use serde_json::Value;

use super::agent::Page;
use super::{events, report};
use crate::harness::Workplace;

const CALL: &str = "agent=ion&uniqueid=7&telephone=0799888777";

#[test]
fn what_a_pbx_still_reports_of_an_erased_call_is_acknowledged_and_not_kept() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    assert_eq!(report(&server, &format!("event=queue_answer&{CALL}")).status, 200);
    let receipt: Value = serde_json::from_str(&workplace.succeed(&["erase", "0799888777", "--json"])).unwrap();
    assert_eq!((&receipt["history"]["calls"], &receipt["blocks"]), (&1.into(), &1.into()));
    for late in ["queue_answer", "queue_answer_end"] {
        let reply = report(&server, &format!("event={late}&{CALL}"));
        assert_eq!((reply.status, reply.body.len()), (200, 0), "the PBX need not send it again");
    }
    server.wait_for_metrics("event=\"queue_answer_end\",result=\"erased\"} 1");
    assert!(events(&workplace).is_empty());
    report(&server, "event=queue_answer&agent=ion&uniqueid=8&telephone=0799888777");
    assert_eq!(events(&workplace).len(), 1, "whoever calls again is a new call");
}

#[test]
fn who_was_in_no_address_book_does_not_come_into_one_after_he_was_erased() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    report(&server, &format!("event=missed_calls&{CALL}"));
    let receipt = workplace.succeed(&["erase", "0799 888 777"]);
    assert!(receipt.contains("1 calls with 1 events") && receipt.contains("by 1 keyed hashes"), "{receipt}");
    assert!(!receipt.contains("888"), "{receipt}");
    workplace.write("new.csv", "id,name,telephone\n77,Zebulon Quixote,+40 799 888 777\n");
    let import = || -> Value {
        let report = workplace.succeed(&["import", "new.csv", "--directory", "customers", "--json"]);
        serde_json::from_str(&report).unwrap()
    };
    assert_eq!(import()["contacts"]["erased_before"], 1);
    assert_eq!(server.lookup("telephone=0799888777").json()["name"], Value::Null);
    workplace.succeed(&["erase", "0799888777", "--forget-block"]);
    assert_eq!(import()["contacts"]["added"], 1);
    assert_eq!(server.lookup("telephone=0799888777").json()["name"], "Zebulon Quixote");
}

#[test]
fn a_page_that_was_away_while_somebody_was_erased_reads_all_anew() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ion");
    report(&server, &format!("event=queue_answer&{CALL}"));
    let seen = page.state()["event_id"].as_str().unwrap().to_owned();
    assert_eq!(page.state()["cards"][0]["number"], "+40 799 888 777");
    let mut awake = Page::open(&workplace, &server, "ana").listen(&seen);
    workplace.succeed(&["erase", "0799888777"]);
    // Whoever listens is told; the page of Ion is asleep, or its network is gone.
    awake.until("event: reload");
    page.listen(&seen).until("event: reload");
    let state = page.state();
    assert_eq!(state["cards"], serde_json::json!([]));
    let mut again = page.listen(state["event_id"].as_str().unwrap());
    report(&server, "event=ringing&agent=ion&uniqueid=9&telephone=0722111222");
    again.until("event: card");
    assert!(!again.heard.contains("event: reload"), "once is enough: {}", again.heard);
}
