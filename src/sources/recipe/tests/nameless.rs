//! Whom an answer names is never unknown, also when nothing can be made of his record.

use super::crm::{ROMANIAN, engine, find};
use crate::error::Kind;

const TEXT: &str = r#"
title = "CRM"
[http]
base = "https://crm.example.com"
[map]
id = "id"
numbers = "phones"
[[lookup]]
get = "/people"
query = { n = "{{ number }}" }
"#;

const OTHER: &str = r#"{"id":9,"phones":["0722 111 223"]}"#;

async fn found(records: String) -> std::result::Result<Vec<String>, Kind> {
    let (engine, _) = engine(TEXT, "RO", 0, &[(200, records.leak())]);
    let found = find(&engine, ROMANIAN).await.map_err(|error| error.kind())?;
    Ok(found.iter().map(|hit| hit.contact.id.to_string()).collect())
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_record_has_no_usable_id_is_not_unknown() {
    for id in ["null", "123456789012345678901234", "true", "1.5", "[]", "\"\""] {
        let caller = format!(r#"{{"id":{id},"phones":["0722 111 222"]}}"#);
        assert_eq!(found(format!("[{caller},{OTHER}]")).await, Err(Kind::Corrupt), "{id}");
        assert_eq!(found(format!("[{caller}]")).await, Err(Kind::Corrupt), "{id} alone");
        let known = r#"{"id":7,"phones":["0722 111 222"]}"#;
        assert_eq!(found(format!("[{caller},{known}]")).await, Ok(vec!["7".to_owned()]), "{id} beside another one");
    }
    let somebody = r#"{"id":null,"phones":["0722 111 224"]}"#;
    assert_eq!(found(format!("[{somebody},{OTHER}]")).await, Ok(vec![]), "somebody else's record");
    assert_eq!(found(format!(r#"[{{"id":null}},{OTHER}]"#)).await, Ok(vec![]), "nobody's");
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_found_by_any_of_many_numbers_and_too_many_are_a_failure() {
    for (others, expected) in [(60, Ok(vec!["42".to_owned()])), (600, Err(Kind::Corrupt))] {
        let others: String = (0..others).map(|index| format!("\"0744 {index:06}\",")).collect();
        let caller = format!(r#"{{"id":42,"phones":[{others}"0722 111 222"]}}"#);
        assert_eq!(found(format!("[{caller},{OTHER}]")).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn one_record_in_xml_is_a_list_of_one_and_what_is_none_is_a_failure() {
    const ANA: &str = "<c><id>7</id><phones>0722 111 222</phones></c>";
    let text = TEXT.replace("[http]", "[http]\nanswer = \"xml\"") + "records = \"c\"\n";
    for (body, expected) in [
        (format!("<l>{ANA}</l>"), Ok(vec!["7".to_owned()])),
        (format!("<l>{ANA}<c><id>8</id><phones>0744</phones></c></l>"), Ok(vec!["7".to_owned()])),
        ("<l><c>down</c></l>".to_owned(), Err(Kind::Corrupt)),
        ("<error>down</error>".to_owned(), Err(Kind::Corrupt)),
    ] {
        let (engine, _) = engine(&text, "RO", 0, &[(200, body.clone().leak())]);
        let found = find(&engine, ROMANIAN).await.map_err(|error| error.kind());
        let found = found.map(|hits| hits.iter().map(|hit| hit.contact.id.to_string()).collect::<Vec<_>>());
        assert_eq!(found, expected, "{body}");
    }
}
