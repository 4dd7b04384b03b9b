//! `calldex restore FOLDER`: puts a backup in the place of the store, after checking it whole.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::clock::{Clock, SystemClock};
use crate::store::backup::{check, restore};
use crate::store::events_path;

use super::Outcome;
use super::workshop::{self, unwritable};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder that `calldex backup` made
    folder: PathBuf,
    /// Move the present store aside; the server must be stopped
    #[arg(long)]
    yes: bool,
    /// Check the backup and change nothing
    #[arg(long)]
    check: bool,
}

/// Restores the configured store.
pub(crate) fn run(file: &Path, arguments: &Arguments, out: &mut dyn Write) -> Outcome {
    let folder = &arguments.folder;
    if arguments.check {
        let manifest = check(folder)?;
        return writeln!(out, "{} is whole, made {}", folder.display(), manifest.made).map_err(unwritable);
    }
    let config = workshop::load(file)?;
    let store = &config.server.store;
    let restored = restore(folder, &[store, &events_path(store)], arguments.yes, SystemClock.utc_millis())?;
    for aside in &restored.aside {
        writeln!(out, "the store from before is now {}", aside.display()).map_err(unwritable)?;
    }
    if !restored.aside.is_empty() {
        let warning = "whoever was erased after the backup was made is back: erase them again";
        writeln!(out, "{warning}").map_err(unwritable)?;
    }
    writeln!(out, "{} is as it was {}", store.display(), restored.manifest.made).map_err(unwritable)
}
