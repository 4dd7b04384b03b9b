//! `[directory.NAME]`: an address book.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::keys::{Key, Kind, Section};
use super::names::check_name;
use super::numbering;
use super::reader::Reader;
use crate::number::Numbering;

/// `[directory.NAME]`: an address book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// How the numbers in it are read.
    pub numbering: Numbering,
    /// Whether project files may use it.
    pub shared: bool,
}

/// The keys of `[directory.NAME]`.
pub(crate) static SECTION: Section = Section {
    path: "directory.NAME",
    about: "An address book in calldex's own store: `calldex import FILE --directory NAME` fills it. In a project file \
            it is private: `customers` of `projects/acme.toml` is `acme/customers` in the store.",
    groups: &[
        numbering::COMMON,
        &[Key::new("shared", Kind::Switch, "false", "Whether project files may use it. Only in the main file.")],
    ],
};

/// Reads the address books of one file; `file` is the stem of a project file.
pub(crate) fn read_all(root: &Reader<'_>, file: Option<&str>) -> BTreeMap<Arc<str>, Directory> {
    let tables = root.tables("directory").into_iter();
    tables.map(|(name, reader)| (full_name(file, name), Directory::read(name, reader, file.is_some()))).collect()
}

/// The name in the store: `customers`, or `acme/customers` from `projects/acme.toml`.
pub(crate) fn full_name(file: Option<&str>, name: &str) -> Arc<str> {
    file.map_or_else(|| name.into(), |file| format!("{file}/{name}").into())
}

impl Directory {
    fn read(name: &str, reader: Reader<'_>, in_project_file: bool) -> Self {
        check_name("directory", name, &reader);
        if in_project_file && reader.is_set("shared") {
            let message = format!(
                "shared in [{}] does nothing in a project file; only directories of the main file can be shared",
                reader.path
            );
            reader.sheet.problem(&reader.place_of("shared"), message);
        }
        let directory = Self { numbering: numbering::read_common(&reader), shared: reader.switch("shared") };
        reader.finish();
        directory
    }
}
