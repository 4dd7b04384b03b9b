//! `calldex directory list | show | check | export | remove`: whole address books.

mod output;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::clock::{Clock, SystemClock};
use crate::directory::export::{Format, export};
use crate::directory::{Book, Statistics, quality, reread};
use crate::error::{Error, Kind, Result};

use super::Outcome;
use super::workshop::{self, Workshop, unwritable};
use output::Output;

/// What to do with address books.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the address books with their sizes and the age of their last import
    List(List),
    /// Show one address book
    Show(Show),
    /// Report numbers that can never match, missing names, duplicates; changes nothing
    Check(Check),
    /// Write an address book as CSV or JSON lines, so that an import brings it back
    Export(Export),
    /// Read the stored numbers anew, after `country` or `numbers_without_plus` has changed
    Reread(Reread),
    /// Remove an address book with all its contacts
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The address book
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The address book
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write proposed corrections to a CSV file, to be edited and imported
    #[arg(long, value_name = "FILE")]
    fixes: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The address book
    name: String,
    /// The file, or - for standard output
    #[arg(default_value = "-")]
    file: PathBuf,
    /// How it is written
    #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
    format: ExportFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ExportFormat {
    Csv,
    Jsonl,
}

#[derive(Debug, Args)]
pub(crate) struct Reread {
    /// The address book
    name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The address book
    name: String,
    /// Really
    #[arg(long)]
    yes: bool,
}

/// Runs the command on the store of the configuration.
pub(crate) fn run(file: &Path, command: &Command) -> Outcome {
    let workshop = Workshop::open(file)?;
    let mut out = std::io::stdout();
    match command {
        Command::List(list) => run_list(&workshop, list, &SystemClock, &mut out),
        Command::Show(show) => run_show(&workshop, show, &SystemClock, &mut out),
        Command::Check(check) => run_check(&workshop, check, &mut out),
        Command::Export(export) => run_export(&workshop, export, &mut out),
        Command::Reread(arguments) => run_reread(&workshop, arguments, &mut out),
        Command::Remove(remove) => run_remove(&workshop, remove, &mut out),
    }
}

/// An address book and how much it holds.
struct State {
    name: Arc<str>,
    /// Whether the configuration names it.
    configured: bool,
    statistics: Statistics,
}

impl State {
    fn read(workshop: &Workshop, book: &Book) -> Result<Self> {
        let statistics = workshop::block_on(workshop.directory.statistics(book))??;
        let configured = workshop.config.directories.contains_key(&book.name);
        Ok(Self { name: book.name.clone(), configured, statistics })
    }

    fn json(&self, now: i64) -> Value {
        let imported = self.statistics.imported_at;
        json!({
            "directory": &*self.name,
            "configured": self.configured,
            "contacts": self.statistics.contacts,
            "numbers": self.statistics.numbers,
            "revision": self.statistics.revision.0,
            "imported": imported.map(time),
            "read_otherwise": self.read_otherwise(),
            "age_seconds": imported.map(|at| now.saturating_sub(at) / 1000),
        })
    }

    /// The settings with which the numbers were read. A book that is not in the configuration has none to compare with.
    fn read_otherwise(&self) -> Option<&str> {
        self.statistics.read_otherwise.as_deref().filter(|_| self.configured)
    }

    /// `2026-11-23T10:00:00Z, 3 days ago`.
    fn imported(&self, now: i64) -> String {
        match self.statistics.imported_at {
            Some(at) => format!("{}, {} ago", time(at), age(now.saturating_sub(at))),
            None => "never".to_owned(),
        }
    }
}

fn run_list(workshop: &Workshop, list: &List, clock: &dyn Clock, out: &mut dyn Write) -> Result<()> {
    let now = clock.utc_millis();
    for book in workshop.books()? {
        let state = State::read(workshop, &book)?;
        if list.json {
            writeln!(out, "{}", state.json(now)).map_err(unwritable)?;
            continue;
        }
        let Statistics { contacts, numbers, .. } = state.statistics;
        let remark = match (state.configured, state.read_otherwise()) {
            (false, _) => "  (not in the configuration)",
            (true, Some(_)) => "  (numbers read with other settings: calldex directory reread)",
            (true, None) => "",
        };
        let imported = state.imported(now);
        writeln!(out, "{}  {contacts} contacts  {numbers} numbers  imported {imported}{remark}", state.name)
            .map_err(unwritable)?;
    }
    Ok(())
}

