//! The disk of the store is full: the import says so, the old directory stays, lookups go on.
//!
//! The disk is a small file system in memory. Mounting one takes rights that a container may not have, so the same is done
//! with a disk that anybody can have: a library before the C library's, which refuses what is too much.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{CONFIGURATION, Workplace};

/// Room on the disk.
const BYTES: u64 = 44 << 20;

/// A small disk: the folder `disk` of a workplace.
struct SmallDisk {
    place: PathBuf,
    is_mounted: bool,
}

impl SmallDisk {
    /// A file system of its own; `None` when this user may not mount one.
    fn mount(workplace: &Workplace) -> Option<Self> {
        let place = Self::folder(workplace);
        let size = format!("size={BYTES}");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "calldex-test"]).arg(&place).output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(Self { place, is_mounted: true });
        }
        // Printed past the capture of the test runner, so that it is seen.
        let said = b"\n*** LEFT OUT: a full file system, because this user may not mount one. ***\n";
        let _ = std::io::Write::write_all(&mut std::io::stderr(), said);
        None
    }

    /// A folder into which the programs of this workplace cannot write more.
    fn feign(workplace: &mut Workplace) -> Self {
        let place = Self::folder(workplace);
        let (source, library) = (Path::new(file!()).with_file_name("small_disk.c"), workplace.path("small_disk.so"));
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl");
        let compiled = compiler.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        let bytes = BYTES.to_string().into();
        workplace.environment = vec![
            ("LD_PRELOAD", library.into()),
            ("SMALL_DISK", place.canonicalize().unwrap().into()),
            ("SMALL_DISK_BYTES", bytes),
        ];
        Self { place, is_mounted: false }
    }

    fn folder(workplace: &Workplace) -> PathBuf {
        let place = workplace.path("disk");
        std::fs::create_dir_all(&place).unwrap();
        place
    }

    fn free(&self) -> u64 {
        if !self.is_mounted {
            let lengths = std::fs::read_dir(&self.place).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
            return BYTES - lengths.sum::<u64>();
        }
        let output = Command::new("df").args(["--output=avail", "-B1"]).arg(&self.place).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap()
    }

    /// Leaves so many bytes free.
    fn fill(&self, free: u64) {
        let ballast = vec![0; usize::try_from(self.free().saturating_sub(free)).unwrap()];
        std::fs::write(self.place.join("ballast"), ballast).unwrap();
    }

    fn make_room(&self) {
        std::fs::remove_file(self.place.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = Command::new("umount").arg("--lazy").arg(&self.place).status();
        }
    }
}

fn rows(count: usize) -> String {
    let rows =
        (0..count).map(|row| format!("{row},Person {row} with a name that takes its room on the disk,07{row:08}\n"));
    format!("id,name,telephone\n{}", rows.collect::<String>())
}

fn workplace() -> Workplace {
    Workplace::new(&CONFIGURATION.replace("sqlite:calldex.db", "sqlite:disk/calldex.db"))
}

#[test]
fn a_full_disk_refuses_the_import_with_that_word_and_lookups_go_on() {
    let mut workplace = workplace();
    let disk = SmallDisk::feign(&mut workplace);
    import_until_the_disk_is_full(&workplace, &disk);
}

#[test]
fn a_full_file_system_refuses_the_import_with_that_word_and_lookups_go_on() {
    let workplace = workplace();
    if let Some(disk) = SmallDisk::mount(&workplace) {
        import_until_the_disk_is_full(&workplace, &disk);
    }
}

fn import_until_the_disk_is_full(workplace: &Workplace, disk: &SmallDisk) {
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
