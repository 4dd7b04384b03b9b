//! The main job over HTTP: the contract's cases, byte for byte.

use crate::harness::{ADMIN, CONFIGURATION, Server, TOKEN, Workplace, get, head, post, send};

const KNOWN: &str = r#"{"id":12345,"name":"Ana Popescu","queue_position":5,"direct_line":"SIP/ion-popescu","backend_link":"https://crm.example.com/contact/12345","route_identifier":"shop"}"#;
const NOBODY: &str =
    r#"{"id":null,"name":null,"queue_position":null,"direct_line":null,"backend_link":null,"route_identifier":null}"#;

#[test]
fn a_known_caller_is_answered_with_exactly_these_bytes() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let reply = server.lookup("telephone=0722111222&dnid=0310000000");
    assert_eq!((reply.status, reply.text().as_str()), (200, KNOWN));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("content-length"), Some(KNOWN.len().to_string().as_str()));
    assert_eq!(reply.header("x-calldex-degraded"), None);
    assert_eq!(reply.header("x-calldex-warning"), None);
}

#[test]
fn every_spelling_of_a_number_finds_the_same_person() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    for spelling in [
        "0722111222",
        "0722+111+222",
        "0722.111.222",
        "0722-111-222",
        "(0722)111222",
        "+40722111222",
        "%2B40722111222",
        "%2b40722111222",
        "+40722111222",
        "0040722111222",
        "40722111222",
        "%20%2B40+722+111+222",
        "sip:0722111222%40pbx",
        "tel:%2B40722111222",
        "%3Csip:%2B40722111222%40a.b%3E",
        "%EF%BC%90%EF%BC%97%EF%BC%92%EF%BC%92111222",
        "722111222",
    ] {
        let reply = server.lookup(&format!("telephone={spelling}&dnid=1"));
        assert_eq!((reply.status, reply.text().as_str()), (200, KNOWN), "{spelling}");
    }
}

#[test]
fn whoever_is_not_known_gets_nulls_and_200() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    for telephone in [
        "0799999999",
        "anonymous",
        "unknown",
        "Restricted",
        "asterisk",
        "",
        "101",
        "sip:bob%40example.com",
        "%00",
        "%FF",
        "266696687",
        "0000000000",
        "1;phone-context=a;tel:",
        "%25n",
        "'+OR+1=1+--",
        "%25",
        "_______",
    ] {
        let reply = server.lookup(&format!("telephone={telephone}&dnid=1"));
        assert_eq!((reply.status, reply.text().as_str()), (200, NOBODY), "{telephone}");
    }
}

#[test]
fn an_absent_telephone_is_an_unknown_caller_with_a_warning() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let reply = server.lookup("dnid=0310000000");
    assert_eq!((reply.status, reply.text().as_str()), (200, NOBODY));
    assert_eq!(reply.header("x-calldex-warning"), Some("telephone is missing"));
}

#[test]
fn a_parameter_repeated_with_another_value_names_nobody() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    assert_eq!(server.lookup("telephone=0722111222&telephone=0722111222").text(), KNOWN);
    assert_eq!(server.lookup("telephone=0799999999&telephone=0722111222").text(), NOBODY);
    assert_eq!(server.lookup("telephone=0722111222&dnid=1&dnid=2").text(), NOBODY);
    let other_token = get(server.address, &format!("/sales/lookup?token={TOKEN}&telephone=1&token=other"));
    assert_eq!(other_token.status, 403);
}

