//! Takes rows out of a CSV file, whatever is wrong with it, in bounded memory.
//!
//! The `csv` crate reads well-formed files and most others, but one stray quote makes it swallow every row up to the
//! next quote: the first contact then gets the second one's number. Here a quote that is not closed, or that is closed
//! in the middle of a later line, costs its own line only: reading goes on at the next line. No row of the file is
//! held longer than it takes to read it, and none above [`MAX_RECORD`] is held at all.
//!
//! Reading stays linear. A quote that is open over several lines has only pairs of quotes in them, and such lines,
//! read on their own, leave no quote open; so a line is read three times at the most.

use std::io::Read;

use memchr::{memchr, memchr2, memchr3};

use crate::error::{Error, Kind, Result};

use super::records::Records;

/// Longest row that is read, in bytes.
pub(crate) const MAX_RECORD: usize = 4 << 20;

/// Longest cell that is kept, in bytes.
pub(crate) const MAX_FIELD: usize = 1 << 20;

/// Most cells of a row; further ones are counted but not kept.
pub(crate) const MAX_COLUMNS: usize = 1000;

/// How much is asked of the file at a time, in bytes.
const CHUNK: usize = 256 << 10;

/// One row, reused for the next.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The cells without quotes and separators, one behind the other.
    text: Vec<u8>,
    /// Where each cell ends in `text`.
    ends: Vec<u32>,
    /// Cells in the file; more than `ends` has when there are more than [`MAX_COLUMNS`].
    columns: usize,
    /// The line where the row begins, from 1.
    pub(crate) line: u64,
    /// What was found, when there is no row.
    pub(crate) note: String,
}

impl Record {
    /// The number of cells that the file has in this row.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The bytes of all cells.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.text
    }

    /// Where a cell begins and ends in [`Record::bytes`]; an empty range for one that the row does not have.
    pub(crate) fn range(&self, column: usize) -> std::ops::Range<usize> {
        let end = |column: usize| self.ends.get(column).map_or(self.text.len(), |&end| end as usize);
        if column >= self.ends.len() {
            return 0..0;
        }
        if column == 0 { 0..end(0) } else { end(column - 1)..end(column) }
    }

    /// The bytes of one cell; nothing for one that the row does not have.
    pub(crate) fn cell(&self, column: usize) -> &[u8] {
        self.text.get(self.range(column)).unwrap_or_default()
    }

    /// Empties it for the row that begins at `line`.
    pub(crate) fn restart(&mut self, line: u64) {
        self.clear();
        self.line = line;
    }

    /// Adds a cell.
    pub(crate) fn push(&mut self, cell: &[u8]) {
        if self.text.len() <= MAX_RECORD {
            self.text.extend_from_slice(cell);
        }
        self.end_cell();
    }

    /// A row, unless it is too long.
    pub(crate) fn checked(&self) -> Next {
        if self.text.len() > MAX_RECORD {
            return Next::Broken(Fault::LongRow);
        }
        if self.longest_cell() > MAX_FIELD { Next::Broken(Fault::LongCell) } else { Next::Row }
    }

    fn clear(&mut self) {
        self.note.clear();
        self.text.clear();
        self.ends.clear();
        self.columns = 0;
    }

    fn end_cell(&mut self) {
        self.columns += 1;
        if self.ends.len() < MAX_COLUMNS {
            // The text is shorter than MAX_RECORD, so that its length fits.
            self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        } else {
            self.text.truncate(self.ends.last().map_or(0, |&end| end as usize));
        }
    }

    fn longest_cell(&self) -> usize {
        (0..self.ends.len()).map(|column| self.range(column).len()).max().unwrap_or(0)
    }

    fn is_blank(&self) -> bool {
        self.columns == 1 && self.text.iter().all(u8::is_ascii_whitespace)
    }
}

