//! Hostile values in every field of contact and call: a template shows data and never runs it, and nothing dials.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Case, project};
use crate::lookup::safety::{self, Checked};
use crate::model::{Contact, ContactId, Field};
use crate::number::ladder::Rung;

/// What a stranger writes into his name, or a CRM into a field.
const HOSTILE: [&str; 16] = [
    "{{ 7 * 7 }}",
    "{% for x in range(9999999) %}{{ x }}{% endfor %}",
    "{{ contact.__class__ }}",
    "+40900123456",
    "SIP/900@carrier",
    "SIP/a&SIP/b",
    "Local/900,1,Dial",
    "javascript:alert(1)",
    "https://crm.example.com/\r\nX-Injected: 1",
    "${SHELL(id)}",
    "a&b=c#d?e/f%g",
    "\u{202e}gnp.exe",
    "'; DROP TABLE contacts; --",
    "\0",
    "101",
    "-1",
];

/// A rule set that copies everything everywhere.
const COPIES: &str = r#"
[[project.sales.rule]]
when = "contact.name or caller.unknown"
name = "{{ contact.name or call.telephone }}"
backend_link = "https://crm.example.com/a/{{ contact.name or call.params.x }}?d={{ call.dnid }}"
[[project.sales.rule]]
queue_position = "{{ contact.name }}"
[[project.sales.rule]]
direct_line = "{{ contact.name }}"
[[project.sales.rule]]
route_identifier = "{{ contact.name }}"
outbound_number = "{{ contact.name }}"
language = "{{ contact.name }}"
external_id = "{{ contact.name }}"
"#;

fn contact(value: &str) -> Contact {
    let mut contact = Contact { id: ContactId::from_text(value), ..Contact::default() };
    // Every field but those that would be taken as they are before a rule is asked.
    for field in [Field::Name, Field::Company, Field::Email, Field::Owner] {
        contact.set(field, value);
    }
    contact.custom.insert("agent".to_owned(), value.to_owned());
    contact
}

fn case(value: &str) -> Case {
    Case {
        contact: Some((contact(value), Rung::Exact)),
        dnid: value.to_owned(),
        params: BTreeMap::from([("x".to_owned(), value.to_owned())]),
        ..Case::default()
    }
}

#[test]
fn what_a_contact_says_is_shown_and_never_run() {
    let project = project(COPIES);
    let data = case("{{ 7 * 7 }}").decide(&project).caller_data.as_ref().clone();
    assert_eq!(data.name.as_deref(), Some("{{ 7 * 7 }}"));
    assert_eq!(
        data.backend_link.as_deref(),
        Some("https://crm.example.com/a/%7B%7B%207%20%2A%207%20%7D%7D?d=%7B%7B%207%20%2A%207%20%7D%7D")
    );
}

#[test]
fn no_text_of_a_contact_dials_or_leaves_a_link_of_another_kind() {
    let project = project(COPIES);
    for value in HOSTILE {
        let data = case(value).decide(&project).caller_data.as_ref().clone();
        let line = data.direct_line.unwrap_or_default();
        assert!(!line.contains(['@', '&', ',', '\n']), "{value:?} made {line:?}");
        assert!(line.is_empty() || line.bytes().any(|byte| byte.is_ascii_alphabetic()), "{value:?} made {line:?}");
        let link = data.backend_link.unwrap();
        assert!(
            link.starts_with("https://crm.example.com/a/") && link.matches('?').count() == 1,
            "{value:?} made {link:?}"
        );
        assert!(!link.contains(['&', '#', '\r', '\n', ' ', '"']), "{value:?} made {link:?}");
    }
}

#[test]
fn an_agent_or_queue_that_a_contact_names_is_one_that_there_is() {
    let rules = "queues = [\"sales\"]\n[[project.sales.rule]]\nagent = \"{{ contact.name }}\"\n[[project.sales.rule]]\nqueue = \"{{ contact.name }}\"\n";
    let project = project(rules);
    for value in HOSTILE {
        assert_eq!(case(value).decide(&project).caller_data.direct_line, None, "{value:?}");
    }
    assert_eq!(case("ana").decide(&project).caller_data.direct_line.as_deref(), Some("SIP/ana"));
    assert_eq!(case("sales").decide(&project).caller_data.direct_line.as_deref(), Some("sales"));
}

proptest! {
    /// Whatever stands in contact and call: the answer passes every check, and the same question gets the same answer.
    #[test]
    fn the_answer_always_passes_the_checks(value in "\\PC{0,40}|[\\x00-\\x7f]{0,40}|[{}%a-z. |()0-9'@&,/]{0,60}", telephone in "\\PC{0,20}") {
        let project = project(COPIES);
        let ask = || Case { telephone: telephone.clone(), ..case(&value) }.decide(&project).caller_data.as_ref().clone();
        let data = ask();
        prop_assert_eq!(&data, &ask());
        let fields = [
            (Field::Name, data.name),
            (Field::DirectLine, data.direct_line),
            (Field::BackendLink, data.backend_link),
            (Field::RouteIdentifier, data.route_identifier),
            (Field::OutboundNumber, data.outbound_number),
            (Field::Language, data.language),
            (Field::ExternalId, data.external_id),
        ];
        for (field, value) in fields {
            let Some(value) = value else { continue };
            let checked = safety::check(field, &value, &project.reply);
            prop_assert!(matches!(checked, Checked::Ok(_)), "{field:?} {value:?}: {checked:?}");
        }
    }
}
