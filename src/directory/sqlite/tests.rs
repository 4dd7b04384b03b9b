//! The battery on SQLite, and what only a file can suffer.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::clock::SystemClock;
use crate::directory::battery::{ALL, Bench};
use crate::model::{ContactNumber, Field};

fn open(path: &Path) -> SqliteDirectory {
    SqliteDirectory::open(path, Arc::new(SystemClock)).unwrap()
}

#[test]
fn sqlite_passes_the_battery() {
    for (name, test) in ALL.into_iter().flatten() {
        println!("{name}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calldex.db");
        test(&Bench::new(move || Arc::new(open(&path))));
        no_version_is_left_behind(&folder.path().join("calldex.db"));
    }
}

/// Whatever a test of the battery did, only visible versions and their numbers are in the file.
fn no_version_is_left_behind(path: &Path) {
    let connection = Connection::open(path).unwrap();
    let count = |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(count("SELECT count(*) FROM import"), 0);
    assert_eq!(
        count(
            "SELECT count(*) FROM contact c JOIN directory d ON d.id = c.directory WHERE until IS NOT NULL OR since > generation"
        ),
        0
    );
    assert_eq!(count("SELECT count(*) FROM number WHERE contact NOT IN (SELECT row FROM contact)"), 0);
    let (keys, numbers) = (
        "SELECT key, directory, extension, contact, position FROM number_key",
        "SELECT key, directory, coalesce(extension, ''), contact, position FROM number WHERE key IS NOT NULL",
    );
    for (one, other) in [(keys, numbers), (numbers, keys)] {
        assert_eq!(count(&format!("SELECT count(*) FROM ({one} EXCEPT {other})")), 0, "every number has its key");
    }
    assert_eq!(count("SELECT count(*) FROM contact"), count("SELECT coalesce(sum(contacts), 0) FROM directory"));
    assert_eq!(count("SELECT count(*) FROM number"), count("SELECT coalesce(sum(numbers), 0) FROM directory"));
}

/// Run by `a_killed_import_leaves_the_old_or_the_new_book` in a process of its own; imports until it is killed.
#[test]
#[ignore = "runs for ever; another test starts and kills it"]
fn child_that_imports_until_it_is_killed() {
    let directory = open(&PathBuf::from(std::env::var_os("CALLDEX_TEST_STORE").unwrap()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let numbering = Numbering::of_country("RO");
    let book = runtime.block_on(directory.open_book("customers", &numbering)).unwrap();
    for round in 0_u64.. {
        let mut session = directory.begin_import(&book, everything()).unwrap();
        session.apply(people(&numbering, &format!("round {round} of {}", std::process::id()))).unwrap();
        session.finish().unwrap();
    }
}

const PEOPLE: u32 = 2_500;

fn people(numbering: &Numbering, name: &str) -> Vec<Prepared> {
    let contact = |place: u32| {
        let mut contact = Contact { id: ContactId::Integer(place), ..Contact::default() };
        contact.set(Field::Name, name);
        contact.numbers.push(ContactNumber { written: format!("07221{place:05}"), ..ContactNumber::default() });
        Prepared::read(contact, numbering).unwrap()
    };
    (0..PEOPLE).map(contact).collect()
}

fn everything() -> Covers {
    Covers { fields: Field::ALL.into(), numbers: true, blocks: true, primary: true, ..Covers::default() }
}

#[test]
fn a_killed_import_leaves_the_old_or_the_new_book() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calldex.db");
    let directory = open(&path);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let numbering = Numbering::of_country("RO");
    let book = runtime.block_on(directory.open_book("customers", &numbering)).unwrap();
    let mut session = directory.begin_import(&book, everything()).unwrap();
    session.apply(people(&numbering, "before")).unwrap();
    session.finish().unwrap();
    for round in 0..8_u64 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "directory::sqlite::tests::child_that_imports_until_it_is_killed", "--ignored"])
            .env("CALLDEX_TEST_STORE", &path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(150 + 131 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        whole(&path);
    }
    let stored =
        runtime.block_on(directory.put(&book, Contact { id: ContactId::Integer(PEOPLE), ..Contact::default() }));
    assert_eq!(stored.unwrap().change, Change::Added, "what a killed import left hinders no write");
    runtime.block_on(directory.remove(&book, &ContactId::Integer(PEOPLE))).unwrap();
    runtime.block_on(directory.tidy()).unwrap();
    no_version_is_left_behind(&path);
    whole(&path);
}

