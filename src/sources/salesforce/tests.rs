//! The source against a Salesforce that behaves as the real one is known to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;

use super::stand_in::{PASSWORD, State, TOKEN, USER, start};
use super::*;
use crate::model::{CallOutcome, ContactId, ContactRef, Direction, EndedCall, Field};
use crate::number::ladder::Rung;
use crate::sources::so_far::{self, SoFar};
use crate::sources::stand_in::{StandIn, question, workbench};
use crate::sources::{CallLog, settings_for_tests};

fn by_password() -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("username={}&password={}&token={TOKEN}", encoded(USER), encoded(PASSWORD))
}

fn made(server: &StandIn, params: &str) -> Built {
    let keys = format!("country = \"RO\"\nurl = \"{}\"\nparams = \"{params}\"", server.url(""));
    let mut settings = settings_for_tests("crm", &keys);
    settings.folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/salesforce");
    let complaints = check(&settings);
    assert!(complaints.iter().all(|complaint| complaint.is_warning), "{complaints:?}");
    build(&settings, workbench()).unwrap()
}

async fn found(built: &Built) -> Result<Vec<Hit>> {
    built.source.find(question("0722111222")).await
}

fn logins(state: &State) -> usize {
    state.logins.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_contact_is_found_by_any_spelling_and_whoever_only_contains_the_digits_is_dropped() {
    let (server, state) = start().await;
    let built = made(&server, &by_password());
    let hits = found(&built).await.unwrap();
    assert_eq!(hits.len(), 1);
    let contact = &hits[0].contact;
    assert_eq!((hits[0].rung, contact.id.to_string().as_str()), (Rung::Exact, "003A0000001AbCdEFG"));
    assert_eq!((contact.get(Field::Name), contact.get(Field::Company)), (Some("Ana Popescu"), Some("Acme")));
    assert_eq!(contact.get(Field::Owner), Some("005A0000001AbCdEFG"));
    assert_eq!(contact.get(Field::BackendLink), Some(server.url("/003A0000001AbCdEFG").as_str()));
    assert!(built.source.find(question("0733999888")).await.unwrap().is_empty());
    assert_eq!(logins(&state), 1);
}

#[tokio::test]
async fn without_a_country_of_its_own_the_answer_depends_on_how_the_project_reads_numbers() {
    let (server, _state) = start().await;
    let built = made(&server, &by_password());
    assert!(!built.source.inputs().numbering);
    let keys = format!("url = \"{}\"\nparams = \"{}\"", server.url(""), by_password());
    let built = build(&settings_for_tests("crm", &keys), workbench()).unwrap();
    assert!(built.source.inputs().numbering, "or one project would get what another one was told");
    let of = |numbering: Numbering| {
        Arc::new(Question { numbering: Arc::new(numbering), ..(*question("0722111222")).clone() })
    };
    let of_a_pbx = Numbering { strip_prefix: Some("07".to_owned()), ..Numbering::of_country("RO") };
    for (numbering, found) in [(Numbering::of_country("RO"), 1), (Numbering::of_country("DE"), 0), (of_a_pbx, 1)] {
        let hits = built.source.find(of(numbering.clone())).await.unwrap();
        assert_eq!(hits.len(), found, "{numbering:?}");
    }
}

#[tokio::test]
async fn the_documented_parameters_make_the_links() {
    let (server, _state) = start().await;
    let params = format!(
        "{}&contact_url=https://x.example/c/%7Bid%7D/view&custom_url=https://x.example/new%3Ftel%3D",
        by_password()
    );
    let built = made(&server, &params);
    let hits = found(&built).await.unwrap();
    assert_eq!(hits[0].contact.get(Field::BackendLink), Some("https://x.example/c/003A0000001AbCdEFG/view"));
    let stranger = built.source.link_for_unknown(&question("0733999888"));
    assert_eq!(stranger.as_deref(), Some("https://x.example/new?tel=%2B40733999888"));
}

#[tokio::test]
async fn calls_at_once_log_in_once() {
    let (server, state) = start().await;
    let built = made(&server, &by_password());
    let calls: Vec<_> = (0..20).map(|_| found(&built)).collect();
    for hits in futures_util::future::join_all(calls).await {
        assert_eq!(hits.unwrap().len(), 1);
    }
    assert_eq!(logins(&state), 1);
}

#[tokio::test]
async fn a_session_that_has_ended_is_renewed_once() {
    let (server, state) = start().await;
    let built = made(&server, &by_password());
    found(&built).await.unwrap();
    state.end_session();
    assert_eq!(found(&built).await.unwrap().len(), 1);
    assert_eq!(logins(&state), 3, "one that ended it, and one that renewed it");
    state.is_hostile.store(true, Ordering::Relaxed);
    let refused = found(&built).await.unwrap_err();
    assert_eq!((refused.kind(), logins(&state)), (Kind::Refused, 4), "{refused}");
    assert!(refused.to_string().contains("JWT-based access tokens"), "{refused}");
}

#[tokio::test]
async fn a_refused_login_is_tried_once_and_shows_no_secret() {
    let (server, state) = start().await;
    let built = made(&server, &by_password().replace(TOKEN, "WRONG999"));
    let calls: Vec<_> = (0..5).map(|_| found(&built)).collect();
    for refused in futures_util::future::join_all(calls).await {
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), Kind::Refused);
        let text = refused.to_string();
        assert!(text.contains("INVALID_LOGIN") && !text.contains("pw&") && !text.contains("WRONG"), "{text}");
    }
    assert_eq!(logins(&state), 1, "Salesforce locks users out who keep trying");
}

