//! A configuration that is read again forgets nothing that a CRM said: for how long it wants no requests, and that it refuses
//! the credentials. Other credentials are tried at once.

use super::bench::{Asking, Bench, for_each};
use super::fault::Fault;
use crate::harness::wait_until;

/// Lookups about different callers after a reload.
const CALLERS: usize = 12;

/// How many requests arrive that are no login.
fn count(asking: &Asking<'_>) -> usize {
    let before = asking.bench.lookups().len();
    (0..CALLERS).for_each(|index| asking.ask_in_vain(index));
    asking.bench.lookups().len() - before
}

/// The configuration with another credential.
fn with_another_credential(bench: &Bench) -> String {
    let secret = bench.crm.secrets()[0];
    let text = std::fs::read_to_string(bench.workplace.path("calldex.toml")).unwrap();
    text.replace(secret, &secret.replace("SECRET", "CHANGED"))
}

#[test]
fn a_reload_does_not_shorten_the_time_for_which_a_crm_wants_no_requests() {
    for_each(|crm| {
        let bench = Bench::new(crm);
        let asking = bench.serve();
        asking.meet(Fault::Limit);
        for (project, setting) in [("one", ""), ("two", "timeout = \"9s\""), ("three", "max_in_flight = 3")] {
            asking.reload(project, setting);
            assert_eq!(count(&asking), 0, "{} after {setting:?}", bench.crm.recipe());
        }
        let before = bench.stand_in.received().len();
        asking.change("four", with_another_credential(&bench));
        wait_until("a request with the other credential", || {
            asking.ask("0744111222");
            bench.stand_in.received().len() > before
        });
        asking.server.stop();
    });
}

#[test]
fn a_reload_costs_one_request_with_credentials_that_were_refused_and_finds_out_that_they_are_mended() {
    for_each(|crm| {
        let bench = Bench::new(crm);
        bench.stand_in.order(Fault::Refuse);
        let asking = bench.serve_at_once();
        (0..CALLERS).for_each(|index| asking.ask_in_vain(index));
        asking.server.wait_for_metrics("calldex_source_refused{source=\"crm\"} 1");
        for (project, setting) in [("one", ""), ("two", "timeout = \"9s\"")] {
            let before = bench.stand_in.received().len();
            asking.reload(project, setting);
            (0..CALLERS).for_each(|index| asking.ask_in_vain(index));
            let counted = bench.stand_in.received().len() - before;
            // One for the lookup, and one for the login ahead of it.
            assert!(counted <= 2, "{} was asked {counted} times after {setting:?}", bench.crm.recipe());
            asking.server.wait_for_metrics("calldex_source_refused{source=\"crm\"} 1");
        }
        asking.order(Fault::None);
        asking.reload("three", "max_in_flight = 3");
        wait_until("Ana", || asking.ask("0722111222").text().contains("Ana Pop"));
        asking.server.wait_for_metrics("calldex_source_refused{source=\"crm\"} 0");
        asking.server.stop();
    });
}
