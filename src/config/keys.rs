//! What may stand in a configuration file: sections and their keys, as static lists.
//!
//! One list per section drives everything: what the reader accepts and which key it suggests, the default and the
//! range, `config print`, the generated reference, and the tests of the example file. A new section is a file with its
//! list and one line in the list above it.

use std::time::Duration;

use super::duration::format_duration;

/// A table of the configuration.
#[derive(Debug)]
pub(crate) struct Section {
    /// Its name in the file, such as `server.tls`, `project.NAME` or `[project.NAME.rule]`.
    pub path: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Everything that may stand in it, in groups, in the order of the reference.
    pub groups: &'static [&'static [Key]],
}

/// A key of a section.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// The value when it is left out, as TOML; empty when there is none.
    pub default: &'static str,
    /// What it does, for the reference.
    pub about: &'static str,
}

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number within bounds, both included.
    Whole {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// A duration within bounds, both included.
    Duration {
        /// Shortest.
        min: Duration,
        /// Longest.
        max: Duration,
    },
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A string; the text says what is expected, such as "an XML name".
    Text(&'static str),
    /// A whole number from 0 to the bound, or a template.
    WholeOrTemplate(u64),
    /// A list of strings; the text says what each is expected to be.
    Texts(&'static str),
    /// The parameters of a source: a string or a table, which may hold secrets.
    Params,
    /// Texts by names that the user chooses: `{ helpdesk = "7000123" }`; the text says what they are.
    Map(&'static str),
    /// A point in time.
    Moment,
    /// A string that must not be seen.
    Secret(&'static str),
    /// A list of strings or tables that hold secrets.
    Secrets(&'static Section),
    /// One table.
    Table(&'static Section),
    /// Tables by name: `[project.sales]`.
    Tables(&'static Section),
    /// Tables in their order: `[[project.sales.rule]]`.
    List(&'static Section),
}

impl Kind {
    /// Whether it is a table, or several, with keys of its own.
    pub(crate) fn is_section(&self) -> bool {
        matches!(self, Self::Table(_) | Self::Tables(_) | Self::List(_))
    }
}

impl Key {
    /// A key that may be left out; `default` is TOML, empty for none.
    pub(crate) const fn new(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Self {
        Self { name, kind, default, about }
    }

    /// What a right value looks like, for messages and the reference.
    #[must_use]
    pub(crate) fn expected(&self) -> String {
        match &self.kind {
            Kind::Switch => "true or false".to_owned(),
            Kind::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Duration { min, max } => {
                format!(
                    "a duration from {} to {}, such as {}",
                    format_duration(*min),
                    format_duration(*max),
                    self.default
                )
            }
            Kind::Choice(words) => one_of(words),
            Kind::Text(what) | Kind::Secret(what) => (*what).to_owned(),
            Kind::WholeOrTemplate(max) => format!("a whole number from 0 to {max}, or a template"),
            Kind::Texts(what) => format!("a list, each item {what}"),
            Kind::Params => "a query string such as \"domain=acme&user=X\", or a table".to_owned(),
            Kind::Map(what) => format!("a table of {what}"),
            Kind::Moment => "a time with its zone, such as \"2026-12-31T00:00:00Z\"".to_owned(),
            Kind::Secrets(_) => "a list of tokens".to_owned(),
            Kind::Table(section) => format!("a table [{}]", section.path),
            Kind::Tables(section) => format!("tables [{}]", section.path),
            Kind::List(section) => format!("a list of tables [{}]", section.path),
        }
    }

    /// What a right item of a list looks like; for other kinds the same as [`Key::expected`].
    pub(crate) fn expected_item(&self) -> String {
        match &self.kind {
            Kind::Texts(what) => (*what).to_owned(),
            Kind::Secrets(_) => {
                "a string, { token = \"...\" }, { file = \"...\" } or { hash = \"sha256:...\" }".to_owned()
            }
            _ => self.expected(),
        }
    }
}

impl Section {
    /// Every key, in the order of the reference.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.groups.iter().copied().flatten()
    }

    /// Finds a key by its name.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }

    /// The sections inside this one.
    pub(crate) fn children(&self) -> impl Iterator<Item = &'static Section> {
        self.keys().filter_map(|key| match &key.kind {
            Kind::Table(section) | Kind::Tables(section) | Kind::List(section) => Some(*section),
            _ => None,
        })
    }

    /// The sections below this one, each before its own.
    pub(crate) fn descendants(&self) -> Vec<&'static Section> {
        self.children().flat_map(|child| [vec![child], child.descendants()].concat()).collect()
    }
}

/// The words of a choice, for its key.
pub(crate) const fn words<T, const N: usize>(choices: &[(&'static str, T); N]) -> [&'static str; N] {
    let mut words = [""; N];
    let mut index = 0;
    while index < N {
        words[index] = choices[index].0;
        index += 1;
    }
    words
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
