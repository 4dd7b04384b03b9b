//! Unpacks gzip files and zip files with one file in them, as far as is sane.
//!
//! A packed file may unpack to [`MAX_RATIO`] times its size; the first [`ALWAYS`] bytes are free. Contacts pack to a
//! tenth; what packs to less than a two-hundredth is a decompression bomb or a file of blanks. Nothing is unpacked to
//! the disk, so that a name in the zip decides nothing; one that climbs out of its folder is refused all the same.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::CrcReader;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use zip::{CompressionMethod, ZipArchive};

use crate::error::{Error, Kind, Result};

/// How many bytes may come out of each byte of a packed file.
pub(crate) const MAX_RATIO: u64 = 200;

/// Bytes that may come out of any packed file.
pub(crate) const ALWAYS: u64 = 64 << 20;

/// Entries that are looked at in a zip file.
const MAX_ENTRIES: usize = 1_000;

/// Anything that bytes come from.
pub(crate) type Input<'a> = Box<dyn Read + Send + 'a>;

/// Unpacks gzip, also several parts one behind the other.
pub(crate) fn gunzip<'a>(input: Input<'a>) -> Input<'a> {
    let packed = Arc::new(AtomicU64::new(0));
    let counted = Counted { input, count: Arc::clone(&packed) };
    Box::new(Limited { input: MultiGzDecoder::new(counted), packed, unpacked: 0 })
}

/// A zip file on the disk, without a name; its end has to be read first.
pub(crate) struct Archive {
    zip: ZipArchive<File>,
}

impl Archive {
    /// Takes the whole input.
    ///
    /// # Errors
    /// The input cannot be read, there is no room for it, or it is no zip file.
    pub(crate) fn open(mut input: Input<'_>) -> Result<Self> {
        let spooled = tempfile::tempfile().and_then(|mut file| {
            std::io::copy(&mut input, &mut file)?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        });
        let file = spooled
            .map_err(|cause| Error::new(Kind::Unavailable, "cannot read the zip file to its end").because(cause))?;
        let zip = ZipArchive::new(file).map_err(|error| damaged(&error))?;
        if zip.len() > MAX_ENTRIES {
            return Err(refused(&format!("it holds {} files, expected one", zip.len())));
        }
        Ok(Self { zip })
    }

    /// Whether it is an Excel workbook.
    pub(crate) fn is_workbook(&self) -> bool {
        self.zip.file_names().flatten().any(|name| name.trim_start_matches('/') == "[Content_Types].xml")
    }

    /// The file itself and its archive, for a reader of workbooks.
    pub(crate) fn zip(&mut self) -> &mut ZipArchive<File> {
        &mut self.zip
    }

    /// Gives the file back.
    pub(crate) fn into_file(self) -> File {
        self.zip.into_inner()
    }

    /// The only file in it.
    ///
    /// # Errors
    /// None or several, a name that climbs, a password, or a way of packing that is not known.
    pub(crate) fn only_file(mut self) -> Result<Input<'static>> {
        let mut chosen = None;
        let mut names = Vec::new();
        for place in 0..self.zip.len() {
            let entry = self.zip.by_index_raw(place).map_err(|error| damaged(&error))?;
            let name = entry.name().map_err(|error| damaged(&error))?.into_owned();
            if entry.enclosed_name().is_none() || name.split(['/', '\\']).any(|part| part == "..") {
                return Err(refused(&format!("the name {name:?} climbs out of its folder")));
            }
            if entry.is_dir() || is_litter(&name) {
                continue;
            }
            names.push(name);
            chosen = Some(Entry {
                start: entry.data_start().unwrap_or_default(),
                packed: entry.compressed_size(),
                method: entry.compression(),
                crc: entry.crc32(),
                encrypted: entry.encrypted(),
            });
        }
        match (chosen, names.len()) {
            (Some(entry), 1) => entry.open(self.into_file()),
            (_, count) => {
                Err(refused(&format!("it holds {count} files, expected one; unpack it into a folder and import that")))
            }
        }
    }
}

/// A file within the zip file.
struct Entry {
    start: u64,
    packed: u64,
    method: CompressionMethod,
    crc: u32,
    encrypted: bool,
}

impl Entry {
    fn open(self, mut file: File) -> Result<Input<'static>> {
        if self.encrypted {
            return Err(refused("the file in it has a password; unpack it first"));
        }
        file.seek(SeekFrom::Start(self.start)).map_err(|cause| refused("it ends too soon").because(cause))?;
        let packed = Arc::new(AtomicU64::new(0));
        let counted = Counted { input: file.take(self.packed), count: Arc::clone(&packed) };
        let expected = self.crc;
        match self.method {
            CompressionMethod::Stored => Ok(Box::new(Limited {
                input: Checked { input: CrcReader::new(counted), expected },
                packed,
                unpacked: 0,
            })),
            CompressionMethod::Deflated => {
                let input = Checked { input: CrcReader::new(DeflateDecoder::new(counted)), expected };
                Ok(Box::new(Limited { input, packed, unpacked: 0 }))
            }
            other => Err(refused(&format!("it is packed with {other}, expected deflate; unpack it first"))),
        }
    }
}

/// What macOS and Windows put beside the files of a user.
fn is_litter(name: &str) -> bool {
    let file = Path::new(name).file_name().and_then(|file| file.to_str()).unwrap_or_default();
    name.starts_with("__MACOSX/") || matches!(file, ".DS_Store" | "Thumbs.db" | "desktop.ini")
}

fn refused(why: &str) -> Error {
    Error::new(Kind::Invalid, format!("the zip file cannot be used: {why}"))
}

fn damaged(error: &zip::result::ZipError) -> Error {
    refused(&error.to_string())
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = self.input.read(out)?;
        self.count.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Fails at the end when the sum of the bytes is not the one that was written down.
struct Checked<R> {
    input: CrcReader<R>,
    expected: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = self.input.read(out)?;
        if length == 0 && !out.is_empty() && self.input.crc().sum() != self.expected {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the file in the zip file is damaged"));
        }
        Ok(length)
    }
}

/// Fails when far more comes out than went in.
struct Limited<R> {
    input: R,
    packed: Arc<AtomicU64>,
    unpacked: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = self.input.read(out)?;
        self.unpacked += length as u64;
        let packed = self.packed.load(Ordering::Relaxed);
        if is_bomb(packed, self.unpacked) {
            let text =
                format!("{packed} packed bytes became more than {MAX_RATIO} times as many: a decompression bomb");
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, text));
        }
        Ok(length)
    }
}

/// Whether so many bytes must not come out of so many packed ones.
pub(crate) fn is_bomb(packed: u64, unpacked: u64) -> bool {
    unpacked > ALWAYS && unpacked > packed.saturating_mul(MAX_RATIO)
}
