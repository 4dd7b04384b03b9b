//! What an administrator reads when the file is not as it should be.

use std::fs;

use rusqlite::Connection;

use super::*;

fn message(path: &Path) -> String {
    let error = Store::open(path, &DIRECTORY).unwrap_err();
    let text = error.to_string();
    text.replace(&path.parent().unwrap().display().to_string(), "/data")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_new_file_gets_its_tables_and_opens_again() {
    let folder = folder();
    let path = folder.path().join("calldex.db");
    for _ in 0..2 {
        let store = Store::open(&path, &DIRECTORY).unwrap();
        let reader = store.reader().unwrap();
        let books: i64 = reader.query_row("SELECT count(*) FROM directory", [], |row| row.get(0)).unwrap();
        assert_eq!(books, 0);
        assert!(reader.execute("DELETE FROM directory", []).is_err(), "a reader cannot write");
        let mode: String = reader.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }
}

#[test]
fn nobody_but_its_owner_reads_a_new_file_or_its_log() {
    let folder = folder();
    let path = folder.path().join("calldex.db");
    let store = Store::open(&path, &DIRECTORY).unwrap();
    let _open = store.writer(Durability::Acknowledged).unwrap();
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().mode() & 0o777;
    assert_eq!(["calldex.db", "calldex.db-wal", "calldex.db-shm"].map(mode), [0o600; 3]);
}

#[test]
fn the_connections_share_no_lock_around_their_page_caches() {
    let folder = folder();
    let store = Store::open(&folder.path().join("calldex.db"), &DIRECTORY).unwrap();
    let reader = store.reader().unwrap();
    let mut statement = reader.prepare("PRAGMA compile_options").unwrap();
    let options = statement.query_map([], |row| row.get(0)).unwrap();
    let options = options.collect::<rusqlite::Result<Vec<String>>>().unwrap();
    assert!(!options.is_empty());
    assert!(!options.iter().any(|option| option == "ENABLE_MEMORY_MANAGEMENT"), ".cargo/config.toml has no effect");
}

#[test]
fn several_processes_may_create_the_file_at_once() {
    let folder = folder();
    let path = folder.path().join("calldex.db");
    let openers: Vec<_> = (0..16)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || Store::open(&path, &DIRECTORY).map(|_| ()))
        })
        .collect();
    for opener in openers {
        opener.join().unwrap().unwrap();
    }
}

#[test]
fn a_missing_folder_is_named() {
    let folder = folder();
    assert_eq!(
        message(&folder.path().join("calldex.db").join("calldex.db")).replace("/data", "/data/calldex.db"),
        "cannot open the store /data/calldex.db/calldex.db: the folder /data/calldex.db does not exist"
    );
}

#[test]
fn a_folder_is_not_a_store() {
    let folder = folder();
    let path = folder.path().join("calldex.db");
    fs::create_dir(&path).unwrap();
    assert_eq!(message(&path), "cannot open the store /data/calldex.db: it is a folder");
}

#[test]
fn another_kind_of_file_is_refused_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("calldex.db");
    let text = "id,name,telephone\n".repeat(500);
    fs::write(&path, &text).unwrap();
    assert!(
        message(&path).starts_with(
            "cannot open the store /data/calldex.db: it is not an SQLite database; give another file name or move it away"
        ),
        "{}",
        message(&path)
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("calldex.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE customer (id INTEGER)").unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(message(&path), "cannot open the store /data/calldex.db: it is a database of another program");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let folder = folder();
    let path = folder.path().join("calldex.db");
    Store::open(&path, &DIRECTORY)
        .unwrap()
        .writer(Durability::Later)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    assert_eq!(
        message(&path),
        "cannot open the store /data/calldex.db: a newer calldex wrote it (format 99, this one knows up to 4); use that version, or a backup from before"
    );
}

#[test]
fn a_truncated_file_is_refused() {
    let folder = folder();
    let path = folder.path().join("calldex.db");
    Store::open(&path, &DIRECTORY).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in [whole.len() / 2, 4096, 5000, 100] {
        fs::write(&path, &whole[..length]).unwrap();
        let message = message(&path);
        let expected = ["it is damaged or was cut off; restore it from a backup", "it is not an SQLite database"];
        assert!(expected.iter().any(|text| message.contains(text)), "{length}: {message}");
    }
    fs::write(&path, "").unwrap();
    assert_eq!(
        message(&path),
        "cannot open the store /data/calldex.db: the file is empty, so it was cut off; restore it from a backup, or delete it to start anew"
    );
}

#[test]
fn a_read_only_file_is_refused() {
    let folder = folder();
    let path = folder.path().join("calldex.db");
    Store::open(&path, &DIRECTORY).unwrap();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    assert_eq!(
        message(&path),
        "cannot open the store /data/calldex.db: it is read-only; the user that runs calldex must be able to write the file and its folder"
    );
}

#[test]
fn a_locked_file_is_refused_after_a_while() {
    let folder = folder();
    let path = folder.path().join("calldex.db");
    Store::open(&path, &DIRECTORY).unwrap();
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM import").unwrap();
    let message = message(&path);
    let expected =
        "cannot open the store /data/calldex.db: another program has locked it; end that program or its transaction";
    assert!(message.starts_with(expected), "{message}");
}
