//! A file that appears when it is whole: written beside its place, then renamed.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};

/// A file that is being written; dropped before the end, it leaves what was there before.
pub(super) struct Output {
    writer: BufWriter<tempfile::NamedTempFile>,
    path: PathBuf,
}

impl Output {
    pub(super) fn begin(path: &Path) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(path, error))?;
        Ok(Self { writer: BufWriter::new(file), path: path.to_path_buf() })
    }

    /// Puts the file in its place.
    pub(super) fn finish(self) -> Result<()> {
        let path = self.path;
        let file = self.writer.into_inner().map_err(|error| failed(&path, error.into_error()))?;
        // On the disk first: else a crash could leave an empty file in the place of a whole one.
        file.as_file().sync_all().map_err(|error| failed(&path, error))?;
        file.persist(&path).map(drop).map_err(|error| failed(&path, error.error))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    let full = error.kind() == std::io::ErrorKind::StorageFull;
    let (kind, hint) = if full { (Kind::Full, ": the disk is full") } else { (Kind::Unavailable, "") };
    Error::new(kind, format!("cannot write {}{hint}", path.display())).because(error)
}
