//! The way to a system: its name, the connection, the TLS handshake, each by itself and with its time.
//!
//! It is gone ahead of the first request to a host, when somebody watches (`calldex source test`), so that trouble on the
//! way is told from trouble with the system. The request itself makes a connection of its own.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::address::{NotPublic, Reach};
use super::{CONNECT_LIMIT, shake_hands};
use crate::sources::watch::{self, Step};

/// Goes to the host of an address as far as the way leads, unless nobody watches or it was done before.
pub(super) async fn show(url: &Url, reach: Reach, ca_file: Option<&Path>) {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return };
    let Some(stream) = reach_host(host, port, reach).await else { return };
    if url.scheme() == "https" {
        secure(stream, host, ca_file).await;
    }
}

/// Finds a host and connects to it. `None` when nobody watches, when it was done before, and when the way ends.
pub(crate) async fn reach_host(host: &str, port: u16, reach: Reach) -> Option<TcpStream> {
    if !watch::is_new(&format!("{host}:{port}")) {
        return None;
    }
    let found = match bare(host).parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => resolve(host, port, reach).await?,
    };
    connect(&found, port).await
}

async fn resolve(host: &str, port: u16, reach: Reach) -> Option<Vec<SocketAddr>> {
    let step = Step::begin("name");
    match timeout(CONNECT_LIMIT, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(found)) => {
            let (allowed, private): (Vec<_>, Vec<_>) = found.partition(|found| reach.allows(found.ip()));
            if allowed.is_empty() && !private.is_empty() {
                step.end(format!("{host}: {NotPublic}"));
                return None;
            }
            let addresses: Vec<String> = allowed.iter().map(|address| address.ip().to_string()).collect();
            step.end(format!("{host} is {}", addresses.join(", ")));
            return Some(allowed);
        }
        Ok(Err(why)) => step.end(format!("{host} is not known: {why}")),
        Err(_) => step.end(format!("nobody says what {host} is")),
    }
    None
}

async fn connect(found: &[SocketAddr], port: u16) -> Option<TcpStream> {
    let step = Step::begin("connect");
    match timeout(CONNECT_LIMIT, TcpStream::connect(found)).await {
        Ok(Ok(stream)) => {
            step.end(format!("port {port} answers"));
            return Some(stream);
        }
        Ok(Err(why)) => step.end(format!("port {port} does not: {why}")),
        Err(_) => step.end(format!("port {port} does not answer")),
    }
    None
}

async fn secure(stream: TcpStream, host: &str, ca_file: Option<&Path>) {
    let step = Step::begin("tls");
    match timeout(CONNECT_LIMIT, shake_hands(stream, bare(host), ca_file)).await {
        Ok(Ok(())) => step.end("its certificate is trusted".to_owned()),
        Ok(Err(why)) => step.end(why.to_string()),
        Err(_) => step.end("it does not answer".to_owned()),
    }
}

/// An IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}
