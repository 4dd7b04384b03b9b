//! The files of a folder, which are imported together.

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};

/// Most files of one import.
const MAX_FILES: usize = 10_000;

/// The files in a folder, by name. Hidden ones and folders are passed over.
///
/// # Errors
/// The folder cannot be read, holds no file, or too many.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |cause: std::io::Error| {
        Error::new(Kind::Unavailable, format!("cannot read the folder {}", folder.display())).because(cause)
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.is_file() {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            let message = format!("the folder {} holds more than {MAX_FILES} files", folder.display());
            return Err(Error::new(Kind::Invalid, message));
        }
    }
    if files.is_empty() {
        return Err(Error::new(Kind::Invalid, format!("the folder {} holds no file", folder.display())));
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_by_name_without_hidden_ones_and_folders() {
        let folder = tempfile::tempdir().unwrap();
        assert!(files(folder.path()).unwrap_err().to_string().ends_with("holds no file"));
        for name in ["b.vcf", "a.csv", ".hidden", "c.json"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        std::fs::create_dir(folder.path().join("inner")).unwrap();
        let names: Vec<_> = files(folder.path()).unwrap();
        let names: Vec<_> = names.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        assert_eq!(names, ["a.csv", "b.vcf", "c.json"]);
    }
}
