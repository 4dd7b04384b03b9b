//! A backup is whole and of one moment, and only a whole one is put back.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use super::switch::Plan;
use super::*;
use crate::store::{DIRECTORY, Durability, EVENTS};

struct Place {
    folder: tempfile::TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("calldex.db"), &DIRECTORY).unwrap();
        Self { folder, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn add_book(&self, name: &str) {
        let writer = self.store.writer(Durability::Later).unwrap();
        writer.execute("INSERT INTO directory (name) VALUES (?1)", [name]).unwrap();
    }

    fn backup(&self, name: &str) -> Result<Manifest> {
        backup(&[&self.store], &self.path(name), 1_700_000_000_000)
    }
}

fn books(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection.query_row("SELECT count(*) FROM directory", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_backup_is_put_back_and_the_present_store_moved_aside() {
    let place = Place::new();
    place.add_book("first");
    let manifest = place.backup("copy").unwrap();
    assert_eq!((manifest.made.as_str(), manifest.files.len()), ("2023-11-14T22:13:20Z", 1));
    place.add_book("second");
    let restored = restore(&place.path("copy"), &[place.store.path()], true, 5).unwrap();
    assert_eq!(books(place.store.path()), 1);
    assert_eq!(restored.aside, [place.path("calldex.db.before-restore-5")]);
    assert_eq!(books(&place.path("calldex.db.before-restore-5")), 2);
    assert_eq!(restored.manifest, manifest);
}

#[test]
fn a_store_is_not_moved_aside_without_being_told_nor_while_it_is_open() {
    let place = Place::new();
    place.backup("copy").unwrap();
    let refused = restore(&place.path("copy"), &[place.store.path()], false, 5).unwrap_err();
    assert_eq!(refused.kind(), Kind::Refused);
    assert!(refused.to_string().ends_with("calldex.db; --yes moves it aside"), "{refused}");
    let reader = place.store.reader().unwrap();
    let refused = restore(&place.path("copy"), &[place.store.path()], true, 5).unwrap_err();
    assert_eq!(refused.kind(), Kind::Busy, "{refused}");
    drop(reader);
    assert!(restore(&place.path("copy"), &[place.store.path()], true, 5).is_ok());
    assert!(restore(&place.path("copy"), &[&place.path("new.db")], false, 5).unwrap().aside.is_empty());
}

#[test]
fn a_backup_is_of_one_moment_while_others_write() {
    let place = Place::new();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let writer = place.store.writer(Durability::Later).unwrap();
            for round in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                // Two rows at once: a copy with an odd count would be of two moments.
                let sql = "INSERT INTO directory (name) VALUES (?1), (?2)";
                writer.execute(sql, [format!("a{round}"), format!("b{round}")]).unwrap();
            }
        });
        for round in 0..10 {
            place.backup(&format!("copy{round}")).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    for round in 0..10 {
        let folder = place.path(&format!("copy{round}"));
        check(&folder).unwrap();
        assert_eq!(books(&folder.join("calldex.db")) % 2, 0, "copy {round}");
    }
}

#[test]
fn nobody_else_may_look_into_a_new_backup() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.backup("nightly/copy").unwrap();
    for folder in ["nightly", "nightly/copy"] {
        assert_eq!(fs::metadata(place.path(folder)).unwrap().permissions().mode() & 0o777, 0o700, "{folder}");
    }
}

#[test]
fn a_folder_that_is_not_empty_is_left_alone() {
    let place = Place::new();
    fs::create_dir(place.path("photos")).unwrap();
    fs::write(place.path("photos/cat.jpg"), "cat").unwrap();
    let error = place.backup("photos").unwrap_err();
    assert!(error.to_string().ends_with("photos: it is not empty; name a new folder"), "{error}");
    assert_eq!(fs::read_dir(place.path("photos")).unwrap().count(), 1);
    fs::create_dir(place.path("empty")).unwrap();
    assert!(place.backup("empty").is_ok());
}

#[test]
fn a_damaged_backup_is_refused_and_the_store_left_alone() {
    let place = Place::new();
    place.add_book("first");
    place.backup("copy").unwrap();
    place.add_book("second");
    let copy = place.path("copy/calldex.db");
    let whole = fs::read(&copy).unwrap();
    let mut flipped = whole.clone();
    flipped[5_000] ^= 1;
    let cases: [(&[u8], &str); 2] = [(&whole[..whole.len() / 2], " bytes, expected "), (&flipped, "has other content")];
    for (bytes, expected) in cases {
        fs::write(&copy, bytes).unwrap();
        let error = restore(&place.path("copy"), &[place.store.path()], true, 5).unwrap_err();
        assert_eq!(error.kind(), Kind::Corrupt);
        assert!(error.to_string().contains(expected), "{error}");
    }
    fs::remove_file(place.path("copy/manifest.json")).unwrap();
    let error = restore(&place.path("copy"), &[place.store.path()], true, 5).unwrap_err();
    assert!(error.to_string().contains("is no backup: it has no manifest.json"), "{error}");
    assert_eq!(books(place.store.path()), 2);
}

