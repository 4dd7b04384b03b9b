//! One request in flight for each key.
//!
//! A flight is a task of its own: it lives as long as the source's own timeout allows, which is longer than any deadline.
//! Callers wait for it only until their own deadline, so a late answer still lands in the cache. The map below holds a
//! receiver for each task that runs; the task takes itself out when it ends, also when it panics. At shutdown the
//! runtime drops the tasks; nothing depends on their end.
//!
//! The server gives flights a runtime of their own, so that the work of asking (handshakes, parsing, a thousand connections
//! opened at once) never keeps the threads that answer calls from looking at the time: docs/decisions/two-runtimes.md.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::directory::{Hit, Revision};
use crate::error::{Error, Kind};
use crate::sources::so_far::{self, SoFar};
use crate::sources::{Question, Source};

use super::cache::{Cache, CacheKey};
use crate::clock::Clock;

/// What a flight brought back: contacts, or why there are none to be had.
pub(crate) type Landed = Result<Arc<[Hit]>, Arc<Error>>;

/// A flight that is waited for.
#[derive(Clone)]
pub(crate) struct Flight {
    /// `None` until it lands.
    landing: watch::Receiver<Option<Landed>>,
    so_far: SoFar,
}

impl Flight {
    /// Waits until it lands.
    pub(crate) async fn land(&mut self) -> Option<Landed> {
        let landed = self.landing.wait_for(Option::is_some).await;
        landed.ok().and_then(|landed| landed.clone())
    }

    /// What it has brought; `None` while it is under way.
    pub(crate) fn landed(&self) -> Option<Landed> {
        self.landing.borrow().clone()
    }

    /// The contacts that the source has found so far; it asks for more about them, or has failed to.
    pub(crate) fn so_far(&self) -> Option<Arc<[Hit]>> {
        self.so_far.hits()
    }
}

/// All flights of the process.
pub(crate) struct Flights {
    under_way: Arc<Mutex<HashMap<CacheKey, Flight>>>,
    cache: Arc<Cache>,
    clock: Arc<dyn Clock>,
    /// Where they run; `None`: on the runtime of whoever asks.
    runtime: Option<Handle>,
}

impl Flights {
    /// No flights yet; what they bring is put into `cache`.
    pub(crate) fn new(cache: Arc<Cache>, clock: Arc<dyn Clock>) -> Self {
        Self { under_way: Arc::default(), cache, clock, runtime: None }
    }

    /// The same, on a runtime of their own.
    pub(crate) fn on(self, runtime: Handle) -> Self {
        Self { runtime: Some(runtime), ..self }
    }

    /// Does something so that the tasks it starts run where flights do.
    pub(crate) fn beside<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.runtime.as_ref().map(Handle::enter);
        work()
    }

    /// Joins the flight for this key, or starts one; a source that would not be asked has landed already.
    pub(crate) fn board(
        &self,
        key: &CacheKey,
        source: &Arc<dyn Source>,
        timeout: Duration,
        question: &Arc<Question>,
    ) -> Flight {
        let mut under_way = lock(&self.under_way);
        if let Some(flight) = under_way.get(key) {
            return flight.clone();
        }
        // A source that is left alone costs its callers no task and no handover to another thread.
        if let Some(refusal) = source.refusal() {
            let landing = watch::channel(Some(Err(Arc::new(refusal)))).1;
            return Flight { landing, so_far: SoFar::default() };
        }
        let (landing, landed) = watch::channel(None);
        let so_far = SoFar::default();
        let flight = Flight { landing: landed, so_far: so_far.clone() };
        under_way.insert(key.clone(), flight.clone());
        drop(under_way);
        let departure = Departure { key: key.clone(), under_way: Arc::clone(&self.under_way), landing };
        let (cache, clock) = (Arc::clone(&self.cache), Arc::clone(&self.clock));
        let each_call = source.inputs().each_call;
        let (source, question) = (Arc::clone(source), Arc::clone(question));
        let flying = async move {
            let asking = so_far::collect(&so_far, source.find(question));
            let landed = match tokio::time::timeout(timeout, asking).await {
                Ok(Ok(hits)) => Ok(Arc::from(hits)),
                Ok(Err(error)) => Err(Arc::new(error)),
                Err(_) => Err(Arc::new(Error::new(Kind::Timeout, "no answer within the source's timeout"))),
            };
            if let Ok(hits) = &landed
                && !each_call
            {
                let (key, hits, now) = (departure.key.clone(), Arc::clone(hits), clock.now());
                match so_far.has_gap() {
                    true => cache.put_incomplete(key, hits, now),
                    false => cache.put(key, hits, Revision::default(), now),
                }
            }
            departure.land(landed);
        };
        self.beside(|| tokio::spawn(flying));
        flight
    }

    /// How many requests are on their way.
    pub(crate) fn count(&self) -> usize {
        lock(&self.under_way).len()
    }
}

/// Owned by the task of a flight: whatever happens to it, the map forgets it and those who wait hear of it.
struct Departure {
    key: CacheKey,
    under_way: Arc<Mutex<HashMap<CacheKey, Flight>>>,
    landing: watch::Sender<Option<Landed>>,
}

