//! Names for requests that bring none of their own.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::RequestId;

/// Names requests: different for each, hard to mistake for another run's. They are no secret.
pub(super) struct RequestIds {
    seed: u64,
    given: AtomicU64,
}

impl RequestIds {
    /// Names that differ from those of another seed.
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, given: AtomicU64::new(0) }
    }

    /// The finishing steps of SplitMix64 (Steele, Lea, Flood 2014) over a counter: no two inputs share an output.
    pub(super) fn next(&self) -> RequestId {
        let count = self.given.fetch_add(1, Ordering::Relaxed);
        let mut bits = self.seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        RequestId::from_bits(bits ^ (bits >> 31))
    }
}
