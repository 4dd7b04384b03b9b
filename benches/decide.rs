//! What rules cost: deciding one call with 50 of them, and 1,000 projects of 50 rules to load and to hold.
//!
//! `cargo bench --bench decide`. The figures and what they mean are in docs/benchmarks.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use calldex::clock::{Clock, SystemClock};
use calldex::config;
use calldex::directory::{Directory, SqliteDirectory};
use calldex::lookup::{CHECKS, Lookup, Project};
use calldex::model::{Call, Contact, ContactId, ContactNumber, Field, RequestId};
use calldex::sources::LiveSources;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Writes the rules of a project of this name.
type Rules = fn(&str) -> String;

/// What a process of its own reports, since memory that another report has touched would be taken for free.
const REPORT: &str = "CALLDEX_BENCH_REPORT";

fn main() {
    let reports: [(&str, Rules); 2] = [("in the same words", rules), ("in words of their own", rules_of_its_own)];
    if let Ok(wanted) = std::env::var(REPORT) {
        let report = reports.into_iter().find(|(words, _)| *words == wanted);
        return report.into_iter().for_each(|(words, rules)| report_a_thousand_projects(words, rules));
    }
    let program = std::env::current_exe().expect("the path of this program");
    for (words, _) in reports {
        let done = std::process::Command::new(&program).env(REPORT, words).status().expect("a process");
        assert!(done.success(), "{done}");
    }
    divan::main();
}

/// Conditions of the kinds that administrators write; the last rule alone fires.
fn rules(project: &str) -> String {
    let conditions = [
        "contact.company == 'no such company'",
        "call.dnid.e164 == '+40310000999'",
        "contact.agent and not time.hours.office and false",
        "call.telephone.country in ['DE', 'AT', 'CH']",
        "list.blocked",
        "contact.balance | float(0) > 100",
        "caller.unknown or caller.undetermined",
        "call.telephone.e164 is startingwith('+4021') and contact.language == 'ro'",
    ];
    let mut text = String::new();
    for rule in 0..49 {
        let when = conditions[rule % conditions.len()];
        let _ = write!(
            text,
            "[[project.{project}.rule]]\ntitle = \"rule of {rule}\"\nwhen = \"{when}\"\nqueue = \"queue-{rule}\"\nqueue_position = {rule}\n"
        );
    }
    let _ = write!(
        text,
        "[[project.{project}.rule]]\nwhen = \"contact.name\"\nqueue = \"last\"\nname = \"{{{{ contact.name }}}} ({{{{ contact.company }}}})\"\n"
    );
    text
}

/// The hard case: no condition and no template is said twice anywhere.
fn rules_of_its_own(project: &str) -> String {
    let mut text = String::new();
    for rule in 0..50 {
        let _ = write!(
            text,
            "[[project.{project}.rule]]\ntitle = \"rule of {rule}\"\nqueue = \"queue-{rule}\"\nqueue_position = {rule}\n\
             when = \"contact.company == 'company {rule} of {project}' and call.telephone.country in ['DE', 'AT', 'CH']\"\n\
             name = \"{{{{ contact.name }}}} ({{{{ contact.company }}}}, {rule} of {project})\"\n"
        );
    }
    text
}

fn project(name: &str, rules: &str) -> String {
    format!(
        "[project.{name}]\ncountry = \"RO\"\ntimezone = \"Europe/Bucharest\"\ntokens = [\"0123456789abcdef\"]\nsources = [\"customers\"]\n\
         [project.{name}.hours.office]\nopen = [\"mon-fri 09:00-18:00\"]\n[project.{name}.list.blocked]\n\
         [[project.{name}.list.blocked.entry]]\nprefix = \"+4031999\"\n{rules}"
    )
}

const BOOK: &str = "[directory.customers]\ncountry = \"RO\"\n[agent.ion]\nowner = { customers = \"7\" }\n";

