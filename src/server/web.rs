//! HTTP on the connections of a listener: TLS first where it is configured, then hyper.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::connection::{Connection, Patience, run};
use super::counts::ConnectionCounts;
use super::listen::{Guest, ListenSettings, Protocol};
use crate::access::Peer;
use crate::faces::http::Face;

/// What answers HTTP requests; a clone is the same one.
pub(crate) trait App: Clone + Send + Sync + 'static {
    /// Answers a request of this sender; whatever goes wrong, there is an answer.
    fn answer(&self, peer: Peer, request: Request<Body>) -> impl Future<Output = Response> + Send;
}

impl App for Face {
    async fn answer(&self, peer: Peer, request: Request<Body>) -> Response {
        Self::answer(self, peer, request).await
    }
}

/// An application on a listener.
pub(crate) struct Web<A>(pub(crate) A);

impl<A: App> Protocol for Web<A> {
    fn start(&self, stream: TcpStream, guest: Guest, settings: &ListenSettings) -> AbortHandle {
        let patience = Patience { idle: settings.idle_timeout, transfer: settings.transfer_timeout };
        let app = self.0.clone();
        // Two kinds of task, so that a plain connection does not cost the memory of one with TLS.
        let task = match settings.tls.clone() {
            None => tokio::spawn(async move { run(stream, app, &guest.connection, patience, &guest.counts).await }),
            Some(tls) => tokio::spawn(async move {
                if let Some(stream) = shake_hands(stream, tls, &guest.connection, patience, &guest.counts).await {
                    run(stream, app, &guest.connection, patience, &guest.counts).await;
                }
            }),
        };
        task.abort_handle()
    }
}

/// Begins TLS; `None` when the client does not, or not in time.
async fn shake_hands(
    stream: TcpStream,
    tls: Arc<rustls::ServerConfig>,
    connection: &Connection,
    patience: Patience,
    counts: &ConnectionCounts,
) -> Option<TlsStream<TcpStream>> {
    let handshake = tokio::time::timeout(patience.idle, TlsAcceptor::from(tls).accept(stream));
    let shaken = tokio::select! {
        biased;
        shaken = handshake => shaken,
        () = connection.gives_up() => return None,
    };
    let stream = shaken.ok().and_then(std::result::Result::ok);
    if stream.is_none() {
        ConnectionCounts::add(&counts.failed_handshakes);
    }
    stream
}
