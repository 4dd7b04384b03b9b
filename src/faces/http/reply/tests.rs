//! Answers byte for byte, and what becomes of those that are too long.

use std::sync::Arc;

use proptest::prelude::*;
use quick_xml::events::Event;
use serde_json::Value;

use super::*;
use crate::faces::http::hostile;

const SIMPLEXML: &str = include_str!("../../../../tests/data/captures/generic_xml/simplexml.json");

fn shape() -> Reply {
    Reply::default()
}

fn tagged(root_tag: &str, xml_wrap: Option<&str>) -> Reply {
    Reply { root_tag: Some(root_tag.into()), xml_wrap: xml_wrap.map(Into::into), ..shape() }
}

fn john() -> CallerData {
    CallerData {
        id: Some(ContactId::Integer(12_345)),
        name: Some("John Doe".into()),
        backend_link: Some("https://your-crm.com/example-popup?id=12345".into()),
        ..CallerData::default()
    }
}

fn full() -> CallerData {
    CallerData {
        queue_position: Some(0),
        direct_line: Some("SIP/ion-popescu".into()),
        route_identifier: Some("route 7".into()),
        outbound_number: Some("+40310000000".into()),
        language: Some("ro".into()),
        external_id: Some("x-1".into()),
        ..john()
    }
}

fn body(answer: &CallerData, shape: &Reply, format: Format) -> String {
    String::from_utf8(render(answer, shape, format).body.to_vec()).unwrap()
}

#[test]
fn json_is_the_line_of_the_contract() {
    assert_eq!(
        body(&john(), &shape(), Format::Json),
        r#"{"id":12345,"name":"John Doe","queue_position":null,"direct_line":null,"backend_link":"https://your-crm.com/example-popup?id=12345","route_identifier":null}"#
    );
    assert_eq!(
        body(&CallerData::default(), &shape(), Format::Json),
        r#"{"id":null,"name":null,"queue_position":null,"direct_line":null,"backend_link":null,"route_identifier":null}"#
    );
}

#[test]
fn an_extended_reply_has_three_fields_more() {
    let extended = Reply { extended: true, ..shape() };
    assert_eq!(
        body(&full(), &extended, Format::Json),
        r#"{"id":12345,"name":"John Doe","queue_position":0,"direct_line":"SIP/ion-popescu","backend_link":"https://your-crm.com/example-popup?id=12345","route_identifier":"route 7","outbound_number":"+40310000000","language":"ro","external_id":"x-1"}"#
    );
    assert_eq!(
        body(&CallerData::default(), &extended, Format::Xml),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><response><id/><name/><queue_position/><direct_line/><backend_link/><route_identifier/><outbound_number/><language/><external_id/></response>"
    );
}

#[test]
fn a_root_tag_wraps_json_too() {
    assert_eq!(
        body(&CallerData::default(), &tagged("data", Some("response")), Format::Json),
        r#"{"data":{"id":null,"name":null,"queue_position":null,"direct_line":null,"backend_link":null,"route_identifier":null}}"#
    );
}

#[test]
fn an_id_is_written_as_its_source_types_it() {
    for (id, written) in [
        (ContactId::Integer(0), "0"),
        (ContactId::Integer(2_147_483_647), "2147483647"),
        (ContactId::Integer(2_147_483_648), "\"2147483648\""),
        (ContactId::from_text("5000000001"), "\"5000000001\""),
        (ContactId::from_text("003A0000001"), "\"003A0000001\""),
        (ContactId::from_text("007"), "\"007\""),
        (ContactId::Text("12345".into()), "\"12345\""),
        (ContactId::Text("".into()), "null"),
    ] {
        let answer = CallerData { id: Some(id), ..CallerData::default() };
        assert!(body(&answer, &shape(), Format::Json).starts_with(&format!("{{\"id\":{written},\"name\":null,")));
    }
}

#[test]
fn json_escapes_what_it_must_and_nothing_else() {
    let answer = CallerData { name: Some("Ș \"B\" \\ / <&> \u{2028} '😀".into()), ..CallerData::default() };
    let line = body(&answer, &shape(), Format::Json);
    assert!(line.starts_with("{\"id\":null,\"name\":\"Ș \\\"B\\\" \\\\ / <&> \u{2028} '😀\",\"queue"), "{line}");
}

#[test]
fn xml_is_the_document_of_the_contract() {
    let declared = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    let fields = "<id>12345</id><name>John Doe</name><queue_position/><direct_line/><backend_link>https://your-crm.com/example-popup?id=12345</backend_link><route_identifier/>";
    assert_eq!(body(&john(), &shape(), Format::Xml), format!("{declared}<response>{fields}</response>"));
    assert_eq!(body(&john(), &tagged("data", None), Format::Xml), format!("{declared}<data>{fields}</data>"));
    assert_eq!(
        body(&john(), &tagged("data", Some("response")), Format::Xml),
        format!("{declared}<response><data>{fields}</data></response>")
    );
}

