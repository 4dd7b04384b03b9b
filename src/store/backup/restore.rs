//! Puts a backup back: checked whole first, the present store moved aside, never written over.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::switch::{self, Plan, fresh};
use super::{Copied, Manifest, file_error};
use crate::error::{Error, Kind, Result};
use crate::store::{DIRECTORY, EVENTS, Migrations, folder_of, lock_folder, migrate};

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What was put back.
    pub manifest: Manifest,
    /// Where the files from before are now; empty when there were none.
    pub aside: Vec<PathBuf>,
}

/// The kinds of files in a backup, in the order of its manifest.
const KINDS: [&Migrations; 2] = [&DIRECTORY, &EVENTS];

/// More calls than anybody has between two backups.
const SKIPPED: u32 = 10_000_000;

/// Checks a backup: the manifest, the size and hash of every file, SQLite's own check, and that this program knows its
/// tables. Changes nothing.
///
/// # Errors
/// `NotFound` and `Corrupt` for what is missing or damaged, `Invalid` for a backup of a newer calldex.
pub fn check(folder: &Path) -> Result<Manifest> {
    let manifest = Manifest::read(folder)?;
    if manifest.files.is_empty() || manifest.files.len() > KINDS.len() {
        let (count, most) = (manifest.files.len(), KINDS.len());
        let message = format!("the backup {} has {count} files, expected 1 to {most}", folder.display());
        return Err(Error::new(Kind::Invalid, message));
    }
    for (file, migrations) in manifest.files.iter().zip(KINDS) {
        check_file(folder, file, migrations)?;
    }
    Ok(manifest)
}

fn check_file(folder: &Path, file: &Copied, migrations: &Migrations) -> Result<()> {
    let damaged = |what: &str| {
        Error::new(Kind::Corrupt, format!("the backup {} is damaged: {} {what}", folder.display(), file.name))
    };
    // A name that climbs out of the folder is not one that a backup writes.
    if Path::new(&file.name).file_name() != Some(OsStr::new(&file.name)) {
        return Err(damaged("is no plain file name"));
    }
    let path = folder.join(&file.name);
    let found = Copied::of(&path)?;
    if found.bytes != file.bytes {
        return Err(damaged(&format!("has {} bytes, expected {}", found.bytes, file.bytes)));
    }
    if found.sha256 != file.sha256 {
        return Err(damaged("has other content than the manifest says"));
    }
    let connection = open_copy(&path).map_err(|error| damaged("cannot be opened").because(error))?;
    migrate::check(&connection, migrations, &path)?;
    let verdict: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| damaged("cannot be checked").because(error))?;
    if verdict == "ok" { Ok(()) } else { Err(damaged(&format!("fails SQLite's check: {verdict}"))) }
}

/// Immutable: nothing is written beside it, so a backup on a read-only disk can be checked.
fn open_copy(path: &Path) -> rusqlite::Result<Connection> {
    let escaped: String = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)
}

/// Puts a backup in the place of the store: its files at `paths`, in the order of the manifest and in one folder.
/// `replace` allows to move present files aside; `now`, in milliseconds since 1970 UTC, is part of their new names. A file
/// that the backup does not have stays as it is. Killed at any moment, it leaves the present store or the restored one.
///
/// # Errors
/// Those of [`check`]; `Refused` when there is a store and `replace` is not given; `Busy` while another process has the
/// store open. The present store is as before then.
pub fn restore(folder: &Path, paths: &[&Path], replace: bool, now: i64) -> Result<Restored> {
    let manifest = check(folder)?;
    let places: Vec<(&Copied, &Path)> = manifest.files.iter().zip(paths.iter().copied()).collect();
    let home = paths.first().map_or(Path::new("."), |path| folder_of(path));
    let _alone = lock_folder(home);
    switch::carry_out_plan(home)?;
    let make_way = || places.iter().try_for_each(|(_, path)| make_way(path, replace));
    make_way()?;
    let plan = plan(&places, now)?;
    let prepare = || {
        places.iter().try_for_each(|(file, path)| copy_synced(&folder.join(&file.name), &fresh(path), file))?;
        places.iter().skip(1).try_for_each(|(_, path)| skip_numbers(&fresh(path), now))?;
        // Copying takes a while, in which somebody may have begun to use the store.
        make_way()?;
        plan.write(home)
    };
    prepare().inspect_err(|_| places.iter().for_each(|(_, path)| drop(fs::remove_file(fresh(path)))))?;
    plan.carry_out(home)?;
    let aside = places.iter().map(|(_, path)| plan.aside(path)).filter(|aside| aside.exists()).collect();
    Ok(Restored { manifest, aside })
}

