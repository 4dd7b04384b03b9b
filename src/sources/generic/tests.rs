use http::{HeaderMap, StatusCode};

use super::settings::{check_generic, check_ticketsys};
use super::*;
use crate::config::{Complaint, load_text};
use crate::error::Kind;
use crate::model::{Call, Contact, Field, RequestId};
use crate::number::Number;
use crate::number::parse;
use crate::sources::http::{Answer, Request};

fn source(keys: &str) -> config::Source {
    let text = format!("[source.crm]\ntype = \"generic\"\n{keys}");
    load_text(&text, &|name| (name == "KEY").then(|| "s&cret".to_owned())).unwrap().sources["crm"].clone()
}

fn settings(keys: &str) -> Settings {
    Settings::read(&source(&format!("url = \"https://crm.example.com/caller\"\n{keys}"))).unwrap()
}

fn question(telephone: &str, dnid: &str, country: &str) -> Question {
    let numbering = Numbering::of_country(country);
    let call = Call {
        project: "sales".into(),
        telephone: telephone.into(),
        dnid: dnid.into(),
        direction: None,
        params: std::collections::BTreeMap::new(),
        request_id: RequestId::from_bits(1),
    };
    Question { call: Arc::new(call), number: Arc::new(parse(telephone, &numbering)), numbering: Arc::new(numbering) }
}

fn sent(settings: &Settings, question: &Question) -> Request {
    let Number::Phone { phone, .. } = &*question.number else { panic!("no number") };
    request::build(settings, question, phone)
}

fn query(keys: &str, telephone: &str, dnid: &str) -> String {
    sent(&settings(keys), &question(telephone, dnid, "RO")).url.query().unwrap().to_owned()
}

fn answer(status: u16, content_type: &str, body: &[u8]) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, content_type.parse().unwrap());
    Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.to_vec().into() }
}

fn read(params: &str, body: &str) -> Result<Vec<Contact>> {
    read_bytes(params, 200, "application/json", body.as_bytes())
}

fn read_bytes(params: &str, status: u16, content_type: &str, body: &[u8]) -> Result<Vec<Contact>> {
    let keys = format!("params = \"{params}\"\nurl = \"https://crm.example.com/\"");
    let mapping = Mapping::of(&source(&keys)).unwrap();
    answer::read(answer(status, content_type, body), &settings(&format!("params = \"{params}\"")), &mapping)
        .map(|contacts| contacts.mapped)
}

fn name(found: Result<Vec<Contact>>) -> Option<String> {
    found.unwrap().first().map(|contact| contact.get(Field::Name).unwrap_or_default().to_owned())
}

#[test]
fn numbers_go_out_as_dialled_from_the_country_of_the_project() {
    assert_eq!(query("", "+40722111222", "0310000000"), "telephone=0722111222&dnid=0310000000");
    assert_eq!(query("", "+4930123456", ""), "telephone=004930123456&dnid=");
    assert_eq!(query("form = \"e164\"", "0722111222", "sales line"), "telephone=%2B40722111222&dnid=sales+line");
    assert_eq!(query("country = \"DE\"", "0722111222", "0310000000"), "telephone=0040722111222&dnid=0040310000000");
    let nowhere = Question { numbering: Arc::default(), ..question("+40722111222", "", "RO") };
    assert_eq!(sent(&settings(""), &nowhere).url.query(), Some("telephone=%2B40722111222&dnid="));
}

#[test]
fn a_query_that_the_address_has_stays_as_it_is() {
    let settings = Settings::read(&source("url = \"https://crm.example.com/caller?key=${KEY}&x=1+2\"")).unwrap();
    let request = sent(&settings, &question("0722111222", "0310000000", "RO"));
    assert_eq!(request.url.query(), Some("key=s%26cret&x=1+2&telephone=0722111222&dnid=0310000000"));
    assert!(request.headers.is_empty());
}

#[test]
fn a_hostile_number_called_stays_inside_its_parameter() {
    let query = query("", "0722111222", "x&telephone=1#\r\nHost: evil' OR 1=1 --");
    assert_eq!(query, "telephone=0722111222&dnid=x%26telephone%3D1%23%0D%0AHost%3A+evil%27+OR+1%3D1+--");
    let settings = settings("params = \"send_request_headers=1\"");
    let request = sent(&settings, &question("0722111222", "a\r\nX-Admin: 1", "RO"));
    assert!(request.headers.get("x-dnid").is_none() && request.headers["x-project"] == "sales");
}

