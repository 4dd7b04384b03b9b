//! Where contacts live: anything that finds contacts by number.
//!
//! A source knows only its own system. Deadline, cache, flights and limits are wrapped around it from outside, once.
//! [`TYPES`] is the list of all API types; [`verify`](verify::verify) makes hits of whatever a system says.

pub mod verify;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::config::{self, Complaint, Config, Param, Params};
use crate::directory::Hit;
use crate::error::Result;
use crate::model::{Call, EndedCall};
use crate::number::Number;

/// An API type, by its name in the configuration.
pub struct ApiType {
    /// Its name: `type = "generic"`.
    pub name: &'static str,
    /// What is wrong with the settings of a source of this type.
    pub check: fn(&config::Source) -> Vec<Complaint>,
    /// Makes a source. Its settings have passed the check.
    pub build: fn(&config::Source) -> Result<Arc<dyn Source>>,
}

/// Every API type that is code.
pub const TYPES: &[ApiType] = &[];

/// Looks at a source of the configuration: its type, then what the type says to its settings.
#[must_use]
pub fn check(source: &config::Source) -> Vec<Complaint> {
    match find_type(&source.api_type) {
        Some(api_type) => (api_type.check)(source),
        None => vec![Complaint::mistake(Some("type"), explain_unknown(&source.api_type))],
    }
}

/// Makes every source of a configuration. One whose settings are as before is taken over with all that it has open and
/// all that it has counted.
///
/// # Errors
/// Whatever keeps a source from being made; asking it comes later.
pub fn build(config: &Config, before: &LiveSources) -> Result<LiveSources> {
    let mut live = LiveSources::new();
    for (name, source) in &config.sources {
        let settings = identify(source);
        let taken_over = before.get(name).filter(|before| before.settings == settings).cloned();
        let made = match (taken_over, find_type(&source.api_type)) {
            (Some(before), _) => before,
            (None, Some(api_type)) => {
                LiveSource { source: (api_type.build)(source)?, timeout: source.timeout, settings }
            }
            (None, None) => continue,
        };
        live.insert(Arc::clone(name), made);
    }
    Ok(live)
}

fn find_type(name: &str) -> Option<&'static ApiType> {
    TYPES.iter().find(|api_type| api_type.name == name)
}

fn explain_unknown(name: &str) -> String {
    let names = || TYPES.iter().map(|api_type| api_type.name);
    match config::nearest(name, names()) {
        Some(near) => format!("there is no API type \"{name}\"; did you mean \"{near}\"?"),
        None => format!("there is no API type \"{name}\"; there are {}", names().collect::<Vec<_>>().join(", ")),
    }
}

/// Stands for all settings of a source, secrets included, without showing any: another credential may see other people.
fn identify(source: &config::Source) -> String {
    let mut text = format!("{source:?} {:?}", source.url.as_ref().map(config::Secret::reveal));
    reveal(&source.params, &mut text);
    let mut name = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

fn reveal(params: &Params, out: &mut String) {
    for (name, param) in params.iter() {
        let _ = match param {
            Param::Text(text) => write!(out, " {name:?}={:?}", text.reveal()),
            Param::Inner(_) => write!(out, " {name:?}["),
        };
        if let Param::Inner(inner) = param {
            reveal(inner, out);
            out.push(']');
        }
    }
}

/// The live sources of a configuration, by their full names.
pub type LiveSources = BTreeMap<Arc<str>, LiveSource>;

/// A live source, with what surrounds it.
#[derive(Clone)]
pub struct LiveSource {
    /// The source.
    pub source: Arc<dyn Source>,
    /// How long one request may take; longer than any deadline, so that a late answer still fills the cache.
    pub timeout: Duration,
    /// Stands for its settings: sources with equal settings share what is remembered.
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

    /// Who writes calls down in this system, when it can be done.
    fn call_log(&self) -> Option<Arc<dyn CallLog>> {
        None
    }
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
