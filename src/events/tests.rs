//! Events from their arrival to history, and out again.

mod agents;
mod erased;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::caller::{Caller, Choice, Named};
use super::intake::{Accepted, Arrival, Tie};
use super::journal::Which;
use super::{CallRow, EventStore, State};
use crate::model::{CallOutcome, ContactId, ContactRef, Event, History, abandoned_in_a_row, last_agent};
use crate::number::Key;

const NOW: i64 = 1_800_000_000_000;
const HOUR: i64 = 3_600_000;
const ANA: u64 = 40_722_111_222;
const DAN: u64 = 40_722_333_444;

struct Place {
    _folder: tempfile::TempDir,
    store: EventStore,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = EventStore::open(&folder.path().join("calldex.db")).unwrap();
        Self { _folder: folder, store }
    }

    async fn take(&self, arrival: Arrival) -> Accepted {
        self.store.accept(arrival, |_| {}).unwrap().await.unwrap().unwrap().unwrap()
    }

    /// The same file after a restart.
    fn reopen(self) -> Self {
        let Self { _folder: folder, store } = self;
        drop(store);
        let store = EventStore::open(&folder.path().join("calldex.db")).unwrap();
        Self { _folder: folder, store }
    }

    async fn choose(&self, project: &'static str, contact: ContactRef) {
        let number = Key::new(ANA).unwrap();
        let remember = move |connection: &rusqlite::Connection| {
            super::choices::remember(connection, project, number, &contact, "ion", NOW)
        };
        self.store.change("remember a choice", remember).await.unwrap();
    }

    fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.store.read_here("count", |connection| connection.query_row(&sql, [], |row| row.get(0))).unwrap()
    }
}

/// An event of a number at a time; `params` as `name=value` with blanks between.
fn arrival(number: u64, received: i64, params: &str) -> Arrival {
    let telephone = format!("telephone=+{number}");
    let pairs = params.split(' ').chain([telephone.as_str()]).map(|pair| pair.split_once('=').unwrap());
    let params = pairs.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).collect();
    let event = Event { project: "sales".into(), received, params };
    Arrival {
        agents: event.get("agent").into_iter().map(str::to_owned).collect(),
        event,
        number: Key::new(number),
        caller: Tie::Open,
        journal: Arc::new(["crm".into()]),
        longest_call: 4 * HOUR,
    }
}

impl Arrival {
    /// The same with another text in the place of the number.
    fn told_by(mut self, telephone: &str) -> Self {
        self.event.params.insert("telephone".to_owned(), vec![telephone.to_owned()]);
        self
    }
}

fn contact(id: &str) -> Named {
    Named { source: "customers".into(), id: id.into() }
}

fn known_as(id: &str, candidates: &[&str]) -> Tie {
    let choice = |id: &&str| Choice {
        contact: contact(id),
        name: Some((*id).into()),
        company: None,
        link: None,
        email: None,
        rung: None,
        guess: false,
    };
    Tie::Tied(Box::new(Caller {
        contact: Some(contact(id)),
        candidates: candidates.iter().map(choice).collect(),
        ..Caller::default()
    }))
}

#[tokio::test]
async fn the_history_of_a_number_tells_who_spoke_last_and_what_nobody_took() {
    let place = Place::new();
    place.take(arrival(ANA, NOW - 5 * HOUR, "event=queue_answer uniqueid=1 agent=ion")).await;
    place.take(arrival(ANA, NOW - 5 * HOUR + 60_000, "event=queue_answer_end uniqueid=1 agent=ion")).await;
    for (call, hours) in [("2", 2), ("3", 1)] {
        place.take(arrival(ANA, NOW - hours * HOUR, &format!("event=missed_calls uniqueid={call}"))).await;
    }
    place.take(arrival(DAN, NOW, "event=missed_calls uniqueid=4")).await;
    place.take(arrival(ANA, NOW, "event=ringing uniqueid=5 agent=ana")).await;
    let calls = place.store.calls("sales", Key::new(ANA).unwrap(), 0, 10).await.unwrap();
    let outcomes: Vec<_> = calls.iter().map(|call| call.outcome).collect();
    let missed = Some(CallOutcome::Missed);
    assert_eq!(outcomes, [None, missed, missed, Some(CallOutcome::Answered)]);
    assert_eq!((last_agent(&calls), abandoned_in_a_row(&calls)), (Some("ion"), 2));
    assert_eq!(calls[3].duration, Some(60));
    let recent = place.store.calls("sales", Key::new(ANA).unwrap(), NOW - 90 * 60_000, 10).await.unwrap();
    assert_eq!(recent.len(), 2, "only those since then");
    assert!(place.store.calls("shop", Key::new(ANA).unwrap(), 0, 10).await.unwrap().is_empty(), "projects are apart");
}

