//! Contacts out of a workbook of Excel: its first sheet, or the one that is named.
//!
//! `calamine` reads the sheet cell by cell, but holds the table of shared texts; so what is in the zip file is looked
//! through first, and a workbook that would take too much memory is refused. The sheet is read in a thread of its own
//! that hands over rows; it ends with the sheet, or when nobody takes its rows any more.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use calamine::{Data, DataRef, Reader as _, Xlsx};
use zip::ZipArchive;

use crate::error::{Error, Kind, Result};

use super::json::float_text;
use super::packed::{Archive, is_bomb};
use super::reader::{MAX_COLUMNS, MAX_FIELD, MAX_RECORD, Next, Record};
use super::records::Records;

/// Most bytes of the table of shared texts, unpacked.
const MAX_SHARED: u64 = 128 << 20;

/// Most texts in that table.
const MAX_TEXTS: u64 = 3_000_000;

/// Most bytes of a part that is neither a sheet nor the shared texts.
const MAX_PART: u64 = 16 << 20;

/// Longest text or mark in a part, in bytes.
const MAX_RUN: usize = MAX_RECORD;

/// Rows that are handed over at a time, and such batches that may wait.
const BATCH: usize = 256;
const WAITING: usize = 4;

/// A row is handed over at once when the batch is this large, in bytes.
const BATCH_BYTES: usize = 1 << 20;

/// A row of a sheet: its number, its cells with their columns.
struct Row {
    number: u64,
    cells: Vec<(usize, String)>,
}

type Batch = std::result::Result<Vec<Row>, String>;

/// The rows of a sheet.
pub(crate) struct Sheet {
    /// The name of the sheet.
    pub(crate) name: String,
    received: Receiver<Batch>,
    rows: std::vec::IntoIter<Row>,
    at_end: bool,
}

impl Sheet {
    /// Opens a sheet by its name, or the first one.
    ///
    /// # Errors
    /// The workbook is damaged, too large to be read, or has no such sheet.
    pub(crate) fn open(mut archive: Archive, wanted: Option<&str>) -> Result<Self> {
        look_through(archive.zip())?;
        let mut file = archive.into_file();
        file.seek(SeekFrom::Start(0)).map_err(|cause| refused("it cannot be read").because(cause))?;
        let (send_name, received_name) = sync_channel(1);
        let (send, received) = sync_channel(WAITING);
        let wanted = wanted.map(str::to_owned);
        // The thread ends when its rows are taken, or when the receiver is gone.
        std::thread::spawn(move || read_workbook(file, wanted.as_deref(), &send_name, &send));
        // A thread that panicked sends nothing.
        let name = received_name.recv().map_err(|_| refused("it is damaged"))?.map_err(|why| refused(&why))?;
        Ok(Self { name, received, rows: Vec::new().into_iter(), at_end: false })
    }

    fn row(&mut self) -> Result<Option<Row>> {
        loop {
            if let Some(row) = self.rows.next() {
                return Ok(Some(row));
            }
            if self.at_end {
                return Ok(None);
            }
            match self.received.recv() {
                Ok(Ok(rows)) if rows.is_empty() => self.at_end = true,
                Ok(Ok(rows)) => self.rows = rows.into_iter(),
                Ok(Err(why)) => return Err(refused(&why)),
                Err(_) => return Err(refused("it is damaged")),
            }
        }
    }
}

impl Records for Sheet {
    fn next(&mut self, record: &mut Record) -> Result<Next> {
        let Some(mut row) = self.row()? else { return Ok(Next::End) };
        record.restart(row.number);
        row.cells.sort_by_key(|(column, _)| *column);
        let mut next = 0;
        for (column, text) in row.cells {
            if column < next {
                continue;
            }
            while next < column {
                record.push(b"");
                next += 1;
            }
            record.push(text.as_bytes());
            next += 1;
        }
        Ok(record.checked())
    }
}

/// Reads the workbook and hands over its rows; an empty batch is the end.
fn read_workbook(
    file: File,
    wanted: Option<&str>,
    send_name: &SyncSender<std::result::Result<String, String>>,
    send: &SyncSender<Batch>,
) {
    let opened = Xlsx::new(std::io::BufReader::new(file)).map_err(|error| error.to_string());
    let (name, mut workbook) = match opened.and_then(|workbook| Ok((sheet_name(&workbook, wanted)?, workbook))) {
        Ok(opened) => opened,
        Err(why) => {
            // When whoever opened the workbook is gone, there is nobody to tell.
            _ = send_name.send(Err(why));
            return;
        }
    };
    if send_name.send(Ok(name.clone())).is_err() {
        return;
    }
    if let Err(why) = send_rows(&mut workbook, &name, send) {
        _ = send.send(Err(why));
    }
}

