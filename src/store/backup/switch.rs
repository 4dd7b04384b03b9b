//! The moment in which the restored files take the place of the store.
//!
//! Several files and their logs cannot be renamed at once. So a plan is put beside them first, which happens at once:
//! from then on the restore has happened, and whoever opens the store next carries the plan out from wherever a restore
//! that was killed has left off. Before that, the store is the old one.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{file_error, sync_folder};
use crate::error::{Error, Kind, Result};

/// Name of the plan, in the folder of the store.
const NAME: &str = "calldex-restore.json";

/// What SQLite keeps beside a database. It goes where its database goes: read with another one it would destroy it.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Which files take their places, and what those from before are called then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The names of the store's files.
    pub(super) files: Vec<PathBuf>,
    /// Added to the names of the files from before.
    pub(super) aside: String,
}

/// Where the restored file waits for its turn.
pub(super) fn fresh(path: &Path) -> PathBuf {
    path.with_added_extension("restoring")
}

/// Whether a restore in this folder has yet to be carried out.
pub(in crate::store) fn is_planned(folder: &Path) -> bool {
    folder.join(NAME).exists()
}

/// Carries out what a restore that was killed has left undone; nothing when there is none. The caller has the lock of the
/// folder.
///
/// # Errors
/// Those of the file system; the next one to open the store tries again.
pub(in crate::store) fn carry_out_plan(folder: &Path) -> Result<()> {
    let Some(plan) = Plan::read(folder)? else { return Ok(()) };
    plan.carry_out(folder)?;
    tracing::warn!(folder = %folder.display(), "a restore had been cut off; it is whole now");
    Ok(())
}

impl Plan {
    fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(NAME);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file_error("read", &path, error)),
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            let message = format!("cannot tell from {} what a restore has left undone", path.display());
            Error::new(Kind::Corrupt, message).because(error)
        })
    }

    /// Puts the plan in place, on the disk. The restored files are on the disk already.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let (path, begun) = (folder.join(NAME), folder.join(format!("{NAME}.part")));
        let text = serde_json::to_vec(self)
            .map_err(|error| Error::new(Kind::Internal, "cannot write the plan of the restore").because(error))?;
        let write = || {
            let mut file = File::create(&begun)?;
            file.write_all(&text)?;
            file.sync_all()?;
            File::open(folder)?.sync_all()?;
            fs::rename(&begun, &path)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&begun);
            file_error("write", &path, error)
        })?;
        sync_folder(&path)
    }

    /// Brings every file to its place. May be done again after it was cut off anywhere.
    pub(super) fn carry_out(&self, folder: &Path) -> Result<()> {
        for (from, to) in self.moves(folder) {
            fs::rename(&from, &to).map_err(|error| file_error("put in place", &to, error))?;
        }
        let path = folder.join(NAME);
        sync_folder(&path)?;
        fs::remove_file(&path).map_err(|error| file_error("remove", &path, error))?;
        sync_folder(&path)
    }

    /// What has still to be renamed, in order: a file leaves before its successor comes, and one whose successor waits
    /// no more is the successor.
    pub(super) fn moves(&self, folder: &Path) -> Vec<(PathBuf, PathBuf)> {
        let mut moves = Vec::new();
        for path in self.files.iter().map(|name| folder.join(name)) {
            if !fresh(&path).exists() {
                continue;
            }
            let aside = self.aside(&path);
            let names = std::iter::once("").chain(COMPANIONS).map(|end| (beside(&path, end), beside(&aside, end)));
            moves.extend(names.filter(|(from, _)| from.exists()));
            moves.push((fresh(&path), path));
        }
        moves
    }

    /// What the file from before is called then.
    pub(super) fn aside(&self, path: &Path) -> PathBuf {
        path.with_added_extension(&self.aside)
    }
}

pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}
