//! The HTTP client of all sources: connections are shared, and what a system may do to calldex is bounded here once.
//!
//! A source builds a [`Request`] and gets an [`Answer`] whose body was read whole, or an error that says in words what is
//! wrong and never shows an address beyond its host: a path or a query may hold a token. The rules:
//!
//! - TLS is verified. A connection has [`CONNECT_LIMIT`] to be made, and a request the `timeout` of its source: whoever
//!   logs in ahead of the first call or writes a call down has no guard around it, and may hold a lock meanwhile.
//! - A body is read up to the limit of its request, counted after it was unpacked, so that a small packet cannot become a
//!   large text.
//! - A redirect is followed within its own host only, at most [`MOST_REDIRECTS`] times: a request carries credentials and
//!   a customer's number. `https` never becomes `http`.
//! - A source of a tenant reaches public addresses only, whatever its name resolves to at that moment
//!   ([`Reach::Public`](address::Reach)).
//! - Every request, also a redirected one, pays from the budget of its source ([`Budget`]).

pub mod address;
mod connect;
mod failure;
mod handshake;
pub(crate) mod way;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use http::{Method, StatusCode};
use url::Url;

use super::{budget::Budget, watch};
use crate::charset;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Kind, Result};
use address::Reach;

pub use connect::{Clients, Settings};
pub(crate) use failure::explain_tls;
pub use failure::{explain_status, retry_after};
pub use handshake::shake_hands;

/// How long it may take to find the address and to connect, TLS included.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// How many redirects are followed.
pub const MOST_REDIRECTS: usize = 5;

/// Largest body that a caller's data can have, in bytes; a request may ask for less or more.
pub const BODY_LIMIT: usize = 1 << 20;

/// What is sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: Method,
    /// Where to; user and password in it become HTTP Basic.
    pub url: Url,
    /// Headers beside `Host`, `User-Agent`, `Accept-Encoding` and `Content-Length`, which the client adds. Mark one that
    /// is a secret with [`http::HeaderValue::set_sensitive`].
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
    /// Largest body of the answer, in bytes.
    pub limit: usize,
}

/// What came back, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, unpacked.
    pub body: Bytes,
}

/// Sends requests for one source.
#[derive(Clone)]
pub struct Client {
    inner: reqwest::Client,
    reach: Reach,
    ca_file: Option<PathBuf>,
    budget: Arc<Budget>,
    patience: Duration,
}

impl Request {
    /// A `GET` without headers of its own.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new(), limit: BODY_LIMIT }
    }

    /// A `POST` of a body.
    #[must_use]
    pub fn post(url: Url, body: impl Into<Bytes>) -> Self {
        Self { method: Method::POST, body: body.into(), ..Self::get(url) }
    }
}

impl Answer {
    /// The body as text, whatever charset it says to be in; a byte order mark is dropped.
    ///
    /// # Errors
    /// [`Kind::Corrupt`] when it is in no charset that is known, or not in the one that it says.
    pub fn text(&self) -> Result<String> {
        charset::decode(&self.body, self.content_type()).map(Cow::into_owned)
    }

    /// The value of `Content-Type`; empty when there is none.
    #[must_use]
    pub fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Takes an answer with a status of success; any other one becomes the error that it stands for.
    ///
    /// # Errors
    /// See [`explain_status`].
    pub fn success(self) -> Result<Self> {
        if self.status.is_success() { Ok(self) } else { Err(explain_status(&self)) }
    }
}

impl Client {
    /// A client over shared connections.
    pub(crate) fn new(inner: reqwest::Client, settings: Settings, budget: Arc<Budget>, patience: Duration) -> Self {
        let Settings { reach, ca_file, .. } = settings;
        Self { inner, reach, ca_file, budget, patience }
    }

    /// Sends a request and reads the answer, whatever its status.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when the system cannot be reached, cuts the connection or shows a certificate that is not
    /// trusted; [`Kind::Timeout`] when no connection or no answer comes in time; [`Kind::Busy`] when the budget is spent;
    /// [`Kind::Corrupt`] for what is no HTTP or too large; [`Kind::Invalid`] for a redirect elsewhere and for an address
    /// that the source may not reach.
    pub async fn send(&self, mut request: Request) -> Result<Answer> {
        for _ in 0..=MOST_REDIRECTS {
            self.budget.pay(self.patience).await?;
            let answer = self.in_time(self.send_once(&request)).await?;
            match redirect(&request, &answer)? {
                Some(next) => request = next,
                None => return Ok(answer),
            }
        }
        Err(Error::new(Kind::Invalid, format!("{} redirects in a circle", host(&request.url))))
    }

