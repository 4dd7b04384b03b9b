//! Contacts out of files, into an address book.
//!
//! A file goes through these steps: `source` finds out what it is, `packed` unpacks it, `encoding` brings texts to
//! UTF-8, and one reader for each format (`reader` for CSV, `vcard`, `json`, `xlsx`) makes rows under named columns of
//! it, whatever is wrong with it. From there on all formats are the same: [`columns`] (what each column is for, by
//! [`mapping`] or the words of `words`), `rows` (a row becomes a contact), [`report`] (what was wrong, in the words of
//! [`problem`]), [`outcome`] (what all files together did). One thread reads the file, one its numbers, and the
//! caller's thread hands them to the store in batches. Nothing becomes visible before the last row has been stored, so whatever
//! ends an import half way (a signal, a full disk, a broken pipe) leaves the address book as it was.
//!
//! Memory is bounded whatever the file holds: a row has an upper size, a batch has one, and only so many places are
//! remembered for each kind of problem.

mod card;
mod chunks;
pub mod columns;
pub mod encoding;
pub mod folder;
mod json;
mod lines;
pub mod mapping;
pub mod outcome;
pub(super) mod own;
mod packed;
pub mod problem;
mod reader;
mod records;
pub mod report;
mod rows;
pub mod sniff;
pub mod source;
mod vcard;
mod words;
mod xlsx;

#[cfg(test)]
mod format_tests;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::sync::mpsc::{Receiver, sync_channel};

use encoding_rs::Encoding;

use crate::directory::{Covers, ImportSession, Prepared, Preparer};
use crate::error::{Error, Kind, Result};
use crate::model::Contact;
use crate::number::Numbering;
use crate::number::indexed::Indexed;

use columns::Column;
use mapping::Mapping;
use problem::Problem;
use reader::{Next, Record};
use records::Records;
use report::Report;
use rows::{Rows, Settings};
use source::{FileFormat, Manner};

pub use rows::Check;
pub use words::is_telephone_column;

/// Contacts handed to the store at a time: few enough that they stay in the processor's cache from thread to thread, and
/// enough for a transaction.
const BATCH: usize = 500;

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
    /// Two-letter country of whoever exported the file, from which its encoding can be guessed.
    pub home: Option<String>,
    /// What the file is; found out when it is not given.
    pub format: Option<FileFormat>,
    /// What a text is encoded in; found out when it is not given.
    pub encoding: Option<&'static Encoding>,
    /// The sheet of a workbook; the first one when it is not given.
    pub sheet: Option<String>,
    /// How many places are remembered for each kind of problem, if more than [`report::PLACES`].
    pub places: usize,
}

/// A file whose columns are known and whose rows are still to be read.
pub struct Import<'a> {
    records: Box<dyn Records + 'a>,
    columns: Vec<Column>,
    manner: Manner,
    country: String,
    places: usize,
    /// The first row, when it is a contact.
    first: Option<Record>,
}

impl<'a> Import<'a> {
    /// Takes the start of the file, finds out what it is and decides what its columns are.
    ///
    /// # Errors
    /// The file cannot be read, is nothing that can be imported, has no numbers, or has no column that `--map` names.
    pub fn open(input: impl Read + Send + 'a, options: &Options) -> Result<Self> {
        let opened = source::open(Box::new(input), options)?;
        let columns = columns::decide(&opened.names, &options.maps, options.no_numbers)?;
        let country = options.country.clone().unwrap_or_default();
        let (records, manner, first) = (opened.records, opened.manner, opened.first);
        Ok(Self { records, columns, manner, country, places: options.places, first })
    }

    /// What each column is taken for, to be shown before the import.
    #[must_use]
    pub fn columns_text(&self) -> String {
        report::columns_text(&self.columns, &self.manner.text())
    }

    /// For which parts of a contact the file speaks.
    #[must_use]
    pub fn covers(&self) -> Covers {
        columns::covers(&self.columns)
    }

    /// Reads the whole file into the session and makes it visible.
    ///
    /// # Errors
    /// Those of [`Import::stage`]; the address book is then as before.
    pub fn run(self, numbering: &Numbering, check: &Check<'_>, mut session: Box<dyn ImportSession>) -> Result<Report> {
        let mut report = self.stage(numbering, check, &mut *session)?;
        report.contacts = session.finish()?;
        Ok(report)
    }

    /// Reads the whole file into the session, which has still to be finished. The numbers are read with `numbering`,
    /// that of the address book; `check` says which values no call will be answered with.
    ///
    /// # Errors
    /// The file cannot be read to its end, or the store fails; the session can only be dropped then.
    pub fn stage(self, numbering: &Numbering, check: &Check<'_>, session: &mut dyn ImportSession) -> Result<Report> {
        let mut preparer = session.preparer()?;
        let (rows, read) = sync_channel(WAITING);
        let (ready, received) = sync_channel(WAITING);
        let (mut numbers, panicked) =
            (Report::new(self.places), || Error::new(Kind::Internal, "a thread that reads the file has panicked"));
        let (reading, preparing, applied) = std::thread::scope(|scope| {
            // Each ends when the one before it does, or when the one behind it is gone because it has failed.
            let reading = scope.spawn(move || self.read(numbering, check, &mut |batch| rows.send(batch).is_ok()));
            let report = &mut numbers;
            let preparing = scope.spawn(move || -> Result<()> {
                for batch in read {
                    if ready.send(prepare(batch, &mut *preparer, report)?).is_err() {
                        break;
                    }
                }
                Ok(())
            });
            let applied = apply_all(session, received);
            (reading.join(), preparing.join(), applied)
        });
        applied?;
        preparing.map_err(|_| panicked())??;
        let mut report = reading.map_err(|_| panicked())??;
        report.add_numbers(numbers);
        Ok(report)
    }

