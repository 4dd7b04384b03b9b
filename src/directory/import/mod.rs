//! Contacts out of a CSV file, into an address book.
//!
//! A file goes through these steps: [`sniff`] (is it CSV, what separates its cells), `reader` (rows, whatever is wrong
//! with the file), [`columns`] (what each column is for, by [`mapping`] or the words of `words`), `rows` (a row becomes
//! a contact), [`report`] (what was wrong, in the words of [`problem`]). One thread reads the file and its numbers, the
//! caller's thread hands them to the store in batches. Nothing becomes visible before the last row has been stored,
//! so whatever ends an import half way (a signal, a full disk, a broken pipe) leaves the address book as it was.
//!
//! Memory is bounded whatever the file holds: a row has an upper size, a batch has one, and only
//! [`report::PLACES`] places are remembered for each kind of problem.

pub mod columns;
pub mod mapping;
pub(super) mod own;
pub mod problem;
mod reader;
pub mod report;
mod rows;
pub mod sniff;
mod words;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::sync::mpsc::{Receiver, sync_channel};

use crate::directory::{Covers, ImportSession, Prepared};
use crate::error::{Error, Kind, Result};
use crate::number::Numbering;
use crate::number::indexed::Indexed;

use columns::Column;
use mapping::Mapping;
use problem::Problem;
use reader::{MAX_COLUMNS, Next, Reader, Record};
use report::Report;
use rows::{Rows, Settings};

pub use rows::Check;

/// Contacts handed to the store at a time.
const BATCH: usize = 2_000;

/// A batch is handed over early when its rows are this large, in bytes.
const BATCH_BYTES: usize = 4 << 20;

/// Batches that may wait for the store; the reader stops when there are more.
const WAITING: usize = 2;

/// What the user says about the file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What stands between cells; found out when it is not given.
    pub delimiter: Option<u8>,
    /// Whether the first row is a contact instead of the names of the columns.
    pub no_header: bool,
    /// Whether the file only adds to contacts by their id.
    pub no_numbers: bool,
    /// `--map FIELD=COLUMN`
    pub maps: Vec<Mapping>,
    /// Two-letter country of numbers without a country code, in place of the directory's.
    pub country: Option<String>,
}

/// A file whose columns are known and whose rows are still to be read.
#[derive(Debug)]
pub struct Import<R> {
    reader: Reader<R>,
    columns: Vec<Column>,
    delimiter: u8,
    country: String,
    /// The first row, when it is a contact.
    first: Option<Record>,
}

impl<R: Read + Send> Import<R> {
    /// Takes the start of the file and decides what its columns are.
    ///
    /// # Errors
    /// The file cannot be read, is no CSV in UTF-8, has no numbers, or has no column that `--map` names.
    pub fn open(mut input: R, options: &Options) -> Result<Self> {
        let start = sniff::sniff(&mut input, options.delimiter)?;
        let mut reader = Reader::new(input, start.delimiter, start.taken, start.line);
        let mut record = Record::default();
        let names = match reader.next(&mut record)? {
            Next::Row if options.no_header => columns::unnamed(record.columns()),
            Next::Row => header_names(&record)?,
            Next::Broken(fault) => return Err(unusable_header(record.line, Problem::from(fault).explain())),
            Next::End => return Err(unusable_header(record.line, "expected the names of the columns")),
        };
        if record.columns() > MAX_COLUMNS {
            let found = format!("{} columns, expected at most {MAX_COLUMNS}", record.columns());
            return Err(unusable_header(record.line, &found));
        }
        let columns = columns::decide(&names, &options.maps, options.no_numbers)?;
        let first = options.no_header.then_some(record);
        let country = options.country.clone().unwrap_or_default();
        Ok(Self { reader, columns, delimiter: start.delimiter, country, first })
    }

    /// What each column is taken for, to be shown before the import.
    #[must_use]
    pub fn columns_text(&self) -> String {
        report::columns_text(&self.columns, &sniff::delimiter_name(self.delimiter))
    }

    /// For which parts of a contact the file speaks.
    #[must_use]
    pub fn covers(&self) -> Covers {
        columns::covers(&self.columns)
    }

