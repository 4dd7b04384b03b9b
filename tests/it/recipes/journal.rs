//! From the events of a PBX to the record in the CRM, for every CRM that comes with calldex: what it gets of a call, and
//! that a repeat after a lost answer is the same call to it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::bench::{Bench, for_each};
use super::fault::Fault;
use super::stand_in::{Crm, Request};
use crate::harness::{Server, report, wait_until};

/// What every CRM gets that has a text for it; the times are put in later.
const SUMMARY: &str = "Incoming call from +40722111222 to 0310000000, answered, 61 s, waited 7 s, queue support, agent ion, \
                       recording https://pbx.example.com/rec/1.wav?id=1&part=2 [KEY]";

/// The requests that write Ana's answered call down: method, path and body; `KEY`, `DATE` and `TIME` stand for its key and
/// the moment in which it began.
fn expected(recipe: &str) -> (&'static str, &'static str, Value) {
    let html = SUMMARY.replace('&', "&amp;");
    match recipe {
        "bitrix24" => (
            "POST",
            "/rest/1/HOOKSECRET/crm.timeline.comment.add.json",
            json!({ "fields": { "ENTITY_TYPE": "contact", "ENTITY_ID": 42, "COMMENT": SUMMARY } }),
        ),
        "dynamics365" => (
            "PATCH",
            "/api/data/v9.2/phonecalls(UUID)",
            json!({ "subject": "Incoming call, answered [KEY]", "description": SUMMARY, "phonenumber": "+40722111222",
                    "directioncode": false, "actualdurationminutes": 2,
                    "regardingobjectid_contact_phonecall@odata.bind": "/contacts(42)" }),
        ),
        "freshdesk" => (
            "POST",
            "/api/v2/tickets",
            json!({ "requester_id": 42, "subject": "Call with Ana Pop", "source": 3, "status": 5, "priority": 1,
                    "description": format!("DATE TIME UTC: {html}"), "responder_id": 7,
                    "tags": ["phone", "answered-call"] }),
        ),
        "hubspot" => (
            "POST",
            "/crm/v3/objects/calls",
            json!({ "properties": {
                        "hs_timestamp": "DATETTIME:00Z", "hs_call_title": "Incoming call [KEY]", "hs_call_body": html,
                        "hs_call_recording_url": "https://pbx.example.com/rec/1.wav?id=1&part=2",
                        "hs_call_direction": "INBOUND", "hs_call_status": "COMPLETED", "hs_call_duration": 61_000,
                        "hs_call_from_number": "+40722111222", "hs_call_to_number": "0310000000",
                        "hubspot_owner_id": "7" },
                    "associations": [{ "to": { "id": "42" }, "types": [
                        { "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 194 }] }] }),
        ),
        "minicrm" => (
            "POST",
            "/Api/CallLog",
            json!({ "ApiKey": "VOIP-SECRET", "UserExtension": "101", "Data": [{
                        "Number": "+40722111222", "Duration": 61, "CallType": 1, "Date": "DATE TIME:00",
                        "ReferenceId": "KEY" }] }),
        ),
        "odoo" => ("POST", "/json/2/res.partner/message_post", json!({ "ids": [42], "body": SUMMARY })),
        "odoo_jsonrpc" => (
            "POST",
            "/jsonrpc",
            json!({ "jsonrpc": "2.0", "method": "call", "params": { "service": "object", "method": "execute_kw",
                    "args": ["acme", 2, "RPC-SECRET", "res.partner", "message_post", [[42]], { "body": SUMMARY }] } }),
        ),
        "pipedrive" => (
            "POST",
            "/api/v2/activities",
            json!({ "subject": "Incoming call", "type": "call", "note": html, "done": true, "owner_id": 7,
                    "due_date": "DATE", "due_time": "TIME", "duration": "00:02",
                    "participants": [{ "person_id": 42, "primary": true }] }),
        ),
        "salesforce" => (
            "POST",
            "/services/data/v59.0/sobjects/Task/",
            json!({ "Subject": "Inbound call +40722111222", "TaskSubtype": "Call", "Status": "Completed",
                    "Priority": "Normal", "CallType": "Inbound", "CallDisposition": "answered", "CallObject": "KEY",
                    "OwnerId": "005A00000000000007", "ActivityDate": "DATE", "CallDurationInSeconds": 61,
                    "WhoId": "003A00000000000042",
                    "Description": "Number: 0722111222\nCalled: 0310000000\nQueue: support\nAgent: 101\nWaited: 7 s\n\
                                    Recording: https://pbx.example.com/rec/1.wav?id=1&part=2" }),
        ),
        "zendesk" => (
            "POST",
            "/api/v2/tickets.json",
            json!({ "ticket": { "subject": "Call with Ana Pop", "external_id": "KEY", "requester_id": 42,
                    "comment": { "body": format!("DATE TIME UTC: {SUMMARY}") }, "assignee_id": 7, "status": "solved",
                    "tags": ["phone", "answered-call"] } }),
        ),
        "zoho" => (
            "POST",
            "/crm/v6/Calls",
            json!({ "data": [{ "Subject": "Incoming call [KEY]", "Call_Type": "Inbound",
                    "Call_Start_Time": "DATETTIME:00+00:00", "Call_Duration": "00:02", "Description": SUMMARY,
                    "Who_Id": { "id": "42" } }] }),
        ),
        other => panic!("nobody has said what {other} gets of a call"),
    }
}

/// A workplace whose calls go to a CRM, with the agent who speaks.
fn workplace(crm: Arc<dyn Crm>) -> Bench {
    let owner = if crm.recipe() == "salesforce" { "005A00000000000007" } else { "7" };
    let agent = format!("[agent.ion]\nextension = \"101\"\nowner = {{ crm = \"{owner}\" }}\n");
    let params = crm.params();
    // Helpdesks get answered calls where that is wanted.
    let all = params.replacen(" }", ", tickets = \"all\" }", 1);
    let is_helpdesk = ["freshdesk", "zendesk"].contains(&crm.recipe());
    Bench::with(crm, |text| {
        let text = if is_helpdesk { text.replace(params, &all) } else { text };
        text.replace("[project.sales]\n", "[project.sales]\njournal = [\"crm\"]\n") + &agent
    })
}

/// The moment of a call that began an hour ago, on a whole minute, as Asterisk names calls by it.
fn an_hour_ago() -> jiff::Timestamp {
    let now = jiff::Timestamp::now().as_second();
    jiff::Timestamp::from_second(now - now % 60 - 3_600).unwrap()
}

fn report_all(server: &Server, events: &[&str], call: &str) {
    for event in events {
        assert_eq!(report(server.address, &format!("/sales/events?event={event}&{call}")).status, 200, "{event}");
    }
}

impl Bench {
    /// What has arrived that writes calls down.
    fn calls(&self) -> Vec<Request> {
        let mut received = self.stand_in.received();
        received.retain(|request| {
            let is_write = request.method != "GET" && !self.crm.is_login(request) && is_call(request);
            is_write && request.path.starts_with(self.crm.log_path())
        });
        received
    }

    /// The only entry of the journal that is written.
    fn written(&self) -> Option<Value> {
        let listed = self.workplace.succeed(&["journal", "list", "--written", "--json"]);
        serde_json::from_str(listed.lines().next()?).ok()
    }
}

/// Odoo's older interface has one address for everything.
fn is_call(request: &Request) -> bool {
    request.path != "/jsonrpc" || request.json()["params"]["args"][4] == "message_post"
}

#[test]
fn every_crm_gets_the_whole_of_a_call_and_the_same_again_when_its_answer_was_lost() {
    for_each(|crm| {
        let bench = workplace(crm);
        let recipe = bench.crm.recipe();
        let asking = bench.serve();
        asking.order(Fault::Lose(bench.crm.log_path()));
        let started = an_hour_ago();
        let call = format!(
            "direction=IN&telephone=0722111222&dnid=0310000000&queue=support&agent=101&uniqueid={}.1",
            started.as_second()
        );
        let end = "&billsec=61&recording=https://pbx.example.com/rec/1.wav%3Fid=1%26part=2";
        report_all(&asking.server, &["queue_answer"], &format!("{call}&queue_hold_time=7"));
        report_all(&asking.server, &["queue_answer_end"], &(call + end));
        wait_until(&format!("{recipe} to take the call and to say nothing"), || !bench.calls().is_empty());
        assert!(bench.written().is_none(), "{recipe}: written without an answer");
        asking.order(Fault::None);
        wait_until(&format!("{recipe} to have the call"), || bench.written().is_some());
        let key = bench.written().unwrap()["key"].as_str().unwrap().to_owned();
        let (method, path, body) = expected(recipe);
        let filled = |text: &str| {
            text.replace("KEY", &key)
                .replace("DATE", &started.strftime("%Y-%m-%d").to_string())
                .replace("TIME", &started.strftime("%H:%M").to_string())
        };
        let body: Value = serde_json::from_str(&filled(&body.to_string())).unwrap();
        let calls = bench.calls();
        for request in &calls {
            assert_eq!(request.json(), body, "{recipe}: {}", request.body);
            assert_eq!(request.method, method, "{recipe}");
            assert_eq!(request.target, calls[0].target, "{recipe}: another place");
            assert_eq!(request.header("idempotency-key"), calls[0].header("idempotency-key"), "{recipe}");
        }
        assert!(calls[0].path.starts_with(path.split("UUID").next().unwrap()), "{recipe}: {}", calls[0].path);
        // By the key in the text others can tell; these CRMs tell by themselves.
        match recipe {
            "salesforce" => assert_eq!(calls.len(), 1, "it was asked whether it has the call"),
            "zendesk" => assert_eq!(calls[0].header("idempotency-key"), key),
            "dynamics365" => assert!(calls[0].path.len() == path.len() + 32, "{}", calls[0].path),
            _ => assert!(calls.len() >= 2, "{recipe}"),
        }
        assert!(calls[0].target.contains(&key) || calls[0].body.contains(&key), "{recipe}: no key");
    });
}

#[test]
fn what_a_stranger_makes_a_pbx_report_is_text_to_every_crm() {
    for_each(|crm| {
        let bench = workplace(crm);
        let recipe = bench.crm.recipe();
        let asking = bench.serve();
        let hostile = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E%27%0D%0A%5Burl=javascript:x%5D";
        let link = format!("https://pbx.example.com/{hostile}%7B%7B7*7%7D%7D");
        for (index, recording) in
            ["javascript:alert(1)", &link, &format!("https://pbx.example.com/{}", "a".repeat(3_000))].iter().enumerate()
        {
            let call = format!("direction=IN&telephone=0722111222&dnid={hostile}&uniqueid=hostile-{index}");
            let end = format!("&agent={hostile}&queue={hostile}&billsec=61&recording={recording}");
            report_all(&asking.server, &["queue_answer", "queue_answer_end"], &(call + &end));
        }
        wait_until(&format!("{recipe} to have the calls"), || {
            bench.workplace.succeed(&["journal", "list", "--written"]).lines().count() == 3
        });
        for request in bench.calls() {
            let (sent, target) = (request.json().to_string(), &request.target);
            assert!(!target.contains("script") && request.headers.iter().all(|(name, _)| name != "[url"), "{recipe}");
            // What has a field of its own is sent as it came: the CRM knows that it is text. All of a task are such.
            let markup = if recipe == "salesforce" { "\r" } else { "<script" };
            let texts = ["COMMENT", "description", "note", "body", "hs_call_body", "Description"];
            for text in texts.iter().flat_map(|name| found(&request.json(), name)) {
                for bad in [markup, "javascript:alert", "\r", "aaaaaaaaaa"] {
                    assert!(!text.contains(bad), "{recipe}: {bad:?}: {text}");
                }
            }
            assert!(!sent.contains("javascript:alert") && !sent.contains("{{7*7}}"), "{recipe}: {sent}");
        }
    });
}

/// The texts of this name, wherever they stand.
fn found(value: &Value, name: &str) -> Vec<String> {
    match value {
        Value::Object(table) => table
            .iter()
            .flat_map(|(key, value)| match value {
                Value::String(text) if key == name => vec![text.clone()],
                value => found(value, name),
            })
            .collect(),
        Value::Array(list) => list.iter().flat_map(|value| found(value, name)).collect(),
        _ => Vec::new(),
    }
}
