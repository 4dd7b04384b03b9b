//! The wording of every mistake that can be known before a call is there, in one snapshot.

use super::said;

const CASES: &[&str] = &[
    r#"when = "contact.agent and""#,
    r#"when = "contct.name""#,
    r#"when = "kontakt""#,
    r#"when = "contact.ownr""#,
    r#"when = "call.telephone""#,
    r#"when = "call.telephone == '0722111222'""#,
    r#"when = "call.telephone.e146""#,
    r#"when = "call.number""#,
    r#"when = "call""#,
    r#"when = "caller""#,
    r#"when = "caller.unkown""#,
    r#"when = "time.hours""#,
    r#"when = "time.hours.offic""#,
    r#"when = "time.weekdy == 'monday'""#,
    r#"when = "list.vpi""#,
    r#"when = "list['vip']""#,
    r#"when = "history.calls > 1""#,
    r#"when = "history.last_hour > 1""#,
    r#"when = "history.last_hour.abandonned > 1""#,
    r#"when = "contact.balance > 0""#,
    r#"when = "contact.name | lowercase == 'ana'""#,
    r#"when = "call.e164 is startswith('+40')""#,
    r#"when = "debug()""#,
    r#"name = "{{ contact.name ""#,
    r#"name = "{{ contct.name }}""#,
    r#"name = "{{ contact.name | uper }}""#,
    r#"name = "{{ call.route }}""#,
    r#"name = "{% include 'x' %}""#,
    r#"name = "{% set name = contact.name %}{{ name }}""#,
    "queue_position = 101",
    r#"queue_position = "-1""#,
    r#"queue_position = "high""#,
    r#"direct_line = "+40722111222""#,
    r#"direct_line = "SIP/a&SIP/b""#,
    r#"direct_line = "old-queue""#,
    r#"direct_line = "${SECRET}""#,
    r#"agent = "ion-popesc""#,
    r#"agent = "${SECRET}""#,
    r#"queue = "SIP/ion""#,
    r#"queue = "112""#,
    r#"queue = "sales-queu""#,
    r#"route_identifier = "mian""#,
    r#"backend_link = "javascript:alert(1)""#,
    r#"outbound_number = "main line""#,
    r#"language = "romanian!""#,
];

const TESTS: &[&str] = &[
    r#"telephone = "0722111222"
expect = { queue_position = 5 }"#,
    r#"telephone = "0722111222"
contact = { id = 1, name = "Ana" }
expect = { name = "Dan", direct_line = "" }"#,
    r#"title = "with a title"
telephone = "anonymous"
expect = { name = "hidden" }"#,
    r#"telephone = "0722111222"
contact = { id = 1, agent = "ion" }
expect = { id = 1 }"#,
    r#"telephone = "0722111222"
contact = { id = 1, direct_line = "+40900123456" }
expect = { direct_line = "+40900123456", backend_link = "https://crm.example.com/?key=1" }"#,
];

const HOME: &str = r#"
queues = ["sales-queue"]
[project.sales.hours.office]
open = ["mon-fri 09:00-18:00"]
[project.sales.list.vip]
[[project.sales.route]]
identifier = "main"
"#;

#[test]
fn every_mistake_is_answered_with_what_was_found_and_the_nearest_right_thing() {
    let mut all = String::new();
    for case in CASES {
        let set = if case.starts_with("when") { "\nqueue = \"sales-queue\"" } else { "" };
        let found = said(&format!("{HOME}[[project.sales.rule]]\n{case}{set}\n"));
        assert!(!found.is_empty(), "nothing is said about {case}");
        assert!(!found.contains("topsecret"), "{found}");
        all.push_str(&format!("{case}\n    {}\n\n", found.replace('\n', "\n    ")));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_test_that_fails_says_what_was_expected_what_was_found_and_which_rule_did_it() {
    let rules = "backend_link = \"https://crm.example.com/?key=${SECRET}\"\n[[project.sales.rule]]\ntitle = \"by name\"\nwhen = \"contact.name\"\n\
                 queue = \"sales-queue\"\n[[project.sales.rule]]\nwhen = \"caller.unknown\"\nqueue_position = \"{{ call.params.place }}\"\n";
    let mut all = String::new();
    for test in TESTS {
        let found = said(&format!("{rules}[[project.sales.test]]\n{test}\n"));
        assert!(!found.contains("topsecret"), "{found}");
        all.push_str(&format!("{test}\n    {}\n\n", found.replace('\n', "\n    ")));
    }
    insta::assert_snapshot!(all);
}
