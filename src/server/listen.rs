//! Accepts connections, in bounds: an accept loop of our own, for every protocol.
//!
//! axum's plain `serve` leaves silent and slow connections open for ever, so that a few clients could use up every
//! file descriptor. Here each connection has a time limit, their number has one, and a failing `accept` never ends the
//! process. What is spoken on a connection is a [`Protocol`]: `web.rs` and `agi.rs`.
//!
//! One task accepts and alone owns the list of connections; each connection is a task of its own. At the end the
//! listener closes, idle connections close, requests that have arrived are answered, for at most `drain_timeout`.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::connection::{Connection, Ending};
use super::counts::ConnectionCounts;
use super::tls;
use crate::clock::Clock;
use crate::config;
use crate::error::{Error, Kind, Result};

/// Connections that wait in the kernel until they are accepted.
const BACKLOG: u32 = 4096;

/// How long requests that have arrived may take when the process ends.
const DRAIN: Duration = Duration::from_secs(10);

/// How long a request body may take, and a client that takes no byte of its answer.
const TRANSFER: Duration = Duration::from_secs(10);

/// How many connections are looked at to find an idle one to close.
const SAMPLE: usize = 64;

/// How far above the limit connections may go while idle ones are still closing.
const OVERLAP: u64 = 64;

/// Pause after a failed `accept`, which otherwise would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The same when an idle connection is giving up its file descriptor just now.
const ROOM_PAUSE: Duration = Duration::from_millis(1);

/// At most one line in the log in this time about failing or refused connections.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// What may change while the listener runs; connections that are open keep what they began with.
#[derive(Clone)]
pub(crate) struct ListenSettings {
    /// Most connections at a time; beyond it an idle one is closed, or the newest when none is idle.
    pub(crate) max_connections: usize,
    /// For a TLS handshake, for a request head, and until the next request.
    pub(crate) idle_timeout: Duration,
    /// For a whole request body, and for a client to take the next bytes of an answer.
    pub(crate) transfer_timeout: Duration,
    /// For requests that have arrived when the process ends.
    pub(crate) drain_timeout: Duration,
    /// Certificate and key, when the listener speaks TLS.
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
}

impl ListenSettings {
    /// What `[server]` says; reads the certificate and the key.
    ///
    /// # Errors
    /// Those of [`tls::load`].
    pub(crate) fn from_config(server: &config::Server) -> Result<Self> {
        Ok(Self {
            max_connections: server.max_connections,
            idle_timeout: server.idle_timeout,
            transfer_timeout: TRANSFER,
            drain_timeout: DRAIN,
            tls: server.tls.as_ref().map(tls::load).transpose()?,
        })
    }
}

/// What is spoken on the connections of a listener.
pub(crate) trait Protocol: Send + 'static {
    /// Starts the task of a connection, which holds the guest until its end. It ends by itself, by its time limits, or
    /// because the connection is asked to.
    fn start(&self, stream: TcpStream, guest: Guest, settings: &ListenSettings) -> AbortHandle;
}

/// A bound address with all that is needed to serve it.
pub(crate) struct Listener {
    socket: TcpListener,
    settings: Arc<ArcSwap<ListenSettings>>,
    clock: Arc<dyn Clock>,
    counts: Arc<ConnectionCounts>,
}

impl Listener {
    /// Binds an address; `key` of `[server]` is the one to look at if that fails. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] when the address is in use, not of this machine, or not permitted.
    pub(crate) fn bind(
        key: &str,
        address: SocketAddr,
        settings: Arc<ArcSwap<ListenSettings>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let bind = || {
            let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            // A restart must not wait for connections of the process before.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(BACKLOG)
        };
        let socket = bind().map_err(|error: io::Error| {
            Error::new(Kind::Unavailable, format!("cannot listen on {address} ([server] {key})")).because(error)
        })?;
        Ok(Self { socket, settings, clock, counts: Arc::default() })
    }

