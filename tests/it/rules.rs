//! Rules in the running server: they decide, explain themselves, look back at calls, and a configuration whose tests fail
//! is not used.

use crate::harness::{CONFIGURATION, TOKEN, Workplace, get, report, send, text, wait_until};

/// A rule that sends every customer to a queue, and a test that expects one.
fn rules(project: &str, queue: &str, expected: &str) -> String {
    format!(
        "[[project.{project}.rule]]\ntitle = \"everybody\"\nqueue = \"{queue}\"\n\
         [[project.{project}.test]]\ntelephone = \"0722111222\"\ncontact = {{ id = 1 }}\nexpect = {{ direct_line = \"{expected}\" }}\n"
    )
}

#[test]
fn a_configuration_whose_own_tests_fail_is_refused_and_the_old_one_stays() {
    let workplace = Workplace::with_contacts();
    workplace.write("calldex.toml", format!("{CONFIGURATION}\n{}", rules("sales", "first", "first")));
    let server = workplace.serve();
    assert_eq!(server.lookup("telephone=0722111222").json()["direct_line"], "first");
    workplace.write("calldex.toml", format!("{CONFIGURATION}\n{}", rules("sales", "second", "first")));
    server.wait_for_log("expects direct_line = \"first\", found \"second\": rule 1 (everybody) set it");
    assert_eq!(server.lookup("telephone=0722111222").json()["direct_line"], "first");
    workplace.write("calldex.toml", format!("{CONFIGURATION}\n{}", rules("sales", "second", "second")));
    wait_until("the new rule", || server.lookup("telephone=0722111222").json()["direct_line"] == "second");
}

#[test]
fn a_project_file_whose_tests_fail_keeps_its_last_good_copy() {
    let workplace = Workplace::with_contacts();
    workplace
        .write("calldex.toml", CONFIGURATION.replace("[directory.customers]", "[directory.customers]\nshared = true"));
    let file = |queue: &str, expected: &str| {
        let project = format!("[project.acme]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = [\"customers\"]\n");
        format!("{project}{}", rules("acme", queue, expected))
    };
    workplace.write("projects/acme.toml", file("first", "first"));
    let server = workplace.serve();
    let line = || {
        get(server.address, &format!("/acme/lookup?telephone=0722111222&token={TOKEN}")).json()["direct_line"].clone()
    };
    assert_eq!(line(), "first");
    workplace.write("projects/acme.toml", file("second", "first"));
    server.wait_for_log("found \"second\"");
    assert_eq!(line(), "first");
}

#[test]
fn the_command_line_checks_and_explains_rules() {
    let workplace = Workplace::with_contacts();
    workplace.write("calldex.toml", format!("{CONFIGURATION}\n{}", rules("sales", "first", "other")));
    let said = workplace.fail(&["config", "check"]);
    assert!(said.contains("expects direct_line = \"other\", found \"first\""), "{said}");
    workplace.write("calldex.toml", format!("{CONFIGURATION}\n{}", rules("sales", "first", "first")));
    let output = workplace.run(&["lookup", "0722111222", "--project", "sales", "--explain"]);
    let said = text(&output.stdout);
    assert!(said.contains("rule 1 (everybody) fired: set direct_line"), "{said}");
    assert!(said.contains("direct_line: set by rule 1 (everybody)"), "{said}");
}

