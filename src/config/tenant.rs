//! What a tenant writes: marked, so that it reaches public addresses only, and kept from the environment and the files of calldex.
//!
//! Variables and files are secrets of others. One that a tenant puts into the address or the parameters of his own system
//! would be sent there.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::DeValue;

use super::directory::full_name;
use super::journal::Journal;
use super::params::file_in;
use super::project::Project;
use super::reader::Reader;
use super::secret::has_variable;
use super::source::Source;

/// What of one file may be a tenant's.
pub(crate) struct Written<'a> {
    /// Its sources, by full name.
    pub(crate) sources: &'a mut BTreeMap<Arc<str>, Source>,
    /// Its journals, by full name.
    pub(crate) journals: &'a mut BTreeMap<Arc<str>, Journal>,
    /// Its projects.
    pub(crate) projects: &'a [Project],
}

impl Written<'_> {
    /// Marks what a tenant wrote: everything in a project file with a project of his, in the main file what such a project
    /// lists. `file` is the stem of a project file.
    pub(crate) fn mark(self, root: &Reader<'_>, file: Option<&str>) {
        let projects: Vec<&Project> = self.projects.iter().filter(|project| project.tenant).collect();
        let is_tenants = |listed: fn(&Project) -> &Vec<Arc<str>>, name: &Arc<str>| {
            projects.iter().any(|project| file.is_some() || listed(project).contains(name))
        };
        for (name, source) in self.sources.iter_mut() {
            source.tenant =
                is_tenants(|project| &project.sources, name) || is_tenants(|project| &project.journal, name);
        }
        for (name, journal) in self.journals.iter_mut() {
            journal.tenant = is_tenants(|project| &project.journal, name);
        }
        // Where something else is wrong, the file is not used, and its tables have been complained about.
        if projects.is_empty() || !root.sheet.problems.borrow().is_empty() {
            return;
        }
        let (sources, journals) = (self.sources, self.journals);
        refuse_secrets_of_others(root, "source", |name| {
            sources.get(&full_name(file, name)).is_some_and(|it| it.tenant)
        });
        refuse_secrets_of_others(root, "journal", |name| {
            journals.get(&full_name(file, name)).is_some_and(|it| it.tenant)
        });
    }
}

fn refuse_secrets_of_others(root: &Reader<'_>, section: &'static str, is_tenants: impl Fn(&str) -> bool) {
    for (_, reader) in root.tables(section).into_iter().filter(|(name, _)| is_tenants(name)) {
        for (key, value) in reader.keys_set() {
            let (name, path) = (key.get_ref(), &reader.path);
            let message = if holds_variable(value.get_ref()) {
                format!(
                    "{name} in [{path}] takes something from the environment of calldex, which a tenant may not; write \
                     the value itself, and $${{ for a plain ${{"
                )
            } else if name == "params" && holds_file(value.get_ref()) {
                format!(
                    "{name} in [{path}] takes something from a file, which a tenant may not; write the value itself"
                )
            } else {
                continue;
            };
            reader.sheet.problem(&value.span(), message);
        }
    }
}

fn holds_variable(value: &DeValue<'_>) -> bool {
    is_anywhere(value, &|value| value.as_str().is_some_and(has_variable))
}

fn holds_file(value: &DeValue<'_>) -> bool {
    is_anywhere(value, &|value| value.as_table().and_then(file_in).is_some())
}

fn is_anywhere(value: &DeValue<'_>, holds: &dyn Fn(&DeValue<'_>) -> bool) -> bool {
    holds(value)
        || match value {
            DeValue::Array(items) => items.iter().any(|item| is_anywhere(item.get_ref(), holds)),
            DeValue::Table(table) => table.iter().any(|(_, value)| is_anywhere(value.get_ref(), holds)),
            _ => false,
        }
}
