//! Reads pages out of recorded answers, and out of a CRM whose pages never end.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, StatusCode};

use super::super::engine::Engine;
use super::super::settings::Settings;
use super::super::wire::{Sending, Wire};
use super::super::{Recipe, read, try_out};
use super::*;
use crate::clock::Clock;
use crate::model::{Call, RequestId};
use crate::number::{Numbering, parse};
use crate::sources::http::Request;

const NOBODY: &str = r#"{"id":1,"phone":"0799000000"}"#;
const CALLER: &str = r#"{"id":7,"phone":"0722 111 222"}"#;

/// A recipe with one lookup, which `lookup` says more about.
fn text(lookup: &str) -> String {
    format!(
        "format = 1\ntitle = \"CRM\"\n[param]\nkey = {{ title = \"Key\", secret = true }}\n[http]\nbase = \"https://crm.example.com\"\n\
         [auth]\nkind = \"bearer\"\ntoken = \"{{{{ param.key }}}}\"\n[map]\nid = \"id\"\nnumbers = \"[phone]\"\n\
         [[lookup]]\nrecords = \"items\"\n{lookup}\n"
    )
}

/// What is recorded: request, headers of the answer, its records, and further keys of its body.
type Exchange<'a> = (&'a str, &'a str, &'a str, &'a str);

