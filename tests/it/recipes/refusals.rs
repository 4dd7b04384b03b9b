//! Credentials that a CRM refuses: the first refusal stops the source, which says so where somebody looks, and nobody becomes
//! "unknown".

use super::bench::{Asking, Bench, for_each};
use super::fault::Fault;
use crate::harness::{get, wait_until};

/// Requests that may be made before the source stops, by `callers` of them: that of the lookup, and where there is a session a
/// login before it, and both once more.
fn most(callers: usize) -> usize {
    4 * callers
}

/// Those that want a login before they are asked.
const LOGGING_IN: [&str; 4] = ["salesforce", "dynamics365", "zoho", "odoo_jsonrpc"];

fn stops(bench: &Bench, fault: Fault, callers: usize) {
    bench.stand_in.order(fault.clone());
    let asking = bench.serve_at_once();
    let name = bench.crm.recipe();
    (0..20).for_each(|index| asking.ask_in_vain(index));
    let counted = bench.stand_in.received().len();
    assert!(counted <= most(callers), "{name}: {fault:?} was tried {counted} times");
    expect_alarm(&asking);
    let explained = asking.explain("0744000001");
    assert!(explained.contains("\"undetermined\"") && !explained.contains("\"unknown\""), "{name}: {explained}");
    asking.server.stop();
}

fn expect_alarm(asking: &Asking<'_>) {
    asking.server.wait_for_metrics("calldex_source_refused{source=\"crm\"} 1");
    wait_until("the source in readyz", || {
        get(asking.server.address, "/readyz").json()["sources"] == serde_json::json!({ "crm": "refused" })
    });
    asking.server.wait_for_log("left alone: ");
}

#[test]
fn refused_credentials_stop_the_source_with_an_alarm() {
    for_each(|crm| stops(&Bench::new(crm), Fault::Refuse, 1));
}

#[test]
fn a_session_that_is_refused_after_every_login_stops_the_source_too() {
    for_each(|crm| stops(&Bench::new(crm), Fault::RefuseSessions, 1));
}

#[test]
fn a_crm_that_lets_nobody_in_stops_the_source_after_a_few_callers() {
    for_each(|crm| stops(&Bench::new(crm), Fault::Forbid, 3));
}

#[test]
fn a_login_that_is_refused_raises_the_alarm_before_anybody_calls() {
    for_each(|crm| {
        if LOGGING_IN.contains(&crm.recipe()) {
            let bench = Bench::new(crm);
            bench.stand_in.order(Fault::Refuse);
            let asking = bench.serve_at_once();
            expect_alarm(&asking);
            assert_eq!(bench.stand_in.received().len(), 1, "{}", bench.crm.recipe());
            asking.server.stop();
        }
    });
}
