//! A number without a plus that can be read in two ways, and sources that have no country of their own.

use futures_util::FutureExt;

use super::super::engine::Engine;
use super::super::settings::Settings;
use super::super::wire::Recorded;
use super::*;
use crate::clock::SystemClock;
use crate::model::{Call, RequestId};
use crate::number::{Numbering, parse};

const TEXT: &str = r#"
title = "CRM"
[http]
base = "https://crm.example.com"
[auth]
kind = "none"
[map]
id = "id"
numbers = "[phone]"
[[lookup]]
get = "/c"
query = { n = "{{ number }}" }
records = "items"
[out]
backend_link = "https://crm.example.com/{{ forms.digits }}"
"#;

/// A test with a number and with what is answered to each spelling.
fn with_test(telephone: &str, country: &str, contacts: &str, answers: &[(&str, &str)]) -> String {
    let mut text = format!(
        "{TEXT}[[test]]\nname = \"t\"\ntelephone = \"{telephone}\"\ncountry = \"{country}\"\ncontacts = [{contacts}]\n"
    );
    for (digits, items) in answers {
        text += &format!(
            "[[test.exchange]]\nrequest = \"GET https://crm.example.com/c?n=%2B{digits}\"\nbody = '{{\"items\":[{items}]}}'\n"
        );
    }
    text
}

const GERMANY: &str = r#"{"id":1,"phone":"+49 4312345678"}"#;
const VIENNA: &str = r#"{"id":2,"phone":"+43 12345678"}"#;

#[test]
fn a_number_that_can_be_read_in_two_ways_is_asked_for_in_both() {
    let (national, other) = ("494312345678", "4312345678");
    let link = |digits: &str| format!("backend_link = \"https://crm.example.com/{digits}\"");
    for (contacts, answers) in [
        ("{ id = 1 }, { id = 2 }".to_owned(), [(national, GERMANY), (other, VIENNA)]),
        (format!("{{ id = 1, {} }}", link(national)), [(national, GERMANY), (other, "")]),
        (format!("{{ id = 2, {} }}", link(other)), [(national, ""), (other, VIENNA)]),
        ("{ id = 1 }".to_owned(), [(national, GERMANY), (other, GERMANY)]),
        (String::new(), [(national, ""), (other, "")]),
    ] {
        let recipe = recipe("own", &with_test("4312345678", "DE", &contacts, &answers));
        assert_eq!(try_out(&recipe).remove(0).outcome, Ok(()), "{contacts}");
    }
}

#[test]
fn a_source_without_a_country_reads_its_numbers_with_that_of_the_project() {
    let text = with_test("0722111222", "RO", "{ id = 7 }", &[("40722111222", r#"{"id":7,"phone":"0722 111 222"}"#)]);
    let recipe = recipe("own", &text);
    let settings = Settings::of_test(Arc::clone(&recipe), &[].into(), None, "").unwrap();
    let wire = Arc::new(Recorded::new(&recipe.tests[0].exchange));
    let engine = Engine::new(settings, wire, Arc::new(SystemClock));
    let call = Call {
        project: "sales".into(),
        telephone: "0722111222".to_owned(),
        dnid: String::new(),
        direction: None,
        params: std::collections::BTreeMap::new(),
        request_id: RequestId::from_bits(0),
    };
    let numbering = Numbering::of_country("RO");
    let found = engine.find(&call, &parse("0722111222", &numbering), &numbering).now_or_never().unwrap().unwrap();
    assert_eq!(found.iter().map(|hit| hit.contact.id.to_string()).collect::<Vec<_>>(), ["7"]);
}
