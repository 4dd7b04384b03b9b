//! A service of PHP's `SoapServer` is called, in each style of its WSDLs and without one.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::harness::{Workplace, get, own_port, report, wait_until};
use crate::php::has_php_with;

/// PHP's own web server with the service of tests/data/soap; it is killed when it is dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) port: u16,
}

impl Service {
    /// Starts it on a port that is free, and on another one when somebody else was quicker.
    pub(crate) fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/soap/server.php");
        for _ in 0..20 {
            let port = own_port();
            let mut command = Command::new("php");
            command.args(["-S", &format!("127.0.0.1:{port}"), script]).env_remove("PHP_CLI_SERVER_WORKERS");
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let mut is_there = false;
            wait_until("PHP's web server", || {
                let ended = child.try_wait().unwrap().is_some();
                is_there = !ended && TcpStream::connect(("127.0.0.1", port)).is_ok();
                ended || is_there
            });
            if is_there {
                return Self { child, port };
            }
        }
        panic!("PHP's web server did not start");
    }

    fn url(&self, query: &str) -> String {
        format!("http://127.0.0.1:{}/?{query}", self.port)
    }
}

impl Service {
    /// The file in which it keeps the calls that it is told of.
    fn calls(&self) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("calldex-calls-{}", self.port))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.calls());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A source of a project of its own, by the name of both.
fn section(name: &str, url: &str, params: &str) -> String {
    format!(
        "[source.{name}]\ntype = \"soap\"\ncountry = \"RO\"\nurl = \"{url}\"\n\
         params = \"func_name=getCallerInfo&init_params[login]=asdf&init_params[password]=${{PASSWORD}}&\
         func_params[do_something]=true{params}\"\n\
         [project.p-{name}]\ncountry = \"RO\"\ntokens = [\"a-token-for-the-tests-0123456789\"]\nsources = [\"{name}\"]\n\
         deadline = \"10s\"\n"
    )
}

const START: &str = "[server]\nlisten = \"127.0.0.1:0\"\nadmin_tokens = [\"an-administrators-token-0123456789\"]\n";

const PLAIN: &str = "&init_params[uri]=urn:callerdata";

pub(crate) fn has_soap() -> bool {
    has_php_with("soap", "php-soap", "SOAP services of PHP")
}

/// What a project answers to a call from 0722 111 222 on 0310000000.
fn ask(server: &crate::harness::Server, name: &str) -> crate::harness::Reply {
    let query = "telephone=%2B40722111222&dnid=0310000000&token=a-token-for-the-tests-0123456789";
    get(server.address, &format!("/p-{name}/lookup?{query}"))
}

#[test]
fn every_style_of_a_service_of_php_is_called_as_it_wants_to_be() {
    if !has_soap() {
        return;
    }
    let service = Service::start();
    let all = "0722111222|0310000000|true";
    let rows = [
        ("doclit", "style=doclit".to_owned(), "", all),
        ("doclit12", "style=doclit12".to_owned(), "", all),
        ("doclit-opt", "style=doclit_opt".to_owned(), "", "0722111222|0310000000|"),
        ("rpclit", "style=rpclit".to_owned(), "", all),
        ("rpcenc", "style=rpcenc".to_owned(), "", all),
        ("rpcenc-map", "style=rpcenc_map".to_owned(), "", all),
        ("rpcenc-any", "style=rpcenc_any".to_owned(), "", all),
        ("rpcenc-any-struct", "style=rpcenc_any".to_owned(), "&arguments=struct", all),
        ("positional-wsdl", "style=rpcenc".to_owned(), "&arguments=positional&order=telephone,dnid,do_something", all),
        ("object", "style=rpcenc_any&answer=object".to_owned(), "", all),
        ("map", String::new(), PLAIN, all),
        ("struct", String::new(), "&init_params[uri]=urn:callerdata&arguments=struct", all),
        ("named", String::new(), "&init_params[uri]=urn:callerdata&arguments=named", "true|0722111222|0310000000"),
        ("positional", "answer=json".to_owned(), "&init_params[uri]=urn:callerdata&arguments=positional", all),
        ("literal", String::new(), "&init_params[uri]=urn:callerdata&arguments=positional&use=literal", all),
        ("soap12", "version=1.2".to_owned(), "&init_params[uri]=urn:callerdata&version=1.2", all),
    ];
    let sections = rows.iter().map(|(name, query, params, _)| section(name, &service.url(query), params));
    let workplace = Workplace::new(&(START.to_owned() + &sections.collect::<String>()));
    let server = workplace.serve_with(|command| {
        command.env("PASSWORD", "12&34+");
    });
    for (name, _, _, seen) in rows {
        let answer = ask(&server, name);
        assert_eq!(answer.json()["name"], seen, "{name}: {}", server.log());
        assert_eq!(answer.json()["id"], 12345, "{name}");
    }
}

