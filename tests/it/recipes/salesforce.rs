//! Salesforce through the whole program: logins, a session that ends, the daily limit, calls written down.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::crms::{BY_PASSWORD, SECRETS, Salesforce};
use super::fault::Fault;
use super::stand_in::{Crm, Request, StandIn};
use crate::harness::{Server, Workplace, get, report, wait_until};

struct Bench {
    crm: Arc<Salesforce>,
    stand_in: StandIn,
    workplace: Workplace,
}

impl Bench {
    fn new(params: &str, more: &str) -> Self {
        let crm = Arc::new(Salesforce::default());
        let stand_in = StandIn::start(Arc::clone(&crm) as Arc<dyn Crm>);
        let text = super::bench::configuration("salesforce", &stand_in.url, params) + more;
        let text = text.replace("[project.sales]\n", "[project.sales]\njournal = [\"crm\"]\n");
        let workplace = Workplace::new(&text);
        let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/salesforce");
        for file in ["test-key.pem", "CreateActivitiesWebService.wsdl"] {
            workplace.write(file, std::fs::read_to_string(data.join(file)).unwrap());
        }
        Self { crm, stand_in, workplace }
    }

    fn arrived(&self, path: &str) -> Vec<Request> {
        self.stand_in.received().into_iter().filter(|request| request.path.starts_with(path)).collect()
    }

    /// Ends the server; no secret stands in its log or in an address that was asked.
    fn end(&self, server: Server) {
        let log = server.whole_log();
        for secret in SECRETS {
            assert!(!log.contains(secret), "{log}");
            let targets = self.stand_in.received().into_iter().map(|it| format!("{} {:?}", it.path, it.query));
            assert!(targets.into_iter().all(|target| !target.contains(secret)));
        }
    }
}

fn expect(server: &Server, number: &str, expected: &str) {
    wait_until(&format!("{expected} about {number}"), || {
        get(server.address, &format!("/sales/lookup?telephone={number}")).text().contains(expected)
    });
}

#[test]
fn it_logs_in_in_each_way_finds_callers_and_renews_a_session_that_has_ended() {
    for params in [
        BY_PASSWORD,
        "{ client_id = \"app\", client_secret = \"app-SECRET\" }",
        "{ client_id = \"app\", username = \"ion@example.com\", private_key = \"test-key.pem\" }",
    ] {
        let bench = Bench::new(params, "");
        let server = bench.workplace.serve();
        expect(&server, "0722111222", "\"name\":\"Ana Pop\"");
        expect(&server, "0722555666", "\"name\":null");
        let before = bench.crm.sessions.fetch_add(1, Ordering::SeqCst);
        expect(&server, "0722333444", "\"name\":\"Dan Ionescu\"");
        assert_eq!(bench.crm.sessions.load(Ordering::SeqCst), before + 2, "it was renewed once: {params}");
        bench.end(server);
    }
}

#[test]
fn leads_and_accounts_are_found_as_contacts_are() {
    let bench = Bench::new(BY_PASSWORD, "");
    let server = bench.workplace.serve();
    expect(&server, "0722444000", "{\"id\":\"00QA00000000000046\",\"name\":\"Lia Lead\"");
    expect(&server, "0213100000", "{\"id\":\"001A00000000000048\",\"name\":\"Gama SRL\"");
    expect(&server, "0722777888", "{\"id\":\"003A00000000000045\",\"name\":\"Eva Marin\"");
    // The lead that has become this contact is not found beside it.
    expect(&server, "0722111222", "{\"id\":\"003A00000000000042\",\"name\":\"Ana Pop\"");
    bench.end(server);
}

#[test]
fn a_key_that_is_not_that_of_the_app_is_refused() {
    let by_key = "{ client_id = \"another-app\", username = \"ion@example.com\", private_key = \"test-key.pem\" }";
    let bench = Bench::new(by_key, "");
    let server = bench.workplace.serve();
    for number in 0..5 {
        let reply = get(server.address, &format!("/sales/lookup?telephone=072200000{number}"));
        assert_eq!(reply.header("x-calldex-degraded"), Some("crm"), "{}", reply.text());
    }
    server.wait_for_metrics("calldex_source_refused{source=\"crm\"} 1");
    bench.end(server);
}

