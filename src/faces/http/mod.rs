//! The HTTP face: JSON, XML and text, asked by `GET` or `POST`. `router.rs` is the list of all addresses.

mod agent;
mod credentials;
mod events;
mod explain;
mod health;
mod json;
mod lookup;
mod metrics;
mod question;
mod refusal;
mod reply;
mod router;
mod soap;
mod text;
mod xml;

#[cfg(test)]
mod hostile;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::events::Events;
use crate::model::RequestId;

use super::Reception;
use super::request_ids::RequestIds;

pub(in crate::faces) use credentials::take_parameters as take_credentials;
pub(in crate::faces) use question::Parameters;
pub use question::fuzz_bytes as fuzz_query;
pub(in crate::faces) use reply::{Part, parts};
pub use reply::{Rendered, render};
pub use router::Face;

/// Ties log, explanation and answer together; taken over from the client when it is harmless.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Brings metrics up to date that are kept elsewhere.
pub type Measure = Box<dyn Fn() + Send + Sync>;

/// What the handlers share.
pub struct Http {
    /// Projects, access, lookup.
    pub reception: Arc<Reception>,
    /// Takes events in and brings them to the agents' pages.
    pub events: Arc<Events>,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Run before `/metrics` is rendered.
    pub measures: Vec<Measure>,
    /// Set when the server has been told to stop; `/readyz` says so.
    pub stopping: AtomicBool,
    request_ids: RequestIds,
}

impl Http {
    /// Handlers over a reception. `seed` makes request ids differ between runs.
    #[must_use]
    pub fn new(
        reception: Arc<Reception>,
        events: Arc<Events>,
        metrics: PrometheusHandle,
        measures: Vec<Measure>,
        seed: u64,
    ) -> Self {
        Self {
            reception,
            events,
            metrics,
            measures,
            stopping: AtomicBool::new(false),
            request_ids: RequestIds::new(seed),
        }
    }

    fn request_id(&self, headers: &HeaderMap) -> RequestId {
        let sent = headers.get(REQUEST_ID).and_then(|value| RequestId::from_client(value.to_str().ok()?));
        sent.unwrap_or_else(|| self.request_ids.next())
    }
}

/// A response with the headers that every one of ours has.
fn response(status: StatusCode, content_type: &'static str, body: Bytes, request_id: &RequestId) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(request_id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}
