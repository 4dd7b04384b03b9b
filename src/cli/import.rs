//! `calldex import FILE --directory NAME`: contacts from a file, or from the files of a folder, into an address book.
//!
//! The columns and the progress go to standard error, the report to standard output. What is refused has changed
//! nothing; rows with problems are no failure, the report names them.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use encoding_rs::Encoding;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::config::Reply;
use crate::directory::import::encoding::parse_encoding;
use crate::directory::import::mapping::Mapping;
use crate::directory::import::outcome::{Outcome, Preview, SHOWN};
use crate::directory::import::report::{Report, printable};
use crate::directory::import::sniff::parse_delimiter;
use crate::directory::import::source::FileFormat;
use crate::directory::import::{Import, Options, folder};
use crate::directory::quality::{self, Quality};
use crate::directory::{Book, Directory, ImportSession, MostRemoved};
use crate::error::{Error, Kind, Result};
use crate::lookup::safety::{self, Checked};
use crate::model::Field;
use crate::number::{is_known_country, nearest_country};

/// Progress of a file whose size is known: share, rate, time left.
const OF_A_FILE: &str = "{wide_bar} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";

/// Progress of standard input.
const OF_A_PIPE: &str = "{spinner} {bytes} read  {bytes_per_sec}  {elapsed}";

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
    let sources = sources(args)?;
    let mut report = args.report.as_deref().map(|path| create_report(path, &sources)).transpose()?;
    // All files are looked at before the first one is imported; one that cannot be used refuses them all.
    let looked_at = if sources.len() > 1 { look_at_all(&sources, &options, err)? } else { None };
    let (mut files, mut session) = (Vec::new(), None);
    for source in &sources {
        let shown = looked_at.is_some();
        let done = import_one(source, &options, store, book, terminal, &mut session, (shown, &mut *err));
        files.push((source.name(), done.map_err(|error| in_file(source, error))?));
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
        let columns = look().map_err(|error| in_file(source, error))?;
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

fn in_file(source: &Source, error: Error) -> Error {
    Error::new(error.kind(), format!("cannot import {}", source.name())).because(error)
}

/// Makes the file of the report before anything is imported, so that a wrong name costs nothing: least of all the contacts.
fn create_report(path: &Path, sources: &[Source]) -> Result<File> {
    let place = path.canonicalize().ok();
    let is_it = |source: &Source| matches!(source, Source::File(file) if file.canonicalize().ok() == place);
    if place.is_some() && sources.iter().any(is_it) {
        let message = format!("the report would take the place of the contacts in {}", path.display());
        return Err(Error::new(Kind::Invalid, message));
    }
    File::create(path).map_err(|cause| {
        Error::new(Kind::Unavailable, format!("cannot write the report to {}", path.display())).because(cause)
    })
}

/// What is wrong with the address book as it is after the import.
fn look_at_book(store: &dyn Directory, book: &Book) -> Result<Quality> {
    quality::check(store, book, None).map_err(|error| {
        let message = "the import has ended well, but the address book cannot be checked for its report";
        Error::new(error.kind(), message).because(error)
    })
}

/// The report of the import, and what is wrong with the address book as it is now.
fn write_report(file: &mut File, path: &Path, outcome: &Outcome, quality: Option<&Quality>) -> Result<()> {
    let mut json = outcome.json();
    if let Some(quality) = quality {
        json["quality"] = quality.json(&outcome.directory);
    }
    let text = format!("{json:#}\n");
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|cause| {
        let message = format!("the import has ended well, but its report cannot be written to {}", path.display());
        Error::new(Kind::Unavailable, message).because(cause)
    })
}

/// Where contacts come from.
enum Source {
    /// Standard input.
    Standard,
    /// A file.
    File(PathBuf),
}

/// The name of a file, which a customer may have chosen; it must not steer the terminal.
fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// The files that the arguments name.
fn sources(args: &ImportArgs) -> Result<Vec<Source>> {
    if args.file.as_os_str() == "-" {
        return Ok(vec![Source::Standard]);
    }
    match args.file.is_dir() {
        true => Ok(folder::files(&args.file)?.into_iter().map(Source::File).collect()),
        false => Ok(vec![Source::File(args.file.clone())]),
    }
}

impl Source {
    fn name(&self) -> String {
        match self {
            Self::Standard => "standard input".to_owned(),
            Self::File(path) => shown(path),
        }
    }

