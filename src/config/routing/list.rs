//! `[project.NAME.list.NAME]`: callers who are treated alike: important ones, blocked ones, ones to let through.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check_attribute;
use crate::config::keys::{Key, Kind, Section};
use crate::config::namespace::Namespace;
use crate::config::reader::Reader;
use crate::number::{self, Key as NumberKey, Number, Numbering, is_known_country};

/// A list of callers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// Its entries, in order.
    pub entries: Vec<Entry>,
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whom it means.
    pub who: Who,
    /// From when on it does not count, in milliseconds since 1970 UTC.
    pub expires: Option<i64>,
    /// Why it is there, for the explanation.
    pub note: Option<String>,
}

/// Whom an entry means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The caller with this number.
    Number(NumberKey),
    /// The extension or SIP user of this name.
    Local(String),
    /// Whose number begins with these digits, the country code first.
    Prefix(String),
    /// Whose number is of this country, by its two letters.
    Country(String),
    /// Who was found in this address book or source, by its full name.
    Directory(Arc<str>),
}

/// The keys of `[project.NAME.list.NAME]`.
pub(crate) static SECTION: Section = Section {
    path: "project.NAME.list.NAME",
    about: "Callers that rules know as `list.NAME`, true or false. A list does nothing by itself; rules say what follows. \
            A rule that names a list speaks also of callers on it whom no source knows.",
    groups: &[&[Key::new("entry", Kind::List(&ENTRY), "", "")]],
};

/// The keys of an entry.
static ENTRY: Section = Section {
    path: "[project.NAME.list.NAME.entry]",
    about: "An entry of a list has exactly one of `number`, `prefix`, `country` and `directory`.",
    groups: &[&[
        Key::new("number", Kind::Text("a telephone number or an extension"), "", "The number of the caller."),
        Key::new(
            "prefix",
            Kind::Text("a plus and 1 to 15 digits, such as \"+4021\""),
            "",
            "The first digits of the caller's number, with its country code.",
        ),
        Key::new(
            "country",
            Kind::Text("the two capital letters of a country, such as \"RO\""),
            "",
            "The country of the caller's number.",
        ),
        Key::new(
            "directory",
            Kind::Text("the name of a directory or source that the project asks"),
            "",
            "The directory or source in which the caller was found.",
        ),
        Key::new("expires", Kind::Moment, "", "From when on the entry does not count."),
        Key::new("note", Kind::Text("a text"), "", "Why it is there; the explanation shows it."),
    ]],
};

/// Reads every list of a project; `sources` are those that it asks.
pub(super) fn read_all(
    project: &Reader<'_>,
    numbering: &Numbering,
    sources: &[Arc<str>],
    namespace: &Namespace<'_>,
) -> BTreeMap<Arc<str>, List> {
    let lists = project.tables("list").into_iter().filter_map(|(name, reader)| {
        let name = check_attribute("list", name, &reader);
        let entries = reader.table_list("entry").into_iter();
        let entries = entries.filter_map(|entry| read_entry(entry, numbering, sources, namespace)).collect();
        reader.finish();
        Some((name?, List { entries }))
    });
    lists.collect()
}

fn read_entry(
    reader: Reader<'_>,
    numbering: &Numbering,
    sources: &[Arc<str>],
    namespace: &Namespace<'_>,
) -> Option<Entry> {
    let ways = ["number", "prefix", "country", "directory"].into_iter().filter(|way| reader.is_set(way)).count();
    if ways != 1 {
        let message =
            format!("[{}] has {ways} of number, prefix, country and directory; expected exactly one", reader.path);
        reader.sheet.problem(&reader.place, message);
    }
    let number = reader.parse("number", |text| read_number(text, numbering));
    let prefix = reader.parse("prefix", read_prefix);
    let country = reader.parse("country", read_country);
    let directory = reader.parse("directory", |name| match namespace.find_source(name) {
        Ok(full) if sources.contains(&full) => Ok(Who::Directory(full)),
        Ok(_) => Err("; the project does not ask it, add it to sources".to_owned()),
        Err(hint) => Err(hint),
    });
    let expires = reader.moment("expires");
    let note = reader.text("note").map(|text| text.value);
    reader.finish();
    Some(Entry { who: number.or(prefix).or(country).or(directory)?, expires, note })
}

fn read_number(text: &str, numbering: &Numbering) -> Result<Who, String> {
    match number::parse(text, numbering) {
        Number::Phone { phone, .. } => Ok(Who::Number(phone.key)),
        Number::Local(name) => Ok(Who::Local(name)),
        _ => Err("; write it with its country code, such as \"+40722111222\"".to_owned()),
    }
}

fn read_prefix(text: &str) -> Result<Who, String> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    match digits.strip_prefix('+') {
        Some(digits)
            if (1..=15).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && !digits.starts_with('0') =>
        {
            Ok(Who::Prefix(digits.to_owned()))
        }
        _ => Err(String::new()),
    }
}

fn read_country(text: &str) -> Result<Who, String> {
    if is_known_country(text) && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(Who::Country(text.to_owned()));
    }
    let near = number::nearest_country(text);
    Err(near.map_or_else(String::new, |country| format!("; did you mean \"{country}\"?")))
}
