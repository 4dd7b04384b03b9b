//! What a refused request is answered: the null answer with one word more, so that a PBX that reads the body in spite
//! of the status sees an unknown caller.

use http::StatusCode;

use super::reply::{Frame, Rendered};
use crate::config::{Format, Reply};
use crate::model::CallerData;

/// Why a request was refused, as far as the client may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Address, proxy, token or project: which one it was stands in the log only, as it would help to guess.
    NotAllowed,
    /// Too many refused tries from this address; sent with `Retry-After`.
    TooManyTries,
    /// The query string is too long.
    QueryTooLong,
    /// The body is too long.
    BodyTooLong,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: [Self; 4] = [Self::NotAllowed, Self::TooManyTries, Self::QueryTooLong, Self::BodyTooLong];

    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::TooManyTries => StatusCode::TOO_MANY_REQUESTS,
            Self::QueryTooLong => StatusCode::URI_TOO_LONG,
            Self::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }

    /// The value of `error`, for the person who reads the PBX's log.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NotAllowed => "not allowed: wrong project, address or token",
            Self::TooManyTries => "too many refused tries from this address; wait a minute",
            Self::QueryTooLong => "the query is longer than 16 KiB",
            Self::BodyTooLong => "the body is longer than 64 KiB",
        }
    }
}

/// Writes a refusal in the shape of the project, or plainly when the project is not known. In text it is empty.
///
/// A project with a `root_tag` of its own is recognised by the shape of its refusals; the words are always the same.
#[must_use]
pub fn render(refusal: Refusal, shape: Option<&Reply>, format: Format) -> Rendered {
    let frame = shape.map(Frame::of).unwrap_or_default();
    Frame { error: Some(refusal.words()), ..frame }.render(&CallerData::default(), format)
}

#[cfg(test)]
mod tests;
