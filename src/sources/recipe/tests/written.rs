//! What says that a call is written down, and what does not.

use serde_json::json;

use super::super::write::{read_contact, read_moments};
use super::crm::engine;
use super::*;
use crate::error::{Kind, Result};
use crate::model::ContactId;

const TEXT: &str = r#"
title = "CRM"
[http]
base = "https://crm.example.com"
[map]
id = "id"
numbers = "[phone]"
[[lookup]]
get = "/people"
query = { n = "{{ number }}" }
[[log_call]]
post = "/people/{{ contact.id }}/notes"
id = "id"
json = { text = "{{ call.summary }}" }
[create]
post = "/people"
id = "id"
json = { phone = "{{ new.number }}" }
[[error]]
status = [404]
as = "unknown"
[[error]]
when = "error == 'no_such_person'"
as = "unknown"
"#;

async fn write(status: u16, body: &'static str) -> [Result<Option<String>>; 2] {
    let (engine, _) = engine(TEXT, "RO", 1, &[(status, body), (status, body)]);
    let call = json!({ "number": "+40722111222", "direction": "in", "outcome": "missed" });
    let logged = engine.log_call(call.as_object().unwrap(), Some(ContactId::Integer(7)), None).await;
    [logged, engine.create(&NewContact::default()).await]
}

#[tokio::test(start_paused = true)]
async fn what_means_nobody_in_a_lookup_is_a_refusal_of_what_is_written() {
    for (status, body) in [(404, "{}"), (200, r#"{"error":"no_such_person"}"#)] {
        for written in write(status, body).await {
            let error = written.unwrap_err();
            assert!(error.kind() == Kind::Invalid && error.to_string().contains("not accept"), "{status}: {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_is_written_whether_it_names_an_id_or_not() {
    for (status, body, id) in [(201, r#"{"id":5}"#, Some("5")), (201, "{}", None), (200, "", None), (204, "", None)] {
        for written in write(status, body).await {
            assert_eq!(written.unwrap().as_deref(), id, "{status} {body}");
        }
    }
}

#[test]
fn a_call_in_a_file_is_written_as_the_journal_writes_it_or_with_an_id_and_milliseconds() {
    let read = |started: serde_json::Value| {
        let mut call = json!({ "started": started, "ended": null }).as_object().unwrap().clone();
        read_moments(&mut call).map(|()| call["started"].clone())
    };
    let moment = json!(1_764_000_000_000_i64);
    assert_eq!(read(json!("2025-11-24T16:00:00Z")).unwrap(), moment);
    assert_eq!(read(json!("2025-11-24T18:00:00+02:00")).unwrap(), moment);
    assert_eq!(read(moment.clone()).unwrap(), moment);
    for wrong in [json!("yesterday"), json!(1.5), json!([])] {
        let error = read(wrong).unwrap_err().to_string();
        assert!(error.contains("started is") && error.contains("milliseconds since 1970"), "{error}");
    }
    let id = |contact| read_contact(&contact, "crm").map(|id| id.map(|id| id.to_string()));
    for (contact, expected) in [
        (json!("003A"), Some("003A")),
        (json!(7), Some("7")),
        (json!({ "source": "crm", "id": "7" }), Some("7")),
        (json!({ "source": "other", "id": "7" }), None),
        (json!(null), None),
    ] {
        assert_eq!(id(contact.clone()).unwrap().as_deref(), expected, "{contact}");
    }
    for wrong in [json!({ "id": 7 }), json!({ "source": "crm" }), json!([7]), json!(true)] {
        assert_eq!(id(wrong.clone()).unwrap_err().kind(), Kind::Invalid, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_without_a_country_reads_numbers_with_that_of_the_project_whose_call_it_is() {
    for (project, homes, found) in [
        (Some("sales"), vec![("sales", "RO"), ("vienna", "AT")], true),
        (Some("vienna"), vec![("sales", "RO"), ("vienna", "AT")], false),
        (None, vec![("sales", "RO"), ("support", "RO")], true),
        (None, vec![("sales", "RO"), ("vienna", "AT")], false),
    ] {
        let (mut engine, crm) = engine(TEXT, "RO", 1, &[(200, r#"[{"id":7,"phone":"0722 111 222"}]"#), (201, "{}")]);
        engine.settings.numbering.country = None;
        engine.homes = Arc::new(homes.iter().map(|(name, country)| ((*name).into(), (*country).to_owned())).collect());
        let call = json!({ "number": "+40722111222", "direction": "in", "outcome": "missed", "project": project });
        let written = engine.log_call(call.as_object().unwrap(), None, None).await;
        assert_eq!(
            (written.is_ok(), crm.count("/people/7/notes")),
            (found, usize::from(found)),
            "{project:?} {homes:?}"
        );
    }
}
