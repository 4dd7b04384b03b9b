//! `[[project.NAME.test]]`: a call and the answer that the rules have to give. Tests run before a configuration is used.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use toml::Spanned;
use toml::de::DeValue;

use crate::config::keys::{Key, Kind, Section, words};
use crate::config::reader::Reader;
use crate::config::sheet::Value;
use crate::model::{CallOutcome, Direction};

/// A test of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTest {
    /// What people call it.
    pub title: Option<String>,
    /// The customer's number, as the PBX would send it.
    pub telephone: String,
    /// The number that was called.
    pub dnid: String,
    /// Which way the call goes.
    pub direction: Option<Direction>,
    /// What else the PBX would send.
    pub params: BTreeMap<String, String>,
    /// When it is; `None` is a fixed moment, so that a test does not depend on when it runs.
    pub time: Option<TestTime>,
    /// Who was found, each by the names of fields and `id`; none is nobody that a source knows.
    pub contacts: Vec<BTreeMap<String, String>>,
    /// Why nobody was found, when there is no contact.
    pub nobody: Nobody,
    /// Earlier calls of the number.
    pub history: Vec<TestCall>,
    /// The expected values; an empty text expects null.
    pub expect: Vec<(&'static str, String)>,
    pub(crate) place: Range<usize>,
    pub(crate) contact_place: Range<usize>,
}

/// When a test takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestTime {
    /// A moment with its zone.
    Moment(Timestamp),
    /// What the clocks of the project's time zone show.
    Local(DateTime),
}

/// Why nobody was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nobody {
    /// Every source said that it knows nobody.
    #[default]
    Unknown,
    /// Some source failed.
    Undetermined,
}

/// An earlier call of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCall {
    /// How long before.
    pub ago: Duration,
    /// Which way it went.
    pub direction: Direction,
    /// How it ended.
    pub outcome: CallOutcome,
    /// Who spoke.
    pub agent: Option<String>,
}

/// What can be expected, in the order of the answer.
const EXPECTED: [&str; 9] = [
    "id",
    "name",
    "queue_position",
    "direct_line",
    "backend_link",
    "route_identifier",
    "outbound_number",
    "language",
    "external_id",
];

const DIRECTIONS: [(&str, Option<Direction>); 2] = [("in", Some(Direction::In)), ("out", Some(Direction::Out))];
const NOBODY: [(&str, Nobody); 2] = [("unknown", Nobody::Unknown), ("undetermined", Nobody::Undetermined)];
const OUTCOMES: [(&str, Option<CallOutcome>); 2] =
    [("answered", Some(CallOutcome::Answered)), ("missed", Some(CallOutcome::Missed))];

/// The keys of `[[project.NAME.test]]`.
pub(crate) static SECTION: Section = Section {
    path: "[project.NAME.test]",
    about: "A test of the rules, one `[[project.NAME.test]]` for each. Tests run before a configuration is used, and \
            with `calldex config check`; one that fails refuses it. They never ask a source: without `contact` the \
            caller is one whom no source knows.",
    groups: &[&[
        Key::new("title", Kind::Text("a text"), "", "What messages call it."),
        Key::new(
            "telephone",
            Kind::Text("a number as the PBX sends it"),
            "",
            "The customer's number; without it a withheld one.",
        ),
        Key::new(
            "dnid",
            Kind::Text("a number as the PBX sends it"),
            "",
            "The number that was called, or that the call goes out with.",
        ),
        Key::new("direction", Kind::Choice(&words(&DIRECTIONS)), "", "Which way the call goes, when the PBX says so."),
        Key::new(
            "params",
            Kind::Map("what else the PBX sends, by name"),
            "",
            "What else the PBX sends: `call.params` in rules.",
        ),
        Key::new(
            "time",
            Kind::Text("a time such as 2026-12-24T18:30:00, or one with its zone"),
            "",
            "When it is: a time as the clocks of the project's time zone show it, such as 2026-12-24T18:30:00, or one with its own \
             zone. Without it Wednesday 14 January 2026 at noon.",
        ),
        Key::new(
            "contact",
            Kind::Map("the fields of a contact, by name, or a list of such tables"),
            "",
            "Who calls: fields by name, with `id`, `source` and `agent` among them, `rung` (how he was found, `exact` without \
             it) and `primary`. A list when several contacts have the number: `[{ id = 1 }, { id = 2 }]`.",
        ),
        Key::new(
            "outcome",
            Kind::Choice(&words(&NOBODY)),
            "\"unknown\"",
            "Without `contact`: whether every source said that it knows nobody, or some source failed.",
        ),
        Key::new("history", Kind::List(&HISTORY), "", ""),
        Key::new("expect", Kind::Table(&EXPECT), "", ""),
    ]],
};

/// The keys of an earlier call.
static HISTORY: Section = Section {
    path: "[project.NAME.test.history]",
    about: "An earlier call of the number in a test.",
    groups: &[&[
        Key::new(
            "ago",
            Kind::Duration { min: Duration::from_secs(1), max: Duration::from_secs(366 * 86_400) },
            "\"10m\"",
            "How long before the call of the test it began.",
        ),
        Key::new("direction", Kind::Choice(&words(&DIRECTIONS)), "\"in\"", "Which way it went."),
        Key::new("outcome", Kind::Choice(&words(&OUTCOMES)), "\"missed\"", "How it ended."),
        Key::new("agent", Kind::Text("an agent"), "", "Who spoke."),
    ]],
};

