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
    let call = "direction=IN&telephone=0722111222&dnid=0310000000&uniqueid=1.1&agent=101&queue=support&queue_hold_time=7\
                &billsec=61&recording=https://pbx.example.com/1.wav%3Fa=1%26b=2";
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
fn the_journal_calls_the_class_of_the_customer_with_all_that_is_known_and_again_when_the_answer_was_lost() {
    let fields = [
        ("key", None),
        ("project", Some("sales")),
        ("uniqueid", Some("1.1")),
        ("direction", Some("IN")),
        ("telephone", Some("0722111222")),
        ("number", Some("+40722111222")),
        ("dnid", Some("0310000000")),
        ("queue", Some("support")),
        ("agent", Some("101")),
        ("outcome", Some("answered")),
        ("recording", Some("https://pbx.example.com/1.wav?a=1&amp;b=2")),
        ("waited", Some("7")),
        ("duration", Some("61")),
        ("contact_id", Some("003A00000000000042")),
        ("name", Some("Ana Pop")),
    ];
    let arguments: Vec<String> = fields.iter().map(|(field, _)| format!("arg_{field} = \"{field}\"")).collect();
    let class = format!(
        ", webservices = {{ send_call = {{ xml = \"Calls\", method = \"sendCallInfo\", arguments = {{ {} }} }} }} }}",
        arguments.join(", ")
    );
    let bench = Bench::new(&BY_PASSWORD.replace(" }", &class), "");
    let server = bench.workplace.serve();
    let path = "/services/Soap/class/Calls";
    bench.stand_in.order(Fault::Lose(path));
    end_a_call(&server);
    wait_until("the call of the class", || !bench.arrived(path).is_empty());
    bench.stand_in.order(Fault::None);
    let written = || bench.workplace.succeed(&["journal", "list", "--written", "--json"]);
    wait_until("the call to be written", || !written().is_empty());
    let key = serde_json::from_str::<serde_json::Value>(&written()).unwrap()["key"].as_str().unwrap().to_owned();
    let sent = bench.arrived(path);
    assert!(sent.len() >= 2, "a lost answer is no answer");
    for request in &sent {
        for (field, value) in &fields {
            let expected = format!("<ns1:arg_{field}>{}</ns1:arg_{field}>", value.unwrap_or(&key));
            assert!(request.body.contains(&expected), "{expected}: {}", request.body);
        }
        assert_eq!(request.body, sent[0].body, "the same call is sent again");
    }
    assert!(bench.arrived(bench.crm.log_path()).is_empty(), "a task beside the class");
    bench.end(server);
}

const CLASS: &str =
    ", webservices = { send_call = { xml = \"CreateActivitiesWebService\", method = \"sendCallInfo\" } } }";

#[test]
fn a_call_is_written_down_from_the_command_line() {
    let call =
        r#"{ "key": "by-hand-1", "number": "+40722111222", "outcome": "answered", "agent": "101", "duration": 61 }"#;
    let agent = "[agent.ion]\nextension = \"101\"\nowner = { crm = \"005A00000000000007\" }\n";
    let command = ["recipe", "call", "crm", "log_call", "--event", "call.json"];
    let bench = Bench::new(BY_PASSWORD, agent);
    bench.workplace.write("call.json", call);
    assert_eq!(bench.workplace.succeed(&command), "written down\n");
    let task = bench.arrived(bench.crm.log_path())[0].json();
    assert_eq!((&task["CallObject"], &task["OwnerId"]), (&json!("by-hand-1"), &json!("005A00000000000007")), "{task}");
    let bench = Bench::new(&BY_PASSWORD.replace(" }", CLASS), "");
    bench.workplace.write("call.json", call);
    assert_eq!(bench.workplace.succeed(&command), "written down\n");
    let sent = bench.arrived("/services/Soap/class/CreateActivitiesWebService");
    assert!(sent[0].body.contains("+40722111222"), "{}", sent[0].body);
}

#[test]
fn a_class_without_its_wsdl_costs_no_caller_and_a_check_says_what_is_missing() {
    let bench = Bench::new(&BY_PASSWORD.replace(" }", CLASS), "");
    std::fs::remove_file(bench.workplace.path("CreateActivitiesWebService.wsdl")).unwrap();
    let checked = bench.workplace.succeed(&["config", "check"]);
    let missing = "finished calls are not sent to its class: there is no file CreateActivitiesWebService.wsdl";
    assert!(checked.contains(missing), "{checked}");
    let server = bench.workplace.serve();
    expect(&server, "0722111222", "Ana Pop");
    server.wait_for_log(missing);
    bench.end(server);
    let bench = Bench::new("{ client_id = \"app\", username = \"ion@example.com\", private_key = \"none.pem\" }", "");
    let checked = bench.workplace.succeed(&["config", "check"]);
    assert!(checked.contains("[source.crm]: cannot be asked: cannot read the file of the private key"), "{checked}");
}
