//! What can go wrong, in a closed set of kinds.
//!
//! Below the faces there is one error type. Its kind says what happened, [`Error::is_passing`] whether trying again can
//! help, its message is written for an administrator. A face turns it into a reply of its own; the client of a lookup
//! never sees it, because a lookup is answered with what is known.

use std::error::Error as StdError;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

/// The result of anything that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something that was named does not exist.
    NotFound,
    /// What was given is wrong: a configuration, a file, an argument.
    Invalid,
    /// A credential or an address was refused.
    Refused,
    /// Somebody else is at it: an import is running, a file is locked.
    Busy,
    /// It did not answer in time.
    Timeout,
    /// It cannot be reached or answers with failures.
    Unavailable,
    /// The disk is full, a limit is reached.
    Full,
    /// Stored data or an answer cannot be understood.
    Corrupt,
    /// A defect of calldex.
    Internal,
}

impl Kind {
    /// One word for log lines, explanations and metric labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Full => "full",
            Self::Corrupt => "corrupt",
            Self::Internal => "internal",
        }
    }
}

/// A failure with its kind, a message for an administrator, and what caused it.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    cause: Option<Box<dyn StdError + Send + Sync>>,
    retry_after: Option<Duration>,
    perhaps_of_one: bool,
    before_asking: bool,
}

impl Error {
    /// A failure that has no deeper cause.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            cause: None,
            retry_after: None,
            perhaps_of_one: false,
            before_asking: false,
        }
    }

    /// Adds how long the other side wants to be left alone.
    #[must_use]
    pub fn retry_after(mut self, pause: Option<Duration>) -> Self {
        self.retry_after = pause;
        self
    }

    /// How long the other side wants to be left alone, when it said so.
    #[must_use]
    pub fn pause(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Says that it may be about this one request alone and not about whoever asks, as a 403 of a firewall is.
    #[must_use]
    pub fn perhaps_of_one_request(mut self, perhaps: bool) -> Self {
        self.perhaps_of_one = perhaps;
        self
    }

    /// Whether it may be about this one request alone.
    #[must_use]
    pub fn is_perhaps_of_one_request(&self) -> bool {
        self.perhaps_of_one
    }

    /// Says that nothing of the question had been sent yet, so that nobody can have provoked it by what he asked.
    #[must_use]
    pub fn before_asking(mut self, before: bool) -> Self {
        self.before_asking = before;
        self
    }

    /// Whether nothing of the question had been sent yet.
    #[must_use]
    pub fn is_before_asking(&self) -> bool {
        self.before_asking
    }

    /// Adds what caused the failure; it is printed behind the message.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Says it in other words: message and cause become what `change` makes of them.
    #[must_use]
    pub fn reworded(self, change: impl FnOnce(&str) -> String) -> Self {
        Self { message: change(&self.to_string()), cause: None, ..self }
    }

    /// What kind of failure it was.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Says whether the same thing may work a moment later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self.kind, Kind::Busy | Kind::Timeout | Kind::Unavailable)
    }
}

/// Does a piece of work in which a defect must not end the task that does it, since others wait for the same task.
///
/// # Errors
/// [`Kind::Internal`] when the work panicked; what it said stands on standard error.
pub async fn contain<T>(work: impl Future<Output = T>) -> Result<T> {
    let contained = AssertUnwindSafe(work).catch_unwind().await;
    contained.map_err(|_| Error::new(Kind::Internal, "a defect of calldex: please report it"))
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        if let Some(cause) = &self.cause {
            write!(out, ": {cause}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_ref().map(|cause| cause.as_ref() as &(dyn StdError + 'static))
    }
}
