//! The keys of a project that say where calls go: rules with their tests, and the tables that rules speak of.
//!
//! What stands here is read and has the right form. Whether an expression can be evaluated, and whether the tests hold,
//! is known to `lookup`, which owns the language of rules.

mod hours;
mod list;
mod route;
mod rule;
mod rule_test;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::keys::{Key, Kind, words};
use super::namespace::Namespace;
use super::reader::Reader;
use super::sheet::Text;
use crate::number::Numbering;

pub use hours::{Holiday, Hours, Span};
pub use list::{Entry, List, Who};
pub use route::Route;
pub use rule::{Rule, Setting, Target};
pub use rule_test::{Nobody, RuleTest, TestCall, TestTime};

/// Where the calls of a project go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routing {
    /// The rules, in order.
    pub rules: Vec<Rule>,
    /// The tests of the rules.
    pub tests: Vec<RuleTest>,
    /// The inbound routes of the PBX; empty when the project does not list them.
    pub routes: Vec<Route>,
    /// Working hours by name.
    pub hours: BTreeMap<Arc<str>, Hours>,
    /// Days on which other hours hold.
    pub holidays: Vec<Holiday>,
    /// Lists of callers by name.
    pub lists: BTreeMap<Arc<str>, List>,
    /// The queues of the PBX; `None` when the project does not list them.
    pub queues: Option<Vec<String>>,
    /// How the PBX dials an agent.
    pub line_style: LineStyle,
}

/// How the PBX dials an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineStyle {
    /// `SIP/ion-popescu`
    #[default]
    Sip,
    /// `PJSIP/ion-popescu`
    Pjsip,
    /// `IAX2/ion-popescu`
    Iax2,
    /// `Local/ion-popescu`
    Local,
}

impl LineStyle {
    /// What stands before the name of the user.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Sip => "SIP/",
            Self::Pjsip => "PJSIP/",
            Self::Iax2 => "IAX2/",
            Self::Local => "Local/",
        }
    }
}

/// An expression or a template of a rule. It does not print itself: a template may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Script {
    /// With variables put in.
    pub text: Box<str>,
    /// Whether a variable was put in, so that messages must not repeat it.
    pub has_variable: bool,
    /// Where it stands in its file, for complaints.
    pub(crate) place: Range<usize>,
}

impl fmt::Debug for Script {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Script(…)")
    }
}

impl From<Text> for Script {
    fn from(text: Text) -> Self {
        Self { has_variable: text.value != text.written, text: text.value.into(), place: text.place }
    }
}

const LINE_STYLES: [(&str, LineStyle); 4] =
    [("SIP", LineStyle::Sip), ("PJSIP", LineStyle::Pjsip), ("IAX2", LineStyle::Iax2), ("Local", LineStyle::Local)];

/// Part of `[project.NAME]`.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "line_style",
        Kind::Choice(&words(&LINE_STYLES)),
        "\"SIP\"",
        "How the PBX dials an agent: what stands before the name of his user in `direct_line`.",
    ),
    Key::new(
        "queues",
        Kind::Texts("the name of a queue, such as \"sales-queue\""),
        "",
        "The queues of the PBX. When they are listed, `direct_line` names no other one.",
    ),
    Key::new(
        "holidays",
        Kind::Texts("a day of every year such as \"12-25\", or of one year such as \"2027-05-02\""),
        "",
        "Days on which the hours of holidays hold.",
    ),
    Key::new("hours", Kind::Tables(&hours::SECTION), "", ""),
    Key::new("list", Kind::Tables(&list::SECTION), "", ""),
    Key::new("route", Kind::List(&route::SECTION), "", ""),
    Key::new("rule", Kind::List(&rule::SECTION), "", ""),
    Key::new("test", Kind::List(&rule_test::SECTION), "", ""),
];

/// Most rules of a project: what all of them may cost together stays far below the shortest deadline.
const MOST_RULES: usize = 500;

impl Routing {
    pub(crate) fn read(
        reader: &Reader<'_>,
        numbering: &Numbering,
        sources: &[Arc<str>],
        namespace: &Namespace<'_>,
    ) -> Self {
        let rules = reader.table_list("rule");
        if let Some(excess) = rules.get(MOST_RULES) {
            let message = format!("[{}] has {} rules; at most {MOST_RULES} are allowed", excess.path, rules.len());
            excess.sheet.problem(&excess.place, message);
        }
        let queues = reader.parse_list("queues", read_queue);
        Self {
            rules: rules.into_iter().map(Rule::read).collect(),
            tests: reader.table_list("test").into_iter().map(RuleTest::read).collect(),
            routes: route::read_all(reader, numbering),
            hours: reader.tables("hours").into_iter().filter_map(|(name, hours)| Hours::read(name, hours)).collect(),
            holidays: reader.parse_list("holidays", |text| Holiday::parse(text).ok_or_else(String::new)),
            lists: list::read_all(reader, numbering, sources, namespace),
            queues: reader.is_set("queues").then_some(queues),
            line_style: reader.choice("line_style", &LINE_STYLES),
        }
    }
}

/// A name that rules use behind a dot: `time.hours.office`, `list.vip`.
fn check_attribute(what: &str, name: &str, reader: &Reader<'_>) -> Option<Arc<str>> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let starts_well = name.starts_with(|first: char| first.is_ascii_lowercase());
    if starts_well && name.len() <= 64 && name.bytes().all(fits) {
        return Some(name.into());
    }
    let message = format!(
        "the {what} name {name:?} cannot be used in a rule; expected 1 to 64 characters of a-z 0-9 _, the first a letter"
    );
    reader.sheet.problem(&reader.place, message);
    None
}

fn read_queue(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if !text.bytes().all(fits) {
        return Err("; a name is made of A-Z a-z 0-9 . _ -".to_owned());
    }
    if !text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return Err("; a name without a letter would be dialled as a telephone number".to_owned());
    }
    Ok(text.to_owned())
}
