//! Takes a page apart into its fenced blocks.

use std::path::{Path, PathBuf};

/// A fenced block of a page.
#[derive(Debug)]
pub(crate) struct Block {
    /// The word behind the fence.
    pub(crate) language: String,
    /// What stands behind that word: the name of a file.
    pub(crate) file: String,
    pub(crate) text: String,
    /// Where it stands, for messages: `docs/API.md:12`.
    pub(crate) place: String,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// README.md and the pages of `docs/` and `docs/guides/`, by their paths in the repository.
///
/// docs/benchmarks.md is left out: its commands measure for a quarter of an hour.
pub(crate) fn all() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    for folder in ["docs", "docs/guides"] {
        let files = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let markdown = files.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
        pages.extend(markdown.map(|path| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()));
    }
    pages.retain(|page| page != "docs/benchmarks.md");
    pages.sort();
    pages
}

/// The blocks of a page in order.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let text = read(page);
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(info) => {
                let (language, file) = info.split_once(' ').unwrap_or((info, ""));
                let place = format!("{page}:{}", number + 1);
                let (language, file) = (language.to_owned(), file.to_owned());
                blocks.push(Block { language, file, text: String::new(), place });
                inside = true;
            }
            None if inside => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!inside, "{page}: a block is not closed");
    blocks
}

/// The targets of the links of a page that are files, and where they should be.
pub(crate) fn linked_files(page: &str) -> Vec<PathBuf> {
    let text = read(page);
    let folder = Path::new(page).parent().unwrap().to_path_buf();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.map(|target| target.split('#').next().unwrap()).filter(|target| !target.contains("://"));
    files.filter(|target| !target.is_empty()).map(|target| root().join(&folder).join(target)).collect()
}

/// The words in backticks of a page, outside of blocks.
pub(crate) fn code_words(page: &str) -> Vec<String> {
    let mut inside = false;
    let mut words = Vec::new();
    for line in read(page).lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if !inside {
            words.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    words
}
