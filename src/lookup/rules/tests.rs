//! The rules as a whole, by their own tests: each case is a project with `[[project.sales.test]]`.

use super::check;
use crate::config::{Complaint, load_text};

/// What is wrong with a project with these keys and tables.
fn complaints(text: &str) -> Vec<Complaint> {
    let head = "[directory.customers]\ncountry = \"RO\"\n[directory.vips]\ncountry = \"RO\"\n[agent.ion-popescu]\nemail = \"ion@acme.ro\"\n\
                owner = { customers = \"7\" }\n[agent.ana]\n[project.sales]\ncountry = \"RO\"\nopen = true\n\
                sources = [\"customers\", \"vips\"]\ntimezone = \"Europe/Bucharest\"\n";
    let config = load_text(&format!("{head}{text}"), &|_| None).unwrap();
    check(&config.projects["sales"])
}

/// The messages, one a line.
fn said(text: &str) -> String {
    complaints(text).into_iter().map(|complaint| complaint.message).collect::<Vec<_>>().join("\n")
}

#[test]
fn params_are_seen() {
    let text = "[[project.sales.rule]]\nwhen = \"caller.unknown\"\nqueue_position = \"{{ call.params.q }}\"\n[[project.sales.test]]\ntelephone = \"0722111222\"\nparams = { q = \"20\" }\nexpect = { queue_position = 20 }\n";
    assert_eq!(said(text), "");
}
