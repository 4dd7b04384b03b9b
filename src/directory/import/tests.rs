//! Whole files through the import, with a session that keeps what it is given.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use crate::directory::{Change, Difference, ImportSummary, MostRemoved, Removal, Revision};
use crate::model::{Contact, ContactId, Field};

use super::problem::Group;
use super::*;

/// What a session was given, seen from outside.
#[derive(Debug, Default, Clone)]
struct Seen {
    contacts: Vec<Contact>,
    batches: usize,
    finished: bool,
}

/// Keeps contacts; fails at a batch when told to.
struct Kept {
    seen: Arc<Mutex<Seen>>,
    fail_at: Option<usize>,
}

impl ImportSession for Kept {
    fn apply(&mut self, rows: Vec<Prepared>) -> Result<Vec<Change>> {
        let mut seen = self.seen.lock().unwrap();
        seen.batches += 1;
        if Some(seen.batches) == self.fail_at {
            return Err(Error::new(Kind::Full, "the disk is full"));
        }
        seen.contacts.extend(rows.iter().map(|row| row.contact().clone()));
        Ok(vec![Change::Added; rows.len()])
    }

    fn preparer(&self) -> Result<Box<dyn Preparer>> {
        Ok(Box::new(Plain(numbering())))
    }

    fn speak_for(&mut self, _: Covers) {}

    fn remove_unnamed(&mut self, _: Option<MostRemoved>) -> Result<Removal> {
        Ok(Removal::default())
    }

    fn preview(self: Box<Self>, _: usize) -> Result<(ImportSummary, Vec<Difference>)> {
        Ok(Default::default())
    }

    fn finish(self: Box<Self>) -> Result<ImportSummary> {
        let mut seen = self.seen.lock().unwrap();
        seen.finished = true;
        Ok(ImportSummary { added: seen.contacts.len() as u64, revision: Revision(1), ..ImportSummary::default() })
    }
}

/// A few rules like those of the lookup.
pub(super) fn check(field: Field, value: &str) -> Option<String> {
    let good = match field {
        Field::QueuePosition => value.parse::<u8>().is_ok_and(|place| place <= 100),
        Field::BackendLink => value.starts_with("http"),
        Field::DirectLine => value.starts_with("SIP/"),
        _ => true,
    };
    (!good).then(|| "no good".to_owned())
}

pub(super) fn numbering() -> Numbering {
    Numbering { country: Some("RO".to_owned()), ..Numbering::default() }
}

pub(super) fn import(bytes: &[u8], options: &Options) -> Result<(Vec<Contact>, Report)> {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let session = Kept { seen: Arc::clone(&seen), fail_at: None };
    let report = Import::open(bytes, options)?.run(&numbering(), &check, Box::new(session))?;
    let seen = seen.lock().unwrap().clone();
    assert!(seen.finished);
    Ok((seen.contacts, report))
}

