use std::collections::VecDeque;

use super::super::breaker::{FAILURES, FIRST_REFUSED_FOR, FIRST_REST, LONGEST_REST};
use super::super::settings_for_tests;
use super::*;
use crate::clock::SystemClock;
use crate::sources::stand_in::question;

/// What a source does with one request after the other; the last step stays.
#[derive(Clone)]
enum Step {
    Answer,
    Large(usize),
    Fail(Kind),
    Pause(u64),
    Slow(u64),
    Hang,
    Panic,
}

use Step::{Answer, Fail, Hang, Large, Panic, Pause, Slow};

struct Scripted {
    name: Arc<str>,
    steps: Mutex<VecDeque<Step>>,
    login: Mutex<Option<Step>>,
    asked: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Source for Scripted {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn inputs(&self) -> Inputs {
        Inputs::default()
    }

    fn find(&self, _question: Arc<Question>) -> Pending<'static> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut steps = self.steps.lock().unwrap();
        let step = if steps.len() > 1 { steps.pop_front().unwrap() } else { steps[0].clone() };
        Box::pin(step.go())
    }
}

impl Step {
    async fn go(self) -> Result<Vec<Hit>> {
        match self {
            Answer => Ok(Vec::new()),
            Large(bytes) => {
                let custom = [("note".to_owned(), "x".repeat(bytes))].into();
                let contact = Arc::new(crate::model::Contact { custom, ..crate::model::Contact::default() });
                Ok(vec![Hit { contact, rung: crate::number::ladder::Rung::Exact }])
            }
            Fail(kind) => Err(Error::new(kind, "scripted")),
            Pause(seconds) => {
                Err(Error::new(Kind::Unavailable, "scripted").retry_after(Some(Duration::from_secs(seconds))))
            }
            Slow(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Ok(Vec::new())
            }
            Hang => std::future::pending().await,
            Panic => panic!("a defect of the source"),
        }
    }
}

struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Counted(Arc<Scripted>);

impl Source for Counted {
    fn name(&self) -> &Arc<str> {
        self.0.name()
    }

    fn inputs(&self) -> Inputs {
        Inputs::default()
    }

    fn log_in(&self) -> Option<LoggingIn> {
        let step = self.0.login.lock().unwrap().clone()?;
        Some(Box::pin(async move { step.go().await.map(|_| ()) }))
    }

    fn find(&self, question: Arc<Question>) -> Pending<'static> {
        let scripted = Arc::clone(&self.0);
        Box::pin(async move {
            let now = scripted.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            scripted.most_at_once.fetch_max(now, Ordering::SeqCst);
            let _under_way = UnderWay(&scripted.at_once);
            scripted.find(question).await
        })
    }
}

fn guarded(keys: &str, steps: &[Step]) -> (Guard, Arc<Scripted>) {
    let scripted = Arc::new(Scripted {
        name: "crm".into(),
        steps: Mutex::new(steps.iter().cloned().collect()),
        login: Mutex::default(),
        asked: AtomicUsize::new(0),
        at_once: AtomicUsize::new(0),
        most_at_once: AtomicUsize::new(0),
    });
    let settings = settings_for_tests("crm", keys);
    let budget = Arc::new(Budget::new(settings.rate, Arc::new(SystemClock)));
    let source = Arc::new(Counted(Arc::clone(&scripted)));
    (Guard::new(source, &settings, budget, Arc::new(SystemClock)), scripted)
}

/// Asks for the number of a caller who has not called before.
async fn ask(guard: &Guard) -> Result<Vec<Hit>> {
    static CALLERS: AtomicUsize = AtomicUsize::new(0);
    ask_for(guard, CALLERS.fetch_add(1, Ordering::SeqCst) % 10_000).await
}

async fn ask_for(guard: &Guard, caller: usize) -> Result<Vec<Hit>> {
    guard.find(question(&format!("072211{caller:04}"))).await
}