fn run_show(workshop: &Workshop, show: &Show, clock: &dyn Clock, out: &mut dyn Write) -> Result<()> {
    let book = workshop.existing_book(&show.name)?;
    let state = State::read(workshop, &book)?;
    let now = clock.utc_millis();
    if show.json {
        return writeln!(out, "{}", state.json(now)).map_err(unwritable);
    }
    let store = &workshop.config.server.store;
    let bytes = std::fs::metadata(store).map_or(0, |file| file.len());
    let country = book.numbering.country.as_deref().unwrap_or("none: only numbers with +");
    let lines = [
        ("directory", state.name.to_string()),
        ("configured", if state.configured { "yes" } else { "no" }.to_owned()),
        ("country", country.to_owned()),
        ("contacts", state.statistics.contacts.to_string()),
        ("numbers", state.statistics.numbers.to_string()),
        ("imported", state.imported(now)),
        ("revision", state.statistics.revision.0.to_string()),
        ("store", format!("{}, {bytes} bytes with all its address books", store.display())),
    ];
    lines.iter().try_for_each(|(name, value)| writeln!(out, "{name}: {value}")).map_err(unwritable)?;
    match state.read_otherwise() {
        Some(before) => writeln!(out, "read with: {before}; calldex directory reread {} changes it", state.name),
        None => Ok(()),
    }
    .map_err(unwritable)
}

fn run_check(workshop: &Workshop, check: &Check, out: &mut dyn Write) -> Result<()> {
    let book = workshop.existing_book(&check.name)?;
    let mut fixes = check.fixes.as_deref().map(Output::begin).transpose()?;
    let sink = fixes.as_mut().map(|fixes| fixes as &mut dyn Write);
    let quality = quality::check(workshop.directory.as_ref(), &book, sink)?;
    if let Some(fixes) = fixes {
        fixes.finish()?;
    }
    if check.json {
        return writeln!(out, "{:#}", quality.json(&book.name)).map_err(unwritable);
    }
    write!(out, "{}", quality.text(&book.name)).map_err(unwritable)?;
    let Some(file) = &check.fixes else { return Ok(()) };
    let (file, lines) = (file.display(), quality.corrections);
    let next = format!("edit it, then: calldex import {file} --directory {}", book.name);
    writeln!(out, "{lines} lines of proposed corrections are in {file}; {next}").map_err(unwritable)
}

fn run_export(workshop: &Workshop, arguments: &Export, out: &mut dyn Write) -> Result<()> {
    let book = workshop.existing_book(&arguments.name)?;
    let format = match arguments.format {
        ExportFormat::Csv => Format::Csv,
        ExportFormat::Jsonl => Format::JsonLines,
    };
    let directory = workshop.directory.as_ref();
    if arguments.file.as_os_str() == "-" {
        let mut buffered = std::io::BufWriter::new(out);
        return export(directory, &book, format, &mut buffered).map(|_| ());
    }
    let mut file = Output::begin(&arguments.file)?;
    let exported = export(directory, &book, format, &mut file)?;
    file.finish()?;
    let name = arguments.file.display();
    writeln!(out, "{} contacts with {} numbers are in {name}", exported.contacts, exported.numbers).map_err(unwritable)
}

/// Only a book of the configuration: what is read anew needs a country.
fn run_reread(workshop: &Workshop, arguments: &Reread, out: &mut dyn Write) -> Result<()> {
    let book = workshop.book(&arguments.name)?;
    let read = reread(workshop.directory.as_ref(), &book)?;
    let (changed, unchanged) = (read.changed, read.unchanged);
    writeln!(out, "{}: {changed} contacts have other numbers now, {unchanged} have the same", book.name)
        .map_err(unwritable)
}

fn run_remove(workshop: &Workshop, remove: &Remove, out: &mut dyn Write) -> Result<()> {
    let book = workshop.existing_book(&remove.name)?;
    if !remove.yes {
        let contacts = State::read(workshop, &book)?.statistics.contacts;
        let message = format!("this would remove {} with {contacts} contacts; say --yes to do it", book.name);
        return Err(Error::new(Kind::Refused, message));
    }
    let removed = workshop::block_on(workshop.directory.remove_book(&book.name))??.unwrap_or(0);
    writeln!(out, "{} removed with {removed} contacts", book.name).map_err(unwritable)
}

/// A time in UTC.
pub(crate) fn time(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| "an unknown time".to_owned(), |time| time.to_string())
}

/// A span in the largest whole unit.
fn age(millis: i64) -> String {
    let seconds = millis.max(0) / 1000;
    let (count, unit) = match seconds {
        0..=119 => (seconds, "seconds"),
        120..=7_199 => (seconds / 60, "minutes"),
        7_200..=172_799 => (seconds / 3_600, "hours"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_the_largest_unit() {
        let ages = [0, 119_999, 120_000, 7_200_000, 172_800_000, -5].map(age);
        assert_eq!(ages, ["0 seconds", "119 seconds", "2 minutes", "2 hours", "2 days", "0 seconds"]);
    }
}