#[tokio::test]
async fn oauth_logs_in_with_a_secret_or_with_a_key() {
    for params in
        ["client_id=app&client_secret=se%26cret", "client_id=app&username=ion@example.com&private_key=test-key.pem"]
    {
        let (server, state) = start().await;
        let built = made(&server, params);
        assert_eq!(found(&built).await.unwrap().len(), 1, "{params}");
        state.end_session();
        assert_eq!(found(&built).await.unwrap().len(), 1, "{params}");
        assert!(server.received().iter().all(|request| !request.line().contains("cret")));
    }
    let (server, _state) = start().await;
    let refused = found(&made(&server, "client_id=app&client_secret=wrong")).await.unwrap_err();
    assert_eq!((refused.kind(), refused.to_string().as_str()), (Kind::Refused, "it refuses the login: invalid_client"));
}

#[tokio::test]
async fn a_session_is_not_taken_to_another_host() {
    let (elsewhere, _) = start().await;
    let (server, state) = start().await;
    *state.instance.lock().unwrap() = Some(elsewhere.url(""));
    let refused = found(&made(&server, &by_password())).await.unwrap_err();
    assert!(refused.to_string().contains("a host that is none of Salesforce"), "{refused}");
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn beyond_the_daily_limit_nothing_is_sent_for_as_long_as_it_takes() {
    let (server, state) = start().await;
    let built = made(&server, &by_password());
    state.is_used_up.store(true, Ordering::Relaxed);
    let refused = found(&built).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Unavailable);
    assert!(refused.pause().is_some_and(|pause| pause.as_secs() >= 3_000), "{refused}");
    let sent = server.received().len();
    assert!(found(&built).await.unwrap_err().pause().is_some());
    assert_eq!(server.received().len(), sent);
}

