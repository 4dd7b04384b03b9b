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

    fn clear(&mut self) {
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
}

/// What the reader found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The record holds a row.
    Row,
    /// There was a row that cannot be read; the record holds nothing but its line.
    Broken(Fault),
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
        match quote_ahead(bytes, at) {
            Some(open) => match quoted(bytes, open + 1, delimiter, last, record) {
                Ok(next) => at = next,
                Err(scan) => return scan,
            },
            None => {}
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
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u64, std::result::Result<Vec<String>, Fault>)> {
        read_all(text.as_bytes(), b',')
    }

    fn read_all(bytes: impl Read, delimiter: u8) -> Vec<(u64, std::result::Result<Vec<String>, Fault>)> {
        let mut reader = Reader::new(bytes, delimiter, Vec::new(), 1);
        let mut record = Record::default();
        let mut rows = Vec::new();
        loop {
            match reader.next(&mut record).unwrap() {
                Next::End => return rows,
                Next::Broken(fault) => rows.push((record.line, Err(fault))),
                Next::Row => {
                    let cells = (0..record.columns()).map(|column| record.cell(column));
                    rows.push((record.line, Ok(cells.map(|cell| String::from_utf8_lossy(cell).into()).collect())));
                }
            }
        }
    }

    fn row(line: u64, cells: &[&str]) -> (u64, std::result::Result<Vec<String>, Fault>) {
        (line, Ok(cells.iter().map(ToString::to_string).collect()))
    }

    /// Gives one byte at a time, like a slow pipe.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let (Some((&byte, rest)), Some(place)) = (self.0.split_first(), out.first_mut()) else { return Ok(0) };
            *place = byte;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn rows_end_with_either_kind_of_line_end_or_with_the_file() {
        let expected = vec![row(1, &["a", "b"]), row(2, &["c", ""]), row(3, &["d"])];
        for text in ["a,b\nc,\nd", "a,b\r\nc,\r\nd\r\n", "a,b\rc,\rd", "a,b\nc,\nd\n"] {
            assert_eq!(rows(text), expected, "{text:?}");
        }
    }

    #[test]
    fn quoted_cells_may_hold_separators_quotes_and_lines() {
        let text = "1,\"Popescu, \"\"Ion\"\"\",\"first\r\nsecond\"\n2, \"after a blank\" ,x\n";
        let expected =
            vec![row(1, &["1", "Popescu, \"Ion\"", "first\r\nsecond"]), row(3, &["2", "after a blank", "x"])];
        assert_eq!(rows(text), expected);
        assert_eq!(read_all(Slow(text.as_bytes()), b','), expected);
    }

    #[test]
    fn blank_lines_are_no_rows_but_count_as_lines() {
        assert_eq!(rows("\n\na\n  \n,\n"), vec![row(3, &["a"]), row(5, &["", ""])]);
    }

    #[test]
    fn quotes_within_a_cell_are_text() {
        assert_eq!(rows("5\" pipe,\"Bar\" Ana,x\n"), vec![row(1, &["5\" pipe", "Bar Ana", "x"])]);
    }

    #[test]
    fn a_stray_quote_costs_its_own_line_and_never_joins_two_contacts() {
        let text = "1,\"Ion,0722\n2,\"Maria\",0733\n3,Ana,0744\n";
        assert_eq!(
            rows(text),
            vec![(1, Err(Fault::Quote)), row(2, &["2", "Maria", "0733"]), row(3, &["3", "Ana", "0744"])]
        );
    }

    #[test]
    fn a_quote_that_is_never_closed_costs_its_own_line() {
        assert_eq!(rows("1,\"Ion\n2,Ana\n"), vec![(1, Err(Fault::Quote)), row(2, &["2", "Ana"])]);
        let mut long = String::from("1,\"Ion\n");
        (0..1_000_000).for_each(|_| long.push_str("2,Ana\n"));
        let rows = rows(&long);
        assert_eq!(rows.len(), 1_000_001);
        assert_eq!(rows.first(), Some(&(1, Err(Fault::Quote))));
        assert_eq!(rows.last(), Some(&row(1_000_001, &["2", "Ana"])));
    }

    #[test]
    fn a_cell_above_one_mebibyte_is_reported_and_the_next_row_read() {
        let fits = "x".repeat(MAX_FIELD);
        assert_eq!(rows(&format!("1,{fits}\n2,b\n")), vec![row(1, &["1", &fits]), row(2, &["2", "b"])]);
        assert_eq!(rows(&format!("1,{fits}y\n2,b\n")), vec![(1, Err(Fault::LongCell)), row(2, &["2", "b"])]);
        let quoted = format!("1,\"{fits}\n{fits}\"\n2,b\n");
        assert_eq!(rows(&quoted), vec![(1, Err(Fault::LongCell)), row(3, &["2", "b"])]);
    }

    #[test]
    fn a_row_above_four_mebibytes_is_passed_over_without_being_held() {
        for quote in ["", "\""] {
            let start = format!("1,{quote}").into_bytes();
            let end = format!("{quote}\r\n2,b\r\n").into_bytes();
            let input = start.as_slice().chain(std::io::repeat(b'x').take(50 << 20)).chain(end.as_slice());
            let mut reader = Reader::new(input, b',', Vec::new(), 1);
            let mut record = Record::default();
            assert_eq!(reader.next(&mut record).unwrap(), Next::Broken(Fault::LongRow));
            assert!(reader.buffer.capacity() <= 4 * MAX_RECORD, "{} bytes", reader.buffer.capacity());
            assert_eq!(reader.next(&mut record).unwrap(), Next::Row);
            assert_eq!((record.line, record.cell(1)), (2, b"b".as_slice()));
        }
    }

    #[test]
    fn a_million_cells_in_a_row_are_counted_but_not_kept() {
        let mut reader = Reader::new(std::io::repeat(b';').take(1_000_000), b';', Vec::new(), 1);
        let mut record = Record::default();
        assert_eq!(reader.next(&mut record).unwrap(), Next::Row);
        assert_eq!((record.columns(), record.ends.len()), (1_000_001, MAX_COLUMNS));
    }

    #[test]
    fn a_file_that_cannot_be_read_on_names_the_line() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("the pipe broke"))
            }
        }
        let mut reader = Reader::new(b"a\nb\n".chain(Broken), b',', b"x\n".to_vec(), 1);
        let mut record = Record::default();
        assert_eq!(reader.next(&mut record).unwrap(), Next::Row);
        let error = reader.next(&mut record).unwrap_err();
        assert_eq!(error.to_string(), "cannot read on after line 2: the pipe broke");
    }
}
