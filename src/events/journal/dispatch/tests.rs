//! What a target gets when something goes wrong on our side.

use std::collections::BTreeMap;

use super::*;
use crate::clock::SystemClock;
use crate::events::caller::Named;
use crate::events::intake::{Arrival, Tie};
use crate::events::journal::Which;
use crate::model::{EndedCall, Event};
use crate::number::Key;
use crate::sources::Writing;

/// How long anything may take on a busy machine.
const AT_MOST: Duration = Duration::from_secs(60);

/// Notes the calls that it gets, each with the id of its contact; it has a defect that the call `broken` shows.
#[derive(Default)]
struct Notebook(Mutex<Vec<String>>);

/// Knows everybody as the contact 7, once it is asked.
#[derive(Default)]
struct Everybody;

impl Callers for Everybody {
    fn look_up<'a>(&'a self, _: &'a CallRow) -> BoxFuture<'a, Option<Caller>> {
        let contact = Named { source: "crm".into(), id: "7".into() };
        Box::pin(async { Some(Caller { contact: Some(contact), ..Caller::default() }) })
    }
}

impl CallLog for Notebook {
    fn log_call(&self, call: Arc<EndedCall>) -> Writing<'static> {
        let name = call.uniqueid.clone().unwrap();
        let contact = call.contact.as_ref().map(|contact| format!(" {}", contact.id));
        self.0.lock().unwrap().push(name.clone() + &contact.unwrap_or_default());
        Box::pin(async move {
            assert_ne!(name, "broken", "a defect, as a test");
            if name == "too many" {
                return Err(Error::new(Kind::Unavailable, "no more now").retry_after(Some(LONGEST_QUIET)));
            }
            Ok(())
        })
    }
}

impl Notebook {
    fn calls(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

struct Bench {
    store: Arc<EventStore>,
    notebook: Arc<Notebook>,
    dispatcher: Dispatcher,
    targets: Targets,
    everybody: Arc<dyn Callers>,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(EventStore::open(&folder.path().join("calldex.db")).unwrap());
        let (notebook, clock) = (Arc::new(Notebook::default()), Arc::new(SystemClock));
        let dispatcher = Dispatcher::new(Arc::clone(&store), clock);
        let log = Arc::clone(&notebook) as Arc<dyn CallLog>;
        let everybody: Arc<dyn Callers> = Arc::new(Everybody);
        let targets = Targets::from([("crm".into(), Target { log, tries: 50, per_minute: 600 })]);
        dispatcher.configure(&targets, &Arc::downgrade(&everybody));
        Self { store, notebook, dispatcher, targets, everybody, _folder: folder }
    }

    /// A call of a number is over, a while ago.
    async fn end_call(&self, name: &str) {
        self.end_call_of(name, None, Tie::Nobody).await;
    }

    async fn end_call_of(&self, name: &str, number: Option<Key>, caller: Tie) {
        let params = [("event", "missed_calls"), ("uniqueid", name)];
        let params: BTreeMap<_, _> =
            params.into_iter().map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).collect();
        let arrival = Arrival {
            event: Event { project: "sales".into(), received: 1_000_000, params },
            agents: Vec::new(),
            number,
            caller,
            journal: Arc::new(["crm".into()]),
            longest_call: 3_600_000,
        };
        self.store.accept(arrival, |_| {}).unwrap().await.unwrap().unwrap();
        self.dispatcher.wake();
    }

    async fn sql(&self, sql: &'static str) {
        self.store.change("test", move |connection| connection.execute_batch(sql)).await.unwrap();
    }

    async fn until_written(&self, count: usize) {
        let all = async {
            while self.store.journal(Which::Written, None, 100).await.unwrap().len() < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(AT_MOST, all).await.expect("the calls are written");
    }
}

#[tokio::test]
async fn a_call_that_shows_a_defect_stops_no_other_one() {
    let bench = Bench::new();
    for name in ["broken", "second"] {
        bench.end_call(name).await;
    }
    bench.until_written(1).await;
    bench.end_call("third").await;
    bench.until_written(2).await;
    let waiting = bench.store.journal(Which::Waiting, None, 10).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].tries), (1, 1));
    assert!(waiting[0].error.as_deref().is_some_and(|error| error.contains("defect")), "{waiting:?}");
}

#[tokio::test]
async fn a_call_that_is_written_but_cannot_be_noted_is_not_sent_again() {
    let bench = Bench::new();
    bench
        .sql("CREATE TRIGGER full BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'as if the disk were full'); END")
        .await;
    bench.end_call("only").await;
    let sent = async {
        while bench.notebook.calls().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(AT_MOST, sent).await.expect("it is sent");
    // Long enough for several tries to note it.
    tokio::time::sleep(Duration::from_secs(3)).await;
    bench.sql("DROP TRIGGER full").await;
    bench.until_written(1).await;
    assert_eq!(bench.notebook.calls(), ["only"]);
}

#[tokio::test]
async fn a_target_that_asks_for_it_is_left_alone_also_by_a_new_configuration() {
    let bench = Bench::new();
    bench.sql("CREATE TRIGGER together AFTER INSERT ON journal BEGIN UPDATE journal SET due = 0; END").await;
    for name in ["too many", "second", "third", "fourth"] {
        bench.end_call(name).await;
    }
    let sent = async {
        while bench.notebook.calls().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(AT_MOST, sent).await.expect("the first is sent");
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(bench.notebook.calls(), ["too many"]);
        bench.dispatcher.configure(&bench.targets, &Arc::downgrade(&bench.everybody));
    }
}

#[tokio::test]
async fn a_caller_whom_no_source_could_tell_is_looked_up_before_he_is_written_down() {
    let bench = Bench::new();
    let down = Caller { undetermined: true, ..Caller::default() };
    let known = Caller { contact: Some(Named { source: "crm".into(), id: "1".into() }), ..Caller::default() };
    let nobody = Caller::default();
    for (name, caller) in [("down", down), ("known", known), ("nobody", nobody)] {
        bench.end_call_of(name, Key::new(40_722_111_222), Tie::Tied(Box::new(caller))).await;
    }
    bench.until_written(3).await;
    let mut calls = bench.notebook.calls();
    calls.sort();
    assert_eq!(calls, ["down 7", "known 1", "nobody"]);
}

#[test]
fn a_refusal_is_of_the_target_unless_it_may_be_of_one_call() {
    let refused = || Error::new(Kind::Refused, "no");
    assert!(is_of_target(&refused()) && quiet(&refused()) == Some(AFTER_REFUSAL));
    let of_one = refused().perhaps_of_one_request(true);
    assert!(!is_of_target(&of_one) && quiet(&of_one).is_none());
    assert!(is_of_target(&Error::new(Kind::Timeout, "no")) && !is_of_target(&Error::new(Kind::Invalid, "no")));
    let longer = refused().retry_after(Some(Duration::from_secs(90)));
    assert_eq!(quiet(&longer), Some(Duration::from_secs(90)));
}
