//! `[project.NAME]`: who may ask, and how they are answered.
//!
//! The keys come in groups, one file each: `numbering`, `access`, `reply`, `defaults`; those about the lookup are here.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::tz::TimeZoneDatabase;

use super::access::{self, Access};
use super::checks::Checks;
use super::defaults::{self, Defaults};
use super::keys::{Key, Kind, Section, words};
use super::names::{RESERVED_NAMES, check_name};
use super::namespace::Namespace;
use super::nearest::did_you_mean;
use super::numbering;
use super::reader::Reader;
use super::reply::{self, Reply};
use super::roster::Roster;
use super::routing::{self, Routing};
use super::server::Server;
use super::source::report;
use crate::number::Numbering;

/// `[project.NAME]`: who may ask, and how they are answered.
#[derive(Debug, Clone)]
pub struct Project {
    /// The name in the URL.
    pub name: Arc<str>,
    /// How the numbers of its PBX are read.
    pub numbering: Numbering,
    /// IANA time zone.
    pub timezone: String,
    /// Who may ask.
    pub access: Access,
    /// Directories and sources in order, by their full names.
    pub sources: Vec<Arc<str>>,
    /// Whether live sources are asked together or one after another.
    pub ask: Ask,
    /// Whether later sources fill empty descriptive fields of the same person.
    pub fill: bool,
    /// Time for the whole answer.
    pub deadline: Duration,
    /// Lookups a second above which the directories alone answer.
    pub rate: Option<u32>,
    /// Whether its sources and journals were written by a tenant, who must not reach the network of whoever runs calldex.
    pub tenant: bool,
    /// Whether guesses may steer a call.
    pub guesses: Guesses,
    /// How the answer looks.
    pub reply: Reply,
    /// Where calls are written to when they are over, by the full names of the journals.
    pub journal: Vec<Arc<str>>,
    /// How long events, calls and choices of agents are kept.
    pub history: Duration,
    /// How long a call that nobody ends is taken for running.
    pub longest_call: Duration,
    /// Templates of fields that a found contact does not have itself.
    pub defaults: Defaults,
    /// Rules, and what they speak of.
    pub routing: Routing,
    /// The agents that it may name.
    pub roster: Arc<Roster>,
}

/// In what way live sources are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ask {
    /// All at once.
    #[default]
    Together,
    /// One after another, which spares API quotas.
    InTurn,
}

/// The lower rungs of the ladder: what is tried, and whether it may steer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Guesses {
    /// Whether a contact found by plan history (`alias`) may steer the call.
    pub alias_steers: bool,
    /// Whether a contact found by a `block` may steer the call.
    pub block_steers: bool,
    /// Whether the last nine digits are tried against numbers that could not be read.
    pub tail: bool,
}

const ASK: [(&str, Ask); 2] = [("together", Ask::Together), ("in_turn", Ask::InTurn)];

/// The keys of `[project.NAME]`.
pub(crate) static SECTION: Section = Section {
    path: "project.NAME",
    about: "A project as the PBX knows it; its name stands in the URL: `/NAME/lookup`. The default fields at the end \
            are MiniJinja templates; they are used only when a contact was found that lacks the field.",
    groups: &[
        numbering::COMMON,
        numbering::OF_A_PBX,
        &[Key::new(
            "timezone",
            Kind::Text("a time zone such as \"Europe/Bucharest\""),
            "\"UTC\"",
            "The time zone of the project, by its IANA name.",
        )],
        access::KEYS,
        LOOKUP,
        EVENTS,
        reply::KEYS,
        defaults::KEYS,
        routing::KEYS,
    ],
};

/// Part of `[project.NAME]`: what is asked, and for how long.
const LOOKUP: &[Key] = &[
    Key::new(
        "sources",
        Kind::Texts("the name of a directory or source"),
        "",
        "Who is asked, in order: the first that knows the caller wins. A project file looks a name up in itself, then \
         among what the main file shares.",
    ),
    Key::new(
        "ask",
        Kind::Choice(&words(&ASK)),
        "\"together\"",
        "Whether live sources are asked at once or one after another, which spares API quotas.",
    ),
    Key::new(
        "fill",
        Kind::Switch,
        "false",
        "Whether later sources fill empty descriptive fields of the same person; never id, link or steering, and nothing of one whom an agent has picked.",
    ),
    Key::new(
        "deadline",
        Kind::Duration { min: Duration::from_millis(50), max: Duration::from_secs(10) },
        "\"800ms\"",
        "Time for the whole answer; then it leaves with what is known.",
    ),
    Key::new(
        "rate",
        Kind::Whole { min: 1, max: 1_000_000 },
        "",
        "Lookups a second above which the directories alone answer.",
    ),
    Key::new(
        "tenant",
        Kind::Switch,
        "false",
        "Whether a tenant writes its sources and journals. They reach public addresses only, and take nothing from the \
         environment (`${NAME}`) or from files: in a project file all of them, in the main file those that the project lists.",
    ),
    Key::new(
        "alias_steers",
        Kind::Switch,
        "false",
        "Whether a contact found by an older numbering plan may steer the call.",
    ),
    Key::new(
        "block_steers",
        Kind::Switch,
        "false",
        "Whether a contact found by a range of numbers may steer the call.",
    ),
    Key::new(
        "tail",
        Kind::Switch,
        "false",
        "Whether the last nine digits are tried against numbers that could not be read; gives a name with a question \
         mark only.",
    ),
];

