//! Turns a row into a contact.
//!
//! Everything is kept as written, also what no call will be answered with: a person must be able to see in the
//! directory what the file said. What is wrong goes into the report.

use crate::directory::Block;
use crate::model::{Contact, ContactId, ContactNumber, Field, steering};
use crate::number::is_known_country;
use crate::number::several::split_several;

use super::columns::{Column, Target};
use super::problem::Problem;
use super::reader::Record;
use super::report::Report;

/// Schemes that every project answers.
const WEB: [&str; 2] = ["http", "https"];

/// What Google writes between several values in a cell.
const GOOGLE_SEPARATOR: &str = " ::: ";

/// Words for yes and no in a column that says who is primary.
const YES: [&str; 10] = ["1", "true", "yes", "y", "x", "da", "ja", "oui", "si", "sí"];
const NO: [&str; 7] = ["0", "false", "no", "n", "nu", "nein", "non"];

/// The rows of one file.
pub(crate) struct Rows<'a> {
    columns: &'a [Column],
    /// The country that the user gave for the file; empty means that of the directory.
    country: &'a str,
    /// The file lost its quotes: rows with another number of cells belong to a broken text.
    lost: bool,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(columns: &'a [Column], country: &'a str) -> Self {
        Self { columns, country, lost: false }
    }

    /// Notes that the reader has passed over a row.
    pub(crate) fn broken(&mut self, problem: Problem, line: u64, report: &mut Report) {
        report.rows += 1;
        self.lost |= matches!(problem, Problem::Quote | Problem::LongRow);
        report.add(problem, line, String::new);
    }

    /// The contact of a row; `None` when the row is skipped, and then the report says why.
    pub(crate) fn contact(&mut self, record: &Record, report: &mut Report) -> Option<Contact> {
        report.rows += 1;
        let line = record.line;
        let texts = match Texts::new(record) {
            Ok(texts) => texts,
            Err(found) => {
                report.add(Problem::NotUtf8, line, || found);
                return None;
            }
        };
        if !self.fits(&texts, report) {
            return None;
        }
        let contact = Row { columns: self.columns, texts: &texts, country: self.country, line }.contact(report);
        if contact.id == ContactId::default() && contact.numbers.is_empty() && contact.blocks.is_empty() {
            let name = || contact.get(Field::Name).unwrap_or_default().to_owned();
            report.add(Problem::Nobody, line, name);
            return None;
        }
        Some(contact)
    }

    /// Whether the row has a usable number of cells.
    fn fits(&mut self, texts: &Texts<'_>, report: &mut Report) -> bool {
        let (line, expected) = (texts.record.line, self.columns.len());
        // Separators at the end of a row begin no cell.
        let cells = texts.record.columns();
        let found = if cells > expected && texts.is_empty_from(expected) { expected } else { cells };
        let counts = || format!("{found} cells, {expected} columns");
        self.lost &= found != expected;
        if self.lost {
            report.add(Problem::BehindQuote, line, counts);
            return false;
        }
        if texts.text.trim().is_empty() {
            report.add(Problem::Empty, line, String::new);
            return false;
        }
        if found > expected {
            report.add(Problem::TooManyCells, line, counts);
            return false;
        }
        if found < expected {
            report.add(Problem::TooFewCells, line, counts);
        }
        if texts.text.contains('\0') {
            report.add(Problem::Nul, line, String::new);
        }
        true
    }
}

/// The cells of a row as text.
struct Texts<'a> {
    record: &'a Record,
    text: &'a str,
}

impl<'a> Texts<'a> {
    /// Fails with the first byte that is not UTF-8, and its place.
    fn new(record: &'a Record) -> Result<Self, String> {
        let wrong = |at: usize| {
            let column = (0..record.columns()).position(|column| record.range(column).end > at).unwrap_or_default();
            let byte = record.bytes().get(at).copied().unwrap_or_default();
            let place = at - record.range(column).start + 1;
            format!("byte 0x{byte:02X} at place {place} of cell {}", column + 1)
        };
        let text = std::str::from_utf8(record.bytes()).map_err(|error| wrong(error.valid_up_to()))?;
        // A character must not begin in one cell and end in the next.
        let split = (0..record.columns()).map(|column| record.range(column).end).find(|&end| !text.is_char_boundary(end));
        split.map_or(Ok(Self { record, text }), |end| Err(wrong(end)))
    }

    /// A cell without the blanks around it.
    fn cell(&self, column: usize) -> &'a str {
        self.text.get(self.record.range(column)).unwrap_or_default().trim_matches(|character: char| {
            character.is_whitespace() || character == '\0'
        })
    }

    fn is_empty_from(&self, column: usize) -> bool {
        let start = self.record.range(column).start;
        self.text.get(start..).is_some_and(|rest| rest.trim().is_empty())
    }
}

