//! The rules as a whole. Most cases are projects with `[[project.sales.test]]`, run as the configuration runs them.

mod clock;
mod guesses;
mod hostile;
mod mistakes;
mod random;
mod targets;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Facts, Ruleset, check};
use crate::config::{Config, Project, load_text};
use crate::directory::Hit;
use crate::lookup::Outcome;
use crate::lookup::decide::{Decision, decide};
use crate::lookup::merge::{self, Candidate};
use crate::lookup::recall::Recalled;
use crate::model::{Call, Contact, ContactId, Field, RequestId};
use crate::number;
use crate::number::ladder::Rung;

/// What every project of these tests begins with.
const HEAD: &str = r#"
[directory.customers]
country = "RO"
[directory.vips]
country = "RO"
[agent.ion-popescu]
email = "ion@acme.ro"
owner = { customers = "7" }
[agent.ana]
[project.sales]
country = "RO"
open = true
sources = ["customers", "vips"]
timezone = "Europe/Bucharest"
"#;

fn load(text: &str) -> Config {
    load_text(&format!("{HEAD}{text}"), &|name| (name == "SECRET").then(|| "topsecret".to_owned())).unwrap()
}

fn project(text: &str) -> Arc<Project> {
    Arc::clone(&load(text).projects["sales"])
}

/// Everything that is wrong with a project, one message a line.
fn said(text: &str) -> String {
    let complaints = check(&project(text)).into_iter();
    let word = |is_warning| if is_warning { "warning: " } else { "" };
    complaints.map(|it| format!("{}{}", word(it.is_warning), it.message)).collect::<Vec<_>>().join("\n")
}

/// Rules and tests that hold.
#[track_caller]
fn holds(text: &str) {
    assert_eq!(said(text), "");
}

/// A moment in a working day: Friday, 27 November 2026, 12:00 in Bucharest.
const NOON: i64 = 1_795_773_600_000;

/// A call that somebody makes, whose contact was found on a rung.
struct Case {
    contact: Option<(Contact, Rung)>,
    source: &'static str,
    telephone: String,
    dnid: String,
    params: BTreeMap<String, String>,
    outcome: Outcome,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            contact: None,
            source: "customers",
            telephone: "+40722111222".to_owned(),
            dnid: "0310000000".to_owned(),
            params: BTreeMap::new(),
            outcome: Outcome::Unknown,
        }
    }
}

impl Case {
    fn found(fields: &[(Field, &str)], rung: Rung) -> Self {
        let mut contact = Contact { id: ContactId::Integer(1), ..Contact::default() };
        fields.iter().for_each(|(field, value)| contact.set(*field, *value));
        Self { contact: Some((contact, rung)), ..Self::default() }
    }

    fn decide(self, project: &Arc<Project>) -> Decision {
        let (ruleset, complaints) = Ruleset::compile(project);
        assert!(complaints.iter().all(|complaint| complaint.is_warning), "{complaints:?}");
        self.decide_by(project, &ruleset)
    }

    fn decide_by(self, project: &Arc<Project>, ruleset: &Ruleset) -> Decision {
        let number = Arc::new(number::parse(&self.telephone, &project.numbering));
        let hit = |(contact, rung)| Hit { contact: Arc::new(contact), rung };
        let candidates: Vec<Candidate> = self
            .contact
            .map(|it| Candidate { source: self.source.into(), place: 0, hit: hit(it) })
            .into_iter()
            .collect();
        let person = merge::choose(&candidates, None, project.guesses, project.fill);
        let call = Call {
            project: Arc::clone(&project.name),
            telephone: self.telephone,
            dnid: self.dnid,
            direction: None,
            params: self.params,
            request_id: RequestId::from_bits(1),
        };
        let facts = Facts {
            project,
            call: &Arc::new(call),
            number: &number,
            dnid: None,
            person: person.as_ref(),
            candidates: &candidates,
            stranger: None,
            outcome: if person.is_some() { Outcome::Found } else { self.outcome },
            now: NOON,
            recalled: Recalled::nothing(),
        };
        decide(&facts, ruleset)
    }
}

#[test]
fn the_first_rule_that_sets_a_field_wins_then_the_contact_then_the_default() {
    holds(
        r#"
        queue_position = 50
        language = "ro"
        [[project.sales.rule]]
        when = "contact.company == 'Acme'"
        queue = "first"
        [[project.sales.rule]]
        queue = "second"
        name = "{{ contact.name }} of {{ contact.company }}"
        [[project.sales.test]]
        telephone = "0722111222"
        contact = { id = 1, name = "Ana", company = "Acme", queue_position = 7, direct_line = "SIP/own" }
        expect = { direct_line = "first", name = "Ana of Acme", queue_position = 7, language = "ro" }
        [[project.sales.test]]
        telephone = "0722111222"
        contact = { id = 2, name = "Dan", company = "Other" }
        expect = { direct_line = "second", queue_position = 50 }"#,
    );
}

