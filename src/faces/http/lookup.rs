//! `GET|POST /{project}/lookup`: a PBX asks who is calling.
//!
//! The steps are those of the contract: read the parameters, take the credentials out, let the request in, answer. From
//! the moment a request is let in, there is no other answer than 200.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;

use crate::access::Peer;
use crate::config::Format;
use crate::faces::Sender;
use crate::lookup::{Answer, Project};
use crate::model::{Call, CallerData, RequestId};

use super::question::{Asked, MAX_BODY, MAX_QUERY, Parameters};
use super::refusal::Refused;
use super::reply::{self, Rendered};
use super::{Http, credentials, refusal};

/// How long a client may take to send a body, once its head is there.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Names the sources that did not answer.
const DEGRADED: HeaderName = HeaderName::from_static("x-calldex-degraded");

/// Says what the integrator should know about his request.
pub(super) const WARNING: HeaderName = HeaderName::from_static("x-calldex-warning");

/// Where a request was sent to.
pub(super) struct Addressed<'a> {
    /// The project in the path; empty when there is none.
    pub(super) project: Cow<'a, str>,
    /// The token in the path.
    pub(super) token: Option<Cow<'a, str>>,
}

/// Answers a lookup, or refuses it.
pub(super) async fn answer(http: &Http, peer: Peer, addressed: &Addressed<'_>, parts: &Parts, body: Body) -> Response {
    let start = http.reception.clock.now();
    let request_id = http.request_id(&parts.headers);
    let mut format = None;
    match admit(http, peer, addressed, parts, body, &request_id, &mut format).await {
        Ok((project, asked)) => respond(http, &project, asked, &request_id, start).await,
        Err(refused) => {
            // A refusal has the shape of its project: FreePBX would show any text as the caller's name.
            let current = http.reception.current();
            let shape = current.projects.get(&*addressed.project).map(|project| &project.config.reply);
            // A request that is too long is refused before its parameters are read.
            let format = format.or_else(|| refusal::format_in_query(&parts.uri));
            let format = format.or(shape.map(|shape| shape.format)).unwrap_or_default();
            refusal::respond(&refused, shape, format, &request_id)
        }
    }
}

/// Reads a request and lets it in. `format` becomes the one that the request names.
async fn admit(
    http: &Http,
    peer: Peer,
    addressed: &Addressed<'_>,
    parts: &Parts,
    body: Body,
    request_id: &RequestId,
    format: &mut Option<Format>,
) -> Result<(Arc<Project>, Asked), Refused> {
    let mut parameters = read(parts, body).await?;
    let offered = credentials::take(&mut parameters, addressed.token.as_deref(), &parts.headers);
    let asked = parameters.into_asked();
    *format = asked.format;
    let project =
        http.reception.admit(&addressed.project, Sender { peer, headers: &parts.headers }, &offered, request_id)?;
    Ok((project, asked))
}

/// Reads the parameters of query and body, within their limits.
pub(super) async fn read(parts: &Parts, body: Body) -> Result<Parameters<'_>, Refused> {
    let mut parameters = Parameters::from_query(query_of(parts)?);
    if parts.method == Method::POST {
        // Boxed: a request without a body does not carry the room for reading one about.
        let bytes = Box::pin(read_body(parts, body)).await?;
        let content_type = parts.headers.get(CONTENT_TYPE);
        parameters.add_body(content_type.and_then(|value| value.to_str().ok()), &bytes);
    }
    Ok(parameters)
}

/// The query string, within its limit.
pub(super) fn query_of(parts: &Parts) -> Result<&[u8], Refused> {
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    if query.len() > MAX_QUERY { Err(Refused::QUERY_TOO_LONG) } else { Ok(query) }
}

/// Reads a body, within its limits.
pub(super) async fn read_body(parts: &Parts, body: Body) -> Result<Bytes, Refused> {
    let declared = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > MAX_BODY) {
        return Err(Refused::BODY_TOO_LONG);
    }
    match tokio::time::timeout(BODY_TIME, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_long(&error) => Err(Refused::BODY_TOO_LONG),
        // The listener has a limit of its own for a body, and its end comes as a failure to read.
        Ok(Err(_)) | Err(_) => Err(Refused::BODY_TOO_SLOW),
    }
}

