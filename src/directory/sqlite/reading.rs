//! With which settings the numbers of a book were read, so that a change of the configuration is noticed.

use rusqlite::{Connection, OptionalExtension};

use crate::directory::Book;
use crate::number::{Numbering, WithoutPlus};

/// The settings that decide what a number of a book is read as.
pub(super) fn text(numbering: &Numbering) -> String {
    let country = numbering.country.as_deref().unwrap_or("none");
    let without_plus = match numbering.without_plus {
        WithoutPlus::Auto => "auto",
        WithoutPlus::National => "national",
        WithoutPlus::International => "international",
    };
    format!("country {country}, numbers_without_plus {without_plus}")
}

/// The settings with which the book was read, when they are others than now.
pub(super) fn other(connection: &Connection, book: &Book) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT reading FROM directory WHERE id = ?1 AND contacts > 0";
    let stored: Option<Option<String>> =
        connection.prepare_cached(sql)?.query_row([book.id], |row| row.get(0)).optional()?;
    Ok(stored.flatten().filter(|stored| *stored != text(&book.numbering)))
}

/// Notes that all numbers of the book are read with these settings.
pub(super) fn note(connection: &Connection, directory: i64, numbering: &Numbering) -> rusqlite::Result<()> {
    let sql = "UPDATE directory SET reading = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute((directory, text(numbering)))?;
    Ok(())
}

/// The same if there are none yet: those that come now are the first.
pub(super) fn note_first(connection: &Connection, directory: i64, numbering: &Numbering) -> rusqlite::Result<()> {
    let sql = "UPDATE directory SET reading = ?2 WHERE id = ?1 AND contacts = 0";
    connection.prepare_cached(sql)?.execute((directory, text(numbering)))?;
    Ok(())
}
