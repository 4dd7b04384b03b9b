//! How many requests a CRM allows in a time, counted: with the rate of its recipe none is ever one too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::bench::{Asking, Bench, for_each};
use super::fault::Fault;
use crate::harness::wait_until;

/// Counts the requests of a stand-in from one moment on.
///
/// Whatever is sent after that moment and keeps to the rate is admitted, however late it arrives: a busy machine makes
/// no request one too many.
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

/// Has as many callers asked about at once, and one more, as the CRM allows requests.
fn overload(asking: &Asking<'_>, requests: usize, round: usize) {
    std::thread::scope(|scope| {
        for caller in 0..=requests {
            scope.spawn(move || asking.ask(&format!("0744{round:03}{caller:03}")));
        }
    });
}

#[test]
fn a_burst_of_callers_stays_within_what_the_crm_allows() {
    for_each(|crm| {
        let Some(rate) = crm.rate() else { return };
        let bench = Bench::with(crm, |configuration| configuration.replace("rate = \"1000/1s\"\n", ""));
        let asking = bench.serve();
        let meter = Meter::begin(rate);
        asking.order(Fault::Meter(Arc::clone(&meter)));
        overload(&asking, rate.0, 0);
        assert_eq!(meter.refused.load(Ordering::SeqCst), 0, "{}", bench.crm.recipe());
        asking.server.stop();
    });
}

#[test]
fn without_the_rate_of_the_recipe_it_would_not() {
    for_each(|crm| {
        let Some((requests, _)) = crm.rate() else { return };
        let bench = Bench::new(crm);
        let asking = bench.serve();
        // An hour, so that no machine is too slow for it.
        let meter = Meter::begin((requests, 60 * 60));
        asking.order(Fault::Meter(Arc::clone(&meter)));
        let mut round = 0;
        wait_until(&format!("one request too many for {}", bench.crm.recipe()), || {
            overload(&asking, requests, round);
            round += 1;
            meter.refused.load(Ordering::SeqCst) > 0
        });
        asking.server.stop();
    });
}
