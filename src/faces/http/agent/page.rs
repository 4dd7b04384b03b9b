//! The page itself: plain files of `ui/`, embedded into the program.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use rust_embed::Embed;

use super::super::{Http, refusal};

#[derive(Embed)]
#[folder = "ui/"]
struct Files;

/// Nothing but files of this server: no script or style in the page, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      font-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// How long a browser uses a file without asking, in a value for `Cache-Control`: an update shows soon.
const FRESH: &str = "no-cache";

pub(super) async fn show(State(http): State<Arc<Http>>, headers: HeaderMap) -> Response {
    serve(&http, "agent.html", &headers).unwrap_or_else(|| {
        let request_id = http.request_id(&headers);
        super::super::response(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", Bytes::new(), &request_id)
    })
}

pub(super) async fn file(State(http): State<Arc<Http>>, Path(path): Path<String>, request: Request) -> Response {
    match serve(&http, &path, request.headers()) {
        Some(response) => response,
        None => refusal::no_such_address(State(http), request).await,
    }
}

fn serve(http: &Http, path: &str, headers: &HeaderMap) -> Option<Response> {
    let file = Files::get(path)?;
    let request_id = http.request_id(headers);
    let mut response =
        super::super::response(StatusCode::OK, kind(path), Bytes::from(file.data.into_owned()), &request_id);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(FRESH));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Some(response)
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
