//! The SQLite files: opened, checked and brought up to date.
//!
//! Every connection of the program is made here, so that all of them agree: write-ahead log (readers never wait), no
//! memory mapping (a truncated file would kill the process with a signal), acknowledged writes on the disk. What the
//! tables mean is the business of the modules that use them.

pub mod backup;
mod counter;
mod failure;
mod migrate;

#[cfg(test)]
mod tests;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{Error, Kind, Result};

pub use counter::{Counted, WriteCounter};
pub use failure::{at_open, failure};
pub use migrate::{DIRECTORY, EVENTS, Migrations};

/// How long a write waits for other writers.
pub const WRITE_WAIT: Duration = Duration::from_secs(5);

/// How long a read waits. Readers wait for nobody in a write-ahead log; only a recovery after a crash holds them up.
pub const READ_WAIT: Duration = Duration::from_millis(100);

/// How long cutting off the write-ahead log waits: longer than an idle reader keeps its snapshot, shorter than a writer
/// waits for us.
pub const LOG_WAIT: Duration = Duration::from_secs(2);

/// Page cache of a connection, in KiB: holds the upper levels of the indexes of ten million numbers.
const CACHE_KIB: i64 = 8 * 1024;

/// Prepared statements kept by a connection.
const STATEMENTS: usize = 64;

/// Size to which the write-ahead log shrinks after a checkpoint, in bytes.
const LOG_BYTES: i64 = 64 * 1024 * 1024;

/// When a commit is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Before it is acknowledged.
    Acknowledged,
    /// With the next acknowledged commit or checkpoint: for staging that a crash throws away anyway.
    Later,
}

/// One SQLite file that has been checked and has the tables of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    path: PathBuf,
}

impl Store {
    /// Opens the file, creates it when it is missing, and brings its tables up to date.
    ///
    /// # Errors
    /// One message for each of: missing folder, empty or truncated file, not a database, another program's database,
    /// written by a newer calldex, read-only, locked.
    pub fn open(path: &Path, migrations: &Migrations) -> Result<Self> {
        let _creating = settle(path)?;
        check_file(path)?;
        warn_of_long_log(path);
        let store = Self { path: path.to_path_buf() };
        let foreign = store.connect(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE, WRITE_WAIT)?;
        migrate::check(&foreign, migrations, path)?;
        drop(foreign);
        let connection = store.writer(Durability::Acknowledged)?;
        migrate::run(&connection, migrations, path)?;
        Ok(store)
    }

    /// Opens a file that is there, for whoever only reads: nothing is created and its tables stay as they are.
    ///
    /// # Errors
    /// As [`Store::open`]; `Invalid` when an older calldex wrote it, since its tables may not be those that are read.
    pub fn open_to_read(path: &Path, migrations: &Migrations) -> Result<Self> {
        drop(settle(path)?);
        let store = Self { path: path.to_path_buf() };
        let connection = store.reader()?;
        migrate::check(&connection, migrations, path)?;
        migrate::check_current(&connection, migrations, path)?;
        Ok(store)
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which file is there at this moment.
    #[must_use]
    pub fn file(&self) -> StoreFile {
        let found = fs::metadata(&self.path).ok();
        StoreFile(found.map(|file| (file.dev(), file.ino(), file.len())))
    }

    /// A connection that cannot write.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn reader(&self) -> Result<Connection> {
        // SQLite would take it for a new database, and delete a write-ahead log beside it.
        check_not_cut_off(&self.path)?;
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY, READ_WAIT)?;
        connection.pragma_update(None, "query_only", true).map_err(|error| at_open(&self.path, error))?;
        Ok(connection)
    }

    /// A connection that writes. SQLite lets one write at a time; the others wait up to [`WRITE_WAIT`].
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn writer(&self, durability: Durability) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = self.connect(flags, WRITE_WAIT)?;
        let prepare = || -> rusqlite::Result<()> {
            connection.busy_handler(Some(wait_for_writers))?;
            connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
            // What is removed is overwritten: else a person who was erased would still stand in free pages.
            connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
            connection.query_row(&format!("PRAGMA journal_size_limit = {LOG_BYTES}"), [], |_| Ok(()))?;
            set_durability(&connection, durability)
        };
        prepare().map_err(|error| at_open(&self.path, error))?;
        if connection.is_readonly("main").map_err(|error| at_open(&self.path, error))? {
            return Err(read_only(&self.path));
        }
        Ok(connection)
    }

    /// Does `work` in one write transaction.
    ///
    /// # Errors
    /// Those of `work`, and of SQLite; nothing is written then.
    pub fn write<T>(connection: &Connection, doing: &str, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let begin = Transaction::new_unchecked(connection, TransactionBehavior::Immediate);
        let transaction = begin.map_err(|error| failure(doing, error))?;
        // Declared after the transaction and ended after its commit.
        let counted = connection.path().map(|path| Counted::begin(Path::new(path))).transpose()?;
        let value = work(&transaction)?;
        transaction.commit().map_err(|error| failure(doing, error))?;
        drop(counted);
        Ok(value)
    }

    /// Moves the write-ahead log into the file and cuts it off, so that what was overwritten is nowhere any more. `false`
    /// when somebody read or wrote for longer than [`LOG_WAIT`]; the log is then cut off some other time.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn truncate_log(&self) -> Result<bool> {
        let connection = self.writer(Durability::Acknowledged)?;
        connection.busy_timeout(LOG_WAIT).map_err(|error| failure("truncate the write-ahead log", error))?;
        // While a write is counted, no reader keeps its snapshot open, which would hold the log.
        let _counted = Counted::begin(&self.path)?;
        let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        busy.map(|busy| busy == 0).map_err(|error| failure("truncate the write-ahead log", error))
    }

    fn connect(&self, flags: OpenFlags, wait: Duration) -> Result<Connection> {
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(&self.path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            connection.busy_timeout(wait)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            connection.query_row("PRAGMA mmap_size = 0", [], |_| Ok(()))?;
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok(connection)
        };
        open().map_err(|error| at_open(&self.path, error))
    }
}

