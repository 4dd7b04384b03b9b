//! Puts a backup back: checked whole first, the present store moved aside, never written over.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::{Copied, Manifest, file_error, sync_folder};
use crate::error::{Error, Kind, Result};
use crate::store::{DIRECTORY, EVENTS, Migrations, folder_of, migrate};

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

/// Puts a backup in the place of the store: its files at `paths`, in the order of the manifest.
/// `replace` allows to move present files aside; `now`, in milliseconds since 1970 UTC, is part of their new names. A file
/// that the backup does not have stays as it is.
///
/// # Errors
/// Those of [`check`]; `Refused` when there is a store and `replace` is not given; `Busy` while another process has the
/// store open. The present store is as before then.
pub fn restore(folder: &Path, paths: &[&Path], replace: bool, now: i64) -> Result<Restored> {
    let manifest = check(folder)?;
    let places: Vec<(&Copied, &Path)> = manifest.files.iter().zip(paths.iter().copied()).collect();
    for (_, path) in &places {
        make_way(path, replace)?;
    }
    let fresh = |path: &Path| path.with_added_extension("restoring");
    let copied = places.iter().try_for_each(|(file, path)| copy_synced(&folder.join(&file.name), &fresh(path), file));
    copied.inspect_err(|_| places.iter().for_each(|(_, path)| drop(fs::remove_file(fresh(path)))))?;
    let mut aside = Vec::new();
    for (_, path) in &places {
        if path.exists() {
            aside.push(move_aside(path, now)?);
        }
        fs::rename(fresh(path), path).map_err(|error| file_error("put in place", path, error))?;
        sync_folder(path)?;
    }
    Ok(Restored { manifest, aside })
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
        // A backup may be kept read-only; the store is written to.
        let mut permissions = fs::metadata(to)?.permissions();
        if permissions.readonly() {
            use std::os::unix::fs::PermissionsExt;
            permissions.set_mode(permissions.mode() | 0o600);
            fs::set_permissions(to, permissions)?;
        }
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

fn move_aside(path: &Path, now: i64) -> Result<PathBuf> {
    let aside = path.with_added_extension(format!("before-restore-{now}"));
    // The log of a damaged store goes with it: the restored file must not be read with it.
    for end in ["wal", "shm"] {
        let name = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(format!("-{end}"));
            PathBuf::from(name)
        };
        if name(path).exists() {
            fs::rename(name(path), name(&aside)).map_err(|error| file_error("move aside", path, error))?;
        }
    }
    fs::rename(path, &aside).map_err(|error| file_error("move aside", path, error))?;
    Ok(aside)
}
