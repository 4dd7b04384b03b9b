//! Every address that the HTTP listener answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;

use super::lookup::Addressed;
use super::{Http, events, explain, health, lookup, metrics, refusal, soap};

/// The list of all routes.
pub fn router(http: Arc<Http>) -> Router {
    Router::new()
        .route("/", get(lookup_default).post(lookup_default))
        .route("/{project}/lookup", get(lookup_project).post(lookup_project))
        .route("/api/{project}", get(lookup_project).post(lookup_project))
        .route("/api/{project}/{token}", get(lookup_with_token).post(lookup_with_token))
        .route("/{project}/soap", get(describe_soap).post(answer_soap))
        .route("/{project}/explain", get(explain_project))
        .route("/{project}/events", get(take_event).post(take_event))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::scrape))
        .route("/metrics/refused", get(metrics::refused))
        .fallback(refusal::no_such_address)
        .method_not_allowed_fallback(refusal::no_such_method)
        .with_state(http)
}

async fn lookup_default(State(http): State<Arc<Http>>, request: Request) -> Response {
    let project = http.reception.current().config.server.default_project.clone();
    lookup::answer(&http, Addressed { project: project.as_deref().unwrap_or_default(), token: None }, request).await
}

async fn lookup_project(State(http): State<Arc<Http>>, Path(project): Path<String>, request: Request) -> Response {
    lookup::answer(&http, Addressed { project: &project, token: None }, request).await
}

async fn lookup_with_token(
    State(http): State<Arc<Http>>,
    Path((project, token)): Path<(String, String)>,
    request: Request,
) -> Response {
    lookup::answer(&http, Addressed { project: &project, token: Some(&token) }, request).await
}

async fn take_event(State(http): State<Arc<Http>>, Path(project): Path<String>, request: Request) -> Response {
    events::take(&http, &project, request).await
}

async fn describe_soap(State(http): State<Arc<Http>>, request: Request) -> Response {
    soap::describe(&http, &request)
}

async fn answer_soap(State(http): State<Arc<Http>>, Path(project): Path<String>, request: Request) -> Response {
    soap::answer(&http, &project, request).await
}

async fn explain_project(State(http): State<Arc<Http>>, Path(project): Path<String>, request: Request) -> Response {
    explain::answer(&http, &project, request).await
}
