//! What an import prints, changes and refuses.

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
    let found: Vec<_> = found.iter().map(|one| (one["finding"].as_str().unwrap(), &one["first"][0]["ids"])).collect();
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