    /// Reads the whole file into the session and makes it visible. The numbers are read with `numbering`, that of the
    /// address book; `check` says which values no call will be answered with.
    ///
    /// # Errors
    /// The file cannot be read to its end, or the store fails; the address book is then as before.
    pub fn run(self, numbering: &Numbering, check: &Check<'_>, mut session: Box<dyn ImportSession>) -> Result<Report> {
        let (batches, received) = sync_channel(WAITING);
        let (read, applied) = std::thread::scope(|scope| {
            // The reader ends when the file does, or when the receiver below is gone because the store has failed.
            let reading = scope.spawn(move || self.read(numbering, check, &mut |batch| batches.send(batch).is_ok()));
            let applied = apply_all(&mut *session, received);
            (reading.join(), applied)
        });
        applied?;
        let mut report =
            read.map_err(|_| Error::new(Kind::Internal, "the thread that reads the file has panicked"))??;
        report.contacts = session.finish()?;
        Ok(report)
    }

    /// Reads all rows; `take` gets each batch and says whether there is use in going on.
    fn read(
        mut self,
        numbering: &Numbering,
        check: &Check<'_>,
        take: &mut dyn FnMut(Vec<Prepared>) -> bool,
    ) -> Result<Report> {
        let columns = std::mem::take(&mut self.columns);
        let mut report = Report::new(sniff::delimiter_name(self.delimiter));
        let mut rows = Rows::new(Settings { columns: &columns, country: &self.country, numbering, check });
        let mut batch = Batch::default();
        let mut record = Record::default();
        if let Some(first) = self.first.take() {
            batch.add(&first, &mut rows, numbering, &mut report)?;
        }
        loop {
            match self.reader.next(&mut record)? {
                Next::Row => batch.add(&record, &mut rows, numbering, &mut report)?,
                Next::Broken(fault) => rows.broken(fault.into(), record.line, &mut report),
                Next::End => break,
            }
            if batch.is_full() && !take(batch.take()) {
                break;
            }
        }
        if !batch.contacts.is_empty() {
            take(batch.take());
        }
        report.columns = columns;
        Ok(report)
    }
}

/// Runs everything but the store on any bytes, for fuzzers: returns how many rows there were, or `None` when the
/// file is refused. Never panics, and its memory does not grow with the input.
#[must_use]
pub fn fuzz_bytes(bytes: &[u8]) -> Option<u64> {
    let numbering = Numbering { country: Some("RO".to_owned()), ..Numbering::default() };
    let import = Import::open(bytes, &Options::default()).ok()?;
    let report = import.read(&numbering, &|_, _| None, &mut |_| true).ok()?;
    let texts = report.text("fuzz.csv", "fuzz").len() + report.json("fuzz.csv", "fuzz").to_string().len();
    (texts > 0).then_some(report.rows)
}

/// Contacts on their way to the store.
#[derive(Default)]
struct Batch {
    contacts: Vec<Prepared>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, record: &Record, rows: &mut Rows<'_>, numbering: &Numbering, report: &mut Report) -> Result<()> {
        let Some(contact) = rows.contact(record, report) else { return Ok(()) };
        let prepared = Prepared::read(contact, numbering)?;
        count_numbers(&prepared, record.line, report);
        self.bytes += record.bytes().len();
        self.contacts.push(prepared);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.contacts.len() >= BATCH || self.bytes >= BATCH_BYTES
    }

    fn take(&mut self) -> Vec<Prepared> {
        self.bytes = 0;
        std::mem::take(&mut self.contacts)
    }
}

/// Hands over every batch. Takes the receiver, so that the reader notices when the store has failed.
fn apply_all(session: &mut dyn ImportSession, received: Receiver<Vec<Prepared>>) -> Result<()> {
    for batch in received {
        session.apply(batch)?;
    }
    Ok(())
}

fn header_names(record: &Record) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for column in 0..record.columns().min(MAX_COLUMNS) {
        let cell = record.cell(column);
        let name = std::str::from_utf8(cell).map_err(|error| {
            let at = error.valid_up_to();
            let byte = cell.get(at).copied().unwrap_or_default();
            let found = format!("byte 0x{byte:02X} at place {} of cell {} is not UTF-8", at + 1, column + 1);
            unusable_header(record.line, &format!("{found}; save the file as CSV in UTF-8"))
        })?;
        names.push(name.replace(char::is_control, " ").trim().to_owned());
    }
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    Ok(names)
}

fn unusable_header(line: u64, found: &str) -> Error {
    Error::new(Kind::Invalid, format!("line {line}, the names of the columns: {found}"))
}
/// Counts what a call can be matched with, and reports the rest.
fn count_numbers(prepared: &Prepared, line: u64, report: &mut Report) {
    for (number, reading) in prepared.contact().numbers.iter().zip(prepared.readings()) {
        match reading {
            Indexed::Number { .. } | Indexed::Local(_) => report.numbers += 1,
            Indexed::Unread { reason, .. } => {
                report.add(Problem::Number(*reason), line, || columns::shorten(&number.written));
            }
        }
    }
}