/// A lookup over one contact, with a project that has 50 rules and one that has none.
struct Bench {
    runtime: tokio::runtime::Runtime,
    lookup: Lookup,
    with_rules: Project,
    without: Project,
    _folder: tempfile::TempDir,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let text = format!("{BOOK}{}{}", project("rules", &rules("rules")), project("plain", ""));
    let config = config::load_text(&text, &|_| None).expect("a configuration");
    let directory = SqliteDirectory::open(&folder.path().join("calldex.db"), Arc::new(SystemClock)).expect("a store");
    let directory: Arc<dyn Directory> = Arc::new(directory);
    let lookup = Lookup::new(Arc::clone(&directory), Arc::new(SystemClock), &config.cache);
    let prepare = |name: &str| {
        runtime
            .block_on(lookup.prepare(&config, &LiveSources::none(Arc::new(SystemClock)), &config.projects[name]))
            .expect("a project")
    };
    let (with_rules, without) = (prepare("rules"), prepare("plain"));
    let mut contact = Contact { id: ContactId::Integer(1), ..Contact::default() };
    for (field, value) in [(Field::Name, "Ana Pop"), (Field::Company, "Acme"), (Field::Owner, "7")] {
        contact.set(field, value);
    }
    contact.numbers.push(ContactNumber { written: "0722 111 222".into(), ..ContactNumber::default() });
    let book = lookup.books(&with_rules).next().expect("an address book").clone();
    runtime.block_on(directory.put(&book, contact)).expect("a contact");
    Bench { runtime, lookup, with_rules, without, _folder: folder }
}

fn call() -> Call {
    Call {
        project: "rules".into(),
        telephone: "0722111222".to_owned(),
        dnid: "0310000000".to_owned(),
        direction: None,
        params: BTreeMap::new(),
        request_id: RequestId::from_bits(1),
    }
}

#[divan::bench]
fn a_lookup_with_50_rules(bencher: divan::Bencher<'_, '_>) {
    let bench = bench();
    bencher.bench_local(|| ask(&bench, &bench.with_rules));
}

#[divan::bench]
fn a_lookup_without_rules(bencher: divan::Bencher<'_, '_>) {
    let bench = bench();
    bencher.bench_local(|| ask(&bench, &bench.without));
}

fn ask(bench: &Bench, project: &Project) {
    let answer = bench.runtime.block_on(bench.lookup.answer(project, call(), SystemClock.now()));
    assert!(answer.caller_data.name.is_some());
}

/// Loads 1,000 project files, with all checks, and makes every project ready. Printed, since it runs once.
fn report_a_thousand_projects(words: &str, rules: Rules) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("projects")).expect("a folder");
    std::fs::write(folder.path().join("calldex.toml"), BOOK.replacen("\"RO\"\n", "\"RO\"\nshared = true\n", 1))
        .expect("a file");
    for number in 0..1_000 {
        let name = format!("p{number}");
        let file = folder.path().join(format!("projects/{name}.toml"));
        std::fs::write(file, project(&name, &rules(&name))).expect("a file");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let directory = SqliteDirectory::open(&folder.path().join("calldex.db"), Arc::new(SystemClock)).expect("a store");
    let (memory, start, work) = (resident(), SystemClock.now(), processor_seconds());
    let config::Loaded { config, failed_files, .. } =
        config::load(&folder.path().join("calldex.toml"), &|_| None, &CHECKS).expect("a configuration");
    assert!(failed_files.is_empty(), "{}", failed_files[0].problems);
    let (checked, checked_work) = (SystemClock.now() - start, processor_seconds() - work);
    let lookup = Lookup::new(Arc::new(directory), Arc::new(SystemClock), &config.cache);
    let prepare =
        |project| runtime.block_on(lookup.prepare(&config, &LiveSources::none(Arc::new(SystemClock)), project));
    let projects: Vec<Project> = config.projects.values().map(|it| prepare(it).expect("a project")).collect();
    let (took, work) = (SystemClock.now() - start, processor_seconds() - work);
    eprintln!(
        "{} projects of 50 rules {words}: read and checked in {checked:?} ({checked_work:.2} s of processor), ready after {took:?} \
         ({work:.2} s of processor), {} MB more than before",
        projects.len(),
        (resident().saturating_sub(memory)) / 1_024,
    );
}

/// Kilobytes of memory in use.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// Seconds of processor that this process has used; other work on the machine does not count.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
