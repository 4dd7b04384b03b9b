//! `calldex import FILE --directory NAME`: contacts from a CSV file into an address book.
//!
//! The columns and the progress go to standard error, the report to standard output. What is refused has changed
//! nothing; rows with problems are no failure, the report names them.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::config::{Format, Reply};
use crate::directory::import::columns::Mapping;
use crate::directory::import::report::Report;
use crate::directory::import::sniff::parse_delimiter;
use crate::directory::import::{Import, Options};
use crate::directory::{Book, Directory};
use crate::error::{Error, Kind, Result};
use crate::lookup::safety::{self, Checked};
use crate::model::Field;
use crate::number::{is_known_country, nearest_country};

/// Progress of a file whose size is known: share, rate, time left.
const OF_A_FILE: &str = "{wide_bar} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";

/// Progress of standard input.
const OF_A_PIPE: &str = "{spinner} {bytes} read  {bytes_per_sec}  {elapsed}";

/// Imports contacts from a CSV file into an address book; lookups go on meanwhile with the old ones.
#[derive(Debug, Clone, Args)]
pub(crate) struct ImportArgs {
    /// The file, or - for standard input
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
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl ImportArgs {
    /// What the arguments say about the file.
    #[must_use]
    pub(crate) fn options(&self) -> Options {
        Options {
            delimiter: self.delimiter,
            no_header: self.no_header,
            no_numbers: self.no_numbers,
            maps: self.map.clone(),
            country: self.country.clone(),
        }
    }

    /// The file as it is called in messages.
    fn name(&self) -> String {
        if self.file.as_os_str() == "-" { "standard input".to_owned() } else { self.file.display().to_string() }
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
    let in_file = |error: Error| Error::new(error.kind(), format!("cannot import {}", args.name())).because(error);
    let (input, size) = open(args)?;
    let progress = progress(size, terminal);
    let import = Import::open(progress.wrap_read(input), &args.options()).map_err(in_file)?;
    // Nobody may be listening on standard error; that is no reason not to import.
    _ = progress.suspend(|| write!(err, "{}", import.columns_text()));
    let session = store.begin_import(book, import.covers())?;
    let report = import.run(&book.numbering, &why_not_answered, session).map_err(in_file);
    progress.finish_and_clear();
    print(args, &report?, out)
}

/// Why a call is not answered with a value, by the rules of a project that allows nothing special.
fn why_not_answered(field: Field, value: &str) -> Option<String> {
    if matches!(field, Field::Company | Field::Email | Field::Owner) {
        return None;
    }
    match safety::check(field, value, &STRICT) {
        Checked::Refused(why) => Some(why.into_owned()),
        Checked::Ok(_) | Checked::Changed(..) => None,
    }
}

/// The reply of a project that has no keys about it.
const STRICT: Reply = Reply {
    extended: true,
    format: Format::Json,
    root_tag: None,
    xml_wrap: None,
    name_length: None,
    name_ascii: false,
    name_sip_safe: false,
    link_schemes: Vec::new(),
    direct_line_any: false,
    direct_lines: None,
};

fn print(args: &ImportArgs, report: &Report, out: &mut dyn Write) -> Result<()> {
    let name = args.name();
    let text = match args.json {
        true => format!("{:#}\n", report.json(&name, &args.directory)),
        false => report.text(&name, &args.directory),
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(unwritable)
}

/// Opens the file; its size is not known for standard input and pipes.
fn open(args: &ImportArgs) -> Result<(Box<dyn Read + Send>, Option<u64>)> {
    if args.file.as_os_str() == "-" {
        return Ok((Box::new(std::io::stdin()), None));
    }
    let refused = |cause: std::io::Error| {
        Error::new(Kind::NotFound, format!("cannot open {}", args.file.display())).because(cause)
    };
    let file = File::open(&args.file).map_err(refused)?;
    let metadata = file.metadata().map_err(refused)?;
    if metadata.is_dir() {
        return Err(Error::new(Kind::Invalid, format!("{} is a folder, expected a CSV file", args.file.display())));
    }
    Ok((Box::new(file), metadata.is_file().then_some(metadata.len())))
}

fn progress(size: Option<u64>, terminal: bool) -> ProgressBar {
    if !terminal {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr());
    let template = if size.is_some() { OF_A_FILE } else { OF_A_PIPE };
    // The template is a constant of ours; were it wrong, the default style shows the progress as well.
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
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
