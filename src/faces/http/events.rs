//! `GET|POST /{project}/events`: a PBX reports what happens to a call.
//!
//! The answer is empty and 200 when the event is on the disk, 503 when it did not get there in time. The access rules are
//! those of the lookup, and the credentials are taken out before anything is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::RETRY_AFTER;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;

use super::refusal::Refused;
use super::{Http, credentials, lookup, refusal};
use crate::config::Format;
use crate::lookup::Project;
use crate::model::{Event, RequestId};

/// Takes an event in, or refuses it.
pub(super) async fn take(http: &Http, project: &str, request: Request) -> Response {
    let request_id = http.request_id(request.headers());
    let (parts, body) = request.into_parts();
    match admit(http, project, &parts, body, &request_id).await {
        Ok((project, params)) => store(http, &project, params, &request_id).await,
        Err(refused) => refusal::respond(&refused, None, Format::Json, &request_id),
    }
}

async fn admit(
    http: &Http,
    project: &str,
    parts: &Parts,
    body: Body,
    request_id: &RequestId,
) -> Result<(Arc<Project>, BTreeMap<String, Vec<String>>), Refused> {
    if parts.method == Method::HEAD {
        return Err(Refused::NO_SUCH_METHOD);
    }
    let mut parameters = lookup::read(parts, body).await?;
    let offered = credentials::take(&mut parameters, None, &parts.headers);
    let project = http.reception.admit(project, lookup::sender(parts)?, &offered, request_id)?;
    // What cannot be read whole must not be acknowledged.
    let pairs = parameters.into_pairs().ok_or(Refused::UNREADABLE)?;
    let mut params: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs {
        let values = params.entry(name.into_owned()).or_default();
        if !values.iter().any(|known| *known == value) {
            values.push(value.into_owned());
        }
    }
    Ok((project, params))
}

async fn store(
    http: &Http,
    project: &Project,
    params: BTreeMap<String, Vec<String>>,
    request_id: &RequestId,
) -> Response {
    let event =
        Event { project: Arc::clone(&project.config.name), received: http.reception.clock.utc_millis(), params };
    let nameless = event.name().is_empty();
    let empty = |status| super::response(status, "text/plain; charset=utf-8", Bytes::new(), request_id);
    match http.events.take(project, event).await {
        Ok(_) => {
            let mut response = empty(StatusCode::OK);
            if nameless {
                response.headers_mut().insert(lookup::WARNING, HeaderValue::from_static("event is missing"));
            }
            response
        }
        Err(error) => {
            tracing::error!(
                target: "calldex::events",
                request = %request_id,
                project = &*project.config.name,
                "an event is not on the disk: {error}",
            );
            let mut response = empty(StatusCode::SERVICE_UNAVAILABLE);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}
