//! The pipeline as a whole, with scripted sources beside a real address book.

use std::time::Duration;

use proptest::prelude::*;

use super::fan_out::Asked;
use super::scripted::{Script, ScriptedSource, cache_settings, call_for_tests};
use super::*;
use crate::clock::SystemClock;
use crate::config::{Ask, load_text};
use crate::directory::SqliteDirectory;
use crate::model::{Contact, ContactId, ContactNumber, Field};
use crate::number::ladder::Rung;
use crate::sources::{LiveSources, Source, settings_for_tests};

const NUMBER: &str = "+40722111222";
const DEADLINE: Duration = Duration::from_millis(800);

/// A lookup over a fresh store, with the folder that holds it.
struct Bench {
    lookup: Lookup,
    directory: Arc<dyn Directory>,
    _folder: tempfile::TempDir,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let directory = SqliteDirectory::open(&folder.path().join("calldex.db"), Arc::new(SystemClock)).unwrap();
    let directory: Arc<dyn Directory> = Arc::new(directory);
    let lookup = Lookup::new(Arc::clone(&directory), Arc::new(SystemClock), &cache_settings());
    Bench { lookup, directory, _folder: folder }
}

fn settings(keys: &str) -> Arc<config::Project> {
    Arc::clone(&load_text(&text(keys), &|_| None).unwrap().projects["sales"])
}

fn text(keys: &str) -> String {
    format!(
        "[directory.customers]\ncountry = \"RO\"\n[project.sales]\ncountry = \"RO\"\ntokens = [\"0123456789abcdef\"]\n\
         sources = [\"customers\"]\n{keys}"
    )
}

/// A project that asks these sources in order, without an address book.
async fn project(bench: &Bench, config: &Arc<config::Project>, sources: &[Arc<ScriptedSource>]) -> Project {
    let names = sources.iter().map(|source| Arc::clone(source.name())).collect();
    let config = Arc::new(config::Project { sources: names, ..(**config).clone() });
    bench.lookup.prepare(&empty(), &live(sources), &config).await.unwrap()
}

fn live(sources: &[Arc<ScriptedSource>]) -> LiveSources {
    let mut live = LiveSources::none(Arc::new(SystemClock));
    for source in sources {
        live.add(source.clone(), &settings_for_tests(source.name(), ""));
    }
    live
}

fn empty() -> config::Config {
    load_text("", &|_| None).unwrap()
}

fn source(name: &str, script: Script) -> Arc<ScriptedSource> {
    ScriptedSource::new(name, script)
}

fn knows(after: u64, id: u32) -> Script {
    Script::Contacts { after: Duration::from_millis(after), ids: vec![id] }
}

fn knows_nobody(after: u64) -> Script {
    Script::Contacts { after: Duration::from_millis(after), ids: vec![] }
}

async fn ask(lookup: &Lookup, project: &Project, telephone: &str) -> (Answer, Duration) {
    let start = SystemClock.now();
    let answer = lookup.answer(project, call_for_tests(telephone), start).await;
    (answer, SystemClock.now() - start)
}

fn name(answer: &Answer) -> Option<&str> {
    answer.caller_data.name.as_deref()
}

#[tokio::test(start_paused = true)]
async fn a_faster_source_does_not_outrun_an_earlier_one() {
    let bench = bench();
    let sources = [source("first", knows(500, 1)), source("second", knows(1, 2))];
    let (answer, took) = ask(&bench.lookup, &project(&bench, &settings(""), &sources).await, NUMBER).await;
    assert_eq!(name(&answer), Some("first 1"));
    assert_eq!(took.as_millis(), 500);
}

