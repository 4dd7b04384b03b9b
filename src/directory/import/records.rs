//! What every format comes down to: rows of cells under named columns.
//!
//! CSV and workbooks name their columns in the first row. Cards and JSON objects name every value, so the first
//! [`SAMPLE_RECORDS`] of them say which columns there are; a name that comes later has no column any more and is
//! reported, unless `--map` named it from the start.

use std::collections::{HashMap, VecDeque};

use crate::error::{Error, Kind, Result};

use super::reader::{Fault, MAX_COLUMNS, Next, Record};

/// What stands between several values in one cell, as in the exports of Google.
pub(crate) const SEPARATOR: &str = " ::: ";

/// How many objects or cards say which columns there are.
pub(crate) const SAMPLE_RECORDS: usize = 1_000;

/// The sample ends early when it is this large, in bytes.
const SAMPLE_BYTES: usize = 8 << 20;

/// Where rows come from.
pub(crate) trait Records: Send {
    /// Reads the next row that is not blank.
    ///
    /// # Errors
    /// The file cannot be read any further.
    fn next(&mut self, record: &mut Record) -> Result<Next>;
}

/// The values of one card or object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cells {
    /// Where it begins, from 1.
    pub(crate) line: u64,
    /// What was found there, when something is wrong.
    pub(crate) note: String,
    /// Name and value; several values of one name are joined with [`SEPARATOR`].
    pub(crate) cells: Vec<(String, String)>,
}

impl Cells {
    pub(crate) fn clear(&mut self, line: u64) {
        self.line = line;
        self.note.clear();
        self.cells.clear();
    }

    /// Adds a value; a second one of the same name goes into the same cell. Of more names than a row may have columns only
    /// one is kept, for the message.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        let is_full = self.cells.len() > MAX_COLUMNS;
        match self.cells.iter_mut().find(|(known, _)| known == name) {
            Some((_, cell)) => {
                cell.push_str(SEPARATOR);
                cell.push_str(value);
            }
            None if is_full => {}
            None => self.cells.push((name.to_owned(), value.to_owned())),
        }
    }

    fn bytes(&self) -> usize {
        self.cells.iter().map(|(name, value)| name.len() + value.len() + 64).sum()
    }
}

/// Where values with names come from.
pub(crate) trait Named: Send {
    /// Reads the next card or object.
    ///
    /// # Errors
    /// The file cannot be read any further.
    fn next(&mut self, cells: &mut Cells) -> Result<Next>;
}

/// Puts named values under columns.
pub(crate) struct Columned<N> {
    source: N,
    places: HashMap<String, usize>,
    names: Vec<String>,
    sample: VecDeque<(Next, Cells)>,
    /// A row whose late names are still to be told.
    late: VecDeque<(u64, String)>,
    cells: Cells,
    row: Vec<Option<usize>>,
}

impl<N: Named> Columned<N> {
    /// Reads the sample; the columns `first` are there in any case.
    ///
    /// # Errors
    /// The file cannot be read, or has more names than a row may have columns.
    pub(crate) fn new(mut source: N, first: Vec<String>) -> Result<Self> {
        let mut sample = VecDeque::new();
        let mut bytes = 0;
        while sample.len() < SAMPLE_RECORDS && bytes < SAMPLE_BYTES {
            let mut cells = Cells::default();
            let next = source.next(&mut cells)?;
            bytes += cells.bytes();
            let end = next == Next::End;
            sample.push_back((next, cells));
            if end {
                break;
            }
        }
        let mut columned = Self {
            source,
            places: HashMap::new(),
            names: Vec::new(),
            sample,
            late: VecDeque::new(),
            cells: Cells::default(),
            row: Vec::new(),
        };
        first.into_iter().for_each(|name| columned.add_name(name));
        let named: Vec<String> =
            columned.sample.iter().flat_map(|(_, cells)| cells.cells.iter().map(|(name, _)| name.clone())).collect();
        for name in named {
            columned.add_name(name);
            if columned.names.len() > MAX_COLUMNS {
                let message = format!("the first contacts have more than {MAX_COLUMNS} fields with different names");
                return Err(Error::new(Kind::Invalid, message));
            }
        }
        Ok(columned)
    }

    /// The names of the columns, in the order in which they came.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    fn add_name(&mut self, name: String) {
        if !self.places.contains_key(&name) {
            self.places.insert(name.clone(), self.names.len());
            self.names.push(name);
        }
    }

    /// Writes the values in the order of the columns.
    fn fill(&mut self, record: &mut Record) -> Next {
        self.row.clear();
        self.row.resize(self.names.len(), None);
        for (value, (name, _)) in self.cells.cells.iter().enumerate() {
            match self.places.get(name).and_then(|&place| self.row.get_mut(place)) {
                Some(cell) => *cell = Some(value),
                None => self.late.push_back((self.cells.line, name.clone())),
            }
        }
        record.restart(self.cells.line);
        for value in &self.row {
            let text = value.and_then(|value| self.cells.cells.get(value)).map_or("", |(_, text)| text.as_str());
            record.push(text.as_bytes());
        }
        record.checked()
    }
}

impl<N: Named> Records for Columned<N> {
    fn next(&mut self, record: &mut Record) -> Result<Next> {
        if let Some((line, name)) = self.late.pop_front() {
            record.restart(line);
            record.note = name;
            return Ok(Next::Remark(Fault::LateField));
        }
        let next = match self.sample.pop_front() {
            Some((next, cells)) => {
                self.cells = cells;
                next
            }
            None => self.source.next(&mut self.cells)?,
        };
        if next == Next::Row {
            return Ok(self.fill(record));
        }
        record.restart(self.cells.line);
        record.note = std::mem::take(&mut self.cells.note);
        Ok(next)
    }
}
