//! Calls to a server that answers with the captured bytes, and keeps what it was sent.

use std::path::PathBuf;

use super::*;
use crate::directory::Hit;
use crate::model::Field;
use crate::number::ladder::Rung;
use crate::sources::settings_for_tests;
use crate::sources::stand_in::{Received, StandIn, answer, question, workbench};

fn captured(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures/soap");
    std::fs::read(folder.join(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
}

/// The head and the body of a captured request.
fn sent_by_php(name: &str) -> Received {
    let message = captured(&format!("{name}.req.bin"));
    let end = message.windows(4).position(|part| part == b"\r\n\r\n").unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Received { head: text(&message[..end]), body: text(&message[end + 4..]) }
}

fn source(url: &str, params: &str, more: &str) -> Arc<dyn Source> {
    let keys = format!("country = \"RO\"\nurl = \"{url}\"\nparams = \"{params}\"\n{more}");
    let settings = settings_for_tests("crm", &keys);
    assert!(check(&settings).iter().all(|complaint| complaint.is_warning), "{:?}", check(&settings));
    build(&settings, workbench()).unwrap().source
}

const PLAIN: &str = "func_name=getCallerInfo&init_params[uri]=urn:callerdata&init_params[login]=asdf\
                     &init_params[password]=1234&func_params[do_something]=true";

async fn ask(source: &Arc<dyn Source>) -> Result<Vec<Hit>> {
    source.find(question("0700000000")).await
}

fn names(hits: &[Hit]) -> Vec<(Rung, String)> {
    hits.iter().map(|hit| (hit.rung, hit.contact.get(Field::Name).unwrap_or_default().to_owned())).collect()
}

/// Answers with a captured answer, `X.1.resp` to the first request and `X.2.resp` to the next where there are two.
async fn canned(name: &'static str) -> (StandIn, Arc<dyn Source>) {
    let count = std::sync::atomic::AtomicUsize::new(1);
    let server = StandIn::start(move |_| {
        let place = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed).min(2);
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures/soap");
        let candidates =
            [format!("responses/{name}.{place}.resp"), format!("responses/{name}.resp"), format!("{name}.resp")];
        let found = candidates.iter().find(|candidate| folder.join(candidate).exists());
        captured(found.unwrap_or_else(|| panic!("{name}")))
    })
    .await;
    let source = source(&server.url("/crm/soap.php"), PLAIN, "");
    (server, source)
}

/// What becomes of a captured answer: how many contacts with which name, nobody, or a failure.
enum Becomes {
    Names(&'static [&'static str]),
    Fails(Kind),
}

use Becomes::{Fails, Names};

const NOBODY: Becomes = Names(&[]);
const JOHN: Becomes = Names(&["John Doe"]);

/// Every captured answer; those of two pieces are `X.1.resp` and `X.2.resp`.
const CANNED: [(&str, Becomes); 51] = [
    ("r_map", JOHN),
    ("r_struct", JOHN),
    ("r_two_out", JOHN),
    ("r_multiref", JOHN),
    ("server_responses/rpc_array", JOHN),
    ("server_responses/rpc12_array", JOHN),
    ("server_responses/rpc_object", JOHN),
    ("server_responses/rpc_json", JOHN),
    ("server_responses/doclit", JOHN),
    // Two contacts with ids and without names.
    ("server_responses/rpc_list", Names(&["", ""])),
    ("server_responses/rpc_echo", Fails(Kind::Corrupt)),
    ("server_responses/rpc_null", NOBODY),
    ("r_nil", NOBODY),
    ("r_200_empty", NOBODY),
    ("r_202_empty", NOBODY),
    ("r_204", NOBODY),
    // A text alone is no contact.
    ("r_string", Fails(Kind::Corrupt)),
    ("r_gzip", Fails(Kind::Corrupt)),
    ("r_chunked", Fails(Kind::Corrupt)),
    ("d_301", Fails(Kind::Corrupt)),
    ("d_307", Fails(Kind::Corrupt)),
    ("d_308", Fails(Kind::Corrupt)),
    ("d_keepalive", Fails(Kind::Corrupt)),
    ("d_latin1", Fails(Kind::Corrupt)),
    ("d_nolength", Fails(Kind::Corrupt)),
    ("d_setcookie", Fails(Kind::Corrupt)),
    ("server_responses/rpc_string", Fails(Kind::Corrupt)),
    ("r_array", Fails(Kind::Corrupt)),
    ("r_doctype", Fails(Kind::Corrupt)),
    ("r_200_html", Fails(Kind::Corrupt)),
    ("r_json200", Fails(Kind::Corrupt)),
    ("r_fault11", Fails(Kind::Unavailable)),
    ("r_fault12", Fails(Kind::Unavailable)),
    ("r_fault_detail", Fails(Kind::Unavailable)),
    ("r_fault_http200", Fails(Kind::Invalid)),
    ("d_exc", Fails(Kind::Unavailable)),
    ("server_responses/rpc_fault", Fails(Kind::Unavailable)),
    ("server_responses/rpc12_fault", Fails(Kind::Unavailable)),
    ("server_responses/bad_xml", Fails(Kind::Invalid)),
    ("server_responses/empty_body", Fails(Kind::Invalid)),
    ("r_401", Fails(Kind::Refused)),
    ("d_basic401", Fails(Kind::Refused)),
    ("d_digest", Fails(Kind::Refused)),
    ("r_404_html", Fails(Kind::NotFound)),
    ("r_500_html", Fails(Kind::Unavailable)),
    ("d_500emptyxml", Fails(Kind::Unavailable)),
    ("d_503ra", Fails(Kind::Unavailable)),
    ("server_responses/rpc_exception", Fails(Kind::Unavailable)),
    ("server_responses/unknown_fn", Fails(Kind::Unavailable)),
    ("r_302", Fails(Kind::Invalid)),
    ("d_303", Fails(Kind::Invalid)),
];

