//! `/metrics` for Prometheus, `/metrics/refused` for an administrator who wonders why a PBX gets no answers.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use metrics::gauge;
use serde_json::{Value, json};

use crate::access;
use crate::config::Format;
use crate::metrics as names;

use super::refusal::Refused;
use super::{Http, explain, lookup, refusal};

/// Renders every metric, for this machine and for the networks in `metrics_allow`.
pub(super) async fn scrape(State(http): State<Arc<Http>>, request: Request) -> Response {
    let request_id = http.request_id(request.headers());
    let (parts, _) = request.into_parts();
    if !may_scrape(&http, &parts) {
        return refusal::respond(&Refused::NOT_ALLOWED, None, Format::Json, &request_id);
    }
    measure(&http).await;
    let text = http.metrics.render();
    super::response(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", Bytes::from(text), &request_id)
}

/// Whether a request comes from this machine or from a network in `metrics_allow`.
pub(super) fn may_scrape(http: &Http, parts: &Parts) -> bool {
    let Ok(sender) = lookup::sender(parts) else { return false };
    let server = &http.reception.current().config.server;
    access::client(sender.peer, sender.headers, &server.trusted_proxies)
        .is_ok_and(|client| client.is_loopback() || client.is_in(&server.metrics_allow))
}

/// Lists the addresses that were refused of late, with project and reason.
pub(super) async fn refused(State(http): State<Arc<Http>>, request: Request) -> Response {
    let request_id = http.request_id(request.headers());
    let (parts, _) = request.into_parts();
    if let Err(refused) = explain::admit_administrator(&http, &parts, &request_id) {
        return refusal::respond(&refused, None, Format::Json, &request_id);
    }
    let body = list(&http).to_string();
    super::response(StatusCode::OK, "application/json", Bytes::from(body), &request_id)
}

fn list(http: &Http) -> Value {
    let entries = http.reception.gate.refused().latest();
    let time = |millis| jiff::Timestamp::from_millisecond(millis).ok().map(|time| time.to_string());
    let rows = entries.iter().map(|entry| {
        json!({
            "address": entry.address.to_string(),
            "project": &*entry.project,
            "reason": entry.reason.as_str(),
            "count": entry.count,
            "last": time(entry.last),
        })
    });
    rows.collect()
}

/// Brings the gauges up to date; they are not kept while nobody looks.
async fn measure(http: &Http) {
    let ((found, unknown), flights) = http.reception.lookup.sizes();
    gauge!(names::CACHE_ENTRIES, "kind" => "found").set(found as f64);
    gauge!(names::CACHE_ENTRIES, "kind" => "unknown").set(unknown as f64);
    gauge!(names::FLIGHTS).set(flights as f64);
    gauge!(names::AGENT_STREAMS).set(http.events.streams() as f64);
    for (target, state, count) in http.events.store.journal_counts().await.unwrap_or_default() {
        gauge!(names::JOURNAL_ENTRIES, "target" => target, "state" => state).set(count as f64);
    }
    for measure in &http.measures {
        measure();
    }
    for (name, statistics) in http.reception.lookup.book_statistics(http.reception.current().projects.values()).await {
        gauge!(names::DIRECTORY_CONTACTS, "directory" => name.to_string()).set(statistics.contacts as f64);
        gauge!(names::DIRECTORY_NUMBERS, "directory" => name.to_string()).set(statistics.numbers as f64);
        if let Some(millis) = statistics.imported_at {
            gauge!(names::DIRECTORY_IMPORTED, "directory" => name.to_string()).set(millis as f64 / 1000.0);
        }
    }
}