/// The identity of a store's file, and how long it was; `None` inside when there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreFile(Option<(u64, u64, u64)>);

impl StoreFile {
    /// Says whether what was connected to this file then still reads what is there `now`. A store never gets shorter
    /// while it is in use.
    #[must_use]
    pub fn is_still(self, now: Self) -> bool {
        match (self.0, now.0) {
            (Some((device, inode, length)), Some((device_now, inode_now, length_now))) => {
                (device, inode) == (device_now, inode_now) && length <= length_now && length_now > 0
            }
            _ => false,
        }
    }
}

/// Where events, history and journal are, beside the address books: `calldex-events.db` beside `calldex.db`.
#[must_use]
pub fn events_path(directory: &Path) -> PathBuf {
    let mut name = directory.file_stem().unwrap_or_default().to_owned();
    name.push("-events");
    if let Some(extension) = directory.extension() {
        name.push(".");
        name.push(extension);
    }
    directory.with_file_name(name)
}

/// Looks every millisecond whether the store is free, up to [`WRITE_WAIT`].
///
/// SQLite's own waiting looks ten times a second at last, and would miss the short gaps that an import leaves.
fn wait_for_writers(tries: i32) -> bool {
    std::thread::sleep(Duration::from_millis(1));
    u128::try_from(tries).is_ok_and(|tries| tries < WRITE_WAIT.as_millis())
}

/// Says when commits of this connection are on the disk; not inside a transaction.
///
/// # Errors
/// When SQLite refuses.
pub fn set_durability(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    let level = match durability {
        Durability::Acknowledged => "FULL",
        Durability::Later => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", level)
}

/// Lets one process at a time create the file: another one would see it empty and take it for cut off. Ends a restore that
/// was killed in the middle, too: else there would seem to be no store, and an empty one would be made.
///
/// The lock is held only while there is no file, or an empty one, or a restore to be ended. Where the folder cannot be
/// locked, the opening itself will say what is wrong with it.
fn settle(path: &Path) -> Result<Option<fs::File>> {
    let folder = folder_of(path);
    if !backup::is_planned(folder) && fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        return Ok(None);
    }
    let lock = lock_folder(folder);
    backup::carry_out_plan(folder)?;
    Ok(lock)
}

/// Waits for the kernel's lock on the folder, so that nothing is left behind. A restore holds it from its beginning to its
/// end.
fn lock_folder(folder: &Path) -> Option<fs::File> {
    let folder = fs::File::open(folder).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Finds what SQLite would not say clearly: it takes an empty file for a new database and opens what it cannot write.
fn check_file(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    if !folder.is_dir() {
        let message =
            format!("cannot open the store {}: the folder {} does not exist", path.display(), folder.display());
        return Err(Error::new(Kind::NotFound, message));
    }
    let Ok(file) = fs::metadata(path) else { return Ok(()) };
    if file.is_dir() {
        return Err(Error::new(Kind::Invalid, format!("cannot open the store {}: it is a folder", path.display())));
    }
    check_not_cut_off(path)?;
    if file.permissions().readonly() { Err(read_only(path)) } else { Ok(()) }
}

/// Opening brings a log that is left into the file, which a slow disk may take many seconds for.
fn warn_of_long_log(path: &Path) {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if let Some(length) =
        fs::metadata(&log).ok().map(|log| log.len()).filter(|length| *length > LOG_BYTES.cast_unsigned())
    {
        let (path, megabytes) = (path.display(), length / 1_000_000);
        tracing::warn!(
            "{megabytes} MB in the write-ahead log of {path} are brought into it first, which takes a while"
        );
    }
}

fn check_not_cut_off(path: &Path) -> Result<()> {
    if fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        let message = format!(
            "cannot open the store {}: the file is empty, so it was cut off; restore it from a backup, or delete it to start anew",
            path.display()
        );
        return Err(Error::new(Kind::Corrupt, message));
    }
    Ok(())
}

fn read_only(path: &Path) -> Error {
    let message = format!(
        "cannot open the store {}: it is read-only; the user that runs calldex must be able to write the file and its folder",
        path.display()
    );
    Error::new(Kind::Unavailable, message)
}
