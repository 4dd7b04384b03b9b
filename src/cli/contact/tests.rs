//! What a person at the terminal reads.

use std::sync::Arc;

use clap::Parser;

use super::*;
use crate::clock::SystemClock;
use crate::directory::SqliteDirectory;
use crate::number::Numbering;

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

struct Terminal {
    directory: SqliteDirectory,
    book: Book,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

fn terminal() -> Terminal {
    let folder = tempfile::tempdir().unwrap();
    let directory = SqliteDirectory::open(&folder.path().join("calldex.db"), Arc::new(SystemClock)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let book = runtime.block_on(directory.open_book("customers", &Numbering::of_country("RO"))).unwrap();
    Terminal { directory, book, runtime, _folder: folder }
}

fn parse(arguments: &[&str]) -> Command {
    Line::try_parse_from(["contact"].iter().chain(arguments)).unwrap().command
}

impl Terminal {
    fn run(&self, arguments: &[&str]) -> String {
        let mut out = Vec::new();
        match self.runtime.block_on(parse(arguments).run(&self.directory, &self.book, &mut out)) {
            Ok(()) => String::from_utf8(out).unwrap(),
            Err(error) => format!("error: {error}"),
        }
    }
}

#[test]
fn a_contact_is_added_shown_found_and_removed() {
    let terminal = terminal();
    let add = [
        "add",
        "--id",
        "5",
        "--name",
        "Ana Pop",
        "--number",
        "0722 111 222",
        "--set",
        "company=Acme",
        "--set",
        "custom.city=Iași",
    ];
    assert_eq!(terminal.run(&add), "contact 5 added to customers\n");
    assert_eq!(terminal.run(&add), "contact 5 already so in customers\n");
    assert_eq!(
        terminal.run(&["add", "--id", "5", "--number", "021 312 3456 ext 7"]),
        "contact 5 changed in customers\n"
    );
    assert_eq!(
        terminal.run(&["show", "5"]),
        "id: 5\nname: Ana Pop\ncompany: Acme\ncustom.city: Iași\n\
         number: 0722 111 222 (+40722111222)\nnumber: 021 312 3456 ext 7 (+40213123456 extension 7)\n"
    );
    let line = "5\tAna Pop\tAcme\t0722 111 222, 021 312 3456 ext 7\n";
    assert_eq!(terminal.run(&["find", "ana"]), line);
    assert_eq!(terminal.run(&["find", "+40722111222"]), line);
    assert_eq!(terminal.run(&["find", "ion"]), "nobody in customers has \"ion\"\n");
    assert_eq!(terminal.run(&["remove", "5"]), "contact 5 removed from customers\n");
    assert_eq!(terminal.run(&["remove", "5"]), "error: there is no contact \"5\" in customers");
    assert_eq!(terminal.run(&["show", "5"]), "error: there is no contact \"5\" in customers");
}

#[test]
fn a_script_gets_one_json_object_a_line() {
    let terminal = terminal();
    assert_eq!(
        terminal.run(&[
            "add",
            "--id",
            "007",
            "--name",
            "Bond",
            "--number",
            "0722111222",
            "--block",
            "+40 21 312 34xx",
            "--primary",
            "--json"
        ]),
        "{\"directory\":\"customers\",\"id\":\"007\",\"change\":\"added\"}\n"
    );
    let shown: serde_json::Value = serde_json::from_str(&terminal.run(&["show", "007", "--json"])).unwrap();
    assert_eq!(shown["id"], "007");
    assert_eq!(shown["fields"]["name"], "Bond");
    assert_eq!(shown["numbers"][0]["e164"], "+40722111222");
    assert_eq!((&shown["primary"], &shown["blocks"][0]), (&true.into(), &"+40 21 312 34xx".into()));
    let found = terminal.run(&["find", "bond", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&found).unwrap(), shown);
    assert_eq!(terminal.run(&["find", "nobody", "--json"]), "");
    let removed = terminal.run(&["remove", "007", "--json"]);
    assert_eq!(removed, "{\"directory\":\"customers\",\"id\":\"007\",\"change\":\"removed\"}\n");
}

#[test]
fn a_wrong_argument_is_told_with_what_was_expected() {
    let terminal = terminal();
    let add = |more: &[&str]| terminal.run(&[&["add"], more].concat());
    assert_eq!(
        add(&["--set", "compny=Acme"]),
        "error: --set \"compny=Acme\": there is no field \"compny\", did you mean \"company\"?; a field of your own is custom.compny=..."
    );
    assert_eq!(add(&["--set", "company"]), "error: --set \"company\": expected FIELD=VALUE, such as company=Acme");
    assert_eq!(
        add(&["--set", "queue_position=101"]),
        "error: --set \"queue_position=101\": a queue_position is a whole number from 0 to 100"
    );
    assert_eq!(
        add(&["--number", "Ion Popescu"]),
        "error: --number \"Ion Popescu\" can never match a call: letters instead of a number"
    );
    assert_eq!(add(&[]), "error: a contact needs a name, a number or a field: give --name, --number or --set");
    assert!(add(&["--block", "+40xx"]).starts_with("error: `+40xx` "), "{}", add(&["--block", "+40xx"]));
}

#[test]
fn a_name_from_a_file_cannot_steer_the_terminal() {
    let terminal = terminal();
    terminal.run(&["add", "--id", "1", "--name", "A\u{1b}]0;x\u{7}B"]);
    assert_eq!(terminal.run(&["show", "1"]), "id: 1\nname: A ]0;x B\n");
}

#[test]
fn the_address_book_must_be_named_when_there_are_several() {
    let command = parse(&["find", "x"]);
    assert_eq!(command.directory(["customers"].into_iter()).unwrap(), "customers");
    let error = command.directory(["acme/suppliers", "customers"].into_iter()).unwrap_err();
    assert_eq!(error.to_string(), "which address book? give --directory with one of: acme/suppliers, customers");
    let error = command.directory([].into_iter()).unwrap_err();
    assert_eq!(error.to_string(), "the configuration has no directory");
    let named = parse(&["find", "x", "--directory", "customers"]);
    assert_eq!(named.directory(["acme/suppliers"].into_iter()).unwrap(), "customers");
}