fn import_file(name: &str, country: &str) -> (Vec<Contact>, Report) {
    let bytes = std::fs::read(format!("{}/testdata/import/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let options = Options { country: Some(country.to_owned()), ..Options::default() };
    import(&bytes, &options).unwrap()
}

/// The numbers of a contact as `label: number`.
pub(super) fn numbers(contact: &Contact) -> Vec<String> {
    contact.numbers.iter().map(|number| format!("{}: {}", number.label, number.written)).collect()
}

#[test]
fn an_export_of_google_contacts_is_understood_as_it_is() {
    let (contacts, report) = import_file("google.csv", "RO");
    let ion = &contacts[0];
    assert_eq!(ion.get(Field::Name), Some("Ion Popescu"));
    assert_eq!(ion.get(Field::Company), Some("Acme SRL"));
    assert_eq!(ion.get(Field::Email), Some("ion@acme.example"));
    assert_eq!(numbers(ion), ["Mobile: +40 722 111 222", "Mobile: 0722 333 444", "Work: (021) 312 34 56"]);
    assert_eq!(ion.custom["Notes"], "Prefers calls after 10:00.\nAsked for \"the blue one\", twice.");
    assert_eq!(numbers(&contacts[1]), ["Mobile: +49 171 2345678"]);
    assert_eq!((contacts[2].get(Field::Name), contacts[2].get(Field::Company)), (None, Some("Beta & Fii")));
    assert_eq!((contacts.len(), report.rows, report.numbers), (3, 4, 5));
    let nobody: Vec<_> = report.of(Group::Skipped).map(|(problem, tally)| (problem, tally.first[0].clone())).collect();
    assert_eq!(nobody, [(Problem::Nobody, report::Place { line: 7, found: "Only Mail".to_owned() })]);
}

#[test]
fn an_export_of_outlook_is_understood_as_it_is() {
    let (contacts, report) = import_file("outlook.csv", "GB");
    let john = &contacts[0];
    assert_eq!(john.get(Field::Name), Some("John Doe"));
    assert_eq!(john.get(Field::Company), Some("Example Ltd"));
    assert_eq!(john.get(Field::Email), Some("john@example.co.uk"));
    assert_eq!(
        numbers(john),
        [
            "Business Phone: +44 20 7946 0018",
            "Business Phone 2: 020 7946 0019",
            "Company Main Phone: +44 20 7946 0000",
            "Mobile Phone: 07700 900123"
        ]
    );
    assert_eq!(numbers(&contacts[1]), ["Home Phone: 020 7946 0958", "Home Phone: 07700 900456"]);
    assert_eq!((report.numbers, report.total(Group::Number)), (6, 0));
}

#[test]
fn an_export_of_freepbx_is_understood_as_it_is() {
    let (contacts, report) = import_file("freepbx.csv", "RO");
    assert_eq!(contacts[0].get(Field::Name), Some("Ion Popescu"));
    assert_eq!(numbers(&contacts[0]), ["cell: 0722111222", "work: 0213123456 ext. 15"]);
    assert_eq!(contacts[1].get(Field::Name), Some("Maria Ionescu"));
    assert_eq!(numbers(&contacts[2]), ["internal: 101"]);
    assert_eq!((report.numbers, report.total(Group::Number)), (4, 0));
}

#[test]
fn an_export_of_fusionpbx_is_understood_as_it_is() {
    let (contacts, report) = import_file("fusionpbx.csv", "US");
    assert_eq!(contacts[0].id, ContactId::Text("8a2f9c1e-3f2e-4c86-9d43-0d6f9b1f0a01".into()));
    assert_eq!(contacts[0].id, contacts[1].id);
    assert_eq!(contacts[0].get(Field::Name), Some("Jane Roe"));
    assert_eq!(numbers(&contacts[0]), ["Work: +12125550123 ext. 4410"]);
    assert_eq!(numbers(&contacts[1]), ["Mobile: (917) 555-0199"]);
    assert_eq!(contacts[2].get(Field::Company), Some("Beta Inc"));
    assert_eq!(report.numbers, 3);
}

#[test]
fn a_romanian_excel_export_is_understood_and_its_damage_reported() {
    let (contacts, report) = import_file("excel-ro.csv", "RO");
    let names: Vec<_> = contacts.iter().filter_map(|contact| contact.get(Field::Name)).collect();
    assert_eq!(
        names,
        ["Ion Popescu", "Ștefan Ionescu", "Mărioara Țăranu", "Număr Fără", "Excel Știință", "Puține Prea"]
    );
    assert_eq!(numbers(&contacts[0]), ["Telefon fix: 021/312.34.56", "Telefon mobil: 0722 111 222"]);
    assert_eq!(contacts[0].custom["Observații"], "sună după 10:00; \"urgent\"\r\nși dimineața");
    assert_eq!(contacts[0].get(Field::Owner), Some("ana"));
    assert_eq!(numbers(&contacts[1]), ["Telefon mobil: 0733 222 333", "Telefon mobil: 0744 333 444"]);
    assert_eq!(contacts[2].id, ContactId::Text("0007".into()));
    insta::assert_snapshot!(report.text("clienti.csv", "customers"));
}

#[test]
fn the_columns_are_shown_before_the_import() {
    let import = Import::open(&b"Cod client;Nume;Phone 2;queue_position;Sold\n"[..], &Options::default()).unwrap();
    assert_eq!(
        import.columns_text(),
        "Columns, separated by semicolon:\n\
         \x20 id             <- \"Cod client\" (guessed)\n\
         \x20 name           <- \"Nume\" (guessed)\n\
         \x20 telephone      <- \"Phone 2\" (guessed)\n\
         \x20 queue_position <- \"queue_position\" (exact)\n\
         \x20 custom.Sold    <- \"Sold\" (unknown)\n"
    );
}

#[test]
fn a_value_that_no_call_is_answered_with_is_kept_and_reported() {
    let (contacts, report) = import_file("steering.csv", "RO");
    assert_eq!(contacts.len(), 4);
    assert_eq!(contacts[1].get(Field::QueuePosition), Some("101"));
    assert_eq!(contacts[1].get(Field::BackendLink), Some("javascript:alert(1)"));
    assert_eq!(contacts[1].get(Field::DirectLine), Some("0722111222"));
    assert!(contacts[0].primary && !contacts[1].primary);
    assert_eq!(contacts[0].blocks, ["+40 21 312 34xx"]);
    assert_eq!(contacts[0].custom["Vip Level"], "gold");
    assert_eq!(contacts[2].numbers[0].country, "DE");
    insta::assert_snapshot!(report.text("steering.csv", "customers"));
}

#[test]
fn a_broken_file_is_reported_line_by_line_and_the_rest_imported() {
    let (contacts, report) = import_file("broken.csv", "RO");
    let ids: Vec<String> = contacts.iter().map(|contact| contact.id.to_string()).collect();
    assert_eq!(ids, ["1", "3", "5", "7", "8"]);
    insta::assert_snapshot!(report.text("broken.csv", "customers"));
    insta::assert_snapshot!(format!("{:#}", report.json("broken.csv", "customers")));
}

#[test]
fn the_text_behind_an_open_quote_never_becomes_contacts() {
    let file =
        "id,name,telephone,notes\n1,Ion,0722111222,\"a long\nstory, 0733222333\nwithout end\n2,Ana,0744333444,x\n";
    let (contacts, report) = import(file.as_bytes(), &Options::default()).unwrap();
    let ids: Vec<String> = contacts.iter().map(|contact| contact.id.to_string()).collect();
    assert_eq!(ids, ["2"]);
    assert_eq!((report.count(Problem::Quote), report.count(Problem::BehindQuote), report.rows), (1, 2, 4));
}

#[test]
fn separators_at_the_end_of_rows_or_of_the_header_do_no_harm() {
    let (contacts, report) = import(b"id,telephone,,\n1,0722111222\n2,0733222333,,,,\n", &Options::default()).unwrap();
    assert_eq!((contacts.len(), report.total(Group::Skipped), report.total(Group::Remark)), (2, 0, 0));
}

#[test]
fn a_file_without_names_of_columns_needs_a_map() {
    let options = |maps: &[&str]| Options {
        no_header: true,
        maps: maps.iter().map(|map| map.parse().unwrap()).collect(),
        ..Options::default()
    };
    let (contacts, _) = import(b"Ion,0722111222\nAna,0733222333\n", &options(&["name=1", "telephone=2"])).unwrap();
    let names: Vec<_> = contacts.iter().filter_map(|contact| contact.get(Field::Name)).collect();
    assert_eq!(names, ["Ion", "Ana"]);
    let refused = import(b"Ion,0722111222\n", &options(&[])).unwrap_err().to_string();
    assert!(refused.starts_with("no column holds telephone numbers; the columns are \"column 1\", \"column 2\";"));
}

#[test]
fn a_header_that_cannot_be_used_refuses_the_file() {
    let utf8 = Options { encoding: Some(encoding_rs::UTF_8), ..Options::default() };
    let refused = |bytes: &[u8]| import(bytes, &utf8).unwrap_err().to_string();
    assert_eq!(
        refused(b"id,Num\xe3r,telefon\n1,2,3\n"),
        "line 1, the names of the columns: byte 0xE3 at place 4 of cell 2 is not UTF-8; say --encoding, or save the \
         file as CSV in UTF-8"
    );
    assert_eq!(refused(b"\"id,telephone\n1,2\n"), "line 1, the names of the columns: a quote is not closed");
    assert_eq!(
        refused(b"Export 26.11.2026;;\nid;nume;telefon\n1;Ion;0722111222\n"),
        "no column holds telephone numbers; the columns are \"Export 26.11.2026\"; name one with --map \
         telephone=COLUMN, or say --no-numbers when the file only adds to contacts by their id; if line 1 is a title, \
         delete what stands above the names of the columns"
    );
    let wide = vec![b','; 2_000];
    assert_eq!(refused(&wide), "line 1, the names of the columns: 2001 columns, expected at most 1000");
    assert_eq!(
        refused(b"Ion Popescu,0722 111 222\n"),
        "no column holds telephone numbers; the columns are \"Ion Popescu\", \"0722 111 222\"; name one with \
         --map telephone=COLUMN, or say --no-numbers when the file only adds to contacts by their id; if line 1 is a \
         contact, say --no-header"
    );
}

#[test]
fn the_country_of_a_row_comes_before_that_of_the_file() {
    let file = b"id,telephone,country\n1,030 901820,de\n2,0722111222,\n3,0733222333,Romania\n";
    let options = Options { country: Some("RO".to_owned()), ..Options::default() };
    let (contacts, report) = import(file, &options).unwrap();
    let countries: Vec<&str> = contacts.iter().map(|contact| contact.numbers[0].country.as_str()).collect();
    assert_eq!(countries, ["DE", "RO", "RO"]);
    assert_eq!(contacts[2].custom["country"], "Romania");
    assert_eq!((report.numbers, report.count(Problem::Country)), (3, 1));
}

#[test]
fn a_store_that_fails_ends_the_import_and_nothing_is_finished() {
    let mut file = String::from("id,telephone\n");
    (0..20_000).for_each(|id| file.push_str(&format!("{id},0722{id:06}\n")));
    let seen = Arc::new(Mutex::new(Seen::default()));
    let session = Kept { seen: Arc::clone(&seen), fail_at: Some(2) };
    let import = Import::open(file.as_bytes(), &Options::default()).unwrap();
    let error = import.run(&numbering(), &check, Box::new(session)).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Full, "the disk is full"));
    let seen = seen.lock().unwrap();
    assert_eq!((seen.finished, seen.contacts.len()), (false, BATCH));
}

