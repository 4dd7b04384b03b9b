//! `recipes/*.toml`: descriptions of CRMs. They are handed on as texts; what they mean, only sources know.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::load::{SourceFile, list_files};
use super::problem::Problem;

/// A file of `recipes/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeText {
    /// What sources call it: the name of the file without `.toml`.
    pub name: Arc<str>,
    /// The file for messages.
    pub file: Arc<str>,
    /// What stands in it, or why it could not be read.
    pub text: Result<String, String>,
}

/// The files of `recipes/`, by name.
pub type RecipeTexts = BTreeMap<Arc<str>, Arc<RecipeText>>;

impl RecipeText {
    /// Reads one file.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let SourceFile { file, stem, text } = SourceFile::read(path);
        Self { name: stem, file, text }
    }
}

/// Reads the files of the folder `recipes` beside the main file; none when there is no such folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn read_recipes(folder: &Path) -> Result<RecipeTexts, Problem> {
    let files = list_files(&folder.join("recipes"))?;
    let texts = files.iter().map(|path| RecipeText::read(path));
    Ok(texts.map(|text| (Arc::clone(&text.name), Arc::new(text))).collect())
}
