//! What a file can see: its own names, then those that the main file shares.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::directory::{Directory, full_name};
use super::journal::Journal;
use super::nearest::did_you_mean;
use super::source::Source;

/// The names that projects of one file may use.
pub(crate) struct Namespace<'a> {
    /// The stem of a project file; `None` is the main file.
    pub(crate) file: Option<&'a str>,
    /// The name of the main file, for messages.
    pub(crate) main_file: &'a str,
    /// What this file defines.
    pub(crate) own: Names<'a>,
    /// What the main file defines.
    pub(crate) main: Names<'a>,
    /// Projects of the files that were read before, with the file of each.
    pub(crate) projects: &'a BTreeMap<Arc<str>, Arc<str>>,
}

/// The directories, sources and journals of a file, by full name.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) directories: &'a BTreeMap<Arc<str>, Directory>,
    pub(crate) sources: &'a BTreeMap<Arc<str>, Source>,
    pub(crate) journals: &'a BTreeMap<Arc<str>, Journal>,
}

/// A directory or source by its full name.
struct Named<'a> {
    name: &'a Arc<str>,
    section: &'static str,
    shared: bool,
}

impl<'a> Names<'a> {
    fn all(self) -> impl Iterator<Item = Named<'a>> {
        let directories = self.directories.iter();
        let directories =
            directories.map(|(name, directory)| Named { name, section: "directory", shared: directory.shared });
        let sources = self.sources.iter();
        directories.chain(sources.map(|(name, source)| Named { name, section: "source", shared: source.shared }))
    }

    fn journal(self, name: &str) -> Option<Named<'a>> {
        let journal = self.journals.get_key_value(name);
        let journal = journal.map(|(name, found)| Named { name, section: "journal", shared: found.shared });
        let source = || self.sources.get_key_value(name);
        journal.or_else(|| source().map(|(name, found)| Named { name, section: "source", shared: found.shared }))
    }

    fn find(self, name: &str) -> Option<Named<'a>> {
        let directory = self.directories.get_key_value(name);
        let directory = directory.map(|(name, found)| Named { name, section: "directory", shared: found.shared });
        let source = || self.sources.get_key_value(name);
        directory.or_else(|| source().map(|(name, found)| Named { name, section: "source", shared: found.shared }))
    }
}

impl Namespace<'_> {
    /// Finds the full name of what a project calls by its short name.
    ///
    /// # Errors
    /// The end of a message: why it is not to be had, or the nearest name that is.
    pub(crate) fn find_source(&self, name: &str) -> Result<Arc<str>, String> {
        let own = full_name(self.file, name);
        if self.own.find(&own).is_some() {
            return Ok(own);
        }
        // A name with a slash belongs to another project file, whatever it says.
        match self.main.find(name).filter(|_| !name.contains('/')) {
            Some(named) if named.shared => Ok(Arc::clone(named.name)),
            Some(Named { section, .. }) => Err(format!(
                "; {} has it, but does not share it: write shared = true in its [{section}.{name}]",
                self.main_file
            )),
            None => Err(self.suggest(name)),
        }
    }

    /// Finds the full name of the journal or source that a project writes its calls to, by its short name.
    ///
    /// # Errors
    /// The end of a message: why it is not to be had, or the nearest name that is.
    pub(crate) fn find_journal(&self, name: &str) -> Result<Arc<str>, String> {
        let own = full_name(self.file, name);
        if self.own.journal(&own).is_some() {
            return Ok(own);
        }
        match self.main.journal(name).filter(|_| !name.contains('/')) {
            Some(named) if named.shared => Ok(Arc::clone(named.name)),
            Some(Named { section, .. }) => Err(format!(
                "; {} has it, but does not share it: write shared = true in its [{section}.{name}]",
                self.main_file
            )),
            None => {
                let names = self.own.journals.keys().chain(self.own.sources.keys());
                let near = did_you_mean(name, names.map(|full| full.rsplit('/').next().unwrap_or_default()));
                Err(if near.is_empty() { format!("; add [journal.{name}]") } else { near })
            }
        }
    }

    /// The file that already has a project of this name.
    pub(crate) fn owner_of_project(&self, name: &str) -> Option<&str> {
        self.projects.get(name).map(Arc::as_ref)
    }

    fn suggest(&self, name: &str) -> String {
        let own = self.own.all().map(|named| named.name.rsplit('/').next().unwrap_or_default());
        let shared = self.main.all().filter(|named| named.shared).map(|named| named.name.as_ref());
        let mut known: Vec<&str> = own.chain(shared).collect();
        known.dedup();
        let near = did_you_mean(name, known.iter().copied());
        match known.as_slice() {
            _ if !near.is_empty() => near,
            [] => format!("; nothing is defined, add [directory.{name}] or [source.{name}]"),
            known => format!("; there are {}", known.join(", ")),
        }
    }
}