#[tokio::test]
async fn every_canned_answer_is_contacts_or_nobody_or_a_failure_that_is_named() {
    for (name, expected) in &CANNED {
        let (_server, source) = canned(name).await;
        let found = ask(&source).await.map(|hits| names(&hits));
        match (found, expected) {
            (Ok(found), Names(expected)) => {
                let expected: Vec<_> = expected.iter().map(|name| (Rung::Asserted, (*name).to_owned())).collect();
                assert_eq!(found, expected, "{name}");
            }
            (Err(why), Fails(expected)) => {
                assert_eq!(why.kind(), *expected, "{name}: {why}");
                let why = why.to_string();
                let tells = ["1234", "0700000000", "soap.php"].iter().any(|secret| why.contains(secret));
                assert!(!tells, "{name}: {why}");
            }
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
}

#[test]
fn no_captured_answer_is_left_out() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures/soap");
    for (place, shown) in [("responses", ""), ("server_responses", "server_responses/")] {
        for file in std::fs::read_dir(folder.join(place)).unwrap() {
            let file = file.unwrap().file_name().into_string().unwrap();
            let name = shown.to_owned() + file.split('.').next().unwrap();
            assert!(CANNED.iter().any(|(known, _)| *known == name), "{name}");
        }
    }
}

#[tokio::test]
async fn a_text_is_taken_for_a_name_only_where_the_settings_say_so() {
    let server = StandIn::start(|_| captured("responses/r_string.resp")).await;
    let source = source(&server.url("/"), PLAIN, "map = { name = \"@\" }");
    assert_eq!(names(&ask(&source).await.unwrap()), [(Rung::Asserted, "John Doe".to_owned())]);
}

#[tokio::test]
async fn a_call_goes_out_as_php_would_send_it() {
    let server = StandIn::start(|_| captured("responses/r_map.resp")).await;
    let source = source(&server.url("/crm/soap.php"), PLAIN, "");
    ask(&source).await.unwrap();
    let (sent, php) = (server.received().remove(0), sent_by_php("n01_seed_assoc_single_arg"));
    assert_eq!(sent.body, php.body);
    assert_eq!(sent.line(), php.line());
    for header in ["Content-Type", "SOAPAction", "Authorization"] {
        assert_eq!(sent.header(header), php.header(header), "{header}");
    }
}

#[tokio::test]
async fn the_version_of_the_settings_changes_the_whole_message() {
    let server = StandIn::start(|_| captured("server_responses/rpc12_array.resp")).await;
    let source = source(&server.url("/"), &format!("{PLAIN}&version=1.2&arguments=positional"), "");
    assert_eq!(ask(&source).await.unwrap().len(), 1);
    let sent = server.received().remove(0);
    let php = "application/soap+xml; charset=utf-8; action=\"urn:callerdata#getCallerInfo\"";
    assert_eq!((sent.header("Content-Type"), sent.header("SOAPAction")), (Some(php), None));
    assert!(sent.body.contains("<param0 xsi:type=\"xsd:string\">0700000000</param0>"), "{}", sent.body);
}

#[tokio::test]
async fn a_fault_may_mean_that_nobody_is_known() {
    let server = StandIn::start(|_| captured("server_responses/rpc_fault.resp")).await;
    let url = server.url("/");
    assert!(ask(&source(&url, PLAIN, "")).await.is_err());
    let known = source(&url, &format!("{PLAIN}&unknown_fault=no such caller"), "");
    assert!(ask(&known).await.unwrap().is_empty());
}

#[tokio::test]
async fn without_a_country_of_its_own_numbers_are_read_with_that_of_the_project() {
    let fields = "<id>1</id><name>Ana</name><phone>0722 111 222</phone>";
    let body = format!(
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><r:fResponse xmlns:r='urn:callerdata'>\
         <return>{fields}</return></r:fResponse></e:Body></e:Envelope>"
    );
    let server = StandIn::start(move |_| answer("200 OK", "text/xml", &body)).await;
    let keys = format!("url = \"{}\"\nparams = \"{PLAIN}\"\nnumbers = [\"phone\"]", server.url("/"));
    let source = build(&settings_for_tests("crm", &keys), workbench()).unwrap().source;
    for (country, found) in [("RO", 1), ("DE", 0)] {
        let numbering = Arc::new(crate::number::Numbering::of_country(country));
        let asked = Question { numbering, ..(*question("+40722111222")).clone() };
        assert_eq!(source.find(Arc::new(asked)).await.unwrap().len(), found, "{country}");
    }
    assert!(source.inputs().numbering, "or one project would get what another one was told");
}

#[tokio::test]
async fn an_answer_with_numbers_is_verified() {
    let server = StandIn::start(|_| {
        let item = |id: u32, phone: &str| format!("<item><id>{id}</id><name>N{id}</name><phone>{phone}</phone></item>");
        let body = format!(
            "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/' xmlns:i='http://www.w3.org/2001/XMLSchema-instance' \
             xmlns:c='http://schemas.xmlsoap.org/soap/encoding/'><e:Body><r><return i:type='c:Array'>{}{}</return></r></e:Body></e:Envelope>",
            item(1, "+40 700 000 000"),
            item(2, "+49 700 000 0000"),
        );
        answer("200 OK", "text/xml", &body)
    })
    .await;
    let source = source(&server.url("/"), PLAIN, "numbers = [\"phone\"]");
    assert_eq!(names(&ask(&source).await.unwrap()), [(Rung::Exact, "N1".to_owned())]);
}

/// A service with a captured WSDL whose address is its own, or another one.
async fn described(wsdl: &'static str, address: Option<&'static str>) -> StandIn {
    StandIn::start(move |request| {
        if request.line().starts_with("POST") {
            return captured("server_responses/rpc_array.resp");
        }
        let host = request.header("host").unwrap().to_owned();
        let own = format!("http://{host}/soap/endpoint");
        let text = String::from_utf8(captured(&format!("wsdl/{wsdl}.wsdl"))).unwrap();
        answer("200 OK", "text/xml", &text.replace("http://127.0.0.1:18777/soap/endpoint", address.unwrap_or(&own)))
    })
    .await
}

const DESCRIBED: &str =
    "func_name=getCallerInfo&init_params[login]=asdf&init_params[password]=1234&func_params[do_something]=true";

#[tokio::test]
async fn with_a_description_each_style_goes_out_as_php_would_send_it() {
    for (wsdl, php) in [("doclit", "w_doclit_named"), ("rpclit", "w_rpclit_named"), ("rpcenc", "w_rpcenc_named")] {
        let server = described(wsdl, None).await;
        let source = source(&server.url("/s?wsdl"), DESCRIBED, "");
        assert_eq!(ask(&source).await.unwrap().len(), 1, "{wsdl}");
        let received = server.received();
        let sent = received.iter().find(|request| request.line().starts_with("POST")).unwrap();
        assert_eq!(sent.body, sent_by_php(php).body, "{wsdl}");
        assert_eq!((sent.line(), sent.header("Authorization")), ("POST /soap/endpoint", Some("Basic YXNkZjoxMjM0")));
    }
}

#[tokio::test]
async fn the_description_is_fetched_once_for_all_calls() {
    let server = described("doclit", None).await;
    let source = source(&server.url("/s?wsdl"), DESCRIBED, "");
    let calls: Vec<_> = (0..20).map(|_| source.find(question("0700000000"))).collect();
    for found in futures_util::future::join_all(calls).await {
        found.unwrap();
    }
    ask(&source).await.unwrap();
    let received = server.received();
    let fetched = received.iter().filter(|request| request.line() == "GET /s?wsdl").count();
    assert_eq!((fetched, received.len()), (1, 22));
    assert!(received.iter().all(|request| request.header("Authorization") == Some("Basic YXNkZjoxMjM0")));
}

#[tokio::test]
async fn credentials_do_not_go_where_only_the_description_says() {
    let server = described("doclit", Some("http://elsewhere.example/soap")).await;
    let refused = ask(&source(&server.url("/s?wsdl"), DESCRIBED, "")).await.unwrap_err();
    assert!(refused.to_string().contains("init_params[location]"), "{refused}");
    let own = format!("{DESCRIBED}&init_params[location]={}", server.url("/other"));
    assert_eq!(ask(&source(&server.url("/s?wsdl"), &own, "")).await.unwrap().len(), 1);
    assert!(server.received().iter().any(|request| request.line() == "POST /other"));
}

#[tokio::test]
async fn what_the_description_imports_is_fetched_without_credentials_from_another_host() {
    let other = StandIn::start(|_| answer("200 OK", "text/xml", "<html/>")).await;
    let port = other.port;
    let server = StandIn::start(move |_| {
        let import = format!("<import namespace='urn:t' location='http://localhost:{port}/t.wsdl'/>");
        let wsdl = format!("<definitions xmlns='http://schemas.xmlsoap.org/wsdl/'>{import}</definitions>");
        answer("200 OK", "text/xml", &wsdl)
    })
    .await;
    let refused = ask(&source(&server.url("/s?wsdl"), DESCRIBED, "")).await.unwrap_err();
    assert!(refused.to_string().contains("no WSDL 1.1"), "{refused}");
    assert!(other.received().iter().all(|request| request.header("Authorization").is_none()));
    assert!(!other.received().is_empty());
}

#[tokio::test]
async fn a_description_may_be_a_file_beside_the_configuration() {
    let server = described("doclit", None).await;
    let folder = tempfile::tempdir().unwrap();
    let text = String::from_utf8(captured("wsdl/doclit.wsdl")).unwrap();
    std::fs::write(folder.path().join("crm.wsdl"), text).unwrap();
    let keys = format!("params = \"{DESCRIBED}&wsdl=crm.wsdl&init_params[location]={}\"", server.url("/soap/endpoint"));
    let mut settings = settings_for_tests("crm", &keys);
    settings.folder = folder.path().to_path_buf();
    let found = build(&settings, workbench()).unwrap().source;
    assert_eq!(ask(&found).await.unwrap().len(), 1);
    settings.tenant = true;
    assert!(build(&settings, workbench()).is_err(), "a tenant's source reads no files");
}

#[tokio::test]
async fn what_a_fault_repeats_of_the_call_is_not_shown() {
    let server = StandIn::start(|_| {
        let words = "no customer 0700000000 for asdf with 1234 and true, line 12";
        let fault = format!("<e:Fault><faultcode>e:Server</faultcode><faultstring>{words}</faultstring></e:Fault>");
        let envelope = format!(
            "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body>{fault}</e:Body></e:Envelope>"
        );
        answer("500 Internal Server Error", "text/xml", &envelope)
    })
    .await;
    let why = ask(&source(&server.url("/"), PLAIN, "")).await.unwrap_err().to_string();
    assert_eq!(why, "the service answers with a fault, Server: no customer … for … with … and …, line 12");
}

#[tokio::test]
async fn an_old_description_is_used_while_no_new_one_can_be_had() {
    let is_down = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let down = Arc::clone(&is_down);
    let server = StandIn::start(move |_| {
        if down.load(std::sync::atomic::Ordering::SeqCst) {
            return answer("503 Service Unavailable", "text/plain", "busy");
        }
        answer("200 OK", "text/xml", &String::from_utf8(captured("wsdl/doclit.wsdl")).unwrap())
    })
    .await;
    let keys = format!("url = \"{}\"\nparams = \"func_name=getCallerInfo\"", server.url("/s?wsdl"));
    let settings = settings::read(&settings_for_tests("crm", &keys)).0.unwrap();
    let (bench, description) = (workbench(), Description::default());
    let place = settings.description.clone().unwrap();
    let start = bench.clock.now();
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    let read = async |now| description.operation(&place, &settings, &bench.client, now).await;
    read(start).await.unwrap();
    is_down.store(true, std::sync::atomic::Ordering::SeqCst);
    for (now, fetched) in [(start + day / 2, 1), (start + day, 2), (start + day, 2)] {
        assert_eq!(read(now).await.unwrap().element, "getCallerInfo");
        assert_eq!(server.received().len(), fetched, "after a failure there is a pause");
    }
    let never = Description::default();
    let refused = never.operation(&place, &settings, &bench.client, start).await.unwrap_err();
    assert!(refused.to_string().starts_with("the WSDL cannot be fetched"), "{refused}");
}