/// Every contact is there once, and all are of the same import.
fn whole(path: &Path) {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT count(*), count(DISTINCT c.id), count(DISTINCT c.name), \
               (SELECT count(*) FROM number n WHERE n.contact IN (SELECT row FROM contact x WHERE x.since <= d.generation \
                AND (x.until IS NULL OR x.until > d.generation))) \
               FROM contact c JOIN directory d ON d.id = c.directory \
               WHERE c.since <= d.generation AND (c.until IS NULL OR c.until > d.generation)";
    let found: (u32, u32, u32, u32) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    assert_eq!(found, (PEOPLE, PEOPLE, 1, PEOPLE));
}

/// A directory with one contact in the main file and nothing in the log.
fn with_one_contact(path: &Path) -> (SqliteDirectory, Book, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let directory = open(path);
    let book = runtime.block_on(directory.open_book("customers", &Numbering::of_country("RO"))).unwrap();
    let mut contact = Contact { id: ContactId::Integer(1), ..Contact::default() };
    contact.numbers.push(ContactNumber { written: "0722 111 222".to_owned(), ..ContactNumber::default() });
    runtime.block_on(directory.put(&book, contact)).unwrap();
    drop(directory);
    (open(path), book, runtime)
}

fn wanted() -> Wanted {
    Wanted::of(&crate::number::parse("0722 111 222", &Numbering::of_country("RO")), true)
}

/// What has been read already may still be answered, until the open snapshot ends.
fn first_error<T>(mut attempt: impl FnMut() -> crate::error::Result<T>) -> crate::error::Error {
    for _ in 0..600 {
        match attempt() {
            Ok(_) => std::thread::sleep(super::LONGEST_SNAPSHOT / 10),
            Err(error) => return error,
        }
    }
    panic!("a file that was cut off is still read after a minute")
}

#[test]
fn a_file_that_is_cut_off_while_running_is_an_error_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calldex.db");
    let (directory, book, runtime) = with_one_contact(&path);
    let whole = fs::read(&path).unwrap();
    let find = || runtime.block_on(directory.find(std::slice::from_ref(&book), &wanted()));
    for length in [0, 100, 5_000, whole.len() / 2] {
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length as u64).unwrap();
        let error = first_error(find);
        assert!(matches!(error.kind(), Kind::Corrupt | Kind::Unavailable | Kind::Internal), "{length}: {error}");
        assert!(runtime.block_on(directory.get(&book, &ContactId::Integer(1))).is_err());
        assert!(runtime.block_on(directory.put(&book, Contact::default())).is_err());
        assert!(runtime.block_on(directory.revision(&book)).is_err());
        fs::write(&path, &whole).unwrap();
        let _ = fs::remove_file(folder.path().join("calldex.db-wal"));
        let _ = fs::remove_file(folder.path().join("calldex.db-shm"));
        assert_eq!(find().unwrap()[0].hits.len(), 1, "after {length}");
    }
}

#[test]
fn whether_the_store_can_be_read_is_no_matter_of_what_a_worker_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calldex.db");
    let (directory, book, runtime) = with_one_contact(&path);
    let whole = fs::read(&path).unwrap();
    let find = || runtime.block_on(directory.find(std::slice::from_ref(&book), &wanted()));
    let check = || runtime.block_on(directory.check(&book));
    for length in [0, 100, whole.len() / 2] {
        // From here on this worker has everything in memory.
        assert_eq!(find().unwrap()[0].hits.len(), 1);
        check().unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length as u64).unwrap();
        for _ in 0..20 {
            let error = check().unwrap_err().to_string();
            assert!(!error.contains(&*folder.path().to_string_lossy()), "anybody may read this: {error}");
            let _ = find();
        }
        directory.inner.readers.let_go();
        find().unwrap_err();
        fs::write(&path, &whole).unwrap();
        check().unwrap();
    }
}

