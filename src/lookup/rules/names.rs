//! Which names a rule looks at: whether they exist, and of which callers they make the rule speak.

use super::calendar;
use super::past::{OF_HISTORY, OF_WINDOW};
use super::scene::{OF_CALL, OF_CALLER, OF_CONTACT, OF_NUMBER, OF_OWNER, OF_ROUTE, Scene};
use crate::config::{Project, nearest};
use crate::lookup::Outcome;
use crate::model::Field;

/// What a rule looks at, and of whom it speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mentions {
    /// The contact or the candidates: who was found.
    pub(super) person: bool,
    /// Earlier calls.
    pub(super) history: bool,
    /// The number that was called.
    pub(super) dnid: bool,
    /// Callers whom nobody knows, by name.
    pub(super) unknown: bool,
    /// Callers of whom a source that failed might know.
    pub(super) undetermined: bool,
    /// Callers who hide their number.
    pub(super) withheld: bool,
    /// Lists, by name: the rule speaks of whoever is on one of them.
    pub(super) lists: Vec<String>,
}

impl Mentions {
    /// Adds what a name in a condition or a template makes the rule look at.
    pub(super) fn look_at(&mut self, name: &str) {
        let mut parts = name.split('.');
        match (parts.next().unwrap_or_default(), parts.next()) {
            ("contact" | "candidates", _) => self.person = true,
            ("history", _) => self.history = true,
            ("call", Some("dnid" | "route")) => self.dnid = true,
            _ => {}
        }
    }

    /// Adds of whom a name in a condition makes the rule speak.
    pub(super) fn speak_of(&mut self, name: &str) {
        let mut parts = name.split('.');
        match (parts.next().unwrap_or_default(), parts.next()) {
            ("caller", Some("unknown")) => self.unknown = true,
            ("caller", Some("undetermined")) => self.undetermined = true,
            ("caller", Some("withheld")) => self.withheld = true,
            ("caller", _) => (self.unknown, self.undetermined, self.withheld) = (true, true, true),
            ("list", Some(list)) if !self.lists.iter().any(|known| known == list) => self.lists.push(list.to_owned()),
            _ => {}
        }
    }

    /// Whether the rule names callers of this kind; of found ones every rule speaks anyway.
    pub(super) fn names(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Found => false,
            Outcome::Unknown => self.unknown,
            Outcome::Undetermined => self.undetermined,
            Outcome::Withheld => self.withheld,
        }
    }
}

/// Where a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// In a condition, where only its truth counts.
    Condition,
    /// In a template, which shows it.
    Template,
}

/// What is wrong with a name, for the end of a message; `None` when it exists.
pub(super) fn find_mistake(name: &str, used: Use, project: &Project) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    let hours = || project.routing.hours.keys().map(AsRef::as_ref).collect::<Vec<&str>>();
    let lists = || project.routing.lists.keys().map(AsRef::as_ref).collect::<Vec<&str>>();
    match parts.as_slice() {
        ["contact" | "candidates"] | ["contact", _] | ["call", "params", ..] => None,
        ["call", number @ ("telephone" | "dnid")] => (used == Use::Condition)
            .then(|| format!("`call.{number}` has parts; write call.{number}.e164 or call.{number}.received")),
        ["call", "telephone" | "dnid", part] => one_of(name, part, &OF_NUMBER),
        ["call", "route"] if used == Use::Condition => None,
        ["call", "route", part] => one_of(name, part, &OF_ROUTE),
        ["call", part] if *part != "route" => one_of(name, part, &OF_CALL),
        ["caller", part] => one_of(name, part, &OF_CALLER),
        ["time", "hours", part] => one_of(name, part, &hours()),
        ["time", part] if *part != "hours" => one_of(name, part, &calendar::ATTRIBUTES),
        ["history", part] if !part.starts_with("last_") || *part == "last_agent" => one_of(name, part, &OF_HISTORY),
        ["history", window, part] => one_of(name, window, &OF_HISTORY).or_else(|| one_of(name, part, &OF_WINDOW)),
        ["list", part] => one_of(name, part, &lists()),
        [root, ..] if Scene::roots().contains(root) => {
            Some(format!("`{name}` is no value by itself; write what of it is meant, such as {}", example(&parts)))
        }
        [root, ..] => Some(format!("unknown name `{root}`{}", hint(root, &Scene::roots()))),
        [] => None,
    }
}

/// A name of a contact that calldex does not know and that looks like one that it does.
pub(super) fn find_slip(name: &str) -> Option<String> {
    let field = name.strip_prefix("contact.")?;
    let known: Vec<&str> = Field::ALL.into_iter().map(Field::as_str).chain(OF_CONTACT).chain(OF_OWNER).collect();
    if known.contains(&field) {
        return None;
    }
    let near = nearest(field, known.iter().copied())?;
    Some(format!("`{name}` is no field that calldex knows; if no source has one of this name, write contact.{near}"))
}

fn one_of(name: &str, part: &str, known: &[&str]) -> Option<String> {
    (!known.contains(&part)).then(|| {
        let all = if known.is_empty() {
            "; the project has none".to_owned()
        } else {
            format!("; there are {}", known.join(", "))
        };
        let near = hint(part, known);
        format!("there is no `{name}`{}", if near.is_empty() { all } else { near })
    })
}

fn hint(part: &str, known: &[&str]) -> String {
    nearest(part, known.iter().copied()).map_or_else(String::new, |word| format!("; did you mean `{word}`?"))
}

fn example(parts: &[&str]) -> &'static str {
    match parts {
        ["time", "hours"] => "time.hours.office",
        ["time", ..] => "time.hour",
        ["call", "route"] => "call.route.language",
        ["call", ..] => "call.direction",
        ["caller", ..] => "caller.unknown",
        ["list", ..] => "list.vip",
        ["history", "last_agent" | "abandoned_in_a_row"] => "history.last_agent",
        ["history", ..] => "history.last_hour.calls",
        _ => "contact.name",
    }
}
