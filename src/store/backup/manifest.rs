//! What a backup consists of: written last, checked first.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{file_error, sync_folder};
use crate::error::{Error, Kind, Result};

/// Name of the manifest in the folder.
const NAME: &str = "manifest.json";

/// The manifest that this version writes and reads.
const FORMAT: u32 = 1;

/// Bytes hashed at a time.
const CHUNK: usize = 1 << 20;

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this file.
    pub format: u32,
    /// Version of the program that made the backup.
    pub calldex: String,
    /// When it was made, as an RFC 3339 time in UTC.
    pub made: String,
    /// The files, in the order of the store.
    pub files: Vec<Copied>,
}

/// One copied file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Its name in the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    pub(super) fn new(now: i64, files: Vec<Copied>) -> Self {
        let made = jiff::Timestamp::from_millisecond(now).map(|time| time.to_string()).unwrap_or_default();
        Self { format: FORMAT, calldex: env!("CARGO_PKG_VERSION").to_owned(), made, files }
    }

    /// Writes it under another name first: a manifest is whole or not there.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(NAME);
        let begun = folder.join(format!("{NAME}.part"));
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::new(Kind::Internal, "cannot write the manifest").because(error))?;
        let write = || {
            let mut file = File::create(&begun)?;
            file.write_all(&text)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&begun, &path)
        };
        write().map_err(|error| file_error("write", &path, error))?;
        sync_folder(&path)
    }

    /// Reads the manifest of a folder.
    ///
    /// # Errors
    /// `NotFound` when the folder is no backup; `Invalid` for one of a newer version; `Corrupt`.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let text = fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::new(
                Kind::NotFound,
                format!("{} is no backup: it has no {NAME}, which is written last", folder.display()),
            ),
            _ => file_error("read", &path, error),
        })?;
        let manifest: Self = serde_json::from_slice(&text).map_err(|error| {
            Error::new(Kind::Corrupt, format!("cannot understand {}", path.display())).because(error)
        })?;
        match manifest.format {
            FORMAT => Ok(manifest),
            newer => Err(Error::new(
                Kind::Invalid,
                format!("{} has format {newer}, this calldex knows {FORMAT}: use the one that made it", path.display()),
            )),
        }
    }
}

impl Copied {
    /// Measures a file.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let read = || {
            let mut file = File::open(path)?;
            let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0_u64, vec![0; CHUNK]);
            loop {
                match file.read(&mut chunk)? {
                    0 => return Ok((bytes, hash.finalize())),
                    length => {
                        bytes += length as u64;
                        hash.update(&chunk[..length]);
                    }
                }
            }
        };
        let (bytes, hash) = read().map_err(|error| file_error("read", path, error))?;
        let sha256 = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, bytes, sha256 })
    }
}

/// Removes what there is of a manifest.
pub(super) fn remove(folder: &Path) -> std::io::Result<()> {
    let _ = fs::remove_file(folder.join(format!("{NAME}.part")));
    fs::remove_file(folder.join(NAME))
}
