//! A CRM that answers after the deadline: the call is answered without it, and its answer serves the next call.

use super::bench::{Bench, for_each};
use super::fault::Fault;
use crate::harness::wait_until;

/// A deadline that passes at once, and a source that waits longer than the test.
fn impatient(configuration: String) -> String {
    configuration
        .replace("deadline = \"10s\"", "deadline = \"100ms\"")
        .replace("rate = \"1000/1s\"", "rate = \"1000/1s\"\ntimeout = \"60s\"")
}

#[test]
fn a_late_answer_holds_no_call_up_and_is_used_for_the_next_one() {
    for_each(|crm| {
        let bench = Bench::with(crm, impatient);
        bench.stand_in.order(Fault::Hold);
        let asking = bench.serve_at_once();
        for _ in 0..5 {
            let reply = asking.ask("0722111222");
            assert_eq!(reply.header("x-calldex-degraded"), Some("crm"), "{}", reply.text());
            assert!(reply.text().contains("\"name\":null"), "{}", reply.text());
        }
        wait_until("the one request that all calls wait for", || !bench.stand_in.received().is_empty());
        assert_eq!(bench.stand_in.received().len(), 1, "{}", bench.crm.recipe());
        bench.stand_in.order(Fault::None);
        wait_until("the late answer", || asking.ask("0722111222").text().contains("Ana Pop"));
        // Follow-up requests may still be on their way; when they are answered the answer is complete, and kept.
        wait_until("what is remembered", || asking.explain("0722111222").contains("\"cached\":true"));
        let searches = || {
            let asked = bench.lookups();
            asked.iter().filter(|request| request.path == asked[0].path).count()
        };
        let answered = searches();
        for _ in 0..5 {
            assert!(asking.ask("0722111222").text().contains("Ana Pop"));
        }
        assert_eq!(searches(), answered, "{}: it is remembered", bench.crm.recipe());
        asking.server.stop();
    });
}

#[test]
fn an_answer_is_not_kept_where_the_configuration_says_that_nothing_is() {
    for_each(|crm| {
        let without_cache = "[cache]\nfound_entries = 0\nunknown_entries = 0\n";
        let bench = Bench::with(crm, |configuration| configuration + without_cache);
        let asking = bench.serve();
        let before = bench.lookups().len();
        wait_until("Ana once more", || asking.ask("0722111222").text().contains("Ana Pop"));
        assert!(bench.lookups().len() > before, "{}", bench.crm.recipe());
        asking.server.stop();
    });
}
