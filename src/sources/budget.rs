//! How often a system may be asked: never more than so many requests in any stretch of the time that it names.
//!
//! A token bucket would let twice as many through around the turn of a window, which systems that count answer with 429.
//! So the moments of the last requests are kept, at most as many as the rate has. Whoever comes when the budget is spent
//! gets the next free moment, in order, unless that lies beyond his patience. The mutex is held for a few comparisons.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::config::Rate;
use crate::error::{Error, Kind, Result};

tokio::task_local! {
    /// Set while work is done that lookups come before.
    static BEHIND: ();
}

/// The longest that work behind lookups waits for a moment at which they need fewer than half of the requests.
const LONGEST_BEHIND: Duration = Duration::from_secs(600);

/// Does work that nobody on the telephone waits for: it uses at most half of a rate, so that a backlog of calls to be written
/// down leaves the other half to callers at any moment, and gives way while these use more.
pub async fn behind<T>(work: impl Future<Output = T>) -> T {
    BEHIND.scope((), work).await
}

/// The requests that a source may make. Every request of a source pays, also the second one of a lookup.
pub struct Budget {
    rate: Option<Rate>,
    moments: Mutex<VecDeque<Instant>>,
    clock: Arc<dyn Clock>,
}

impl Budget {
    /// A full budget; without a rate it never ends.
    #[must_use]
    pub fn new(rate: Option<Rate>, clock: Arc<dyn Clock>) -> Self {
        Self { rate, moments: Mutex::default(), clock }
    }

    /// The rate that it keeps.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// Pays for one request, and waits until it may be sent.
    ///
    /// # Errors
    /// [`Kind::Busy`] when that would take longer than `patience`; nothing was paid then.
    pub async fn pay(&self, patience: Duration) -> Result<()> {
        let Some(rate) = self.rate else { return Ok(()) };
        if BEHIND.try_with(|()| ()).is_ok() {
            return self.pay_behind(rate).await;
        }
        let now = self.clock.now();
        let moment = self.reserve(rate, now, patience)?;
        if moment > now {
            tokio::time::sleep_until(moment.into()).await;
        }
        Ok(())
    }

    /// How many requests may be sent at once; `None` when there is no limit.
    #[must_use]
    pub fn left(&self) -> Option<u32> {
        let rate = self.rate?;
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut moments, rate, self.clock.now());
        Some(rate.requests.saturating_sub(u32::try_from(moments.len()).unwrap_or(u32::MAX)))
    }

    /// Never reserves a moment that is still to come: a caller would have to wait for it.
    async fn pay_behind(&self, rate: Rate) -> Result<()> {
        let given_up = self.clock.now() + LONGEST_BEHIND;
        loop {
            let now = self.clock.now();
            let Some(moment) = self.take_of_half(rate, now) else { return Ok(()) };
            if moment > given_up {
                return Err(Error::new(Kind::Busy, "callers need the rate of the source").retry_after(Some(rate.per)));
            }
            tokio::time::sleep_until(moment.into()).await;
        }
    }

    /// Takes a request while fewer than half are used; else says when that may be so.
    fn take_of_half(&self, rate: Rate, now: Instant) -> Option<Instant> {
        let half = (rate.requests / 2).max(1) as usize;
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut moments, rate, now);
        match moments.len().checked_sub(half).and_then(|place| moments.get(place)) {
            Some(earlier) => Some(*earlier + rate.per),
            None => {
                let last = moments.back().map_or(now, |last| now.max(*last));
                moments.push_back(last);
                None
            }
        }
    }

    fn reserve(&self, rate: Rate, now: Instant, patience: Duration) -> Result<Instant> {
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever read the clock before another one may come behind him; the list stays in order.
        let now = moments
            .back()
            .map_or(now, |last| if moments.len() < rate.requests as usize { now.max(*last) } else { now });
        forget(&mut moments, rate, now);
        // The request that this one must not come too soon after.
        let earlier = moments.len().checked_sub(rate.requests as usize).and_then(|place| moments.get(place));
        let moment = earlier.map_or(now, |earlier| now.max(*earlier + rate.per));
        let wait = moment.saturating_duration_since(now);
        if wait > patience {
            return Err(Error::new(Kind::Busy, "the rate of the source is spent").retry_after(Some(wait)));
        }
        moments.push_back(moment);
        Ok(moment)
    }
}