    /// The address, with the port that the system chose if it was 0.
    ///
    /// # Errors
    /// [`Kind::Internal`] when the system does not know it.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        let unknown = |error| Error::new(Kind::Internal, "the listener has no address").because(error);
        self.socket.local_addr().map_err(unknown)
    }

    /// Numbers about the connections, for the metrics.
    #[must_use]
    pub(crate) fn counts(&self) -> Arc<ConnectionCounts> {
        Arc::clone(&self.counts)
    }

    /// Counts in these numbers, which outlive the listener.
    pub(crate) fn counting(self, counts: Arc<ConnectionCounts>) -> Self {
        Self { counts, ..self }
    }

    /// Serves until `shutdown` is there, then drains, and returns when every connection has ended.
    pub(crate) async fn serve(self, protocol: impl Protocol, shutdown: impl Future<Output = ()>) {
        self.accept(protocol, shutdown).await.drain().await;
    }

    /// Accepts until `shutdown` is there. The socket is closed then; connections go on until they are drained.
    pub(crate) async fn accept(self, protocol: impl Protocol, shutdown: impl Future<Output = ()>) -> Leaving {
        let Self { socket, settings, clock, counts } = self;
        let (alive, all_ended) = mpsc::channel(1);
        let mut hall =
            Hall { protocol, settings, clock, counts, alive, inside: Vec::new(), cursor: 0, quiet_until: None };
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = shutdown.as_mut() => break,
                accepted = socket.accept() => match accepted {
                    Ok((stream, peer)) => hall.enter(stream, peer),
                    Err(error) => hall.stumble(&error).await,
                }
            }
        }
        hall.enter_waiting(socket);
        let drain_timeout = hall.settings.load().drain_timeout;
        Leaving { inside: hall.inside, all_ended, drain_timeout }
    }
}

/// The connections of a listener that accepts no more.
pub(crate) struct Leaving {
    inside: Vec<(Arc<Connection>, AbortHandle)>,
    all_ended: mpsc::Receiver<Infallible>,
    drain_timeout: Duration,
}

impl Leaving {
    /// Asks every connection to end, and returns when all have ended, or were ended after `drain_timeout`.
    pub(crate) async fn drain(mut self) {
        self.inside.iter().for_each(|(connection, _)| connection.end(Ending::Drain));
        if tokio::time::timeout(self.drain_timeout, self.all_ended.recv()).await.is_err() {
            let left = self.inside.iter().filter(|(_, task)| !task.is_finished()).count();
            tracing::warn!(connections = left, "closed connections that did not end in time");
            self.inside.iter().for_each(|(_, task)| task.abort());
        }
    }
}

/// The connections, and what each new one needs. Owned by the accepting task.
struct Hall<P> {
    protocol: P,
    settings: Arc<ArcSwap<ListenSettings>>,
    clock: Arc<dyn Clock>,
    counts: Arc<ConnectionCounts>,
    /// Each connection holds one; when all are gone, all have ended.
    alive: mpsc::Sender<Infallible>,
    /// Connections and their tasks, ended ones among them until the next clean-up.
    inside: Vec<(Arc<Connection>, AbortHandle)>,
    /// Where the next search for an idle connection begins.
    cursor: usize,
    /// No log line about refused connections before this.
    quiet_until: Option<Instant>,
}

impl<P: Protocol> Hall<P> {
    /// Starts the task of a connection, if there is room for it or room can be made.
    fn enter(&mut self, stream: TcpStream, peer: SocketAddr) {
        let settings = self.settings.load();
        let open = self.counts.open.load(Ordering::Relaxed);
        let most = u64::try_from(settings.max_connections).unwrap_or(u64::MAX);
        if open >= most && (open >= most.saturating_add(OVERLAP) || !self.make_room()) {
            ConnectionCounts::add(&self.counts.turned_away);
            self.complain(|| {
                tracing::warn!(open, "too many connections, none of them idle ([server] max_connections)")
            });
            return;
        }
        // An answer is one small packet; without this it could wait for an acknowledgement.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let connection = Arc::new(Connection::new(peer, Arc::clone(&self.clock)));
        let guest = Guest::new(Arc::clone(&connection), Arc::clone(&self.counts), self.alive.clone());
        let task = self.protocol.start(stream, guest, &settings);
        self.inside.push((connection, task));
        if self.inside.len() > 2 * usize::try_from(open).unwrap_or(usize::MAX / 4) + 2 * SAMPLE {
            self.inside.retain(|(_, task)| !task.is_finished());
        }
    }

