//! What a refused request is answered: the null answer with one word more, so that a PBX that reads the body in spite
//! of the status sees an unknown caller.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use super::Http;
use super::question::Parameters;
use super::reply::{Frame, Rendered};
use crate::access;
use crate::config::{Format, Reply};
use crate::model::{CallerData, RequestId};

/// A request that is not served, as far as the client may know why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// The status of the answer.
    pub(super) status: StatusCode,
    /// The value of `error`, for the person who reads the PBX's log.
    pub(super) words: Cow<'static, str>,
    /// Seconds to wait, sent as `Retry-After`.
    pub(super) retry_after: Option<u64>,
}

impl Refused {
    const fn new(status: StatusCode, words: &'static str) -> Self {
        Self { status, words: Cow::Borrowed(words), retry_after: None }
    }

    /// Who is at the other end is not known or not allowed.
    pub(super) const NOT_ALLOWED: Self = Self::new(StatusCode::FORBIDDEN, "not allowed");
    /// The query string is too long.
    pub(super) const QUERY_TOO_LONG: Self = Self::new(StatusCode::URI_TOO_LONG, "the query is longer than 16 KiB");
    /// The body is too long.
    pub(super) const BODY_TOO_LONG: Self = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 64 KiB");
    /// The body did not come.
    pub(super) const BODY_TOO_SLOW: Self = Self::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time");
    const NO_SUCH_ADDRESS: Self =
        Self::new(StatusCode::NOT_FOUND, "no such address; a lookup is asked at /PROJECT/lookup");
    /// A part of the request would be lost.
    pub(super) const UNREADABLE: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "more than 1,000 parameters, or a body that is neither a form nor a JSON object",
    );
    /// The address is right and the method is not.
    pub(super) const NO_SUCH_METHOD: Self = Self::new(StatusCode::METHOD_NOT_ALLOWED, "use GET or POST");
}

impl From<access::Refusal> for Refused {
    fn from(refusal: access::Refusal) -> Self {
        Self { status: refusal.status(), retry_after: refusal.retry_after_seconds(), words: refusal.client_text }
    }
}

/// Answers a request that is not served, in the shape of its project where that is known.
pub(super) fn respond(refused: &Refused, shape: Option<&Reply>, format: Format, request_id: &RequestId) -> Response {
    let rendered = render(refused, shape, format);
    let mut response = super::response(refused.status, rendered.content_type, rendered.body, request_id);
    if let Some(seconds) = refused.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Answers what comes to no known address.
pub(super) async fn no_such_address(State(http): State<Arc<Http>>, request: Request) -> Response {
    respond_astray(&http, &Refused::NO_SUCH_ADDRESS, request.uri(), request.headers())
}

/// Answers what comes to a known address in a way that it does not know.
pub(super) async fn no_such_method(State(http): State<Arc<Http>>, request: Request) -> Response {
    respond_astray(&http, &Refused::NO_SUCH_METHOD, request.uri(), request.headers())
}

/// Refuses what reached no handler, in the format that was asked for or that the project in the path would answer in:
/// whoever mistypes the address of a text project must not see these words as a caller's name.
pub(super) fn respond_astray(http: &Http, refused: &Refused, uri: &Uri, headers: &HeaderMap) -> Response {
    let current = http.reception.current();
    let mut segments = uri.path().split('/').filter(|segment| !segment.is_empty() && *segment != "api");
    let shape = segments.next().and_then(|name| current.projects.get(name)).map(|project| &project.config.reply);
    let format = format_in_query(uri).or(shape.map(|shape| shape.format)).unwrap_or_default();
    respond(refused, shape, format, &http.request_id(headers))
}

/// The format that a query names.
pub(super) fn format_in_query(uri: &Uri) -> Option<Format> {
    Parameters::from_query(uri.query().unwrap_or_default().as_bytes()).into_asked().format
}

/// Writes a refusal; in text it is empty, since FreePBX shows any body as the caller's name.
fn render(refused: &Refused, shape: Option<&Reply>, format: Format) -> Rendered {
    let frame = shape.map(Frame::of).unwrap_or_default();
    Frame { error: Some(&refused.words), ..frame }.render(&CallerData::default(), format)
}

#[cfg(test)]
mod tests;
