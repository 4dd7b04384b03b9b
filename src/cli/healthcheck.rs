//! `calldex healthcheck`: asks the running server whether it is ready, for supervisors that run a command.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::config::{self, parse_duration};
use crate::error::{Error, Kind, Result};

use super::{Outcome, workshop};

/// What to ask, and how long to wait.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long connecting, asking and reading may each take
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = parse_patience)]
    timeout: Duration,
}

fn parse_patience(text: &str) -> std::result::Result<Duration, String> {
    let some = parse_duration(text).filter(|patience| !patience.is_zero());
    some.ok_or_else(|| "expected a time with its unit, such as 500ms or 3s".to_owned())
}

pub(crate) fn run(file: &Path, arguments: &Arguments) -> Outcome {
    let patience = arguments.timeout;
    // A supervisor that ends what fails this check must not do so because of a slip in a file that is not in force.
    let server = config::load_server(file, &config::process_environment)?;
    let address = reachable(server.listen);
    if server.tls.is_some() {
        // The certificate is for the public name, not for this address: that it answers at all is what can be asked.
        return connect(address, patience).map(drop);
    }
    let answer = ask(address, patience)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    writeln!(std::io::stdout(), "{body}").map_err(workshop::unwritable)?;
    if head.starts_with("HTTP/1.1 200 ") || head.starts_with("HTTP/1.0 200 ") {
        return Ok(());
    }
    Err(Error::new(Kind::Unavailable, format!("the server at {address} is not ready")))
}

/// The address on which this machine reaches a listener that is bound to all addresses.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn connect(address: SocketAddr, patience: Duration) -> Result<TcpStream> {
    TcpStream::connect_timeout(&address, patience)
        .map_err(|error| Error::new(Kind::Unavailable, format!("no server answers at {address}")).because(error))
}

fn ask(address: SocketAddr, patience: Duration) -> Result<String> {
    let broken = |error: std::io::Error| {
        Error::new(Kind::Unavailable, format!("the server at {address} does not answer")).because(error)
    };
    let mut stream = connect(address, patience)?;
    stream.set_read_timeout(Some(patience)).map_err(broken)?;
    stream.set_write_timeout(Some(patience)).map_err(broken)?;
    write!(stream, "GET /readyz HTTP/1.0\r\nHost: {address}\r\n\r\n").map_err(broken)?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer).map_err(broken)?;
    Ok(answer)
}
