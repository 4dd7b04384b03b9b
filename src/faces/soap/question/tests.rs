//! Calls as PHP really sends them, in each row of the matrix of call styles.

use std::path::PathBuf;

use serde_json::Value as Json;

use super::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures/soap")
}

fn asked(text: &str) -> Result<Question, Mistake> {
    read(text.as_bytes(), Some("text/xml; charset=utf-8"))
}

fn value<'a>(question: &'a Question, name: &str) -> Option<&'a str> {
    question.pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
}

/// The body of a row of the matrix in an envelope.
fn envelope(body: &str) -> String {
    format!(
        "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:ns1=\"urn:callerdata\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:ns2=\"http://xml.apache.org/xml-soap\" \
         xmlns:SOAP-ENC=\"http://schemas.xmlsoap.org/soap/encoding/\"><SOAP-ENV:Body>{body}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
}

#[test]
fn each_row_of_the_matrix_is_understood_or_told_what_is_wrong() {
    let matrix: Json =
        serde_json::from_slice(&std::fs::read(folder().join("call_style_matrix.json")).unwrap()).unwrap();
    let (mut understood, mut told) = (0, 0);
    for row in matrix["rows"].as_array().unwrap() {
        let Some(body) = row["body"].as_str() else { continue };
        let place = format!("{} {}", row["wsdl"], row["call"]);
        // Only what arrives under its name, in a map, or as the first argument is the number for certain.
        let first = matches!(row["how"].as_str(), Some("positional:params" | "positional:param0"));
        let named = matches!(row["how"].as_str(), Some("element" | "map"));
        let seen = row["telephone_seen_as"].as_str().unwrap_or_default();
        match asked(&envelope(body)) {
            Ok(question) => {
                assert!((named || first) && seen == "0700000000", "{place}");
                assert_eq!(value(&question, "telephone"), Some("0700000000"), "{place}");
                let dnid = value(&question, "dnid").unwrap_or("0210000000");
                assert_eq!(dnid, "0210000000", "{place}");
                understood += 1;
            }
            Err(mistake) => {
                assert!(seen != "0700000000" || !(named || first), "{place}: {}", mistake.text);
                assert!(mistake.text.starts_with("telephone is "), "{place}: {}", mistake.text);
                assert_eq!(mistake.code, "Client");
                told += 1;
            }
        }
    }
    assert_eq!((understood, told), (18, 29), "of the 47 rows that PHP sends at all");
}

#[test]
fn each_captured_request_is_understood_or_told_what_is_wrong() {
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !path.to_string_lossy().ends_with(".req.bin") || name.contains("wsdlget") || !name.starts_with(['n', 'w']) {
            continue;
        }
        let message = std::fs::read(&path).unwrap();
        let end = message.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
        // The compressed one is a matter of HTTP.
        if name.starts_with("n15") {
            continue;
        }
        let read = read(&message[end..], None);
        let has_number = message.windows(10).any(|part| part == b"0700000000");
        match read {
            Ok(question) => {
                let telephone = value(&question, "telephone").unwrap();
                assert!(telephone == "0700000000" || !has_number, "{name}: {telephone}");
            }
            Err(mistake) => {
                let expected = ["n02", "n05", "n10", "n18", "n22", "n27", "w_apex", "w_partner"];
                assert!(expected.iter().any(|start| name.starts_with(start)), "{name}: {}", mistake.text);
            }
        }
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn a_header_that_must_be_understood_is_refused() {
    let message = std::fs::read(folder().join("n10_soapheader.req.bin")).unwrap();
    let end = message.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
    let mistake = read(&message[end..], None).err().unwrap();
    assert_eq!((mistake.code, mistake.text.contains("header Auth")), ("MustUnderstand", true));
}

#[test]
fn a_number_that_php_made_a_number_keeps_its_zeros_and_null_is_withheld() {
    let call = |inside: &str| asked(&envelope(&format!("<ns1:f>{inside}</ns1:f>"))).ok().unwrap();
    let question = call("<telephone xsi:type=\"xsd:int\">0722111222</telephone><dnid xsi:nil=\"1\"/>");
    assert_eq!((value(&question, "telephone"), value(&question, "dnid")), (Some("0722111222"), Some("")));
    assert_eq!(value(&call("<telephone xsi:nil=\"true\"/>"), "telephone"), Some(""));
}

#[test]
fn the_third_of_several_values_may_be_the_token_and_is_no_parameter() {
    let question = asked(&envelope("<ns1:f><param0>0722</param0><param1>021</param1><param2>secret</param2></ns1:f>"));
    let question = question.ok().unwrap();
    assert_eq!(question.third.as_deref(), Some("secret"));
    assert!(!question.pairs.iter().any(|(_, value)| value == "secret"));
}

#[test]
fn two_different_numbers_are_both_passed_on_so_that_neither_wins() {
    let question = asked(&envelope("<ns1:f><telephone>1</telephone><telephone>2</telephone></ns1:f>")).ok().unwrap();
    assert_eq!(question.pairs.len(), 2);
    let refused = asked(&envelope("<ns1:f><telephone><a>1</a></telephone></ns1:f>")).err().unwrap();
    assert!(refused.text.contains("expected a text"), "{}", refused.text);
}

#[test]
fn what_is_no_call_is_a_mistake_of_the_client() {
    for (text, words) in [
        ("", "no XML"),
        ("{\"telephone\":\"1\"}", "text around"),
        ("<html/>", "a web page"),
        (&envelope(""), "body of the call is empty"),
        (&envelope("<ns1:f/>"), "telephone is missing"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "document type"),
        (&envelope(&"<a>".repeat(100)), "deeper than"),
    ] {
        let mistake = asked(text).err().unwrap();
        assert!(mistake.code == "Client" && mistake.text.contains(words), "{text}: {}", mistake.text);
    }
    let new = read(b"", Some("application/soap+xml")).err().unwrap();
    assert_eq!(new.version, Version::V12);
}