#[test]
fn two_calls_that_nobody_took_are_remembered_by_a_rule() {
    let workplace = Workplace::with_contacts();
    let rule = "[[project.sales.rule]]\nwhen = \"history.last_hour.abandoned >= 2 and (caller.found or caller.unknown)\"\nqueue_position = 0\n";
    workplace.write("calldex.toml", format!("{CONFIGURATION}\n{rule}"));
    let server = workplace.serve();
    let place = |number: &str| server.lookup(&format!("telephone={number}")).json()["queue_position"].clone();
    let missed = |call: u32| {
        let event = format!(
            "/sales/events?event=missed_calls&project_id=sales&queue=q&queue_hold_time=5&telephone=0744000111&dnid=0310000000\
             &dnid_identifier=&contact_id=&fail_reason=queue_hangup&explain_reason=&uniqueid=176000000{call}.1&token={TOKEN}"
        );
        assert_eq!(report(server.address, &event).status, 200);
    };
    missed(1);
    assert!(place("0744000111").is_null());
    missed(2);
    wait_until("both calls to be remembered", || place("0744000111") == 0);
    assert!(place("0744000222").is_null(), "another number");
    let by_hand = |number: &str| {
        let output = workplace.run(&["lookup", number, "--project", "sales"]);
        (text(&output.stdout).contains("\"queue_position\":0"), text(&output.stderr))
    };
    assert_eq!(by_hand("0744000111"), (true, String::new()), "the command line says what the server does, beside it");
    assert_eq!(by_hand("0744000222"), (false, String::new()));
    assert_eq!(server.stop().code(), Some(0));
    workplace.write("calldex-events.db", "no database at all");
    let (urgent, said) = by_hand("0744000111");
    assert!(!urgent && said.contains("earlier calls cannot be read, rules see none"), "{said}");
}

#[test]
fn what_else_a_pbx_sends_is_seen_by_rules_from_every_side() {
    let workplace = Workplace::with_contacts();
    let rule =
        "[[project.sales.rule]]\nwhen = \"call.params.do_something == 'true'\"\nlanguage = \"hu\"\nqueue = \"asked\"\n";
    workplace.write("calldex.toml", format!("{CONFIGURATION}\n{rule}"));
    let server = workplace.serve();
    let line = |extra: &str| server.lookup(&format!("telephone=0722111222{extra}")).json()["direct_line"].clone();
    assert_eq!((line("&do_something=true"), line("&do_something=x")), ("asked".into(), "SIP/ion-popescu".into()));
    let by_soap = |argument: &str| {
        let body = format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><getCallerInfo><telephone>0722111222</telephone>\
             <dnid/><token>{TOKEN}</token>{argument}</getCallerInfo></e:Body></e:Envelope>"
        );
        let head = format!(
            "POST /sales/soap HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n",
            body.len()
        );
        send(server.address, format!("{head}Connection: close\r\n\r\n{body}").as_bytes()).text().contains(">asked</")
    };
    assert!(by_soap("<do_something>true</do_something>") && !by_soap("<do_something>false</do_something>"));
    let by_hand = |extra: &[&str]| {
        let arguments = [&["lookup", "0722111222", "--project", "sales"][..], extra].concat();
        text(&workplace.run(&arguments).stdout).contains("\"direct_line\":\"asked\"")
    };
    assert!(by_hand(&["--param", "do_something=true", "--param", "x=a=b"]));
    assert!(!by_hand(&["--param", "do_something=false"]) && !by_hand(&[]));
    let said = workplace.run(&["lookup", "0722111222", "--param", "do_something"]);
    assert_eq!(said.status.code(), Some(2));
    assert!(text(&said.stderr).contains("expected NAME=VALUE"), "{}", text(&said.stderr));
}

#[test]
fn a_call_that_contradicts_itself_is_for_rules_a_caller_whom_nobody_knows() {
    let workplace = Workplace::with_contacts();
    let rules = "[[project.sales.rule]]\nwhen = \"list.vip\"\nqueue = \"vips\"\n[project.sales.list.vip]\n\
                 [[project.sales.list.vip.entry]]\nnumber = \"0722111222\"\n\
                 [[project.sales.rule]]\nwhen = \"caller.unknown\"\nqueue = \"strangers\"\nname = \"{{ call.telephone.kind }}\"\n";
    workplace.write("calldex.toml", format!("{CONFIGURATION}\n{rules}"));
    let server = workplace.serve();
    for query in [
        "telephone=0722111222&telephone=0799999999",
        "telephone=0722111222&dnid=0310000001&dnid=0310000002",
        "telephone=0722111222&telephone=",
    ] {
        let reply = server.lookup(query);
        let json = reply.json();
        assert_eq!((reply.status, &json["direct_line"]), (200, &"strangers".into()), "{query}");
        assert!(json["id"].is_null() && json["backend_link"].is_null(), "{json}");
        assert!(reply.header("x-calldex-warning").is_some(), "{query}");
    }
    assert_eq!(server.lookup("telephone=0722111222").json()["direct_line"], "vips");
}
