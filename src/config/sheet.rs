//! One file while it is read, and what messages say about the values in it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::Section;
use super::problem::{Lines, Problem};
use super::reader::Reader;
use super::secret::Environment;

/// One file while it is read.
pub(crate) struct Sheet<'a> {
    /// The name for messages.
    pub(crate) file: Arc<str>,
    /// All of it.
    pub(crate) text: &'a str,
    /// Where its lines start.
    pub(crate) lines: Lines<'a>,
    /// Where relative paths start.
    pub(crate) folder: &'a Path,
    /// Where `${NAME}` comes from.
    pub(crate) environment: Environment<'a>,
    /// The sections at the top of this file.
    pub(crate) root: &'static Section,
    /// What is wrong so far.
    pub(crate) problems: RefCell<Vec<Problem>>,
    /// What is allowed but probably not meant.
    pub(crate) warnings: RefCell<Vec<Problem>>,
}

impl<'a> Sheet<'a> {
    /// Reports a problem at a place of the file.
    pub(crate) fn problem(&self, place: &Range<usize>, message: impl Into<String>) {
        self.problems.borrow_mut().push(Problem::at(&self.file, self.lines.place(place.start), message));
    }

    /// Notes what is allowed but probably not meant.
    pub(crate) fn warn(&self, place: &Range<usize>, message: impl Into<String>) {
        self.warnings.borrow_mut().push(Problem::at(&self.file, self.lines.place(place.start), message));
    }

    /// Takes the warnings in the order of the file.
    pub(crate) fn take_warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.take();
        warnings.sort();
        warnings.iter().map(ToString::to_string).collect()
    }

    /// Resolves a path of the file.
    pub(crate) fn path(&self, written: &str) -> PathBuf {
        self.folder.join(written)
    }

    /// The reader of the whole file.
    pub(crate) fn reader(&'a self, document: &'a DeTable<'a>) -> Reader<'a> {
        Reader::new(self, self.root, String::new(), Some(document), 0..0)
    }
}

/// A string of the file. It does not print itself: the value may hold a secret.
#[derive(Clone)]
pub(crate) struct Text {
    /// With the variables put in.
    pub(crate) value: String,
    /// As it stands in the file; the only form that may be printed.
    pub(crate) written: String,
    /// Where it stands.
    pub(crate) place: Range<usize>,
}

/// A value of the file, or the default of its key.
pub(crate) type Value<'a> = Cow<'a, Spanned<DeValue<'a>>>;

/// Longest piece of a value that a message repeats, in characters.
const SHOWN: usize = 60;

/// What a message says about a value.
pub(crate) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() > SHOWN => {
            format!("{:?}...", text.chars().take(SHOWN).collect::<String>())
        }
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(on) => on.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// What a message says about a value that may be a secret: its type.
pub(crate) fn hidden(value: &DeValue<'_>) -> String {
    let article = if matches!(value, DeValue::Integer(_) | DeValue::Array(_)) { "an" } else { "a" };
    format!("{article} {}", value.type_str())
}

/// What helps when a number stands in quotes.
pub(crate) fn unquoted_hint(value: &Value<'_>) -> String {
    match value.get_ref() {
        DeValue::String(text) if text.parse::<u64>().is_ok() => format!("; write {text} without quotes"),
        _ => String::new(),
    }
}

/// What helps when somebody says yes or no in other words.
pub(crate) fn switch_hint(value: &Value<'_>) -> &'static str {
    match value.get_ref() {
        DeValue::String(text) if ["yes", "on", "true", "1"].contains(&text.to_lowercase().as_str()) => "; write true",
        DeValue::String(text) if ["no", "off", "false", "0"].contains(&text.to_lowercase().as_str()) => "; write false",
        DeValue::Integer(number) if number.as_str() == "1" => "; write true",
        DeValue::Integer(number) if number.as_str() == "0" => "; write false",
        _ => "",
    }
}