#[tokio::test]
async fn near_the_daily_limit_the_rest_is_left_to_others() {
    let (server, state) = start().await;
    let built = made(&server, &by_password());
    *state.usage.lock().unwrap() = "api-usage=4900/5000".to_owned();
    assert_eq!(found(&built).await.unwrap().len(), 1, "this answer said so");
    let sent = server.received().len();
    assert_eq!(found(&built).await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(server.received().len(), sent);
}

#[tokio::test]
async fn records_whose_numbers_are_hidden_are_not_taken_at_their_word() {
    let (server, state) = start().await;
    *state.records.lock().unwrap() = vec![serde_json::json!({"Id": "003B", "Name": "Nobody", "Hidden": true})];
    let refused = found(&made(&server, &by_password())).await.unwrap_err();
    assert!(refused.to_string().contains("shows no number"), "{refused}");
}

#[tokio::test]
async fn a_record_that_is_found_by_its_fax_and_has_no_telephone_is_an_unknown_caller() {
    let (server, state) = start().await;
    let fax = serde_json::json!({"Id": "003B", "Name": "Fax", "Phone": null, "MobilePhone": null, "Hidden": true});
    *state.records.lock().unwrap() = vec![fax.clone(); 199];
    assert!(found(&made(&server, &by_password())).await.unwrap().is_empty());
    state.records.lock().unwrap().push(fax);
    let failed = found(&made(&server, &by_password())).await.unwrap_err();
    assert!(failed.to_string().contains("200 records and more"), "{failed}");
}

#[tokio::test]
async fn only_digits_of_a_number_are_searched_and_too_few_are_not() {
    let (server, _state) = start().await;
    let built = made(&server, &by_password());
    for hostile in ["+40722111222} OR {*", "sip:0722111222@x", "*", "", "101", "anonymous"] {
        built.source.find(question(hostile)).await.unwrap();
    }
    let searches = server.received().iter().filter(|request| request.line().contains("search/")).count();
    assert!(searches <= 2, "{searches}");
}

#[tokio::test]
async fn the_owners_extension_becomes_the_line() {
    let (server, _state) = start().await;
    let built = made(&server, &format!("{}&direct_line=SIP/%7Bextension%7D", by_password()));
    for _ in 0..3 {
        let hits = found(&built).await.unwrap();
        assert_eq!(hits[0].contact.get(Field::DirectLine), Some("SIP/101"));
        assert_eq!(hits[0].contact.custom["owner_extension"], "101");
    }
    let queries = server.received().iter().filter(|request| request.line().contains("query/")).count();
    assert_eq!(queries, 1, "it is remembered");
}

#[tokio::test]
async fn a_caller_is_handed_over_with_his_page_before_his_owner_is_asked_for() {
    let (server, _state) = start().await;
    let built = made(&server, &format!("{}&direct_line=SIP/%7Bextension%7D", by_password()));
    let so_far = SoFar::default();
    let hits = so_far::collect(&so_far, found(&built)).await.unwrap();
    let early = so_far.hits().expect("he is handed over");
    assert_eq!(early[0].contact.get(Field::BackendLink), hits[0].contact.get(Field::BackendLink));
    assert_eq!((early[0].contact.get(Field::DirectLine), so_far.has_gap()), (None, false));
}

fn ended() -> EndedCall {
    EndedCall {
        key: "k1-2".to_owned(),
        project: "sales".into(),
        uniqueid: Some("1700.1".to_owned()),
        direction: Direction::In,
        telephone: "0722111222".to_owned(),
        number: Some("+40722111222".to_owned()),
        dnid: "0310000000".to_owned(),
        queue: Some("sales".to_owned()),
        agent: Some("ion".to_owned()),
        remote_number: None,
        outcome: CallOutcome::Answered,
        reason: None,
        recording: Some(format!("https://pbx.example.com/{}.wav?a=1", "r".repeat(300))),
        started: 1_795_413_509_000,
        answered: None,
        ended: None,
        waited: Some(3),
        duration: Some(12),
        computed: Vec::new(),
        contact: Some(ContactRef { source: "crm".into(), id: ContactId::Text("003A0000001AbCdEFG".into()) }),
        name: None,
        company: None,
        params: BTreeMap::new(),
    }
}

async fn log(built: &Built, call: EndedCall) -> Result<()> {
    let log: &Arc<dyn CallLog> = built.call_log.as_ref().unwrap();
    log.log_call(Arc::new(call)).await
}

#[tokio::test]
async fn a_call_becomes_one_task_however_often_it_is_written() {
    let (server, state) = start().await;
    let built = made(&server, &by_password());
    log(&built, ended()).await.unwrap();
    log(&built, ended()).await.unwrap();
    let other = ContactRef { source: "other".into(), id: ContactId::Text("003A0000001AbCdEFG".into()) };
    log(&built, EndedCall { key: "k2' OR Id != '".to_owned(), contact: Some(other), ..ended() }).await.unwrap();
    let tasks = state.tasks.lock().unwrap().clone();
    assert_eq!(tasks.len(), 2);
    let recording = ended().recording.unwrap();
    let expected = serde_json::json!({"Subject": "Inbound call +40722111222", "TaskSubtype": "Call", "Status": "Completed",
        "Priority": "Normal", "CallType": "Inbound", "CallDisposition": "answered", "CallObject": "k1-2",
        "ActivityDate": "2026-11-23", "CallDurationInSeconds": 12, "WhoId": "003A0000001AbCdEFG",
        "Description": format!("Number: 0722111222\nCalled: 0310000000\nQueue: sales\nAgent: ion\nWaited: 3 s\n\
        Recording: {recording}")});
    assert_eq!(tasks[0], expected);
    assert_eq!(tasks[1].get("WhoId"), None, "a contact of another source is nobody here");
    assert_eq!(tasks[1]["CallObject"], "k2ORId");
}

#[tokio::test]
async fn the_task_of_a_call_that_no_agent_took_belongs_to_the_owner_of_the_contact_where_that_is_wanted() {
    let (server, state) = start().await;
    let built = made(&server, &format!("{}&task_owner=contact", by_password()));
    let contact = |id: &str| Some(ContactRef { source: "crm".into(), id: ContactId::Text(id.into()) });
    let call = |key: &str, id: &str| EndedCall { key: key.to_owned(), agent: None, contact: contact(id), ..ended() };
    log(&built, call("k1", "003A0000001AbCdEFG")).await.unwrap();
    log(&built, call("k2", "00QA0000001AbCdEFG")).await.unwrap();
    log(&built, EndedCall { contact: None, ..call("k3", "") }).await.unwrap();
    let owners: Vec<_> = state.tasks.lock().unwrap().iter().map(|task| task.get("OwnerId").cloned()).collect();
    assert_eq!(owners, [Some(serde_json::json!("005A0000001AbCdEFG")), None, None], "a queue owns no tasks");
    let keys = format!("url = \"{}\"\nparams = \"{}&task_owner=me\"", server.url(""), by_password());
    assert!(build(&settings_for_tests("crm", &keys), workbench()).is_err());
}

#[tokio::test]
async fn of_several_the_one_whose_mobile_it_is_is_meant_and_the_others_come_in_a_settled_order() {
    let (server, state) = start().await;
    let record = |id: &str, field: &str, year: u32| {
        serde_json::json!({"attributes": {"type": "Contact"}, "Id": format!("003A00000000000{id}"), "Name": id,
                           field: "0722 111 222", "LastModifiedDate": format!("{year}-01-01T00:00:00.000+0000")})
    };
    let old = record("004", "MobilePhone", 2001);
    let people = [record("003", "Phone", 2020), record("002", "Phone", 2026), record("001", "Phone", 2020)];
    *state.records.lock().unwrap() = people.to_vec();
    let built = made(&server, &by_password());
    let names = async || {
        let hits = found(&built).await.unwrap();
        hits.iter().map(|hit| hit.contact.get(Field::Name).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["002", "001", "003"], "the newest, then the lowest id");
    state.records.lock().unwrap().push(old);
    assert_eq!(names().await, ["004"]);
}

#[tokio::test]
async fn as_many_records_as_are_asked_for_without_the_caller_are_no_unknown_caller() {
    let (server, state) = start().await;
    let stranger = serde_json::json!({"Id": "003B", "Name": "Nobody", "Phone": "9 0722 111 222 9"});
    *state.records.lock().unwrap() = vec![stranger.clone(); 199];
    assert!(found(&made(&server, &by_password())).await.unwrap().is_empty());
    state.records.lock().unwrap().push(stranger);
    let failed = found(&made(&server, &by_password())).await.unwrap_err();
    assert!(failed.to_string().contains("200 records and more"), "{failed}");
}

const CLASS: &str =
    "webservices[send_call][xml]=CreateActivitiesWebService&webservices[send_call][method]=sendCallInfo";

#[tokio::test]
async fn a_class_gets_the_call_by_the_names_of_its_wsdl_in_the_bytes_of_php() {
    let (server, state) = start().await;
    let built = made(&server, &format!("{}&{CLASS}", by_password()));
    log(&built, EndedCall { telephone: "0700000000".to_owned(), ..ended() }).await.unwrap();
    state.end_session();
    log(&built, ended()).await.unwrap();
    let received = server.received();
    let sent: Vec<_> = received.iter().filter(|request| request.line().contains("/class/")).collect();
    assert_eq!(sent.len(), 3, "the second was refused for its session and sent again");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures/soap/w_apex_sendCallInfo.req.bin");
    let php = String::from_utf8(std::fs::read(path).unwrap()).unwrap();
    let php = php.split_once("\r\n\r\n").unwrap().1.replace("00Dxx!AQ_fake", "00D!session1");
    assert_eq!(sent[0].body, php);
    assert_eq!(sent[0].line(), "POST /services/Soap/class/CreateActivitiesWebService");
    assert_eq!(logins(&state), 3);
}

#[tokio::test]
async fn without_a_wsdl_callers_are_found_and_the_arguments_stand_in_the_settings() {
    let (server, state) = start().await;
    let listed = "webservices[send_call][xml]=CreateActivitiesWebService2&webservices[send_call][method]=sendCallInfo";
    let built = made(&server, &format!("{}&{listed}", by_password()));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/salesforce");
    let missing =
        format!("no file CreateActivitiesWebService2.wsdl or CreateActivitiesWebService2.xml in {}", folder.display());
    assert!(built.fault.as_ref().is_some_and(|fault| fault.contains(&missing)), "{:?}", built.fault);
    assert_eq!(found(&built).await.unwrap().len(), 1, "callers are found all the same");
    let refused = log(&built, ended()).await.unwrap_err();
    assert!(refused.to_string().contains(&missing) && !refused.is_passing(), "{refused}");
    assert!(state.tasks.lock().unwrap().is_empty(), "no task in the place of the class");
    let listed = CLASS.to_owned()
        + "&webservices[send_call][arguments][a]=number&webservices[send_call][arguments][b]=reason\
        &webservices[send_call][arguments][c]=recording";
    let keys = format!("url = \"{}\"\nparams = \"{}&{listed}\"", server.url(""), by_password());
    let built = build(&settings_for_tests("crm", &keys), workbench()).unwrap();
    log(&built, ended()).await.unwrap();
    let received = server.received();
    let sent = received.iter().find(|request| request.line().contains("/class/")).unwrap();
    assert!(sent.body.contains("<ns1:a>+40722111222</ns1:a><ns1:b xsi:nil=\"true\"/>"), "{}", sent.body);
    assert!(sent.body.contains("rrr.wav?a=1</ns1:c>"), "{}", sent.body);
}