    /// Sends a request and looks at the status of the answer only.
    ///
    /// # Errors
    /// As [`Client::send`]; a redirect is not followed, and a status other than success is the error it stands for.
    pub async fn tell(&self, request: Request) -> Result<()> {
        self.budget.pay(self.patience).await?;
        self.show(&request).await;
        let mut response = self.in_time(self.begin(&request)).await?;
        let headers = std::mem::take(response.headers_mut());
        Answer { status: response.status(), headers, body: Bytes::new() }.success().map(|_| ())
    }

    async fn in_time<T>(&self, asking: impl Future<Output = Result<T>>) -> Result<T> {
        let late = |_| Error::new(Kind::Timeout, "no answer within the source's timeout");
        tokio::time::timeout(self.patience, asking).await.map_err(late)?
    }

    /// Shows the way and the request, when somebody watches.
    async fn show(&self, request: &Request) {
        if watch::is_on() && self.reach.check(&request.url).is_ok() {
            way::show(&request.url, self.reach, self.ca_file.as_deref()).await;
        }
        watch::note(|| watch::sent(request));
    }

    async fn begin(&self, request: &Request) -> Result<reqwest::Response> {
        self.reach.check(&request.url)?;
        let sent = self
            .inner
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone())
            .body(request.body.clone());
        sent.send().await.map_err(|error| failure::explain(error, &request.url))
    }

    async fn send_once(&self, request: &Request) -> Result<Answer> {
        self.show(request).await;
        let (explain, start) = (|error| failure::explain(error, &request.url), SystemClock.now());
        let took = || SystemClock.now().saturating_duration_since(start);
        let mut response = self.begin(request).await?;
        let first = took();
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(explain)? {
            if body.len() + chunk.len() > request.limit {
                let message = format!("the answer is larger than {} bytes", request.limit);
                return Err(Error::new(Kind::Corrupt, message));
            }
            body.extend_from_slice(&chunk);
        }
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let answer = Answer { status, headers, body: body.freeze() };
        watch::note(|| watch::answered(&answer, first, took()));
        Ok(answer)
    }
}

/// The request that an answer asks for instead; `None` when it is no redirect.
fn redirect(request: &Request, answer: &Answer) -> Result<Option<Request>> {
    let to_get = match answer.status {
        StatusCode::SEE_OTHER => true,
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => false,
        _ => return Ok(None),
    };
    let from = host(&request.url);
    let location = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok()).unwrap_or_default();
    let target = request.url.join(location).ok().filter(|_| !location.is_empty());
    let target = target.ok_or_else(|| Error::new(Kind::Invalid, format!("{from} redirects to no address")))?;
    if !is_same_place(&request.url, &target) {
        return Err(Error::new(Kind::Invalid, explain_redirect(&request.url, &target)));
    }
    let mut next = Request { url: target, ..request.clone() };
    // User and password of the address belong to the host, which is the same.
    let _ = next.url.set_username(request.url.username());
    let _ = next.url.set_password(request.url.password());
    if to_get {
        next.method = Method::GET;
        next.body = Bytes::new();
        next.headers.remove(CONTENT_TYPE);
    }
    Ok(Some(next))
}

/// Another host is not named: whoever redirects may have put what he was sent into its name.
fn explain_redirect(from: &Url, to: &Url) -> String {
    let without_www = |url: &Url| url.host_str().unwrap_or_default().trim_start_matches("www.").to_owned();
    let told = if without_www(from) == without_www(to) {
        format!(
            "{}, and credentials are not sent there; write that address into url",
            to.origin().ascii_serialization()
        )
    } else {
        "another host, and credentials are not sent there; write its address into url if it is the right one".to_owned()
    };
    format!("{} redirects to {told}", host(from))
}

/// Same scheme, host and port, or `https` on its usual port after `http` on its own.
fn is_same_place(from: &Url, to: &Url) -> bool {
    let ports = (from.port_or_known_default(), to.port_or_known_default());
    let upgraded = from.scheme() == "http" && to.scheme() == "https" && ports == (Some(80), Some(443));
    from.host() == to.host() && (upgraded || (from.scheme() == to.scheme() && ports.0 == ports.1))
}

/// What of an address may be shown: its host, and its port when it is an unusual one.
#[must_use]
pub fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or("(no host)");
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

#[cfg(test)]
mod tests;
