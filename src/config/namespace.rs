//! What a file can see: its own names, then those that the main file shares.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::directory::{Directory, full_name};
use super::journal::Journal;
use super::nearest::did_you_mean;

/// The names that projects of one file may use.
pub(crate) struct Namespace<'a> {
    /// The stem of a project file; `None` is the main file.
    pub(crate) file: Option<&'a str>,
    /// The name of the main file, for messages.
    pub(crate) main_file: &'a str,
    /// The directories of this file, by full name.
    pub(crate) own: &'a BTreeMap<Arc<str>, Directory>,
    /// The directories of the main file.
    pub(crate) main: &'a BTreeMap<Arc<str>, Directory>,
    /// The journals of this file, by full name.
    pub(crate) own_journals: &'a BTreeMap<Arc<str>, Journal>,
    /// The journals of the main file.
    pub(crate) main_journals: &'a BTreeMap<Arc<str>, Journal>,
    /// Projects of the files that were read before, with the file of each.
    pub(crate) projects: &'a BTreeMap<Arc<str>, Arc<str>>,
}

impl Namespace<'_> {
    /// Finds the full name of what a project calls by its short name.
    ///
    /// # Errors
    /// The end of a message: why it is not to be had, or the nearest name that is.
    pub(crate) fn find_source(&self, name: &str) -> Result<Arc<str>, String> {
        let own = full_name(self.file, name);
        if self.own.contains_key(&own) {
            return Ok(own);
        }
        // A name with a slash belongs to another project file, whatever it says.
        match self.main.get_key_value(name).filter(|_| !name.contains('/')) {
            Some((full, directory)) if directory.shared => Ok(Arc::clone(full)),
            Some(_) => Err(format!(
                "; {} has it, but does not share it: write shared = true in its [directory.{name}]",
                self.main_file
            )),
            None => Err(self.suggest(name)),
        }
    }

    /// Finds the full name of the journal that a project calls by its short name.
    ///
    /// # Errors
    /// The end of a message: why it is not to be had, or the nearest name that is.
    pub(crate) fn find_journal(&self, name: &str) -> Result<Arc<str>, String> {
        let own = full_name(self.file, name);
        if self.own_journals.contains_key(&own) {
            return Ok(own);
        }
        match self.main_journals.get_key_value(name).filter(|_| !name.contains('/')) {
            Some((full, journal)) if journal.shared => Ok(Arc::clone(full)),
            Some(_) => Err(format!(
                "; {} has it, but does not share it: write shared = true in its [journal.{name}]",
                self.main_file
            )),
            None => {
                let own = self.own_journals.keys().map(|full| full.rsplit('/').next().unwrap_or_default());
                let near = did_you_mean(name, own);
                Err(if near.is_empty() { format!("; add [journal.{name}]") } else { near })
            }
        }
    }

    /// The file that already has a project of this name.
    pub(crate) fn owner_of_project(&self, name: &str) -> Option<&str> {
        self.projects.get(name).map(Arc::as_ref)
    }

    fn suggest(&self, name: &str) -> String {
        let own = self.own.keys().map(|full| full.rsplit('/').next().unwrap_or_default());
        let shared = self.main.iter().filter(|(_, directory)| directory.shared).map(|(name, _)| name.as_ref());
        let mut known: Vec<&str> = own.chain(shared).collect();
        known.dedup();
        let near = did_you_mean(name, known.iter().copied());
        match known.as_slice() {
            _ if !near.is_empty() => near,
            [] => format!("; no directory is defined, add [directory.{name}]"),
            known => format!("; there are {}", known.join(", ")),
        }
    }
}
