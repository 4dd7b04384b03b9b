//! A connection that stays open for several requests, and counts one answer for each.

use std::io::{ErrorKind, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use super::client::parse_head;
use super::{PATIENCE, Reply, read_some};

/// A connection with the bytes that have come and belong to no answer yet.
pub(crate) struct Line {
    stream: TcpStream,
    waiting: Vec<u8>,
}

impl Line {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, waiting: Vec::new() }
    }

    /// Sends bytes; false when the server has closed the connection.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish(&self) {
        // The server may have closed it already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// `GET` of a target that must be answered.
    pub(crate) fn get(&mut self, target: &str) -> Reply {
        assert!(self.send(format!("GET {target} HTTP/1.1\r\nHost: calldex\r\n\r\n").as_bytes()), "{target}: closed");
        self.reply().unwrap_or_else(|| panic!("{target}: closed without an answer"))
    }

    /// The next answer, or `None` when the connection ends without one.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        self.reply_with_body(true)
    }

    /// The next answer to a request with a method that has a body in its answer, or not (`HEAD`).
    pub(crate) fn reply_with_body(&mut self, has_body: bool) -> Option<Reply> {
        loop {
            if let Some((mut reply, head)) = parse_head(&self.waiting) {
                let length =
                    reply.header("content-length").filter(|_| has_body).map_or(0, |text| text.parse().unwrap());
                if self.waiting.len() >= head + length {
                    reply.body = self.waiting[head..head + length].to_vec();
                    self.waiting.drain(..head + length);
                    // `100 Continue` announces an answer and is none.
                    if reply.status >= 200 {
                        return Some(reply);
                    }
                    continue;
                }
            }
            if !self.receive() {
                assert!(self.waiting.is_empty(), "half an answer: {:?}", super::text(&self.waiting));
                return None;
            }
        }
    }

    /// Whether bytes have come that belong to no request.
    pub(crate) fn holds_more(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Waits until the server closes the connection, and returns what came before that.
    pub(crate) fn until_closed(&mut self) -> Vec<u8> {
        while self.receive() {}
        std::mem::take(&mut self.waiting)
    }

    /// Reads what has come; false at the end of the connection.
    fn receive(&mut self) -> bool {
        let mut piece = [0_u8; 8192];
        match read_some(&mut self.stream, &mut piece) {
            Ok(count) => {
                self.waiting.extend_from_slice(&piece[..count]);
                count > 0
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("no answer in {PATIENCE:?}; so far {:?}", super::text(&self.waiting))
            }
            // A reset is an end too.
            Err(_) => false,
        }
    }
}
