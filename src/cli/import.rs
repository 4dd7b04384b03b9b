//! `calldex import FILE --directory NAME`: contacts from a file, or from the files of a folder, into an address book.
//!
//! The columns and the progress go to standard error, the report to standard output. What is refused has changed
//! nothing; rows with problems are no failure, the report names them.

mod progress;
mod report_file;
mod source;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use encoding_rs::Encoding;

use crate::config::Reply;
use crate::directory::import::encoding::parse_encoding;
use crate::directory::import::mapping::Mapping;
use crate::directory::import::outcome::{Outcome, Preview, SHOWN};
use crate::directory::import::report::Report;
use crate::directory::import::sniff::parse_delimiter;
use crate::directory::import::source::FileFormat;
use crate::directory::import::{Import, Options};
use crate::directory::{Book, Directory, ImportSession, MostRemoved};
use crate::error::{Error, Kind, Result};
use crate::lookup::safety::{self, Checked};
use crate::model::Field;
use crate::number::{is_known_country, nearest_country};

use progress::progress;
use report_file::{create_report, look_at_book, write_report};
use source::{Source, shown, sources};

/// How many places a report file names for each kind of problem.
const REPORT_PLACES: usize = 100_000;

/// Imports contacts from a file into an address book; lookups go on meanwhile with the old ones.
///
/// The file may be CSV or TSV, vCard, JSON (an array, or one object a line) or XLSX, and packed with gzip or zip.
#[derive(Debug, Clone, Args)]
pub(crate) struct ImportArgs {
    /// The file, or a folder of files, or - for standard input
    pub(crate) file: PathBuf,
    /// The address book, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    pub(crate) directory: String,
    /// Country of numbers without a country code, in place of the directory's
    #[arg(long, value_name = "CC", value_parser = parse_country)]
    pub(crate) country: Option<String>,
    /// What a column is, such as telephone="Phone 2"; the column by its name or its number
    #[arg(long, value_name = "FIELD=COLUMN")]
    pub(crate) map: Vec<Mapping>,
    /// What separates the cells: comma, semicolon, tab, pipe [default: found out]
    #[arg(long, value_name = "MARK", value_parser = parse_delimiter)]
    pub(crate) delimiter: Option<u8>,
    /// The first row is a contact, not the names of the columns
    #[arg(long)]
    pub(crate) no_header: bool,
    /// The file has no numbers and only adds to contacts by their id
    #[arg(long)]
    pub(crate) no_numbers: bool,
    /// What the file is: csv, tsv, vcard, json, xlsx [default: found out]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<FileFormat>,
    /// What a text is encoded in, such as windows-1250 [default: found out]
    #[arg(long, value_name = "NAME", value_parser = parse_encoding)]
    pub(crate) encoding: Option<&'static Encoding>,
    /// The sheet of a workbook [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    /// Show what the import would do, and do nothing
    #[arg(long)]
    pub(crate) preview: bool,
    /// Keep contacts that the file does not name; this is the default
    #[arg(long, conflicts_with = "replace")]
    pub(crate) merge: bool,
    /// Remove contacts that the file does not name
    #[arg(long)]
    pub(crate) replace: bool,
    /// With --replace: the most that may be removed, a share or a number of contacts [default: 10%]
    #[arg(long, value_name = "SHARE", requires = "replace")]
    pub(crate) max_removed: Option<MostRemoved>,
    /// Write the whole report as JSON to a file, with what `directory check` says of the address book afterwards
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Do not give way to other programs; calls may be answered later meanwhile
    #[arg(long)]
    pub(crate) full_speed: bool,
}

impl ImportArgs {
    /// What the arguments say about the file; `home` is the country of the address book.
    fn options(&self, home: Option<&str>) -> Options {
        Options {
            delimiter: self.delimiter,
            no_header: self.no_header,
            no_numbers: self.no_numbers,
            maps: self.map.clone(),
            country: self.country.clone(),
            home: self.country.as_deref().or(home).map(str::to_owned),
            format: self.format,
            encoding: self.encoding,
            sheet: self.sheet.clone(),
            places: if self.report.is_some() { REPORT_PLACES } else { 0 },
        }
    }

    /// The file as it is called in messages.
    fn name(&self) -> String {
        if self.file.as_os_str() == "-" { "standard input".to_owned() } else { shown(&self.file) }
    }
}

