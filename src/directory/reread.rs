//! Reads the stored numbers of a book anew, with the settings that the configuration has now.
//!
//! It is an import of the book into itself: lookups go on with the old keys and see all of the new ones at once.

use super::{Book, Covers, Directory, ImportSummary};
use crate::error::Result;

/// Contacts that are read at a time.
const BATCH: usize = 2_000;

/// Reads every number of the book with its numbering; contacts whose numbers are read as before stay as they are.
/// Blocks: never call it from an async worker.
///
/// # Errors
/// Those of [`Directory::begin_import`] and [`Directory::scan`]; the book is then as before.
pub fn reread(directory: &dyn Directory, book: &Book) -> Result<ImportSummary> {
    let covers = Covers { numbers: true, blocks: true, ..Covers::default() };
    let mut session = directory.begin_import(book, covers)?;
    let mut preparer = session.preparer()?;
    let mut batch = Vec::with_capacity(BATCH);
    directory.scan(book, 1, &mut |_, contact| {
        batch.push(contact);
        if batch.len() == BATCH {
            session.apply(preparer.prepare(std::mem::take(&mut batch))?)?;
        }
        Ok(())
    })?;
    session.apply(preparer.prepare(batch)?)?;
    session.finish()
}