/// A test of a recipe that has to go as `outcome` says.
fn recorded(lookup: &str, outcome: &str, exchanges: &[Exchange<'_>]) -> String {
    let mut text = text(lookup);
    text += &format!("[[test]]\nname = \"t\"\nparam = {{ key = \"k\" }}\ntelephone = \"+40722111222\"\n{outcome}\n");
    for (request, headers, records, more) in exchanges {
        let (method, path) = request.split_once(' ').unwrap();
        text += &format!(
            "[[test.exchange]]\nrequest = \"{method} https://crm.example.com{path}\"\nheaders = {{ authorization = \"Bearer k\" }}\n\
             answer_headers = {{ {headers} }}\nbody = '{{\"items\":[{records}]{more}}}'\n"
        );
    }
    text
}

fn assert_goes(lookup: &str, outcome: &str, exchanges: &[Exchange<'_>]) {
    let text = recorded(lookup, outcome, exchanges);
    let recipe = read("crm", "crm.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(try_out(&Arc::new(recipe)).remove(0).outcome, Ok(()), "{lookup}");
}

const FOUND: &str = "contacts = [{ id = 7 }]";
const UNKNOWN: &str = "contacts = []";
const BY_CURSOR: &str =
    "get = \"/c\"\nquery = { n = \"{{ number }}\", after = \"{{ next }}\" }\nnext = \"more.cursor\"";
const BY_ADDRESS: &str = "get = \"/c\"\nquery = { n = \"{{ number }}\" }\nnext = \"next\"";
const BY_LINK: &str = "get = \"/c\"\nquery = { n = \"{{ number }}\" }\nnext_header = \"Link\"";

#[test]
fn pages_are_turned_until_the_caller_is_found() {
    let (first, second) = ("GET /c?n=%2B40722111222", "GET /c?n=%2B40722111222&after=a%26b");
    let to_second = r#","more":{"cursor":"a&b"}"#;
    assert_goes(BY_CURSOR, FOUND, &[(first, "", NOBODY, to_second), (second, "", CALLER, "")]);
}

#[test]
fn whoever_has_the_same_number_on_a_later_page_is_found_too() {
    let (first, second) = ("GET /c?n=%2B40722111222", "GET /c?n=%2B40722111222&after=2");
    let other = r#"{"id":8,"phone":"+40 722 111 222"}"#;
    let to_second = r#","more":{"cursor":2}"#;
    let both = "contacts = [{ id = 7 }, { id = 8 }]";
    assert_goes(BY_CURSOR, both, &[(first, "", CALLER, to_second), (second, "", other, "")]);
    assert_goes(BY_CURSOR, FOUND, &[(first, "", CALLER, to_second), (second, "", CALLER, "")]);
}

#[test]
fn a_caller_who_is_known_is_not_lost_by_a_later_page() {
    let (first, second) = ("GET /c?n=%2B40722111222", "GET /c?n=%2B40722111222&after=2");
    let to_second = r#","more":{"cursor":2}"#;
    let exchanges = [(first, "", CALLER, to_second), (second, "", "", "")];
    for status in [401, 429, 500] {
        let text = recorded(BY_CURSOR, FOUND, &exchanges);
        let (first, second) = text.split_at(text.rfind("answer_headers").unwrap());
        let text = format!("{first}status = {status}\n{second}");
        let recipe = read("crm", "crm.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(try_out(&Arc::new(recipe)).remove(0).outcome, Ok(()), "{status}");
    }
    let lookup = BY_ADDRESS.to_owned();
    let away = r#","next":"https://evil.test/c""#;
    assert_goes(&lookup, FOUND, &[(first, "", CALLER, away)]);
    let many = vec![CALLER; MOST_RECORDS].join(",");
    assert_goes(BY_CURSOR, FOUND, &[(first, "", &many, to_second)]);
}

#[test]
fn whoever_is_on_no_page_is_unknown() {
    let (first, second) = ("GET /c?n=%2B40722111222", "GET /c?n=%2B40722111222&after=2");
    for last in ["", r#","more":{"cursor":null}"#, r#","more":{"cursor":""}"#, r#","more":false"#] {
        assert_goes(BY_CURSOR, UNKNOWN, &[(first, "", NOBODY, r#","more":{"cursor":2}"#), (second, "", "", last)]);
    }
}

#[test]
fn a_page_is_also_an_address_or_a_number_or_what_a_header_says() {
    let first = "GET /c?n=%2B40722111222";
    for next in ["https://crm.example.com/d?p=2", "/d?p=2"] {
        let next = format!(r#","next":"{next}""#);
        assert_goes(BY_ADDRESS, FOUND, &[(first, "", NOBODY, &next), ("GET /d?p=2", "", CALLER, "")]);
    }
    let link = "link = '</c?p=1>; rel=\"prev\", <https://crm.example.com/d?p=2>; title=\"a, b\"; rel=\"last next\"'";
    assert_goes(BY_LINK, FOUND, &[(first, link, NOBODY, ""), ("GET /d?p=2", "", CALLER, "")]);
    let by_number = "post = \"/c\"\nnext = \"length(items) == `2`\"\njson = { page = \"{{ page }}\" }";
    let full = format!("{NOBODY},{NOBODY}");
    let mut text = recorded(by_number, FOUND, &[("POST /c", "", &full, ""), ("POST /c", "", CALLER, "")]);
    for page in 1..=2 {
        text = text.replacen("answer_headers", &format!("sends = '{{\"page\":{page}}}'\nanswer_{{}}headers"), 1);
    }
    let text = text.replace("answer_{}headers", "answer_headers");
    let recipe = read("crm", "crm.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(try_out(&Arc::new(recipe)).remove(0).outcome, Ok(()));
}

#[test]
fn no_answer_sends_the_credentials_to_another_host() {
    for next in [
        "https://evil.test/c",
        "http://crm.example.com/c",
        "https://crm.example.com:8443/c",
        "https://crm.example.com.evil.test/",
        "https://crm.example.com@evil.test/",
        "https://user@crm.example.com/",
        "//evil.test/c",
        "/\\\\\\\\evil.test/c",
    ] {
        let next = format!(r#","next":"{next}""#);
        assert_goes(BY_ADDRESS, "fails = \"invalid\"", &[("GET /c?n=%2B40722111222", "", NOBODY, &next)]);
    }
    let link = "link = '<https://evil.test/c>; rel=next'";
    assert_goes(BY_LINK, "fails = \"invalid\"", &[("GET /c?n=%2B40722111222", link, NOBODY, "")]);
}

#[test]
fn what_leads_nowhere_is_no_last_page() {
    for next in [r#"{"a":1}"#, "[1]", "\"opaque\"", "7", "true"] {
        let next = format!(r#","next":{next}"#);
        assert_goes(BY_ADDRESS, "fails = \"corrupt\"", &[("GET /c?n=%2B40722111222", "", NOBODY, &next)]);
    }
}

#[test]
fn a_reading_that_is_cut_off_is_no_unknown_caller() {
    let endless = r#","more":{"cursor":"x"}"#;
    let mut exchanges = vec![("GET /c?n=%2B40722111222", "", NOBODY, endless)];
    exchanges.extend([("GET /c?n=%2B40722111222&after=x", "", NOBODY, endless); MOST_PAGES - 1]);
    assert_goes(BY_CURSOR, "fails = \"corrupt\"", &exchanges);

    let many = vec![NOBODY; MOST_RECORDS].join(",");
    assert_goes(BY_CURSOR, "fails = \"corrupt\"", &[("GET /c?n=%2B40722111222", "", &many, endless)]);
    assert_goes(BY_CURSOR, UNKNOWN, &[("GET /c?n=%2B40722111222", "", &many, "")]);
    let more = format!("{many},{CALLER}");
    assert_goes(BY_CURSOR, "fails = \"corrupt\"", &[("GET /c?n=%2B40722111222", "", &more, "")]);
}

#[test]
fn a_caller_whom_the_next_request_finds_is_found_although_pages_were_left_unread() {
    let lookup = format!("{BY_CURSOR}\n[[lookup]]\nrecords = \"items\"\nget = \"/exactly\"");
    let many = vec![NOBODY; MOST_RECORDS].join(",");
    let first = ("GET /c?n=%2B40722111222", "", many.as_str(), r#","more":{"cursor":"x"}"#);
    assert_goes(&lookup, FOUND, &[first, ("GET /exactly", "", CALLER, "")]);
    assert_goes(&lookup, "fails = \"corrupt\"", &[first, ("GET /exactly", "", NOBODY, "")]);
}

#[test]
fn a_failure_on_a_further_page_is_a_failure() {
    let text = recorded(
        BY_CURSOR,
        "fails = \"busy\"\nquiet = \"9s\"",
        &[
            ("GET /c?n=%2B40722111222", "", NOBODY, r#","more":{"cursor":"x"}"#),
            ("GET /c?n=%2B40722111222&after=x", "retry-after = \"9\"", "", ""),
        ],
    );
    let text = text.replace("answer_headers = { retry-after", "status = 429\nanswer_headers = { retry-after");
    let recipe = read("crm", "crm.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(try_out(&Arc::new(recipe)).remove(0).outcome, Ok(()));
}

#[test]
fn credentials_in_the_query_go_to_every_page() {
    let lookup = BY_ADDRESS.to_owned();
    let text = recorded(
        &lookup,
        FOUND,
        &[
            ("GET /c?n=%2B40722111222&api_key=k", "", NOBODY, r#","next":"/c?p=2""#),
            ("GET /c?p=2&api_key=k", "", NOBODY, r#","next":"/c?p=3&api_key=k""#),
            ("GET /c?p=3&api_key=k", "", CALLER, ""),
        ],
    );
    let text = text
        .replace("kind = \"bearer\"\ntoken", "kind = \"query\"\nname = \"api_key\"\nvalue")
        .replace("authorization = \"Bearer k\"", "");
    let recipe = read("crm", "crm.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(try_out(&Arc::new(recipe)).remove(0).outcome, Ok(()));
}

#[test]
fn keys_of_pages_stand_where_they_do_something() {
    let problems = |text: &str| read("crm", "crm.toml", text).unwrap_err().to_string();
    assert!(problems(&text("get = \"/c?p={{ page }}\"")).contains("neither next nor next_header"));
    assert!(problems(&text("get = \"/c\"\nnext = \"a\"\nnext_header = \"b\"")).contains("found both"));
    let elsewhere = format!("{}[search]\nget = \"/s\"\nrecords = \"@\"\nnext = \"a\"", text("get = \"/c\""));
    assert!(problems(&elsewhere).contains("next does nothing in a request of search"));
}

/// A CRM whose pages never end, each of `bytes` bytes, for each of which `pause` passes on the clock.
struct Endless {
    record: &'static str,
    now: Mutex<Instant>,
    pause: Duration,
    bytes: usize,
    asked: Mutex<Vec<Request>>,
}

impl Endless {
    fn new(record: &'static str, pause: Duration, bytes: usize) -> Arc<Self> {
        let now = Mutex::new(crate::clock::SystemClock.now());
        Arc::new(Self { record, now, pause, bytes, asked: Mutex::default() })
    }
}

struct Shared(Arc<Endless>);

impl Wire for Shared {
    fn send(&self, request: Request, _within: Option<Duration>) -> Sending<'_> {
        *self.0.now.lock().unwrap() += self.0.pause;
        self.0.asked.lock().unwrap().push(request);
        let (record, filling) = (self.0.record, "x".repeat(self.0.bytes));
        let body = format!(r#"{{"items":[{record}],"more":{{"cursor":"x"}},"filling":"{filling}"}}"#);
        let answer = Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: body.into() };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

impl Clock for Shared {
    fn now(&self) -> Instant {
        *self.0.now.lock().unwrap()
    }
    fn utc_millis(&self) -> i64 {
        0
    }
}

/// How a lookup in vain ends that gets these pages, and what it sent.
async fn look_up(pause: Duration, bytes: usize, more: &str) -> (Error, Vec<Request>) {
    let (found, asked) = find(&Endless::new(NOBODY, pause, bytes), more).await;
    (found.unwrap_err(), asked)
}

/// How a lookup ends, and what it sent.
async fn find(crm: &Arc<Endless>, more: &str) -> (Result<Vec<Hit>>, Vec<Request>) {
    let recipe: Arc<Recipe> = Arc::new(read("crm", "crm.toml", &(more.to_owned() + &text(BY_CURSOR))).unwrap());
    let params = [("key".to_owned(), "k".to_owned())].into();
    let settings = Settings::of_test(recipe, &params, None, "RO").unwrap();
    let engine = Engine::new(settings, Arc::new(Shared(Arc::clone(crm))), Arc::new(Shared(Arc::clone(crm))));
    let call = Call {
        project: "test".into(),
        telephone: "+40722111222".to_owned(),
        dnid: String::new(),
        direction: None,
        params: std::collections::BTreeMap::new(),
        request_id: RequestId::from_bits(0),
    };
    let numbering = Numbering::of_country("RO");
    let found = engine.find(&call, &parse("+40722111222", &numbering), &numbering).await;
    let asked = std::mem::take(&mut *crm.asked.lock().unwrap());
    (found, asked)
}

#[tokio::test]
async fn a_caller_who_is_known_does_not_wait_for_many_pages() {
    for (pause, pages) in [(FURTHER_PAGES / 4, 4), (FURTHER_PAGES, 1), (Duration::ZERO, MOST_PAGES)] {
        let (found, asked) = find(&Endless::new(CALLER, pause, 0), "").await;
        assert_eq!((found.unwrap().len(), asked.len()), (1, pages), "{pause:?} a page");
    }
}

#[tokio::test]
async fn no_page_is_asked_for_that_there_is_no_time_for() {
    let (error, asked) = look_up(Duration::from_secs(4), 0, "").await;
    assert_eq!((error.kind(), asked.len()), (Kind::Timeout, 2), "10 s hold two pages of 4 s");
    assert!(error.to_string().contains("CRM has more than the 2 pages that were read"), "{error}");
    let (error, asked) = look_up(Duration::from_secs(1), 0, "").await;
    assert_eq!((error.kind(), asked.len()), (Kind::Corrupt, MOST_PAGES), "{error}");
}

#[tokio::test]
async fn all_pages_together_have_the_size_of_one_answer() {
    let (error, asked) = look_up(Duration::ZERO, BODY_LIMIT / 2, "").await;
    assert_eq!((error.kind(), asked.len()), (Kind::Corrupt, 2), "{error}");
    assert_eq!(asked[0].limit, BODY_LIMIT);
    assert!(asked[1].limit < BODY_LIMIT / 2, "{}", asked[1].limit);
}

#[tokio::test]
async fn every_page_counts_as_a_request_of_the_day() {
    let (error, asked) = look_up(Duration::ZERO, 0, "daily = 3\n").await;
    assert_eq!((error.kind(), asked.len()), (Kind::Busy, 3), "{error}");
}