/// Imports the file into `book` of `store`. `terminal` says whether standard error shows progress to a person.
///
/// Blocks until the import is on the disk: never call it from an async worker.
///
/// # Errors
/// The file or its columns are refused, or reading or storing has failed; nothing has changed then.
pub(crate) fn run(
    args: &ImportArgs,
    store: &dyn Directory,
    book: &Book,
    terminal: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<()> {
    let options = args.options(book.numbering.country.as_deref());
    let sources = sources(&args.file)?;
    let mut report = args.report.as_deref().map(|path| create_report(path, &sources)).transpose()?;
    // All files are looked at before the first one is imported; one that cannot be used refuses them all.
    let looked_at = if sources.len() > 1 { look_at_all(&sources, &options, err)? } else { None };
    let (mut files, mut session) = (Vec::new(), None);
    for source in &sources {
        let shown = looked_at.is_some();
        let done = import_one(source, &options, store, book, terminal, &mut session, (shown, &mut *err));
        files.push((source.name(), done.map_err(|error| source.name_in(error))?));
    }
    let session = session.ok_or_else(|| Error::new(Kind::Internal, "there was nothing to import"))?;
    let (directory, source) = (args.directory.clone(), args.name());
    let outcome = end(args, session, Outcome { directory, source, files, ..Outcome::default() })?;
    if let (Some(file), Some(path)) = (&mut report, &args.report) {
        // A preview has changed nothing: what it would leave behind cannot be looked at.
        let quality = if args.preview { None } else { Some(look_at_book(store, book)?) };
        write_report(file, path, &outcome, quality.as_ref())?;
    }
    print(args, &outcome, out)
}

/// Imports one file into the session, and begins that with the first file.
fn import_one(
    source: &Source,
    options: &Options,
    store: &dyn Directory,
    book: &Book,
    terminal: bool,
    session: &mut Option<Box<dyn ImportSession>>,
    (shown, err): (bool, &mut dyn Write),
) -> Result<Report> {
    let (input, size) = source.open()?;
    let progress = progress(size, terminal);
    let import = Import::open(progress.wrap_read(input), options)?;
    if !shown {
        // Nobody may be listening on standard error; that is no reason not to import.
        _ = progress.suspend(|| write!(err, "{}", import.columns_text()));
    }
    let covers = import.covers();
    let session = match session {
        Some(session) => {
            session.speak_for(covers);
            session
        }
        None => session.insert(store.begin_import(book, covers)?),
    };
    let report = import.stage(&book.numbering, &why_not_answered, &mut **session);
    progress.finish_and_clear();
    let report = report?;
    source.expect_unchanged(size)?;
    Ok(report)
}

/// Opens every file of a folder and shows what its columns are.
fn look_at_all(sources: &[Source], options: &Options, err: &mut dyn Write) -> Result<Option<()>> {
    for source in sources {
        let look = || Ok(Import::open(source.open()?.0, options)?.columns_text());
        let columns = look().map_err(|error| source.name_in(error))?;
        _ = write!(err, "{}\n{columns}", source.name());
    }
    Ok(Some(()))
}

/// Finishes the import, or tells what it would do.
fn end(args: &ImportArgs, mut session: Box<dyn ImportSession>, outcome: Outcome) -> Result<Outcome> {
    let most = args.max_removed.unwrap_or_default();
    let mut refusal = None;
    if args.replace {
        let removal = session.remove_unnamed((!args.preview).then_some(most))?;
        refusal = most.refusal(removal);
    }
    if !args.preview {
        return Ok(Outcome { contacts: session.finish()?, ..outcome });
    }
    let (contacts, differences) = session.preview(SHOWN)?;
    Ok(Outcome { contacts, preview: Some(Preview { differences, refusal }), ..outcome })
}

/// Why a call is not answered with a value, by the rules of a project that allows nothing special.
fn why_not_answered(field: Field, value: &str) -> Option<String> {
    if matches!(field, Field::Company | Field::Email | Field::Owner) {
        return None;
    }
    match safety::check(field, value, &Reply::default()) {
        Checked::Refused(why) => Some(why.into_owned()),
        Checked::Ok(_) | Checked::Changed(..) => None,
    }
}

fn print(args: &ImportArgs, outcome: &Outcome, out: &mut dyn Write) -> Result<()> {
    let text = if args.json { format!("{:#}\n", outcome.json()) } else { outcome.text() };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(unwritable)
}

fn parse_country(text: &str) -> std::result::Result<String, String> {
    let country = text.to_ascii_uppercase();
    if is_known_country(&country) {
        return Ok(country);
    }
    let hint = nearest_country(&country).map_or_else(String::new, |near| format!(", such as {near}"));
    Err(format!("found {text:?}, expected a two-letter country{hint}"))
}

fn unwritable(cause: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, "the import is done, but its report cannot be written").because(cause)
}
