//! The disk of the store is full: the import says so, the old directory stays, lookups go on.
//!
//! The disk is a small file system in memory. Mounting one takes rights that a container may not have; no package brings
//! them, so that the test says loudly that it was left out.

use std::path::PathBuf;
use std::process::Command;

use crate::harness::{CONFIGURATION, Workplace};

/// A small file system that is taken away in the end.
struct SmallDisk {
    place: PathBuf,
}

impl SmallDisk {
    /// Mounts one of so many megabytes; `None` when this user may not.
    fn mount(place: PathBuf, megabytes: usize) -> Option<Self> {
        std::fs::create_dir_all(&place).unwrap();
        let size = format!("size={megabytes}m");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "calldex-test"]).arg(&place).output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(Self { place });
        }
        // Printed past the capture of the test runner, so that it is seen.
        let said = b"\n*** LEFT OUT: the test of a full disk, because this user may not mount a file system. ***\n";
        let _ = std::io::Write::write_all(&mut std::io::stderr(), said);
        None
    }

    fn free(&self) -> usize {
        let output = Command::new("df").args(["--output=avail", "-B1"]).arg(&self.place).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap()
    }

    /// Leaves so many bytes free.
    fn fill(&self, free: usize) {
        std::fs::write(self.place.join("ballast"), vec![0; self.free().saturating_sub(free)]).unwrap();
    }

    fn make_room(&self) {
        std::fs::remove_file(self.place.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.place).status();
    }
}

fn rows(count: usize) -> String {
    let rows =
        (0..count).map(|row| format!("{row},Person {row} with a name that takes its room on the disk,07{row:08}\n"));
    format!("id,name,telephone\n{}", rows.collect::<String>())
}

#[test]
fn a_full_disk_refuses_the_import_with_that_word_and_lookups_go_on() {
    let workplace = Workplace::new(&CONFIGURATION.replace("sqlite:calldex.db", "sqlite:disk/calldex.db"));
    let Some(disk) = SmallDisk::mount(workplace.path("disk"), 44) else { return };
    workplace.write("few.csv", rows(100));
    workplace.write("many.csv", rows(120_000));
    workplace.succeed(&["import", "few.csv", "--directory", "customers"]);
    let server = workplace.serve();
    disk.fill(22 << 20);
    let before = workplace.succeed(&["directory", "export", "customers"]);
    let nothing_has_changed = || {
        assert_eq!(server.lookup("telephone=0700000099").json()["id"], 99);
        assert_eq!(server.lookup("telephone=0700000100").json()["id"], serde_json::Value::Null);
        assert_eq!(workplace.succeed(&["directory", "export", "customers"]), before);
    };
    let database = workplace.database("disk/calldex.db");
    let stored = || database.query_row("SELECT count(*) FROM contact", [], |row| row.get::<_, i64>(0)).unwrap();
    for _ in 0..2 {
        let said = workplace.fail(&["import", "many.csv", "--directory", "customers"]);
        assert!(said.contains("the disk of the store is full"), "{said}");
        nothing_has_changed();
        assert_eq!(stored(), 100, "what was staged is removed with the room that the import has kept");
    }
    disk.make_room();
    disk.fill(1 << 20);
    let said = workplace.fail(&["import", "few.csv", "--directory", "customers"]);
    assert!(said.contains("the disk of the store is full; it needs 8 MB of room"), "{said}");
    nothing_has_changed();
    disk.make_room();
    workplace.write("few.csv", rows(101));
    workplace.succeed(&["import", "few.csv", "--directory", "customers"]);
    assert_eq!(server.lookup("telephone=0700000100").json()["id"], 100);
    disk.fill(64 << 10);
    let said = workplace.fail(&["backup", "disk/backup"]);
    assert!(said.contains("the disk is full"), "{said}");
    assert!(!workplace.path("disk/backup").exists());
    assert_eq!(server.lookup("telephone=0700000042").json()["id"], 42);
}
