//! What an import did: counts, and for each kind of problem how often and where first.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::directory::ImportSummary;

use super::columns::{Column, shorten, shorten_to};
use super::problem::{Group, Problem};
use super::sniff::delimiter_name;
use super::source::{FileFormat, Manner};

/// How many lines are named for each kind of problem, unless more are wanted for a file; all are counted.
pub const PLACES: usize = 20;

/// How much is remembered of what was found at a place, in characters.
const FOUND_LENGTH: usize = 200;

/// The account of one import.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How the file was read: `separated by comma`, `vCard`.
    pub manner: String,
    /// What the file was.
    pub format: Option<FileFormat>,
    /// What stood between its cells.
    pub delimiter: Option<u8>,
    /// What its text was encoded in.
    pub encoding: Option<&'static str>,
    /// What each column was taken for.
    pub columns: Vec<Column>,
    /// Rows in the file, without the names of the columns and blank lines.
    pub rows: u64,
    /// Numbers in the imported rows that a call can be matched with.
    pub numbers: u64,
    /// What happened to the contacts.
    pub contacts: ImportSummary,
    problems: BTreeMap<Problem, Tally>,
    /// How many places are remembered for each kind of problem.
    places: usize,
}

/// One kind of problem.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often it was met.
    pub count: u64,
    /// The first [`PLACES`] places.
    pub first: Vec<Place>,
}

/// Where a problem was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line of the file, from 1.
    pub line: u64,
    /// What was found there, short and harmless to print; may be empty.
    pub found: String,
}

impl Report {
    /// Remembers so many places for each kind of problem, and no fewer than [`PLACES`].
    pub(crate) fn new(places: usize) -> Self {
        Self { places, ..Self::default() }
    }

    /// Says what was read, and how.
    pub(crate) fn describe(&mut self, columns: Vec<Column>, manner: &Manner) {
        self.columns = columns;
        self.manner = manner.text();
        self.format = manner.format;
        self.delimiter = manner.delimiter;
        self.encoding = manner.encoding.as_ref().map(super::encoding::Found::name);
    }

    /// Counts a problem and remembers the first places; `found` is only asked for when it is kept.
    pub(crate) fn add(&mut self, problem: Problem, line: u64, found: impl FnOnce() -> String) {
        let tally = self.problems.entry(problem).or_default();
        tally.count += 1;
        if tally.first.len() < self.places.max(PLACES) {
            tally.first.push(Place { line, found: printable(&found()) });
        }
    }

    /// Adds what another thread has found out about the numbers of the same file.
    pub(crate) fn add_numbers(&mut self, numbers: Self) {
        self.numbers += numbers.numbers;
        self.problems.extend(numbers.problems);
    }

    /// How often a problem was met.
    #[must_use]
    pub fn count(&self, problem: Problem) -> u64 {
        self.problems.get(&problem).map_or(0, |tally| tally.count)
    }

    /// How many problems of a group there are.
    #[must_use]
    pub fn total(&self, group: Group) -> u64 {
        self.of(group).map(|(_, tally)| tally.count).sum()
    }

    /// The kinds of problems of a group that were met.
    pub fn of(&self, group: Group) -> impl Iterator<Item = (Problem, &Tally)> {
        self.problems
            .iter()
            .filter(move |(problem, _)| problem.group() == group)
            .map(|(problem, tally)| (*problem, tally))
    }

    /// The columns as people want to see them before the import: `telephone <- "Phone 2"`.
    #[must_use]
    pub fn columns_text(&self) -> String {
        columns_text(&self.columns, &self.manner)
    }

    /// The report for people.
    #[must_use]
    pub fn text(&self, file: &str, directory: &str) -> String {
        let mut out = format!("Imported {file} into the directory {directory:?}.\n");
        out.push_str(&self.rows_text());
        out.push_str(&contacts_text(&self.contacts));
        out.push_str(&self.numbers_text());
        out.push_str(&self.problems_text(PLACES));
        out
    }

    /// The line about rows.
    pub(crate) fn rows_text(&self) -> String {
        let (read, skipped) = (grouped(self.rows), grouped(self.total(Group::Skipped)));
        format!("  {:<10}{read} read, {skipped} skipped\n", "rows")
    }

    /// The line about numbers.
    pub(crate) fn numbers_text(&self) -> String {
        let (kept, never) = (grouped(self.numbers), grouped(self.total(Group::Number)));
        format!("  {:<10}{kept} kept, {never} can never match\n", "numbers")
    }

    /// Every kind of problem with its first places, at most `most` of each.
    pub(crate) fn problems_text(&self, most: usize) -> String {
        let mut out = String::new();
        for group in Group::ALL {
            self.write_group(group, most, &mut out);
        }
        out
    }

