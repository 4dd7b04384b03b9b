//! Earlier calls and agents' choices, read without a server: a handle that cannot write.

use std::path::Path;

use super::readers::Readers;
use super::{choices, past};
use crate::error::Result;
use crate::model::{ContactRef, History, PendingCalls};
use crate::number::Key;
use crate::store::{EVENTS, Store, events_path};

/// The events' file, for whoever only looks back.
pub struct Glance {
    readers: Readers,
}

impl Glance {
    /// Opens the file beside the address books at `directory`; `None` when there is none.
    ///
    /// # Errors
    /// As [`Store::open_to_read`].
    pub fn open(directory: &Path) -> Result<Option<Self>> {
        let path = events_path(directory);
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(Self { readers: Readers::new(Store::open_to_read(&path, &EVENTS)?) }))
    }
}

impl History for Glance {
    fn calls<'a>(&'a self, project: &'a str, number: Key, since: i64, limit: usize) -> PendingCalls<'a> {
        let read = |connection: &_| past::calls(connection, project, number, since, limit);
        Box::pin(std::future::ready(self.readers.read("read earlier calls", read)))
    }

    fn picked(&self, project: &str, number: Key) -> Result<Option<ContactRef>> {
        self.readers.read("read a choice", |connection| choices::find(connection, project, number))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::events::EventStore;
    use crate::store::Migrations;

    const ANA: u64 = 40_722_111_222;

    /// Whether some descriptor of this process may write this file, as the kernel says (`flags` of `/proc/self/fdinfo`).
    fn is_open_to_write(path: &Path) -> bool {
        let descriptors = fs::read_dir("/proc/self/fd").unwrap().filter_map(std::result::Result::ok);
        let of_file = descriptors.filter(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == path));
        of_file.into_iter().any(|entry| {
            let info = Path::new("/proc/self/fdinfo").join(entry.file_name());
            let info = fs::read_to_string(info).unwrap_or_default();
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
            i64::from_str_radix(flags.unwrap_or("0").trim(), 8).unwrap() & 3 != 0
        })
    }

    #[tokio::test]
    async fn whoever_only_looks_back_sees_the_choices_and_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().canonicalize().unwrap().join("calldex.db");
        assert!(Glance::open(&directory).unwrap().is_none());
        let number = Key::new(ANA).unwrap();
        let picked = ContactRef { source: "customers".into(), id: crate::model::ContactId::from_text("7") };
        let store = EventStore::open(&directory).unwrap();
        let (contact, agent) = (picked.clone(), "ion");
        let remember = move |connection: &_| choices::remember(connection, "sales", number, &contact, agent, 1);
        store.change("remember a choice", remember).await.unwrap();
        drop(store);
        let path = events_path(&directory);
        // The thread that wrote ends a moment after its store.
        while is_open_to_write(&path) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let glance = Glance::open(&directory).unwrap().unwrap();
        assert_eq!(glance.picked("sales", number).unwrap(), Some(picked));
        assert_eq!(glance.picked("shop", number).unwrap(), None);
        assert!(glance.calls("sales", number, 0, 10).await.unwrap().is_empty());
        assert!(!is_open_to_write(&path));
    }

    #[test]
    fn a_file_that_is_no_store_of_events_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("calldex.db");
        let kinds: [&Migrations; 1] = [&crate::store::DIRECTORY];
        for kind in kinds {
            Store::open(&events_path(&directory), kind).unwrap();
            let error = Glance::open(&directory).err().expect("an address book holds no events");
            assert!(error.to_string().contains("another file of calldex's"), "{error}");
        }
    }
}
