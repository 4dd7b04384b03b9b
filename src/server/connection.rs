//! One connection: its requests, its idle time, its end.
//!
//! A task of its own runs each connection and ends with it; a handler that panics ends only that task. hyper's timers
//! stay off: one timer here, set again only when it fires, bounds both a silent connection and a slow request head,
//! because both are a time in which no request is being answered.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::Sleep;

use super::counts::ConnectionCounts;
use super::stream::Stream;
use super::web::App;
use crate::access::Peer;
use crate::clock::Clock;

/// Longest request head that hyper takes, in bytes: enough that a query of over 16 KiB reaches a handler.
const LONGEST_HEAD: usize = 32 * 1024;

/// How long a connection stays open after it was asked to end, so that requests already on their way are answered.
const PAUSE: Duration = Duration::from_millis(25);

/// The same for a connection that has not had a request yet: its first may still be a round trip away.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// How long a half-sent request may still take when the connection is ending.
const LAST_HEAD: Duration = Duration::from_secs(1);

/// How long a connection is idle before it rests: gives its buffers back, of some 16 KiB, until the client says more.
/// Asterisk has an idle connection for each call in progress.
const REST: Duration = Duration::from_millis(50);

/// How long things may take; for the life of a connection, whatever a reload changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For a request head, and for the next request.
    pub(crate) idle: Duration,
    /// For a whole request body, and for the client to take a next byte of the answer.
    pub(crate) transfer: Duration,
}

/// What the listener knows of a connection; shared with the task that runs it.
pub(crate) struct Connection {
    peer: std::net::SocketAddr,
    clock: Arc<dyn Clock>,
    opened: Instant,
    /// Microseconds from `opened` to the end of the last answer; [`BUSY`] while a request is answered.
    idle_since: AtomicU64,
    had_request: AtomicBool,
    proxy_line: AtomicBool,
    /// Nothing of a further request has come, and no answer is on its way; as [`Stream`] sees it.
    settled: AtomicBool,
    ending: AtomicU8,
    wake: Notify,
}

/// In `idle_since`: a request is being answered.
const BUSY: u64 = u64::MAX;

/// How a connection is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The process ends: answer what is on its way.
    Drain = 1,
    /// Its place is needed: end at once if idle, else after the answer.
    MakeRoom = 2,
}

impl Connection {
    pub(crate) fn new(peer: std::net::SocketAddr, clock: Arc<dyn Clock>) -> Self {
        Self {
            peer,
            opened: clock.now(),
            clock,
            idle_since: AtomicU64::new(0),
            had_request: AtomicBool::new(false),
            proxy_line: AtomicBool::new(false),
            settled: AtomicBool::new(true),
            ending: AtomicU8::new(0),
            wake: Notify::new(),
        }
    }

    /// For how long no request has been answered; `None` while one is.
    pub(crate) fn idle(&self) -> Option<Duration> {
        match self.idle_since.load(Ordering::Relaxed) {
            BUSY => None,
            since => Some(Duration::from_micros(self.age().saturating_sub(since))),
        }
    }

    /// Asks the connection to end. The first wish counts.
    pub(crate) fn end(&self, how: Ending) {
        let _ = self.ending.compare_exchange(0, how as u8, Ordering::Relaxed, Ordering::Relaxed);
        self.wake.notify_one();
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed) != 0
    }

    /// Ends when a connection without any request should be given up, because it was asked to end: at once when its
    /// place is needed, else after a moment in which a first request may still arrive.
    pub(crate) async fn gives_up(&self) {
        self.wake.notified().await;
        if self.ending.load(Ordering::Relaxed) != Ending::MakeRoom as u8 {
            tokio::time::sleep(FIRST_PAUSE).await;
        }
    }

    pub(crate) fn note_proxy_line(&self) {
        self.proxy_line.store(true, Ordering::Relaxed);
    }

    pub(crate) fn note_settled(&self, settled: bool) {
        self.settled.store(settled, Ordering::Relaxed);
    }

    fn may_rest(&self, idle: Duration) -> bool {
        idle >= REST && self.settled.load(Ordering::Relaxed)
    }

    /// When to look again whether it may rest, or has been idle for too long.
    fn next_look(&self, longest: Duration) -> Duration {
        longest.saturating_sub(self.idle().unwrap_or_default()).min(REST)
    }

    fn age(&self) -> u64 {
        let age = self.clock.now().saturating_duration_since(self.opened);
        u64::try_from(age.as_micros()).unwrap_or(BUSY - 1)
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer { address: self.peer, proxy_line: self.proxy_line.load(Ordering::Relaxed) }
    }

    fn after(&self, wait: Duration) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.clock.now() + wait)
    }
}

