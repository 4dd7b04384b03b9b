//! Where contacts live: anything that finds contacts by number.
//!
//! A source knows only its own system. Deadline, cache, flights and limits are wrapped around it from outside, once.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::directory::Hit;
use crate::error::Result;
use crate::model::{Call, EndedCall};
use crate::number::Number;

/// The live sources of a configuration, by their full names.
pub type LiveSources = BTreeMap<Arc<str>, LiveSource>;

/// A live source, with what surrounds it.
#[derive(Clone)]
pub struct LiveSource {
    /// The source.
    pub source: Arc<dyn Source>,
    /// How long one request may take; longer than any deadline, so that a late answer still fills the cache.
    pub timeout: Duration,
    /// Its settings as text, without secrets: sources with equal settings share what is remembered.
    pub settings: String,
}

/// What a source is asked: the call, and its number as read for the project.
#[derive(Debug, Clone)]
pub struct Question {
    /// The call.
    pub call: Arc<Call>,
    /// The reading of `call.telephone`.
    pub number: Arc<Number>,
}

/// What of a call, beside the number, changes a source's answer; it becomes part of the cache key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The number that was called.
    pub dnid: bool,
    /// Further parameters, by name.
    pub params: Vec<String>,
}

/// An answer that is on its way.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Vec<Hit>>> + Send + 'a>>;

/// A system that is asked at the moment of the call.
pub trait Source: Send + Sync + 'static {
    /// Its name in the configuration.
    fn name(&self) -> &Arc<str>;

    /// What of the call changes its answer.
    fn inputs(&self) -> Inputs;

    /// Finds the caller's contacts; nobody known is an empty list.
    ///
    /// # Errors
    /// Any failure to ask or to understand; a failure is never "unknown" and is never kept.
    fn find(&self, question: Arc<Question>) -> Pending<'static>;
}

/// A call that is being written down.
pub type Writing<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// A system that calls are written down in when they are over (the source document's `send_call`).
///
/// The journal calls it: at least once for each call, with the same [`EndedCall::key`] every time, one call of a customer
/// after the other.
pub trait CallLog: Send + Sync + 'static {
    /// Writes one call down; when it returns, the other side has it.
    ///
    /// # Errors
    /// A passing one ([`Error::is_passing`](crate::error::Error::is_passing)) when the system cannot be reached or is
    /// busy: the journal waits and tries again. Any other one when it refuses this call, which is tried a few times more
    /// and then parked for somebody to look at. The message is shown to the administrator and must not hold a secret.
    fn log_call(&self, call: Arc<EndedCall>) -> Writing<'static>;
}