/// Part of `[project.NAME]`: what becomes of the events that its PBX reports.
const EVENTS: &[Key] = &[
    Key::new(
        "journal",
        Kind::Texts("the name of a journal"),
        "",
        "Where calls are written to when they are over: names of `[journal.NAME]`.",
    ),
    Key::new(
        "history",
        Kind::Duration { min: Duration::from_secs(3_600), max: Duration::from_secs(3_650 * 86_400) },
        "\"90d\"",
        "How long events, calls and what agents picked are kept; what is left of a project that is removed from the \
         configuration is kept as long as it said last.",
    ),
    Key::new(
        "longest_call",
        Kind::Duration { min: Duration::from_secs(60), max: Duration::from_secs(86_400) },
        "\"4h\"",
        "A call whose end nobody reports is over after this time, with its duration unknown.",
    ),
];

/// Reads the projects of one file.
pub(crate) fn read_all(
    root: &Reader<'_>,
    namespace: &Namespace<'_>,
    server: &Server,
    roster: &Arc<Roster>,
    checks: &Checks<'_>,
) -> Vec<Project> {
    let tables = root.tables("project").into_iter();
    let read = |(name, reader): (&str, Reader<'_>)| {
        let before = reader.sheet.problems.borrow().len();
        let project = Project::read(name, &reader, namespace, server, roster);
        if reader.sheet.problems.borrow().len() == before {
            report(&reader, &(checks.project)(&project));
        }
        reader.finish();
        project
    };
    tables.map(read).collect()
}

impl Project {
    fn read(name: &str, reader: &Reader<'_>, namespace: &Namespace<'_>, server: &Server, roster: &Arc<Roster>) -> Self {
        check_project_name(name, reader, namespace);
        let numbering = numbering::read_of_a_pbx(reader);
        let sources = read_sources(reader, namespace);
        let project = Self {
            name: name.into(),
            routing: Routing::read(reader, &numbering, &sources, namespace),
            roster: Arc::clone(roster),
            numbering,
            timezone: reader.parse("timezone", read_timezone).unwrap_or_default(),
            access: Access::read(reader, server),
            sources,
            ask: reader.choice("ask", &ASK),
            fill: reader.switch("fill"),
            deadline: reader.duration("deadline"),
            rate: reader.whole("rate").and_then(|rate| u32::try_from(rate).ok()),
            tenant: reader.switch("tenant"),
            guesses: Guesses {
                alias_steers: reader.switch("alias_steers"),
                block_steers: reader.switch("block_steers"),
                tail: reader.switch("tail"),
            },
            journal: reader.parse_list("journal", |name| namespace.find_journal(name)),
            history: reader.duration("history"),
            longest_call: reader.duration("longest_call"),
            reply: Reply::read(reader),
            defaults: Defaults::read(reader),
        };
        if !reader.is_set("country") {
            let message = format!("[{}] has no country: only international numbers are read", reader.path);
            reader.sheet.warn(&reader.place, message);
        }
        project
    }
}

fn check_project_name(name: &str, reader: &Reader<'_>, namespace: &Namespace<'_>) {
    check_name("project", name, reader);
    if RESERVED_NAMES.contains(&name) {
        let message = format!(
            "the project name \"{name}\" is reserved; calldex itself answers under {}",
            RESERVED_NAMES.map(|reserved| format!("/{reserved}")).join(" ")
        );
        reader.sheet.problem(&reader.place, message);
    }
    if let Some(file) = namespace.owner_of_project(name) {
        let message = format!("the project \"{name}\" is already defined in {file}; expected a name of its own");
        reader.sheet.problem(&reader.place, message);
    }
}

fn read_sources(reader: &Reader<'_>, namespace: &Namespace<'_>) -> Vec<Arc<str>> {
    let sources = reader.parse_list("sources", |name| namespace.find_source(name));
    let twice = sources.iter().enumerate().find(|(index, name)| sources[..*index].contains(name));
    if let Some((_, name)) = twice {
        let message = format!("sources in [{}] names \"{name}\" twice; expected each once", reader.path);
        reader.sheet.problem(&reader.place_of("sources"), message);
    }
    let empty =
        reader.value("sources").is_none_or(|(_, value)| value.get_ref().as_array().is_some_and(|list| list.is_empty()));
    if empty {
        let message = format!("[{}] has no sources: every caller is unknown", reader.path);
        reader.sheet.warn(&reader.place, message);
    }
    sources
}

/// Finds a time zone in the bundled database, so that every machine reads the same rules.
fn read_timezone(text: &str) -> Result<String, String> {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    let names =
        NAMES.get_or_init(|| TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect());
    if names.iter().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    let city = |name: &str| name.rsplit('/').next().unwrap_or_default().to_lowercase();
    let same_city = names.iter().find(|name| city(name) == city(text));
    Err(same_city.map_or_else(
        || did_you_mean(text, names.iter().map(String::as_str)),
        |name| format!("; did you mean \"{name}\"?"),
    ))
}
