//! Reads one table of a file by the list of its keys, and reports whatever does not fit.
//!
//! A getter never fails: what is wrong is reported and replaced by a harmless value, so that one look at a file finds
//! all its problems. A file with a problem is never used.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::duration::{format_duration, nearest_duration, parse_duration};
use super::keys::{Key, Kind, Section};
use super::nearest::did_you_mean;
use super::secret::{Environment, substitute};
use super::sections::MAIN;
use super::sheet::{Sheet, Text, Value, hidden, shown, switch_hint, unquoted_hint};

/// One table while it is read.
pub(crate) struct Reader<'a> {
    /// The file it stands in.
    pub(crate) sheet: &'a Sheet<'a>,
    /// Its name in messages, such as `project.sales`.
    pub(crate) path: String,
    /// Where it starts.
    pub(crate) place: Range<usize>,
    section: &'static Section,
    table: Option<&'a DeTable<'a>>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Reader<'a> {
    /// Starts to read a table, and reports every key that its section does not have.
    pub(crate) fn new(
        sheet: &'a Sheet<'a>,
        section: &'static Section,
        path: String,
        table: Option<&'a DeTable<'a>>,
        place: Range<usize>,
    ) -> Self {
        let reader = Self { sheet, path, place, section, table, asked: RefCell::default() };
        for (name, _) in table.into_iter().flatten() {
            if section.key(name.get_ref()).is_none() {
                sheet.problem(&name.span(), reader.explain_unknown(name.get_ref()));
            }
        }
        reader
    }

    /// Checks that the code asked for every key of the list: a key that does nothing is a defect.
    pub(crate) fn finish(self) {
        debug_assert!(
            self.section.keys().all(|key| self.asked.borrow().contains(key.name)),
            "[{}] has keys that nobody reads; read were {:?}",
            self.section.path,
            self.asked.borrow()
        );
    }

    /// Everything that the file itself sets.
    pub(crate) fn keys_set(&self) -> impl Iterator<Item = (&'a Spanned<Cow<'a, str>>, &'a Spanned<DeValue<'a>>)> {
        self.table.into_iter().flatten()
    }

    /// Says whether the file itself sets the key.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(name))
    }

    /// Where the value of a key stands, or else its table.
    pub(crate) fn place_of(&self, name: &str) -> Range<usize> {
        self.table.and_then(|table| table.get(name)).map_or_else(|| self.place.clone(), Spanned::span)
    }

    /// The value of a key, or its default.
    pub(crate) fn value(&self, name: &'static str) -> Option<(&'static Key, Value<'a>)> {
        let key = self.key(name);
        if let Some(value) = self.table.and_then(|table| table.get(name)) {
            return Some((key, Cow::Borrowed(value)));
        }
        let default = (!key.default.is_empty()).then(|| DeValue::parse(key.default).ok()).flatten()?;
        Some((key, Cow::Owned(Spanned::new(self.place.clone(), default.into_inner()))))
    }

    /// A switch; false when there is neither value nor default.
    pub(crate) fn switch(&self, name: &'static str) -> bool {
        self.value(name).is_some_and(|(key, value)| match value.get_ref() {
            DeValue::Boolean(on) => *on,
            _ => self.refuse(key, &value, switch_hint(&value)).unwrap_or_default(),
        })
    }

    /// A whole number within the bounds of its key.
    pub(crate) fn whole(&self, name: &'static str) -> Option<u64> {
        let (key, value) = self.value(name)?;
        let number = match value.get_ref() {
            DeValue::Integer(digits) => i128::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => return self.refuse(key, &value, unquoted_hint(&value)),
        };
        let Kind::Whole { min, max } = key.kind else { return None };
        let fits = number.and_then(|number| u64::try_from(number).ok()).filter(|number| (min..=max).contains(number));
        fits.or_else(|| self.refuse(key, &value, ""))
    }

    /// A duration within the bounds of its key.
    pub(crate) fn duration(&self, name: &'static str) -> Duration {
        let Some((key, value)) = self.value(name) else { return Duration::ZERO };
        let Kind::Duration { min, max } = key.kind else { return Duration::ZERO };
        let fits = |duration: &Duration| (min..=max).contains(duration);
        if let DeValue::Integer(digits) = value.get_ref() {
            let near = ["ms", "s"].map(|unit| format!("{}{unit}", digits.as_str()));
            let near = near.into_iter().filter(|text| parse_duration(text).as_ref().is_some_and(fits));
            let near: Vec<String> = near.map(|text| format!("\"{text}\"")).collect();
            let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
            return self.refuse(key, &value, hint).unwrap_or_default();
        }
        let read = |text: &str| match parse_duration(text) {
            Some(duration) if fits(&duration) => Ok(duration),
            Some(duration) if duration < min => Err(format!("; the shortest is {}", format_duration(min))),
            Some(_) => Err(format!("; the longest is {}", format_duration(max))),
            None => Err(nearest_duration(text).map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"))),
        };
        self.parse_value(key, &value, read).unwrap_or_default()
    }

    /// One of the words of its key.
    pub(crate) fn choice<T: Copy + Default>(&self, name: &'static str, choices: &[(&'static str, T)]) -> T {
        let read = |text: &str| {
            let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, chosen)| *chosen);
            chosen.ok_or_else(|| did_you_mean(text, choices.iter().map(|(word, _)| *word)))
        };
        self.parse(name, read).unwrap_or_default()
    }

    /// A string with its variables put in.
    pub(crate) fn text(&self, name: &'static str) -> Option<Text> {
        let (key, value) = self.value(name)?;
        self.text_of(key, &value)
    }

    /// A string that `read` turns into something; its error is the end of the message, such as `; did you mean "x"?`.
    pub(crate) fn parse<T>(&self, name: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let (key, value) = self.value(name)?;
        self.parse_value(key, &value, read)
    }

    /// A string as written, which `read` puts the variables into; its error is the reason.
    pub(crate) fn raw(
        &self,
        name: &'static str,
        read: impl Fn(&str, Environment<'a>) -> Result<String, String>,
    ) -> Option<String> {
        let (key, value) = self.value(name)?;
        let DeValue::String(written) = value.get_ref() else { return self.refuse(key, &value, "") };
        match read(written, self.sheet.environment) {
            Ok(text) if !text.is_empty() => Some(text),
            // It says that the string is empty, or which variable is missing.
            _ => self.text_of(key, &value).and(None),
        }
    }

    /// The items of a list of strings that are strings.
    pub(crate) fn texts(&self, name: &'static str) -> Vec<Text> {
        let Some((key, value)) = self.value(name) else { return Vec::new() };
        let items = self.items(key, &value);
        items.iter().filter_map(|item| self.text_of(key, item)).collect()
    }

    /// The items of a list of strings, each turned into something by `read`.
    pub(crate) fn parse_list<T>(&self, name: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let Some((key, value)) = self.value(name) else { return Vec::new() };
        let items = self.items(key, &value);
        items.iter().filter_map(|item| self.parse_value(key, item, &read)).collect()
    }

    /// The items of a list; anything but a list is reported.
    pub(crate) fn items(&self, key: &'static Key, value: &Value<'a>) -> Vec<Value<'a>> {
        match value {
            Cow::Borrowed(spanned) => match spanned.get_ref() {
                DeValue::Array(items) => items.iter().map(Cow::Borrowed).collect(),
                DeValue::String(_) => {
                    self.refuse_as(value, key, &key.expected(), "; one alone stands in [ ] too").unwrap_or_default()
                }
                _ => self.refuse_as(value, key, &key.expected(), "").unwrap_or_default(),
            },
            Cow::Owned(spanned) => match spanned.get_ref() {
                DeValue::Array(items) => items.iter().cloned().map(Cow::Owned).collect(),
                _ => Vec::new(),
            },
        }
    }

    /// The table of a key, empty when the file does not have it.
    pub(crate) fn table(&self, name: &'static str) -> Reader<'a> {
        self.optional_table(name).unwrap_or_else(|| {
            let Kind::Table(section) = self.key(name).kind else { return self.empty(self.section) };
            self.empty(section)
        })
    }

    /// The table of a key, when the file has it.
    pub(crate) fn optional_table(&self, name: &'static str) -> Option<Reader<'a>> {
        let key = self.key(name);
        let Kind::Table(section) = key.kind else { return None };
        let (place, value) = self.entry(name)?;
        self.inner(key, section, name, place, value)
    }

    /// The tables of a key by their names, in the order of the names.
    pub(crate) fn tables(&self, name: &'static str) -> Vec<(&'a str, Reader<'a>)> {
        let key = self.key(name);
        let Kind::Tables(section) = key.kind else { return Vec::new() };
        let Some((_, value)) = self.entry(name) else { return Vec::new() };
        let DeValue::Table(tables) = value.get_ref() else {
            return self.refuse(key, &Cow::Borrowed(value), "").unwrap_or_default();
        };
        let named = tables.iter().filter_map(|(inner, value)| {
            Some((inner.get_ref().as_ref(), self.inner(key, section, inner.get_ref(), inner.span(), value)?))
        });
        named.collect()
    }

    /// The tables of a list, in their order.
    pub(crate) fn table_list(&self, name: &'static str) -> Vec<Reader<'a>> {
        let key = self.key(name);
        let Kind::List(section) = key.kind else { return Vec::new() };
        let Some((_, value)) = self.entry(name) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            return self.refuse(key, &Cow::Borrowed(value), "").unwrap_or_default();
        };
        items.iter().filter_map(|item| self.inner(key, section, name, item.span(), item)).collect()
    }

    /// A point in time, as milliseconds since 1970 UTC.
    pub(crate) fn moment(&self, name: &'static str) -> Option<i64> {
        let (key, value) = self.value(name)?;
        let text = match value.get_ref() {
            DeValue::String(_) => self.text_of(key, &value)?.value,
            DeValue::Datetime(moment) => moment.to_string(),
            _ => return self.refuse(key, &value, ""),
        };
        match text.parse::<jiff::Timestamp>() {
            Ok(moment) => Some(moment.as_millisecond()),
            Err(_) => self.refuse(key, &value, ""),
        }
    }

    /// The entries of a table with names of the user's choice, each with the place of its name; anything but a table is
    /// reported.
    pub(crate) fn entries(&self, name: &'static str) -> Vec<(&'a str, Range<usize>, Value<'a>)> {
        let key = self.key(name);
        let Some((_, value)) = self.entry(name) else { return Vec::new() };
        let DeValue::Table(table) = value.get_ref() else {
            return self.refuse(key, &Cow::Borrowed(value), "").unwrap_or_default();
        };
        let entry = |(name, value): (&'a Spanned<_>, &'a Spanned<DeValue<'a>>)| {
            let written: &'a std::borrow::Cow<'a, str> = name.get_ref();
            (written.as_ref(), name.span(), Cow::Borrowed(value))
        };
        table.iter().map(entry).collect()
    }

    /// Reports that a value is not what its key expects; `hint` ends the message.
    pub(crate) fn refuse<T>(&self, key: &'static Key, value: &Value<'a>, hint: impl AsRef<str>) -> Option<T> {
        self.refuse_as(value, key, &key.expected_item(), hint)
    }

    fn refuse_as<T>(&self, value: &Value<'a>, key: &'static Key, expected: &str, hint: impl AsRef<str>) -> Option<T> {
        let found = match key.kind {
            Kind::Secrets(_) | Kind::Secret(_) | Kind::Params => hidden(value.get_ref()),
            _ => shown(value.get_ref()),
        };
        let item = matches!(key.kind, Kind::Texts(_) | Kind::Secrets(_)) && expected != key.expected();
        let verb = if item { "has" } else { "is" };
        let message = format!("{} {verb} {found}; expected {expected}{}", self.name_of(key), hint.as_ref());
        self.sheet.problem(&value.span(), message);
        None
    }

    /// `deadline in [project.sales]`, the start of most messages.
    pub(crate) fn name_of(&self, key: &Key) -> String {
        if self.path.is_empty() { key.name.to_owned() } else { format!("{} in [{}]", key.name, self.path) }
    }

    /// Reads a string out of a value; an empty one is reported, because leaving the key out says the same better.
    pub(crate) fn text_of(&self, key: &'static Key, value: &Value<'a>) -> Option<Text> {
        let DeValue::String(written) = value.get_ref() else { return self.refuse(key, value, "") };
        let place = value.span();
        match substitute(written, self.sheet.environment) {
            Ok(text) if text.is_empty() => {
                let message = format!("{} is empty; leave it out, or write {}", self.name_of(key), key.expected_item());
                self.sheet.problem(&place, message);
                None
            }
            Ok(text) => Some(Text { value: text, written: written.as_ref().to_owned(), place }),
            Err(reason) => {
                self.sheet.problem(&place, format!("{}: {reason}", self.name_of(key)));
                None
            }
        }
    }

    fn parse_value<T>(
        &self,
        key: &'static Key,
        value: &Value<'a>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text_of(key, value)?;
        match read(&text.value) {
            Ok(parsed) => Some(parsed),
            // A hint repeats parts of the value, which must not be seen when it came from the environment.
            Err(hint) => self.refuse(key, value, if text.value == text.written { hint } else { String::new() }),
        }
    }

    fn inner(
        &self,
        key: &'static Key,
        section: &'static Section,
        name: &str,
        place: Range<usize>,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Option<Reader<'a>> {
        let path = match key.kind {
            Kind::Tables(_) => format!("{}.{name}", join(&self.path, key.name)),
            Kind::List(_) => format!("[{}]", join(&self.path, key.name)),
            _ => join(&self.path, key.name),
        };
        let DeValue::Table(table) = value.get_ref() else {
            let found = shown(value.get_ref());
            self.sheet.problem(&place, format!("{path} is {found}; expected a table [{path}]"));
            return None;
        };
        Some(Reader::new(self.sheet, section, path, Some(table), place))
    }

    /// The key and value of a table inside this one, with the place of its name.
    fn entry(&self, name: &str) -> Option<(Range<usize>, &'a Spanned<DeValue<'a>>)> {
        self.table?.get_key_value(name).map(|(key, value)| (key.span(), value))
    }

    fn empty(&self, section: &'static Section) -> Reader<'a> {
        Reader::new(self.sheet, section, section.path.to_owned(), None, self.place.clone())
    }

    fn key(&self, name: &'static str) -> &'static Key {
        /// Stands in for a key that the list lacks, which is a defect that tests find.
        static UNLISTED: Key = Key::new("?", Kind::Switch, "", "");
        self.asked.borrow_mut().insert(name);
        let key = self.section.key(name);
        debug_assert!(key.is_some(), "[{}] does not list the key {name}", self.section.path);
        key.unwrap_or(&UNLISTED)
    }

    fn explain_unknown(&self, name: &str) -> String {
        let known = || self.section.keys().map(|key| key.name);
        let near = did_you_mean(name, known());
        let found = if self.path.is_empty() {
            format!("unknown section or key \"{name}\"")
        } else {
            format!("unknown key \"{name}\" in [{}]", self.path)
        };
        if !near.is_empty() {
            return found + &near;
        }
        let home = self.sheet.root.descendants().into_iter().find(|section| section.key(name).is_some());
        match home {
            Some(section) => format!("{found}; it is a key of [{}]", section.path),
            None if self.path.is_empty() && MAIN.key(name).is_some() => {
                format!(
                    "{found}; [{name}] stands in the main file only, a project file has {}",
                    known().collect::<Vec<_>>().join(", ")
                )
            }
            None => format!("{found}; expected {}", known().collect::<Vec<_>>().join(", ")),
        }
    }
}

fn join(path: &str, name: &str) -> String {
    let path = path.trim_matches(['[', ']']);
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
