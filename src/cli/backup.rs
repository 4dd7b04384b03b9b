//! `calldex backup FOLDER`: a copy of the store, while a server uses it.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Kind};
use crate::store::backup::backup;
use crate::store::{DIRECTORY, EVENTS, Store, events_path};

use super::Outcome;
use super::workshop::{self, unwritable};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A new or empty folder
    folder: PathBuf,
}

/// Copies every file of the configured store.
pub(crate) fn run(file: &Path, arguments: &Arguments, out: &mut dyn Write) -> Outcome {
    let config = workshop::load(file)?;
    let place = &config.server.store;
    // Opening it would make a new one, and the copy of that would look like a backup.
    if !place.exists() {
        let message =
            format!("there is no store {}: nothing was backed up; is it the right configuration?", place.display());
        return Err(Error::new(Kind::NotFound, message));
    }
    let store = Store::open(place, &DIRECTORY)?;
    let events = Store::open(&events_path(&config.server.store), &EVENTS)?;
    let manifest = backup(&[&store, &events], &arguments.folder, SystemClock.utc_millis())?;
    for copied in &manifest.files {
        let place = arguments.folder.join(&copied.name);
        writeln!(out, "{}  {} bytes  sha256 {}", place.display(), copied.bytes, copied.sha256).map_err(unwritable)?;
    }
    Ok(())
}