/// Why a row could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    /// A quote is not closed, or closed in the middle of a later line; reading goes on at the next line.
    Quote,
    /// A cell is longer than [`MAX_FIELD`].
    LongCell,
    /// The row is longer than [`MAX_RECORD`].
    LongRow,
    /// An object that is no JSON.
    Json,
    /// Something that is no object.
    NotObject,
    /// A card that cannot be read.
    CardUnreadable,
    /// A card without its last line; what there is of it was read.
    Card,
    /// A line of a card that is no property.
    CardLine,
    /// A field that has no column, because it came too late.
    LateField,
}

/// What the reader found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The record holds a row.
    Row,
    /// There was a row that cannot be read; the record holds nothing but its line.
    Broken(Fault),
    /// Something worth knowing that is no row; the record holds its line and what was found.
    Remark(Fault),
    /// The file is at its end.
    End,
}

/// Reads row after row.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    input: R,
    delimiter: u8,
    /// Bytes of the file that are not used yet: `buffer[start..]`.
    buffer: Vec<u8>,
    start: usize,
    at_end: bool,
    line: u64,
}

impl<R: Read + Send> Records for Reader<R> {
    fn next(&mut self, record: &mut Record) -> Result<Next> {
        Self::next(self, record)
    }
}

impl<R: Read> Reader<R> {
    /// Starts with the bytes that were already taken from the input; the first line is `line`.
    pub(crate) fn new(input: R, delimiter: u8, taken: Vec<u8>, line: u64) -> Self {
        Self { input, delimiter, buffer: taken, start: 0, at_end: false, line }
    }

    /// Reads the next row that is not blank.
    ///
    /// # Errors
    /// The file cannot be read any further.
    pub(crate) fn next(&mut self, record: &mut Record) -> Result<Next> {
        loop {
            let next = self.next_line(record)?;
            if next != Next::Row || !record.is_blank() {
                return Ok(next);
            }
        }
    }

    fn next_line(&mut self, record: &mut Record) -> Result<Next> {
        loop {
            record.line = self.line;
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            if rest.is_empty() && self.at_end {
                return Ok(Next::End);
            }
            let window = rest.get(..MAX_RECORD).unwrap_or(rest);
            let last = self.at_end && window.len() == rest.len();
            match scan(window, self.delimiter, last, record) {
                Scan::Row(used) => {
                    self.use_up(used);
                    let fits = record.longest_cell() <= MAX_FIELD;
                    return Ok(if fits { Next::Row } else { Next::Broken(Fault::LongCell) });
                }
                Scan::Quote => return self.skip_line(Fault::Quote),
                Scan::More if rest.len() < MAX_RECORD => self.fill()?,
                Scan::More => return self.skip_line(Fault::LongRow),
                Scan::MoreQuoted if rest.len() < MAX_RECORD => self.fill()?,
                Scan::MoreQuoted => return self.skip_line(Fault::Quote),
            }
        }
    }

    /// Passes over the bytes up to the next line, without keeping them.
    fn skip_line(&mut self, fault: Fault) -> Result<Next> {
        let mut searched_a_whole_window = false;
        loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            if let Some(end) = end_of_line(rest, self.at_end) {
                self.use_up(end);
                let long = searched_a_whole_window && fault == Fault::Quote;
                return Ok(Next::Broken(if long { Fault::LongRow } else { fault }));
            }
            searched_a_whole_window |= rest.len() >= MAX_RECORD;
            // A carriage return at the end of what is there may be followed by its line feed.
            let keep = usize::from(rest.last() == Some(&b'\r'));
            self.start = self.buffer.len() - keep;
            self.fill()?;
        }
    }

    fn use_up(&mut self, bytes: usize) {
        let used = self.buffer.get(self.start..self.start + bytes).unwrap_or_default();
        self.line += count_lines(used);
        self.start += bytes;
    }

    /// Reads on; as much again as is unused, so that a long row is looked at a few times only.
    fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let wanted = self.buffer.len().clamp(CHUNK, MAX_RECORD);
        let before = self.buffer.len();
        let read = self.input.by_ref().take(wanted as u64).read_to_end(&mut self.buffer);
        if let Err(cause) = read {
            return Err(
                Error::new(Kind::Unavailable, format!("cannot read on after line {}", self.line)).because(cause)
            );
        }
        self.at_end = self.buffer.len() - before < wanted;
        Ok(())
    }
}

