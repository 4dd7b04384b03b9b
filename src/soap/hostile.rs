//! What must neither end the program nor eat its memory.

use proptest::prelude::*;

use super::message::write_fault;
use super::*;

const START: &str = "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/' \
                     xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><e:Body>";
const END: &str = "</e:Body></e:Envelope>";

fn answer(body: &str) -> crate::error::Result<serde_json::Value> {
    decode::answer(&Envelope::read(format!("{START}{body}{END}").as_bytes(), None)?)
}

#[test]
fn references_do_not_multiply() {
    let level = |place: usize| format!("<m id='i{place}'>{}</m>", format!("<x href='#i{}'/>", place + 1).repeat(10));
    let bomb: String = (0..20).map(level).collect();
    let refused = answer(&format!("<r><return href='#i0'/></r>{bomb}<m id='i20'>x</m>")).unwrap_err();
    assert!(refused.to_string().contains("too many values"), "{refused}");
    let text = "y".repeat(500_000);
    let many = format!("<r><return>{}</return></r><m id='i'>{text}</m>", "<x href='#i'/>".repeat(2_000));
    assert!(answer(&many).unwrap_err().to_string().contains("too much text"));
    let name = "n".repeat(500_000);
    for named in [format!("<item><key>{name}</key><value>x</value></item>"), format!("<{name}>x</{name}>")] {
        let many = format!("<r><return>{}</return></r><m id='i'>{named}</m>", "<x href='#i'/>".repeat(20));
        assert!(answer(&many).is_err_and(|why| why.to_string().contains("too much text")), "names count too");
    }
}

#[test]
fn references_in_a_circle_or_to_nowhere_are_refused() {
    assert!(answer("<r><return href='#a'/></r><m id='a' href='#a'/>").is_err());
    assert!(answer("<r><return href='#a'/></r><m id='a'><x href='#a'/></m>").is_err());
    assert!(answer("<r><return href='#b'/></r>").unwrap_err().to_string().contains("does not hold"));
}

#[test]
fn json_in_a_text_may_be_anything() {
    assert_eq!(answer("<r><return>{\"id\":1}</return></r>").unwrap(), serde_json::json!({"id": 1}));
    assert_eq!(answer("<r><return>{\"id\":</return></r>").unwrap(), serde_json::json!("{\"id\":"));
    let deep = "[".repeat(50_000);
    assert_eq!(answer(&format!("<r><return>{deep}</return></r>")).unwrap(), serde_json::json!(deep));
}

#[test]
fn words_of_a_stranger_do_not_change_the_envelope() {
    let fault = write_fault(Version::V12, "Client", "</env:Text><x/>\u{0}\u{fffe}]]>");
    let read = Envelope::read(fault.as_bytes(), None).unwrap().fault().unwrap();
    assert_eq!((read.code.as_str(), read.text.as_str()), ("Sender", "</env:Text><x/>]]>"));
    let shown = Fault { code: "Server".to_owned(), text: "a\r\nb".to_owned() }.to_string();
    assert_eq!(shown, "Server: a  b");
}

/// Text in which what matters to XML and SOAP is likely.
fn soap_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'>".to_owned()),
        Just("</e:Envelope>".to_owned()),
        Just("<e:Body>".to_owned()),
        Just("</e:Body>".to_owned()),
        Just("<e:Fault>".to_owned()),
        Just("<a href='#a' id='a'>".to_owned()),
        Just(
            "<item><key>k</key><value xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:nil='1'/></item>"
                .to_owned()
        ),
        Just("<a/>".to_owned()),
        Just("</a>".to_owned()),
        Just("<!DOCTYPE a [".to_owned()),
        Just("&#x1F600;".to_owned()),
        Just("&#0;".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("]]>".to_owned()),
        Just("<?xml version='1.0' encoding='".to_owned()),
        "\\PC{0,8}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_end_the_program(text in soap_like(), bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        for body in [text.as_bytes(), &bytes] {
            super::fuzz_bytes(body);
        }
        let _ = answer(&text);
    }

    #[test]
    fn what_is_written_is_read_again(text in "\\PC{0,40}", key in "\\PC{0,10}") {
        let value = Value::Map(vec![(Key::Text(key.clone()), Value::text(text.clone()))]);
        let arguments = [Argument::new("return", value)];
        for (version, is_answer) in [(Version::V11, true), (Version::V12, true), (Version::V12, false)] {
            let message = Message {
                version, shape: Shape::RpcEncoded, namespace: "urn:\"<x>&", function: "f", arguments: &arguments,
                header: None, is_answer,
            };
            let envelope = Envelope::read(message.write().as_bytes(), None).unwrap();
            prop_assert_eq!(envelope.version, version);
            prop_assert_eq!(envelope.body[0].namespace.as_deref(), Some("urn:\"<x>&"));
            let read = decode::answer(&envelope).unwrap();
            prop_assert_eq!(&read[&key], &serde_json::json!(text));
        }
    }
}
