//! Looks at the first bytes of a text: can it be CSV, and what stands between its cells?
//!
//! Only what can be told without doubt is refused here, with what to do about it. A file that merely holds some bytes
//! that are not UTF-8 is imported, and the rows that hold them are reported.

use std::io::Read;

use crate::error::{Error, Kind, Result};

use super::reader::{Next, Reader, Record};

/// How much of the file is looked at, in bytes.
const SAMPLE: usize = 64 << 10;

/// How many rows are counted for each possible delimiter.
const SAMPLE_ROWS: usize = 50;

/// What may stand between cells, the likeliest first.
const DELIMITERS: [(u8, &str); 4] = [(b',', "comma"), (b';', "semicolon"), (b'\t', "tab"), (b'|', "pipe")];

/// The start of a file, and what it shows.
#[derive(Debug)]
pub(crate) struct Start {
    /// Bytes that were taken from the input and belong to rows.
    pub(crate) taken: Vec<u8>,
    /// What stands between cells.
    pub(crate) delimiter: u8,
    /// The line that `taken` begins with.
    pub(crate) line: u64,
}

/// Takes the first bytes and decides; a delimiter that was given is not looked for.
///
/// # Errors
/// The input cannot be read, is empty, or is no CSV in UTF-8.
pub(crate) fn sniff(input: &mut impl Read, given: Option<u8>) -> Result<Start> {
    let mut taken = Vec::new();
    if let Err(cause) = input.take(SAMPLE as u64).read_to_end(&mut taken) {
        return Err(unreadable(cause));
    }
    refuse_other_formats(&taken)?;
    if taken.starts_with(b"\xef\xbb\xbf") {
        taken.drain(..3);
    }
    if taken.iter().all(u8::is_ascii_whitespace) && taken.len() < SAMPLE {
        return Err(Error::new(Kind::Invalid, "the file is empty; expected a line with the names of the columns"));
    }
    let mut line = 1;
    let mut delimiter = given;
    if let Some((said, length)) = excel_hint(&taken) {
        delimiter = given.or(Some(said));
        taken.drain(..length);
        line = 2;
    }
    let delimiter = delimiter.unwrap_or_else(|| likeliest_delimiter(&taken));
    Ok(Start { taken, delimiter, line })
}

/// The start of a file could not be read.
pub(crate) fn unreadable(cause: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, "cannot read the file").because(cause)
}

/// Reads a delimiter from the command line: the character, or its name.
///
/// # Errors
/// Anything that cannot stand between cells.
pub fn parse_delimiter(text: &str) -> std::result::Result<u8, String> {
    if let Some((byte, _)) = DELIMITERS.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)) {
        return Ok(*byte);
    }
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [byte] if (byte.is_ascii_punctuation() && *byte != b'"') || *byte == b'\t' => Ok(*byte),
        _ => Err(format!("found {text:?}, expected one of comma, semicolon, tab, pipe, or a punctuation mark")),
    }
}

/// The name of a delimiter for people.
pub(crate) fn delimiter_name(delimiter: u8) -> String {
    let known = DELIMITERS.iter().find(|(byte, _)| *byte == delimiter);
    known.map_or_else(|| char::from(delimiter).to_string(), |(_, name)| (*name).to_owned())
}

fn refuse_other_formats(bytes: &[u8]) -> Result<()> {
    let text = bytes.trim_ascii_start();
    let starts = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let found = match () {
        () if bytes.starts_with(b"%PDF") => "a PDF file; export the contacts as CSV",
        () if bytes.starts_with(b"SQLite format 3\0") => "an SQLite database; export its table as CSV",
        () if starts(b"<!doctype") || starts(b"<html") || starts(b"<?xml") => {
            "an HTML or XML page; was a log-in page saved instead of the file?"
        }
        () => return Ok(()),
    };
    Err(Error::new(Kind::Invalid, format!("the file is no CSV: it begins with {found}")))
}

/// Excel may say in a line of its own what it separates with: `sep=;`. Returns that and the length of the line.
fn excel_hint(bytes: &[u8]) -> Option<(u8, usize)> {
    let rest = bytes.strip_prefix(b"sep=").or_else(|| bytes.strip_prefix(b"SEP="))?;
    match rest {
        [delimiter, b'\r', b'\n', ..] => Some((*delimiter, 7)),
        [delimiter, b'\n' | b'\r', ..] => Some((*delimiter, 6)),
        _ => None,
    }
}

