//! `/healthz` and `/readyz`: is the process alive, can it answer?

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::Http;

/// Always 200: whoever reads this has reached a running process.
pub(super) async fn alive(State(http): State<Arc<Http>>, headers: HeaderMap) -> Response {
    super::response(StatusCode::OK, "text/plain; charset=utf-8", Bytes::from_static(b"ok"), &http.request_id(&headers))
}

/// 200 while lookups are answered in full; 503 while the store cannot be read, and from the order to stop on. A live
/// source that is down does not count, since others answer; `sources` lists those that are left alone, and why.
pub(super) async fn ready(State(http): State<Arc<Http>>, headers: HeaderMap) -> Response {
    let obstacle = if http.stopping.load(Ordering::Relaxed) {
        Some("the server is stopping".to_owned())
    } else {
        match http.reception.store_obstacle().await {
            Some(obstacle) => Some(obstacle),
            None => http.events.store.obstacle().await,
        }
    };
    let status = if obstacle.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let current = http.reception.current();
    let left_alone =
        current.live.iter().filter_map(|(name, live)| Some((&**name, live.guard.health().why()?.as_str())));
    let body = json!({
        "ready": obstacle.is_none(),
        "why": obstacle,
        "projects": current.projects.len(),
        "sources": left_alone.collect::<std::collections::BTreeMap<_, _>>(),
    });
    super::response(status, "application/json", Bytes::from(body.to_string()), &http.request_id(&headers))
}
