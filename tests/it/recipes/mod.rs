//! Every recipe that comes with calldex against a server that behaves as its CRM does, with the real binary.
//!
//! A lookup is repeated until it says what is expected: a machine that is busy enough to miss the deadline of ten seconds is
//! no failure of a recipe.

mod crms;
mod gone;
mod own;
mod salesforce;
mod stand_in;

use std::sync::Arc;

use crate::harness::{Workplace, text, wait_until};
use crms::{Bitrix24, Dynamics365, Freshdesk, HubSpot, MiniCrm, Odoo, OdooJsonRpc, Pipedrive, Zendesk, Zoho};
use stand_in::{Answer, Crm, Fault, Request, StandIn};

fn all() -> Vec<Arc<dyn Crm>> {
    vec![
        Arc::new(Bitrix24),
        Arc::new(Dynamics365),
        Arc::new(Freshdesk),
        Arc::new(HubSpot),
        Arc::new(MiniCrm),
        Arc::new(Odoo),
        Arc::new(OdooJsonRpc),
        Arc::new(Pipedrive),
        Arc::new(Zendesk),
        Arc::new(Zoho),
    ]
}

fn configuration(recipe: &str, url: &str, params: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\n\
         [source.crm]\ntype = \"{recipe}\"\nurl = \"{url}\"\ncountry = \"RO\"\nparams = {params}\nrate = \"1000/1s\"\n\
         [project.sales]\ncountry = \"RO\"\nallow = [\"127.0.0.1\"]\nsources = [\"crm\"]\ndeadline = \"10s\"\n"
    )
}

/// A CRM that runs, and a calldex that asks it.
struct Bench {
    crm: Arc<dyn Crm>,
    stand_in: StandIn,
    workplace: Workplace,
}

impl Bench {
    fn new(crm: Arc<dyn Crm>) -> Self {
        let stand_in = StandIn::start(Arc::clone(&crm));
        let workplace = Workplace::new(&configuration(crm.recipe(), &stand_in.url, crm.params()));
        Self { crm, stand_in, workplace }
    }

    /// Looks a number up until the answer and its explanation hold a text; then no secret stands in them.
    fn expect(&self, number: &str, expected: &str) {
        let mut seen = String::new();
        wait_until(&format!("{expected:?} of {} about {number}", self.crm.recipe()), || {
            let output = self.workplace.run(&["lookup", number, "--explain"]);
            seen = format!("{}{}", text(&output.stdout), text(&output.stderr));
            if !seen.contains(expected) {
                // Shown when the wait is in vain.
                eprintln!("{}: {seen}", self.crm.recipe());
            }
            seen.contains(expected)
        });
        for secret in self.crm.secrets() {
            assert!(!seen.contains(secret), "{} shows {secret}: {seen}", self.crm.recipe());
        }
    }
}

/// Each CRM in a thread of its own.
fn with_each(test: impl Fn(Bench) + Sync) {
    std::thread::scope(|scope| {
        for crm in all() {
            scope.spawn(|| test(Bench::new(crm)));
        }
    });
}

const UNKNOWN: &str = r#"{"id":null,"name":null"#;

#[test]
fn a_caller_is_found_however_his_number_is_stored_and_nobody_else_is() {
    with_each(|bench| {
        bench.expect("+40722111222", "\"name\":\"Ana Pop\"");
        bench.expect("0722 111 222", bench.crm.link());
        bench.expect("0722333444", "\"name\":\"Dan Ionescu\"");
        bench.expect("0722555666", UNKNOWN);
        bench.expect("0722555666", "unknown");
        bench.expect("0722999888", "unknown");
    });
}

#[test]
fn a_failure_of_any_kind_is_never_an_unknown_caller() {
    with_each(|bench| {
        bench.stand_in.order(Fault::Refuse);
        bench.expect("0722111222", "refuses the credentials");
        bench.stand_in.order(Fault::Limit);
        bench.expect("0722111222", "wants no requests for");
        for fault in [Fault::Down, Fault::HalfABody, Fault::Reset, Fault::Page, Fault::Xml, Fault::LimitWithoutTime] {
            bench.stand_in.order(fault);
            bench.expect("0722111222", "undetermined");
        }
    });
}

