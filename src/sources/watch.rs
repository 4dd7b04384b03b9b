//! Lets somebody watch one lookup: what went out, what came back, what was made of it (`calldex source test`).
//!
//! Whoever asks a source inside of [`watch`] gets its notes; outside of it a note costs a look at an empty place. Notes
//! are for people, and hold no secret: credentials are masked before they are noted (`mask`).

mod hidden;
mod mask;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::{Clock, SystemClock};

tokio::task_local! {
    static WATCHED: Arc<Mutex<Watched>>;
    /// What is answered here is a credential.
    static UNSEEN: ();
}

/// What was noted, the hosts that the way was gone to, and what must not be shown.
#[derive(Default)]
struct Watched {
    notes: Vec<Note>,
    hosts: BTreeSet<String>,
    hidden: Hidden,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A step before or beside the request itself, such as `connect`.
    Step {
        /// One word for it.
        name: &'static str,
        /// How it ended.
        told: String,
        /// How long it took.
        took: Duration,
    },
    /// A request left.
    Sent(String),
    /// It is tried once more, because the failure may pass.
    Again,
    /// An answer came.
    Answered {
        /// Its status and kind.
        head: String,
        /// How it begins.
        excerpt: String,
        /// From sending to the first byte, where that is known.
        first: Option<Duration>,
        /// From sending to the last byte.
        took: Duration,
    },
    /// A part of `map` or `numbers` found nothing in a contact.
    NothingAt {
        /// The field.
        field: String,
    },
    /// Contacts were made of an answer.
    Mapped {
        /// How long that took.
        took: Duration,
    },
    /// Contacts were compared with the caller.
    Verified {
        /// How many there were.
        contacts: usize,
        /// How many of them are the caller.
        kept: usize,
        /// Numbers of those that are not.
        strangers: Vec<String>,
    },
}

pub use hidden::Hidden;
pub use mask::SHOWN;
pub(crate) use mask::{answered, excerpt, sent};

/// Waits for something that asks a source, and returns what was noted meanwhile too.
pub async fn watch<T>(asking: impl Future<Output = T>) -> (T, Vec<Note>) {
    let watched = Arc::<Mutex<Watched>>::default();
    let result = WATCHED.scope(Arc::clone(&watched), asking).await;
    let notes = std::mem::take(&mut lock(&watched).notes);
    (result, notes)
}

/// Waits for a login: what it answers is not shown.
pub(crate) async fn unseen<T>(login: impl Future<Output = T>) -> T {
    UNSEEN.scope((), login).await
}

/// Notes something, when somebody watches.
pub(crate) fn note(make: impl FnOnce() -> Note) {
    // An error says that nobody does. A note is made before the lock is taken: it may look at what is hidden.
    let _ = WATCHED.try_with(|watched| {
        let made = make();
        lock(watched).notes.push(made);
    });
}

/// Makes contacts of an answer; how long it took is noted.
pub(crate) fn mapping<T>(make: impl FnOnce() -> T) -> T {
    let start = SystemClock.now();
    let made = make();
    note(|| Note::Mapped { took: SystemClock.now().saturating_duration_since(start) });
    made
}

/// Whether somebody watches.
pub(crate) fn is_on() -> bool {
    WATCHED.try_with(|_| ()).is_ok()
}

/// Whether what is answered is a credential.
fn is_unseen() -> bool {
    UNSEEN.try_with(|()| ()).is_ok()
}

/// Keeps values out of all notes that follow: an address may need them, and a system may repeat them in its answer. Whoever
/// knows them says so before the request is noted.
pub(crate) fn hide(secrets: impl FnOnce() -> Vec<String>) {
    let _ = WATCHED.try_with(|watched| {
        let secrets = secrets();
        let mut watched = lock(watched);
        secrets.iter().for_each(|secret| watched.hidden.add(secret));
    });
}

/// A text without what must not be shown.
pub(crate) fn without_hidden(text: &str) -> String {
    WATCHED.try_with(|watched| lock(watched).hidden.hide(text)).unwrap_or_else(|_| text.to_owned())
}

/// Whether somebody watches who has not been shown the way to this host.
pub(crate) fn is_new(host: &str) -> bool {
    WATCHED.try_with(|watched| lock(watched).hosts.insert(host.to_owned())).unwrap_or(false)
}

fn lock(watched: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A step that takes time. One that is dropped before its end is noted as given up, so that it is known where the time
/// went.
pub(crate) struct Step {
    name: &'static str,
    start: Instant,
    ended: bool,
}

impl Step {
    pub(crate) fn begin(name: &'static str) -> Self {
        Self { name, start: SystemClock.now(), ended: false }
    }

    pub(crate) fn end(self, told: String) {
        let name = self.name;
        self.end_as(|took| Note::Step { name, told: without_hidden(&told), took });
    }

    /// Ends it with a note of another kind, which gets its time.
    pub(crate) fn end_as(mut self, make: impl FnOnce(Duration) -> Note) {
        self.ended = true;
        note(|| make(self.took()));
    }

    fn took(&self) -> Duration {
        SystemClock.now().saturating_duration_since(self.start)
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.ended {
            let told = "not done within the source's timeout".to_owned();
            note(|| Note::Step { name: self.name, told, took: self.took() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn notes_are_kept_only_while_somebody_watches() {
        let unused = Note::NothingAt { field: "name".to_owned() };
        note(|| unreachable!("nobody watches"));
        let ((), notes) = watch(async { note(|| unused.clone()) }).await;
        assert_eq!(notes, [unused]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_that_nobody_waits_for_any_more_is_noted_with_its_time() {
        let asking = async {
            let _step = Step::begin("connect");
            std::future::pending::<()>().await;
        };
        let (ended, notes) = watch(tokio::time::timeout(Duration::from_secs(2), asking)).await;
        let [Note::Step { name, told, took }] = &notes[..] else { panic!("{notes:?}") };
        assert!(ended.is_err() && told.contains("not done"), "{told}");
        assert_eq!((*name, *took), ("connect", Duration::from_secs(2)));
    }
}
