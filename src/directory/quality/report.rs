//! The report on an address book: one screen for people, JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Finding, Place, Quality, Tally};
use crate::model::ContactId;

/// Most characters of what was found.
const FOUND: usize = 60;

impl Finding {
    /// One word for JSON.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::Never(reason) => format!("never_{}", reason.as_str()),
            Self::TwoWays => "two_ways".to_owned(),
            Self::Doubtful => "doubtful".to_owned(),
            Self::Extension => "extension".to_owned(),
            Self::NoName => "no_name".to_owned(),
            Self::NoNumber => "no_number".to_owned(),
            Self::Shared(sharing) => format!("shared_{}", sharing.as_str()),
        }
    }

    /// What was found, in words.
    #[must_use]
    pub fn explain(self) -> &'static str {
        match self {
            Self::Never(reason) => reason.explain(),
            Self::TwoWays => "without +, and a number of two countries",
            Self::Doubtful => "not a number of its plan; mistyped, or a digit is missing?",
            Self::Extension => "with an extension, which a caller's number seldom shows",
            Self::NoName => "contacts without name and company",
            Self::NoNumber => "contacts without number and block",
            Self::Shared(sharing) => sharing.explain(),
        }
    }

    /// The part of the report that it belongs to.
    fn heading(self) -> &'static str {
        match self {
            Self::Never(_) => "Numbers that can never match a call",
            Self::TwoWays | Self::Doubtful | Self::Extension => "Numbers that match, but perhaps not as expected",
            Self::NoName | Self::NoNumber => "Contacts that miss something",
            Self::Shared(_) => "Numbers that several contacts have",
        }
    }
}

impl Quality {
    /// The report for people: each kind in one line, with an example.
    #[must_use]
    pub fn text(&self, book: &str) -> String {
        let mut out = format!("{book}: {} contacts, {} numbers that a call can match\n", self.contacts, self.numbers);
        if self.findings.is_empty() {
            out.push_str("  nothing to mend\n");
        }
        let mut heading = "";
        for (finding, tally) in &self.findings {
            if finding.heading() != heading {
                heading = finding.heading();
                // Writing into a String cannot fail.
                _ = writeln!(out, "{heading}:");
            }
            _ = writeln!(out, "{:>9}  {}{}", tally.count, finding.explain(), example(tally));
        }
        out
    }

    /// The report for programs.
    #[must_use]
    pub fn json(&self, book: &str) -> Value {
        let finding = |(finding, tally): (&Finding, &Tally)| {
            let first: Vec<Value> = tally.first.iter().map(place).collect();
            json!({
                "finding": finding.code(),
                "meaning": finding.explain(),
                "count": tally.count,
                "first": first,
            })
        };
        json!({
            "directory": book,
            "contacts": self.contacts,
            "numbers": self.numbers,
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
            "corrections": self.corrections,
        })
    }
}

fn example(tally: &Tally) -> String {
    let Some(place) = tally.first.first() else { return String::new() };
    let ids: Vec<String> = place.ids.iter().take(2).map(|id| printable(&id.to_string())).collect();
    format!(
        "\n           {}{}",
        ids.join(", "),
        if place.found.is_empty() { String::new() } else { format!(": {}", place.found) }
    )
}

fn place(place: &Place) -> Value {
    let id = |id: &ContactId| match id {
        ContactId::Integer(number) => Value::from(*number),
        ContactId::Text(text) => Value::from(&**text),
    };
    json!({ "ids": place.ids.iter().map(id).collect::<Vec<_>>(), "found": place.found })
}

/// Short, and without anything that steers a terminal.
pub(super) fn printable(text: &str) -> String {
    let plain = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let short: String = plain.clone().take(FOUND).collect();
    if plain.count() > FOUND { format!("{short}...") } else { short }
}
