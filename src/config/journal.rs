//! `[journal.NAME]`: an address that calls are written to when they are over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::directory::full_name;
use super::keys::{Key, Kind, Section};
use super::names::check_name;
use super::reader::Reader;
use super::secret::Secret;

/// `[journal.NAME]`: an address that calls are written to when they are over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Where each call is sent, as JSON by POST. It may hold a secret.
    pub url: Secret,
    /// Sent as bearer token.
    pub token: Option<Secret>,
    /// How long one request may take.
    pub timeout: Duration,
    /// Requests a minute.
    pub rate: u32,
    /// Tries of one call before it is parked.
    pub tries: u32,
    /// Whether project files may use it.
    pub shared: bool,
    /// Whether a tenant wrote it, so that it reaches public addresses only.
    pub tenant: bool,
}

/// The keys of `[journal.NAME]`.
pub(crate) static SECTION: Section = Section {
    path: "journal.NAME",
    about: "An address that calls are written to when they are over; a project names it in `journal`. Each call is sent \
            as JSON by POST, with an `Idempotency-Key` that is the same for every try. In a project file it is private.",
    groups: &[&[
        Key::new(
            "url",
            Kind::Secret("an address such as \"https://crm.example.com/calls\""),
            "",
            "Where calls are sent.",
        ),
        Key::new("token", Kind::Secret("the text of a token"), "", "Sent as `Authorization: Bearer`."),
        Key::new(
            "timeout",
            Kind::Duration { min: Duration::from_millis(100), max: Duration::from_secs(120) },
            "\"10s\"",
            "How long one request may take.",
        ),
        Key::new("rate", Kind::Whole { min: 1, max: 60_000 }, "600", "Requests a minute."),
        Key::new(
            "tries",
            Kind::Whole { min: 1, max: 1_000 },
            "50",
            "Tries of one call before it is parked; the default spans about two days. A call that is refused, not only \
             not taken, is parked after a tenth of them.",
        ),
        Key::new("shared", Kind::Switch, "false", "Whether project files may use it. Only in the main file."),
    ]],
};

/// Reads the journals of one file; `file` is the stem of a project file.
pub(crate) fn read_all(root: &Reader<'_>, file: Option<&str>) -> BTreeMap<Arc<str>, Journal> {
    let tables = root.tables("journal").into_iter();
    tables.map(|(name, reader)| (full_name(file, name), Journal::read(name, reader, file.is_some()))).collect()
}

impl Journal {
    fn read(name: &str, reader: Reader<'_>, in_project_file: bool) -> Self {
        check_name("journal", name, &reader);
        if in_project_file && reader.is_set("shared") {
            let message = format!(
                "shared in [{}] does nothing in a project file; only journals of the main file can be shared",
                reader.path
            );
            reader.sheet.problem(&reader.place_of("shared"), message);
        }
        if !reader.is_set("url") {
            reader
                .sheet
                .problem(&reader.place, format!("[{}] has no \"url\"; expected where calls are sent", reader.path));
        }
        let number = |name| reader.whole(name).and_then(|number| u32::try_from(number).ok()).unwrap_or(1);
        let journal = Self {
            url: reader.parse("url", read_url).unwrap_or_else(|| Secret::new(String::new())),
            token: reader.parse("token", read_token),
            timeout: reader.duration("timeout"),
            rate: number("rate"),
            tries: number("tries"),
            shared: reader.switch("shared"),
            tenant: false,
        };
        reader.finish();
        journal
    }
}

fn read_token(text: &str) -> Result<Secret, String> {
    let fits = http::HeaderValue::from_str(text).is_ok();
    fits.then(|| Secret::new(text.to_owned())).ok_or_else(|| "; no header takes what it holds".to_owned())
}

fn read_url(text: &str) -> Result<Secret, String> {
    let url = Url::parse(text).map_err(|_| String::new())?;
    let fits = matches!(url.scheme(), "http" | "https") && url.has_host();
    if fits { Ok(Secret::new(text.to_owned())) } else { Err(String::new()) }
}