impl Scripted {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn a_passing_failure_is_tried_once_more_and_another_one_is_not() {
    let (guard, source) = guarded("", &[Fail(Kind::Unavailable), Answer]);
    assert!(ask(&guard).await.is_ok());
    assert_eq!(source.asked(), 2);
    for kind in [Kind::Invalid, Kind::Corrupt, Kind::Refused, Kind::NotFound, Kind::Busy] {
        let (guard, source) = guarded("", &[Fail(kind), Answer]);
        assert_eq!(ask(&guard).await.unwrap_err().kind(), kind);
        assert_eq!(source.asked(), 1, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_is_given_up_after_its_timeout_and_not_tried_again() {
    let (guard, source) = guarded("timeout = \"2s\"", &[Hang]);
    let start = SystemClock.now();
    assert_eq!(ask(&guard).await.unwrap_err().kind(), Kind::Timeout);
    assert_eq!((source.asked(), (SystemClock.now() - start).as_secs()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn whether_a_source_is_left_alone_is_said_without_asking_it() {
    let (guard, source) = guarded("", &[Fail(Kind::Unavailable)]);
    assert!(guard.refusal().is_none());
    while guard.health() == Health::Closed {
        assert!(ask(&guard).await.is_err());
    }
    let asked = source.asked();
    let refusal = guard.refusal().expect("it is left alone");
    assert_eq!(refusal.to_string(), ask(&guard).await.unwrap_err().to_string());
    tokio::time::advance(FIRST_REST).await;
    assert!(guard.refusal().is_none(), "the next lookup finds out whether it is back");
    assert_eq!(source.asked(), asked);
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_than_allowed_are_on_their_way() {
    let (guard, source) = guarded("max_in_flight = 4", &[Slow(100)]);
    let mut lookups = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let guard = guard.clone();
        lookups.spawn(async move { ask(&guard).await });
    }
    assert!(lookups.join_all().await.iter().all(Result::is_ok));
    assert_eq!((source.asked(), source.most_at_once.load(Ordering::SeqCst)), (100, 4));
}

#[tokio::test(start_paused = true)]
async fn the_queue_before_a_hanging_source_is_bounded() {
    let (guard, source) = guarded("max_in_flight = 2\ntimeout = \"1s\"", &[Hang]);
    let mut lookups = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let guard = guard.clone();
        lookups.spawn(async move { ask(&guard).await.unwrap_err().kind() });
    }
    let kinds = lookups.join_all().await;
    let busy = kinds.iter().filter(|kind| **kind == Kind::Busy).count();
    assert!(busy >= 1000 - 2 - 2 * QUEUE, "{busy}");
    assert!(source.most_at_once.load(Ordering::SeqCst) <= 2);
    assert_eq!(guard.0.waiting.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dead_source_is_left_alone_costs_nothing_and_is_found_again_within_the_rest() {
    let (guard, source) = guarded("", &[Fail(Kind::Unavailable)]);
    while guard.health() == Health::Closed {
        ask(&guard).await.unwrap_err();
    }
    let asked = source.asked();
    assert_eq!(asked, 2 * FAILURES - 1, "each caller's request is made twice, and the last one opens it");
    let start = SystemClock.now();
    for _ in 0..1000 {
        assert_eq!(ask(&guard).await.unwrap_err().kind(), Kind::Unavailable);
    }
    assert_eq!((source.asked(), SystemClock.now()), (asked, start), "nobody asked, nobody waited");
    tokio::time::sleep(FIRST_REST).await;
    ask(&guard).await.unwrap_err();
    assert_eq!(source.asked(), asked + 1, "one probe, and not a second try of it");
    *source.steps.lock().unwrap() = [Answer].into();
    tokio::time::sleep(LONGEST_REST).await;
    assert!(ask(&guard).await.is_ok());
    assert_eq!(guard.health(), Health::Closed);
}

#[tokio::test(start_paused = true)]
async fn one_caller_alone_stops_no_source() {
    let (guard, source) = guarded("", &[Fail(Kind::Unavailable)]);
    for _ in 0..100 {
        ask_for(&guard, 1).await.unwrap_err();
    }
    assert_eq!((guard.health(), source.asked()), (Health::Closed, 200));
    *source.steps.lock().unwrap() = [Hang].into();
    for _ in 0..100 {
        ask_for(&guard, 1).await.unwrap_err();
    }
    *source.steps.lock().unwrap() = [Answer].into();
    assert!(ask_for(&guard, 2).await.is_ok(), "the others are served");
}

#[tokio::test(start_paused = true)]
async fn one_probe_at_a_time_finds_out_whether_the_source_is_back() {
    let (guard, source) = guarded("", &[Fail(Kind::Unavailable)]);
    while guard.health() == Health::Closed {
        ask(&guard).await.unwrap_err();
    }
    let asked = source.asked();
    *source.steps.lock().unwrap() = [Slow(500)].into();
    tokio::time::sleep(FIRST_REST).await;
    let mut lookups = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let guard = guard.clone();
        lookups.spawn(async move { ask(&guard).await.is_ok() });
    }
    let answered = lookups.join_all().await.into_iter().filter(|answered| *answered).count();
    assert_eq!((answered, source.asked()), (1, asked + 1));
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_stop_the_source_until_the_configuration_is_read_again() {
    let (guard, source) = guarded("", &[Fail(Kind::Refused)]);
    for _ in 0..100 {
        assert_eq!(ask(&guard).await.unwrap_err().kind(), Kind::Refused);
    }
    assert_eq!((source.asked(), guard.health()), (1, Health::Open(Why::Refused)));
    tokio::time::sleep(FIRST_REFUSED_FOR / 2).await;
    let told = ask(&guard).await.unwrap_err().to_string();
    assert_eq!(told, "left alone for 30 s more or until the configuration is read again: scripted");
    assert_eq!(source.asked(), 1);
    *source.steps.lock().unwrap() = [Answer].into();
    guard.forgive();
    assert!(ask(&guard).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_refused_ahead_of_the_first_call_stops_the_source_at_once() {
    for (step, health, asked) in [
        (Fail(Kind::Refused), Health::Open(Why::Refused), 0),
        (Fail(Kind::Unavailable), Health::Closed, 1),
        (Hang, Health::Closed, 1),
        (Answer, Health::Closed, 1),
    ] {
        let (guard, source) = guarded("", &[Answer]);
        *source.login.lock().unwrap() = Some(step);
        guard.log_in_ahead();
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!(guard.health(), health);
        assert_eq!(ask(&guard).await.is_ok(), health == Health::Closed);
        assert_eq!(source.asked(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_reload_the_login_finds_out_whether_the_credentials_are_mended() {
    let (guard, source) = guarded("", &[Fail(Kind::Refused)]);
    ask(&guard).await.unwrap_err();
    for (step, health) in [(Fail(Kind::Refused), Health::Open(Why::Refused)), (Answer, Health::Closed)] {
        *source.login.lock().unwrap() = Some(step);
        guard.forgive();
        guard.log_in_ahead();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!((guard.health(), source.asked()), (health, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_asks_for_a_pause_is_left_alone_that_long() {
    let (guard, source) = guarded("", &[Pause(60), Answer]);
    assert_eq!(ask(&guard).await.unwrap_err().kind(), Kind::Unavailable);
    assert!(ask(&guard).await.unwrap_err().pause().is_some());
    assert_eq!(source.asked(), 1);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(ask(&guard).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_panics_or_is_dropped_counts_and_gives_its_place_back() {
    let (guard, _source) = guarded("max_in_flight = 1", &[Panic]);
    for _ in 0..FAILURES {
        let lookup = guard.clone();
        assert!(tokio::spawn(async move { ask(&lookup).await }).await.unwrap_err().is_panic());
    }
    assert_eq!(guard.health(), Health::Open(Why::Failing));
    let (guard, _source) = guarded("max_in_flight = 1", &[Hang]);
    for _ in 0..FAILURES {
        let dropped = tokio::time::timeout(Duration::from_millis(10), ask(&guard)).await;
        assert!(dropped.is_err());
    }
    assert_eq!(guard.health(), Health::Open(Why::Failing));
    assert_eq!(guard.0.permits.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn contacts_that_would_fill_the_memory_are_a_failure_and_no_reason_to_leave_the_source_alone() {
    let (guard, _) = guarded("", &[Large(100 << 10), Large(200 << 10), Answer]);
    assert_eq!(ask(&guard).await.unwrap().len(), 1);
    assert_eq!(ask(&guard).await.err().map(|error| error.kind()), Some(Kind::Corrupt));
    assert_eq!(guard.health(), Health::Closed);
}
