//! Makes contacts of the records that a search returns.

use serde_json::{Map, Value};

use crate::error::{Error, Kind, Result};
use crate::model::{Contact, ContactId, ContactNumber, Field};

/// What the number of a mobile telephone is called.
pub(super) const MOBILE: &str = "mobile";

/// The fields that hold numbers, and what each is called here.
const NUMBERS: [(&str, &str); 4] =
    [("MobilePhone", MOBILE), ("Phone", "work"), ("HomePhone", "home"), ("OtherPhone", "other")];

/// What a search returned.
pub(super) struct Found {
    /// The contacts that show a number.
    pub(super) contacts: Vec<Contact>,
    /// How many records there were.
    pub(super) records: usize,
    /// Whether some do not even say that their numbers are empty.
    pub(super) hidden: bool,
}

/// Reads the answer of a search.
pub(super) fn contacts(answer: &Value) -> Result<Found> {
    // Versions before 37.0 answer with the bare list.
    let records = answer.get("searchRecords").unwrap_or(answer).as_array();
    let records = records.ok_or_else(|| Error::new(Kind::Corrupt, "the answer of the search has no records"))?;
    let contacts = records.iter().filter_map(Value::as_object).filter_map(contact);
    Ok(Found {
        contacts: contacts.filter(|contact| !contact.numbers.is_empty()).collect(),
        records: records.len(),
        hidden: !records.iter().all(shows_numbers),
    })
}

/// Whether a record has a field for a number. A telephone field that is empty is null: the record was then found by another
/// field, such as its fax. One that the user may not read is not there.
fn shows_numbers(record: &Value) -> bool {
    NUMBERS.iter().any(|(field, _)| record.get(field).is_some())
}

fn contact(record: &Map<String, Value>) -> Option<Contact> {
    let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = record.get("attributes").and_then(|attributes| attributes.get("type")).and_then(Value::as_str);
    let kind = kind.filter(|kind| !kind.trim().is_empty());
    let id = text("Id");
    if id.is_empty() {
        return None;
    }
    let mut contact =
        Contact { id: ContactId::Text(id.into()), updated: moment(text("LastModifiedDate")), ..Contact::default() };
    let company = match kind {
        Some("Account") => text("Name"),
        Some("Lead") => text("Company"),
        _ => record.get("Account").and_then(|account| account.get("Name")).and_then(Value::as_str).unwrap_or_default(),
    };
    for (field, value) in [
        (Field::Name, text("Name")),
        (Field::Company, company),
        (Field::Email, text("Email")),
        (Field::Owner, text("OwnerId")),
    ] {
        contact.set(field, value);
    }
    if let Some(kind) = kind {
        contact.custom.insert("type".to_owned(), kind.to_owned());
    }
    contact.numbers = NUMBERS
        .iter()
        .map(|(field, label)| (text(field), *label))
        .filter(|(written, _)| !written.trim().is_empty())
        .map(|(written, label)| ContactNumber {
            written: written.to_owned(),
            label: label.to_owned(),
            ..ContactNumber::default()
        })
        .collect();
    Some(contact)
}

/// Milliseconds of a time such as `2026-11-23T05:58:29.000+0000`; 0 for anything else.
fn moment(text: &str) -> i64 {
    let parsed = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).and_then(|parsed| parsed.to_timestamp());
    parsed.map_or(0, |moment| moment.as_millisecond())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_of_record_becomes_a_contact() {
        let answer = json!({"searchRecords": [
            {"attributes": {"type": "Contact"}, "Id": "003A0000001AbCdEFG", "Name": "Ana", "Email": null,
             "Account": {"attributes": {"type": "Account"}, "Name": "Acme"}, "Phone": "", "MobilePhone": "0722 111 222",
             "OwnerId": "005A", "LastModifiedDate": "2026-11-23T05:58:29.000+0000"},
            {"attributes": {"type": "Lead"}, "Id": "00QA", "Name": "Dan", "Company": "Beta", "Phone": "1"},
            {"attributes": {"type": "Account"}, "Id": "001A", "Name": "Gamma", "Phone": "2"},
            {"attributes": {"type": "Account"}, "Id": "001B", "Name": "No number"},
        ]});
        let Found { contacts: found, records, hidden } = contacts(&answer).unwrap();
        assert_eq!((found.len(), records, hidden), (3, 4, true));
        let shown: Vec<_> =
            found.iter().map(|contact| (contact.get(Field::Name), contact.get(Field::Company))).collect();
        let expected = [(Some("Ana"), Some("Acme")), (Some("Dan"), Some("Beta")), (Some("Gamma"), Some("Gamma"))];
        assert_eq!(shown, expected);
        assert_eq!((found[0].updated, found[0].get(Field::Email)), (1_795_413_509_000, None));
        assert_eq!(found[0].id, ContactId::Text("003A0000001AbCdEFG".into()));
        assert_eq!(found[0].numbers[0].label, "mobile");
    }

    #[test]
    fn the_bare_list_of_old_versions_is_read_and_anything_else_is_no_answer() {
        assert_eq!(contacts(&json!([])).unwrap().records, 0);
        for wrong in [json!({}), json!(null), json!("x"), json!({"searchRecords": {}})] {
            assert!(contacts(&wrong).is_err(), "{wrong}");
        }
        assert!(
            contacts(&json!([1, null, [], {"Id": 5}, {"Id": "003", "Phone": {"a": 1}}])).unwrap().contacts.is_empty()
        );
    }

    #[test]
    fn no_answer_of_any_shape_harms_it_or_is_read_as_what_it_is_not() {
        let recorded = json!({"searchRecords": [
            {"attributes": {"type": "Contact"}, "Id": "003A0000001AbCdEFG", "Name": "Ana", "Email": null, "OwnerId": "005A",
             "Account": {"Name": "Acme"}, "Phone": "", "MobilePhone": "0722 111 222",
             "LastModifiedDate": "2026-11-23T05:58:29.000+0000"},
            {"attributes": {"type": "Lead"}, "Id": "00QA", "Name": "Dan", "Company": "Beta", "Phone": "+40722111222"},
        ]});
        let found = std::sync::atomic::AtomicUsize::new(0);
        crate::sources::random_answers::for_each(|random| {
            for answer in [random.answer.clone(), random.change(&recorded)] {
                let words = crate::sources::random_answers::Words::of(&answer);
                for contact in contacts(&answer).map(|found| found.contacts).unwrap_or_default() {
                    proptest::prop_assert!(!contact.numbers.is_empty());
                    proptest::prop_assert_eq!(words.explain(&contact, true), None, "{}", answer);
                    found.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            }
            Ok(())
        });
        assert_ne!(found.into_inner(), 0, "no answer ever had a contact");
    }
}
