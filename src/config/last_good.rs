//! Keeps what a project file or a recipe said before, while it has problems, and a recipe whose file is gone.

use std::sync::Arc;

use super::load::FailedFile;
use super::recipe_text::{RecipeText, RecipeTexts};
use super::source::Source;
use super::{Config, Project, ProjectFile};

impl Config {
    /// Takes over the last good copy of every failed file from the configuration that was in use.
    ///
    /// A copy comes back whole or not at all: it must still fit to what the other files say now. Returns a line for
    /// the log about each file.
    pub fn keep_last_good(&mut self, previous: &Self, failed_files: &[FailedFile]) -> Vec<String> {
        failed_files.iter().map(|failed| self.keep_file(previous, failed)).collect()
    }

    /// Gives sources the earlier text of a recipe whose new one has problems. `is_good` says whether a text is of use.
    /// Returns a line for the log about each source.
    pub fn keep_last_recipes(&mut self, previous: &Self, is_good: &dyn Fn(&RecipeText) -> bool) -> Vec<String> {
        let mut notes = Vec::new();
        for source in self.sources.values_mut() {
            let Some(new) = source.recipe.as_ref().filter(|new| !is_good(new)) else { continue };
            let of_name = |old: &&Arc<RecipeText>| old.name == new.name && is_good(old);
            let earlier = previous.sources.values().filter_map(|old| old.recipe.as_ref()).find(of_name).cloned();
            notes.push(match &earlier {
                Some(_) => {
                    format!("{} has problems; the source {} goes on with its earlier copy", new.file, source.name)
                }
                None => format!("{} has problems and no earlier copy; the source {} fails", new.file, source.name),
            });
            source.recipe = earlier.or(source.recipe.take());
        }
        notes
    }

    /// Says of each source whose recipe lost its file what it uses now: `gone` is what still counts of such recipes, and
    /// where that has none, a recipe of the same name that comes with calldex takes over.
    #[must_use]
    pub fn explain_gone_recipes(&self, previous: &Self, gone: &RecipeTexts) -> Vec<String> {
        let explain = |source: &Source| {
            let name = &source.name;
            if let Some(kept) = source.recipe.as_ref().filter(|recipe| gone.contains_key(&recipe.name)) {
                let hint = "put the file back or give the source another type, calldex cannot start again without it";
                return Some(format!("{} is gone; the source {name} goes on with its earlier copy: {hint}", kept.file));
            }
            let before = previous.sources.get(name)?.recipe.as_ref()?;
            let lost = source.recipe.is_none() && *before.name == *source.api_type;
            lost.then(|| format!("{} is gone; the source {name} uses the recipe that comes with calldex", before.file))
        };
        self.sources.values().filter_map(explain).collect()
    }

    fn keep_file(&mut self, previous: &Self, failed: &FailedFile) -> String {
        let file = &failed.file;
        let Some(contents) = previous.files.get(&failed.stem) else {
            return format!("{file} has problems and no earlier copy; its projects do not answer");
        };
        let projects: Vec<_> = contents.projects.iter().filter_map(|name| previous.projects.get(name)).collect();
        if let Some(reason) = projects.iter().find_map(|project| self.explain_misfit(project, contents)) {
            return format!("{file} has problems, and its earlier copy cannot stay: {reason}");
        }
        for name in &contents.directories {
            self.directories
                .extend(previous.directories.get_key_value(name).map(|(name, book)| (name.clone(), book.clone())));
        }
        for name in &contents.journals {
            self.journals
                .extend(previous.journals.get_key_value(name).map(|(name, journal)| (name.clone(), journal.clone())));
        }
        for name in &contents.sources {
            self.sources
                .extend(previous.sources.get_key_value(name).map(|(name, source)| (name.clone(), source.clone())));
        }
        let agents = contents.agents.iter().filter_map(|name| previous.agents.get_key_value(name));
        self.agents.extend(agents.map(|(name, agent)| (name.clone(), agent.clone())));
        self.projects.extend(projects.into_iter().map(|project| (project.name.clone(), project.clone())));
        self.files.insert(failed.stem.clone(), contents.clone());
        format!("{file} has problems; its earlier copy stays in use")
    }

    /// Says why an earlier project does not fit to what holds now.
    fn explain_misfit(&self, project: &Project, contents: &ProjectFile) -> Option<String> {
        let name = &project.name;
        if self.projects.contains_key(name) {
            return Some(format!("the project \"{name}\" is now defined elsewhere"));
        }
        if project.access.open && !self.server.is_private() {
            return Some(format!("the project \"{name}\" is open, and the listener is not private any more"));
        }
        let visible = |source: &Arc<str>| {
            contents.directories.contains(source)
                || contents.sources.contains(source)
                || self.directories.get(source).is_some_and(|book| book.shared)
                || self.sources.get(source).is_some_and(|live| live.shared)
        };
        let written = |journal: &Arc<str>| {
            contents.journals.contains(journal)
                || contents.sources.contains(journal)
                || self.journals.get(journal).is_some_and(|journal| journal.shared)
                || self.sources.get(journal).is_some_and(|live| live.shared)
        };
        let lost_source = project.sources.iter().find(|source| !visible(source));
        let lost = lost_source.or_else(|| project.journal.iter().find(|journal| !written(journal)))?;
        Some(format!("the project \"{name}\" uses \"{lost}\", which is gone or not shared any more"))
    }
}
