//! How many requests a CRM allows in a time, counted: with the rate of its recipe none is ever one too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::bench::{Bench, for_each};
use super::fault::Fault;

/// Counts the requests of a stand-in, from before the first one.
///
/// Whoever keeps to the rate is admitted, however late a request arrives: a busy machine makes none one too many.
#[derive(Debug)]
pub(crate) struct Meter {
    requests: usize,
    per: Duration,
    begun: Instant,
    arrived: AtomicUsize,
    refused: AtomicUsize,
}

impl Meter {
    fn begin((requests, seconds): (usize, u64)) -> Arc<Self> {
        let per = Duration::from_secs(seconds);
        Arc::new(Self { requests, per, begun: Instant::now(), arrived: 0.into(), refused: 0.into() })
    }

    /// Counts a request, and says whether it is allowed.
    pub(super) fn admits(&self) -> bool {
        let turns = self.begun.elapsed().as_millis() / self.per.as_millis() + 1;
        let is_allowed = self.arrived.fetch_add(1, Ordering::SeqCst) < self.requests * usize::try_from(turns).unwrap();
        self.refused.fetch_add(usize::from(!is_allowed), Ordering::SeqCst);
        is_allowed
    }
}

/// Asks about more callers at once than the CRM allows requests, also in the time in which the server has started. Returns
/// how many of the requests were one too many.
fn overload(bench: &Bench, callers: usize, rate: (usize, u64)) -> usize {
    let meter = Meter::begin(rate);
    bench.stand_in.order(Fault::Meter(Arc::clone(&meter)));
    let asking = bench.serve_at_once();
    std::thread::scope(|scope| {
        let asking = &asking;
        for caller in 0..callers {
            scope.spawn(move || asking.ask(&format!("0744000{caller:03}")));
        }
    });
    asking.server.stop();
    meter.refused.load(Ordering::SeqCst)
}

/// More than fit into a minute, or into the two seconds in which a server starts.
fn many((requests, seconds): (usize, u64)) -> usize {
    if seconds < 60 { 2 * requests + 1 } else { requests + 1 }
}

#[test]
fn a_burst_of_callers_stays_within_what_the_crm_allows() {
    for_each(|crm| {
        let Some(rate) = crm.rate() else { return };
        let bench = Bench::with(crm, |configuration| configuration.replace("rate = \"1000/1s\"\n", ""));
        assert_eq!(overload(&bench, many(rate), rate), 0, "{}", bench.crm.recipe());
    });
}

#[test]
fn without_the_rate_of_the_recipe_it_would_not() {
    for_each(|crm| {
        let Some((requests, seconds)) = crm.rate() else { return };
        // An hour, so that no machine is too slow for it.
        // Some more callers, as a call may be answered without the request that was made for it.
        let callers = many((requests, seconds)) + 20;
        let refused = overload(&Bench::new(crm), callers, (requests, 60 * 60));
        assert!(refused > 0, "{requests} in {seconds} s");
    });
}
