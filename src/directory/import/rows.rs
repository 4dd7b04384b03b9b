//! Turns a row into a contact.
//!
//! Everything is kept as written, also what no call will be answered with: a person must be able to see in the
//! directory what the file said. What is wrong goes into the report.

use crate::model::{Contact, ContactId, ContactNumber, Field};
use crate::number::Numbering;
use crate::number::block::parse_block;
use crate::number::is_known_country;
use crate::number::several::split_several;

use super::columns::{Column, Target, shorten};
use super::own;
use super::problem::Problem;
use super::reader::Record;
use super::records::SEPARATOR;
use super::report::Report;

/// Says why no call will be answered with a value, if that is so. The rules are those of the lookup, which is built upon
/// the directory and so cannot be asked from here.
pub type Check<'a> = dyn Fn(Field, &str) -> Option<String> + Sync + 'a;

/// Words for yes and no in a column that says who is primary.
const YES: [&str; 10] = ["1", "true", "yes", "y", "x", "da", "ja", "oui", "si", "sí"];
const NO: [&str; 7] = ["0", "false", "no", "n", "nu", "nein", "non"];

/// What the rows of a file are read with.
#[derive(Clone, Copy)]
pub(crate) struct Settings<'a> {
    pub(crate) columns: &'a [Column],
    /// The country that the user gave for the file; empty means that of the directory.
    pub(crate) country: &'a str,
    /// How the directory reads numbers.
    pub(crate) numbering: &'a Numbering,
    /// Which values will not be answered.
    pub(crate) check: &'a Check<'a>,
    /// Whether the cells are those of CSV, whose quotes may be broken.
    pub(crate) quoted: bool,
    /// Whether a row without its last cells is usual.
    pub(crate) ragged: bool,
}

/// The rows of one file.
pub(crate) struct Rows<'a> {
    settings: Settings<'a>,
    /// The file lost its quotes: rows with another number of cells belong to a broken text.
    lost: bool,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(settings: Settings<'a>) -> Self {
        Self { settings, lost: false }
    }

    /// Notes that the reader has passed over a row.
    pub(crate) fn broken(&mut self, problem: Problem, record: &Record, report: &mut Report) {
        report.rows += 1;
        self.lost |= self.settings.quoted && matches!(problem, Problem::Quote | Problem::LongRow);
        report.add(problem, record.line, || record.note.clone());
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
        let contact = Row { settings: self.settings, texts: &texts, line }.contact(report);
        if contact.id == ContactId::default() && contact.numbers.is_empty() && contact.blocks.is_empty() {
            let name = || shorten(contact.get(Field::Name).unwrap_or_default());
            report.add(Problem::Nobody, line, name);
            return None;
        }
        Some(contact)
    }

    /// Whether the row has a usable number of cells.
    fn fits(&mut self, texts: &Texts<'_>, report: &mut Report) -> bool {
        let (line, expected) = (texts.record.line, self.settings.columns.len());
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
        if found < expected && !self.settings.ragged {
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
        let split =
            (0..record.columns()).map(|column| record.range(column).end).find(|&end| !text.is_char_boundary(end));
        split.map_or(Ok(Self { record, text }), |end| Err(wrong(end)))
    }

    /// A cell without the blanks around it.
    fn cell(&self, column: usize) -> &'a str {
        let text = self.text.get(self.record.range(column)).unwrap_or_default();
        let text = text.trim_matches(|character: char| character.is_whitespace() || character == '\0');
        own::unguard(text)
    }

    fn is_empty_from(&self, column: usize) -> bool {
        let start = self.record.range(column).start;
        self.text.get(start..).is_some_and(|rest| rest.trim().is_empty())
    }
}

/// One row while it becomes a contact.
struct Row<'a> {
    settings: Settings<'a>,
    texts: &'a Texts<'a>,
    line: u64,
}