#[test]
fn a_pipe_that_breaks_ends_the_import_and_nothing_is_finished() {
    struct Breaks;
    impl Read for Breaks {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
    }
    let mut file = String::from("id,telephone\n");
    (0..20_000).for_each(|id| file.push_str(&format!("{id},0722{id:06}\n")));
    let seen = Arc::new(Mutex::new(Seen::default()));
    let session = Kept { seen: Arc::clone(&seen), fail_at: None };
    let import = Import::open(file.as_bytes().chain(Breaks), &Options::default()).unwrap();
    let error = import.run(&numbering(), &check, Box::new(session)).unwrap_err();
    assert!(error.to_string().starts_with("cannot read on after line "), "{error}");
    assert!(!seen.lock().unwrap().finished);
}

#[test]
fn large_rows_make_small_batches() {
    let mut file = String::from("id,telephone,notes\n");
    let notes = "x".repeat(1 << 20);
    (0..20).for_each(|id| file.push_str(&format!("{id},0722111222,{notes}\n")));
    let seen = Arc::new(Mutex::new(Seen::default()));
    let session = Kept { seen: Arc::clone(&seen), fail_at: None };
    Import::open(file.as_bytes(), &Options::default()).unwrap().run(&numbering(), &check, Box::new(session)).unwrap();
    assert_eq!(seen.lock().unwrap().batches, 5);
}