#[test]
fn a_name_that_climbs_and_a_newer_format_are_refused() {
    let place = Place::new();
    let manifest = place.backup("copy").unwrap();
    let mut climbing = manifest.clone();
    climbing.files[0].name = "../calldex.db".to_owned();
    climbing.write(&place.path("copy")).unwrap();
    let error = check(&place.path("copy")).unwrap_err();
    assert!(error.to_string().contains("is no plain file name"), "{error}");
    Manifest { format: 2, ..manifest }.write(&place.path("copy")).unwrap();
    assert_eq!(check(&place.path("copy")).unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn the_log_is_cut_off_unless_somebody_reads() {
    let place = Place::new();
    place.add_book("first");
    assert!(place.store.truncate_log().unwrap());
    assert_eq!(fs::metadata(place.path("calldex.db-wal")).map_or(0, |file| file.len()), 0);
}

#[test]
fn events_are_backed_up_beside_the_contacts_and_neither_is_taken_for_the_other() {
    let place = Place::new();
    let events = crate::store::events_path(place.store.path());
    assert_eq!(events, place.path("calldex-events.db"));
    let store = Store::open(&events, &EVENTS).unwrap();
    let manifest = backup(&[&place.store, &store], &place.path("copy"), 1).unwrap();
    assert_eq!(manifest.files.len(), 2);
    let swapped = backup(&[&store, &place.store], &place.path("swapped"), 1);
    assert!(swapped.is_ok());
    let error = check(&place.path("swapped")).unwrap_err();
    assert!(error.to_string().ends_with("it is another file of calldex's"), "{error}");
    drop(store);
    fs::remove_file(&events).unwrap();
    let restored = restore(&place.path("copy"), &[place.store.path(), &events], true, 5).unwrap();
    assert_eq!(restored.aside, [place.path("calldex.db.before-restore-5")]);
    Store::open(&events, &EVENTS).unwrap();
}

#[test]
fn calls_after_a_restore_get_numbers_that_those_since_the_backup_did_not_have() {
    let place = Place::new();
    let events = crate::store::events_path(place.store.path());
    for had_calls in [false, true] {
        let copy = place.path(&format!("copy-{had_calls}"));
        let store = Store::open(&events, &EVENTS).unwrap();
        let sequence = |path: &Path| {
            let sql = "SELECT max(seq) FROM sqlite_sequence WHERE name = 'call'";
            let last: Option<i64> = Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap();
            last.unwrap_or_default()
        };
        let before = sequence(&events);
        backup(&[&place.store, &store], &copy, 1).unwrap();
        drop(store);
        restore(&copy, &[place.store.path(), &events], true, 5 + i64::from(had_calls)).unwrap();
        assert_eq!(sequence(&events) - before, 10_000_000, "{had_calls}");
        for now in [1_800_000_000_000, 1_900_000_000_000] {
            restore(&copy, &[place.store.path(), &events], true, now).unwrap();
            assert_eq!(sequence(&events), now.max(before + 10_000_000), "the same backup once more");
        }
    }
}

/// A store of two files, both with a log beside it as a damaged one may have, and a backup of what it was before.
fn store_and_backup() -> (Place, PathBuf) {
    let place = Place::new();
    let events = crate::store::events_path(place.store.path());
    let store = Store::open(&events, &EVENTS).unwrap();
    place.add_book("first");
    backup(&[&place.store, &store], &place.path("copy"), 1).unwrap();
    place.add_book("second");
    for path in [place.store.path(), &events] {
        fs::write(switch::beside(path, "-wal"), "of the old store").unwrap();
    }
    (place, events)
}

#[test]
fn a_restore_killed_after_any_step_is_ended_by_whoever_opens_the_store() {
    let mut steps = 1;
    let mut step = 0;
    while step <= steps {
        let (place, events) = store_and_backup();
        let home = place.folder.path();
        let plan = Plan { files: vec!["calldex.db".into(), "calldex-events.db".into()], aside: "old".to_owned() };
        for path in [place.store.path(), &events] {
            fs::copy(place.path("copy").join(path.file_name().unwrap()), switch::fresh(path)).unwrap();
        }
        plan.write(home).unwrap();
        let moves = plan.moves(home);
        steps = moves.len();
        for (from, to) in moves.iter().take(step) {
            fs::rename(from, to).unwrap();
        }
        // The second file is opened first every other time: either of them ends all of it.
        let both = [(place.store.path(), &DIRECTORY), (events.as_path(), &EVENTS)];
        for (path, kind) in if step % 2 == 0 { [both[0], both[1]] } else { [both[1], both[0]] } {
            Store::open(path, kind).unwrap();
        }
        assert_eq!(books(place.store.path()), 1, "after {step} steps");
        for name in ["calldex.db.old", "calldex-events.db.old"] {
            assert!(place.path(name).exists(), "{name} after {step} steps");
            assert_eq!(fs::read(place.path(&format!("{name}-wal"))).unwrap(), b"of the old store", "{step}");
        }
        assert!(!switch::is_planned(home) && plan.moves(home).is_empty(), "after {step} steps");
        step += 1;
    }
    assert!(steps >= 6, "two files and two logs leave, two files come: {steps}");
}

#[test]
fn a_restore_killed_before_its_plan_is_whole_has_changed_nothing() {
    let place = Place::new();
    place.add_book("first");
    fs::write(switch::fresh(place.store.path()), "half a copy").unwrap();
    fs::write(place.path("calldex-restore.json.part"), "{").unwrap();
    Store::open(place.store.path(), &DIRECTORY).unwrap();
    assert_eq!(books(place.store.path()), 1);
    place.backup("copy").unwrap();
    restore(&place.path("copy"), &[place.store.path()], true, 5).unwrap();
    assert_eq!(books(place.store.path()), 1);
}

#[test]
fn a_plan_that_cannot_be_read_is_named_and_no_empty_store_is_made() {
    let place = Place::new();
    fs::write(place.path("calldex-restore.json"), "{").unwrap();
    let error = Store::open(&place.path("other.db"), &DIRECTORY).unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(error.to_string().contains("calldex-restore.json what a restore has left undone"), "{error}");
    assert!(!place.path("other.db").exists());
}
