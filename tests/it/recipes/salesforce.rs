//! Salesforce through the whole program: logins, a session that ends, the daily limit, calls written down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::stand_in::{Answer, Crm, PEOPLE, Request, StandIn, basic, containing};
use crate::harness::{Server, Workplace, get, wait_until};

const SECRETS: [&str; 5] = ["pw-SECRET", "WRONG-SECRET", "TOKEN-SECRET", "app-SECRET", "00D!session"];
const BY_PASSWORD: &str = "{ username = \"ion@example.com\", password = \"pw-SECRET\", token = \"TOKEN-SECRET\"";

/// A Salesforce with sessions that are numbered, so that the last one counts.
#[derive(Default)]
struct Salesforce {
    sessions: AtomicUsize,
    is_used_up: AtomicBool,
}

impl Salesforce {
    fn session(&self) -> String {
        format!("00D!session{}", self.sessions.load(Ordering::SeqCst))
    }

    fn log_in(&self, request: &Request) -> Answer {
        if !request.body.contains("<ns1:password>pw-SECRETTOKEN-SECRET</ns1:password>") {
            return fault("INVALID_LOGIN");
        }
        self.sessions.fetch_add(1, Ordering::SeqCst);
        xml(
            200,
            &format!(
                "<loginResponse><result><serverUrl>http://{}/services/Soap/u/59.0/00D</serverUrl>\
                 <sessionId>{}</sessionId></result></loginResponse>",
                request.header("host"),
                self.session()
            ),
        )
    }

    fn grant(&self, request: &Request) -> Answer {
        let lets_in = match request.form("grant_type").as_str() {
            "client_credentials" => request.header("authorization") == basic("app", "app-SECRET"),
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => request.form("assertion").split('.').count() == 3,
            _ => false,
        };
        if !lets_in {
            return Answer::json(400, &json!({ "error": "invalid_client" }));
        }
        self.sessions.fetch_add(1, Ordering::SeqCst);
        let instance = format!("http://{}", request.header("host"));
        Answer::json(200, &json!({ "access_token": self.session(), "instance_url": instance }))
    }

    fn data(&self, request: &Request) -> Answer {
        if request.header("authorization") != format!("Bearer {}", self.session()) {
            let error = json!([{ "message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID" }]);
            return Answer::json(401, &error);
        }
        if self.is_used_up.load(Ordering::SeqCst) {
            return Answer::json(403, &json!([{ "message": "no", "errorCode": "REQUEST_LIMIT_EXCEEDED" }]));
        }
        match request.path.trim_start_matches("/services/data/v59.0/") {
            "search/" => {
                let terms = request.query("q").split(['{', '}']).nth(1).unwrap_or("none");
                let found = PEOPLE.into_iter().filter(|person| {
                    terms.split(" OR ").any(|term| containing(term).iter().any(|found| found.id == person.id))
                });
                let record = |id, name, phone| {
                    json!({ "attributes": { "type": "Contact" }, "Id": format!("003A00000000000{id:03}"), "Name": name,
                            "Phone": phone })
                };
                let records: Vec<Value> = found.map(|person| record(person.id, person.name, person.phone)).collect();
                Answer::json(200, &json!({ "searchRecords": records })).with("Sforce-Limit-Info", "api-usage=18/5000")
            }
            "query/" => Answer::json(200, &json!({ "totalSize": 0, "done": true, "records": [] })),
            "sobjects/Task/" => Answer::json(201, &json!({ "id": "00TA00000000000001", "success": true })),
            _ => Answer::json(404, &json!([{ "message": "no", "errorCode": "NOT_FOUND" }])),
        }
    }

    fn class(&self, request: &Request) -> Answer {
        let header =
            format!("<ns1:SessionHeader><ns1:sessionId>{}</ns1:sessionId></ns1:SessionHeader>", self.session());
        if !request.body.contains(&header) {
            return fault("INVALID_SESSION_ID");
        }
        xml(200, "<sendCallInfoResponse><result>ok</result></sendCallInfoResponse>")
    }
}

fn xml(status: u16, body: &str) -> Answer {
    Answer::xml(
        status,
        &format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"urn:partner.soap.sforce.com\" \
             xmlns:sf=\"urn:fault.partner.soap.sforce.com\"><e:Body>{body}</e:Body></e:Envelope>"
        ),
    )
}

fn fault(code: &str) -> Answer {
    xml(500, &format!("<e:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}</faultstring></e:Fault>"))
}

impl Crm for Salesforce {
    fn recipe(&self) -> &'static str {
        "salesforce"
    }
    fn params(&self) -> &'static str {
        ""
    }
    fn secrets(&self) -> &'static [&'static str] {
        &SECRETS
    }
    fn lets_in(&self, _: &Request) -> bool {
        true
    }
    fn refuse(&self) -> Answer {
        fault("INVALID_LOGIN")
    }
    fn answer(&self, request: &Request) -> Answer {
        match request.path.as_str() {
            "/services/Soap/u/59.0" => self.log_in(request),
            "/services/oauth2/token" => self.grant(request),
            path if path.starts_with("/services/Soap/class/") => self.class(request),
            _ => self.data(request),
        }
    }
    fn link(&self) -> &'static str {
        "/003A00000000000042"
    }
    fn log_path(&self) -> &'static str {
        "/services/data/v59.0/sobjects/Task/"
    }
}

struct Bench {
    crm: Arc<Salesforce>,
    stand_in: StandIn,
    workplace: Workplace,
}

impl Bench {
    fn new(params: &str, more: &str) -> Self {
        let crm = Arc::new(Salesforce::default());
        let stand_in = StandIn::start(Arc::clone(&crm) as Arc<dyn Crm>);
        let text = super::configuration("salesforce", &stand_in.url, params) + more;
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
        &format!("{BY_PASSWORD} }}"),
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
fn beyond_the_daily_limit_it_is_left_alone() {
    let bench = Bench::new(&format!("{BY_PASSWORD} }}"), "");
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
        assert_eq!(get(server.address, &format!("/sales/events?event={event}&{call}")).status, 200);
    }
}

#[test]
fn the_journal_makes_a_task_of_the_agent_who_spoke() {
    let agent = "[agent.ion]\nextension = \"101\"\nowner = { crm = \"005A00000000000007\" }\n";
    let bench = Bench::new(&format!("{BY_PASSWORD} }}"), agent);
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
    let bench = Bench::new(&format!("{BY_PASSWORD}{class}"), "");
    let server = bench.workplace.serve();
    end_a_call(&server);
    let path = "/services/Soap/class/CreateActivitiesWebService";
    wait_until("the call of the class", || !bench.arrived(path).is_empty());
    let sent = bench.arrived(path).remove(0);
    assert!(sent.body.contains("sendCallInfo") && sent.body.contains("0722111222"), "{}", sent.body);
    assert!(bench.arrived(bench.crm.log_path()).is_empty(), "a task beside the class");
    bench.end(server);
}