    /// Reads all rows; `take` gets each batch and says whether there is use in going on.
    fn read(mut self, numbering: &Numbering, check: &Check<'_>, take: &mut dyn FnMut(Batch) -> bool) -> Result<Report> {
        let columns = std::mem::take(&mut self.columns);
        let mut report = Report::new(self.places);
        let quoted = self.manner.is_quoted();
        let settings =
            Settings { columns: &columns, country: &self.country, numbering, check, quoted, ragged: !quoted };
        let mut rows = Rows::new(settings);
        let mut batch = Batch::new();
        let mut record = Record::default();
        if let Some(first) = self.first.take() {
            batch.add(&first, &mut rows, &mut report);
        }
        loop {
            match self.records.next(&mut record)? {
                Next::Row => batch.add(&record, &mut rows, &mut report),
                Next::Broken(fault) => rows.broken(fault.into(), &record, &mut report),
                Next::Remark(fault) => report.add(fault.into(), record.line, || record.note.clone()),
                Next::End => break,
            }
            if batch.is_full() && !take(std::mem::replace(&mut batch, Batch::new())) {
                break;
            }
        }
        if !batch.contacts.is_empty() {
            take(batch);
        }
        report.describe(columns, &self.manner);
        Ok(report)
    }
}

/// Runs everything but the store on any bytes, for fuzzers: returns how many rows there were, or `None` when the
/// file is refused. Never panics, and its memory does not grow with the input.
#[must_use]
pub fn fuzz_bytes(bytes: &[u8]) -> Option<u64> {
    let numbering = Numbering { country: Some("RO".to_owned()), ..Numbering::default() };
    let import = Import::open(bytes, &Options::default()).ok()?;
    let (mut numbers, mut plain) = (Report::default(), Plain(numbering.clone()));
    let mut take = |batch| prepare(batch, &mut plain, &mut numbers).is_ok();
    let mut report = import.read(&numbering, &|_, _| None, &mut take).ok()?;
    report.add_numbers(numbers);
    let texts = report.text("fuzz.csv", "fuzz").len() + report.json("fuzz.csv", "fuzz").to_string().len();
    (texts > 0).then_some(report.rows)
}

/// Reads numbers without a store.
struct Plain(Numbering);

impl Preparer for Plain {
    fn prepare(&mut self, contacts: Vec<Contact>) -> Result<Vec<Prepared>> {
        contacts.into_iter().map(|contact| Prepared::read(contact, &self.0)).collect()
    }
}

/// Contacts on their way to the store, with their lines.
struct Batch {
    contacts: Vec<Contact>,
    lines: Vec<u64>,
    bytes: usize,
}

impl Batch {
    fn new() -> Self {
        Self { contacts: Vec::with_capacity(BATCH), lines: Vec::with_capacity(BATCH), bytes: 0 }
    }

    fn add(&mut self, record: &Record, rows: &mut Rows<'_>, report: &mut Report) {
        let Some(contact) = rows.contact(record, report) else { return };
        self.bytes += record.bytes().len();
        self.lines.push(record.line);
        self.contacts.push(contact);
    }

    fn is_full(&self) -> bool {
        self.contacts.len() >= BATCH || self.bytes >= BATCH_BYTES
    }
}

/// Reads the numbers of a batch; those of no use go into the report.
fn prepare(batch: Batch, preparer: &mut dyn Preparer, report: &mut Report) -> Result<Vec<Prepared>> {
    let prepared = preparer.prepare(batch.contacts)?;
    prepared.iter().zip(batch.lines).for_each(|(prepared, line)| count_numbers(prepared, line, report));
    Ok(prepared)
}

/// Hands over every batch. Takes the receiver, so that the reader notices when the store has failed.
fn apply_all(session: &mut dyn ImportSession, received: Receiver<Vec<Prepared>>) -> Result<()> {
    for batch in received {
        session.apply(batch)?;
    }
    Ok(())
}

/// Counts what a call can be matched with, and reports the rest.
fn count_numbers(prepared: &Prepared, line: u64, report: &mut Report) {
    if prepared.is_recognised() {
        report.numbers += prepared.contact().numbers.len() as u64;
    }
    for (number, reading) in prepared.contact().numbers.iter().zip(prepared.readings()) {
        match reading {
            Indexed::Number { .. } | Indexed::Local(_) => report.numbers += 1,
            Indexed::Unread { reason, .. } => {
                report.add(Problem::Number(*reason), line, || columns::shorten(&number.written));
            }
        }
    }
}