fn sheet_name<R: Read + Seek>(workbook: &Xlsx<R>, wanted: Option<&str>) -> std::result::Result<String, String> {
    let names = workbook.sheet_names();
    let found = match wanted {
        None => names.first(),
        Some(wanted) => names.iter().find(|name| name.trim().to_lowercase() == wanted.trim().to_lowercase()),
    };
    let list = || names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    found.cloned().ok_or_else(|| match wanted {
        Some(wanted) => format!("it has no sheet {wanted:?} (it has {})", list()),
        None => "it has no sheet".to_owned(),
    })
}

fn send_rows<R: Read + Seek>(
    workbook: &mut Xlsx<R>,
    name: &str,
    send: &SyncSender<Batch>,
) -> std::result::Result<(), String> {
    let mut cells = workbook.worksheet_cells_reader(name).map_err(|error| error.to_string())?;
    let mut batch: Vec<Row> = Vec::new();
    let mut bytes = 0;
    while let Some(cell) = cells.next_cell().map_err(|error| error.to_string())? {
        let (row, column) = cell.get_position();
        let text = cell_text(cell.get_value());
        if text.is_empty() || column as usize > MAX_COLUMNS {
            continue;
        }
        let number = u64::from(row) + 1;
        if batch.last().is_none_or(|last| last.number != number) {
            if batch.len() >= BATCH || bytes >= BATCH_BYTES {
                bytes = 0;
                if send.send(Ok(std::mem::take(&mut batch))).is_err() {
                    return Ok(());
                }
            }
            batch.push(Row { number, cells: Vec::new() });
        }
        bytes += text.len() + 32;
        // Every cell of a row fits, or the row is above the limit and its rest need not be kept.
        if let Some(last) = batch.last_mut().filter(|_| bytes < 2 * (MAX_RECORD + MAX_FIELD)) {
            last.cells.push((column as usize, text));
        }
    }
    if !batch.is_empty() && send.send(Ok(batch)).is_err() {
        return Ok(());
    }
    _ = send.send(Ok(Vec::new()));
    Ok(())
}

/// A cell as a person sees it; a number without a point where it has none, however it was stored.
fn cell_text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => float_text(*number),
        DataRef::String(text) => text.trim().to_owned(),
        DataRef::SharedString(text) => text.trim().to_owned(),
        DataRef::Empty | DataRef::Error(_) => String::new(),
        other => Data::from(other.clone()).to_string(),
    }
}

/// Reads every part once, counting: nothing of it is kept.
fn look_through(zip: &mut ZipArchive<File>) -> Result<()> {
    for place in 0..zip.len() {
        let part = zip.by_index(place).map_err(|error| refused(&error.to_string()))?;
        let name = part.name().map_err(|error| refused(&error.to_string()))?.to_lowercase();
        if name.ends_with('/') {
            continue;
        }
        let packed = part.compressed_size();
        let seen = look(part, packed).map_err(|why| refused(&format!("{name}: {why}")))?;
        let shared = name.ends_with("sharedstrings.xml");
        let text = name.ends_with(".xml") || name.ends_with(".rels");
        let sheet = name.contains("worksheets/");
        let too_large = match (shared, text && !sheet) {
            (true, _) => seen.bytes > MAX_SHARED || seen.marks > 8 * MAX_TEXTS || seen.texts > MAX_TEXTS,
            (false, true) => seen.bytes > MAX_PART,
            _ => false,
        };
        if too_large || (text && seen.run > MAX_RUN) {
            return Err(refused(&format!("{name} is too large to be read; save the sheet as CSV and import that")));
        }
    }
    Ok(())
}

/// What was seen in a part.
#[derive(Default)]
struct Look {
    bytes: u64,
    /// Marks, and among them those that may begin a shared text.
    marks: u64,
    texts: u64,
    /// Longest stretch without a mark, or within one.
    run: usize,
}

fn look(mut part: impl Read, packed: u64) -> std::result::Result<Look, String> {
    let mut seen = Look::default();
    let mut chunk = vec![0; 64 << 10];
    let (mut run, mut opened) = (0, [0_u8; 3]);
    loop {
        let length = part.read(&mut chunk).map_err(|error| error.to_string())?;
        if length == 0 {
            return Ok(seen);
        }
        seen.bytes += length as u64;
        if is_bomb(packed, seen.bytes) {
            return Err("a decompression bomb".to_owned());
        }
        for &byte in chunk.get(..length).unwrap_or_default() {
            run = if matches!(byte, b'<' | b'>') { 0 } else { run + 1 };
            seen.run = seen.run.max(run);
            seen.marks += u64::from(byte == b'<');
            opened = [opened[1], opened[2], byte];
            seen.texts += u64::from(opened == *b"<si");
        }
    }
}

fn refused(why: &str) -> Error {
    Error::new(Kind::Invalid, format!("the workbook cannot be used: {why}"))
}

#[cfg(test)]
#[path = "xlsx_tests.rs"]
mod tests;
