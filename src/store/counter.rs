//! Counts the writes to a store, of all processes, in a small file beside it (`calldex.db-writes`).
//!
//! Asking SQLite whether anybody has written costs two file locks and, between the threads of one process, a fight for
//! a mutex: more than the rest of a lookup. Reading eight bytes costs a fraction of a microsecond. A writer makes the
//! count odd before its commit and even after it, under a lock that the kernel takes back when the process dies. So an
//! even count that has not changed proves that no write of calldex has been committed meanwhile; an odd one says nothing,
//! and whoever reads it asks SQLite. A writer that is killed leaves the count odd, which costs time and never truth.
//!
//! The count is no part of the data: a lost or deleted file only means that SQLite is asked.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Kind, Result};

use super::WRITE_WAIT;

/// How often a lock that somebody holds is tried again. It is held for microseconds after a commit.
const LOCK_PAUSE: Duration = Duration::from_millis(1);

/// The count of one store, for readers.
#[derive(Debug)]
pub struct WriteCounter {
    path: PathBuf,
    file: Option<File>,
}

impl WriteCounter {
    /// The count beside the store at `store`. Without the file it never says anything.
    #[must_use]
    pub fn open(store: &Path) -> Self {
        let path = beside(store);
        let file = open(&path).ok();
        Self { path, file }
    }

    /// The number of writes so far; `None` while one is under way, or when it cannot be known.
    #[must_use]
    pub fn read(&self) -> Option<u64> {
        let count = read(self.file.as_ref()?).ok()?;
        (count % 2 == 0).then_some(count)
    }

    /// Says whether the file is still the one that writers count in.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let open = self.file.as_ref().and_then(|file| file.metadata().ok()).map(identity);
        let there = std::fs::metadata(&self.path).ok().map(identity);
        open.is_some() && open == there
    }
}

/// A write that is being counted. Its end, however it comes, makes the count even again.
#[derive(Debug)]
pub struct Counted {
    file: File,
    count: u64,
}

impl Counted {
    /// Begins to count a write; the caller holds SQLite's lock for writing.
    ///
    /// # Errors
    /// [`Kind::Busy`] when another writer does not end, [`Kind::Unavailable`] when the file cannot be written.
    pub fn begin(store: &Path) -> Result<Self> {
        let path = beside(store);
        let failed = |error: io::Error| {
            Error::new(Kind::Unavailable, format!("cannot count a write in {}", path.display())).because(error)
        };
        let file = open(&path).map_err(failed)?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if waited < WRITE_WAIT => {
                    std::thread::sleep(LOCK_PAUSE);
                    waited += LOCK_PAUSE;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::new(Kind::Busy, "another process does not end its write"));
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        // After a killed writer the count is odd already; going on from the next odd one keeps it ever new.
        let count = (read(&file).map_err(failed)? + 1) | 1;
        write(&file, count).map_err(failed)?;
        Ok(Self { file, count })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // When this fails the count stays odd, and readers ask SQLite.
        let _ = write(&self.file, self.count + 1);
    }
}

fn beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push("-writes");
    PathBuf::from(name)
}

fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).read(true).write(true).open(path)
}

/// An empty file counts as zero.
fn read(file: &File) -> io::Result<u64> {
    let mut bytes = [0; 8];
    let length = file.read_at(&mut bytes, 0)?;
    Ok(if length == bytes.len() { u64::from_le_bytes(bytes) } else { 0 })
}

fn write(file: &File, count: u64) -> io::Result<()> {
    file.write_all_at(&count.to_le_bytes(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calldex.db");
        (folder, path)
    }

    #[test]
    fn a_write_is_seen_while_it_lasts_and_after_it() {
        let (_folder, store) = store();
        let reader = WriteCounter::open(&store);
        let before = reader.read().unwrap();
        let writing = Counted::begin(&store).unwrap();
        assert_eq!(reader.read(), None);
        drop(writing);
        assert!(reader.read().unwrap() > before);
    }

    #[test]
    fn a_killed_writer_leaves_no_count_that_looks_unchanged() {
        let (_folder, store) = store();
        let reader = WriteCounter::open(&store);
        let before = reader.read().unwrap();
        std::mem::forget(Counted::begin(&store).unwrap().file.try_clone().unwrap());
        write(&open(&beside(&store)).unwrap(), before + 1).unwrap();
        assert_eq!(reader.read(), None);
    }

    #[test]
    fn a_file_that_was_deleted_is_noticed() {
        let (_folder, store) = store();
        let reader = WriteCounter::open(&store);
        assert!(reader.is_in_place());
        std::fs::remove_file(beside(&store)).unwrap();
        assert!(!reader.is_in_place());
        drop(Counted::begin(&store).unwrap());
        assert!(!reader.is_in_place(), "another file of the same name is another count");
    }
}
