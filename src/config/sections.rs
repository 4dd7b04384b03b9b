//! The list of all sections: what may stand at the top of a file.

use super::keys::{Key, Kind, Section};
use super::{agent, cache, directory, journal, log, project, server, source};

/// The top of `calldex.toml`.
pub(crate) static MAIN: Section = Section {
    path: "",
    about: "The main file.",
    groups: &[
        &[
            Key::new("server", Kind::Table(&server::SECTION), "", ""),
            Key::new("log", Kind::Table(&log::SECTION), "", ""),
            Key::new("cache", Kind::Table(&cache::SECTION), "", ""),
        ],
        NAMESPACE,
    ],
};

/// The top of a file in `projects/`.
pub(crate) static PROJECT_FILE: Section = Section { path: "", about: "A project file.", groups: &[NAMESPACE] };

/// What every file may define; a project file keeps it to itself.
const NAMESPACE: &[Key] = &[
    Key::new("directory", Kind::Tables(&directory::SECTION), "", ""),
    Key::new("journal", Kind::Tables(&journal::SECTION), "", ""),
    Key::new("source", Kind::Tables(&source::SECTION), "", ""),
    Key::new("agent", Kind::Tables(&agent::SECTION), "", ""),
    Key::new("project", Kind::Tables(&project::SECTION), "", ""),
];
