//! Every recipe that comes with calldex against a server that behaves as its CRM does, with the real binary.
//!
//! A lookup is repeated until it says what is expected: a machine that is busy enough to miss the deadline of ten seconds is
//! no failure of a recipe.

mod assertion;
mod bench;
mod book;
mod crms;
mod fault;
mod freshdesk;
mod gone;
mod hostile;
mod journal;
mod late;
mod limits;
mod meter;
mod own;
mod owners;
mod pages;
mod refusals;
mod reloads;
mod salesforce;
mod schema;
mod secrets;
mod stand_in;
mod wire;
mod writing;

use std::sync::Arc;

use crate::harness::{Workplace, wait_until};
use bench::{configuration, with_each};
use book::Mood;
use crms::Freshdesk;
use fault::Fault;
use stand_in::{Answer, Crm, StandIn};

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
        for fault in [
            Fault::Refuse,
            Fault::RefuseSessions,
            Fault::Forbid,
            Fault::Missing,
            Fault::Limit,
            Fault::LimitWithoutTime,
            Fault::Down,
            Fault::HalfABody,
            Fault::Reset,
            Fault::Page,
            Fault::Xml,
            Fault::Odd,
            Fault::Say(Answer::empty(503)),
            Fault::Say(Answer::empty(503).with("Retry-After", "600")),
        ] {
            bench.stand_in.order(fault);
            bench.expect("0722111222", "undetermined");
        }
    });
}

#[test]
fn an_answer_with_too_many_people_is_cut_to_the_caller() {
    with_each(|bench| {
        bench.stand_in.order(Fault::Search(Mood::Wide));
        bench.expect("0722111222", bench.crm.link());
        bench.expect("0722333444", "\"name\":\"Dan Ionescu\"");
        bench.expect("0722999888", "unknown");
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
