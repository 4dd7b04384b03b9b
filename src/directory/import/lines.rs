//! Reads lines of any length and keeps only so much of each.

use std::io::Read;

use memchr::memchr2;

use crate::error::{Error, Kind, Result};

/// How much is asked of the file at a time, in bytes.
const CHUNK: usize = 64 << 10;

/// Reads a text line by line; `\n`, `\r\n` and `\r` end a line.
pub(crate) struct Lines<R> {
    input: R,
    chunk: Vec<u8>,
    at: usize,
    at_end: bool,
    /// The number of the line that was read last.
    line: u64,
    after_return: bool,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, chunk: Vec::new(), at: 0, at_end: false, line: 0, after_return: false }
    }

    /// The number of the line that was read last, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.line
    }

    /// Reads the next line without its end into `line`, of which at most `kept` bytes are kept; says whether there was
    /// one, and `None` at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn read(&mut self, line: &mut Vec<u8>, kept: usize) -> Result<Option<Whole>> {
        line.clear();
        let (mut whole, mut any) = (Whole::Yes, false);
        loop {
            if self.at == self.chunk.len() && !self.fill()? {
                self.line += u64::from(any);
                return Ok(any.then_some(whole));
            }
            let mut rest = self.chunk.get(self.at..).unwrap_or_default();
            if std::mem::take(&mut self.after_return) && rest.first() == Some(&b'\n') {
                self.at += 1;
                continue;
            }
            any = true;
            let end = memchr2(b'\n', b'\r', rest);
            rest = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let room = kept.saturating_sub(line.len());
            if rest.len() > room {
                whole = Whole::No;
            }
            line.extend_from_slice(rest.get(..room.min(rest.len())).unwrap_or_default());
            self.at += rest.len();
            if end.is_some() {
                self.after_return = self.chunk.get(self.at) == Some(&b'\r');
                self.at += 1;
                self.line += 1;
                return Ok(Some(whole));
            }
        }
    }

    fn fill(&mut self) -> Result<bool> {
        if self.at_end {
            return Ok(false);
        }
        self.chunk.clear();
        self.at = 0;
        let read = self.input.by_ref().take(CHUNK as u64).read_to_end(&mut self.chunk);
        let length = read.map_err(|cause| {
            Error::new(Kind::Unavailable, format!("cannot read on after line {}", self.line)).because(cause)
        })?;
        self.at_end = length < CHUNK;
        Ok(length > 0)
    }
}

/// Whether all of a line was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    /// All of it.
    Yes,
    /// Its start only.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_three_ways_and_long_ones_are_cut() {
        let mut text = b"one\r\ntwo\rthree\n\nfive ".to_vec();
        text.extend(vec![b'x'; 200_000]);
        let mut lines = Lines::new(&text[..]);
        let mut line = Vec::new();
        let mut seen = Vec::new();
        while let Some(whole) = lines.read(&mut line, 6).unwrap() {
            seen.push((lines.number(), String::from_utf8(line.clone()).unwrap(), whole));
        }
        let expect = [
            (1, "one", Whole::Yes),
            (2, "two", Whole::Yes),
            (3, "three", Whole::Yes),
            (4, "", Whole::Yes),
            (5, "five x", Whole::No),
        ];
        assert_eq!(seen, expect.map(|(line, text, whole)| (line, text.to_owned(), whole)));
    }
}
