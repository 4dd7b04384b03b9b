//! What a source has found so far, for whoever cannot wait until it knows everything about a caller.
//!
//! A caller who is known must not be lost because it takes longer to learn who looks after him. A source that goes on
//! asking about somebody whom it has found calls `hand_over` before each such request, with its contacts as they would
//! be answered at that moment; at the deadline of the call they are the answer. What comes later is for the next call.
//!
//! When such a request fails, the contacts are still good for this call, and the source calls `leave_gap`: the next call
//! then asks again instead of finding in the cache what is not complete.
//!
//! It works for whatever is asked inside of [`collect`], in the same task; outside of it nothing is kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::guard::is_too_large;
use crate::directory::Hit;

tokio::task_local! {
    static COLLECTED: SoFar;
}

/// What one request has found so far. Its mutex is held for a look.
#[derive(Clone, Default)]
pub struct SoFar(Arc<Mutex<Collected>>);

#[derive(Default)]
struct Collected {
    hits: Option<Arc<[Hit]>>,
    has_gap: bool,
}

impl SoFar {
    /// The contacts, when some were found.
    #[must_use]
    pub fn hits(&self) -> Option<Arc<[Hit]>> {
        self.lock().hits.clone()
    }

    /// Whether something that could not be asked for is missing.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        self.lock().has_gap
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for something that asks a source, and collects what that hands over meanwhile.
pub async fn collect<T>(so_far: &SoFar, asking: impl Future<Output = T>) -> T {
    COLLECTED.scope(so_far.clone(), asking).await
}

/// Hands over the contacts of the caller, before more is asked about them; they take the place of earlier ones.
pub(crate) fn hand_over(hits: &[Hit]) {
    if hits.is_empty() || is_too_large(hits) {
        return;
    }
    // An error says that nobody collects.
    let _ = COLLECTED.try_with(|so_far| so_far.lock().hits = Some(hits.into()));
}

/// Says that a request about a known caller failed in a way that may pass.
pub(crate) fn leave_gap() {
    let _ = COLLECTED.try_with(|so_far| so_far.lock().has_gap = true);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Contact;
    use crate::number::ladder::Rung;

    fn hit(note: &str) -> Hit {
        let mut contact = Contact::default();
        contact.custom.insert("note".to_owned(), note.to_owned());
        Hit { contact: Arc::new(contact), rung: Rung::Exact }
    }

    #[tokio::test]
    async fn what_is_handed_over_is_there_before_the_end() {
        let so_far = SoFar::default();
        let seen = so_far.clone();
        let asking = async {
            assert!(seen.hits().is_none());
            hand_over(&[hit("name")]);
            assert_eq!(seen.hits().unwrap()[0].contact.custom["note"], "name");
            hand_over(&[hit("name and owner")]);
            assert_eq!(seen.hits().unwrap()[0].contact.custom["note"], "name and owner");
            assert!(!seen.has_gap());
            leave_gap();
        };
        collect(&so_far, asking).await;
        assert!(so_far.has_gap());
    }

    #[tokio::test]
    async fn contacts_that_are_no_answer_are_none_before_it() {
        let so_far = SoFar::default();
        collect(&so_far, async { hand_over(&[hit(&"x".repeat(200 * 1024))]) }).await;
        collect(&so_far, async { hand_over(&[]) }).await;
        assert!(so_far.hits().is_none());
        // Outside nobody listens, and nothing breaks.
        hand_over(&[hit("name")]);
        leave_gap();
    }
}
