//! SOSL as far as it is documented: words in braces, a group of fields, and which fields of which records come back.

use serde_json::{Map, Value, json};

use super::super::super::book::{Book, Person, digits};
use super::OWNER;

/// What has to be escaped between the braces.
const RESERVED: &str = "&|!(){}[]^\"~*?:\\'+-";

/// Beside the contacts: a lead, one that has become the contact Ana, and an account.
const OTHERS: [(&str, &str, &str, &str); 3] = [
    ("Lead", "00QA00000000000046", "Lia Lead", "+40 722 444 000"),
    ("Lead", "00QA00000000000047", "Ana before", "+40722111222"),
    ("Account", "001A00000000000048", "Gama SRL", "(021) 310-0000"),
];

/// The records of a search; `None` where it is malformed.
pub(super) fn find(query: &str, book: Book) -> Option<Vec<Value>> {
    let (words, rest) = query.strip_prefix("FIND {")?.split_once('}')?;
    let wanted: Vec<&str> = words.split(" OR ").collect();
    let returning = rest.strip_prefix(" IN PHONE FIELDS RETURNING ")?;
    let (kinds, most) = returning.rsplit_once(" LIMIT ")?;
    if rest.contains(['{', '}']) || words.contains(|letter| RESERVED.contains(letter)) || words.is_empty() {
        return None;
    }
    let mut found: Vec<Value> = book.give(|person| is_found(&person.phone, &wanted)).into_iter().map(contact).collect();
    found.extend(OTHERS.into_iter().filter(|(_, _, _, phone)| is_found(phone, &wanted)).map(other));
    let returned = found.iter().map(|record| give_back(record, kinds)).collect::<Option<Vec<_>>>()?;
    Some(returned.into_iter().flatten().take(most.parse().ok()?).collect())
}

/// Whether a number is found by one of these words: by all of its digits, or by those between two signs.
fn is_found(number: &str, wanted: &[&str]) -> bool {
    let words = number.split(|letter: char| !letter.is_ascii_digit());
    words.chain([digits(number).as_str()]).any(|word| wanted.contains(&word))
}

fn contact(person: Person) -> Value {
    let id = format!("003A00000000000{:03}", person.id % 1000);
    json!({ "attributes": { "type": "Contact" }, "Id": id, "Name": person.name, "Phone": person.phone, "OwnerId": OWNER,
            "Account": { "Name": "Acme" }, "Email": null, "MobilePhone": null, "HomePhone": null, "OtherPhone": null,
            "LastModifiedDate": "2026-11-23T05:58:29.000+0000" })
}

fn other((kind, id, name, phone): (&str, &str, &str, &str)) -> Value {
    json!({ "attributes": { "type": kind }, "Id": id, "Name": name, "Phone": phone, "OwnerId": OWNER, "Company": "Beta",
            "Email": null, "MobilePhone": null, "LastModifiedDate": "2026-11-22T05:58:29.000+0000",
            "IsConverted": name == "Ana before" })
}

/// A record with the fields that were asked for: nothing of a kind that was not named, `None` for a field that it does not have.
fn give_back(record: &Value, kinds: &str) -> Option<Option<Value>> {
    let kind = record["attributes"]["type"].as_str()?;
    let Some((_, asked)) = kinds.split_once(&format!("{kind}(")) else { return Some(None) };
    let asked = asked.split_once(')')?.0;
    let (fields, condition) = asked.split_once(" WHERE ").unwrap_or((asked, ""));
    if record["IsConverted"] == true && condition == "IsConverted = false" {
        return Some(None);
    }
    let mut given = Map::from_iter([("attributes".to_owned(), record["attributes"].clone())]);
    for field in fields.split(", ") {
        let name = field.split('.').next()?;
        given.insert(name.to_owned(), record.get(name)?.clone());
    }
    Some(Some(Value::Object(given)))
}
