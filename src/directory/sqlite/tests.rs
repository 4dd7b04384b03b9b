//! The battery on SQLite, and what only a file can suffer.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::clock::SystemClock;
use crate::directory::battery::{ALL, Bench};

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
    assert_eq!(count("SELECT count(*) FROM contact"), count("SELECT coalesce(sum(contacts), 0) FROM directory"));
    assert_eq!(count("SELECT count(*) FROM number"), count("SELECT coalesce(sum(numbers), 0) FROM directory"));
}
