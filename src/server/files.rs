//! Notices that a file of the configuration has changed, by looking at all of them once a second.
//!
//! Looking means asking for time, size and inode of each file. Being told by the kernel would be quicker and costs more:
//! see docs/decisions/watching-files.md.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often is looked.
pub(super) const EVERY: Duration = Duration::from_millis(500);

/// The folders of further files, beside the main file.
const FOLDERS: [&str; 2] = ["projects", "recipes"];

/// The files of one configuration.
pub(super) struct Watched {
    main: PathBuf,
    /// As they were when they were read.
    read: State,
    /// As they were at the last look, when that was something else: an editor writes a file in several steps.
    unsettled: Option<State>,
}

/// The files at one moment; another content makes another state.
#[derive(Debug, Default, PartialEq, Eq)]
struct State(BTreeMap<PathBuf, Stamp>);

/// What of a file is compared. The kernel sets the time of the last change of the inode (the last two) by itself, so
/// that a tool which restores times does not hide what it wrote.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Watched {
    /// Whatever happens to the files from now on is a change.
    pub(super) fn new(main: PathBuf) -> Self {
        Self { read: State::look(&main), main, unsettled: None }
    }

    /// Looks: whether the files are others than those that were read, and the same as at the look before. They count
    /// as read then.
    pub(super) async fn have_changed(&mut self) -> bool {
        let Some(now) = self.look().await else { return false };
        if now == self.read {
            self.unsettled = None;
            return false;
        }
        let settled = self.unsettled.as_ref() == Some(&now);
        if settled {
            (self.read, self.unsettled) = (now, None);
        } else {
            self.unsettled = Some(now);
        }
        settled
    }

    /// They are about to be read, changed or not.
    pub(super) async fn take_as_read(&mut self) {
        if let Some(now) = self.look().await {
            (self.read, self.unsettled) = (now, None);
        }
    }

    /// Looks on a thread that may wait for a slow disk.
    async fn look(&self) -> Option<State> {
        let main = self.main.clone();
        tokio::task::spawn_blocking(move || State::look(&main)).await.ok()
    }
}

impl State {
    /// Looks at the main file and at what is beside it. What cannot be looked at is not there.
    fn look(main: &Path) -> Self {
        let beside = FOLDERS.iter().flat_map(|folder| files_in(&main.with_file_name(folder)));
        let files = std::iter::once(main.to_path_buf()).chain(beside);
        Self(files.filter_map(|file| Stamp::of(&file).map(|stamp| (file, stamp))).collect())
    }
}

impl Stamp {
    fn of(file: &Path) -> Option<Self> {
        let found = std::fs::metadata(file).ok()?;
        Some(Self {
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

fn files_in(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    files.filter(|file| file.extension().is_some_and(|extension| extension == "toml"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn configuration() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("calldex.toml");
        fs::write(&main, "a").unwrap();
        (folder, main)
    }

    #[test]
    fn a_file_that_is_written_replaced_added_or_removed_makes_another_state() {
        let (folder, main) = configuration();
        let mut states = vec![State::look(&main)];
        let mut step = |what: &dyn Fn()| {
            what();
            let state = State::look(&main);
            assert!(!states.contains(&state), "{state:?}");
            states.push(state);
        };
        step(&|| fs::write(&main, "ab").unwrap());
        step(&|| {
            let new = folder.path().join("new");
            fs::write(&new, "cd").unwrap();
            fs::rename(&new, &main).unwrap();
        });
        let project = folder.path().join("projects/sales.toml");
        step(&|| {
            fs::create_dir(folder.path().join("projects")).unwrap();
            fs::write(&project, "").unwrap();
        });
        step(&|| fs::write(&project, "x").unwrap());
        step(&|| fs::remove_file(&main).unwrap());
    }

    #[test]
    fn what_is_no_file_of_the_configuration_changes_nothing() {
        let (folder, main) = configuration();
        fs::create_dir(folder.path().join("projects")).unwrap();
        let before = State::look(&main);
        for other in ["calldex.db", "calldex.db-wal", "calldex.toml~", "projects/sales.toml.swp", "other.toml"] {
            fs::write(folder.path().join(other), "x").unwrap();
        }
        assert_eq!(State::look(&main), before);
    }

    /// In a ConfigMap of Kubernetes the file is a link into a folder that is a link, which is replaced.
    #[test]
    fn a_link_that_leads_elsewhere_makes_another_state() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for version in ["1", "2"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("calldex.toml"), version).unwrap();
        }
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, at(name)).unwrap();
        link("1", "data");
        link("data/calldex.toml", "calldex.toml");
        let before = State::look(&at("calldex.toml"));
        link("2", "next");
        fs::rename(at("next"), at("data")).unwrap();
        assert_ne!(State::look(&at("calldex.toml")), before);
    }

    #[tokio::test]
    async fn a_change_counts_once_and_not_before_it_has_settled() {
        let (_folder, main) = configuration();
        let mut files = Watched::new(main.clone());
        assert!(!files.have_changed().await);
        fs::write(&main, "half").unwrap();
        assert!(!files.have_changed().await, "perhaps more is to come");
        fs::write(&main, "half and half").unwrap();
        assert!(!files.have_changed().await, "more came");
        assert!(files.have_changed().await);
        assert!(!files.have_changed().await);
    }

    #[tokio::test]
    async fn what_a_signal_has_read_is_not_read_again() {
        let (_folder, main) = configuration();
        let mut files = Watched::new(main.clone());
        fs::write(&main, "another").unwrap();
        assert!(!files.have_changed().await);
        files.take_as_read().await;
        assert!(!files.have_changed().await);
        assert!(!files.have_changed().await);
    }
}
