//! Lets calls go first while much is written: long work offers its processor to others after every few rows.
//!
//! A low priority alone does not do that. A kernel that is not preemptive lets a thread go on until its slice is used up,
//! which is milliseconds, also when a thread that answers calls has woken up meanwhile.

use std::cell::Cell;

/// Rows between two offers: some 50 us of work, beside which an offer that nobody takes costs less than a hundredth.
const ROWS: u32 = 16;

thread_local! {
    static DONE: Cell<u32> = const { Cell::new(0) };
}

/// Notes that one more row is done; called in every loop over the rows of a file.
pub(crate) fn row_done() {
    let done = DONE.get().wrapping_add(1);
    DONE.set(done);
    if done.is_multiple_of(ROWS) {
        std::thread::yield_now();
    }
}
