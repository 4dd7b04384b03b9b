//! Copies the store while it is used, and puts a copy back.
//!
//! A backup is a folder with one file for each file of the store and `manifest.json`, which is written last: a folder
//! without one is no backup. The copy is made with SQLite's online backup inside one read transaction, so it is of one
//! moment, whoever writes meanwhile, and nobody waits for it.

mod manifest;
mod restore;
mod switch;

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::{Store, failure, folder_of};
use crate::error::{Error, Kind, Result};

pub use manifest::{Copied, Manifest};
pub use restore::{Restored, check, restore};
pub(super) use switch::{carry_out_plan, is_planned};

/// Pages copied at a time: 4 MiB.
const PAGES: i32 = 1_024;

const DOING: &str = "back up the store";

/// Copies every file of the store into `folder`, which is new or empty. `now` is in milliseconds since 1970 UTC.
///
/// # Errors
/// `Invalid` when the folder holds something; `Full` and those of the file system. What was begun is removed then.
pub fn backup(stores: &[&Store], folder: &Path, now: i64) -> Result<Manifest> {
    let created = prepare_folder(folder)?;
    let result = copy_all(stores, folder, now);
    if result.is_err() {
        remove_begun(stores, folder, created);
    }
    result
}

fn copy_all(stores: &[&Store], folder: &Path, now: i64) -> Result<Manifest> {
    let mut files = Vec::new();
    for store in stores {
        let path = copy_path(store, folder)?;
        copy(store, &path)?;
        files.push(Copied::of(&path)?);
    }
    let manifest = Manifest::new(now, files);
    manifest.write(folder)?;
    Ok(manifest)
}

/// Makes the folder, which nobody else may look into; says whether it is new.
fn prepare_folder(folder: &Path) -> Result<bool> {
    let refuse = |error| file_error("use the folder", folder, error);
    if !folder.exists() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refuse)?;
        return Ok(true);
    }
    if fs::read_dir(folder).map_err(refuse)?.next().is_some() {
        let message = format!("cannot back up into {}: it is not empty; name a new folder", folder.display());
        return Err(Error::new(Kind::Invalid, message));
    }
    Ok(false)
}

fn copy_path(store: &Store, folder: &Path) -> Result<PathBuf> {
    let name = store.path().file_name();
    let name = name.ok_or_else(|| Error::new(Kind::Invalid, "the store has no file name"))?;
    Ok(folder.join(name))
}

fn copy(store: &Store, path: &Path) -> Result<()> {
    let source = store.reader()?;
    let mut target = Connection::open(path).map_err(|error| failure(DOING, error))?;
    copy_pages(&source, &mut target).map_err(|error| name_target(path, error))?;
    // One plain file, without a log beside it.
    let plain = target.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()));
    plain.map_err(|error| name_target(path, error))?;
    drop(target);
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| file_error("write", path, error))
}

/// The transaction holds the moment: without it a write of another process would begin the copy anew, again and again.
fn copy_pages(source: &Connection, target: &mut Connection) -> rusqlite::Result<()> {
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let backup = Backup::new(source, target)?;
    while backup.step(PAGES)? != StepResult::Done {}
    Ok(())
}

/// The disk that is full is that of the copy, not that of the store.
fn name_target(path: &Path, error: rusqlite::Error) -> Error {
    match failure(DOING, error) {
        full if full.kind() == Kind::Full => {
            Error::new(Kind::Full, format!("cannot write {}: the disk is full", path.display()))
        }
        other => other,
    }
}

/// A half copy is of no use; what cannot be removed has no manifest and is not taken for a backup.
fn remove_begun(stores: &[&Store], folder: &Path, created: bool) {
    for path in stores.iter().filter_map(|store| copy_path(store, folder).ok()) {
        // SQLite's name for what it rolls back with; a full disk leaves it behind.
        let mut journal = path.clone().into_os_string();
        journal.push("-journal");
        let _ = fs::remove_file(path);
        let _ = fs::remove_file(journal);
    }
    let _ = manifest::remove(folder);
    if created {
        let _ = fs::remove_dir(folder);
    }
}

/// A failure of the file system at a path.
fn file_error(doing: &str, path: &Path, error: std::io::Error) -> Error {
    let (kind, hint) = match error.kind() {
        std::io::ErrorKind::NotFound => (Kind::NotFound, ""),
        std::io::ErrorKind::StorageFull => (Kind::Full, ": the disk is full"),
        _ => (Kind::Unavailable, ""),
    };
    Error::new(kind, format!("cannot {doing} {}{hint}", path.display())).because(error)
}

/// Has the names in a folder on the disk.
fn sync_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    File::open(folder).and_then(|file| file.sync_all()).map_err(|error| file_error("write to", folder, error))
}
