//! Credentials that a CRM refuses: the source stops, says so where somebody looks, and nobody becomes "unknown".

use super::bench::{Bench, for_each};
use super::fault::Fault;
use crate::harness::{get, wait_until};

/// Requests that may be made before the source stops: three times a lookup, with a login each where there is a session.
const MOST: usize = 13;

fn stops(bench: &Bench, fault: Fault) {
    bench.stand_in.order(fault.clone());
    let asking = bench.serve_at_once();
    let name = bench.crm.recipe();
    (0..20).for_each(|index| asking.ask_in_vain(index));
    let counted = bench.stand_in.received().len();
    assert!(counted <= MOST, "{name}: {fault:?} was tried {counted} times");
    asking.server.wait_for_metrics("calldex_source_refused{source=\"crm\"} 1");
    wait_until("the source in readyz", || {
        get(asking.server.address, "/readyz").json()["sources"] == serde_json::json!({ "crm": "refused" })
    });
    let explained = asking.explain("0744000001");
    assert!(explained.contains("\"undetermined\"") && !explained.contains("\"unknown\""), "{name}: {explained}");
    asking.server.stop();
}

#[test]
fn refused_credentials_stop_the_source_with_an_alarm() {
    for_each(|crm| stops(&Bench::new(crm), Fault::Refuse));
}

#[test]
fn a_session_that_is_refused_after_every_login_stops_the_source_too() {
    for_each(|crm| stops(&Bench::new(crm), Fault::RefuseSessions));
}

#[test]
fn a_crm_that_lets_nobody_in_stops_the_source_after_a_few_callers() {
    for_each(|crm| stops(&Bench::new(crm), Fault::Forbid));
}