    /// Opens it; the size of standard input and of a pipe is not known. Of a file no more is read than it holds now.
    fn open(&self) -> Result<(Box<dyn Read + Send>, Option<u64>)> {
        let Self::File(path) = self else { return Ok((Box::new(std::io::stdin()), None)) };
        let refused = |cause: std::io::Error| {
            Error::new(Kind::NotFound, format!("cannot open {}", path.display())).because(cause)
        };
        let file = File::open(path).map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        match metadata.is_file() {
            true => Ok((Box::new(file.take(metadata.len())), Some(metadata.len()))),
            false => Ok((Box::new(file), None)),
        }
    }

    /// Refuses a file that somebody has written to while it was read: it may have been cut in the middle of a row.
    fn expect_unchanged(&self, size: Option<u64>) -> Result<()> {
        let (Self::File(path), Some(size)) = (self, size) else { return Ok(()) };
        let now = std::fs::metadata(path).map(|metadata| metadata.len());
        match now {
            Ok(now) if now != size => {
                let message = format!(
                    "the file had {size} bytes and now has {now}: it was written to while it was read; nothing was \
                     imported, try again when it is whole"
                );
                Err(Error::new(Kind::Invalid, message))
            }
            // A file that was moved away has been read to its end all the same.
            _ => Ok(()),
        }
    }
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use clap::{FromArgMatches, error::ErrorKind};

    use crate::cli::workshop::block_on;
    use crate::clock::SystemClock;
    use crate::directory::SqliteDirectory;
    use crate::model::ContactId;
    use crate::number::Numbering;

    use super::*;

    struct Shop {
        folder: tempfile::TempDir,
        store: SqliteDirectory,
        book: Book,
    }

    impl Shop {
        fn open() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = SqliteDirectory::open(&folder.path().join("calldex.db"), Arc::new(SystemClock)).unwrap();
            let numbering = Numbering::of_country("RO");
            let book = block_on(store.open_book("customers", &numbering)).unwrap().unwrap();
            Self { folder, store, book }
        }

        /// Writes a file and imports it; what was printed to standard output and to standard error.
        fn import(&self, bytes: &[u8], more: &[&str]) -> Result<(String, String)> {
            let file = self.folder.path().join("contacts.csv");
            std::fs::write(&file, bytes).unwrap();
            self.import_file(&file, more)
        }

        fn import_file(&self, file: &Path, more: &[&str]) -> Result<(String, String)> {
            let arguments = [file.to_str().unwrap(), "--directory", "customers"];
            let args = parse(&[&arguments, more].concat()).unwrap();
            let (mut out, mut err) = (Vec::new(), Vec::new());
            run(&args, &self.store, &self.book, false, &mut out, &mut err)?;
            Ok((String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap()))
        }

