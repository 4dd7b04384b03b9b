//! Every address that the HTTP listener answers.
//!
//! Lookups are most of what comes, and go to their handler straight away. Everything else is a route: those cost a
//! third of a lookup's instructions, for boxed handlers and extensions that a lookup does not need.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::Method;
use percent_encoding::percent_decode_str;
use tower::ServiceExt;

use super::lookup::Addressed;
use super::refusal::Refused;
use super::{Http, agent, events, explain, health, lookup, metrics, refusal, soap};
use crate::access::Peer;

/// The HTTP face, ready to answer; a clone is the same face.
#[derive(Clone)]
pub struct Face {
    http: Arc<Http>,
    routes: Router,
}

impl Face {
    /// A face with these handlers.
    #[must_use]
    pub fn new(http: Arc<Http>) -> Self {
        Self { routes: routes(Arc::clone(&http)), http }
    }

    /// Answers a request of this sender.
    pub async fn answer(&self, peer: Peer, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        if let Some(addressed) = self.lookup_address(parts.uri.path()) {
            if matches!(parts.method, Method::GET | Method::HEAD | Method::POST) {
                return lookup::answer(&self.http, peer, &addressed, &parts, body).await;
            }
            return refusal::respond_astray(&self.http, &Refused::NO_SUCH_METHOD, &parts.uri, &parts.headers);
        }
        parts.extensions.insert(peer);
        // Boxed: a lookup does not carry the room for a route about.
        let answered = Box::pin(self.routes.clone().oneshot(Request::from_parts(parts, body))).await;
        answered.unwrap_or_else(|never| match never {})
    }

    /// Whom a lookup asks, when this is the address of one.
    fn lookup_address<'a>(&self, path: &'a str) -> Option<Addressed<'a>> {
        let (first, rest) = match path.strip_prefix('/')?.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (&path[1..], None),
        };
        let (project, token) = match (first, rest) {
            ("", None) => return Some(Addressed { project: self.default_project().into(), token: None }),
            ("api", Some(rest)) => rest.split_once('/').map_or((rest, None), |(project, token)| (project, Some(token))),
            (project, Some("lookup")) => (project, None),
            _ => return None,
        };
        let is_one = |segment: &str| !segment.is_empty() && !segment.contains('/');
        (is_one(project) && token.is_none_or(is_one))
            .then(|| Addressed { project: decoded(project), token: token.map(decoded) })
    }

    fn default_project(&self) -> String {
        self.http.reception.current().config.server.default_project.as_deref().unwrap_or_default().to_owned()
    }
}

/// The addresses of lookups, in words for the pages that list them: `/` for the default project, `/{project}/lookup`,
/// `/api/{project}` and `/api/{project}/{token}`, by GET, HEAD or POST. All others are here.
fn routes(http: Arc<Http>) -> Router {
    Router::new()
        .route("/{project}/soap", get(describe_soap).post(answer_soap))
        .route("/{project}/explain", get(explain_project))
        .route("/{project}/events", get(take_event).post(take_event))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::scrape))
        .route("/metrics/refused", get(metrics::refused))
        .merge(agent::routes())
        .fallback(refusal::no_such_address)
        .method_not_allowed_fallback(refusal::no_such_method)
        .with_state(http)
}

fn decoded(segment: &str) -> Cow<'_, str> {
    percent_decode_str(segment).decode_utf8_lossy()
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
