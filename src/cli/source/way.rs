//! The way to a system: its name, the connection, the TLS handshake, each by itself and with its time.
//!
//! So trouble on the way is told from trouble with the system. The lookup itself makes a connection of its own.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use crate::clock::Clock;
use crate::config;
use crate::sources::http::{CONNECT_LIMIT, shake_hands};

/// Goes the way step by step, as far as it leads. A tenant's source is left to the client, which checks where it leads.
pub(super) async fn find_way(source: &config::Source, clock: &dyn Clock) -> Vec<String> {
    let url = source.url.as_ref().and_then(|url| Url::parse(url.reveal()).ok()).filter(|_| !source.tenant);
    let Some((url, port)) = url.and_then(|url| port_of(&url).map(|port| (url, port))) else { return Vec::new() };
    let Some(host) = url.host_str() else { return Vec::new() };
    let mut way = Vec::new();
    if let Some(found) = resolve(host, port, clock, &mut way).await
        && let Some(stream) = connect(&found, port, clock, &mut way).await
        && url.scheme() == "https"
    {
        way.push(secure(stream, host, source, clock).await);
    }
    way
}

fn port_of(url: &Url) -> Option<u16> {
    url.port_or_known_default().or(match url.scheme() {
        "postgres" | "postgresql" => Some(5432),
        "mysql" | "mariadb" => Some(3306),
        _ => None,
    })
}

async fn resolve(host: &str, port: u16, clock: &dyn Clock, way: &mut Vec<String>) -> Option<Vec<SocketAddr>> {
    let start = clock.now();
    match timeout(CONNECT_LIMIT, tokio::net::lookup_host((bare(host), port))).await {
        Ok(Ok(found)) => {
            let found: Vec<SocketAddr> = found.collect();
            let addresses: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
            way.push(format!("name      {host} is {} ({})", addresses.join(", "), millis(start, clock.now())));
            return Some(found);
        }
        Ok(Err(why)) => way.push(format!("name      {host} is not known: {why}")),
        Err(_) => way.push(format!("name      nobody says within {} s what {host} is", CONNECT_LIMIT.as_secs())),
    }
    None
}

async fn connect(found: &[SocketAddr], port: u16, clock: &dyn Clock, way: &mut Vec<String>) -> Option<TcpStream> {
    let start = clock.now();
    match timeout(CONNECT_LIMIT, TcpStream::connect(found)).await {
        Ok(Ok(stream)) => {
            way.push(format!("connect   port {port} answers ({})", millis(start, clock.now())));
            return Some(stream);
        }
        Ok(Err(why)) => way.push(format!("connect   port {port} does not: {why}")),
        Err(_) => way.push(format!("connect   port {port} does not answer within {} s", CONNECT_LIMIT.as_secs())),
    }
    None
}

async fn secure(stream: TcpStream, host: &str, source: &config::Source, clock: &dyn Clock) -> String {
    let start = clock.now();
    match timeout(CONNECT_LIMIT, shake_hands(stream, bare(host), source.ca_file.as_deref())).await {
        Ok(Ok(())) => format!("tls       its certificate is trusted ({})", millis(start, clock.now())),
        Ok(Err(why)) => format!("tls       {why}"),
        Err(_) => format!("tls       it does not answer within {} s", CONNECT_LIMIT.as_secs()),
    }
}

/// An IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}

fn millis(from: Instant, to: Instant) -> String {
    format!("{:.1} ms", to.saturating_duration_since(from).as_secs_f64() * 1000.0)
}