        fn revision(&self) -> u64 {
            block_on(self.store.revision(&self.book)).unwrap().unwrap().0
        }
    }

    fn parse(arguments: &[&str]) -> std::result::Result<ImportArgs, clap::Error> {
        let command = ImportArgs::augment_args(clap::Command::new("import").no_binary_name(true));
        ImportArgs::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }

    #[test]
    fn the_same_file_again_changes_nothing_and_says_so() {
        let shop = Shop::open();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/import/google.csv");
        let (first, columns) = shop.import_file(&file, &[]).unwrap();
        assert!(first.contains("  contacts  3 added, 0 changed, 0 unchanged\n"), "{first}");
        assert!(columns.contains("  telephone "), "{columns}");
        let (second, _) = shop.import_file(&file, &[]).unwrap();
        assert!(second.contains("  contacts  0 added, 0 changed, 3 unchanged\n"), "{second}");
    }

    #[test]
    fn a_report_file_also_says_what_is_wrong_with_the_address_book_then() {
        let shop = Shop::open();
        shop.import(b"id,name,telephone\n1,Ana,0722 111 222\n2,,0722 111 333\n", &[]).unwrap();
        let report = shop.folder.path().join("report.json");
        let arguments = ["--report", report.to_str().unwrap()];
        let read = || serde_json::from_slice::<serde_json::Value>(&std::fs::read(&report).unwrap()).unwrap();
        let file = b"id,name,telephone\n3,Eva,0722 111 222\n4,Dan,\n";
        shop.import(file, &[&arguments[..], &["--preview"]].concat()).unwrap();
        assert_eq!(read()["quality"], serde_json::Value::Null, "a preview leaves nothing to be looked at");
        shop.import(file, &arguments).unwrap();
        let found = read()["quality"]["findings"].as_array().unwrap().clone();
        let found: Vec<_> =
            found.iter().map(|one| (one["finding"].as_str().unwrap(), &one["first"][0]["ids"])).collect();
        let ids = |ids: &[i64]| serde_json::json!(ids);
        let expected = [("no_name", ids(&[2])), ("no_number", ids(&[4])), ("shared_unclear", ids(&[1, 3]))];
        assert_eq!(found, expected.iter().map(|(finding, ids)| (*finding, ids)).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_imported_is_in_the_directory() {
        let shop = Shop::open();
        shop.import(b"id;Nume;Prenume;Telefon\n7;Popescu;Ion;0722 111 222 / 0733 222 333\n", &[]).unwrap();
        let contact = block_on(shop.store.get(&shop.book, &ContactId::Integer(7))).unwrap().unwrap().unwrap();
        assert_eq!(contact.get(Field::Name), Some("Ion Popescu"));
        let written: Vec<&str> = contact.numbers.iter().map(|number| number.written.as_str()).collect();
        assert_eq!(written, ["0722 111 222", "0733 222 333"]);
    }

    #[test]
    fn a_value_that_the_lookup_refuses_is_reported_with_its_reason() {
        let shop = Shop::open();
        let file = b"id,telephone,queue_position,direct_line,backend_link\n1,0722111222,101,0722111222,javascript:x\n";
        let (report, _) = shop.import(file, &["--json"]).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let reasons = report["values_not_answered"]["reasons"].as_array().unwrap();
        let found: Vec<&str> = reasons.iter().filter_map(|reason| reason["first"][0]["found"].as_str()).collect();
        assert_eq!(
            found,
            [
                "javascript:x: the scheme `javascript` is not http, https or one of the project's `link_schemes`",
                "0722111222: a bare telephone number would dial out; it needs `direct_line_any` of the project",
                "101: expected a whole number from 0 to 100",
            ]
        );
    }

    #[test]
    fn a_refused_file_changes_nothing_and_is_named() {
        let shop = Shop::open();
        shop.import(b"id,telephone\n1,0722111222\n", &[]).unwrap();
        let before = shop.revision();
        let error = shop.import(b"id,Nume\n1,Ion\n", &[]).unwrap_err().to_string();
        assert!(error.starts_with("cannot import /"), "{error}");
        assert!(error.contains("contacts.csv: no column holds telephone numbers; the columns are \"id\", \"Nume\""));
        let error = shop.import_file(Path::new("/no/such/file.csv"), &[]).unwrap_err().to_string();
        assert!(error.starts_with("cannot import /no/such/file.csv: cannot open /no/such/file.csv: "), "{error}");
        assert_eq!(shop.revision(), before);
    }

    #[test]
    fn a_session_that_is_dropped_half_way_changes_nothing() {
        let shop = Shop::open();
        shop.import(b"id,name,telephone\n1,Ion,0722111222\n", &[]).unwrap();
        let before = shop.revision();
        let import = Import::open(&b"id,name,telephone\n"[..], &Options::default()).unwrap();
        let mut session = shop.store.begin_import(&shop.book, import.covers()).unwrap();
        let contact = crate::model::Contact { id: ContactId::Integer(1), ..Default::default() };
        session.apply(vec![crate::directory::Prepared::read(contact, &shop.book.numbering).unwrap()]).unwrap();
        drop(session);
        let contact = block_on(shop.store.get(&shop.book, &ContactId::Integer(1))).unwrap().unwrap().unwrap();
        assert_eq!(contact.get(Field::Name), Some("Ion"));
        assert_eq!(shop.revision(), before);
    }

    #[test]
    fn wrong_usage_is_told_from_a_refused_file() {
        for (arguments, expected) in [
            (vec!["a.csv"], ErrorKind::MissingRequiredArgument),
            (vec!["a.csv", "--directory", "x", "--map", "backendlink=URL"], ErrorKind::ValueValidation),
            (vec!["a.csv", "--directory", "x", "--delimiter", "dot"], ErrorKind::ValueValidation),
            (vec!["a.csv", "--directory", "x", "--country", "XX"], ErrorKind::ValueValidation),
        ] {
            assert_eq!(parse(&arguments).unwrap_err().kind(), expected, "{arguments:?}");
        }
        let error = parse(&["a.csv", "--directory", "x", "--country", "UK"]).unwrap_err().to_string();
        assert!(error.contains("found \"UK\", expected a two-letter country, such as GB"), "{error}");
        let args = parse(&["-", "--directory", "x", "--country", "ro", "--map", "name=Full name"]).unwrap();
        assert_eq!((args.country.as_deref(), args.name().as_str()), (Some("RO"), "standard input"));
    }
}