/// The keys of the expected answer.
static EXPECT: Section = Section {
    path: "project.NAME.test.expect",
    about: "What the answer of a test has to hold. An empty text expects null; a field that is not named may be anything.",
    groups: &[&[
        Key::new("id", Kind::Text(VALUE), "", "The id."),
        Key::new("name", Kind::Text(VALUE), "", "The name."),
        Key::new("queue_position", Kind::Text("a whole number, or \"\" for null"), "", "The place in the queue."),
        Key::new("direct_line", Kind::Text(VALUE), "", "The agent or queue."),
        Key::new("backend_link", Kind::Text(VALUE), "", "The page to open."),
        Key::new("route_identifier", Kind::Text(VALUE), "", "The route."),
        Key::new("outbound_number", Kind::Text(VALUE), "", "The number to go out with."),
        Key::new("language", Kind::Text(VALUE), "", "The language."),
        Key::new("external_id", Kind::Text(VALUE), "", "The id in a partner's system."),
    ]],
};

const VALUE: &str = "the value, or \"\" for null";

impl RuleTest {
    pub(super) fn read(reader: Reader<'_>) -> Self {
        let text = |key| reader.text(key).map(|text| text.value).unwrap_or_default();
        let test = Self {
            title: reader.text("title").map(|text| text.value),
            telephone: text("telephone"),
            dnid: text("dnid"),
            direction: reader.choice("direction", &DIRECTIONS),
            params: read_map(&reader, "params"),
            time: read_time(&reader),
            contacts: read_contacts(&reader),
            nobody: reader.choice("outcome", &NOBODY),
            history: reader.table_list("history").into_iter().map(read_call).collect(),
            expect: read_expect(reader.table("expect")),
            place: reader.place.clone(),
            contact_place: reader.place_of("contact"),
        };
        if test.expect.is_empty() {
            let message =
                format!("[{}] expects nothing; expected expect = {{ ... }} with at least one field", reader.path);
            reader.sheet.problem(&reader.place, message);
        }
        reader.finish();
        test
    }
}

fn read_map(reader: &Reader<'_>, name: &'static str) -> BTreeMap<String, String> {
    let Some(key) = SECTION.key(name) else { return BTreeMap::new() };
    let entries = reader.entries(name).into_iter();
    entries.filter_map(|(name, _, value)| Some((name.to_owned(), scalar(reader, key, &value)?))).collect()
}

/// One contact, or a list of them.
fn read_contacts(reader: &Reader<'_>) -> Vec<BTreeMap<String, String>> {
    let Some((key, value)) = reader.value("contact") else { return Vec::new() };
    let tables = match value.get_ref() {
        DeValue::Array(_) => reader.items(key, &value),
        _ => vec![value],
    };
    tables.iter().filter_map(|table| read_contact(reader, key, table)).collect()
}

fn read_contact<'a>(reader: &Reader<'a>, key: &'static Key, table: &Value<'a>) -> Option<BTreeMap<String, String>> {
    let DeValue::Table(fields) = table.get_ref() else { return reader.refuse(key, table, "") };
    let text = |value: &Spanned<DeValue<'a>>| scalar(reader, key, &Cow::Owned(value.clone()));
    Some(fields.iter().filter_map(|(name, value)| Some((name.get_ref().to_string(), text(value)?))).collect())
}

/// A text, which may be empty, a number or a switch as the text that a source would hold.
fn scalar<'a>(reader: &Reader<'a>, key: &'static Key, value: &Value<'a>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) if text.is_empty() => Some(String::new()),
        DeValue::String(_) => reader.text_of(key, value).map(|text| text.value),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(on) => Some(on.to_string()),
        _ => reader.refuse(key, value, ""),
    }
}

fn read_time(reader: &Reader<'_>) -> Option<TestTime> {
    let (key, value) = reader.value("time")?;
    let text = match value.get_ref() {
        DeValue::String(text) => text.as_ref().to_owned(),
        DeValue::Datetime(moment) => moment.to_string(),
        _ => return reader.refuse(key, &value, ""),
    };
    let moment = || text.parse().ok().map(TestTime::Moment);
    let local = || text.parse().ok().map(TestTime::Local);
    moment().or_else(local).or_else(|| reader.refuse(key, &value, ""))
}

fn read_call(reader: Reader<'_>) -> TestCall {
    let call = TestCall {
        ago: reader.duration("ago"),
        direction: reader.choice("direction", &DIRECTIONS).unwrap_or(Direction::In),
        outcome: reader.choice("outcome", &OUTCOMES).unwrap_or(CallOutcome::Missed),
        agent: reader.text("agent").map(|text| text.value),
    };
    reader.finish();
    call
}

fn read_expect(reader: Reader<'_>) -> Vec<(&'static str, String)> {
    let read = |name: &'static str| {
        let (key, value) = reader.value(name)?;
        Some((name, scalar(&reader, key, &value)?))
    };
    let expected = EXPECTED.into_iter().filter_map(read).collect();
    reader.finish();
    expected
}