#[test]
fn xml_escapes_and_leaves_out_what_it_cannot_hold() {
    let answer = CallerData { name: Some("A & B <C> ]]> \"q\" 'a' \0\u{1b}\u{fffe}\r\n\u{85}ă".into()), ..john() };
    let document = body(&answer, &shape(), Format::Xml);
    assert!(document.contains("<name>A &amp; B &lt;C&gt; ]]&gt; \"q\" 'a' ă</name>"), "{document}");
}

#[test]
fn a_tag_that_is_no_element_name_does_not_break_the_document() {
    for tag in ["", "1a", "a b", "a:b", "a>", "ă", "-a"] {
        let document = body(&CallerData::default(), &tagged(tag, Some(tag)), Format::Xml);
        assert!(document.contains("?><response><id/>"), "{document}");
    }
}

/// What PHP makes of a document is recorded in the capture; here it is checked that we write that document.
#[test]
fn php_reads_an_unknown_caller_as_its_capture_shows() {
    let capture: Value = serde_json::from_str(SIMPLEXML).unwrap();
    let of = |case: &str| capture["rows"].as_array().unwrap().iter().find(|row| row["case"] == case).unwrap().clone();
    let unknown = body(&CallerData::default(), &tagged("contact", None), Format::Xml);
    let recorded = of("all_empty");
    assert_eq!(unknown.split_once("?>").unwrap().1, recorded["xml"].as_str().unwrap());
    assert!(recorded["php_truthiness"].as_object().unwrap().values().all(|truth| truth == false));
    assert_eq!(
        of("decl_utf8")["xml"].as_str().unwrap().split_once("?>").unwrap().0,
        unknown.split_once("?>").unwrap().0
    );
}

#[test]
fn text_is_the_name_alone() {
    assert_eq!(body(&full(), &tagged("data", Some("response")), Format::Text), "John Doe");
    assert_eq!(body(&CallerData { name: None, ..full() }, &shape(), Format::Text), "");
    assert_eq!(body(&CallerData { name: Some("a\r\nb".into()), ..full() }, &shape(), Format::Text), "ab");
}

#[test]
fn every_format_names_itself() {
    let types = [Format::Json, Format::Xml, Format::Text].map(|format| render(&john(), &shape(), format).content_type);
    assert_eq!(types, ["application/json", "application/xml", "text/plain; charset=utf-8"]);
}

#[test]
fn an_answer_of_4095_bytes_passes_and_one_more_is_shortened() {
    for format in [Format::Json, Format::Xml, Format::Text] {
        let frame = body(&CallerData { name: Some("x".into()), ..john() }, &shape(), format).len() - 1;
        let name = "n".repeat(MAX_BODY - frame);
        let fits = render(&CallerData { name: Some(name.clone()), ..john() }, &shape(), format);
        assert_eq!((fits.body.len(), fits.shortened.len()), (MAX_BODY, 0));
        let cut = render(&CallerData { name: Some(name + "n"), ..john() }, &shape(), format);
        assert_eq!((cut.body.len(), cut.shortened), (MAX_BODY, vec!["name"]));
    }
}

#[test]
fn a_name_is_cut_between_characters_and_words() {
    let answer = CallerData { name: Some("😀 ".repeat(3_000)), ..john() };
    for format in [Format::Json, Format::Xml, Format::Text] {
        let cut = body(&answer, &shape(), format);
        assert!((MAX_BODY - 5..=MAX_BODY).contains(&cut.len()), "{}", cut.len());
        assert!(cut.contains('😀') && !cut.contains(" \"") && !cut.contains(" <") && !cut.ends_with(' '));
    }
}

#[test]
fn a_name_is_cut_before_a_link_is_given_up() {
    let link = format!("https://crm.example.com/{}", "a".repeat(3_500));
    let answer = CallerData { name: Some("\"".repeat(1_000)), backend_link: Some(link), ..john() };
    let cut = render(&answer, &shape(), Format::Json);
    assert_eq!(cut.shortened, ["name"]);
    let read: Value = serde_json::from_slice(&cut.body).unwrap();
    assert_eq!(read["backend_link"].as_str(), answer.backend_link.as_deref());
    assert!((MAX_BODY - 1..=MAX_BODY).contains(&cut.body.len()), "as much of the name as fits");
}

#[test]
fn a_link_that_does_not_fit_becomes_null_and_the_name_stays_whole() {
    let answer = CallerData { backend_link: Some(format!("https://x/{}", "&".repeat(4_000))), ..full() };
    let cut = render(&answer, &shape(), Format::Json);
    assert_eq!(cut.shortened, ["backend_link"]);
    let read: Value = serde_json::from_slice(&cut.body).unwrap();
    assert_eq!((&read["backend_link"], &read["name"]), (&Value::Null, &Value::from("John Doe")));
    assert_eq!(read["direct_line"], "SIP/ion-popescu");
}