/// One row while it becomes a contact.
struct Row<'a> {
    columns: &'a [Column],
    texts: &'a Texts<'a>,
    country: &'a str,
    line: u64,
}

impl Row<'_> {
    fn contact(&self, report: &mut Report) -> Contact {
        let mut contact = Contact::default();
        let (mut first_name, mut last_name) = ("", "");
        let country = self.country(report);
        for (place, column) in self.columns.iter().enumerate() {
            let cell = self.texts.cell(place);
            if cell.is_empty() {
                continue;
            }
            match &column.target {
                Target::Id => contact.id = ContactId::from_text(&clean(cell)),
                Target::Field(field) => self.set(&mut contact, *field, cell, report),
                Target::FirstName => first_name = cell,
                Target::LastName => last_name = cell,
                Target::Telephone { label } => self.add_numbers(&mut contact, place, label, &country),
                Target::Block => self.add_blocks(&mut contact, cell, report),
                Target::Primary => contact.primary = self.primary(cell, report),
                Target::Custom(name) => _ = contact.custom.insert(name.clone(), clean(cell)),
                Target::Country => _ = contact.custom.insert(column.name.clone(), clean(cell)),
                Target::LabelOf(_) | Target::ExtensionOf(_) | Target::Ignored => {}
            }
        }
        if contact.get(Field::Name).is_none() {
            let name = format!("{} {}", clean(first_name), clean(last_name));
            contact.set(Field::Name, name.trim());
        }
        contact
    }
}

impl Row<'_> {
    fn set(&self, contact: &mut Contact, field: Field, cell: &str, report: &mut Report) {
        let problem = match field {
            Field::QueuePosition => steering::queue_position(cell).is_none().then_some(Problem::QueuePosition),
            Field::DirectLine => (!steering::is_direct_line(cell)).then_some(Problem::DirectLine),
            Field::BackendLink => (!steering::has_scheme(cell, WEB)).then_some(Problem::BackendLink),
            _ => None,
        };
        if let Some(problem) = problem {
            report.add(problem, self.line, || cell.to_owned());
        }
        contact.set(field, clean(cell));
    }

    /// The country that the row names, else that of the file.
    fn country(&self, report: &mut Report) -> String {
        let Some(place) = self.columns.iter().position(|column| column.target == Target::Country) else {
            return self.country.to_owned();
        };
        let cell = self.texts.cell(place);
        let code = cell.to_ascii_uppercase();
        if is_known_country(&code) {
            return code;
        }
        if !cell.is_empty() {
            report.add(Problem::Country, self.line, || cell.to_owned());
        }
        self.country.to_owned()
    }

    fn add_numbers(&self, contact: &mut Contact, place: usize, label: &str, country: &str) {
        let cell = clean(self.texts.cell(place));
        let label = self.beside(|target| *target == Target::LabelOf(place)).map_or_else(|| label.to_owned(), clean_label);
        let extension = self.beside(|target| *target == Target::ExtensionOf(place));
        let texts: Vec<&str> = cell.split(GOOGLE_SEPARATOR).flat_map(split_several).collect();
        let alone = texts.len() == 1;
        for text in texts {
            let mut written = text.to_owned();
            if let Some(extension) = extension.filter(|_| alone) {
                written.push_str(" ext. ");
                written.push_str(extension);
            }
            let number = ContactNumber { written, country: country.to_owned(), label: label.clone() };
            if !contact.numbers.contains(&number) {
                contact.numbers.push(number);
            }
        }
    }

    /// The cell that says more about a number, when it has a value.
    fn beside(&self, wanted: impl Fn(&Target) -> bool) -> Option<&str> {
        let place = self.columns.iter().position(|column| wanted(&column.target))?;
        Some(self.texts.cell(place)).filter(|cell| !cell.is_empty())
    }

    fn add_blocks(&self, contact: &mut Contact, cell: &str, report: &mut Report) {
        for text in cell.split([';', ',', '\n']).map(str::trim).filter(|text| !text.is_empty()) {
            match Block::parse(text) {
                Ok(_) => contact.blocks.push(clean(text)),
                Err(_) => report.add(Problem::Block, self.line, || text.to_owned()),
            }
        }
    }

    fn primary(&self, cell: &str, report: &mut Report) -> bool {
        let word = cell.to_lowercase();
        let yes = YES.contains(&word.as_str());
        if !yes && !NO.contains(&word.as_str()) {
            report.add(Problem::Primary, self.line, || cell.to_owned());
        }
        yes
    }
}

/// A text without NUL bytes, which no database likes.
fn clean(text: &str) -> String {
    text.replace('\0', " ")
}

/// Google marks the label of the default number with a star.
fn clean_label(text: &str) -> String {
    clean(text.trim_start_matches(['*', ' ']))
}
