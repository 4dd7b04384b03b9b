//! The bytes of PHP 8.2's `SoapClient` and `SoapServer`: written the same, read the same.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::message::Header;
use super::*;

fn read(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures/soap");
    std::fs::read(folder.join(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
}

/// The body behind the head of a captured message, and its content type.
fn body_of(message: &[u8]) -> (&[u8], Option<String>) {
    let end = message.windows(4).position(|part| part == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&message[..end]).into_owned();
    let content_type = head.lines().find_map(|line| line.strip_prefix("Content-Type: ").map(str::to_owned));
    (&message[end + 4..], content_type)
}

fn sent(name: &str) -> String {
    let message = read(&format!("{name}.req.bin"));
    String::from_utf8(body_of(&message).0.to_vec()).unwrap()
}

fn map(entries: &[(&str, &str)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| (Key::Text((*key).to_owned()), Value::text(*value))).collect())
}

fn positional(values: Vec<Value>) -> Vec<Argument> {
    values.into_iter().enumerate().map(|(place, value)| Argument::new(format!("param{place}"), value)).collect()
}

fn named(pairs: &[(&str, Value)]) -> Vec<Argument> {
    pairs.iter().map(|(name, value)| Argument::new(*name, value.clone())).collect()
}

fn qualified(namespace: &str, pairs: &[(&str, &str)]) -> Vec<Argument> {
    let namespace: Arc<str> = namespace.into();
    let argument = |(name, text): &(&str, &str)| Argument {
        namespace: Some(Arc::clone(&namespace)),
        ..Argument::new(*name, Value::text(*text))
    };
    pairs.iter().map(argument).collect()
}

fn written(version: Version, shape: Shape, arguments: &[Argument]) -> String {
    let message = Message {
        version,
        shape,
        namespace: "urn:callerdata",
        function: "getCallerInfo",
        arguments,
        header: None,
        is_answer: false,
    };
    message.write()
}

#[test]
fn calls_without_a_wsdl_are_written_in_the_bytes_of_php() {
    let encoded = |values| written(Version::V11, Shape::RpcEncoded, &positional(values));
    let text = Value::text;
    let whole = map(&[("do_something", "true"), ("telephone", "0700000000"), ("dnid", "0210000000")]);
    assert_eq!(encoded(vec![whole]), sent("n01_seed_assoc_single_arg"));
    assert_eq!(encoded(vec![text("true"), text("0700000000"), text("0210000000")]), sent("n02_seed_named_args"));
    assert_eq!(encoded(vec![text("0700000000"), text("0210000000"), text("true")]), sent("n03_positional"));
    assert_eq!(encoded(vec![map(&[("do_something", "true")])]), sent("n27_func_params_single"));
    let by_name = named(&[("telephone", text("0700000000")), ("dnid", text("0210000000"))]);
    assert_eq!(written(Version::V11, Shape::RpcEncoded, &by_name), sent("n04_soapparam"));
    let object =
        Value::Struct(vec![("do_something".to_owned(), text("true")), ("telephone".to_owned(), text("0700000000"))]);
    assert_eq!(encoded(vec![object]), sent("n23_object_arg"));
    let new = positional(vec![map(&[("do_something", "true"), ("telephone", "0700000000")])]);
    assert_eq!(written(Version::V12, Shape::RpcEncoded, &new), sent("n06_soap12"));
    let literal = named(&[("telephone", text("0700000000")), ("m", map(&[("x", "y")]))]);
    assert_eq!(written(Version::V11, Shape::RpcLiteral, &literal), sent("n08_rpc_literal"));
}

#[test]
fn values_of_each_type_are_written_in_the_bytes_of_php() {
    let text = Value::text;
    let values = vec![
        Value::Integer(7),
        text("1.5"),
        Value::Boolean(true),
        Value::Null,
        text("s <&>\"' ăș"),
        Value::List(vec![Value::Integer(1), Value::Integer(2)]),
        Value::Map(vec![(Key::Text("a".to_owned()), map(&[("b", "c")]))]),
        Value::Struct(vec![("a".to_owned(), Value::Integer(1)), ("b".to_owned(), text("x"))]),
        Value::List(Vec::new()),
        Value::Integer(3_000_000_000),
    ];
    let php = sent("n05_types").replace("xsd:float", "xsd:string");
    assert_eq!(written(Version::V11, Shape::RpcEncoded, &positional(values)), php);
    let mixed = vec![
        Value::Map(vec![(Key::Text("x".to_owned()), text("1")), (Key::Integer(5), text("five"))]),
        Value::List(vec![text("a"), text("b"), text("c")]),
        Value::List(vec![text("a"), Value::Integer(1)]),
        Value::List(vec![map(&[("k", "v")]), map(&[("k", "w")])]),
    ];
    let php = sent("n22_assoc_numeric_mixed_keys");
    assert_eq!(written(Version::V11, Shape::RpcEncoded, &positional(mixed)), php);
    let control = positional(vec![text("a\u{1}b\tc\r\nd")]);
    let php = sent("n21_control_chars").replace('\u{1}', "");
    assert_eq!(written(Version::V11, Shape::RpcEncoded, &control), php, "what XML cannot hold is left out");
}

/// How PHP calls the function of a captured WSDL with these arguments by name.
fn by_wsdl(wsdl: &str, given: &[(&str, Value)]) -> String {
    let mut description = wsdl::Wsdl::default();
    description.add(Element::read(&read(&format!("wsdl/{wsdl}.wsdl")), None, 1_000).unwrap()).unwrap();
    let operation = description.operation("getCallerInfo", None).unwrap();
    assert_eq!(operation.action, "urn:callerdata#getCallerInfo");
    assert_eq!(operation.location, "http://127.0.0.1:18777/soap/endpoint");
    let find = |name: &str| given.iter().find(|(given, _)| *given == name).map(|(_, value)| value.clone());
    let arguments = operation.parameters.iter().filter_map(|parameter| {
        let value = find(&parameter.name).or((operation.shape != Shape::DocumentLiteral).then_some(Value::Null))?;
        Some(Argument { name: parameter.name.clone(), namespace: parameter.namespace.clone(), value })
    });
    let message = Message {
        version: operation.version,
        shape: operation.shape,
        namespace: &operation.namespace,
        function: &operation.element,
        arguments: &arguments.collect::<Vec<_>>(),
        header: None,
        is_answer: false,
    };
    message.write()
}

#[test]
fn calls_by_a_wsdl_are_written_in_the_bytes_of_php() {
    let text = Value::text;
    let whole = [("telephone", text("0700000000")), ("dnid", text("0210000000")), ("do_something", text("true"))];
    let typed = [whole[0].clone(), whole[1].clone(), ("do_something", Value::Boolean(true))];
    assert_eq!(by_wsdl("doclit", &whole), sent("w_doclit_named"));
    assert_eq!(by_wsdl("doclit", &whole[..1]), sent("w_doclit_missing"));
    assert_eq!(by_wsdl("doclit12", &whole), sent("w_doclit12_named"));
    assert_eq!(by_wsdl("rpclit", &whole), sent("w_rpclit_named"));
    assert_eq!(by_wsdl("rpclit", &whole[..1]), sent("w_rpclit_missing"));
    assert_eq!(by_wsdl("rpcenc", &typed), sent("w_rpcenc_named"));
    assert_eq!(by_wsdl("rpcenc", &typed[..1]), sent("w_rpcenc_missing"));
}

#[test]
fn a_session_goes_into_the_header_as_salesforce_wants_it() {
    let class = "http://soap.sforce.com/schemas/class/CreateActivitiesWebService";
    let session = [("sessionId", "00Dxx!AQ_fake")];
    let header = Header { namespace: class, name: "SessionHeader", fields: &session };
    let message = Message {
        version: Version::V11,
        shape: Shape::DocumentLiteral,
        namespace: class,
        function: "sendCallInfo",
        arguments: &qualified(class, &[("phone", "0700000000"), ("direction", "IN"), ("agent", "ion")]),
        header: Some(header),
        is_answer: false,
    };
    assert_eq!(message.write(), sent("w_apex_sendCallInfo"));
}

#[test]
fn what_php_writes_php_would_read_the_same() {
    for (name, expected) in [
        ("n01_seed_assoc_single_arg", json!({"do_something": "true", "telephone": "0700000000", "dnid": "0210000000"})),
        ("n23_object_arg", json!({"do_something": "true", "telephone": "0700000000"})),
        ("n03_positional", json!({"param0": "0700000000", "param1": "0210000000", "param2": "true"})),
    ] {
        let envelope = Envelope::read(sent(name).as_bytes(), None).unwrap();
        assert!(envelope.is_encoded);
        assert_eq!(decode::answer(&envelope).unwrap(), expected, "{name}");
    }
}

/// What a captured answer is to us: JSON, a fault, or nothing that can be read.
fn understood(name: &str) -> Result<Json, String> {
    let message = read(name);
    let (body, content_type) = body_of(&message);
    let envelope = Envelope::read(body, content_type.as_deref()).map_err(|why| why.to_string())?;
    match envelope.fault() {
        Some(fault) => Err(fault.to_string()),
        None => decode::answer(&envelope).map_err(|why| why.to_string()),
    }
}

#[test]
fn every_canned_answer_is_read_as_php_reads_it() {
    let john = || json!({"id": 12345, "name": "John Doe"});
    for (name, expected) in [
        ("r_map", john()),
        ("r_two_out", john()),
        ("r_multiref", json!({"name": "John Doe"})),
        ("r_array", json!(["a", "b"])),
        ("r_nil", Json::Null),
        ("r_string", json!("John Doe")),
        ("d_nolength", json!("John Doe")),
        ("d_keepalive", json!("John Doe")),
        ("d_301.2", json!("John Doe")),
        ("d_latin1", json!("Ion Ţăranu")),
    ] {
        let read = understood(&format!("responses/{name}.resp"));
        assert_eq!(read, Ok(expected), "{name}");
    }
    let read = understood("responses/r_struct.resp").unwrap();
    let empty = json!({"id": 12345, "name": "John Doe", "queue_position": null, "direct_line": "", "backend_link": ""});
    assert_eq!(read, empty);
    for (name, expected) in [
        ("r_fault11", "Server: boom"),
        ("d_exc", "Server: boom"),
        ("r_fault12", "BadPhone: bad phone"),
        ("r_fault_http200", "Client: nope"),
        ("r_doctype", "document type"),
        ("r_200_html", "it is a web page"),
        ("r_404_html", "it is a web page"),
        ("r_500_html", "it is a web page"),
        ("r_401", "text around"),
        ("r_json200", "text around"),
        ("r_200_empty", "there is no XML"),
        ("d_503ra", "text around"),
    ] {
        let read = understood(&format!("responses/{name}.resp")).unwrap_err();
        assert!(read.contains(expected), "{name}: {read}");
    }
    let login = understood("responses/r_fault_detail.resp").unwrap_err();
    assert!(login.starts_with("INVALID_LOGIN: INVALID_LOGIN: Invalid username"), "{login}");
}

#[test]
fn every_answer_of_a_soap_server_of_php_is_read() {
    let whole = json!({"id": 12345, "name": "John Doe", "queue_position": null, "direct_line": null,
        "backend_link": "", "route_identifier": null});
    for (name, expected) in [
        ("rpc_array", whole.clone()),
        ("rpc12_array", whole.clone()),
        ("rpc_object", whole),
        ("doclit", json!({"id": "12345", "name": "John Doe"})),
        ("rpc_json", json!({"id": 12345, "name": "John Doe"})),
        ("rpc_list", json!([{"id": 1}, {"id": 2}])),
        ("rpc_null", Json::Null),
        ("rpc_string", json!("John Doe")),
        ("rpc_echo", json!({"args": ["0700000000", "0210000000", "true"]})),
    ] {
        assert_eq!(understood(&format!("server_responses/{name}.resp")), Ok(expected), "{name}");
    }
    for (name, expected) in [
        ("bad_xml", "Client: Bad Request"),
        ("unknown_fn", "Server: Function 'nope' doesn't exist"),
        ("rpc_fault", "Server: no such caller"),
        ("rpc12_fault", "Receiver: no such caller"),
        ("rpc_exception", "there is no XML"),
    ] {
        let read = understood(&format!("server_responses/{name}.resp")).unwrap_err();
        assert!(read.contains(expected), "{name}: {read}");
    }
}
