//! Requests as real clients and attackers send them.

use http::HeaderMap;
use proptest::prelude::*;

use super::*;
use crate::faces::http::{credentials, hostile};

fn asked(query: &str) -> Asked {
    Parameters::from_query(query.as_bytes()).into_asked()
}

fn asked_by_json(body: &str) -> Asked {
    let mut parameters = Parameters::default();
    parameters.add_body(Some("application/json"), body.as_bytes());
    parameters.into_asked()
}

fn given(text: &str) -> Value {
    Value::Given(text.to_owned())
}

/// The query of a captured request: what stands behind the first `?` of its request line.
fn captured(request: &[u8]) -> Asked {
    let line = request.split(|&byte| byte == b'\r').next().unwrap();
    let target = line.split(|&byte| byte == b' ').nth(1).unwrap();
    let start = target.iter().position(|&byte| byte == b'?').unwrap() + 1;
    let mut parameters = Parameters::from_query(&target[start..]);
    let headers = HeaderMap::new();
    credentials::take(&mut parameters, None, &headers);
    parameters.into_asked()
}

macro_rules! capture {
    ($name:literal) => {
        captured(include_bytes!(concat!("../../../../tests/data/captures/generic_http/", $name, ".req.bin")))
    };
}

#[test]
fn the_requests_that_php_and_curl_really_send_are_understood() {
    let encoded = capture!("g01_fgc_http_build_query");
    assert_eq!((encoded.telephone, encoded.dnid), (given("+40700000000"), given("0210000000")));
    assert!(encoded.others.is_empty(), "the token is gone: {:?}", encoded.others);

    assert_eq!(capture!("g02_fgc_raw_plus").telephone, given(" 40700000000"), "the first blank is a lost plus");
    let plain = Asked { telephone: given("0700000000"), dnid: given("0210000000"), ..Asked::default() };
    assert_eq!(capture!("g03_curl_default"), plain);
    assert_eq!(capture!("g07_simplexml_load_file"), plain);
    let own_key = capture!("g05_curl_url_has_query");
    assert_eq!(own_key.telephone, given("0700000000"));
    assert_eq!(own_key.others, BTreeMap::from([("key".to_owned(), "1".to_owned())]));
    assert_eq!(capture!("g06_curl_userpwd").telephone, given("anonymous"));
    assert_eq!(capture!("g08_fgc_userinfo_url").dnid, Value::Absent);
}

#[test]
fn a_number_arrives_as_it_was_sent() {
    for (query, telephone) in [
        ("telephone=+40722111222", " 40722111222"),
        ("telephone=%2B40722111222", "+40722111222"),
        ("telephone=%2b40722111222", "+40722111222"),
        ("telephone=%2040722111222", " 40722111222"),
        ("telephone=0722%20111.222", "0722 111.222"),
        ("telephone=", ""),
        ("telephone", ""),
        ("telephone=%zz40", "%zz40"),
        ("telephone=%4", "%4"),
        ("telephone=a=b", "a=b"),
        ("telephone=%00%0d%0a1", "\0\r\n1"),
        ("telephone=07%FF22", "07\u{fffd}22"),
        ("telephone=*31%230722111222", "*31#0722111222"),
        ("telephone=sip:ion@example.com;user=phone", "sip:ion@example.com;user=phone"),
    ] {
        assert_eq!(asked(query).telephone, given(telephone), "{query}");
    }
    assert_eq!(Parameters::from_query(b"telephone=\xff1").into_asked().telephone, given("\u{fffd}1"));
}

#[test]
fn a_second_question_mark_separates_parameters() {
    let joined = asked("key=1?telephone=0722111222&dnid=0310000000");
    assert_eq!((joined.telephone, joined.dnid), (given("0722111222"), given("0310000000")));
    assert_eq!(asked("?telephone=1&&dnid=2&").telephone, given("1"));
}

#[test]
fn a_semicolon_separates_nothing() {
    assert_eq!(asked("telephone=1;dnid=2").telephone, given("1;dnid=2"));
}

