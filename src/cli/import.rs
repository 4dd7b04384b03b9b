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
use crate::directory::import::mapping::Mapping;
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
    fn options(&self) -> Options {
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
        assert!(error.starts_with("cannot open /no/such/file.csv: "), "{error}");
        let error = shop.import_file(shop.folder.path(), &[]).unwrap_err().to_string();
        assert!(error.ends_with(" is a folder, expected a CSV file"), "{error}");
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
