//! `GET /agent/stream`: server-sent events, live, and first of all what the page has missed.
//!
//! Each notice is the present state of a call, so what was missed is read from the store, behind the last change that the
//! page knows (`Last-Event-ID`, or `after` at first). The same happens to a page that reads too slowly: its queue is
//! given up, not the events. A page that reads nothing at all is closed by the listener when the network's buffers are
//! full. The session is looked at before each piece: whoever is signed out gets nothing more, however busy his stream is.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::stream::unfold;

use super::super::Http;
use super::super::question::{MAX_QUERY, Parameters};
use super::{Asked, answer};
use crate::events::{Next, Stream};

/// After how much silence a stream says that it lives, and so looks whether its session does.
const ALIVE: Duration = Duration::from_secs(15);

/// The last change that the page knows, sent by a browser that connects again.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// After how many milliseconds a browser connects again.
const RETRY: &str = "retry: 2000\n\n";

pub(super) async fn listen(State(http): State<Arc<Http>>, request: Request) -> Response {
    answer(&http, request, |http, parts, _, request_id| async move {
        let asked = Asked { http: &http, parts, request_id };
        let (session, token) = asked.session().await?;
        let (project, agent): (Arc<str>, _) = (session.account.project.as_str().into(), session.account.name);
        // Connected first: what happens while the missed is read waits in the queue.
        let stream = http.events.connect(&project, &agent);
        let after = last_change(&asked);
        let listening =
            Listening { http: Arc::clone(&http), stream, project, agent, token, after, stage: Stage::Greeting };
        let body = unfold(listening, |mut listening| async move {
            let text = listening.next().await?;
            Some((Ok::<_, Infallible>(text), listening))
        });
        let mut response = super::super::response(StatusCode::OK, "text/event-stream", Bytes::new(), &asked.request_id);
        *response.body_mut() = Body::from_stream(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // nginx would keep events back until its buffer is full.
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        Ok(response)
    })
    .await
}

fn last_change(asked: &Asked<'_>) -> i64 {
    let header = asked.parts.headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let query = asked.parts.uri.query().unwrap_or_default().as_bytes();
    let parameters = Parameters::from_query(&query[..query.len().min(MAX_QUERY)]).into_asked();
    let first = parameters.others.get("after").and_then(|text| text.trim().parse().ok());
    header.or(first).unwrap_or_default()
}

/// A stream under way. It lives in the connection's task and ends with it.
struct Listening {
    http: Arc<Http>,
    stream: Stream,
    project: Arc<str>,
    agent: String,
    token: String,
    /// The newest change that the page has.
    after: i64,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Greeting,
    CatchingUp,
    Live,
    Ended,
}

impl Listening {
    /// The next piece of the stream; `None` at its end. A store that cannot be read ends it, and the page connects again.
    async fn next(&mut self) -> Option<Bytes> {
        let piece = match self.stage {
            Stage::Greeting => {
                self.stage = Stage::CatchingUp;
                Bytes::from_static(RETRY.as_bytes())
            }
            Stage::CatchingUp => self.catch_up().await?,
            Stage::Live => self.live().await?,
            Stage::Ended => return None,
        };
        if super::session(&self.http, &self.token).await.ok()?.is_some() {
            return Some(piece);
        }
        self.stage = Stage::Ended;
        Some(Bytes::from_static(b"event: signed_out\ndata: {}\n\n"))
    }

    /// What has changed behind the last change that the page has.
    async fn catch_up(&mut self) -> Option<Bytes> {
        let events = &self.http.events;
        let newest = events.newest_change().await.ok()?;
        // Another store was put in place, or somebody was erased since: what the page shows may be gone.
        if self.after > newest || self.after < events.newest_erasure().await.ok()? {
            self.after = newest;
            self.stage = Stage::Live;
            return Some(Bytes::from(format!("event: reload\ndata: {{}}\nid: {newest}\n\n")));
        }
        let missed = events.missed(&self.project, &self.agent, self.after).await.ok()?;
        self.stage = Stage::Live;
        let text: String = missed.iter().map(|notice| &*notice.text).collect();
        self.after = missed.last().map_or(newest, |last| last.change.max(newest));
        Some(if text.is_empty() { Bytes::from_static(b"event: alive\ndata: {}\n\n") } else { Bytes::from(text) })
    }

    async fn live(&mut self) -> Option<Bytes> {
        loop {
            match tokio::time::timeout(ALIVE, self.stream.next()).await {
                Ok(Next::Notice(notice)) if notice.change <= self.after => {}
                Ok(Next::Notice(notice)) => {
                    self.after = notice.change;
                    return Some(Bytes::from(notice.text.as_bytes().to_vec()));
                }
                Ok(Next::Reload) => {
                    // Another agent may be meant by the name of the account now.
                    self.stream = self.http.events.connect(&self.project, &self.agent);
                    return Some(Bytes::from_static(b"event: reload\ndata: {}\n\n"));
                }
                Ok(Next::Overflowed) => return self.catch_up().await,
                Ok(Next::Closed) => return None,
                Ok(Next::Look) | Err(_) => return Some(Bytes::from_static(b"event: alive\ndata: {}\n\n")),
            }
        }
    }
}
