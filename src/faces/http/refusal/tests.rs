//! Refusals byte for byte.

use super::*;

fn body(refused: &Refused, shape: Option<&Reply>, format: Format) -> String {
    String::from_utf8(render(refused, shape, format).body.to_vec()).unwrap()
}

fn wrapped() -> Reply {
    Reply { extended: true, root_tag: Some("data".into()), xml_wrap: Some("response".into()), ..Reply::default() }
}

const NULLS: &str =
    r#""id":null,"name":null,"queue_position":null,"direct_line":null,"backend_link":null,"route_identifier":null"#;

#[test]
fn a_refused_pbx_reads_an_unknown_caller_and_why() {
    assert_eq!(body(&Refused::NOT_ALLOWED, None, Format::Json), format!("{{{NULLS},\"error\":\"not allowed\"}}"));
    let extended = format!("{NULLS},\"outbound_number\":null,\"language\":null,\"external_id\":null");
    assert_eq!(
        body(&Refused::NOT_ALLOWED, Some(&wrapped()), Format::Json),
        format!("{{\"data\":{{{extended},\"error\":\"not allowed\"}}}}")
    );
}

#[test]
fn xml_has_an_element_for_the_error() {
    assert_eq!(
        body(&Refused::BODY_TOO_LONG, None, Format::Xml),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><response><id/><name/><queue_position/><direct_line/><backend_link/><route_identifier/><error>the body is longer than 64 KiB</error></response>"
    );
    assert!(
        body(&Refused::QUERY_TOO_LONG, Some(&wrapped()), Format::Xml)
            .ends_with("<external_id/><error>the query is longer than 16 KiB</error></data></response>")
    );
}

#[test]
fn text_is_empty_whatever_is_refused() {
    for refused in [Refused::NOT_ALLOWED, Refused::QUERY_TOO_LONG, Refused::BODY_TOO_LONG] {
        assert_eq!(body(&refused, Some(&wrapped()), Format::Text), "");
    }
}