#[test]
fn a_call_that_is_over_is_written_down_by_a_function_of_the_service() {
    if !has_soap() {
        return;
    }
    let service = Service::start();
    let _ = std::fs::remove_file(service.calls());
    let order = "&init_params[uri]=urn:callerdata&arguments=positional&log_order=uniqueid,outcome,telephone,duration";
    let log = |name: &str, params: &str| {
        section(name, &service.url(""), &format!("{params}&log_func=sendCallInfo")).replace(
            "[project.",
            &format!(
                "[project.j-{name}]\ncountry = \"RO\"\ntokens = \
             [\"a-token-for-the-tests-0123456789\"]\nsources = [\"{name}\"]\njournal = [\"{name}\"]\n[project."
            ),
        )
    };
    let workplace = Workplace::new(&(START.to_owned() + &log("map", PLAIN) + &log("places", order)));
    let server = workplace.serve_with(|command| {
        command.env("PASSWORD", "12&34+");
    });
    let token = "token=a-token-for-the-tests-0123456789";
    for name in ["map", "places"] {
        let call =
            format!("telephone=%2B40722111222&dnid=0310000000&uniqueid={name}.1&queue=shop&agent=101&direction=IN");
        let more = "queue_hold_time=7&billsec=61&recording=https://pbx.example.com/1.wav%3Fa=1%26b=2";
        for event in ["queue_answer", "queue_answer_end"] {
            let target = format!("/j-{name}/events?event={event}&{call}&{more}&{token}");
            assert_eq!(report(server.address, &target).status, 200);
        }
    }
    let calls = || -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(service.calls()).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    wait_until("both calls to be written", || calls().len() == 2);
    let calls = calls();
    let map = calls.iter().find(|arguments| arguments[0].is_object()).unwrap();
    for (field, value) in [
        ("telephone", json!("0722111222")),
        ("number", json!("+40722111222")),
        ("dnid", json!("0310000000")),
        ("project", json!("j-map")),
        ("direction", json!("in")),
        ("outcome", json!("answered")),
        ("queue", json!("shop")),
        ("agent", json!("101")),
        ("waited", json!(7)),
        ("duration", json!(61)),
        ("recording", json!("https://pbx.example.com/1.wav?a=1&b=2")),
        ("contact_id", json!("12345")),
        ("uniqueid", json!("map.1")),
        ("do_something", json!("true")),
        ("remote_number", json!(null)),
    ] {
        assert_eq!(map[0][field], value, "{field}: {map}");
    }
    assert!(map[0]["key"].as_str().unwrap().ends_with("-answered"), "{map}");
    let places = calls.iter().find(|arguments| !arguments[0].is_object()).unwrap();
    assert_eq!(*places, json!(["places.1", "answered", "0722111222", 61]));
}

#[test]
fn nobody_a_fault_and_a_refusal_are_told_apart_and_no_secret_is_logged() {
    if !has_soap() {
        return;
    }
    let service = Service::start();
    let configuration = START.to_owned()
        + &section("nobody", &service.url("answer=null"), PLAIN)
        + &section("fault", &service.url("answer=fault"), PLAIN)
        + &section("exception", &service.url("answer=exception"), PLAIN)
        + &section("known-fault", &service.url("answer=fault"), &format!("{PLAIN}&unknown_fault=no customer"))
        + &section("refused", &service.url(""), PLAIN).replace("${PASSWORD}", "wrong-one")
        + &section("function", &service.url("style=doclit"), "").replace("getCallerInfo", "getCaller");
    let workplace = Workplace::new(&configuration);
    let server = workplace.serve_with(|command| {
        command.env("PASSWORD", "12&34+").env("RUST_LOG", "debug");
    });
    for (name, degraded, words) in [
        ("nobody", false, ""),
        ("known-fault", false, ""),
        ("fault", true, "Server: no customer with"),
        ("exception", true, "status 500"),
        ("refused", true, "refuses the credentials"),
        ("function", true, "no function getCaller; it has getCallerInfo"),
    ] {
        let answer = ask(&server, name);
        assert_eq!((answer.status, answer.json()["name"].is_null()), (200, true), "{name}");
        assert_eq!(answer.header("x-calldex-degraded").is_some(), degraded, "{name}: {}", server.log());
        let request = answer.header("x-request-id").unwrap();
        let explained = crate::harness::send(
            server.address,
            format!(
                "GET /p-{name}/explain?request={request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                 Authorization: Bearer an-administrators-token-0123456789\r\n\r\n"
            )
            .as_bytes(),
        );
        assert!(explained.text().contains(words), "{name}: {}", explained.text());
        assert!(
            !explained.text().contains("12&34+") && !explained.text().contains("wrong-one"),
            "{}",
            explained.text()
        );
    }
    let log = server.whole_log();
    assert!(!log.contains("12&34+") && !log.contains("wrong-one") && !log.contains("0722111222"), "{log}");
}
