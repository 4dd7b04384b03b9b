//! `import --report FILE`: made before anything is imported, filled in the end.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::directory::import::outcome::Outcome;
use crate::directory::quality::{self, Quality};
use crate::directory::{Book, Directory};
use crate::error::{Error, Kind, Result};

use super::source::Source;

/// Makes the file of the report before anything is imported, so that a wrong name costs nothing: least of all the contacts.
pub(super) fn create_report(path: &Path, sources: &[Source]) -> Result<File> {
    let place = path.canonicalize().ok();
    let is_it = |source: &Source| matches!(source, Source::File(file) if file.canonicalize().ok() == place);
    if place.is_some() && sources.iter().any(is_it) {
        let message = format!("the report would take the place of the contacts in {}", path.display());
        return Err(Error::new(Kind::Invalid, message));
    }
    File::create(path).map_err(|cause| {
        Error::new(Kind::Unavailable, format!("cannot write the report to {}", path.display())).because(cause)
    })
}

/// What is wrong with the address book as it is after the import.
pub(super) fn look_at_book(store: &dyn Directory, book: &Book) -> Result<Quality> {
    quality::check(store, book, None).map_err(|error| {
        let message = "the import has ended well, but the address book cannot be checked for its report";
        Error::new(error.kind(), message).because(error)
    })
}

/// The report of the import, and what is wrong with the address book as it is now.
pub(super) fn write_report(file: &mut File, path: &Path, outcome: &Outcome, quality: Option<&Quality>) -> Result<()> {
    let mut json = outcome.json();
    if let Some(quality) = quality {
        json["quality"] = quality.json(&outcome.directory);
    }
    let text = format!("{json:#}\n");
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|cause| {
        let message = format!("the import has ended well, but its report cannot be written to {}", path.display());
        Error::new(Kind::Unavailable, message).because(cause)
    })
}
