//! Earlier calls of the caller, for rules that look back (waited for until the deadline at most), and whom an agent took
//! him for.

use std::sync::Arc;
use std::time::Instant;

use crate::error::Error;
use crate::model::{ContactRef, PastCall};
use crate::number::{Key, Number};

use super::rules::{MOST_CALLS, REACH};
use super::{Lookup, Project};

/// The earlier calls that rules see.
#[derive(Clone)]
pub(super) struct Recalled {
    /// Newest first.
    pub(super) calls: Arc<[PastCall]>,
    /// Why there are none, when they could not be had.
    pub(super) missing: Option<&'static str>,
}

impl Recalled {
    pub(super) fn nothing() -> Self {
        Self::missing(None)
    }

    fn missing(missing: Option<&'static str>) -> Self {
        Self { calls: Arc::new([]), missing }
    }
}

impl Lookup {
    /// Reads the earlier calls of a number, when some rule of the project looks at them.
    pub(super) async fn recall(&self, project: &Project, number: &Number, now: i64, deadline: Instant) -> Recalled {
        let (true, Some(history), Some(key)) = (project.ruleset.needs_history(), &self.history, key_of(number)) else {
            return Recalled::nothing();
        };
        let calls = history.calls(&project.config.name, key, now - REACH, MOST_CALLS);
        match tokio::time::timeout_at(deadline.into(), calls).await {
            Ok(Ok(calls)) => Recalled { calls: calls.into(), missing: None },
            Ok(Err(error)) => {
                tracing::warn!(project = %project.config.name, %error, "earlier calls cannot be read; rules see none");
                Recalled::missing(Some("earlier calls could not be read; the rules saw none"))
            }
            Err(_) => Recalled::missing(Some("earlier calls were not read by the deadline; the rules saw none")),
        }
    }
}

impl Lookup {
    /// Whom an agent has picked for a number, if anybody.
    pub(super) fn picked(&self, project: &Project, number: &Number) -> Option<ContactRef> {
        let picked = self.history.as_ref()?.picked(&project.config.name, key_of(number)?);
        let failed = |error: &Error| {
            tracing::warn!(project = %project.config.name, %error, "an agent's choice cannot be read; none counts");
        };
        picked.inspect_err(failed).ok().flatten()
    }
}

/// Withheld numbers and extensions have no history.
fn key_of(number: &Number) -> Option<Key> {
    match number {
        Number::Phone { phone, .. } => Some(phone.key),
        Number::Withheld { .. } | Number::Local(_) | Number::Unusable => None,
    }
}
