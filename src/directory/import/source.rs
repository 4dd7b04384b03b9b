//! Finds out what a file is, by what is in it, and opens it as rows under named columns.
//!
//! First what is packed is unpacked, then a workbook is told from a text, then the text is brought to UTF-8 and told to
//! be cards, JSON or CSV. `--format` and `--encoding` take the place of finding out.

use std::io::{Cursor, Read};

use crate::error::{Error, Kind, Result};

use super::Options;
use super::columns;
use super::encoding::{Found, Text, utf16};
use super::json::Objects;
use super::packed::{Archive, Input, gunzip};
use super::problem::Problem;
use super::reader::{MAX_COLUMNS, Next, Reader, Record};
use super::records::{Columned, Records};
use super::sniff::{self, delimiter_name, unreadable};
use super::vcard::{self, Cards};
use super::xlsx::Sheet;

/// How much is looked at, in bytes.
const SAMPLE: usize = 64 << 10;

/// How often something packed may be packed again.
const MAX_DEPTH: usize = 2;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Cells with a mark between them.
    Csv,
    /// Cells with a tab between them.
    Tsv,
    /// Cards of version 2.1, 3.0 or 4.0.
    Vcard,
    /// Objects, one a line or in an array.
    Json,
    /// A workbook of Excel.
    Xlsx,
}

impl FileFormat {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Csv, Self::Tsv, Self::Vcard, Self::Json, Self::Xlsx];

    /// The word on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Vcard => "vcard",
            Self::Json => "json",
            Self::Xlsx => "xlsx",
        }
    }

    /// The name for people.
    fn title(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Tsv => "TSV",
            Self::Vcard => "vCard",
            Self::Json => "JSON",
            Self::Xlsx => "XLSX",
        }
    }
}

impl std::str::FromStr for FileFormat {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let word = match lower.as_str() {
            "vcf" => "vcard",
            "jsonl" | "ndjson" => "json",
            other => other,
        };
        let found = Self::ALL.into_iter().find(|format| format.as_str() == word);
        found.ok_or_else(|| format!("found {text:?}, expected one of csv, tsv, vcard, json, xlsx"))
    }
}

/// How a file is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    pub(crate) format: Option<FileFormat>,
    /// What stands between cells.
    pub(crate) delimiter: Option<u8>,
    /// The sheet of a workbook.
    pub(crate) sheet: Option<String>,
    /// The encoding of a text, known at its end at the latest.
    pub(crate) encoding: Option<Found>,
}

impl Manner {
    fn of(format: FileFormat, encoding: Option<Found>) -> Self {
        Self { format: Some(format), encoding, ..Self::default() }
    }

    /// The words for people: `separated by comma`, `sheet "Clients"`, `vCard`.
    pub(crate) fn text(&self) -> String {
        let name = self.encoding.as_ref().map(Found::name).filter(|name| *name != "UTF-8");
        let encoding = name.map_or_else(String::new, |name| format!(", {name}"));
        match (self.format, self.delimiter, &self.sheet) {
            (_, Some(delimiter), _) => format!("separated by {}{encoding}", delimiter_name(delimiter)),
            (_, _, Some(sheet)) => format!("sheet {:?}", columns::shorten(sheet)),
            (Some(format), ..) => format!("{}{encoding}", format.title()),
            _ => String::new(),
        }
    }

    /// Whether its cells have quotes.
    pub(crate) fn is_quoted(&self) -> bool {
        matches!(self.format, Some(FileFormat::Csv | FileFormat::Tsv))
    }
}

/// A file that is open.
pub(crate) struct Opened<'a> {
    pub(crate) records: Box<dyn Records + 'a>,
    /// The names of its columns.
    pub(crate) names: Vec<String>,
    /// The first row, when it is a contact.
    pub(crate) first: Option<Record>,
    pub(crate) manner: Manner,
}