/// Whether reading has ended at [`MAX_BODY`].
fn is_too_long(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>())
}

/// Who sent a request. Every listener of ours says who is at the other end; without that nobody is let in.
pub(super) fn sender(parts: &Parts) -> Result<Sender<'_>, Refused> {
    let peer = parts.extensions.get::<Peer>().ok_or(Refused::NOT_ALLOWED)?;
    Ok(Sender { peer: *peer, headers: &parts.headers })
}

async fn respond(http: &Http, project: &Project, asked: Asked, request_id: &RequestId, start: Instant) -> Response {
    let format = asked.format.unwrap_or(project.config.reply.format);
    let warning = asked.warning();
    match ask(http, project, asked, request_id, start).await {
        Some(answer) => {
            let rendered = reply::render(&answer.caller_data, &project.config.reply, format);
            answer.explanation.note_shortened(&rendered.shortened);
            into_response(rendered, &answer, warning, request_id)
        }
        None => bare(project, format, request_id),
    }
}

/// Answers a call that was let in; `None` when there is nothing to say, not even an explanation.
pub(super) async fn ask(
    http: &Http,
    project: &Project,
    asked: Asked,
    request_id: &RequestId,
    start: Instant,
) -> Option<Answer> {
    let conflicting = asked.is_conflicting();
    let call = Call {
        project: Arc::clone(&project.config.name),
        telephone: asked.telephone.given().unwrap_or_default(),
        dnid: asked.dnid.given().unwrap_or_default(),
        direction: asked.direction,
        params: asked.others,
        request_id: request_id.clone(),
    };
    if conflicting {
        let why = "telephone or dnid was given twice, differently";
        return http.reception.answer_nobody(project, call, start, why);
    }
    http.reception.answer_or_nothing(project, call, start).await
}

/// The answer when there is nothing to say, not even an explanation.
fn bare(project: &Project, format: Format, request_id: &RequestId) -> Response {
    let rendered = reply::render(&CallerData::default(), &project.config.reply, format);
    let mut response = super::response(StatusCode::OK, rendered.content_type, rendered.body, request_id);
    mark_degraded(&mut response, None);
    response
}

/// Names the sources that did not answer; without an answer it was calldex itself.
pub(super) fn mark_degraded(response: &mut Response, answer: Option<&Answer>) {
    let missing = answer.map(|answer| answer.explanation.missing().map(|source| &**source).collect::<Vec<_>>());
    let names = missing.map_or_else(|| "calldex".to_owned(), |missing| missing.join(","));
    if !names.is_empty() {
        let names = HeaderValue::try_from(names).unwrap_or(HeaderValue::from_static("a source"));
        response.headers_mut().insert(DEGRADED, names);
    }
}

fn into_response(
    rendered: Rendered,
    answer: &Answer,
    warning: Option<&'static str>,
    request_id: &RequestId,
) -> Response {
    let mut response = super::response(StatusCode::OK, rendered.content_type, rendered.body, request_id);
    mark_degraded(&mut response, Some(answer));
    if let Some(warning) = warning {
        response.headers_mut().insert(WARNING, HeaderValue::from_static(warning));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::body::Bytes;
    use axum::extract::Request;
    use hyper::body::Frame;

    use super::*;

    /// A body that ends as the listener ends one that is too slow.
    struct BrokenOff;

    impl hyper::body::Body for BrokenOff {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            Poll::Ready(Some(Err(std::io::ErrorKind::TimedOut.into())))
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_told_from_one_that_is_too_long() {
        let (parts, ()) = Request::post("/sales/lookup").body(()).unwrap().into_parts();
        let too_long = Body::from(vec![b'a'; MAX_BODY + 1]);
        assert_eq!(read(&parts, too_long).await.unwrap_err(), Refused::BODY_TOO_LONG);
        assert_eq!(read(&parts, Body::new(BrokenOff)).await.unwrap_err(), Refused::BODY_TOO_SLOW);
    }
}
