//! Ticketsys, as far as anything is known of it: the PBX's own contract in JSON, without parameters.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::harness::{Page, TOKEN, Workplace, report, wait_until};

/// A system that knows one number, fails on another one, and keeps what it was asked.
fn ticketsys() -> (Page, Arc<Mutex<Vec<String>>>) {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&asked);
    let page = Page::start(move |line| {
        kept.lock().unwrap().push(line.to_owned());
        let ana = json!({ "id": 7, "name": "Ana Pop", "queue_position": null, "direct_line": "SIP/ion", "backend_link":
                          "https://tickets.example.com/7", "route_identifier": null });
        let nobody = json!({ "id": null, "name": null, "queue_position": null, "direct_line": null, "backend_link": null,
                             "route_identifier": null });
        match line {
            _ if line.contains("event=") => ("200 OK", String::new()),
            _ if line.contains("telephone=0722111222") => ("200 OK", ana.to_string()),
            _ if line.contains("telephone=0722333444") => ("503 Service Unavailable", String::new()),
            _ => ("200 OK", nobody.to_string()),
        }
    });
    (page, asked)
}

fn workplace(page: &Page, params: &str) -> Workplace {
    Workplace::new(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\n\
         [source.tickets]\ntype = \"ticketsys\"\nurl = \"http://127.0.0.1:{}/caller?token=t\"\n{params}\
         [project.sales]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = [\"tickets\"]\njournal = [\"tickets\"]\n\
         deadline = \"10s\"\n",
        page.port
    ))
}

#[test]
fn it_is_asked_as_the_pbx_would_ask_with_or_without_the_dash_for_no_parameters() {
    for params in ["params = \"-\"\n", "params = \"\"\n", ""] {
        let (page, asked) = ticketsys();
        let workplace = workplace(&page, params);
        let server = workplace.serve();
        wait_until("Ana", || {
            server.lookup("telephone=%2B40722111222&dnid=0310000000").text()
                == r#"{"id":7,"name":"Ana Pop","queue_position":null,"direct_line":"SIP/ion","backend_link":"https://tickets.example.com/7","route_identifier":null}"#
        });
        let expected = "GET /caller?token=t&telephone=0722111222&dnid=0310000000 HTTP/1.1";
        assert_eq!(asked.lock().unwrap()[0], expected, "{params}");
        let unknown = || server.lookup("telephone=0722999888");
        wait_until("nobody", || unknown().header("x-calldex-degraded").is_none());
        assert_eq!(unknown().json()["id"], json!(null));
        let failed = server.lookup("telephone=0722333444");
        assert_eq!(failed.header("x-calldex-degraded"), Some("tickets"), "a failure is never an unknown caller");
        server.stop();
    }
    let (page, _) = ticketsys();
    let complaint = workplace(&page, "params = \"domain=acme\"\n").fail(&["config", "check"]);
    assert!(complaint.contains("takes no parameters"), "{complaint}");
}

#[test]
fn it_is_told_of_a_finished_call_as_the_pbx_tells_of_events() {
    let (page, asked) = ticketsys();
    let workplace = workplace(&page, "params = \"-\"\n");
    let server = workplace.serve();
    wait_until("Ana", || server.lookup("telephone=0722111222&dnid=0310000000").text().contains("Ana Pop"));
    let call = "direction=IN&telephone=0722111222&dnid=0310000000&uniqueid=1.1&queue=sales&agent=ion";
    for event in ["queue_answer", "queue_answer_end"] {
        assert_eq!(report(server.address, &format!("/sales/events?token={TOKEN}&event={event}&{call}")).status, 200);
    }
    let told = "GET /caller?token=t&event=queue_answer_end&direction=IN&agent=ion&remote_number=&telephone=0722111222\
                &dnid=0310000000&contact_id=7&queue=sales&fail_reason=&uniqueid=1.1 HTTP/1.1";
    wait_until("the event", || asked.lock().unwrap().iter().any(|line| line == told));
    server.stop();
}