#[test]
fn an_answer_in_chunks_or_compressed_is_read() {
    with_each(|bench| {
        for fault in [Fault::Chunked, Fault::Gzip] {
            bench.stand_in.order(fault);
            bench.expect("0722111222", "\"name\":\"Ana Pop\"");
        }
    });
}

#[test]
fn a_recipe_that_turns_bad_keeps_its_earlier_copy_with_an_alarm_and_a_good_one_is_used_at_once() {
    let stand_in = StandIn::start(Arc::new(Freshdesk));
    let shipped = include_str!("../../../src/sources/recipes/freshdesk.toml");
    let shipped = shipped.split("\n[[test]]").next().unwrap();
    let keys = "[cache]\nfound_entries = 0\nunknown_entries = 0\n";
    let workplace = Workplace::new(&(configuration("desk", &stand_in.url, Freshdesk.params()) + keys));
    workplace.write("recipes/desk.toml", shipped);
    let server = workplace.serve();
    let answer = || crate::harness::get(server.address, "/sales/lookup?telephone=0722111222").text();
    wait_until("the first recipe", || answer().contains("/a/contacts/42"));
    workplace.write("recipes/desk.toml", shipped.replace("[out]", "[outt]"));
    server.wait_for_metrics("calldex_recipes_failed 1");
    server.wait_for_log("goes on with its earlier copy");
    wait_until("the earlier recipe", || answer().contains("/a/contacts/42"));
    workplace.write("recipes/desk.toml", shipped.replace("/a/contacts/", "/new/contacts/"));
    wait_until("the new recipe", || answer().contains("/new/contacts/42"));
    server.wait_for_metrics("calldex_recipes_failed 0");
    server.stop();
}

#[test]
fn the_nearest_api_type_may_be_a_recipe_of_ones_own() {
    let workplace = Workplace::new(&configuration("tinycmr", "http://127.0.0.1:1", "{}"));
    workplace.succeed(&["recipe", "new", "tinycrm"]);
    let complaint = workplace.fail(&["config", "check"]);
    assert!(complaint.contains("did you mean \"tinycrm\"?"), "{complaint}");
}

/// Takes whatever is sent to it, and lets everybody in.
struct Thief;

impl Crm for Thief {
    fn recipe(&self) -> &'static str {
        "none"
    }
    fn params(&self) -> &'static str {
        "{}"
    }
    fn secrets(&self) -> &'static [&'static str] {
        &[]
    }
    fn lets_in(&self, _: &Request) -> bool {
        true
    }
    fn refuse(&self) -> Answer {
        Answer::empty(500)
    }
    fn answer(&self, _: &Request) -> Answer {
        Answer::json(200, &serde_json::json!({}))
    }
    fn link(&self) -> &'static str {
        ""
    }
    fn log_path(&self) -> &'static str {
        ""
    }
}

#[test]
fn a_redirect_takes_no_credential_to_another_host() {
    let thief = StandIn::start(Arc::new(Thief));
    with_each(|bench| {
        bench.stand_in.order(Fault::Redirect(thief.url.clone()));
        bench.expect("0722111222", "redirect");
        bench.expect("0722111222", "undetermined");
    });
    assert_eq!(thief.received().len(), 0, "{:?}", thief.received());
}

#[test]
fn a_finished_call_is_written_down_as_the_crm_wants_it() {
    with_each(|bench| {
        bench.workplace.write("call.json", bench.crm.call().to_string());
        let printed = bench.workplace.succeed(&["recipe", "call", "crm", "log_call", "--event", "call.json"]);
        assert!(printed == "900\n" || printed.starts_with("nothing to write down, or no id"), "{printed}");
        let path = bench.crm.log_path();
        let arrived = bench.stand_in.received().iter().filter(|request| request.path == path).count();
        assert!(arrived >= 1, "{}: nothing arrived at {path}", bench.crm.recipe());
    });
}

