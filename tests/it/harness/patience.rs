//! How tests wait: for a condition, never for a time, on a machine that may stop for seconds at any point.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

/// How long a busy machine may take for anything that has to happen; only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until something is true; a busy machine may take its time.
pub(crate) fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until a number is as high as wanted, however long that takes: only a standstill is a failure.
pub(crate) fn wait_for_count(what: &str, wanted: usize, count: impl Fn() -> usize) {
    let mut seen = count();
    while seen < wanted {
        let before = seen;
        wait_until(&format!("{what}: {before} of {wanted}"), || {
            seen = count();
            seen > before
        });
    }
}

/// Goes through a scenario in which the server has to be quicker than a limit of its own. When it fails and has taken
/// longer than that, the machine was too slow to tell, and it is gone through again; a failure in less time counts.
pub(crate) fn unless_stalled(limit: Duration, scenario: impl Fn()) {
    for _ in 0..20 {
        let start = Instant::now();
        let Err(failure) = catch_unwind(AssertUnwindSafe(&scenario)) else { return };
        if start.elapsed() < limit {
            resume_unwind(failure);
        }
    }
    panic!("it has never gone well, and never within {limit:?}");
}