impl Departure {
    fn land(self, landed: Landed) {
        lock(&self.under_way).remove(&self.key);
        self.landing.send_replace(Some(landed));
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        if self.landing.borrow().is_none() {
            lock(&self.under_way).remove(&self.key);
            let lost = Error::new(Kind::Internal, "the request ended without an answer");
            self.landing.send_replace(Some(Err(Arc::new(lost))));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::{LazyLock, mpsc};

    use futures_util::FutureExt;

    use super::*;
    use crate::clock::SystemClock;
    use crate::lookup::cache::Remembered;
    use crate::lookup::scripted::{Script, ScriptedSource, cache_for_tests, key_for_tests, question_for_tests};
    use crate::sources::{Inputs, Pending};

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn flights() -> (Flights, Arc<Cache>) {
        let cache = Arc::new(cache_for_tests());
        (Flights::new(Arc::clone(&cache), Arc::new(SystemClock)), cache)
    }

    async fn landed(mut flight: Flight) -> Landed {
        flight.land().await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_callers_of_one_number_make_one_request() {
        let (flights, _cache) = flights();
        let source = ScriptedSource::new("crm", Script::Contacts { after: Duration::from_millis(50), ids: vec![7] });
        let shared: Arc<dyn Source> = source.clone();
        let boarded: Vec<Flight> = (0..1000)
            .map(|_| flights.board(&key_for_tests("101"), &shared, TIMEOUT, &question_for_tests("101")))
            .collect();
        for flight in boarded {
            assert_eq!(landed(flight).await.unwrap().len(), 1);
        }
        assert_eq!(source.asked(), 1);
        assert_eq!(flights.count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_waits_for_still_fills_the_cache() {
        let (flights, cache) = flights();
        let source: Arc<dyn Source> =
            ScriptedSource::new("crm", Script::Contacts { after: Duration::from_secs(5), ids: vec![7] });
        drop(flights.board(&key_for_tests("101"), &source, TIMEOUT, &question_for_tests("101")));
        tokio::time::sleep(Duration::from_secs(6)).await;
        let remembered = cache.get(&key_for_tests("101"), SystemClock.now());
        assert!(matches!(remembered, Some((Remembered::Fresh(hits), _)) if hits.len() == 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_hangs_is_given_up_after_its_timeout() {
        let (flights, cache) = flights();
        let source: Arc<dyn Source> = ScriptedSource::new("crm", Script::Hang);
        let flight = flights.board(&key_for_tests("101"), &source, TIMEOUT, &question_for_tests("101"));
        assert_eq!(landed(flight).await.unwrap_err().kind(), Kind::Timeout);
        assert_eq!(flights.count(), 0);
        assert_eq!(cache.sizes(), (0, 0), "a failure is never kept");
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_panics_is_a_failure_and_is_asked_again_by_the_next_call() {
        let (flights, _cache) = flights();
        let source: Arc<dyn Source> = ScriptedSource::new("crm", Script::Panic);
        for _ in 0..2 {
            let flight = flights.board(&key_for_tests("101"), &source, TIMEOUT, &question_for_tests("101"));
            assert_eq!(landed(flight).await.unwrap_err().kind(), Kind::Internal);
            assert_eq!(flights.count(), 0);
        }
    }

    /// Is left alone.
    struct Stopped;

    impl Source for Stopped {
        fn name(&self) -> &Arc<str> {
            static NAME: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("stopped"));
            &NAME
        }

        fn inputs(&self) -> Inputs {
            Inputs::default()
        }

        fn refusal(&self) -> Option<Error> {
            Some(Error::new(Kind::Unavailable, "left alone"))
        }

        fn find(&self, _question: Arc<Question>) -> Pending<'static> {
            panic!("it is asked all the same")
        }
    }

    #[tokio::test]
    async fn a_source_that_is_left_alone_has_landed_before_anything_is_started() {
        let (flights, stopped): (_, Arc<dyn Source>) = (flights().0, Arc::new(Stopped));
        let mut flight = flights.board(&key_for_tests("101"), &stopped, TIMEOUT, &question_for_tests("101"));
        assert_eq!(flights.count(), 0);
        let landed = flight.land().now_or_never().expect("nothing to wait for");
        assert_eq!(landed.unwrap().unwrap_err().to_string(), "left alone");
    }

    /// Keeps its thread until the test lets it go, as a handshake or a big answer does for a moment.
    struct Busy(Arc<Mutex<mpsc::Receiver<()>>>);

    impl Source for Busy {
        fn name(&self) -> &Arc<str> {
            static NAME: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("busy"));
            &NAME
        }

        fn inputs(&self) -> Inputs {
            Inputs::default()
        }

        fn find(&self, _question: Arc<Question>) -> Pending<'static> {
            let held = Arc::clone(&self.0);
            Box::pin(async move {
                lock(&held).recv_timeout(Duration::from_secs(60)).expect("the test lets go");
                Ok(Vec::new())
            })
        }
    }

    #[tokio::test]
    async fn a_source_that_keeps_its_thread_busy_keeps_no_call_waiting() {
        let sources = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let flights = flights().0.on(sources.handle().clone());
        let (let_go, held) = mpsc::channel();
        let busy: Arc<dyn Source> = Arc::new(Busy(Arc::new(Mutex::new(held))));
        let flight = flights.board(&key_for_tests("101"), &busy, TIMEOUT, &question_for_tests("101"));
        let waited = tokio::time::timeout(Duration::from_millis(1), landed(flight.clone())).await;
        assert!(waited.is_err(), "the deadline came while the source was busy");
        let_go.send(()).unwrap();
        assert!(landed(flight).await.unwrap().is_empty());
        sources.shutdown_background();
    }
}
