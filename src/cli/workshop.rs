//! What most commands need first: the configuration, the store, and words for what is missing.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::clock::SystemClock;
use crate::config::{self, Config};
use crate::directory::{Book, Directory, SqliteDirectory};
use crate::error::{Error, Kind, Result};
use crate::events::EventStore;
use crate::lookup::CHECKS;

/// An opened configuration with its store.
pub(crate) struct Workshop {
    pub(crate) config: Config,
    pub(crate) directory: Arc<dyn Directory>,
}

impl Workshop {
    /// Loads the configuration and opens the store that it names.
    pub(crate) fn open(file: &Path) -> Result<Self> {
        let config = load(file)?;
        let directory = SqliteDirectory::open(&config.server.store, Arc::new(SystemClock))?;
        Ok(Self { config, directory: Arc::new(directory) })
    }

    /// Opens a configured address book.
    pub(crate) fn book(&self, name: &str) -> Result<Book> {
        let settings = self
            .config
            .directories
            .get(name)
            .ok_or_else(|| no_such("directory", name, self.config.directories.keys().map(|name| &**name)))?;
        block_on(self.directory.open_book(name, &settings.numbering))?
    }
    /// Every address book of the store and of the configuration. One that only the store knows reads international
    /// numbers only.
    pub(crate) fn books(&self) -> Result<Vec<Book>> {
        let stored = block_on(self.directory.books())??;
        let configured = self.config.directories.keys().map(|name| Arc::<str>::from(&**name));
        let names: BTreeSet<Arc<str>> = stored.into_iter().chain(configured).collect();
        names.iter().map(|name| self.any_book(name)).collect()
    }

    /// An address book that is in the store or in the configuration.
    pub(crate) fn existing_book(&self, name: &str) -> Result<Book> {
        let stored = block_on(self.directory.books())??;
        if stored.iter().any(|known| **known == *name) { self.any_book(name) } else { self.book(name) }
    }

    fn any_book(&self, name: &str) -> Result<Book> {
        let settings = self.config.directories.get(name);
        let numbering = settings.map(|settings| settings.numbering.clone()).unwrap_or_default();
        block_on(self.directory.open_book(name, &numbering))?
    }
}

/// A configured project; the only one needs no name.
pub(crate) fn project<'a>(config: &'a Config, name: Option<&str>) -> Result<&'a Arc<config::Project>> {
    let unnamed = || Error::new(Kind::Invalid, "which project is asked? Name it with --project NAME");
    match name {
        Some(name) => {
            let known = config.projects.keys().map(|name| &**name);
            config.projects.get(name).ok_or_else(|| no_such("project", name, known))
        }
        None if config.projects.len() == 1 => config.projects.values().next().ok_or_else(unnamed),
        None => Err(unnamed()),
    }
}

/// Loads a configuration. A bad project file is named on standard error and left out, as the server does it.
pub(crate) fn load(file: &Path) -> Result<Config> {
    let loaded = config::load(file, &config::process_environment, &CHECKS)?;
    for failed in &loaded.failed_files {
        // When standard error is gone, there is nobody to warn.
        let _ = writeln!(std::io::stderr(), "{} is left out:\n{}", failed.file, failed.problems);
    }
    for problems in &loaded.failed_recipes {
        let _ = writeln!(std::io::stderr(), "a recipe is refused, the sources that use it fail:\n{problems}");
    }
    Ok(loaded.config)
}

/// Opens the store of events. A mistake in the configuration does not matter, as long as it says where the store is.
pub(crate) fn events(file: &Path) -> Result<EventStore> {
    EventStore::open(&config::load_store(file, &config::process_environment)?.store)
}

/// Runs one piece of asynchronous work to its end.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Internal, "cannot start the runtime").because(error))?;
    Ok(runtime.block_on(work))
}

/// A name that is not configured, with the nearest one that is.
pub(crate) fn no_such<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let known: Vec<&str> = known.collect();
    // What a project file has is known by its full name, such as acme/customers.
    let in_a_file = known.iter().copied().find(|known| known.rsplit_once('/').is_some_and(|(_, short)| short == name));
    let hint = match in_a_file.or_else(|| config::nearest(name, known.iter().copied())) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None if known.is_empty() => format!("the configuration has no {what}"),
        None => format!("configured: {}", known.join(", ")),
    };
    Error::new(Kind::NotFound, format!("there is no {what} {name} in the configuration; {hint}"))
}

/// Standard output cannot be written to.
pub(crate) fn unwritable(error: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, "cannot write the result").because(error)
}
