//! A client that sends exactly the bytes it is given.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use super::PATIENCE;

/// An answer as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        super::text(&self.body)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// `GET` on a connection of its own.
pub(crate) fn get(address: SocketAddr, target: &str) -> Reply {
    send(address, format!("GET {target} HTTP/1.1\r\nHost: calldex\r\nConnection: close\r\n\r\n").as_bytes())
}

/// `GET` that reports an event, and again while it was too late to the disk, as a PBX does.
pub(crate) fn report(address: SocketAddr, target: &str) -> Reply {
    let end = Instant::now() + PATIENCE;
    loop {
        let reply = get(address, target);
        if reply.status != 503 || Instant::now() > end {
            return reply;
        }
    }
}

/// `HEAD` on a connection of its own; the reply has no body.
pub(crate) fn head(address: SocketAddr, target: &str) -> Reply {
    send(address, format!("HEAD {target} HTTP/1.1\r\nHost: calldex\r\nConnection: close\r\n\r\n").as_bytes())
}

/// `POST` on a connection of its own.
pub(crate) fn post(address: SocketAddr, target: &str, content_type: &str, body: &[u8]) -> Reply {
    let mut request = format!(
        "POST {target} HTTP/1.1\r\nHost: calldex\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    send(address, &request)
}

/// Sends bytes and reads until the server closes the connection.
pub(crate) fn send(address: SocketAddr, request: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that refuses in the middle of a long body closes early; its answer is read all the same.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    parse(&bytes)
}

/// Reads what has come; a machine that was stopped and goes on interrupts a read that has a time limit.
pub(crate) fn read_some(stream: &mut TcpStream, piece: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match stream.read(piece) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn parse(bytes: &[u8]) -> Reply {
    let (reply, length) = parse_head(bytes).unwrap_or_else(|| panic!("no answer: {:?}", super::text(bytes)));
    Reply { body: bytes[length..].to_vec(), ..reply }
}

/// Status and headers, with the length of the head; `None` while it is not complete.
pub(super) fn parse_head(bytes: &[u8]) -> Option<(Reply, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = super::text(&bytes[..end]);
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Some((Reply { status, headers, body: Vec::new() }, end + 4))
}
