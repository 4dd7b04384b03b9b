//! Rules and callers who were found by a guess: for what steers, such a caller counts as one whom nobody knows.

use super::{Case, project};
use crate::model::{CallerData, Field};
use crate::number::ladder::Rung;

fn decide(keys: &str, rule: &str, rung: Rung) -> CallerData {
    let fields = [(Field::Name, "Ana"), (Field::Company, "Acme"), (Field::DirectLine, "SIP/own")];
    let text = format!(
        "{keys}\n[project.sales.list.vip]\n[[project.sales.list.vip.entry]]\ndirectory = \"vips\"\n[[project.sales.rule]]\n{rule}"
    );
    Case { source: "vips", ..Case::found(&fields, rung) }.decide(&project(&text)).caller_data.as_ref().clone()
}

#[test]
fn a_rule_that_looks_at_a_guess_steers_nothing() {
    for rule in [
        "when = \"contact.name\"\nqueue = \"q\"",
        "queue = \"q\"",
        "when = \"caller.found\"\nqueue = \"{{ contact.rung }}\"",
        "when = \"list.vip\"\nqueue = \"q\"",
        "when = \"candidates\"\nqueue = \"q\"",
    ] {
        for rung in [Rung::Alias, Rung::Block, Rung::Tail] {
            assert_eq!(decide("", rule, rung).direct_line, None, "{rule} {rung:?}");
        }
        assert!(decide("", rule, Rung::Exact).direct_line.is_some(), "{rule}");
    }
}

#[test]
fn a_rule_that_would_say_the_same_of_a_stranger_steers() {
    let rule = "when = \"caller.found or caller.unknown\"\nqueue = \"q\"";
    assert_eq!(decide("", rule, Rung::Tail).direct_line.as_deref(), Some("q"));
}

#[test]
fn a_guess_steers_where_the_project_says_so() {
    let rule = "when = \"contact.name\"\nqueue = \"q\"";
    assert_eq!(decide("alias_steers = true", rule, Rung::Alias).direct_line.as_deref(), Some("q"));
    assert_eq!(decide("block_steers = true", rule, Rung::Block).direct_line.as_deref(), Some("q"));
    assert_eq!(decide("alias_steers = true\nblock_steers = true", rule, Rung::Tail).direct_line, None);
}

#[test]
fn a_tail_gets_a_name_with_its_question_mark_and_no_page() {
    let rule = "name = \"VIP {{ contact.name }}\"\nbackend_link = \"https://crm.example.com/{{ contact.name }}\"";
    let data = decide("tail = true", rule, Rung::Tail);
    assert_eq!((data.name.as_deref(), data.backend_link, data.id), (Some("VIP Ana ?"), None, None));
    assert!(decide("", rule, Rung::Alias).backend_link.is_some());
}