    fn write_group(&self, group: Group, most: usize, out: &mut String) {
        if self.total(group) == 0 {
            return;
        }
        _ = writeln!(out, "\n{}:", group.heading());
        for (problem, tally) in self.of(group) {
            _ = writeln!(out, "  {:>7}  {}", grouped(tally.count), problem.explain());
            let shown = tally.first.len().min(most);
            for place in tally.first.iter().take(shown) {
                let found = if place.found.is_empty() { String::new() } else { format!(": {}", place.found) };
                _ = writeln!(out, "           line {}{found}", place.line);
            }
            let more = tally.count - shown as u64;
            if more > 0 {
                _ = writeln!(out, "           and {} more", grouped(more));
            }
        }
    }

    /// The report for programs.
    #[must_use]
    pub fn json(&self, file: &str, directory: &str) -> Value {
        let columns: Vec<Value> = self.columns.iter().map(column_json).collect();
        let mut report = json!({
            "file": file,
            "directory": directory,
            "format": self.format.map(FileFormat::as_str),
            "encoding": self.encoding,
            "delimiter": self.delimiter.map(delimiter_name),
            "columns": columns,
            "rows": self.rows,
            "contacts": {
                "added": self.contacts.added,
                "changed": self.contacts.changed,
                "unchanged": self.contacts.unchanged,
                "removed": self.contacts.removed,
            },
            "numbers": self.numbers,
            "revision": self.contacts.revision.0,
        });
        if self.contacts.erased > 0 {
            report["contacts"]["erased_before"] = self.contacts.erased.into();
        }
        for group in Group::ALL {
            report[group.code()] = self.group_json(group);
        }
        report
    }

    fn group_json(&self, group: Group) -> Value {
        let reason = |(problem, tally): (Problem, &Tally)| {
            let first: Vec<Value> =
                tally.first.iter().map(|place| json!({ "line": place.line, "found": place.found })).collect();
            json!({ "reason": problem.code(), "meaning": problem.explain(), "count": tally.count, "first": first })
        };
        json!({ "count": self.total(group), "reasons": self.of(group).map(reason).collect::<Vec<_>>() })
    }
}

/// The line about contacts.
pub(crate) fn contacts_text(contacts: &ImportSummary) -> String {
    let removed = match contacts.removed {
        0 => String::new(),
        removed => format!(", {} removed", grouped(removed)),
    };
    let (added, changed, unchanged) = (grouped(contacts.added), grouped(contacts.changed), grouped(contacts.unchanged));
    let mut out = format!("  {:<10}{added} added, {changed} changed, {unchanged} unchanged{removed}\n", "contacts");
    if contacts.erased > 0 {
        let erased = grouped(contacts.erased);
        _ = writeln!(out, "  {:<10}{erased} rows of people who were erased before; not brought back", "erased");
    }
    out
}

/// What each column was taken for, one line each; `manner` is how the file is read.
pub(crate) fn columns_text(columns: &[Column], manner: &str) -> String {
    let width = columns.iter().map(|column| column.target.name().chars().count()).max().unwrap_or(0).min(30);
    let mut out = format!("Columns, {manner}:\n");
    for column in columns {
        let target = printable(&column.target.name());
        let name = format!("{:?}", shorten(&column.name));
        _ = writeln!(out, "  {target:<width$} <- {name} ({})", column.certainty.as_str());
    }
    out
}

fn column_json(column: &Column) -> Value {
    json!({
        "name": column.name,
        "field": column.target.name(),
        "certainty": column.certainty.as_str(),
    })
}

/// A text that cannot do anything to a terminal: quoted where it is not plain, and short.
pub(crate) fn printable(text: &str) -> String {
    let short = shorten_to(text, FOUND_LENGTH);
    let plain = |character: char| !character.is_control() && !is_bidi(character);
    if short.chars().all(plain) { short } else { short.escape_debug().to_string() }
}

/// Marks that turn the direction of what follows them.
fn is_bidi(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A count with a comma between thousands.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::model::Field;

    use super::*;

    const QUEUE: Problem = Problem::NotAnswered(Field::QueuePosition);

    #[test]
    fn the_first_twenty_places_are_named_and_all_are_counted() {
        let mut report = Report::default();
        for line in 1..=1_234 {
            report.add(QUEUE, line, || line.to_string());
        }
        assert_eq!(report.count(QUEUE), 1_234);
        let text = report.text("a.csv", "customers");
        assert!(text.contains("    1,234  queue_position\n           line 1: 1\n"));
        assert!(text.contains("           line 20: 20\n           and 1,214 more\n"), "{text}");
        let reasons = &report.json("a.csv", "customers")["values_not_answered"];
        assert_eq!(reasons["count"], 1_234);
        assert_eq!(reasons["reasons"][0]["first"].as_array().unwrap().len(), PLACES);
    }

    #[test]
    fn what_was_found_cannot_play_with_the_terminal() {
        let mut report = Report::default();
        report.add(Problem::NotAnswered(Field::DirectLine), 2, || "\u{1b}[2J\u{202e}x".to_owned());
        let tally = report.of(Group::NotAnswered).next().unwrap().1;
        assert_eq!(tally.first, [Place { line: 2, found: "\\u{1b}[2J\\u{202e}x".to_owned() }]);
    }

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }
}