/// Opens anything that can be imported.
///
/// # Errors
/// The file cannot be read, is of no known format, or its columns have no usable names.
pub(crate) fn open<'a>(input: Input<'a>, options: &Options) -> Result<Opened<'a>> {
    let (start, input) = match unpack(input)? {
        Unpacked::Workbook(archive) => return open_sheet(archive, options),
        Unpacked::Text(start, input) => (start, input),
    };
    if options.format == Some(FileFormat::Xlsx) {
        return Err(Error::new(Kind::Invalid, "the file is no workbook of Excel (XLSX)"));
    }
    let format = options.format.unwrap_or_else(|| format_of(&start));
    if format == FileFormat::Vcard && utf16(&start).is_none() {
        let cards = Cards::new(input, options.encoding, is_central(options));
        return open_named(Columned::new(cards, vcard_columns(options))?, Manner::of(format, None));
    }
    let text = Text::new(input, &start, options.encoding, options.home.as_deref());
    let found = text.found();
    open_text(text, found, options)
}

/// Opens a text in UTF-8.
fn open_text<'a>(mut text: impl Read + Send + 'a, found: Found, options: &Options) -> Result<Opened<'a>> {
    let start = take_start(&mut text)?;
    let format = options.format.unwrap_or_else(|| format_of(&start));
    let text = Cursor::new(start).chain(text);
    let manner = Manner::of(format, Some(found));
    match format {
        FileFormat::Vcard => {
            let cards = Cards::new(text, options.encoding, false);
            open_named(Columned::new(cards, vcard_columns(options))?, manner)
        }
        FileFormat::Json => open_named(Columned::new(Objects::new(without_mark(text)?), mapped(options))?, manner),
        _ => open_cells(text, manner, options),
    }
}

fn open_named<'a, N: super::records::Named + 'a>(records: Columned<N>, manner: Manner) -> Result<Opened<'a>> {
    let names = records.names().to_vec();
    Ok(Opened { records: Box::new(records), names, first: None, manner })
}

/// Opens CSV.
fn open_cells<'a>(mut text: impl Read + Send + 'a, mut manner: Manner, options: &Options) -> Result<Opened<'a>> {
    let given = options.delimiter.or((manner.format == Some(FileFormat::Tsv)).then_some(b'\t'));
    let start = sniff::sniff(&mut text, given)?;
    manner.delimiter = Some(start.delimiter);
    with_header(Box::new(Reader::new(text, start.delimiter, start.taken, start.line)), manner, options)
}

fn open_sheet<'a>(archive: Archive, options: &Options) -> Result<Opened<'a>> {
    let sheet = Sheet::open(archive, options.sheet.as_deref())?;
    let mut manner = Manner::of(FileFormat::Xlsx, None);
    manner.sheet = Some(sheet.name.clone());
    with_header(Box::new(sheet), manner, options)
}

/// Takes the names of the columns out of the first row.
fn with_header<'a>(mut records: Box<dyn Records + 'a>, manner: Manner, options: &Options) -> Result<Opened<'a>> {
    let mut record = Record::default();
    let names = match records.next(&mut record)? {
        Next::Row if record.columns() > MAX_COLUMNS => {
            let found = format!("{} columns, expected at most {MAX_COLUMNS}", record.columns());
            return Err(unusable_header(record.line, &found));
        }
        Next::Row if options.no_header => columns::unnamed(record.columns()),
        Next::Row => header_names(&record)?,
        Next::Broken(fault) | Next::Remark(fault) => {
            return Err(unusable_header(record.line, Problem::from(fault).explain()));
        }
        Next::End => return Err(unusable_header(record.line, "expected the names of the columns")),
    };
    let first = options.no_header.then_some(record);
    Ok(Opened { records, names, first, manner })
}

