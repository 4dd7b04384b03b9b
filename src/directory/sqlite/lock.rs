//! One import at a time in a book, also among processes.
//!
//! The lock is the kernel's, on an empty file beside the store: it ends with the process that held it, however that
//! ended, and cannot be left over. The file stays; deleting it would let two processes lock two files of one name.

use std::fs::{File, TryLockError};
use std::path::PathBuf;

use crate::error::{Error, Kind, Result};
use crate::store::Store;

/// Held as long as an import into one book lives.
#[derive(Debug)]
pub(super) struct ImportLock(#[expect(dead_code, reason = "the lock ends when the file is closed")] File);

impl ImportLock {
    /// Takes the lock; `None` when somebody else has it.
    pub(super) fn take(store: &Store, directory: i64) -> Result<Option<Self>> {
        let mut name = store.path().as_os_str().to_owned();
        name.push(format!(".import-{directory}"));
        let path = PathBuf::from(name);
        let refuse = |error: std::io::Error| {
            Error::new(Kind::Unavailable, format!("cannot lock {} for an import", path.display())).because(error)
        };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(refuse)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(refuse(error)),
        }
    }
}
