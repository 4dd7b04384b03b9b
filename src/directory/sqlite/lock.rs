//! One import at a time in a book, also among processes.
//!
//! The lock is the kernel's, on a file beside the store: it ends with the process that held it, however that ended, and
//! cannot be left over. The file stays; deleting it would let two processes lock two files of one name.
//!
//! While an import runs, the file keeps room on the disk. When the disk is full, what was staged can be removed with
//! that room; without it a store could stay full of what nobody sees, since removing is writing as well.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use crate::error::{Error, Kind, Result};
use crate::store::Store;

/// Room that an import keeps, in bytes: the longest log that is moved into the file of the store before it is used anew,
/// and as much again for the file.
const ROOM: usize = 8 << 20;

/// Held as long as an import into one book lives; the kernel takes the lock back when the file is closed.
#[derive(Debug)]
pub(super) struct ImportLock(File);

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
            Ok(()) => {
                let lock = Self(file);
                // A killed import keeps no room.
                lock.give_up_room();
                Ok(Some(lock))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(refuse(error)),
        }
    }

    /// Keeps room on the disk until [`ImportLock::give_up_room`].
    ///
    /// # Errors
    /// `Full` when there is not so much.
    pub(super) fn keep_room(&self) -> Result<()> {
        let kept = (&self.0).write_all(&vec![0; ROOM]);
        kept.map_err(|error| {
            self.give_up_room();
            let (kind, why) = match error.kind() {
                ErrorKind::StorageFull => (Kind::Full, "the disk of the store is full"),
                _ => (Kind::Unavailable, "cannot write beside the store"),
            };
            let message = format!("cannot begin an import: {why}; it needs {} MB of room", ROOM >> 20);
            Error::new(kind, message).because(error)
        })
    }

    /// Gives the room back. What stays of it is given back by whoever takes the lock next.
    pub(super) fn give_up_room(&self) {
        let _ = self.0.set_len(0);
    }
}
