//! A file in pieces, for the readers that look at it byte by byte or line by line.

use std::io::Read;

use crate::error::{Error, Kind, Result};

/// How much is asked of the file at a time, in bytes.
const CHUNK: usize = 64 << 10;

/// The bytes of a file, of which one piece is held.
pub(super) struct Chunks<R> {
    input: R,
    chunk: Vec<u8>,
    at: usize,
    at_end: bool,
}

impl<R: Read> Chunks<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, chunk: Vec::new(), at: 0, at_end: false }
    }

    /// What is left of the piece, or the next one; nothing at the end of the file. `line` is named when it cannot be read.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn rest(&mut self, line: u64) -> Result<&[u8]> {
        if self.at == self.chunk.len() && !self.at_end {
            self.chunk.clear();
            self.at = 0;
            let read = self.input.by_ref().take(CHUNK as u64).read_to_end(&mut self.chunk);
            let length = read.map_err(|cause| {
                Error::new(Kind::Unavailable, format!("cannot read on after line {line}")).because(cause)
            })?;
            self.at_end = length < CHUNK;
        }
        Ok(self.chunk.get(self.at..).unwrap_or_default())
    }

    /// Goes on behind so many bytes of the rest.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = self.chunk.len().min(self.at + bytes);
    }

    /// Goes back to the byte that was skipped last.
    pub(super) fn step_back(&mut self) {
        self.at = self.at.saturating_sub(1);
    }
}