#[tokio::test(start_paused = true)]
async fn sources_are_asked_together_and_not_one_after_another() {
    let bench = bench();
    let sources = [source("first", knows_nobody(400)), source("second", knows(400, 2))];
    let (answer, took) = ask(&bench.lookup, &project(&bench, &settings(""), &sources).await, NUMBER).await;
    assert_eq!(name(&answer), Some("second 2"));
    assert!(took < Duration::from_millis(500), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_answer_leaves_at_the_deadline_with_what_has_arrived() {
    let bench = bench();
    let sources = [source("hangs", Script::Hang), source("second", knows(1, 2))];
    let (answer, took) = ask(&bench.lookup, &project(&bench, &settings(""), &sources).await, NUMBER).await;
    assert_eq!(name(&answer), Some("second 2"));
    assert!(took >= DEADLINE && took < DEADLINE + Duration::from_millis(20), "{took:?}");
    assert_eq!(answer.explanation.missing().map(|it| &**it).collect::<Vec<_>>(), ["hangs"]);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_there_for_the_next_call() {
    let bench = bench();
    let slow = source("slow", knows(3000, 7));
    let project = project(&bench, &settings(""), std::slice::from_ref(&slow)).await;
    let (first, _) = ask(&bench.lookup, &project, NUMBER).await;
    assert_eq!((name(&first), first.outcome), (None, Outcome::Undetermined));
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (second, took) = ask(&bench.lookup, &project, NUMBER).await;
    assert_eq!((name(&second), second.outcome), (Some("slow 7"), Outcome::Found));
    assert!(took < Duration::from_millis(50), "{took:?}");
    assert_eq!(slow.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_page_for_strangers_opens_only_for_a_caller_whom_nobody_knows() {
    let bench = bench();
    let link = async |other: Script, telephone: &str| {
        let sources = [source("strangers", knows_nobody(1)), source("other", other)];
        let (answer, _) = ask(&bench.lookup, &project(&bench, &settings(""), &sources).await, telephone).await;
        let found = answer.caller_data.id.is_some() || answer.caller_data.name.is_some();
        (answer.outcome, answer.caller_data.backend_link.clone(), found)
    };
    let page = Some("https://crm.example.com/new".to_owned());
    assert_eq!(link(knows_nobody(1), NUMBER).await, (Outcome::Unknown, page, false));
    assert_eq!(link(knows(1, 2), "+40722000001").await, (Outcome::Found, None, true));
    let failing = Script::Fail { after: Duration::from_millis(1) };
    assert_eq!(link(failing, "+40722000002").await, (Outcome::Undetermined, None, false));
    assert_eq!(link(knows_nobody(1), "anonymous").await, (Outcome::Withheld, None, false));
    assert_eq!(link(knows_nobody(1), "101").await, (Outcome::Unknown, None, false), "no number could be handed on");
}

#[tokio::test(start_paused = true)]
async fn the_order_of_the_sources_decides_and_not_their_speed() {
    let bench = bench();
    let settings = settings("");
    let mut seed = 1_u64;
    let mut delay = || {
        // The constants of Knuth's MMIX; any spread of delays would do.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % 790
    };
    for run in 0..1000 {
        // Names of their own, so that no run remembers another one.
        let named = |place: &str| format!("{place}-{run}");
        let sources = [
            source(&named("a"), knows_nobody(delay())),
            source(&named("b"), knows(delay(), 2)),
            source(&named("c"), knows(delay(), 3)),
        ];
        let (answer, took) = ask(&bench.lookup, &project(&bench, &settings, &sources).await, NUMBER).await;
        assert_eq!(name(&answer), Some(&*format!("b-{run} 2")));
        assert!(took < Duration::from_millis(800));
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_never_unknown() {
    let bench = bench();
    let sources = [source("down", Script::Fail { after: Duration::from_millis(5) }), source("up", knows_nobody(5))];
    let project = project(&bench, &settings(""), &sources).await;
    assert_eq!(ask(&bench.lookup, &project, NUMBER).await.0.outcome, Outcome::Undetermined);
    assert_eq!(ask(&bench.lookup, &project, NUMBER).await.0.outcome, Outcome::Undetermined, "and it is not remembered");
    assert_eq!((sources[0].asked(), sources[1].asked()), (4, 1), "each lookup tries a passing failure twice");
}

#[tokio::test(start_paused = true)]
async fn a_source_with_a_defect_costs_nothing_but_its_answer() {
    let bench = bench();
    let sources = [source("broken", Script::Panic), source("second", knows(5, 2))];
    let (answer, _) = ask(&bench.lookup, &project(&bench, &settings(""), &sources).await, NUMBER).await;
    assert_eq!(name(&answer), Some("second 2"));
}

#[tokio::test(start_paused = true)]
async fn a_remembered_contact_stands_in_for_a_source_that_fails() {
    let bench = bench();
    let config = settings("");
    let working = [source("crm", knows(5, 7))];
    assert_eq!(name(&ask(&bench.lookup, &project(&bench, &config, &working).await, NUMBER).await.0), Some("crm 7"));
    tokio::time::sleep(Duration::from_secs(20 * 60)).await;
    let failing = [source("crm", Script::Fail { after: Duration::from_millis(5) })];
    let (answer, _) = ask(&bench.lookup, &project(&bench, &config, &failing).await, NUMBER).await;
    assert_eq!(name(&answer), Some("crm 7"));
    assert_eq!(answer.explanation.missing().count(), 1, "the PBX hears that the source did not answer");
    assert_eq!(answer.explanation.to_json()["sources"][0]["stale"], true);
}

fn asks_on(after: u64, fails: bool) -> Script {
    Script::AsksOn { after: Duration::from_millis(after), id: 7, fails }
}

fn owner(answer: &Answer) -> Option<&str> {
    answer.explanation.reports[0].hits()[0].contact.get(Field::Owner)
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_is_known_is_not_lost_while_more_is_asked_about_him() {
    let bench = bench();
    let config = settings("");
    let crm = [source("crm", asks_on(2000, false)), source("second", knows(5, 2))];
    let project_of = project(&bench, &config, &crm).await;
    let (answer, took) = ask(&bench.lookup, &project_of, NUMBER).await;
    assert_eq!((name(&answer), owner(&answer), took), (Some("crm 7"), None, DEADLINE));
    assert_eq!(answer.explanation.missing().count(), 1, "the PBX hears that this is not all");
    let told = &answer.explanation.to_json()["sources"][0];
    assert_eq!((&told["result"], &told["partial"], &told["stale"]), (&"late".into(), &true.into(), &false.into()));

    tokio::time::sleep(Duration::from_secs(2)).await;
    let (answer, _) = ask(&bench.lookup, &project_of, NUMBER).await;
    assert_eq!(owner(&answer), Some("ion"), "what came later is for the next call");
    tokio::time::sleep(Duration::from_secs(20 * 60)).await;
    let (answer, _) = ask(&bench.lookup, &project_of, NUMBER).await;
    assert_eq!(owner(&answer), Some("ion"), "more is remembered of the same caller");
    assert_eq!(crm[0].asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_asked_about_a_known_caller_is_asked_again_by_the_next_call() {
    let bench = bench();
    let crm = [source("crm", asks_on(100, true))];
    let project = project(&bench, &settings(""), &crm).await;
    for asked in 1..=3 {
        let (answer, took) = ask(&bench.lookup, &project, NUMBER).await;
        assert_eq!((name(&answer), took), (Some("crm 7"), Duration::from_millis(100)));
        assert_eq!((answer.explanation.missing().count(), crm[0].asked()), (0, asked));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_telephone_number_never_reaches_a_live_source() {
    let bench = bench();
    let crm = [source("crm", knows(1, 7))];
    let project = project(&bench, &settings(""), &crm).await;
    for telephone in
        ["anonymous", "", "266696687", "101", "sip:bob@example.com", "12345678901234567890123", "0000000000"]
    {
        assert_eq!(name(&ask(&bench.lookup, &project, telephone).await.0), None, "{telephone}");
    }
    assert_eq!(crm[0].asked(), 0);
    assert_eq!(ask(&bench.lookup, &project, "anonymous").await.0.outcome, Outcome::Withheld);
    assert_eq!(ask(&bench.lookup, &project, "101").await.0.outcome, Outcome::Unknown);
}

#[tokio::test(start_paused = true)]
async fn in_turn_the_second_source_is_spared_when_the_first_one_knows() {
    let bench = bench();
    let config = settings("ask = \"in_turn\"");
    assert_eq!(config.ask, Ask::InTurn);
    let sources = [source("first", knows(100, 1)), source("second", knows(100, 2))];
    assert_eq!(name(&ask(&bench.lookup, &project(&bench, &config, &sources).await, NUMBER).await.0), Some("first 1"));
    assert_eq!(sources[1].asked(), 0);
    let sources = [source("third", knows_nobody(100)), source("fourth", knows(100, 4))];
    let (answer, took) = ask(&bench.fresh(), &project(&bench, &config, &sources).await, NUMBER).await;
    assert_eq!(name(&answer), Some("fourth 4"));
    assert!(took >= Duration::from_millis(200));
}

impl Bench {
    /// A lookup with empty caches over the same store.
    fn fresh(&self) -> Lookup {
        Lookup::new(Arc::clone(&self.directory), Arc::new(SystemClock), &cache_settings())
    }
}

#[tokio::test(start_paused = true)]
async fn a_guess_does_not_end_the_wait_for_somebody_certain() {
    let bench = bench();
    let guess = Script::OnRung { after: Duration::from_millis(1), id: 1, rung: Rung::Alias };
    let sources = [source("guess", guess), source("certain", knows(600, 2))];
    let (answer, _) = ask(&bench.lookup, &project(&bench, &settings(""), &sources).await, NUMBER).await;
    assert_eq!(name(&answer), Some("certain 2"));
}

#[tokio::test(start_paused = true)]
async fn above_its_rate_a_project_spares_its_live_sources() {
    let bench = bench();
    let crm = [source("crm", knows(1, 7))];
    let project = project(&bench, &settings("rate = 5"), &crm).await;
    let mut found = 0;
    for number in 0..50 {
        let (answer, _) = ask(&bench.lookup, &project, &format!("+407221112{number:02}")).await;
        found += usize::from(answer.outcome == Outcome::Found);
    }
    assert_eq!(crm[0].asked(), found);
    assert!((5..=10).contains(&found), "{found}");
}

#[tokio::test]
async fn the_address_book_answers_before_any_live_source_is_asked() {
    let bench = bench();
    let config = settings("");
    let whole = load_text(&text(""), &|_| None).unwrap();
    let crm = source("crm", knows(1, 7));
    let names = vec!["customers".into(), Arc::clone(crm.name())];
    let config = Arc::new(config::Project { sources: names, ..(*config).clone() });
    let project = bench.lookup.prepare(&whole, &live(std::slice::from_ref(&crm)), &config).await.unwrap();
    let Asked::Book { book, .. } = &project.asked[0] else { panic!("the first source is the address book") };
    let mut contact = Contact { id: ContactId::Integer(5), ..Contact::default() };
    contact.set(Field::Name, "Ana");
    contact.numbers.push(ContactNumber { written: "0722 111 222".into(), ..ContactNumber::default() });
    bench.directory.put(book, contact).await.unwrap();
    assert_eq!(name(&ask(&bench.lookup, &project, NUMBER).await.0), Some("Ana"));
    assert_eq!(crm.asked(), 0);
    assert_eq!(name(&ask(&bench.lookup, &project, "+40722999888").await.0), Some("crm 7"));
}

/// What a source of a random project does.
fn any_script() -> impl Strategy<Value = Script> {
    let after = (0_u64..700).prop_map(Duration::from_millis);
    prop_oneof![
        (after.clone(), prop::collection::vec(1_u32..4, 0..3)).prop_map(|(after, ids)| Script::Contacts { after, ids }),
        (after.clone(), 1_u32..4).prop_map(|(after, id)| Script::OnRung { after, id, rung: Rung::Alias }),
        after.prop_map(|after| Script::Fail { after }),
    ]
}

fn with_delay(script: &Script, delay: u64) -> Script {
    let after = Duration::from_millis(delay);
    match script.clone() {
        Script::Contacts { ids, .. } => Script::Contacts { after, ids },
        Script::OnRung { id, rung, .. } => Script::OnRung { after, id, rung },
        Script::Fail { .. } => Script::Fail { after },
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// A thousand projects of random sources, each asked twice with other delays.
    #[test]
    fn the_same_question_gets_the_same_answer_whoever_is_faster(
        scripts in prop::collection::vec(any_script(), 1..5),
        delays in prop::collection::vec(0_u64..700, 5),
        fill in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let bench = shared_bench();
        let config = settings(if fill { "fill = true" } else { "" });
        let answer = |scripts: Vec<Script>| runtime.block_on(async {
            let sources: Vec<_> =
                scripts.into_iter().enumerate().map(|(place, script)| source(&format!("s{place}"), script)).collect();
            let (answer, took) = ask(&bench.fresh(), &project(bench, &config, &sources).await, NUMBER).await;
            assert!(took <= DEADLINE + Duration::from_millis(20));
            (answer.caller_data, answer.outcome)
        });
        let first = answer(scripts.clone());
        let second = answer(scripts.iter().zip(&delays).map(|(script, delay)| with_delay(script, *delay)).collect());
        prop_assert_eq!(first, second);
    }
}

fn shared_bench() -> &'static Bench {
    static BENCH: std::sync::OnceLock<Bench> = std::sync::OnceLock::new();
    BENCH.get_or_init(bench)
}

/// Earlier calls that cannot be had.
struct NoMemory {
    hangs: bool,
}

impl crate::model::History for NoMemory {
    fn calls<'a>(
        &'a self,
        _project: &'a str,
        _number: crate::number::Key,
        _since: i64,
        _limit: usize,
    ) -> crate::model::PendingCalls<'a> {
        if self.hangs {
            return Box::pin(std::future::pending());
        }
        let failed = crate::error::Error::new(crate::error::Kind::Unavailable, "disk gone");
        Box::pin(std::future::ready(Err(failed)))
    }

    fn picked(
        &self,
        _project: &str,
        _number: crate::number::Key,
    ) -> crate::error::Result<Option<crate::model::ContactRef>> {
        Err(crate::error::Error::new(crate::error::Kind::Unavailable, "disk gone"))
    }
}

#[tokio::test(start_paused = true)]
async fn earlier_calls_that_cannot_be_had_hold_up_no_call_and_the_explanation_says_so() {
    let rules = "[[project.sales.rule]]\nwhen = \"history.last_hour.calls == 0 and caller.unknown\"\nname = \"new\"\n";
    for (hangs, why) in [(true, "were not read by the deadline"), (false, "could not be read")] {
        let bench = bench();
        let lookup = bench.fresh().with_history(Arc::new(NoMemory { hangs }));
        let project = project(&bench, &settings(rules), &[source("crm", knows_nobody(1))]).await;
        let (answer, took) = ask(&lookup, &project, NUMBER).await;
        assert!(took <= DEADLINE + Duration::from_millis(20), "{took:?}");
        assert_eq!(name(&answer), Some("new"), "the rules saw no calls");
        let said = answer.explanation.to_json()["rules"]["history"].to_string();
        assert!(said.contains(why), "{said}");
    }
}

#[tokio::test]
async fn a_request_of_another_project_with_the_same_id_does_not_hide_an_explanation() {
    let bench = bench();
    let sources = [source("crm", knows(0, 1))];
    let sales = project(&bench, &settings(""), &sources).await;
    let shop = Arc::new(config::Project { name: "shop".into(), ..(*settings("")).clone() });
    let shop = project(&bench, &shop, &sources).await;
    ask(&bench.lookup, &sales, NUMBER).await;
    ask(&bench.lookup, &shop, NUMBER).await;
    let id = call_for_tests(NUMBER).request_id;
    for asked in [&sales, &shop] {
        let found = bench.lookup.explanation(asked, id.as_str()).await.expect("both were asked under this id");
        assert_eq!(found.project, asked.config.name);
    }
}

#[tokio::test]
async fn of_a_call_with_very_many_parameters_the_explanation_keeps_none() {
    let bench = bench();
    let asked = project(&bench, &settings(""), &[source("crm", knows(0, 1))]).await;
    for (length, kept) in [(100, 1), (70_000, 0)] {
        let params = [("note".to_owned(), "x".repeat(length))].into();
        let call = Call { params, ..call_for_tests(NUMBER) };
        let answer = bench.lookup.answer(&asked, call, bench.lookup.clock.now()).await;
        assert_eq!(name(&answer), Some("crm 1"));
        let explanation = bench.lookup.explanation(&asked, call_for_tests(NUMBER).request_id.as_str()).await.unwrap();
        assert_eq!(explanation.question.call.params.len(), kept);
        assert_eq!(explanation.question.call.telephone, NUMBER);
    }
    let call = Call { telephone: "x".repeat(70_000), ..call_for_tests("") };
    let answer = bench.lookup.answer(&asked, call, bench.lookup.clock.now()).await;
    assert_eq!(answer.explanation.question.call.telephone.len(), 256);
}

#[tokio::test]
async fn what_a_source_calls_a_contact_cannot_steer_a_terminal_or_add_lines() {
    let bench = bench();
    let config = settings("").clone();
    let numbering = &crate::number::Numbering { country: Some("RO".into()), ..Default::default() };
    let book = bench.directory.open_book("customers", numbering).await.unwrap();
    let number = ContactNumber { written: NUMBER.into(), ..ContactNumber::default() };
    let mut contact = Contact { id: ContactId::from_text("7"), numbers: vec![number], ..Contact::default() };
    contact.set(Field::Name, "Ana\u{1b}[2J\nunknown after 0 ms");
    bench.directory.put(&book, contact).await.unwrap();
    let main = load_text(&text(""), &|_| None).unwrap();
    let asked = bench.lookup.prepare(&main, &live(&[]), &config).await.unwrap();
    let (answer, _) = ask(&bench.lookup, &asked, NUMBER).await;
    let shown = answer.explanation.to_text();
    assert!(shown.contains("Ana [2J unknown after 0 ms") && !shown.contains('\u{1b}'), "{shown}");
}