#[test]
fn a_cleared_field_stays_empty_whatever_comes_behind() {
    holds(
        r#"
        direct_line = "default-queue"
        [[project.sales.rule]]
        when = "contact.company == 'Acme'"
        clear = ["direct_line", "name"]
        [[project.sales.rule]]
        queue = "second"
        [[project.sales.test]]
        telephone = "0722111222"
        contact = { id = 1, name = "Ana", company = "Acme", direct_line = "SIP/own" }
        expect = { direct_line = "", name = "", id = 1 }
        [[project.sales.test]]
        telephone = "0722111222"
        contact = { id = 1, name = "Ana" }
        expect = { direct_line = "second", name = "Ana" }"#,
    );
}

#[test]
fn a_rule_that_stops_silences_later_rules_and_not_the_contact_or_the_default() {
    holds(
        r#"
        language = "ro"
        [[project.sales.rule]]
        when = "contact.owner"
        stop = true
        queue_position = 1
        [[project.sales.rule]]
        queue = "second"
        [[project.sales.test]]
        telephone = "0722111222"
        contact = { id = 1, owner = "x", direct_line = "SIP/own" }
        expect = { direct_line = "SIP/own", queue_position = 1, language = "ro" }"#,
    );
}

#[test]
fn a_rule_sets_all_of_its_fields_or_none_and_an_empty_text_sets_nothing() {
    holds(
        r#"
        [[project.sales.rule]]
        queue_position = 1
        name = "{{ contact.company }}"
        [[project.sales.rule]]
        queue = "{% if contact.language %}{{ contact.language }}-queue{% endif %}"
        [[project.sales.rule]]
        queue = "any-queue"
        queue_position = 9
        [[project.sales.test]]
        title = "no company: the first rule fails as a whole"
        telephone = "0722111222"
        contact = { id = 1, name = "Ana" }
        expect = { queue_position = 9, name = "Ana", direct_line = "any-queue" }
        [[project.sales.test]]
        telephone = "0722111222"
        contact = { id = 1, company = "Acme", language = "hu" }
        expect = { queue_position = 1, name = "Acme", direct_line = "hu-queue" }"#,
    );
}

#[test]
fn unknown_undetermined_withheld_and_found_callers_are_four_kinds() {
    holds(
        r#"
        [[project.sales.rule]]
        when = "caller.unknown"
        name = "unknown"
        [[project.sales.rule]]
        when = "caller.undetermined"
        name = "undetermined"
        [[project.sales.rule]]
        when = "caller.withheld"
        name = "withheld"
        [[project.sales.rule]]
        when = "contact.id == 1"
        name = "the first"
        [[project.sales.rule]]
        when = "not contact"
        name = "never, since it names nobody else"
        [[project.sales.test]]
        telephone = "0722111222"
        expect = { name = "unknown" }
        [[project.sales.test]]
        telephone = "0722111222"
        outcome = "undetermined"
        expect = { name = "undetermined" }
        [[project.sales.test]]
        telephone = "anonymous"
        outcome = "undetermined"
        expect = { name = "withheld" }
        [[project.sales.test]]
        telephone = "0722111222"
        contact = { id = 1 }
        expect = { name = "the first", id = 1 }
        [[project.sales.test]]
        telephone = "0722111222"
        contact = { id = 2, name = "Ana" }
        expect = { name = "Ana" }"#,
    );
}

