//! What became of each rule, for the explanation.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::value::{Value, ValueKind};
use serde_json::json;

use super::{Fields, Listed};
use crate::lookup::Outcome;

/// What the rules of a project said about a call.
#[derive(Debug, Clone)]
pub struct Ruling {
    pub(super) titles: Arc<[Arc<str>]>,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) listed: Vec<Listed>,
    pub(super) now: i64,
    pub(super) zone: TimeZone,
    pub(super) history_missing: Option<&'static str>,
}

/// What became of a rule.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Its condition held.
    Fired {
        /// Fields that it set.
        set: Fields,
        /// Fields that it cleared.
        cleared: Fields,
        /// Fields that a rule before it had decided.
        late: Fields,
        /// Fields that it must not set, because the contact was found by a guess.
        withheld: Fields,
        /// Fields for which it made an empty text, which sets nothing.
        empty: Fields,
    },
    /// Its condition had this value, which is not true.
    NotHeld(Value),
    /// It does not speak of such callers.
    NotMeant(Outcome),
    /// It failed.
    Failed(String),
    /// The rule at this place, from 0, had stopped the rules.
    PassedOver(usize),
}

impl Ruling {
    /// What people call a rule, by its place from 0.
    #[must_use]
    pub fn title(&self, rule: usize) -> &str {
        self.titles.get(rule).map_or("a rule", AsRef::as_ref)
    }

    /// How many rules failed.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Failed(_))).count()
    }

    /// The lists that the caller is on.
    #[must_use]
    pub fn listed(&self) -> &[Listed] {
        &self.listed
    }

    /// Each rule with what became of it, one word and a sentence.
    pub fn verdicts(&self) -> impl Iterator<Item = (&str, &'static str, String)> {
        self.verdicts.iter().enumerate().map(|(place, verdict)| {
            let (word, sentence) = self.explain(verdict);
            (self.title(place), word, sentence)
        })
    }

    /// Why the rules saw no earlier calls, when these could not be had.
    #[must_use]
    pub fn history_missing(&self) -> Option<&'static str> {
        self.history_missing
    }

    /// The time that the rules saw, as the clocks of the project show it.
    #[must_use]
    pub fn local_time(&self) -> String {
        let moment = Timestamp::from_millisecond(self.now).unwrap_or_default();
        moment.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
    }

    /// For programs.
    pub(in crate::lookup) fn to_json(&self) -> serde_json::Value {
        let rules = self.verdicts().zip(&self.verdicts).map(|((title, word, sentence), verdict)| {
            let fields = |fields: Fields| fields.iter().map(crate::model::Field::as_str).collect::<Vec<_>>();
            let (set, cleared) = match verdict {
                Verdict::Fired { set, cleared, .. } => (fields(*set), fields(*cleared)),
                _ => (Vec::new(), Vec::new()),
            };
            json!({ "rule": title, "result": word, "why": sentence, "set": set, "cleared": cleared })
        });
        json!({
            "time": self.local_time(),
            "lists": self.listed.iter().map(|it| json!({ "list": &*it.list, "note": it.note })).collect::<Vec<_>>(),
            "history": self.history_missing,
            "rules": rules.collect::<Vec<_>>(),
        })
    }

    fn explain(&self, verdict: &Verdict) -> (&'static str, String) {
        match verdict {
            Verdict::Fired { set, cleared, late, withheld, empty } => {
                let parts = [
                    ("set", *set),
                    ("cleared", *cleared),
                    ("a rule before had decided", *late),
                    ("found by a guess, so it may not set", *withheld),
                    ("made an empty text for", *empty),
                ];
                let said: Vec<String> = parts.iter().filter_map(|(verb, fields)| in_words(verb, *fields)).collect();
                ("fired", if said.is_empty() { "its condition held".to_owned() } else { said.join("; ") })
            }
            Verdict::NotHeld(value) => ("not fired", format!("its condition is {}", shown(value))),
            Verdict::NotMeant(outcome) => {
                let outcome = outcome.as_str();
                let why = format!("the caller is {outcome}, and it names neither caller.{outcome} nor a list he is on");
                ("not fired", why)
            }
            Verdict::Failed(why) => ("failed", why.clone()),
            Verdict::PassedOver(by) => ("passed over", format!("{} had stopped the rules", self.title(*by))),
        }
    }
}

fn in_words(verb: &str, fields: Fields) -> Option<String> {
    let names: Vec<&str> = fields.iter().map(crate::model::Field::as_str).collect();
    (!fields.is_empty()).then(|| format!("{verb} {}", names.join(", ")))
}

/// A value that is not true, in words.
fn shown(value: &Value) -> String {
    match value {
        value if value.is_undefined() => "without a value".to_owned(),
        value if value.is_none() => "null".to_owned(),
        value if value.as_str() == Some("") => "an empty text".to_owned(),
        value if value.kind() == ValueKind::Bool => "false".to_owned(),
        value if value.len() == Some(0) => "empty".to_owned(),
        value => value.to_string(),
    }
}