impl Row<'_> {
    fn contact(&self, report: &mut Report) -> Contact {
        let mut contact = Contact::default();
        let (mut first_name, mut last_name) = ("", "");
        let country = self.country(report);
        for (place, column) in self.settings.columns.iter().enumerate() {
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
                Target::Block => self.add_blocks(&mut contact, place, cell, report),
                Target::Primary => contact.primary = self.primary(cell, report),
                Target::Custom(name) => _ = contact.custom.insert(name.clone(), clean(cell)),
                Target::Country => _ = contact.custom.insert(column.name.clone(), clean(cell)),
                Target::LabelOf(_) | Target::ExtensionOf(_) | Target::CountryOf(_) | Target::Ignored => {}
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
        if let Some(why) = (self.settings.check)(field, cell) {
            report.add(Problem::NotAnswered(field), self.line, || format!("{}: {why}", shorten(cell)));
        }
        contact.set(field, clean(cell));
    }

    /// The country that the row names, else that of the file.
    fn country(&self, report: &mut Report) -> String {
        let Some(place) = self.settings.columns.iter().position(|column| column.target == Target::Country) else {
            return self.settings.country.to_owned();
        };
        let cell = self.texts.cell(place);
        let code = cell.to_ascii_uppercase();
        if is_known_country(&code) {
            return code;
        }
        if !cell.is_empty() {
            report.add(Problem::Country, self.line, || shorten(cell));
        }
        self.settings.country.to_owned()
    }

    fn add_numbers(&self, contact: &mut Contact, place: usize, label: &str, country: &str) {
        let cell = clean(self.texts.cell(place));
        let said = self.beside(|target| *target == Target::LabelOf(place)).map(|text| text.split(SEPARATOR).collect());
        let said: Vec<&str> = said.unwrap_or_default();
        let extension = self.beside(|target| *target == Target::ExtensionOf(place));
        let country = self.beside(|target| *target == Target::CountryOf(place)).unwrap_or(country);
        let parts: Vec<&str> = cell.split(SEPARATOR).collect();
        let alone = parts.len() == 1 && split_several(&cell).len() == 1;
        for (part, whole) in parts.iter().enumerate() {
            // As many labels as values: each has its own.
            let own = said.get(if said.len() == parts.len() { part } else { 0 }).map(|text| clean_label(text));
            let label = own.filter(|own| !own.is_empty()).unwrap_or_else(|| label.to_owned());
            for text in split_several(whole) {
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
    }

    /// The cell that says more about a number, when it has a value.
    fn beside(&self, wanted: impl Fn(&Target) -> bool) -> Option<&str> {
        let place = self.settings.columns.iter().position(|column| wanted(&column.target))?;
        Some(self.texts.cell(place)).filter(|cell| !cell.is_empty())
    }

    fn add_blocks(&self, contact: &mut Contact, place: usize, cell: &str, report: &mut Report) {
        for text in cell.split([';', ',', '\n']).map(str::trim).filter(|text| !text.is_empty()) {
            let text = self.behind_switchboard(place, text).unwrap_or_else(|| text.to_owned());
            match parse_block(&text, self.settings.numbering) {
                Ok(_) => contact.blocks.push(clean(&text)),
                Err(error) => report.add(Problem::Block, self.line, || error.to_string()),
            }
        }
    }

    /// A range of extensions such as `100-199` takes the place of the last digits of the switchboard's number, which
    /// stands in the nearest number column before it.
    fn behind_switchboard(&self, place: usize, range: &str) -> Option<String> {
        let (from, to) = range.split_once('-').map(|(from, to)| (from.trim(), to.trim()))?;
        let is_extension = |text: &str| (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_extension(from) || !is_extension(to) || from.len() != to.len() {
            return None;
        }
        let before = self.settings.columns.get(..place)?;
        let switchboard = before.iter().rposition(|column| matches!(column.target, Target::Telephone { .. }))?;
        let digits: String = self
            .texts
            .cell(switchboard)
            .chars()
            .filter(|character| character.is_ascii_digit() || *character == '+')
            .collect();
        let head = digits.get(..digits.len().checked_sub(from.len())?).filter(|head| head.len() > 3)?;
        Some(format!("{head}{from}-{to}"))
    }

    fn primary(&self, cell: &str, report: &mut Report) -> bool {
        let word = cell.to_lowercase();
        let yes = YES.contains(&word.as_str());
        if !yes && !NO.contains(&word.as_str()) {
            report.add(Problem::Primary, self.line, || shorten(cell));
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
