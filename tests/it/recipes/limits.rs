//! A CRM that asks for fewer requests gets none for as long as it says. What arrives is counted, not timed: all but the
//! shortest times said are far longer than these tests, and of those a stalled machine is allowed what is due again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bench::{Bench, for_each};
use super::crms::recipes;
use super::fault::Fault;
use super::stand_in::{Answer, Crm, Limit};
use crate::harness::wait_until;

/// Lookups about different callers while the source is to keep quiet.
const CALLERS: usize = 12;

/// What all CRMs may say, and what some say in their own words.
fn all_limits(crm: &dyn Crm) -> Vec<(Limit, Fault)> {
    let without_time = match crm.recipe() {
        "salesforce" => 10,
        _ => 60,
    };
    let common = [
        (Limit::Seconds(600), Fault::Limit),
        (Limit::Seconds(without_time), Fault::LimitWithoutTime),
        (Limit::Seconds(600), Fault::Say(Answer::empty(503).with("Retry-After", "600"))),
    ];
    common.into_iter().chain(crm.limits().into_iter().map(|(limit, answer)| (limit, Fault::Say(answer)))).collect()
}

/// How many times the source may have asked again after so long.
fn rounds(limit: Limit, passed: Duration) -> usize {
    match limit {
        Limit::Seconds(seconds) => usize::try_from(passed.as_secs() / seconds).unwrap(),
        Limit::Day => 0,
    }
}

/// The day in UTC, which ends a budget.
fn today() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() / (24 * 60 * 60)
}

/// Does something that must begin and end on the same day.
fn within_one_day<T>(mut test: impl FnMut() -> T) -> T {
    loop {
        let before = today();
        let result = test();
        if today() == before {
            return result;
        }
    }
}

/// How many requests arrive after a limit, and how many may.
fn count_after(crm: &Arc<dyn Crm>, limit: Limit, fault: &Fault) -> (usize, usize) {
    let bench = Bench::new(Arc::clone(crm));
    let asking = bench.serve();
    let start = Instant::now();
    asking.meet(fault.clone());
    let before = bench.stand_in.received().len();
    (0..CALLERS).for_each(|index| asking.ask_in_vain(index));
    let counted = bench.stand_in.received().len() - before;
    let allowed = rounds(limit, start.elapsed());
    if matches!(limit, Limit::Seconds(..10)) {
        asking.order(Fault::None);
        wait_until("the end of a short limit", || asking.ask("0722333444").text().contains("Dan Ionescu"));
    }
    asking.server.stop();
    (counted, allowed)
}

#[test]
fn a_limit_of_any_kind_keeps_the_source_quiet_for_as_long_as_it_says() {
    for_each(|crm| {
        for (limit, fault) in all_limits(&*crm) {
            let (counted, allowed) = within_one_day(|| count_after(&crm, limit, &fault));
            assert!(counted <= allowed, "{} was asked {counted} times within {limit:?} after {fault:?}", crm.recipe());
        }
    });
}

#[test]
fn a_crm_that_fails_without_saying_for_how_long_is_asked_less_and_less_and_then_again() {
    for_each(|crm| {
        let bench = Bench::new(crm);
        let asking = bench.serve();
        asking.order(Fault::Say(Answer::empty(503)));
        let (before, start) = (bench.stand_in.received().len(), Instant::now());
        (0..40).for_each(|index| asking.ask_in_vain(index));
        let counted = bench.stand_in.received().len() - before;
        let probes = usize::try_from(start.elapsed().as_secs()).unwrap();
        assert!(counted <= 12 + probes, "{} was asked {counted} times by 40 callers", bench.crm.recipe());
        asking.order(Fault::None);
        wait_until("the end of the trouble", || asking.ask("0722333444").text().contains("Dan Ionescu"));
        asking.server.stop();
    });
}

#[test]
fn a_daily_budget_that_is_spent_ends_the_requests_of_that_day() {
    std::thread::scope(|scope| {
        for crm in recipes() {
            scope.spawn(move || within_one_day(|| spend_a_budget(&crm)));
        }
    });
}

fn spend_a_budget(crm: &Arc<dyn Crm>) {
    let bench = Bench::new(Arc::clone(crm));
    let name = crm.recipe();
    let shipped = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/sources/recipes/{name}.toml")),
    );
    let shipped = shipped.unwrap();
    let own = shipped.split("\n[[test]]").next().unwrap();
    bench.workplace.write(&format!("recipes/{name}.toml"), format!("daily = 9\n{own}"));
    let asking = bench.serve();
    (0..CALLERS).for_each(|index| {
        asking.ask(&format!("0744111{index:03}"));
    });
    (0..CALLERS).for_each(|index| asking.ask_in_vain(index));
    assert_eq!(bench.stand_in.received().len(), 9, "{name}");
    asking.reload("more", "timeout = \"9s\"");
    (0..CALLERS).for_each(|index| asking.ask_in_vain(index + CALLERS));
    assert_eq!(bench.stand_in.received().len(), 9, "{name} after a reload");
    asking.server.stop();
}