#[test]
fn beyond_the_daily_limit_it_is_left_alone() {
    let bench = Bench::new(BY_PASSWORD, "");
    let server = bench.workplace.serve();
    expect(&server, "0722111222", "Ana Pop");
    bench.crm.is_used_up.store(true, Ordering::SeqCst);
    let ask = |number: u32| get(server.address, &format!("/sales/lookup?telephone=07220000{number:02}"));
    assert_eq!(ask(0).header("x-calldex-degraded"), Some("crm"));
    let before = bench.stand_in.received().len();
    bench.crm.is_used_up.store(false, Ordering::SeqCst);
    for number in 1..10 {
        assert_eq!(ask(number).header("x-calldex-degraded"), Some("crm"));
    }
    assert_eq!(bench.stand_in.received().len(), before, "it was asked again");
    bench.end(server);
}

#[test]
fn near_the_daily_limit_it_is_left_to_others() {
    let bench = Bench::new(BY_PASSWORD, "");
    let server = bench.workplace.serve();
    bench.stand_in.order(Fault::Add("Sforce-Limit-Info", "api-usage=4749/5000"));
    expect(&server, "0722111222", "Ana Pop");
    bench.stand_in.order(Fault::Add("Sforce-Limit-Info", "api-usage=4750/5000"));
    expect(&server, "0722333444", "Dan Ionescu");
    let before = bench.stand_in.received().len();
    for number in 0..10 {
        let reply = get(server.address, &format!("/sales/lookup?telephone=07220000{number:02}"));
        assert_eq!(reply.header("x-calldex-degraded"), Some("crm"), "{}", reply.text());
    }
    assert_eq!(bench.stand_in.received().len(), before, "it was asked although less than a twentieth is left");
    bench.end(server);
}

#[test]
fn a_refused_login_is_an_alarm_and_is_not_tried_with_every_call() {
    let wrong = "{ username = \"ion@example.com\", password = \"WRONG-SECRET\", token = \"t\" }";
    let bench = Bench::new(wrong, "");
    let server = bench.workplace.serve();
    for number in 0..10 {
        let reply = get(server.address, &format!("/sales/lookup?telephone=07220000{number:02}"));
        assert_eq!(reply.header("x-calldex-degraded"), Some("crm"));
    }
    assert_eq!(bench.arrived("/services/Soap/u/").len(), 1, "Salesforce locks users out who keep trying");
    server.wait_for_metrics("calldex_source_refused{source=\"crm\"} 1");
    assert_eq!(get(server.address, "/readyz").json()["sources"], json!({ "crm": "refused" }));
    bench.end(server);
}

fn end_a_call(server: &Server) {
    let call = "direction=IN&telephone=0722111222&dnid=0310000000&uniqueid=1.1&agent=101";
    expect(server, "0722111222&dnid=0310000000", "Ana Pop");
    for event in ["queue_answer", "queue_answer_end"] {
        assert_eq!(report(server.address, &format!("/sales/events?event={event}&{call}")).status, 200);
    }
}

#[test]
fn the_journal_makes_a_task_of_the_agent_who_spoke() {
    let agent = "[agent.ion]\nextension = \"101\"\nowner = { crm = \"005A00000000000007\" }\n";
    let bench = Bench::new(BY_PASSWORD, agent);
    let server = bench.workplace.serve();
    end_a_call(&server);
    wait_until("the task", || !bench.arrived(bench.crm.log_path()).is_empty());
    let task = bench.arrived(bench.crm.log_path())[0].json();
    assert_eq!(task["OwnerId"], "005A00000000000007", "{task}");
    assert_eq!((&task["WhoId"], &task["CallType"]), (&json!("003A00000000000042"), &json!("Inbound")), "{task}");
    assert!(task["CallObject"].as_str().is_some_and(|key| !key.is_empty()), "{task}");
    bench.end(server);
}

#[test]
fn the_journal_calls_the_class_of_the_customer() {
    let class = ", webservices = { send_call = { xml = \"CreateActivitiesWebService\", method = \"sendCallInfo\" } } }";
    let bench = Bench::new(&BY_PASSWORD.replace(" }", class), "");
    let server = bench.workplace.serve();
    end_a_call(&server);
    let path = "/services/Soap/class/CreateActivitiesWebService";
    wait_until("the call of the class", || !bench.arrived(path).is_empty());
    let sent = bench.arrived(path).remove(0);
    assert!(sent.body.contains("sendCallInfo") && sent.body.contains("0722111222"), "{}", sent.body);
    assert!(bench.arrived(bench.crm.log_path()).is_empty(), "a task beside the class");
    bench.end(server);
}
