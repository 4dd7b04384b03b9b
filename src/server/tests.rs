//! The listener over real sockets: slow, silent, sloppy and hostile clients, the limit, TLS, and the end.
//!
//! Waits are short and bounds are generous: a busy machine makes these tests slow, not red.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{Extension, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tower::ServiceExt;

use super::web::{App, Web};
use super::{ConnectionCounts, ListenSettings, Listener};
use crate::access::{self, Peer};
use crate::clock::{Clock, SystemClock};

mod hostile;
mod limit_and_end;
mod rest;
mod sloppy;
mod slow;
mod tls;

/// Longest time that a test waits for anything.
const AT_MOST: Duration = Duration::from_secs(30);

/// A listener with the application of the tests.
struct Running {
    address: SocketAddr,
    counts: Arc<ConnectionCounts>,
    settings: Arc<ArcSwap<ListenSettings>>,
    held: Arc<Held>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

/// Requests for `/held` wait here until the test lets them go.
#[derive(Default)]
struct Held {
    waiting: AtomicUsize,
    release: Notify,
}

/// Time limits that no test reaches by accident.
fn patient() -> ListenSettings {
    let longer = AT_MOST * 2;
    ListenSettings {
        max_connections: 10_000,
        idle_timeout: longer,
        transfer_timeout: longer,
        drain_timeout: longer,
        tls: None,
    }
}

/// Time limits that a test waits for.
fn impatient() -> ListenSettings {
    let soon = Duration::from_millis(300);
    ListenSettings { idle_timeout: soon, transfer_timeout: soon, ..patient() }
}

fn start(settings: ListenSettings) -> Running {
    let settings = Arc::new(ArcSwap::from_pointee(settings));
    let local = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind("listen", local, Arc::clone(&settings), Arc::new(SystemClock)).unwrap();
    let (address, counts) = (listener.address().unwrap(), listener.counts());
    let (stop, stopped) = oneshot::channel::<()>();
    let held = Arc::new(Held::default());
    let app = app(Arc::clone(&held));
    let serve = async move {
        listener.serve(Web(Routes(app)), async { drop(stopped.await) }).await;
    };
    Running { address, counts, settings, held, stop, ended: tokio::spawn(serve) }
}

/// Hands everything to a router, with the peer in the extensions.
#[derive(Clone)]
struct Routes(Router);

impl App for Routes {
    async fn answer(&self, peer: Peer, mut request: Request) -> Response {
        request.extensions_mut().insert(peer);
        self.0.clone().oneshot(request).await.unwrap()
    }
}

/// Answers with what arrived.
fn app(held: Arc<Held>) -> Router {
    Router::new()
        .route("/slow", get(async || tokio::time::sleep(Duration::from_millis(300)).await))
        .route("/held", get(async move || hold(&held).await))
        .route("/body", any(async |body: String| body))
        .route("/panic", get(async || -> String { panic!("a defect, as a test") }))
        .route("/big", get(async || "x".repeat(64 << 20)))
        .route("/who", get(who))
        .fallback(any(async |request: Request| format!("{} {}", request.method(), request.uri())))
}

async fn hold(held: &Held) {
    let released = held.release.notified();
    held.waiting.fetch_add(1, Ordering::SeqCst);
    released.await;
}

async fn who(Extension(peer): Extension<Peer>, request: Request) -> impl IntoResponse {
    match access::client(peer, request.headers(), &[]) {
        Ok(client) => (StatusCode::OK, format!("{} {}", client.address(), peer.address.port())),
        Err(_) => (StatusCode::FORBIDDEN, String::new()),
    }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Everything that comes back for these bytes until the server closes the connection.
    async fn talk(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // The server may close before it has read everything.
        let _ = stream.write_all(bytes.as_ref()).await;
        until_closed(&mut stream).await
    }

    /// Status and body of one request on a connection of its own.
    async fn get(&self, target: &str) -> (u16, String) {
        let text = self.talk(format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
        (status(&text), body(&text).to_owned())
    }

    /// Waits until a count is as wanted.
    async fn until(&self, what: &str, wanted: impl Fn(&ConnectionCounts) -> bool) {
        within(what, async {
            while !wanted(&self.counts) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    fn count(&self, name: &str) -> u64 {
        self.counts.all().into_iter().find(|(found, _)| *found == name).unwrap().1
    }
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(AT_MOST, future).await.unwrap_or_else(|_| panic!("{what}: not within {AT_MOST:?}"))
}

/// Reads until the other side closes; a reset is an end too.
async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    let _ = within("the end of the connection", stream.read_to_end(&mut all)).await;
    String::from_utf8_lossy(&all).into_owned()
}

/// Sends a request and reads one whole answer with a `Content-Length`, leaving the connection open.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), target: &str) -> String {
    stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    answer(stream).await
}

async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let text = answer_or_end(stream).await;
    assert!(text.contains("\r\n\r\n"), "closed in the middle of an answer: {text:?}");
    text
}

/// As [`answer`], or what has come when the connection ends before.
async fn answer_or_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    within("an answer", async {
        let mut piece = [0_u8; 4096];
        loop {
            let text = String::from_utf8_lossy(&all).into_owned();
            let length = header(&text, "content-length").and_then(|length| length.parse::<usize>().ok());
            if text.contains("\r\n\r\n") && length.is_none_or(|length| body(&text).len() >= length) {
                return text;
            }
            let read = stream.read(&mut piece).await.unwrap_or_default();
            if read == 0 {
                return text;
            }
            all.extend_from_slice(&piece[..read]);
        }
    })
    .await
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default()
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let lines = answer.split("\r\n\r\n").next()?.lines();
    lines
        .filter_map(|line| line.split_once(": "))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn now() -> std::time::Instant {
    SystemClock.now()
}