#[test]
fn a_test_may_have_several_contacts_as_a_call_may() {
    holds(
        r#"
        block_steers = true
        [[project.sales.rule]]
        when = "candidates | length > 1 and not contact.id"
        queue = "reception"
        [[project.sales.rule]]
        when = "contact.rung == 'block'"
        queue = "switchboard"
        [[project.sales.rule]]
        when = "contact.id"
        direct_line = "SIP/{{ contact.owner }}"
        [[project.sales.test]]
        title = "two who share a number: only what both agree on"
        telephone = "0722111222"
        contact = [{ id = 1, name = "Ana", owner = "a" }, { id = 2, name = "Dan", owner = "b" }]
        expect = { id = "", direct_line = "reception" }
        [[project.sales.test]]
        title = "the primary one of them"
        telephone = "0722111222"
        contact = [{ id = 1, owner = "a" }, { id = 2, owner = "b", primary = true }]
        expect = { id = 2, direct_line = "SIP/b" }
        [[project.sales.test]]
        title = "the first source counts, whatever the order of this list"
        telephone = "0722111222"
        contact = [{ id = 1, owner = "a", source = "vips" }, { id = 2, owner = "b", source = "customers" }]
        expect = { id = 2, direct_line = "SIP/b" }
        [[project.sales.test]]
        title = "what is certain counts before a guess"
        telephone = "0722111222"
        contact = [{ id = 1, rung = "block", source = "customers" }, { id = 2, owner = "b", source = "vips" }]
        expect = { id = 2, direct_line = "SIP/b" }
        [[project.sales.test]]
        telephone = "0722111222"
        contact = [{ id = 1, rung = "block" }]
        expect = { direct_line = "switchboard" }
        [[project.sales.test]]
        title = "an empty list is nobody"
        telephone = "0722111222"
        contact = []
        expect = { id = "", direct_line = "" }"#,
    );
    let wrong = "[[project.sales.test]]\ncontact = { id = 1, rung = \"exakt\" }\nexpect = { id = 1 }\n";
    assert_eq!(
        said(wrong),
        "the contact of test 1 of [project.sales] has the rung \"exakt\", which there is not; did you mean \"exact\"?"
    );
}

#[test]
fn of_strangers_a_rule_speaks_only_when_its_condition_names_them() {
    for when in ["not contact.id", "call.dnid.e164", "true", "time.hour < 24", "not list.vip", "not candidates"] {
        let decision = Case::default().decide(&project(&format!(
            "[project.sales.list.vip]\n[[project.sales.rule]]\nwhen = \"{when}\"\nname = \"{{{{ caller.outcome }}}}\"\nqueue = \"q\"\n"
        )));
        assert!(decision.caller_data.is_empty(), "{when}: {:?}", decision.caller_data);
    }
}

#[test]
fn a_list_knows_its_callers_by_number_prefix_country_and_directory_until_an_entry_ends() {
    holds(
        r#"
        [project.sales.list.vip]
        [[project.sales.list.vip.entry]]
        number = "0722 111 222"
        expires = "2026-06-01T00:00:00Z"
        [[project.sales.list.vip.entry]]
        prefix = "+40 31"
        [[project.sales.list.vip.entry]]
        country = "DE"
        [[project.sales.list.vip.entry]]
        directory = "vips"
        [[project.sales.list.vip.entry]]
        number = "101"
        [[project.sales.rule]]
        when = "list.vip"
        queue_position = 1
        [[project.sales.test]]
        telephone = "+40722111222"
        expect = { queue_position = 1 }
        [[project.sales.test]]
        telephone = "+40722111222"
        time = 2026-06-02T00:00:00
        expect = { queue_position = "" }
        [[project.sales.test]]
        telephone = "0310 123 456"
        expect = { queue_position = 1 }
        [[project.sales.test]]
        telephone = "+4930901820"
        expect = { queue_position = 1 }
        [[project.sales.test]]
        telephone = "101"
        expect = { queue_position = 1 }
        [[project.sales.test]]
        telephone = "0733111222"
        contact = { id = 1, source = "vips" }
        expect = { queue_position = 1 }
        [[project.sales.test]]
        telephone = "0733111222"
        contact = { id = 1, source = "customers" }
        expect = { queue_position = "" }
        [[project.sales.test]]
        telephone = "anonymous"
        expect = { queue_position = "" }"#,
    );
}

#[test]
fn the_explanation_says_of_every_rule_why() {
    let text = r#"
        [project.sales.list.vip]
        [[project.sales.list.vip.entry]]
        number = "+40722111222"
        note = "pays well"
        [[project.sales.rule]]
        title = "first"
        when = "list.vip"
        queue_position = 1
        [[project.sales.rule]]
        when = "contact.owner"
        queue = "a"
        [[project.sales.rule]]
        when = "contact.language == 'ro'"
        queue = "b"
        [[project.sales.rule]]
        when = "caller.unknown"
        queue = "c"
        [[project.sales.rule]]
        name = "{{ contact.company }}"
        [[project.sales.rule]]
        queue_position = 2
        clear = ["language"]
        name = "{% if contact.owner %}x{% endif %}"
        stop = true
        [[project.sales.rule]]
        queue = "d"
        "#;
    let decision = Case::found(&[(Field::Name, "Ana")], Rung::Exact).decide(&project(text));
    insta::assert_snapshot!(format!("{:#}", decision.ruling.unwrap().to_json()));
}