#[test]
fn a_store_that_was_replaced_is_read_and_the_old_one_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let [path, other] = ["calldex.db", "other.db"].map(|name| folder.path().join(name));
    let (directory, book, runtime) = with_one_contact(&path);
    fs::copy(&path, &other).unwrap();
    let find = || runtime.block_on(directory.find(std::slice::from_ref(&book), &wanted())).unwrap()[0].hits.len();
    let changed = open(&other);
    assert!(runtime.block_on(changed.remove(&book, &ContactId::Integer(1))).unwrap());
    drop(changed);
    assert_eq!(find(), 1);
    fs::rename(&other, &path).unwrap();
    directory.inner.readers.let_go();
    assert_eq!(find(), 0);
}

#[test]
fn a_locked_store_answers_lookups_and_refuses_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calldex.db");
    let (directory, book, runtime) = with_one_contact(&path);
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE; DELETE FROM contact").unwrap();
    let found = runtime.block_on(directory.find(std::slice::from_ref(&book), &wanted())).unwrap();
    assert_eq!(found[0].hits.len(), 1);
    let refused = runtime.block_on(directory.remove(&book, &ContactId::Integer(1))).unwrap_err();
    assert_eq!(refused.kind(), Kind::Busy);
    assert!(
        refused.to_string().starts_with("cannot remove a contact: another program is writing to the store"),
        "{refused}"
    );
    holder.execute_batch("ROLLBACK").unwrap();
    assert!(runtime.block_on(directory.remove(&book, &ContactId::Integer(1))).unwrap());
}

#[test]
fn a_lookup_is_two_descents_and_never_a_scan() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calldex.db");
    let _directory = open(&path);
    let connection = Connection::open(&path).unwrap();
    let plan = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        statement.query_map([1, 1, 1], |row| row.get(3)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    };
    for (sql, index) in find::statements() {
        let steps = plan(sql);
        assert_eq!(steps.len(), 2, "{steps:?}");
        assert!(steps[0].contains(index), "{steps:?}");
        assert!(steps[1].contains("SEARCH c USING INTEGER PRIMARY KEY"), "{steps:?}");
    }
    let by_key = plan(find::statements()[0].0);
    assert!(by_key[0].contains("USING PRIMARY KEY (key=? AND directory=?)"), "{by_key:?}");
}

#[test]
fn nothing_of_an_erased_person_is_left_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calldex.db");
    let (directory, book, runtime) = with_one_contact(&path);
    for round in 0..200 {
        let mut contact = Contact { id: ContactId::Integer(2), ..Contact::default() };
        contact.set(crate::model::Field::Name, format!("Zebulon Quixote {round}"));
        contact.custom.insert("note".to_owned(), "Quixote ".repeat(round * 20));
        contact.numbers.push(ContactNumber { written: "0799-888-777".to_owned(), ..ContactNumber::default() });
        runtime.block_on(directory.put(&book, contact)).unwrap();
    }
    let left = |text: &str| {
        let files = fs::read_dir(folder.path()).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
        files.map(|bytes| bytes.windows(text.len()).filter(|part| *part == text.as_bytes()).count()).sum::<usize>()
    };
    assert!(left("Quixote") > 0);
    let who = [crate::directory::Selected { book: book.clone(), id: ContactId::Integer(2) }];
    let erasure = runtime.block_on(directory.erase(&who, crate::directory::Reach::Everywhere)).unwrap();
    assert!(erasure.log_truncated);
    assert_eq!((left("Quixote"), left("0799-888-777")), (0, 0), "in every file of the store");
    let kept = runtime.block_on(directory.find(std::slice::from_ref(&book), &wanted())).unwrap();
    assert_eq!(kept[0].hits.len(), 1);
}

#[test]
fn an_erasure_says_when_the_log_could_not_be_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calldex.db");
    let (directory, book, runtime) = with_one_contact(&path);
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM contact").unwrap();
    let who = [crate::directory::Selected { book: book.clone(), id: ContactId::Integer(1) }];
    let erasure = runtime.block_on(directory.erase(&who, crate::directory::Reach::Everywhere)).unwrap();
    assert_eq!((erasure.removed.len(), erasure.log_truncated), (1, false));
}