fn header_names(record: &Record) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for column in 0..record.columns().min(MAX_COLUMNS) {
        let cell = record.cell(column);
        let name = std::str::from_utf8(cell).map_err(|error| {
            let at = error.valid_up_to();
            let byte = cell.get(at).copied().unwrap_or_default();
            let found = format!("byte 0x{byte:02X} at place {} of cell {} is not UTF-8", at + 1, column + 1);
            unusable_header(record.line, &format!("{found}; say --encoding, or save the file as CSV in UTF-8"))
        })?;
        names.push(name.replace(char::is_control, " ").trim().to_owned());
    }
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    Ok(names)
}

fn unusable_header(line: u64, found: &str) -> Error {
    Error::new(Kind::Invalid, format!("line {line}, the names of the columns: {found}"))
}

/// The columns of cards, and those that the user names.
fn vcard_columns(options: &Options) -> Vec<String> {
    vcard::COLUMNS.into_iter().map(str::to_owned).chain(mapped(options)).collect()
}

/// Fields that the user names, so that they have a column also when they come late; a number names none.
fn mapped(options: &Options) -> Vec<String> {
    let names = options.maps.iter().map(|map| map.column.clone());
    names.filter(|name| name.parse::<usize>().is_err()).collect()
}

fn is_central(options: &Options) -> bool {
    options.home.as_deref().is_some_and(super::encoding::is_central_country)
}

/// What is inside of what is packed.
enum Unpacked<'a> {
    /// A workbook.
    Workbook(Archive),
    /// The first bytes of something else, and all of it.
    Text(Vec<u8>, Input<'a>),
}

fn unpack(mut input: Input<'_>) -> Result<Unpacked<'_>> {
    for depth in 0.. {
        let start = take_start(&mut input)?;
        let is = |mark: &[u8]| start.starts_with(mark);
        let (gzip, zip) = (is(b"\x1f\x8b"), is(b"PK\x03\x04") || is(b"PK\x05\x06"));
        if is(b"\xd0\xcf\x11\xe0") {
            let found = "an old or a protected workbook (XLS); save it as XLSX or CSV without a password";
            return Err(Error::new(Kind::Invalid, format!("the file cannot be used: it is {found}")));
        }
        let whole: Input<'_> = Box::new(Cursor::new(start.clone()).chain(input));
        if !gzip && !zip {
            return Ok(Unpacked::Text(start, whole));
        }
        if depth >= MAX_DEPTH {
            return Err(Error::new(Kind::Invalid, "the file is packed more than twice; unpack it first"));
        }
        if gzip {
            input = gunzip(whole);
            continue;
        }
        let archive = Archive::open(whole)?;
        if archive.is_workbook() {
            return Ok(Unpacked::Workbook(archive));
        }
        input = archive.only_file()?;
    }
    Err(Error::new(Kind::Internal, "unpacking has no end"))
}

fn take_start(input: &mut impl Read) -> Result<Vec<u8>> {
    let mut start = Vec::new();
    input.take(SAMPLE as u64).read_to_end(&mut start).map_err(unreadable)?;
    Ok(start)
}

/// Skips the mark that a text in UTF-8 may begin with.
fn without_mark<'a>(mut text: impl Read + Send + 'a) -> Result<impl Read + Send + 'a> {
    let mut start = Vec::new();
    text.by_ref().take(3).read_to_end(&mut start).map_err(unreadable)?;
    if start == b"\xef\xbb\xbf" {
        start.clear();
    }
    Ok(Cursor::new(start).chain(text))
}

/// What a text is, by how it begins.
fn format_of(start: &[u8]) -> FileFormat {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let card = text.get(..11).is_some_and(|word| word.eq_ignore_ascii_case(b"BEGIN:VCARD"));
    let after_bracket = text.strip_prefix(b"[").map(|rest| rest.trim_ascii_start().first().copied());
    match text.first() {
        _ if card => FileFormat::Vcard,
        Some(b'{') => FileFormat::Json,
        _ if matches!(after_bracket, Some(None | Some(b'{' | b']' | b'['))) => FileFormat::Json,
        _ => FileFormat::Csv,
    }
}
