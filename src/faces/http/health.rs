//! `/healthz` and `/readyz`: is the process alive, can it answer?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::{Http, metrics};

/// Always 200: whoever reads this has reached a running process.
pub(super) async fn alive(State(http): State<Arc<Http>>, headers: HeaderMap) -> Response {
    super::response(StatusCode::OK, "text/plain; charset=utf-8", Bytes::from_static(b"ok"), &http.request_id(&headers))
}

/// 200 while lookups are answered in full; 503 while the store cannot be read, and from the order to stop on. Whoever may
/// not read the metrics hears no more than that: the names of projects and sources are their owners' business.
pub(super) async fn ready(State(http): State<Arc<Http>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let obstacle = obstacle(&http).await;
    let status = if obstacle.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = match metrics::may_scrape(&http, &parts) {
        true => in_full(&http, obstacle.as_deref()),
        false => json!({ "ready": obstacle.is_none() }),
    };
    let request_id = http.request_id(&parts.headers);
    super::response(status, "application/json", Bytes::from(body.to_string()), &request_id)
}

/// Why lookups are not answered in full.
async fn obstacle(http: &Http) -> Option<String> {
    if http.stopping.load(Ordering::Relaxed) {
        return Some("the server is stopping".to_owned());
    }
    match http.reception.store_obstacle().await {
        Some(obstacle) => Some(obstacle),
        None => http.events.store.obstacle().await,
    }
}

/// A live source that is down does not count, since others answer; `sources` lists those that are left alone, and why.
fn in_full(http: &Http, obstacle: Option<&str>) -> Value {
    let current = http.reception.current();
    let left_alone =
        current.live.iter().filter_map(|(name, live)| Some((&**name, live.guard.health().why()?.as_str())));
    json!({
        "ready": obstacle.is_none(),
        "why": obstacle,
        "projects": current.projects.len(),
        "sources": left_alone.collect::<BTreeMap<_, _>>(),
    })
}
