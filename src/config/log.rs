//! `[log]`: what is logged, and how it looks.

use std::time::Duration;

use super::keys::{Key, Kind, Section, words};
use super::reader::Reader;

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Text or JSON lines.
    pub format: LogFormat,
    /// Which lookups get a line.
    pub lookups: LogLookups,
    /// From which duration on a lookup counts as slow.
    pub slow: Duration,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Which lookups get a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLookups {
    /// Slow, degraded and refused ones.
    #[default]
    Slow,
    /// Every one.
    All,
}

const FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];
const LOOKUPS: [(&str, LogLookups); 2] = [("slow", LogLookups::Slow), ("all", LogLookups::All)];

/// The keys of `[log]`.
pub(crate) static SECTION: Section = Section {
    path: "log",
    about: "What is logged, and how it looks. Logs go to standard error and never hold a number, a name or a token.",
    groups: &[&[
        Key::new("format", Kind::Choice(&words(&FORMATS)), "\"text\"", "Lines for people, or one JSON object a line."),
        Key::new(
            "lookups",
            Kind::Choice(&words(&LOOKUPS)),
            "\"slow\"",
            "Which lookups get a line: slow, degraded and refused ones, or all of them.",
        ),
        Key::new(
            "slow",
            Kind::Duration { min: Duration::from_millis(1), max: Duration::from_secs(60) },
            "\"500ms\"",
            "A lookup that takes at least this long counts as slow.",
        ),
    ]],
};

impl Log {
    pub(crate) fn read(reader: Reader<'_>) -> Self {
        let log = Self {
            format: reader.choice("format", &FORMATS),
            lookups: reader.choice("lookups", &LOOKUPS),
            slow: reader.duration("slow"),
        };
        reader.finish();
        log
    }
}