/// The files of `testdata/import`, and marks that break CSV.
fn mutated_file() -> impl Strategy<Value = Vec<u8>> {
    let files =
        ["google.csv", "outlook.csv", "freepbx.csv", "fusionpbx.csv", "excel-ro.csv", "steering.csv", "broken.csv"];
    let read = |name| std::fs::read(format!("{}/testdata/import/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let marks: Vec<&'static [u8]> = vec![
        b"\"",
        b"\"\"",
        b",",
        b";",
        b"\t",
        b"\r",
        b"\n",
        b"\r\n",
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xef\xbb\xbf",
        b" ",
        b"",
    ];
    let change = (any::<prop::sample::Index>(), 0_usize..40, prop::sample::select(marks), any::<u8>(), any::<bool>());
    (prop::sample::select(files.map(read).to_vec()), prop::collection::vec(change, 0..12)).prop_map(
        |(file, changes)| {
            changes.into_iter().fold(file, |mut file, (at, removed, mark, byte, random)| {
                let at = at.index(file.len() + 1);
                let end = (at + removed).min(file.len());
                let byte = [byte];
                file.splice(at..end, if random { byte.to_vec() } else { mark.to_vec() });
                file
            })
        },
    )
}

proptest! {
    #[test]
    fn no_file_however_mutated_makes_the_import_panic_or_lose_count(file in mutated_file()) {
        if let Ok((contacts, report)) = import(&file, &Options::default()) {
            prop_assert_eq!(contacts.len() as u64 + report.total(Group::Skipped), report.rows);
            prop_assert!(report.rows <= file.len() as u64);
            let kept: usize = contacts.iter().map(|contact| contact.numbers.len()).sum();
            prop_assert_eq!(report.numbers + report.total(Group::Number), kept as u64);
        }
    }

    #[test]
    fn any_bytes_are_imported_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let mut file = b"id;telephone\n".to_vec();
        file.extend(&bytes);
        let rows = fuzz_bytes(&file);
        prop_assert!(rows.is_none_or(|rows| rows <= bytes.len() as u64));
        prop_assert!(fuzz_bytes(&bytes).is_none_or(|rows| rows <= bytes.len() as u64));
    }
}