#[test]
fn the_other_fields_are_given_up_last() {
    let long = || Some("l".repeat(4_000));
    let answer = CallerData {
        id: Some(ContactId::Text(Arc::from("i".repeat(4_000)))),
        backend_link: long(),
        direct_line: long(),
        route_identifier: Some(String::new()),
        external_id: long(),
        ..john()
    };
    let cut = render(&answer, &shape(), Format::Json);
    assert_eq!(cut.shortened, ["backend_link", "direct_line", "id"], "fields that are not sent are not named");
    assert!(cut.body.starts_with(b"{\"id\":null,\"name\":\"John Doe\","));
}

#[test]
fn a_frame_that_is_too_long_leaves_an_unknown_caller() {
    let cut = render(&john(), &tagged(&"t".repeat(3_000), None), Format::Xml);
    assert!(cut.body.len() <= MAX_BODY && cut.body.ends_with(b"<route_identifier/></response>"));
}

fn hostile_answer(texts: &[String]) -> CallerData {
    let text = |place: usize| texts.get(place).cloned();
    CallerData {
        id: text(0).map(|text| ContactId::from_text(&text)),
        name: text(1),
        queue_position: text(2).map(|text| text.len() as u8),
        direct_line: text(3),
        backend_link: text(4),
        route_identifier: text(5),
        outbound_number: text(6),
        language: text(7),
        external_id: text(8),
    }
}

fn read_xml(document: &str) -> Vec<(String, String)> {
    let mut reader = quick_xml::Reader::from_str(document);
    reader.config_mut().check_end_names = true;
    let (mut fields, mut depth, mut roots) = (Vec::new(), 0, 0);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                depth += 1;
                roots += usize::from(depth == 1);
                assert!(tag.attributes().next().is_none());
                fields.push((tag.name().as_ref().to_owned(), String::new()));
            }
            Event::Empty(tag) => fields.push((tag.name().as_ref().to_owned(), String::new())),
            Event::End(_) => depth -= 1,
            Event::Text(text) => fields.last_mut().unwrap().1.push_str(&text),
            Event::GeneralRef(entity) => {
                let name = entity.to_string();
                fields.last_mut().unwrap().1.push_str(quick_xml::escape::resolve_predefined_entity(&name).unwrap());
            }
            Event::Decl(_) => assert!(fields.is_empty()),
            Event::Eof => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((depth, roots), (0, 1));
    fields
}

fn check_json(answer: &CallerData, shape: &Reply) {
    let rendered = render(answer, shape, Format::Json);
    assert!(rendered.body.len() <= MAX_BODY && !rendered.body.iter().any(|byte| *byte < b' '));
    let read: Value = serde_json::from_slice(&rendered.body).unwrap();
    let read = shape.root_tag.as_ref().map_or(&read, |tag| &read[tag]).as_object().unwrap();
    assert_eq!(read.len(), if shape.extended { 9 } else { 6 });
    for (name, part) in parts(answer, shape.extended) {
        let expected = match part {
            Part::Null => Value::Null,
            Part::Integer(number) => number.into(),
            Part::Text(text) => text.into(),
        };
        if rendered.shortened.contains(&name) {
            let kept = read[name].as_str().unwrap_or_default();
            assert!(expected.as_str().unwrap().starts_with(kept));
        } else {
            assert_eq!(read[name], expected);
        }
    }
}

fn check_xml(answer: &CallerData, shape: &Reply) {
    let rendered = render(answer, shape, Format::Xml);
    let document = std::str::from_utf8(&rendered.body).unwrap();
    assert!(document.len() <= MAX_BODY && !document.contains(char::is_control));
    assert!(document.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><"));
    let fields = read_xml(document);
    for (name, part) in parts(answer, shape.extended) {
        let Part::Text(text) = part else { continue };
        let (_, read) = fields.iter().find(|(found, _)| found == name).unwrap();
        let held: String = text.chars().filter(|&character| xml::written_len(character) > 0).collect();
        assert!(if rendered.shortened.contains(&name) { held.starts_with(read) } else { held == *read }, "{document}");
    }
}

proptest! {
    #[test]
    fn any_answer_is_valid_in_every_format(
        seeds in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..10),
        extended: bool,
        tag in prop::option::of("[a-z]{1,20}"),
    ) {
        let texts: Vec<_> = seeds.iter().map(|seed| hostile::text(seed)).collect();
        let answer = hostile_answer(&texts);
        let shape = Reply { extended, root_tag: tag.clone(), xml_wrap: tag, ..shape() };
        check_json(&answer, &shape);
        check_xml(&answer, &shape);
        let text = body(&answer, &shape, Format::Text);
        prop_assert!(text.len() <= MAX_BODY && !text.contains(char::is_control));
    }
}
