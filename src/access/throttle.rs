//! Counts refused tries by address and project, in a fixed amount of memory.
//!
//! An attacker has many addresses and can make up any number of project names, so there is no table of those seen: it
//! would grow, or push out the entry that matters. Instead each pair falls into one cell of each of two rows, chosen by
//! a keyed hash; a pair is over its limit when both cells are. Two pairs may share a cell, then they fill it together.
//! That can only turn a refusal (403) into "too many" (429) a little early: a valid request never comes here.
//!
//! A cell is one number, the time at which it will be empty again: each try adds the time that one try is worth, and
//! the limit is reached when that time lies more than a minute ahead. So no lock, no clean-up, nothing to evict.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Cells in a row. Ten thousand busy pairs fill about half of each row.
const CELLS: usize = 16_384;

/// The time over which tries are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Refused tries of every address.
pub(crate) struct Throttle {
    start: Instant,
    rows: [Row; 2],
}

/// One row of cells, with a hash of its own.
struct Row {
    hasher: RandomState,
    /// When each cell is empty again, in microseconds since the start.
    empty_at: Box<[AtomicU64]>,
}

impl Throttle {
    /// A throttle that has seen nothing. No later `now` may lie before this one.
    pub(crate) fn new(now: Instant) -> Self {
        Self { start: now, rows: [Row::new(), Row::new()] }
    }

    /// Counts a refused try. Returns how long to wait when there were more than `per_minute` within a minute, and then
    /// does not count this one, so that a client that keeps trying is not shut out for ever longer.
    pub(crate) fn refuse(&self, address: IpAddr, what: &impl Hash, per_minute: u32, now: Instant) -> Option<Duration> {
        let now = micros(now.saturating_duration_since(self.start));
        let worth = micros(WINDOW) / u64::from(per_minute.max(1));
        let key = (whose(address), what);
        let waits = self.rows.each_ref().map(|row| row.fill(&key, worth, now));
        waits.into_iter().min().flatten().map(Duration::from_micros)
    }
}

impl Throttle {
    /// Takes back a try that [`Throttle::refuse`] counted with the same `per_minute`.
    pub(crate) fn forgive(&self, address: IpAddr, what: &impl Hash, per_minute: u32) {
        let worth = micros(WINDOW) / u64::from(per_minute.max(1));
        let key = (whose(address), what);
        self.rows.iter().for_each(|row| row.take_back(&key, worth));
    }
}

impl Row {
    fn new() -> Self {
        Self { hasher: RandomState::new(), empty_at: (0..CELLS).map(|_| AtomicU64::new(0)).collect() }
    }

    fn cell(&self, key: &impl Hash) -> Option<&AtomicU64> {
        let place = self.hasher.hash_one(key) % CELLS as u64;
        usize::try_from(place).ok().and_then(|place| self.empty_at.get(place))
    }

    fn take_back(&self, key: &impl Hash, worth: u64) {
        if let Some(cell) = self.cell(key) {
            let less = |empty_at: u64| Some(empty_at.saturating_sub(worth));
            // It always has a next value.
            let _ = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }

    /// Adds one try to the key's cell, or says how many microseconds are missing until there is room for one.
    fn fill(&self, key: &impl Hash, worth: u64, now: u64) -> Option<u64> {
        let cell = self.cell(key)?;
        let full = now + micros(WINDOW);
        let filled = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |empty_at| {
            let next = empty_at.max(now) + worth;
            (next <= full).then_some(next)
        });
        filled.err().map(|empty_at| (empty_at + worth).saturating_sub(full).max(1))
    }
}

/// Who counts as one: an IPv4 address, or an IPv6 network of 64 bits, since one client has all of its addresses.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(four),
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 64))),
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// How many of `tries` at one moment are merely refused, not throttled.
    fn refused(throttle: &Throttle, from: &str, what: &str, tries: u32, now: Instant) -> u32 {
        (0..tries).map(|_| u32::from(throttle.refuse(address(from), &what, 30, now).is_none())).sum()
    }

    #[test]
    fn thirty_tries_a_minute_are_refused_and_the_next_is_too_many() {
        let now = start();
        let throttle = Throttle::new(now);
        assert_eq!(refused(&throttle, "203.0.113.7", "sales", 40, now), 30);
        let wait = throttle.refuse(address("203.0.113.7"), &"sales", 30, now).unwrap();
        assert_eq!(wait, Duration::from_secs(2));
        assert_eq!(
            throttle.refuse(address("203.0.113.7"), &"sales", 30, now + wait),
            None,
            "after the wait there is room"
        );
        assert_eq!(refused(&throttle, "203.0.113.7", "sales", 40, now + Duration::from_secs(120)), 30);
    }

    #[test]
    fn another_address_and_another_project_are_counted_apart() {
        let now = start();
        let throttle = Throttle::new(now);
        assert_eq!(refused(&throttle, "203.0.113.7", "sales", 31, now), 30);
        assert_eq!(refused(&throttle, "203.0.113.7", "support", 31, now), 30);
        assert_eq!(refused(&throttle, "203.0.113.8", "sales", 31, now), 30);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_client() {
        let now = start();
        let throttle = Throttle::new(now);
        let tries = |host: u32| refused(&throttle, &format!("2001:db8:1:2::{host:x}"), "sales", 1, now);
        assert_eq!((0..40).map(tries).sum::<u32>(), 30);
        assert_eq!(refused(&throttle, "2001:db8:1:3::1", "sales", 31, now), 30);
        assert_eq!(refused(&throttle, "::ffff:203.0.113.7", "sales", 20, now), 20);
        assert_eq!(refused(&throttle, "203.0.113.7", "sales", 20, now), 10, "the mapped address is the same one");
    }

    #[test]
    fn a_flood_of_made_up_names_does_not_free_the_attacker() {
        let now = start();
        let throttle = Throttle::new(now);
        assert_eq!(refused(&throttle, "203.0.113.7", "sales", 31, now), 30);
        for name in 0..50_000 {
            throttle.refuse(address("203.0.113.7"), &name.to_string().as_str(), 30, now);
        }
        assert_eq!(refused(&throttle, "203.0.113.7", "sales", 10, now), 0);
    }

    #[test]
    fn a_try_that_is_taken_back_leaves_room_for_another() {
        let now = start();
        let throttle = Throttle::new(now);
        let from = address("203.0.113.7");
        for _ in 0..100 {
            assert_eq!(throttle.refuse(from, &"sales", 30, now), None);
            throttle.forgive(from, &"sales", 30);
        }
        assert_eq!(refused(&throttle, "203.0.113.7", "sales", 40, now), 30, "and no more room than before");
    }

    #[test]
    fn a_limit_of_zero_means_one() {
        let now = start();
        let throttle = Throttle::new(now);
        let from = address("203.0.113.7");
        assert_eq!(throttle.refuse(from, &"a", 0, now), None);
        assert!(throttle.refuse(from, &"a", 0, now).is_some());
    }
}
