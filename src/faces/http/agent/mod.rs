//! The page for agents and what it asks: who is signed in, the cards, the stream, contacts. docs/API.md describes it.
//!
//! A session is a cookie that scripts cannot read and other sites do not send. Whatever changes something has to carry the
//! session's second token in a header as well, which another site cannot know.

mod contacts;
mod desk;
mod page;
mod session;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, COOKIE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{delete, get, post};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::Http;
use super::lookup::read_body;
use crate::error::{self, Error, Kind};
use crate::events::accounts::Session;
use crate::model::RequestId;

/// The cookie of a session.
const SESSION: &str = "calldex_agent";

/// Carries the second token of a session.
const CSRF: HeaderName = HeaderName::from_static("x-csrf");

/// Says where a request comes from, in browsers of today.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The addresses below `/agent`, and the files of the page.
pub(super) fn routes() -> Router<Arc<Http>> {
    Router::new()
        .route("/agent", get(page::show))
        .route("/agent/invite", get(page::show))
        .route("/static/{*path}", get(page::file))
        .route("/agent/session", post(session::begin).merge(delete(session::end)))
        .route("/agent/password", post(session::set_password))
        .route("/agent/state", get(desk::state))
        .route("/agent/stream", get(stream::listen))
        .route("/agent/cards/{id}/choice", post(desk::choose))
        .route("/agent/contacts", get(contacts::find).post(contacts::save))
}

/// Why a request of the page is not served.
struct Problem {
    status: StatusCode,
    words: String,
    retry_after: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self { status, words: words.into(), retry_after: None }
    }

    fn signed_out() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not signed in")
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Invalid => StatusCode::BAD_REQUEST,
            Kind::Refused => StatusCode::FORBIDDEN,
            Kind::Busy | Kind::Timeout | Kind::Unavailable | Kind::Full => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Corrupt | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let told = matches!(error.kind(), Kind::NotFound | Kind::Invalid | Kind::Refused | Kind::Busy);
        if !told {
            tracing::error!(target: "calldex::agent", "a request of the agents' page failed: {error}");
        }
        Self::new(status, if told { error.to_string() } else { "calldex could not do it".to_owned() })
    }
}

/// What a handler of the page answers.
type Answered = Result<Response, Problem>;

/// A request of the page, taken apart.
struct Asked<'a> {
    http: &'a Arc<Http>,
    parts: Parts,
    request_id: RequestId,
}

impl Asked<'_> {
    fn now(&self) -> i64 {
        self.http.reception.clock.utc_millis()
    }

    /// The session of a request that only reads.
    async fn session(&self) -> Result<(Session, String), Problem> {
        let token = cookie(&self.parts.headers).ok_or_else(Problem::signed_out)?;
        Ok((session(self.http, &token).await?.ok_or_else(Problem::signed_out)?, token))
    }

    /// The session of a request that changes something.
    async fn changing(&self) -> Result<(Session, String), Problem> {
        self.check_site()?;
        let (session, token) = self.session().await?;
        let sent = self.parts.headers.get(CSRF).map(HeaderValue::as_bytes).unwrap_or_default();
        if bool::from(sent.ct_eq(session.csrf.as_bytes())) {
            return Ok((session, token));
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "this request does not come from the page"))
    }

    /// Refuses what a browser says comes from another site.
    fn check_site(&self) -> Result<(), Problem> {
        match self.parts.headers.get(FETCH_SITE).map(HeaderValue::as_bytes) {
            None | Some(b"same-origin" | b"none") => Ok(()),
            Some(_) => Err(Problem::new(StatusCode::FORBIDDEN, "this request comes from another site")),
        }
    }

    fn reply(&self, status: StatusCode, body: &Value) -> Response {
        super::response(status, "application/json", Bytes::from(body.to_string()), &self.request_id)
    }
}

/// Who has this token in his cookie, while his project is configured.
async fn session(http: &Http, token: &str) -> error::Result<Option<Session>> {
    let found = http.events.store.session(token, http.reception.clock.utc_millis()).await?;
    Ok(found.filter(|it| is_configured(http, &it.account.project)))
}

fn is_configured(http: &Http, project: &str) -> bool {
    http.reception.current().projects.contains_key(project)
}

/// Takes a request apart, has it answered, and turns a problem into JSON.
async fn answer<F: Future<Output = Answered>>(
    http: &Arc<Http>,
    request: Request,
    handler: impl FnOnce(Arc<Http>, Parts, axum::body::Body, RequestId) -> F,
) -> Response {
    let request_id = http.request_id(request.headers());
    let (parts, body) = request.into_parts();
    match handler(Arc::clone(http), parts, body, request_id.clone()).await {
        Ok(response) => response,
        Err(problem) => {
            let body = Bytes::from(json!({ "error": problem.words }).to_string());
            let mut response = super::response(problem.status, "application/json", body, &request_id);
            if let Some(seconds) = problem.retry_after {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    }
}

/// Reads a body of JSON. A form, which another site could send, is refused.
async fn json_body<T: DeserializeOwned>(parts: &Parts, body: axum::body::Body) -> Result<T, Problem> {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().unwrap_or_default().trim() != "application/json" {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "expected application/json"));
    }
    let unread = |_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long or did not come");
    let bytes = read_body(parts, body).await.map_err(unread)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("expected other JSON: {error}")))
}

/// The token in the cookie of a session.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == SESSION).map(|(_, value)| value.to_owned())
}