#[test]
fn every_address_of_a_lookup_answers_alike() {
    let workplace = Workplace::new(&CONFIGURATION.replace("[server]", "[server]\ndefault_project = \"sales\""));
    workplace.write("contacts.csv", crate::harness::CONTACTS);
    workplace.succeed(&["import", "contacts.csv", "--directory", "customers"]);
    let server = workplace.serve();
    for target in [
        format!("/sales/lookup?telephone=0722111222&token={TOKEN}"),
        format!("/api/sales?telephone=0722111222&dnid=1&token={TOKEN}"),
        format!("/api/sales/{TOKEN}?telephone=0722111222"),
        format!("/?telephone=0722111222&token={TOKEN}"),
        format!("/api/sales?token={TOKEN}?telephone=0722111222&dnid=1"),
        format!("/sales/lookup?telephone=0722111222&token={TOKEN}&token={TOKEN}"),
    ] {
        assert_eq!(get(server.address, &target).text(), KNOWN, "{target}");
    }
    let form = format!("telephone=0722111222&dnid=1&token={TOKEN}");
    let posted = post(server.address, "/sales/lookup", "application/x-www-form-urlencoded", form.as_bytes());
    assert_eq!(posted.text(), KNOWN);
    let json = format!(r#"{{"telephone":"0722111222","dnid":null,"token":"{TOKEN}"}}"#);
    assert_eq!(post(server.address, "/sales/lookup", "application/json", json.as_bytes()).text(), KNOWN);
}

#[test]
fn a_token_is_taken_from_the_headers_too() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let basic = base64_of(&format!("pbx:{TOKEN}"));
    for header in [format!("Authorization: Bearer {TOKEN}"), format!("Authorization: Basic {basic}")] {
        let request = format!(
            "GET /sales/lookup?telephone=0722111222 HTTP/1.1\r\nHost: x\r\n{header}\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(send(server.address, request.as_bytes()).text(), KNOWN);
    }
}

#[test]
fn xml_and_text_are_asked_for_by_parameter() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let xml = server.lookup("telephone=0722111222&format=xml");
    assert_eq!(xml.header("content-type"), Some("application/xml"));
    assert_eq!(
        xml.text(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><response><id>12345</id><name>Ana Popescu</name>\
         <queue_position>5</queue_position><direct_line>SIP/ion-popescu</direct_line>\
         <backend_link>https://crm.example.com/contact/12345</backend_link>\
         <route_identifier>shop</route_identifier></response>"
    );
    let text = server.lookup("telephone=0722111222&format=text");
    assert_eq!(text.text(), "Ana Popescu");
    assert!(text.header("content-type").unwrap().starts_with("text/plain"));
    assert_eq!(server.lookup("telephone=0799999999&format=text").text(), "");
    assert_eq!(get(server.address, "/sales/lookup?telephone=0722111222&format=text&token=wrong").text(), "");
}

#[test]
fn the_shape_of_a_project_wraps_and_extends_the_answer() {
    let shape = "reply = \"extended\"\nroot_tag = \"data\"\n";
    let workplace = Workplace::new(&format!("{CONFIGURATION}{shape}"));
    workplace.write("contacts.csv", crate::harness::CONTACTS);
    workplace.succeed(&["import", "contacts.csv", "--directory", "customers"]);
    let server = workplace.serve();
    let reply = server.lookup("telephone=0213123456");
    assert_eq!(
        reply.text(),
        r#"{"data":{"id":"007","name":"Jim Bond","queue_position":null,"direct_line":null,"backend_link":"https://crm.example.com/contact/007","route_identifier":null,"outbound_number":null,"language":"en","external_id":null}}"#
    );
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let reply = head(server.address, &format!("/sales/lookup?telephone=0722111222&token={TOKEN}"));
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(reply.header("content-length"), Some(KNOWN.len().to_string().as_str()));
}

#[test]
fn a_request_id_ties_answer_and_explanation_together() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let request = format!(
        "GET /sales/lookup?telephone=0722111222&token={TOKEN} HTTP/1.1\r\nHost: x\r\nX-Request-Id: call-77\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(send(server.address, request.as_bytes()).header("x-request-id"), Some("call-77"));
    let explained = explain(&server, "request=call-77").json();
    assert_eq!(explained["outcome"], "found");
    assert_eq!(explained["telephone"]["reading"]["e164"], "+40722111222");
    assert_eq!(explained["sources"][0]["source"], "customers");
    assert_eq!(explained["sources"][0]["contacts"][0]["rung"], "exact");
    assert_eq!(explained["fields"]["backend_link"], "the project's default");
    assert_eq!(explained["answer"]["id"], 12345);
    assert!(!explained.to_string().contains(TOKEN), "no explanation holds a credential");
}

#[test]
fn an_explanation_that_shows_a_changed_address_book_is_dropped() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let id = server.lookup("telephone=0722111222").header("x-request-id").unwrap().to_owned();
    assert_eq!(explain(&server, &format!("request={id}")).status, 200);
    workplace.succeed(&["contact", "remove", "12345", "--directory", "customers"]);
    assert_eq!(explain(&server, &format!("request={id}")).status, 404);
}

#[test]
fn an_explanation_of_now_needs_an_administrators_token() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    assert_eq!(explain(&server, "telephone=0799999999").json()["outcome"], "unknown");
    assert_eq!(get(server.address, &format!("/sales/explain?telephone=1&token={ADMIN}")).status, 403);
    let with_project_token = format!(
        "GET /sales/explain?telephone=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(send(server.address, with_project_token.as_bytes()).status, 403);
}

fn explain(server: &Server, query: &str) -> crate::harness::Reply {
    let request = format!(
        "GET /sales/explain?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}\r\nConnection: close\r\n\r\n"
    );
    send(server.address, request.as_bytes())
}

fn base64_of(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}