#[test]
fn request_headers_follow_the_type() {
    let headers = |params: &str| sent(&settings(params), &question("0722111222", "", "RO")).headers;
    let xml = headers("params = \"type=xml&send_request_headers=1\"");
    assert_eq!(
        (&xml["accept"], &xml["content-type"]),
        (&"application/xml".parse().unwrap(), &"application/xml".parse().unwrap())
    );
    assert_eq!(xml["x-telephone"], "0722111222");
    assert_eq!(headers("params = \"send_request_headers=true\"")["accept"], "application/json");
    assert!(headers("params = \"send_request_headers=0\"").is_empty());
}

#[test]
fn the_answer_of_the_contract_is_read() {
    let body = r#"{"id":12345,"name":"John Doe","queue_position":null,"direct_line":"SIP/ion","backend_link":"https://x.example/?id=12345","route_identifier":null}"#;
    let found = read("type=json&root_tag=&send_request_headers=0&ignore_response=0", body).unwrap();
    assert_eq!(found[0].id.to_string(), "12345");
    assert_eq!(found[0].get(Field::DirectLine), Some("SIP/ion"));
    assert_eq!(name(read("", &format!("\u{feff} {body}\n"))), Some("John Doe".to_owned()));
}

#[test]
fn nobody_is_said_in_every_way_that_the_contract_allows() {
    for body in [r#"{"id":null,"name":null,"queue_position":null}"#, "{}", "[]", "null"] {
        assert!(read("", body).unwrap().is_empty(), "{body}");
        assert!(read("root_tag=data", body).is_err() == body.starts_with("{\"id\""), "{body}");
    }
    assert!(read("root_tag=data", r#"{"data":null}"#).unwrap().is_empty());
    assert!(read_bytes("", 204, "text/html", b"").unwrap().is_empty());
    for body in ["<response/>", "<response><id/><name></name></response>", "<response>  </response>"] {
        assert!(read("type=xml", body).unwrap().is_empty(), "{body}");
    }
}

#[test]
fn an_answer_without_any_field_of_a_contact_is_neither_somebody_nor_nobody() {
    for (params, body) in [
        ("", r#"{"error":"Database down"}"#),
        ("", r#"{"status":"error","message":"no such table"}"#),
        ("", r#"{"data":{"id":7,"name":"Ana"}}"#),
        ("", r#"[{"code":500}]"#),
        ("type=xml", "<response><error>Database down</error></response>"),
        ("type=xml", "<response><contact><id>7</id><name>Ana</name></contact></response>"),
    ] {
        let error = read(params, body).unwrap_err();
        assert_eq!(error.kind(), Kind::Corrupt, "{body}");
        assert!(error.to_string().contains("does it need root_tag or map"), "{error}");
    }
    for body in [r#"{"id":null,"name":null,"error":"not found"}"#, r#"{"error":null,"data":[]}"#, r#"{"found":false}"#]
    {
        assert!(read("", body).is_ok(), "{body}");
    }
    assert_eq!(name(read("", r#"{"name":"Ana","error":"none"}"#)), Some("Ana".to_owned()));
}

#[test]
fn the_fields_are_found_under_the_root_tag_wherever_it_is() {
    let wanted = Some("Ana".to_owned());
    assert_eq!(name(read("root_tag=data", r#"{"ok":true,"result":[{"data":{"name":"Ana"}}]}"#)), wanted);
    assert_eq!(name(read("type=xml&root_tag=contact", "<contact><name>Ana</name></contact>")), wanted);
    assert_eq!(
        name(read("type=xml&root_tag=contact", "<a><b/><x:contact xmlns:x='u'><x:name>Ana</x:name></x:contact></a>")),
        wanted
    );
    assert_eq!(name(read("type=xml", "<any><name>Ana</name></any>")), wanted);
    for (params, body) in
        [("root_tag=data", r#"{"name":"Ana"}"#), ("type=xml&root_tag=data", "<a><name>Ana</name></a>")]
    {
        let error = read(params, body).unwrap_err();
        assert!(error.to_string().contains("root_tag"), "{error}");
    }
}

#[test]
fn what_php_makes_of_xml_is_what_calldex_makes_of_it() {
    let captured = include_str!("../../../testdata/generic/simplexml.json");
    let captured: serde_json::Value = serde_json::from_str(captured).unwrap();
    let rows = captured["rows"].as_array().unwrap();
    assert!(rows.len() > 10);
    let mut compared = 0;
    for row in rows {
        let (case, xml) = (row["case"].as_str().unwrap(), row["xml_b64"].as_str().unwrap());
        let body = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, xml).unwrap();
        let found = read_bytes("type=xml", 200, "text/xml", &body);
        let Some(php) = row["json"].as_str().and_then(|json| serde_json::from_str::<serde_json::Value>(json).ok())
        else {
            continue;
        };
        // PHP loses names with a prefix and CDATA; calldex reads both.
        if let Some(expected) = php["name"].as_str().map(str::trim).filter(|name| !name.is_empty()) {
            assert_eq!(name(found).as_deref(), Some(expected), "{case}");
            compared += 1;
        }
    }
    assert!(compared >= 5, "{compared}");
}

#[test]
fn text_in_another_charset_is_decoded() {
    let xml = b"<?xml version=\"1.0\" encoding=\"ISO-8859-2\"?><r><name>\xaatefan</name></r>";
    assert_eq!(name(read_bytes("type=xml", 200, "text/xml", xml)), Some("Ştefan".to_owned()));
    let json = b"{\"name\":\"J\xfcrgen\"}";
    assert_eq!(name(read_bytes("", 200, "application/json; charset=windows-1252", json)), Some("Jürgen".to_owned()));
    assert_eq!(read_bytes("", 200, "application/json", json).unwrap_err().kind(), Kind::Corrupt);
}

#[test]
fn a_page_an_error_or_half_an_answer_is_never_a_name() {
    let page = "<!DOCTYPE html><html><head><title>Error</title></head><body><name>Fatal error</name></body></html>";
    let xhtml = "<html><body><name>Fatal error</name></body></html>";
    for params in ["", "type=xml", "root_tag=name", "type=xml&root_tag=name"] {
        for body in [page, xhtml, "", "Fatal error", "\"Fatal error\"", "42", "{\"name\":\"Ana", "<r><name>Ana</name>"]
        {
            let found = read(params, body);
            assert_eq!(found.unwrap_err().kind(), Kind::Corrupt, "{params} {body}");
        }
    }
    let body = br#"{"name":"Fatal error"}"#;
    for (status, kind) in [
        (500, Kind::Unavailable),
        (404, Kind::NotFound),
        (401, Kind::Refused),
        (403, Kind::Refused),
        (400, Kind::Invalid),
        (201, Kind::Invalid),
        (206, Kind::Invalid),
        (302, Kind::Invalid),
    ] {
        assert_eq!(read_bytes("", status, "application/json", body).unwrap_err().kind(), kind, "{status}");
    }
}

#[test]
fn a_bomb_of_entities_is_refused() {
    let bomb = "<!DOCTYPE r [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><r><name>&b;</name></r>";
    assert!(read("type=xml", bomb).unwrap_err().to_string().contains("document type"));
    assert!(read("", &"[".repeat(100_000)).is_err());
    assert!(read("type=xml", &"<a>".repeat(100_000)).is_err());
}

fn complaints(check: fn(&config::Source) -> Vec<Complaint>, keys: &str) -> Vec<String> {
    check(&source(keys)).into_iter().map(|complaint| complaint.message).collect()
}

#[test]
fn what_is_wrong_with_the_settings_is_said_with_the_nearest_right_thing() {
    let url = "url = \"https://crm.example.com/\"\n";
    let generic = |keys: &str| complaints(check_generic, &format!("{url}{keys}"));
    assert!(generic("params = \"type=json&root_tag=&send_request_headers=0&ignore_response=0\"").is_empty());
    assert!(generic("params = \"-\"").is_empty());
    assert_eq!(generic("params = \"rot_tag=x\""), ["there is no parameter \"rot_tag\"; did you mean \"root_tag\"?"]);
    assert_eq!(generic("params = \"type=yaml\""), ["the parameter type is neither json nor xml"]);
    assert!(generic("params = \"type[a]=json\"")[0].contains("brackets"));
    assert!(generic("query = \"SELECT 1\"")[0].contains("sql"));
    assert!(generic("forms = [\"e164\"]")[0].contains("form = "));
    assert!(complaints(check_generic, "")[0].contains("no url"));
    for url in ["crm.example.com", "ftp://crm.example.com/", "https://"] {
        let complaints = complaints(check_generic, &format!("url = \"{url}\""));
        assert!(complaints[0].contains("expected one such as"), "{complaints:?}");
    }
    assert!(complaints(check_ticketsys, &format!("{url}params = \"-\"")).is_empty());
    assert_eq!(complaints(check_ticketsys, &format!("{url}params = \"type=json\"")).len(), 1);
}