    /// Closes the connection that has been idle longest among the next few; says whether there was one.
    fn make_room(&mut self) -> bool {
        self.inside.retain(|(_, task)| !task.is_finished());
        let begin = self.cursor % self.inside.len().max(1);
        self.cursor = begin + SAMPLE;
        let idle = |(connection, _): &(Arc<Connection>, AbortHandle)| {
            connection.idle().filter(|_| !connection.is_ending()).map(|idle| (idle, Arc::clone(connection)))
        };
        let around = self.inside[begin..].iter().chain(&self.inside[..begin]).take(SAMPLE);
        let Some((_, longest)) = around.filter_map(idle).max_by_key(|(idle, _)| *idle) else { return false };
        longest.end(Ending::MakeRoom);
        ConnectionCounts::add(&self.counts.made_room);
        true
    }

    /// After a failed `accept`: goes on, after a pause if the failure is not about one connection alone.
    async fn stumble(&mut self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
        ConnectionCounts::add(&self.counts.accept_errors);
        if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
            return;
        }
        // Most likely the file descriptors ran out: an idle connection holds one.
        let pause = if self.make_room() { ROOM_PAUSE } else { ACCEPT_PAUSE };
        self.complain(|| tracing::error!(%error, "cannot accept connections for the moment"));
        tokio::time::sleep(pause).await;
    }

    /// Takes in the connections that the kernel has already established, then closes the listener.
    fn enter_waiting(&mut self, socket: TcpListener) {
        let Ok(socket) = socket.into_std() else { return };
        while let Ok((stream, peer)) = socket.accept() {
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                self.enter(stream, peer);
            }
        }
    }

    fn complain(&mut self, log: impl FnOnce()) {
        let now = self.clock.now();
        if self.quiet_until.is_none_or(|until| now >= until) {
            self.quiet_until = Some(now + LOG_PAUSE);
            log();
        }
    }
}

/// A connection in its task: counts it as open as long as the task lives, and notices when a panic ends it.
pub(crate) struct Guest {
    pub(crate) connection: Arc<Connection>,
    pub(crate) counts: Arc<ConnectionCounts>,
    _alive: mpsc::Sender<Infallible>,
}

impl Guest {
    fn new(connection: Arc<Connection>, counts: Arc<ConnectionCounts>, alive: mpsc::Sender<Infallible>) -> Self {
        ConnectionCounts::add(&counts.open);
        ConnectionCounts::add(&counts.accepted);
        Self { connection, counts, _alive: alive }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.counts.open.fetch_sub(1, Ordering::Relaxed);
        if std::thread::panicking() {
            ConnectionCounts::add(&self.counts.panics);
            tracing::error!("a request handler panicked; its connection was closed");
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::response::Response;
    use http::Request;

    use super::super::web::{App, Web};
    use super::*;
    use crate::access::Peer;
    use crate::clock::SystemClock;

    #[derive(Clone)]
    struct Nothing;

    impl App for Nothing {
        async fn answer(&self, _: Peer, _: Request<Body>) -> Response {
            Response::default()
        }
    }

    #[tokio::test]
    async fn a_failing_accept_is_counted_makes_room_and_is_tried_again() {
        let settings = ListenSettings {
            max_connections: 10,
            idle_timeout: DRAIN,
            transfer_timeout: DRAIN,
            drain_timeout: DRAIN,
            tls: None,
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let idle = Arc::new(Connection::new(([127, 0, 0, 1], 1).into(), Arc::clone(&clock)));
        let task = tokio::spawn(std::future::pending::<()>());
        let mut hall = Hall {
            protocol: Web(Nothing),
            settings: Arc::new(ArcSwap::from_pointee(settings)),
            clock,
            counts: Arc::default(),
            alive: mpsc::channel(1).0,
            inside: vec![(Arc::clone(&idle), task.abort_handle())],
            cursor: 7,
            quiet_until: None,
        };
        hall.stumble(&io::Error::from(io::ErrorKind::ConnectionAborted)).await;
        assert!(!idle.is_ending(), "that client went away; the others are not to blame");
        let too_many_open_files = io::Error::from_raw_os_error(24);
        hall.stumble(&too_many_open_files).await;
        assert!(idle.is_ending());
        hall.stumble(&too_many_open_files).await;
        assert_eq!(hall.counts.accept_errors.load(Ordering::Relaxed), 3);
        assert_eq!(hall.counts.made_room.load(Ordering::Relaxed), 1, "nobody is asked to go twice");
        task.abort();
    }
}
