//! FastAGI on the connections of a listener, and the listener itself, which a reload may start, move and end.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use metrics::counter;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::connection::{Busy, Connection};
use super::counts::ConnectionCounts;
use super::listen::{Guest, ListenSettings, Listener, Protocol};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::faces::agi::{Agi, Environment, Lines, NoEnvironment};
use crate::metrics::AGI_CALLS;

/// How long Asterisk may take for its question, if `idle_timeout` is not shorter. It sends all of it at once, and the
/// call is held until we close.
const QUESTION: Duration = Duration::from_secs(5);

/// Answers Asterisk's questions.
#[derive(Clone)]
struct FastAgi(Arc<Agi>);

impl Protocol for FastAgi {
    fn start(&self, stream: TcpStream, guest: Guest, settings: &ListenSettings) -> AbortHandle {
        let agi = Arc::clone(&self.0);
        let patience = settings.idle_timeout.min(QUESTION);
        let task = tokio::spawn(async move {
            let end = converse(stream, &agi, &guest.connection, patience, &guest.counts).await;
            counter!(AGI_CALLS, "result" => end).increment(1);
        });
        task.abort_handle()
    }
}

/// Reads the question, answers it, and closes the connection; says in one word how it ended.
async fn converse(
    stream: TcpStream,
    agi: &Agi,
    connection: &Arc<Connection>,
    patience: Duration,
    counts: &ConnectionCounts,
) -> &'static str {
    let mut lines = Lines::new(stream);
    let environment = tokio::select! {
        biased;
        read = tokio::time::timeout(patience, Environment::read(&mut lines)) => read,
        () = connection.gives_up() => return "told_to_go",
    };
    let environment = match environment {
        Ok(Ok(environment)) => environment,
        Ok(Err(NoEnvironment::Closed)) => return "no_question",
        Ok(Err(NoEnvironment::TooLong)) => return "malformed",
        Err(_) => {
            ConnectionCounts::add(&counts.timed_out);
            return "no_question";
        }
    };
    // From here on the connection is not idle: neither the limit nor the end of the process takes the answer away.
    let _busy = Busy::start(Arc::clone(connection));
    let end = agi.answer(&mut lines, &environment, connection.peer()).await;
    lines.finish().await;
    end.as_str()
}

/// The FastAGI listener of the process, when there is one.
pub(super) struct AgiDoor {
    protocol: FastAgi,
    settings: Arc<ArcSwap<ListenSettings>>,
    clock: Arc<dyn Clock>,
    counts: Arc<ConnectionCounts>,
    /// Held for moments only; changes come one after the other, from the task that reads the configuration again.
    open: Mutex<Option<Open>>,
    /// Each serving task holds one; when all are gone, all connections have ended.
    serving: Mutex<Option<mpsc::Sender<()>>>,
    all_ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

/// A listener that accepts connections.
struct Open {
    /// As configured; the port may be 0.
    wanted: SocketAddr,
    /// Dropped to close it.
    stop: oneshot::Sender<()>,
    /// Ends when its socket is closed, so that the port is free again.
    closed: oneshot::Receiver<()>,
}

impl AgiDoor {
    /// A door that is not open yet.
    pub(super) fn new(agi: Agi, settings: Arc<ArcSwap<ListenSettings>>, clock: Arc<dyn Clock>) -> Self {
        let (serving, all_ended) = mpsc::channel(1);
        Self {
            protocol: FastAgi(Arc::new(agi)),
            settings,
            clock,
            counts: Arc::default(),
            open: Mutex::default(),
            serving: Mutex::new(Some(serving)),
            all_ended: tokio::sync::Mutex::new(all_ended),
        }
    }

    /// Numbers about the connections, for the metrics.
    pub(super) fn counts(&self) -> Arc<ConnectionCounts> {
        Arc::clone(&self.counts)
    }

    /// Opens, moves or closes the listener, so that it is at this address. Returns the address in use, with the port
    /// that the system chose; `None` when nothing was opened. Conversations under way end as they began.
    ///
    /// # Errors
    /// When the address cannot be had; the listener is where it was then.
    pub(super) async fn move_to(&self, wanted: Option<SocketAddr>) -> Result<Option<SocketAddr>> {
        let before = self.take();
        match (before, wanted) {
            (Some(open), Some(wanted)) if open.wanted == wanted => {
                self.put(Some(open));
                Ok(None)
            }
            // The new address may contain the old one (0.0.0.0 and 127.0.0.1): the port has to be free first.
            (Some(open), Some(wanted)) if open.wanted.port() == wanted.port() => {
                let old = open.wanted;
                open.close().await;
                self.open(wanted).map(Some).inspect_err(|_| {
                    if let Err(error) = self.open(old) {
                        tracing::error!("the FastAGI listener is closed\n{error}");
                    }
                })
            }
            (before, Some(wanted)) => match self.open(wanted) {
                Ok(address) => {
                    drop(before);
                    Ok(Some(address))
                }
                Err(error) => {
                    self.put(before);
                    Err(error)
                }
            },
            (before, None) => {
                drop(before);
                Ok(None)
            }
        }
    }

    /// Closes the listener, and returns when every conversation has ended.
    pub(super) async fn close(&self) {
        drop(self.take());
        drop(self.serving.lock().unwrap_or_else(PoisonError::into_inner).take());
        // Nothing is ever sent: this ends when the last serving task has.
        let _ = self.all_ended.lock().await.recv().await;
    }

    fn open(&self, wanted: SocketAddr) -> Result<SocketAddr> {
        let Some(serving) = self.serving.lock().unwrap_or_else(PoisonError::into_inner).clone() else {
            return Err(Error::new(Kind::Unavailable, "the process is ending"));
        };
        let listener = Listener::bind("agi", wanted, Arc::clone(&self.settings), Arc::clone(&self.clock))?;
        let listener = listener.counting(Arc::clone(&self.counts));
        let address = listener.address()?;
        let (stop, stopped) = oneshot::channel();
        let (close, closed) = oneshot::channel();
        let protocol = self.protocol.clone();
        tokio::spawn(async move {
            let _serving = serving;
            // The sender is dropped to say stop.
            let leaving = listener.accept(protocol, async { drop(stopped.await) }).await;
            // Whoever waited for the port may have gone.
            let _ = close.send(());
            leaving.drain().await;
        });
        self.put(Some(Open { wanted, stop, closed }));
        Ok(address)
    }

    fn take(&self) -> Option<Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, open: Option<Open>) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = open;
    }
}

impl Open {
    /// Closes the socket and returns when that is done.
    async fn close(self) {
        drop(self.stop);
        let _ = self.closed.await;
    }
}