#[test]
fn a_value_sent_twice_is_one_and_two_values_are_nobody() {
    let twice = asked("telephone=1&dnid=2&telephone=1&dnid=2");
    assert_eq!((twice.telephone, twice.dnid), (given("1"), given("2")));

    for query in [
        "telephone=1&telephone=2",
        "telephone=1&telephone=1&telephone=2",
        "telephone=1&dnid=2&dnid=3",
        "telephone=1&telephone=",
        "telephone=1&telephone[]=2",
        "telephone[]=1&telephone[]=2",
        "telephone=1?telephone=2",
        "telephone=x&telephone=%30722111222&dnid=1",
    ] {
        let asked = asked(query);
        assert!(asked.is_conflicting(), "{query}");
        assert!(asked.warning().is_some(), "{query}");
    }
}

#[test]
fn a_body_that_contradicts_the_query_is_nobody() {
    let mut parameters = Parameters::from_query(b"telephone=1&dnid=2");
    parameters.add_body(Some("application/x-www-form-urlencoded; charset=utf-8"), b"dnid=2&agent=ion\r\n");
    let same = parameters.clone().into_asked();
    assert_eq!((same.telephone, same.dnid), (given("1"), given("2")));
    assert_eq!(same.others["agent"], "ion");

    parameters.add_body(Some("application/json"), br#"{"telephone":"3"}"#);
    assert!(parameters.into_asked().is_conflicting());
}

#[test]
fn a_list_of_one_is_its_item() {
    for query in
        ["telephone[]=0722&dnid[0]=1", "telephone%5B0%5D=0722&dnid%5B%5D=1", "telephone[]=0722&telephone=0722&dnid=1"]
    {
        let asked = asked(query);
        assert_eq!((asked.telephone, asked.dnid), (given("0722"), given("1")), "{query}");
    }
    let keyed = asked("telephone[a]=0722");
    assert_eq!(keyed.telephone, Value::Absent);
    assert_eq!(keyed.others["telephone[a]"], "0722");
}

#[test]
fn names_count_exactly() {
    let asked = asked("Telephone=1&telephone%20=2&caller=3");
    assert_eq!(asked.telephone, Value::Absent);
    assert_eq!(asked.warning(), Some("telephone is missing"));
    assert_eq!(asked.others.len(), 3);
}

#[test]
fn an_empty_number_is_no_mistake() {
    assert_eq!(asked("telephone=&dnid=").warning(), None);
}

#[test]
fn direction_and_format_are_taken_out_when_they_are_known() {
    let known = asked("telephone=1&direction=OUT&format=Xml&request=abc&vip=1");
    assert_eq!((known.direction, known.format), (Some(Direction::Out), Some(Format::Xml)));
    assert_eq!(known.request(), Some("abc"));
    assert_eq!(known.others.keys().collect::<Vec<_>>(), ["request", "vip"]);

    let foreign = asked("direction=sideways&format=pdf");
    assert_eq!((foreign.direction, foreign.format), (None, None));
    assert_eq!(foreign.others["format"], "pdf");
}

#[test]
fn another_parameter_with_two_values_has_none() {
    let asked = asked("telephone=1&vip=0&vip=1&a=1&a=1&format=json&format=xml");
    assert_eq!(asked.others, BTreeMap::from([("a".to_owned(), "1".to_owned())]));
    assert_eq!(asked.format, None);
}

#[test]
fn a_json_body_carries_texts_and_numbers() {
    let asked = asked_by_json(
        "\u{feff}{\"telephone\":40722111222,\"dnid\":\"+4031\",\"vip\":true,\"rate\":1.5,\"gone\":null,\"more\":{\"telephone\":\"x\"},\"list\":[\"a\",[1],{}]}\n",
    );
    assert_eq!((asked.telephone, asked.dnid), (given("40722111222"), given("+4031")));
    let others: Vec<_> = asked.others.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(others, ["more={\"telephone\":\"x\"}", "rate=1.5", "vip=true"]);
    assert_eq!(asked_by_json(r#"{"telephone":4.0722111222e10}"#).telephone, given("40722111222"));
    assert_eq!(asked_by_json(r#"{"telephone":null}"#).telephone, Value::Absent);
    assert_eq!(asked_by_json(r#"{"telephone":["1"],"dnid":[]}"#).telephone, given("1"));
}

#[test]
fn a_name_that_stands_twice_in_json_is_a_repeat() {
    assert!(asked_by_json(r#"{"telephone":"1","telephone":"2"}"#).is_conflicting());
    assert!(asked_by_json(r#"{"telephone":"1","\u0074elephone":2}"#).is_conflicting());
    assert!(asked_by_json(r#"{"telephone":["1","2"]}"#).is_conflicting());
    assert_eq!(asked_by_json(r#"{"telephone":"1","telephone":1}"#).telephone, given("1"));
}

#[test]
fn a_body_that_cannot_be_read_adds_nothing_and_says_so() {
    let deep = format!("{{\"a\":{}", "[".repeat(60_000));
    for body in
        ["{", "[1]", "\"telephone\"", "{\"telephone\":\"1\"} x", "{\"telephone\":\"1\",}", "{\"a\":\"\\ud800\"}", &deep]
    {
        let asked = asked_by_json(body);
        assert_eq!(asked.telephone, Value::Absent);
        assert_eq!(asked.warning(), Some("telephone is missing; the body is neither a form nor a JSON object"));
    }
    let mut parameters = Parameters::from_query(b"telephone=1");
    parameters.add_body(Some("multipart/form-data; boundary=x"), b"--x");
    assert_eq!(parameters.into_asked().warning(), None);
}

#[test]
fn the_kind_of_a_body_is_guessed_when_its_type_does_not_help() {
    for content_type in [None, Some("text/plain"), Some("")] {
        for body in [&br#" {"telephone":"1"}"#[..], b"telephone=1"] {
            let mut parameters = Parameters::default();
            parameters.add_body(content_type, body);
            assert_eq!(parameters.into_asked().telephone, given("1"));
        }
    }
}

#[test]
fn an_empty_body_is_no_body() {
    let mut parameters = Parameters::from_query(b"telephone=1");
    parameters.add_body(Some("application/json"), b" \r\n");
    assert!(!parameters.into_asked().unreadable_body);
}

#[test]
fn too_many_parameters_hide_no_repeat() {
    let filler = "a=1&".repeat(MAX_PARAMETERS - 1);
    assert_eq!(asked(&format!("{filler}telephone=1")).telephone, given("1"));
    let asked = asked(&format!("telephone=1&{filler}telephone=2"));
    assert!(asked.is_conflicting());
}

#[test]
fn printing_parameters_shows_neither_number_nor_token() {
    let parameters = Parameters::from_query(b"telephone=0722&token=s3cret");
    assert_eq!(format!("{parameters:?}"), "Parameters(2 pairs)");
}

#[test]
fn a_hundred_thousand_random_requests_do_no_harm() {
    for seed in 0..100_000 {
        let choices = hostile::bytes(seed, (seed % 60) as usize);
        fuzz_bytes(&hostile::query(&choices), &hostile::json(&choices));
    }
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(query in prop::collection::vec(any::<u8>(), 0..300), body in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz_bytes(&query, &body);
        fuzz_bytes(&hostile::query(&query), &hostile::json(&body));
    }

    #[test]
    fn any_two_numbers_come_out_as_they_went_in(telephone in ".*", dnid in ".*") {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("telephone", &telephone).append_pair("dnid", &dnid).finish();
        let form = asked(&query);
        prop_assert_eq!(form.telephone, given(&telephone));
        prop_assert_eq!(form.dnid, given(&dnid));
        let json = asked_by_json(&serde_json::json!({"telephone": &telephone, "dnid": &dnid}).to_string());
        prop_assert_eq!(json.telephone, given(&telephone));
        prop_assert_eq!(json.dnid, given(&dnid));
    }
}