#[tokio::test]
async fn events_without_a_name_for_their_call_belong_to_the_running_call_of_the_number() {
    let place = Place::new();
    let first = place.take(arrival(ANA, NOW, "event=queue_answer agent=ion dnid=1")).await;
    let end = place.take(arrival(ANA, NOW + 1_000, "event=queue_answer_end agent=ion dnid=1")).await;
    let next = place.take(arrival(ANA, NOW + 2_000, "event=queue_answer agent=ion dnid=1")).await;
    assert_eq!((first.call.id, end.call.state), (end.call.id, State::Over));
    assert_ne!(next.call.id, first.call.id);
}

#[tokio::test]
async fn a_withheld_caller_without_a_name_for_his_call_has_one_call_from_its_beginning_to_its_end() {
    let place = Place::new();
    let withheld = |after: i64, params: &str| Arrival {
        number: None,
        caller: Tie::Nobody,
        ..arrival(ANA, NOW + after, params).told_by("anonymous")
    };
    let mut calls = Vec::new();
    for (after, event) in
        [(0, "ringing agent=ion"), (5, "queue_answer agent=ion"), (60, "hangup"), (90, "ringing agent=ion")]
    {
        let taken = place.take(withheld(after * 1_000, &format!("event={event} dnid=1"))).await;
        calls.push((taken.call.id, taken.call.state));
    }
    assert_eq!(calls, [(1, State::Rings), (1, State::Answered), (1, State::Over), (2, State::Rings)]);
    let elsewhere = place.take(withheld(91_000, "event=ringing agent=ion dnid=2")).await;
    assert_eq!(elsewhere.call.id, 3, "another number was called");
    assert_eq!(place.store.journal(Which::Waiting, None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_end_that_overtakes_the_beginning_of_its_call_makes_no_second_call() {
    let answered = ("event=queue_answer_end agent=ion", "event=queue_answer agent=ion", CallOutcome::Answered);
    let missed = ("event=missed_calls", "event=ringing agent=ion", CallOutcome::Missed);
    for (end, beginning, outcome) in [answered, missed] {
        let place = Place::new();
        let over = place.take(arrival(ANA, NOW, end)).await;
        let joined = place.take(arrival(ANA, NOW + 300, beginning)).await;
        assert_eq!((joined.call.id, joined.call.state), (over.call.id, State::Over), "{beginning}");
        assert_eq!((joined.call.outcome, joined.call.duration.unwrap_or(0)), (Some(outcome), 0));
        let again = place.take(arrival(ANA, NOW + 600, beginning)).await;
        assert_ne!(again.call.id, over.call.id, "the same once more is another call");
        let place = Place::new();
        place.take(arrival(ANA, NOW, end)).await;
        let later = place.take(arrival(ANA, NOW + 2_500, beginning)).await;
        assert_ne!(later.call.state, State::Over, "whoever rings again is a new call");
    }
}

#[tokio::test]
async fn a_call_that_nobody_ends_is_given_up_and_goes_to_the_journal() {
    let place = Place::new();
    place.take(arrival(ANA, NOW, "event=dial_answer uniqueid=1 agent=ion")).await;
    let give_up =
        |before| place.store.give_up("sales".into(), Arc::new(["crm".into()]), before, NOW + 5 * HOUR, |_| {});
    assert!(give_up(NOW).await.unwrap().is_empty(), "not yet");
    let given_up = give_up(NOW + HOUR).await.unwrap();
    assert_eq!(
        (given_up[0].state, given_up[0].outcome, given_up[0].duration),
        (State::Over, Some(CallOutcome::Answered), None)
    );
    assert_eq!(place.store.journal(Which::Waiting, None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_calls_of_one_contact_with_two_numbers_go_out_one_after_another() {
    let place = Place::new();
    let missed =
        |number, call: u32| arrival(number, NOW + i64::from(call), &format!("event=missed_calls uniqueid={call}"));
    let known = |number, call| Arrival { caller: known_as("1", &[]), ..missed(number, call) };
    let first = place.take(missed(ANA, 1)).await;
    place.take(known(DAN, 2)).await;
    place.take(known(ANA, 3)).await;
    place.take(missed(ANA, 4)).await;
    let due = async || {
        let entries = place.store.journal_due(&"crm".into(), NOW + HOUR, 10).await.unwrap();
        entries.into_iter().map(|entry| entry.call.uniqueid.clone().unwrap()).collect::<Vec<_>>()
    };
    // Until it is known who called first, his number is all that is known of him.
    assert_eq!(due().await, ["1"], "the third call has shown whose number it is, and the fourth waits with it");
    let caller = Caller { contact: Some(contact("1")), ..Caller::default() };
    place.store.bind(first.call.id, caller, |_| {}).await.unwrap();
    for expected in ["1", "2", "3", "4"] {
        assert_eq!(due().await, [expected]);
        let entry = place.store.journal_due(&"crm".into(), NOW + HOUR, 10).await.unwrap().remove(0);
        let written = super::journal::Step::Tried(super::journal::Tried::Written);
        place.store.journal_note(vec![(entry.id, written)], NOW + HOUR).await.unwrap();
    }
}

#[tokio::test]
async fn a_call_that_went_otherwise_than_it_looked_is_written_as_it_went() {
    let place = Place::new();
    place.take(arrival(ANA, NOW, "event=missed_calls uniqueid=1 queue=first")).await;
    place.take(arrival(ANA, NOW + 1, "event=queue_answer uniqueid=1 queue=second agent=ion")).await;
    place.take(arrival(ANA, NOW + 2, "event=queue_answer_end uniqueid=1 queue=second agent=ion")).await;
    let entries = place.store.journal(Which::Waiting, None, 10).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].key.ends_with("-1-answered"), "{}", entries[0].key);
}

#[tokio::test]
async fn each_conversation_of_a_call_that_is_put_through_is_written_once_with_its_agent_and_length() {
    let place = Place::new();
    let events = [
        "event=queue_answer agent=ion",
        "event=queue_answer_end agent=ion",
        "event=queue_answer agent=ana",
        "event=queue_answer_end agent=ana",
    ];
    // Every event twice: what has come again must not be written again.
    for (event, at) in events.iter().zip([0, 30_000, 40_000, 100_000]) {
        for again in [0, 500] {
            place.take(arrival(ANA, NOW + at + again, &format!("{event} uniqueid=1"))).await;
        }
    }
    let mut written = Vec::new();
    while let Some(entry) = place.store.journal_due(&"crm".into(), NOW + HOUR, 10).await.unwrap().pop() {
        let call = entry.ended_call().unwrap();
        written.push((call.agent.clone().unwrap(), call.duration, call.key.split_once('-').unwrap().1.to_owned()));
        assert!(entry.is_true());
        let done = super::journal::Step::Tried(super::journal::Tried::Written);
        place.store.journal_note(vec![(entry.id, done)], NOW + HOUR).await.unwrap();
    }
    let one = |agent: &str, seconds, key: &str| (agent.to_owned(), Some(seconds), key.to_owned());
    assert_eq!(written, [one("ion", 30, "1-answered"), one("ana", 60, "1.2-answered")]);
}

#[tokio::test]
async fn only_the_first_call_of_a_customer_is_due_and_a_parked_one_holds_up_nobody() {
    let place = Place::new();
    for call in 1..=3 {
        place.take(arrival(ANA, NOW, &format!("event=missed_calls uniqueid={call}"))).await;
    }
    place.take(arrival(DAN, NOW, "event=missed_calls uniqueid=4")).await;
    let target: Arc<str> = "crm".into();
    let due = async || -> Vec<i64> {
        let entries = place.store.journal_due(&target, NOW + HOUR, 10).await.unwrap();
        entries.iter().map(|entry| entry.call.id).collect()
    };
    assert_eq!(due().await, [1, 4]);
    let park = "UPDATE journal SET state = 2 WHERE call = 1";
    place.store.change("park", move |connection| connection.execute(park, [])).await.unwrap();
    assert_eq!(due().await, [2, 4]);
}

#[tokio::test]
async fn what_is_old_goes_but_for_what_the_journal_still_holds() {
    let place = Place::new();
    for (call, journal) in [(1, true), (2, false), (3, false)] {
        let mut old = arrival(ANA, NOW + call, &format!("event=missed_calls uniqueid={call} agent=ion"));
        if !journal {
            old.journal = Arc::new([]);
        }
        place.take(old).await;
    }
    place.take(arrival(ANA, NOW, "event=queue_answer uniqueid=4 agent=ion")).await;
    let configured = BTreeMap::from([("sales".into(), HOUR)]);
    place.store.remove_old(configured, NOW + 3 + HOUR).await.unwrap();
    assert_eq!(
        (place.count("call"), place.count("event"), place.count("party")),
        (3, 3, 3),
        "2 is gone, 3 is newer, 4 runs"
    );
}

/// A call of a project that the journal has not got rid of, one that is over and one that runs, and a choice.
async fn fill(place: &Place, project: &'static str) {
    for (call, event, journal) in [(1, "missed_calls", true), (2, "missed_calls", false), (3, "queue_answer", false)] {
        let mut arrival = arrival(ANA, NOW, &format!("event={event} uniqueid={call} agent=ion"));
        arrival.event.project = project.into();
        if !journal {
            arrival.journal = Arc::new([]);
        }
        place.take(arrival).await;
    }
    let ana = ContactRef { source: "customers".into(), id: ContactId::from_text("1") };
    place.choose(project, ana).await;
}

#[tokio::test]
async fn calls_and_choices_of_a_removed_project_end_as_it_last_said() {
    const DAY: i64 = 24 * HOUR;
    let place = Place::new();
    fill(&place, "sales").await;
    let state = || ["call", "event", "journal", "party", "choice", "kept"].map(|table| place.count(table));
    let ten_days = BTreeMap::from([(Arc::from("sales"), 10 * DAY)]);
    place.store.remove_old(ten_days, NOW + DAY).await.unwrap();
    assert_eq!(state(), [3, 3, 1, 3, 1, 1]);
    // Gone from the configuration, or not loaded because of a mistake: it is kept no shorter and no longer.
    place.store.remove_old(BTreeMap::new(), NOW + 10 * DAY).await.unwrap();
    assert_eq!(state(), [3, 3, 1, 3, 1, 1]);
    place.store.remove_old(BTreeMap::new(), NOW + 10 * DAY + 1).await.unwrap();
    assert_eq!(state(), [2, 2, 1, 2, 1, 1], "what the journal holds and what runs may still be wanted");
    place.store.remove_old(BTreeMap::new(), NOW + 11 * DAY + 1).await.unwrap();
    assert_eq!(state(), [0, 0, 0, 0, 0, 1], "it has been gone for as long as it kept its calls");
    place.store.remove_old(BTreeMap::new(), NOW + 11 * DAY + 2).await.unwrap();
    assert_eq!(state(), [0; 6]);
}

#[tokio::test]
async fn calls_of_a_project_that_nobody_ever_knew_end_after_the_default_time() {
    const DAY: i64 = 24 * HOUR;
    let place = Place::new();
    fill(&place, "older").await;
    fill(&place, "sales").await;
    let configured = || BTreeMap::from([(Arc::from("sales"), 365 * DAY)]);
    place.store.remove_old(configured(), NOW + 89 * DAY).await.unwrap();
    assert_eq!((place.count("call"), place.count("choice")), (6, 2));
    place.store.remove_old(configured(), NOW + 91 * DAY).await.unwrap();
    assert_eq!((place.count("call"), place.count("choice")), (5, 2));
    place.store.remove_old(configured(), NOW + 180 * DAY).await.unwrap();
    assert_eq!(
        (place.count("call"), place.count("choice"), place.count("kept")),
        (3, 1, 2),
        "sales has all of its own"
    );
}

#[tokio::test]
async fn a_choice_is_kept_as_long_as_any_call_of_its_number() {
    const DAY: i64 = 24 * HOUR;
    let place = Place::new();
    let remove = async |days: i64| {
        let configured = BTreeMap::from([(Arc::from("sales"), 10 * DAY)]);
        place.store.remove_old(configured, NOW + days * DAY + 1).await.unwrap();
        place.count("choice")
    };
    let ana = ContactRef { source: "customers".into(), id: ContactId::from_text("1") };
    place.choose("sales", ana).await;
    assert_eq!(remove(9).await, 1);
    let mut call = arrival(ANA, NOW + 9 * DAY, "event=missed_calls uniqueid=1");
    call.journal = Arc::new([]);
    place.take(call).await;
    assert_eq!(remove(18).await, 1, "she still calls");
    assert_eq!(remove(19).await, 0);
}

#[tokio::test]
async fn a_thousand_old_calls_go_and_a_thousand_that_stay_are_passed_over() {
    let place = Place::new();
    let insert = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2400) \
                  INSERT INTO call (id, project, telephone, dnid, direction, state, started, computed, touched, bound, change) \
                  SELECT i, 'sales', '', '', 'in', iif(i % 2, 2, 1), i / 1000, '', 0, 2, 0 FROM n";
    place.store.change("fill", move |connection| connection.execute(insert, [])).await.unwrap();
    place.store.remove_old(BTreeMap::from([("sales".into(), HOUR)]), NOW).await.unwrap();
    assert_eq!(place.count("call"), 1_200);
    assert_eq!(place.count("call WHERE state = 2"), 0);
}

#[tokio::test]
async fn a_person_who_is_wiped_is_nowhere_any_more() {
    let place = Place::new();
    let mut of_ana = arrival(ANA, NOW, "event=missed_calls uniqueid=1 agent=ion");
    of_ana.caller = known_as("1", &[]);
    place.take(of_ana).await;
    let mut from_another_number = arrival(DAN, NOW, "event=missed_calls uniqueid=2");
    from_another_number.caller = known_as("1", &[]);
    place.take(from_another_number).await;
    let mut of_dan = arrival(DAN, NOW, "event=missed_calls uniqueid=3");
    of_dan.caller = known_as("2", &["1", "2"]);
    place.take(of_dan).await;
    let ana = ContactRef { source: "customers".into(), id: ContactId::from_text("1") };
    place.choose("sales", ana.clone()).await;
    let wiped = place.store.wipe(vec![Key::new(ANA).unwrap()], vec![ana], NOW).await.unwrap();
    assert_eq!((wiped.calls, wiped.events, wiped.journal, wiped.choices), (2, 2, 2, 1));
    assert!(wiped.log_truncated);
    assert_eq!(
        (place.count("call"), place.count("journal"), place.count("party"), place.count("choice")),
        (1, 1, 0, 0)
    );
    let left: String = place
        .store
        .read_here("read", |connection| connection.query_row("SELECT caller FROM call", [], |row| row.get(0)))
        .unwrap();
    assert!(!left.contains("\"id\":\"1\""), "{left}");
    let file = std::fs::read(place._folder.path().join("calldex-events.db")).unwrap();
    let number = ANA.to_string();
    assert!(!file.windows(number.len()).any(|bytes| bytes == number.as_bytes()), "the file still holds the number");
}

#[tokio::test]
async fn a_caller_whom_no_source_could_tell_is_looked_up_again_while_the_call_runs() {
    let place = Place::new();
    let tied = |caller| Tie::Tied(Box::new(caller));
    let down = Caller { undetermined: true, ..Caller::default() };
    let late = Caller { incomplete: true, ..Caller::default() };
    for (call, caller) in [("1", Tie::Open), ("2", tied(down.clone())), ("3", tied(late)), ("4", known_as("1", &[]))] {
        place.take(Arrival { caller, ..arrival(ANA, NOW, &format!("event=ringing agent=ion uniqueid={call}")) }).await;
    }
    let open = async || {
        let calls = place.store.unbound("sales".into(), 10).await.unwrap();
        calls.iter().map(|call| call.uniqueid.clone().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(place.store.projects_with_unbound_calls().await.unwrap(), ["sales".into()]);
    assert_eq!(open().await, ["3", "2", "1"]);
    for call in 1..=3 {
        place.take(arrival(ANA, NOW + 1, &format!("event=hangup uniqueid={call}"))).await;
    }
    assert_eq!(open().await, ["1"], "one that nobody was asked about yet");
}

#[tokio::test]
async fn the_first_lookup_of_a_call_counts() {
    let place = Place::new();
    let mut ringing = arrival(ANA, NOW, "event=ringing uniqueid=1");
    ringing.caller = known_as("1", &[]);
    place.take(ringing).await;
    let mut answer = arrival(ANA, NOW, "event=queue_answer uniqueid=1 agent=ion");
    answer.caller = known_as("2", &[]);
    let accepted = place.take(answer).await;
    assert_eq!(accepted.call.caller.as_ref().unwrap().contact, Some(contact("1")));
    let repeat = place.take(arrival(ANA, NOW + 9, "event=queue_answer uniqueid=1 agent=ion")).await;
    assert!(repeat.repeat && repeat.call.change == accepted.call.change, "a repeat changes nothing");
}

/// A page drops what is older than what it has, so that nothing may be told before what came earlier.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_of_all_kinds_are_told_in_the_order_of_their_numbers() {
    let place = Arc::new(Place::new());
    let told: Arc<std::sync::Mutex<Vec<i64>>> = Arc::default();
    let tell = || {
        let told = Arc::clone(&told);
        move |call: &Arc<CallRow>| told.lock().unwrap().push(call.change)
    };
    let mut all = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (place, accepted, bound) = (Arc::clone(&place), tell(), tell());
        all.spawn(async move {
            let arrival = arrival(ANA, NOW, &format!("event=queue_answer uniqueid={number}"));
            let taken = place.store.accept(arrival, move |taken| accepted(&taken.as_ref().unwrap().call)).unwrap();
            let call = taken.await.unwrap().unwrap().unwrap().call;
            place.store.bind(call.id, Caller::default(), bound).await.unwrap();
        });
    }
    all.join_all().await;
    let given_up = tell();
    let after = move |calls: &Vec<Arc<CallRow>>| calls.iter().for_each(given_up);
    place.store.give_up("sales".into(), Arc::new([]), NOW + 1, NOW + 5 * HOUR, after).await.unwrap();
    let told = told.lock().unwrap();
    assert!(told.len() > 400 && told.is_sorted(), "{told:?}");
}

#[tokio::test]
async fn an_entry_that_is_written_cannot_be_dropped_since_its_key_keeps_the_call_from_being_written_again() {
    let place = Place::new();
    place.take(arrival(ANA, NOW, "event=missed_calls uniqueid=1")).await;
    let entry = place.store.journal_due(&"crm".into(), NOW + HOUR, 10).await.unwrap().remove(0);
    let written = super::journal::Step::Tried(super::journal::Tried::Written);
    place.store.journal_note(vec![(entry.id, written)], NOW).await.unwrap();
    assert_eq!(place.store.journal_drop(Which::One(entry.id), None, 10).await.unwrap(), 0);
    place.take(arrival(ANA, NOW + 1, "event=missed_calls uniqueid=2")).await;
    let waiting = place.store.journal_due(&"crm".into(), NOW + HOUR, 10).await.unwrap().remove(0);
    assert_eq!(place.store.journal_drop(Which::One(waiting.id), None, 10).await.unwrap(), 1);
}

#[tokio::test]
async fn a_call_that_does_not_fit_into_the_queue_is_told_of_and_one_that_fits_is_not() {
    let (queue, mut announced) = tokio::sync::mpsc::channel(super::ANNOUNCED);
    let announcer = super::Announcer { queue, unshown: Arc::default() };
    let call = Place::new().take(arrival(ANA, NOW, "event=ringing uniqueid=1")).await.call;
    let is_told = || futures_util::FutureExt::now_or_never(announcer.unshown.notified()).is_some();
    (0..super::ANNOUNCED).for_each(|_| announcer.announce(Arc::clone(&call)));
    assert!(!is_told());
    announcer.announce(Arc::clone(&call));
    while announced.try_recv().is_ok() {}
    assert!(is_told(), "also when the queue is empty again");
}