/// What a look at the bytes of a row shows.
#[derive(Debug, PartialEq, Eq)]
enum Scan {
    /// A whole row of so many bytes, with its end of line.
    Row(usize),
    /// The bytes end within the row.
    More,
    /// The bytes end within a quoted cell of the row.
    MoreQuoted,
    /// Its quotes do not fit together.
    Quote,
}

/// Takes the cells of the first row; `last` says that no more bytes follow.
fn scan(bytes: &[u8], delimiter: u8, last: bool, record: &mut Record) -> Scan {
    record.clear();
    let mut at = 0;
    loop {
        if let Some(open) = quote_ahead(bytes, at) {
            match quoted(bytes, open + 1, delimiter, last, record) {
                Ok(next) => at = next,
                Err(scan) => return scan,
            }
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(length) = memchr3(delimiter, b'\n', b'\r', rest) else {
            record.text.extend_from_slice(rest);
            record.end_cell();
            return if last { Scan::Row(bytes.len()) } else { Scan::More };
        };
        record.text.extend_from_slice(rest.get(..length).unwrap_or_default());
        record.end_cell();
        at += length;
        if bytes.get(at) == Some(&delimiter) {
            at += 1;
            continue;
        }
        return match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'\r'), Some(b'\n')) => Scan::Row(at + 2),
            (Some(b'\r'), None) if !last => Scan::More,
            _ => Scan::Row(at + 1),
        };
    }
}

/// The place of a quote that opens the cell, perhaps behind blanks.
fn quote_ahead(bytes: &[u8], at: usize) -> Option<usize> {
    let blanks = bytes.get(at..)?.iter().take_while(|&&byte| byte == b' ').count();
    (bytes.get(at + blanks) == Some(&b'"')).then_some(at + blanks)
}

/// Takes a quoted cell; returns where the text behind the closing quote begins.
fn quoted(
    bytes: &[u8],
    start: usize,
    delimiter: u8,
    last: bool,
    record: &mut Record,
) -> std::result::Result<usize, Scan> {
    let mut at = start;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(length) = memchr(b'"', rest) else {
            return Err(if last { Scan::Quote } else { Scan::MoreQuoted });
        };
        record.text.extend_from_slice(rest.get(..length).unwrap_or_default());
        at += length + 1;
        match bytes.get(at) {
            Some(b'"') => {
                record.text.push(b'"');
                at += 1;
            }
            None if !last => return Err(Scan::More),
            _ => break,
        }
    }
    let inside = bytes.get(start..at).unwrap_or_default();
    let blanks = bytes.get(at..).unwrap_or_default().iter().take_while(|&&byte| byte == b' ').count();
    let behind = bytes.get(at + blanks);
    let ends_here = behind.is_none_or(|&byte| byte == delimiter || byte == b'\n' || byte == b'\r');
    match (ends_here, memchr2(b'\n', b'\r', inside)) {
        (true, _) => Ok(at + blanks),
        (false, None) => Ok(at),
        (false, Some(_)) => Err(Scan::Quote),
    }
}

/// Where the next line begins; `None` when that cannot be said yet.
fn end_of_line(bytes: &[u8], last: bool) -> Option<usize> {
    match memchr2(b'\n', b'\r', bytes) {
        Some(at) if bytes.get(at) == Some(&b'\n') => Some(at + 1),
        Some(at) if bytes.get(at + 1) == Some(&b'\n') => Some(at + 2),
        Some(at) if at + 1 < bytes.len() || last => Some(at + 1),
        None if last => Some(bytes.len()),
        _ => None,
    }
}

/// Counts the line ends: `\n`, `\r\n`, or `\r` alone.
fn count_lines(bytes: &[u8]) -> u64 {
    let feeds = memchr::memchr_iter(b'\n', bytes).count();
    let lone = memchr::memchr_iter(b'\r', bytes).filter(|&at| bytes.get(at + 1) != Some(&b'\n')).count();
    (feeds + lone) as u64
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