#[test]
fn a_secret_never_stands_in_an_address_where_the_crm_does_not_demand_it() {
    with_each(|bench| {
        bench.expect("+40722111222", "\"name\":\"Ana Pop\"");
        if bench.crm.recipe() == "bitrix24" {
            return;
        }
        for request in bench.stand_in.received() {
            let target = format!("{} {:?}", request.path, request.query);
            assert!(bench.crm.secrets().iter().all(|secret| !target.contains(secret)), "{target}");
        }
    });
}

#[test]
fn a_limit_keeps_the_source_quiet_and_a_refusal_stops_it_with_an_alarm() {
    let bench = Bench::new(Arc::new(Freshdesk));
    bench.stand_in.order(Fault::Limit);
    let server = bench.workplace.serve();
    let ask =
        |number: u32| crate::harness::get(server.address, &format!("/sales/lookup?telephone=07220000{number:02}"));
    assert_eq!(ask(0).header("x-calldex-degraded"), Some("crm"));
    let before = bench.stand_in.received().len();
    bench.stand_in.order(Fault::None);
    for number in 1..20 {
        assert_eq!(ask(number).header("x-calldex-degraded"), Some("crm"));
    }
    assert_eq!(bench.stand_in.received().len(), before, "it said 600 s, and was asked again");
    server.stop();

    let bench = Bench::new(Arc::new(Freshdesk));
    bench.stand_in.order(Fault::Refuse);
    let server = bench.workplace.serve();
    let ask =
        |number: u32| crate::harness::get(server.address, &format!("/sales/lookup?telephone=07220000{number:02}"));
    for number in 0..20 {
        assert_eq!(ask(number).header("x-calldex-degraded"), Some("crm"));
    }
    assert!(
        bench.stand_in.received().len() <= 5,
        "a refused credential was tried {} times",
        bench.stand_in.received().len()
    );
    let ready = crate::harness::get(server.address, "/readyz").json();
    assert_eq!(ready["sources"], serde_json::json!({ "crm": "refused" }));
    server.wait_for_metrics("calldex_source_refused{source=\"crm\"} 1");
    let log = server.whole_log();
    assert!(!log.contains("FRESHKEY"), "{log}");
}

#[test]
fn the_owner_in_the_crm_becomes_the_agent_at_the_pbx_by_his_address() {
    let bench = Bench::new(Arc::new(Pipedrive));
    let more = "[agent.ion-popescu]\nemail = \"ion@example.com\"\n\
                [[project.sales.rule]]\nwhen = \"contact.agent\"\ndirect_line = \"SIP/{{ contact.agent }}\"\n";
    let configuration = configuration("pipedrive", &bench.stand_in.url, Pipedrive.params());
    bench.workplace.write("calldex.toml", configuration + more);
    bench.expect("0722111222", "\"direct_line\":\"SIP/ion-popescu\"");
}

#[test]
fn a_recipe_with_a_mistake_takes_down_only_its_own_sources() {
    let stand_in = StandIn::start(Arc::new(Freshdesk));
    let good = configuration("freshdesk", &stand_in.url, Freshdesk.params());
    let both = good.replace("sources = [\"crm\"]", "sources = [\"crm\", \"own\"]")
        + "[source.own]\ntype = \"own\"\ncountry = \"RO\"\nparams = { key = \"k\" }\n";
    let workplace = Workplace::new(&both);
    workplace.succeed(&["recipe", "new", "own"]);
    workplace.succeed(&["config", "check"]);
    let recipe = std::fs::read_to_string(workplace.path("recipes/own.toml")).unwrap();
    workplace.write("recipes/own.toml", recipe.replace("query   =", "quer    ="));
    let complaint = workplace.fail(&["config", "check"]);
    assert!(complaint.contains("recipes/own.toml:") && complaint.contains("did you mean \"query\"?"), "{complaint}");
    let server = workplace.serve();
    wait_until("an answer in spite of the broken recipe", || {
        crate::harness::get(server.address, "/sales/lookup?telephone=0722111222").text().contains("Ana Pop")
    });
    server.stop();
}
