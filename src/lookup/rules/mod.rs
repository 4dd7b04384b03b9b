//! Rules: what a project says about where a call goes, made ready to be asked.
//!
//! Pure: no clock, no I/O; the same facts give the same answer. [`compile`] turns the texts of the configuration into
//! something that can be evaluated, and complains about what can be known to be wrong before a call is there; [`apply`]
//! asks the rules, [`proof`] runs their tests. What rules see is `scene`; the language itself is `language`.

mod apply;
mod around_id;
mod calendar;
mod compile;
mod language;
mod lists;
mod names;
mod past;
mod program;
mod proof;
mod report;
mod scene;
mod shared;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::config::Target;
use crate::model::Field;

use around_id::AroundId;
use language::Escaping;
use lists::Lists;
use names::Mentions;
use program::Programs;

pub use lists::Listed;
pub use report::{Ruling, Verdict};

pub(super) use apply::{Answered, steers};
pub(super) use past::{MOST_CALLS, REACH};
pub(super) use proof::check;
pub(super) use scene::Facts;

/// The rules and default fields of a project, ready to be asked.
pub(super) struct Ruleset {
    rules: Vec<Rule>,
    programs: Programs,
    /// What a found contact gets when it lacks a field.
    defaults: Vec<(Field, Source)>,
    lists: Lists,
    zone: TimeZone,
    /// What people call the rules, shared with every explanation.
    titles: Arc<[Arc<str>]>,
    /// What any of the rules looks at.
    mentions: Mentions,
}

/// A rule.
struct Rule {
    /// The place of its condition.
    when: Option<usize>,
    set: Vec<(Target, Source)>,
    clear: Fields,
    stop: bool,
    mentions: Mentions,
}

/// Where a value comes from.
pub(super) enum Source {
    /// It stands there.
    Literal(Box<str>),
    /// A template makes it.
    Template(Template),
}

/// A template of a ruleset.
pub(super) struct Template {
    escaping: Escaping,
    /// Its place among those that are escaped like it.
    place: usize,
    /// Makes the same when the contact has an id.
    pub(super) around_id: Option<AroundId>,
    /// The names that it looks at, with blanks between, for the explanation when one has no value.
    names: Box<str>,
}

impl Ruleset {
    /// Says whether there are no rules, so that a lookup has nothing to prepare for them.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether some rule looks at earlier calls.
    pub(super) fn needs_history(&self) -> bool {
        self.mentions.history
    }

    /// Whether some rule looks at the number that was called.
    pub(super) fn needs_dnid(&self) -> bool {
        self.mentions.dnid
    }

    /// The default of a field.
    pub(super) fn default_of(&self, field: Field) -> Option<&Source> {
        self.defaults.iter().find(|(known, _)| *known == field).map(|(_, source)| source)
    }
}

/// Some fields of the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fields(u16);

impl Fields {
    /// Adds one.
    pub(crate) fn add(&mut self, field: Field) {
        self.0 |= 1 << field as u16;
    }

    /// Whether it is among them.
    #[must_use]
    pub fn contains(self, field: Field) -> bool {
        self.0 & (1 << field as u16) != 0
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All of them, in the order of the answer.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.into_iter().filter(move |field| self.contains(*field))
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<T: IntoIterator<Item = Field>>(fields: T) -> Self {
        let mut all = Self::default();
        fields.into_iter().for_each(|field| all.add(field));
        all
    }
}