/// Gives the calls to come numbers that none has had: systems that calls are written down in know those since the backup by
/// their numbers, and would take a new call for one of these. The same backup may be restored again, so that the time, in
/// milliseconds, is the least number.
fn skip_numbers(events: &Path, now: i64) -> Result<()> {
    let skip = || -> rusqlite::Result<()> {
        let connection = Connection::open_with_flags(events, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.execute_batch(&format!(
            "BEGIN; INSERT INTO sqlite_sequence (name, seq) SELECT 'call', 0 \
             WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'call'); \
             UPDATE sqlite_sequence SET seq = max(seq + {SKIPPED}, {now}) WHERE name = 'call'; COMMIT"
        ))
    };
    skip().map_err(|error| Error::new(Kind::Unavailable, "cannot prepare the events").because(error))
}

fn plan(places: &[(&Copied, &Path)], now: i64) -> Result<Plan> {
    let name = |path: &Path| path.file_name().map(PathBuf::from);
    let files = places.iter().map(|(_, path)| name(path)).collect::<Option<_>>();
    let files = files.ok_or_else(|| Error::new(Kind::Invalid, "the store has no file name"))?;
    Ok(Plan { files, aside: format!("before-restore-{now}") })
}

/// Refuses while the place is not free, or not to be freed.
fn make_way(path: &Path, replace: bool) -> Result<()> {
    if !folder_of(path).is_dir() {
        return Err(Error::new(Kind::NotFound, format!("the folder {} does not exist", folder_of(path).display())));
    }
    if !path.exists() {
        return Ok(());
    }
    if !replace {
        let message = format!("there is a store already: {}; --yes moves it aside", path.display());
        return Err(Error::new(Kind::Refused, message));
    }
    close_down(path)
}

/// Refuses while anybody has the store open, and leaves it as one file without a log.
///
/// SQLite leaves the write-ahead log only when no other connection is open. A store that is damaged cannot say so: then
/// it is up to whoever said yes.
fn close_down(path: &Path) -> Result<()> {
    let close = || -> rusqlite::Result<String> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))
    };
    let in_use = |mode: &str| {
        let message = format!("another process has the store {} open: stop the server first", path.display());
        Error::new(Kind::Busy, format!("{message} (journal mode {mode})"))
    };
    match close() {
        Ok(mode) if mode == "delete" => Ok(()),
        Ok(mode) => Err(in_use(&mode)),
        Err(error) => match super::failure("close the store", error) {
            busy if busy.kind() == Kind::Busy => Err(in_use("wal")),
            _ => Ok(()),
        },
    }
}

fn copy_synced(from: &Path, to: &Path, expected: &Copied) -> Result<()> {
    let copy = || {
        fs::copy(from, to)?;
        // A backup may be kept read-only, or its folder alone be closed to others; the store is its owner's.
        fs::set_permissions(to, fs::Permissions::from_mode(0o600))?;
        File::options().write(true).open(to)?.sync_all()
    };
    let failed = |error| {
        let _ = fs::remove_file(to);
        file_error("write", to, error)
    };
    copy().map_err(failed)?;
    if Copied::of(to)?.sha256 == expected.sha256 {
        return Ok(());
    }
    let _ = fs::remove_file(to);
    Err(Error::new(Kind::Corrupt, format!("the backup changed while it was copied from {}", from.display())))
}
