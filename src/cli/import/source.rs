//! Where the contacts of an import come from: standard input, a file, or each file of a folder.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::directory::import::folder;
use crate::directory::import::report::printable;
use crate::error::{Error, Kind, Result};

/// Where contacts come from.
pub(super) enum Source {
    /// Standard input.
    Standard,
    /// A file.
    File(PathBuf),
}

/// The name of a file, which a customer may have chosen; it must not steer the terminal.
pub(super) fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// What the arguments name: standard input, a file, or the files of a folder.
pub(super) fn sources(place: &Path) -> Result<Vec<Source>> {
    if place.as_os_str() == "-" {
        return Ok(vec![Source::Standard]);
    }
    match place.is_dir() {
        true => Ok(folder::files(place)?.into_iter().map(Source::File).collect()),
        false => Ok(vec![Source::File(place.to_owned())]),
    }
}

impl Source {
    /// What it is called in messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Standard => "standard input".to_owned(),
            Self::File(path) => shown(path),
        }
    }

    /// Opens it; the size of standard input and of a pipe is not known. Of a file no more is read than it holds now.
    pub(super) fn open(&self) -> Result<(Box<dyn Read + Send>, Option<u64>)> {
        let Self::File(path) = self else { return Ok((Box::new(std::io::stdin()), None)) };
        let refused = |cause: std::io::Error| {
            Error::new(Kind::NotFound, format!("cannot open {}", path.display())).because(cause)
        };
        let file = File::open(path).map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        match metadata.is_file() {
            true => Ok((Box::new(file.take(metadata.len())), Some(metadata.len()))),
            false => Ok((Box::new(file), None)),
        }
    }

    /// Refuses a file that somebody has written to while it was read: it may have been cut in the middle of a row.
    pub(super) fn expect_unchanged(&self, size: Option<u64>) -> Result<()> {
        let (Self::File(path), Some(size)) = (self, size) else { return Ok(()) };
        let now = std::fs::metadata(path).map(|metadata| metadata.len());
        match now {
            Ok(now) if now != size => {
                let message = format!(
                    "the file had {size} bytes and now has {now}: it was written to while it was read; nothing was \
                     imported, try again when it is whole"
                );
                Err(Error::new(Kind::Invalid, message))
            }
            // A file that was moved away has been read to its end all the same.
            _ => Ok(()),
        }
    }

    /// An error that says in which of the files it happened.
    pub(super) fn name_in(&self, error: Error) -> Error {
        Error::new(error.kind(), format!("cannot import {}", self.name())).because(error)
    }
}
