//! Writes a whole address book as CSV or JSON lines, so that an import brings everything back.
//!
//! Two passes over one moment of the book: the first finds out which columns there are, the second writes. Memory does
//! not grow with the book. The names of the columns are those that the import knows as its own; both formats have the
//! same names. What begins like a formula gets a `'` in CSV, also a number with a plus: the import takes it off again,
//! and the reading of numbers passes over it anyway.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::{Map, Value};

use super::import::own::{COUNTRY, CUSTOM, LABEL, guard};
use super::{Book, Directory};
use crate::error::{Error, Kind, Result};
use crate::model::{Contact, ContactId, ContactNumber, Field};

/// Numbers in one row; a contact with more goes on in a further row with its id.
const NUMBERS: usize = 10;

/// Most fields of one's own: an import takes no wider row.
const MOST_CUSTOM: usize = 900;

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values in UTF-8 with the names of the columns in the first line.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exported {
    /// Contacts.
    pub contacts: u64,
    /// Numbers.
    pub numbers: u64,
}

/// Writes the book to `out`. Blocks: never call it from an async worker.
///
/// # Errors
/// Those of [`Directory::scan`]; `Unavailable` when `out` cannot be written; `Invalid` for a book with more than 900
/// custom fields as CSV.
pub fn export(directory: &dyn Directory, book: &Book, format: Format, out: &mut dyn Write) -> Result<Exported> {
    let mut layout = Layout::default();
    let mut sink = match format {
        Format::Csv => Sink::Csv(Box::new(csv::Writer::from_writer(out))),
        Format::JsonLines => Sink::Json(out),
    };
    let mut exported = Exported::default();
    let mut begun = false;
    directory.scan(book, 2, &mut |pass, contact| {
        if pass == 0 {
            layout.add(&contact);
            return Ok(());
        }
        if !begun {
            sink.begin(&layout)?;
            begun = true;
        }
        exported.contacts += 1;
        exported.numbers += contact.numbers.len() as u64;
        sink.write(&layout, &contact)
    })?;
    if !begun {
        sink.begin(&layout)?;
    }
    sink.end()?;
    Ok(exported)
}

/// Which columns there are.
#[derive(Debug, Default)]
struct Layout {
    fields: BTreeSet<Field>,
    custom: BTreeSet<String>,
    /// Columns for numbers.
    numbers: usize,
    countries: bool,
    blocks: bool,
    primary: bool,
}

impl Layout {
    fn add(&mut self, contact: &Contact) {
        self.fields.extend(contact.fields.keys());
        for name in contact.custom.keys() {
            if !self.custom.contains(name) {
                self.custom.insert(name.clone());
            }
        }
        self.numbers = self.numbers.max(contact.numbers.len().min(NUMBERS));
        self.countries |= contact.numbers.iter().any(|number| !number.country.is_empty());
        self.blocks |= !contact.blocks.is_empty();
        self.primary |= contact.primary;
    }

    /// Columns for numbers: at least one, without which an import takes no file.
    fn numbers(&self) -> usize {
        self.numbers.max(1)
    }

    /// The cells of one row: names with values, in the order of the columns. The first row has the fields.
    fn cells(&self, contact: &Contact, numbers: &[ContactNumber], first: bool) -> Vec<(String, String)> {
        let mut cells = vec![("id".to_owned(), contact.id.to_string())];
        let mut add = |name: String, value: &str| {
            cells.push((name, if first { value.to_owned() } else { String::new() }));
        };
        for field in Field::ALL.into_iter().filter(|field| self.fields.contains(field)) {
            add(field.as_str().to_owned(), contact.get(field).unwrap_or_default());
        }
        if self.primary {
            add("primary".to_owned(), if contact.primary { "yes" } else { "no" });
        }
        if self.blocks {
            add("block".to_owned(), &contact.blocks.join("; "));
        }
        for name in &self.custom {
            add(format!("{CUSTOM}{name}"), contact.custom.get(name).map_or("", String::as_str));
        }
        for place in 0..self.numbers() {
            let name = format!("telephone_{}", place + 1);
            let number = numbers.get(place).cloned().unwrap_or_default();
            cells.push((format!("{name}{LABEL}"), number.label));
            if self.countries {
                cells.push((format!("{name}{COUNTRY}"), number.country));
            }
            cells.push((name, number.written));
        }
        cells
    }
}

/// The rows of a contact: one, and more when it has many numbers.
fn rows(layout: &Layout, contact: &Contact) -> Vec<Vec<(String, String)>> {
    let mut chunks: Vec<&[ContactNumber]> = contact.numbers.chunks(layout.numbers()).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    chunks.iter().enumerate().map(|(place, numbers)| layout.cells(contact, numbers, place == 0)).collect()
}

enum Sink<'a> {
    Csv(Box<csv::Writer<&'a mut dyn Write>>),
    Json(&'a mut dyn Write),
}

impl Sink<'_> {
    /// Writes the names of the columns.
    fn begin(&mut self, layout: &Layout) -> Result<()> {
        let Self::Csv(writer) = self else { return Ok(()) };
        if layout.custom.len() > MOST_CUSTOM {
            let message = format!("{} custom fields are too many for CSV; export JSON lines", layout.custom.len());
            return Err(Error::new(Kind::Invalid, message));
        }
        let names = layout.cells(&Contact::default(), &[], true).into_iter().map(|(name, _)| name);
        writer.write_record(names).map_err(|error| unwritable(error.into()))
    }

    fn write(&mut self, layout: &Layout, contact: &Contact) -> Result<()> {
        for row in rows(layout, contact) {
            match self {
                Self::Csv(writer) => {
                    let cells = row.iter().map(|(_, value)| guard(value).into_owned());
                    writer.write_record(cells).map_err(|error| unwritable(error.into()))?;
                }
                Self::Json(out) => writeln!(out, "{}", object(contact, row)).map_err(unwritable)?,
            }
        }
        Ok(())
    }

    fn end(self) -> Result<()> {
        match self {
            Self::Csv(mut writer) => writer.flush(),
            Self::Json(out) => out.flush(),
        }
        .map_err(unwritable)
    }
}

/// An object without its empty values; an id that is an integer stays one.
fn object(contact: &Contact, row: Vec<(String, String)>) -> Value {
    let cells = row.into_iter().filter(|(_, value)| !value.is_empty());
    let mut object: Map<String, Value> = cells.map(|(name, value)| (name, Value::String(value))).collect();
    if let ContactId::Integer(number) = contact.id {
        object.insert("id".to_owned(), number.into());
    }
    Value::Object(object)
}

fn unwritable(error: std::io::Error) -> Error {
    let kind = if error.kind() == std::io::ErrorKind::StorageFull { Kind::Full } else { Kind::Unavailable };
    let hint = if kind == Kind::Full { ": the disk is full" } else { "" };
    Error::new(kind, format!("cannot write the export{hint}")).because(error)
}
