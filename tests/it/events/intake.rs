//! What is answered, what is a repeat, and whose call it was.

use super::{calls, events, report};
use crate::harness::{ADMIN, CONFIGURATION, TOKEN, Workplace, get, head, post, wait_until};

/// The example of the PBX's maker, with the number of a known contact.
const ANSWER: &str = "event=queue_answer&direction=IN&project_id=1&agent=ion-popescu&remote_number=&telephone=0722111222\
                      &dnid=0300000000&dnid_identifier=&contact_id=&queue=callcenter-queue&uniqueid=1234567890.12";

#[test]
fn an_event_is_kept_whole_and_answered_with_nothing() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let reply = report(&server, ANSWER);
    assert_eq!((reply.status, reply.body.as_slice(), reply.header("content-length")), (200, &[][..], Some("0")));
    let kept = events(&workplace);
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0]["project"], &kept[0]["event"]), (&"sales".into(), &"queue_answer".into()));
    let params = kept[0]["params"].as_object().unwrap();
    assert_eq!(params.len(), 11, "{params:?}");
    assert_eq!((&params["remote_number"], &params["queue"]), (&"".into(), &"callcenter-queue".into()));
    assert!(!kept[0].to_string().contains(TOKEN), "a token is never kept");
}

#[test]
fn an_event_comes_by_form_and_by_json_and_never_by_head() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let target = format!("/sales/events?token={TOKEN}");
    let form = post(server.address, &target, "application/x-www-form-urlencoded", b"event=hangup&uniqueid=1&x=a&x=b");
    let json = post(server.address, &target, "application/json", br#"{"event":"hangup","uniqueid":"2","more":null}"#);
    assert_eq!((form.status, json.status), (200, 200));
    let broken = post(server.address, &target, "application/json", br#"{"event":"hangup","#);
    assert_eq!(broken.status, 400, "what cannot be read must not be acknowledged");
    assert_eq!(head(server.address, &format!("{target}&event=hangup&uniqueid=3")).status, 405);
    let kept = events(&workplace);
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[0]["params"]["x"], serde_json::json!(["a", "b"]));
}

#[test]
fn a_repeat_counts_once_and_an_event_without_a_name_for_its_call_is_never_one() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    for _ in 0..3 {
        assert_eq!(report(&server, ANSWER).status, 200);
    }
    assert_eq!(events(&workplace).len(), 1);
    assert_eq!(report(&server, &format!("{ANSWER}&more=1")).status, 200);
    for _ in 0..2 {
        assert_eq!(report(&server, "event=missed_calls&telephone=0722111222&uniqueid=").status, 200);
    }
    assert_eq!(events(&workplace).len(), 4);
    for result in ["stored", "repeat"] {
        let counted =
            format!("calldex_events_total{{project=\"sales\",event=\"queue_answer\",result=\"{result}\"}} 2\n");
        server.wait_for_metrics(&counted);
    }
}

#[test]
fn the_rules_of_access_are_those_of_the_lookup() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    for target in ["/sales/events?event=hangup", "/sales/events?event=hangup&token=wrong-token-0123456789"] {
        assert_eq!(get(server.address, target).status, 403);
    }
    assert_eq!(get(server.address, &format!("/nobody/events?event=hangup&token={TOKEN}")).status, 403);
    assert_eq!(get(server.address, &format!("/sales/events?event=hangup&token={ADMIN}")).status, 403);
    assert!(events(&workplace).is_empty());
}

#[test]
fn an_unknown_event_and_one_without_a_name_are_kept() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    assert_eq!(report(&server, "event=%3Cscript%3E&uniqueid=7&%F0%9F%93%9E=%00%07").status, 200);
    let reply = report(&server, "telephone=0722111222");
    assert_eq!((reply.status, reply.header("x-calldex-warning")), (200, Some("event is missing")));
    let kept = events(&workplace);
    assert_eq!((&kept[0]["event"], &kept[1]["event"]), (&"<script>".into(), &"".into()));
    let shown = workplace.succeed(&["events", "list"]);
    assert!(!shown.chars().any(|letter| letter.is_control() && letter != '\n'), "{shown:?}");
    server.wait_for_metrics("event=\"other\",result=\"stored\"} 2\n");
}

#[test]
fn an_event_is_tied_to_its_lookup_or_looked_up() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    // With a lookup before it, without one, with another id than the number has, for a stranger, and withheld.
    assert_eq!(server.lookup("telephone=0722111222&dnid=0300000000").json()["id"], 12345);
    report(&server, ANSWER);
    report(&server, "event=ringing&uniqueid=2&telephone=0722333444&dnid=1&contact_id=12346");
    report(&server, "event=ringing&uniqueid=3&telephone=%2B40722111222&dnid=1&contact_id=999");
    report(&server, "event=ringing&uniqueid=4&telephone=0733999999&dnid=1");
    report(&server, "event=ringing&uniqueid=5&telephone=anonymous&dnid=1");
    wait_until("the callers to be looked up", || !calls(&workplace, "bound").contains(&"0".to_owned()));
    let expected = ["1 customers 12345", "1 customers 12346", "1 customers 12345", "1 - -", "2 - -"];
    assert_eq!(calls(&workplace, "bound, contact_source, contact_id"), expected);
    assert_eq!(calls(&workplace, "number")[4], "-", "a withheld caller has no history");
}

#[test]
fn events_that_were_reported_before_a_crash_are_looked_up_after_it() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    report(&server, "event=queue_answer&uniqueid=1&telephone=0722111222&dnid=1&agent=ion");
    server.kill();
    let database = workplace.database("calldex-events.db");
    database.execute("UPDATE call SET bound = 0, contact_id = NULL, caller = NULL", []).unwrap();
    drop(database);
    let server = workplace.serve();
    wait_until("the caller to be known", || calls(&workplace, "contact_id") == ["12345"]);
    drop(server);
}

#[test]
fn calls_of_one_name_in_two_projects_stay_apart() {
    let shop = "\n[project.shop]\ncountry = \"RO\"\ntokens = [\"a-token-for-the-tests-0123456789\"]\nsources = [\"customers\"]\n";
    let workplace = Workplace::new(&format!("{CONFIGURATION}{shop}"));
    let server = workplace.serve();
    report(&server, "event=queue_answer&uniqueid=1&telephone=0722111222&agent=ion");
    crate::harness::report(server.address, &format!("/shop/events?event=queue_answer_end&uniqueid=1&token={TOKEN}"));
    assert_eq!(calls(&workplace, "project, state"), ["sales 1", "shop 2"]);
}