/// Drops the moments that no longer count.
fn forget(moments: &mut VecDeque<Instant>, rate: Rate, now: Instant) {
    while moments.front().is_some_and(|moment| *moment + rate.per <= now) {
        moments.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    const SECOND: Duration = Duration::from_secs(1);

    fn budget(requests: u32) -> Budget {
        Budget::new(Some(Rate { requests, per: SECOND }), Arc::new(SystemClock))
    }

    #[tokio::test(start_paused = true)]
    async fn a_backlog_leaves_half_of_the_rate_to_callers_at_any_moment() {
        let budget = Arc::new(budget(10));
        let log = |budget: Arc<Budget>| async move { behind(budget.pay(Duration::ZERO)).await };
        let backlog: Vec<_> = (0..100).map(|_| tokio::spawn(log(Arc::clone(&budget)))).collect();
        for _ in 0..20 {
            // Whenever a caller comes, there is room for him at once.
            tokio::time::sleep(Duration::from_millis(700)).await;
            assert!(budget.left().unwrap() >= 4, "{:?}", budget.left());
            budget.pay(Duration::ZERO).await.unwrap();
        }
        for entry in backlog {
            entry.await.unwrap().unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_backlog_gives_way_while_callers_use_more_than_half_and_does_not_wait_for_ever() {
        let budget = Arc::new(budget(10));
        let callers = Arc::clone(&budget);
        let callers = tokio::spawn(async move {
            loop {
                callers.pay(60 * SECOND).await.unwrap();
                tokio::time::sleep(SECOND / 10).await;
            }
        });
        tokio::time::sleep(SECOND).await;
        let refused = behind(budget.pay(Duration::ZERO)).await.unwrap_err();
        callers.abort();
        assert!(refused.is_passing(), "{refused}");
        behind(budget.pay(Duration::ZERO)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn no_stretch_of_the_time_ever_sees_more_requests_than_the_rate() {
        let budget = Arc::new(budget(5));
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..60_u64 {
            let budget = Arc::clone(&budget);
            tasks.spawn(async move {
                tokio::time::sleep(Duration::from_millis(number * number % 700)).await;
                budget.pay(60 * SECOND).await.unwrap();
                SystemClock.now()
            });
        }
        let mut sent = tasks.join_all().await;
        sent.sort_unstable();
        assert_eq!(sent.len(), 60);
        for (first, sixth) in sent.iter().zip(&sent[5..]) {
            assert!(*sixth - *first >= SECOND, "six requests within {:?}", *sixth - *first);
        }
        assert!(sent[59] - sent[0] < 12 * SECOND, "the budget is used up to the end");
    }

    #[test]
    fn eight_workers_together_never_get_more_than_the_rate() {
        let (budget, start) = (budget(7), SystemClock.now());
        let rate = budget.rate().unwrap();
        let reserve = |worker: u32| {
            let now = |turn: u32| start + Duration::from_millis(u64::from(turn * (worker + 1) % 900));
            (0..200).map(|turn| budget.reserve(rate, now(turn), 1000 * SECOND).unwrap()).collect::<Vec<_>>()
        };
        let mut moments: Vec<Instant> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8).map(|worker| scope.spawn(move || reserve(worker))).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        moments.sort_unstable();
        assert_eq!(moments.len(), 1600);
        for (first, eighth) in moments.iter().zip(&moments[7..]) {
            assert!(*eighth - *first >= SECOND, "eight requests within {:?}", *eighth - *first);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_cannot_wait_is_told_and_pays_nothing() {
        let budget = budget(2);
        for _ in 0..2 {
            budget.pay(Duration::ZERO).await.unwrap();
        }
        assert_eq!(budget.left(), Some(0));
        for _ in 0..100 {
            let refused = budget.pay(Duration::from_millis(900)).await.unwrap_err();
            assert_eq!((refused.kind(), refused.pause()), (Kind::Busy, Some(SECOND)));
        }
        tokio::time::sleep(SECOND).await;
        assert_eq!(budget.left(), Some(2));
    }

    #[tokio::test]
    async fn without_a_rate_nobody_waits() {
        let budget = Budget::new(None, Arc::new(SystemClock));
        budget.pay(Duration::ZERO).await.unwrap();
        assert_eq!(budget.left(), None);
    }
}