/// Answers the requests of a connection until it ends, by itself, by time, or because it was asked to.
pub(crate) async fn run<IO: AsyncRead + AsyncWrite + Unpin>(
    socket: IO,
    app: impl App,
    connection: &Arc<Connection>,
    patience: Patience,
    counts: &ConnectionCounts,
) {
    let mut stream = Stream::new(socket, Arc::clone(connection), patience.transfer);
    if connection.is_ending() {
        // Asked during the handshake, which has used up the wake-up.
        connection.wake.notify_one();
    }
    // Who says nothing yet needs no buffers either.
    rest(&mut stream, connection, patience.idle.saturating_sub(connection.idle().unwrap_or_default())).await;
    let service = service_fn(|request| answer(&app, request, Arc::clone(connection), patience.transfer));
    let mut serving = http().serve_connection(TokioIo::new(stream), service);
    let mut timer = pin!(tokio::time::sleep_until(connection.after(connection.next_look(patience.idle))));
    let mut stage = Stage::Serving;
    loop {
        tokio::select! {
            biased;
            result = &mut serving => {
                if result.is_err_and(|error| error.is_parse()) {
                    ConnectionCounts::add(&counts.bad_requests);
                }
                return;
            }
            () = connection.wake.notified(), if stage == Stage::Serving => {
                let idle = connection.idle().is_some();
                match connection.ending.load(Ordering::Relaxed) {
                    how if how == Ending::MakeRoom as u8 && idle => return,
                    how if how == Ending::MakeRoom as u8 => {
                        Pin::new(&mut serving).graceful_shutdown();
                        stage = Stage::Ending;
                        timer.as_mut().reset(connection.after(LAST_HEAD));
                    }
                    _ => {
                        stage = Stage::Pausing;
                        let known = connection.had_request.load(Ordering::Relaxed);
                        timer.as_mut().reset(connection.after(if known { PAUSE } else { FIRST_PAUSE }));
                    }
                }
            }
            () = timer.as_mut() => {
                let wait = match (stage, connection.idle()) {
                    (Stage::Serving, Some(idle)) if idle >= patience.idle => {
                        ConnectionCounts::add(&counts.timed_out);
                        return;
                    }
                    (Stage::Ending, Some(_)) => return,
                    (Stage::Serving, Some(idle)) if connection.may_rest(idle) => {
                        let http1::Parts { io, read_buf, service, .. } = serving.into_parts();
                        let mut stream = io.into_inner();
                        stream.put_back(&read_buf);
                        ConnectionCounts::add(&counts.rested);
                        rest(&mut stream, connection, patience.idle - idle).await;
                        serving = http().serve_connection(TokioIo::new(stream), service);
                        connection.next_look(patience.idle)
                    }
                    (Stage::Serving, Some(idle)) if idle < REST => (patience.idle - idle).min(REST - idle),
                    (Stage::Serving, Some(idle)) => (patience.idle - idle).min(REST),
                    (Stage::Serving, None) => patience.idle.min(REST),
                    (Stage::Pausing, _) => {
                        Pin::new(&mut serving).graceful_shutdown();
                        stage = Stage::Ending;
                        LAST_HEAD
                    }
                    (Stage::Ending, None) => LAST_HEAD,
                };
                timer.as_mut().reset(connection.after(wait));
            }
        }
    }
}

/// Waits for the client with as little memory as may be; also ends when it has been idle for too long, or is asked to end.
async fn rest<IO: AsyncRead + Unpin>(stream: &mut Stream<IO>, connection: &Connection, left: Duration) {
    tokio::select! {
        biased;
        // Whoever serves the connection has to see it.
        () = connection.wake.notified() => connection.wake.notify_one(),
        () = stream.wait() => {}
        () = tokio::time::sleep(left) => {}
    }
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Serving,
    /// Asked to end; requests on their way may still arrive.
    Pausing,
    /// hyper takes no further request.
    Ending,
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    // A client may close its half after the request (`printf … | nc`): it gets its answer all the same. The price: one
    // that has gone away holds its place until its answer is ready, which a deadline bounds.
    // No vectored writes: copying a short answer behind its head costs less than the kernel's work for two pieces.
    http.half_close(true).header_read_timeout(None).max_buf_size(LONGEST_HEAD).writev(false);
    http
}

/// Hands a request to the application, and counts the connection as busy until the last byte of the answer was handed
/// over.
async fn answer(
    app: &impl App,
    request: Request<Incoming>,
    connection: Arc<Connection>,
    transfer: Duration,
) -> Result<Response<Answer>, Infallible> {
    let busy = Busy::start(connection);
    let request = request.map(|body| {
        if body.is_end_stream() {
            return Body::empty();
        }
        Body::new(Received { body, deadline: Box::pin(tokio::time::sleep(transfer)) })
    });
    // Boxed, so that a connection without a request does not hold the room of a whole lookup.
    let response = Box::pin(app.answer(busy.0.peer(), request)).await;
    Ok(response.map(|body| Answer { body, _busy: busy }))
}

/// Marks a connection as busy as long as it lives.
pub(crate) struct Busy(Arc<Connection>);

impl Busy {
    pub(crate) fn start(connection: Arc<Connection>) -> Self {
        connection.idle_since.store(BUSY, Ordering::Relaxed);
        connection.had_request.store(true, Ordering::Relaxed);
        Self(connection)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.idle_since.store(self.0.age(), Ordering::Relaxed);
    }
}

/// The body of an answer.
struct Answer {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a request, which has to be complete by a deadline.
struct Received {
    body: Incoming,
    deadline: Pin<Box<Sleep>>,
}

impl HttpBody for Received {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
            Poll::Pending => self.deadline.as_mut().poll(context).map(|()| {
                let error = io::Error::new(io::ErrorKind::TimedOut, "the body of the request did not come in time");
                Some(Err(error.into()))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
