//! HTTP on the connections of a listener: TLS first where it is configured, then hyper.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::Service;

use super::connection::{Connection, Patience, run};
use super::counts::ConnectionCounts;
use super::listen::{Guest, ListenSettings, Protocol};

/// An application that answers HTTP requests. Each carries a [`crate::access::Peer`] in its extensions.
pub(crate) struct Web<S>(pub(crate) S);

impl<S> Protocol for Web<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    fn start(
        &self,
        stream: TcpStream,
        connection: Arc<Connection>,
        settings: &ListenSettings,
        guest: Guest,
    ) -> AbortHandle {
        let patience = Patience { idle: settings.idle_timeout, transfer: settings.transfer_timeout };
        let app = self.0.clone();
        // Two kinds of task, so that a plain connection does not cost the memory of one with TLS.
        let task = match settings.tls.clone() {
            None => tokio::spawn(async move { run(stream, app, &connection, patience, &guest.counts).await }),
            Some(tls) => tokio::spawn(async move {
                if let Some(stream) = shake_hands(stream, tls, &connection, patience, &guest.counts).await {
                    run(stream, app, &connection, patience, &guest.counts).await;
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
