//! Refusals byte for byte.

use super::*;

fn body(refusal: Refusal, shape: Option<&Reply>, format: Format) -> String {
    String::from_utf8(render(refusal, shape, format).body.to_vec()).unwrap()
}

fn wrapped() -> Reply {
    Reply {
        extended: true,
        format: Format::Json,
        root_tag: Some("data".into()),
        xml_wrap: Some("response".into()),
        name_length: None,
        name_ascii: false,
        name_sip_safe: false,
        link_schemes: Vec::new(),
        direct_line_any: false,
        direct_lines: None,
    }
}

const NULLS: &str =
    r#""id":null,"name":null,"queue_position":null,"direct_line":null,"backend_link":null,"route_identifier":null"#;

#[test]
fn a_refused_pbx_reads_an_unknown_caller_and_why() {
    assert_eq!(
        body(Refusal::NotAllowed, None, Format::Json),
        format!("{{{NULLS},\"error\":\"not allowed: wrong project, address or token\"}}")
    );
    assert_eq!(
        body(Refusal::TooManyTries, Some(&wrapped()), Format::Json),
        format!(
            "{{\"data\":{{{NULLS},\"outbound_number\":null,\"language\":null,\"external_id\":null,\"error\":\"too many refused tries from this address; wait a minute\"}}}}"
        )
    );
}

#[test]
fn xml_has_an_element_for_the_error() {
    assert_eq!(
        body(Refusal::BodyTooLong, None, Format::Xml),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><response><id/><name/><queue_position/><direct_line/><backend_link/><route_identifier/><error>the body is longer than 64 KiB</error></response>"
    );
    assert!(
        body(Refusal::QueryTooLong, Some(&wrapped()), Format::Xml)
            .ends_with("<external_id/><error>the query is longer than 16 KiB</error></data></response>")
    );
}

#[test]
fn text_is_empty_whatever_is_refused() {
    for refusal in Refusal::ALL {
        assert_eq!(body(refusal, Some(&wrapped()), Format::Text), "");
    }
}

#[test]
fn every_refusal_has_its_own_status() {
    assert_eq!(Refusal::ALL.map(|refusal| refusal.status().as_u16()), [403, 429, 414, 413]);
}
