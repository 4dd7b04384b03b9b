//! Reads lines of any length and keeps only so much of each.

use std::io::Read;

use memchr::memchr2;

use super::chunks::Chunks;
use crate::error::Result;

/// Reads a text line by line; `\n`, `\r\n` and `\r` end a line.
pub(crate) struct Lines<R> {
    input: Chunks<R>,
    /// The number of the line that was read last.
    line: u64,
    after_return: bool,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input: Chunks::new(input), line: 0, after_return: false }
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
            let mut rest = self.input.rest(self.line)?;
            if rest.is_empty() {
                self.line += u64::from(any);
                return Ok(any.then_some(whole));
            }
            if std::mem::take(&mut self.after_return) && rest.first() == Some(&b'\n') {
                self.input.skip(1);
                continue;
            }
            any = true;
            let end = memchr2(b'\n', b'\r', rest);
            let is_return = end.is_some_and(|end| rest.get(end) == Some(&b'\r'));
            rest = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let room = kept.saturating_sub(line.len());
            if rest.len() > room {
                whole = Whole::No;
            }
            line.extend_from_slice(rest.get(..room.min(rest.len())).unwrap_or_default());
            let used = rest.len() + usize::from(end.is_some());
            self.input.skip(used);
            if end.is_some() {
                self.after_return = is_return;
                self.line += 1;
                return Ok(Some(whole));
            }
        }
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