/// Tries each delimiter on the sample. The first row must have several cells, most rows should have as many, and more
/// cells are better than fewer. A file of one column is as good with any.
fn likeliest_delimiter(sample: &[u8]) -> u8 {
    let mut best = (b',', (false, 1, 0));
    for (delimiter, _) in DELIMITERS {
        let score = score(sample, delimiter);
        if score.1 > 1 && score > best.1 {
            best = (delimiter, score);
        }
    }
    best.0
}

/// Whether at least half of the rows have as many cells as the first; the cells of the first; rows that have as many.
fn score(sample: &[u8], delimiter: u8) -> (bool, usize, usize) {
    let counts = cell_counts(sample, delimiter);
    let first = counts.first().copied().unwrap_or_default();
    let alike = counts.iter().filter(|&&count| count == first).count();
    (alike * 2 >= counts.len(), first, alike)
}

/// Cells of each row of the sample; the last row may be cut off and counts only when it is the only one.
fn cell_counts(sample: &[u8], delimiter: u8) -> Vec<usize> {
    let mut reader = Reader::new(std::io::empty(), delimiter, sample.to_vec(), 1);
    let mut record = Record::default();
    let mut counts = Vec::new();
    while counts.len() <= SAMPLE_ROWS {
        match reader.next(&mut record) {
            Ok(Next::Row) => counts.push(record.columns()),
            Ok(Next::Broken(_) | Next::Remark(_)) => {}
            Ok(Next::End) | Err(_) => break,
        }
    }
    if counts.len() > 1 && sample.len() == SAMPLE {
        counts.pop();
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delimiter_of(text: &str) -> char {
        char::from(sniff(&mut text.as_bytes(), None).unwrap().delimiter)
    }

    fn refusal(bytes: &[u8]) -> String {
        sniff(&mut &bytes[..], None).unwrap_err().to_string()
    }

    #[test]
    fn the_delimiter_is_found_out() {
        assert_eq!(delimiter_of("id,name,telephone\n1,\"Popescu; Ion\",0722\n"), ',');
        assert_eq!(delimiter_of("id;name;telephone\n1;Popescu, Ion;0722,0733\n"), ';');
        assert_eq!(delimiter_of("name\ttelephone\nPopescu, Ion\t0722\n"), '\t');
        assert_eq!(delimiter_of("name|telephone|notes\nIon|0722|a,b,c;d\n"), '|');
        assert_eq!(delimiter_of("Name, first;Phone\nIon;1\nAna;2\nEva;3\n"), ';');
        assert_eq!(delimiter_of("telephone\n0722\n"), ',');
        assert_eq!(delimiter_of("sep=|\r\nname;x|telephone\r\n"), '|');
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_first_name() {
        let start = sniff(&mut "\u{feff}id,name\n".as_bytes(), None).unwrap();
        assert_eq!(start.taken, b"id,name\n");
    }

    #[test]
    fn what_is_not_csv_is_refused_with_what_to_do() {
        assert_eq!(refusal(b"%PDF-1.7"), "the file is no CSV: it begins with a PDF file; export the contacts as CSV");
        assert!(refusal(b"<!DOCTYPE html>").contains("log-in page"));
        assert_eq!(refusal(b" \r\n"), "the file is empty; expected a line with the names of the columns");
    }

    #[test]
    fn a_delimiter_is_given_by_its_name_or_as_it_is() {
        for (text, byte) in [("comma", b','), ("TAB", b'\t'), ("\\t", b'\t'), (";", b';'), ("|", b'|'), ("^", b'^')] {
            assert_eq!(parse_delimiter(text), Ok(byte), "{text}");
        }
        for text in ["", "\"", "a", "::", "ă", "\n"] {
            assert!(parse_delimiter(text).is_err(), "{text:?}");
        }
        assert_eq!(
            parse_delimiter("dot").unwrap_err(),
            "found \"dot\", expected one of comma, semicolon, tab, pipe, or a punctuation mark"
        );
    }
}
