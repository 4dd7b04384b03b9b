//! Lines of bounded length over a connection, in both directions.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest line that is read, in bytes; Asterisk itself writes at most 8 KiB.
const LONGEST: usize = 16 * 1024;

/// Room for the first bytes; a whole question of Asterisk fits into twice as much.
const ROOM: usize = 512;

/// A connection that speaks in lines.
pub struct Lines<S> {
    stream: S,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no line end.
    looked_at: usize,
}

/// Why there is no further line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoLine {
    /// The other end has closed the connection.
    Closed,
    /// The line is longer than any that Asterisk sends.
    TooLong,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lines<S> {
    /// Lines over a stream that has not been read.
    pub fn new(stream: S) -> Self {
        Self { stream, buffer: BytesMut::new(), looked_at: 0 }
    }

    /// The next line without its end, which may be LF or CR LF. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<String, NoLine> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[self.looked_at..]) {
                let line = self.buffer.split_to(self.looked_at + end + 1);
                self.looked_at = 0;
                let line = &line[..line.len() - 1];
                return Ok(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned());
            }
            self.looked_at = self.buffer.len();
            if self.buffer.len() > LONGEST {
                return Err(NoLine::TooLong);
            }
            self.buffer.reserve(ROOM);
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Err(NoLine::Closed),
                Ok(_) => {}
            }
        }
    }

    /// Sends a line, whole: Asterisk takes one command at a time, in one piece.
    pub(super) async fn send(&mut self, line: &str) -> io::Result<()> {
        self.stream.write_all(line.as_bytes()).await?;
        self.stream.flush().await
    }

    /// Says that nothing more will be sent, which lets Asterisk go on with the call.
    pub async fn finish(mut self) {
        // The other end may be gone already.
        let _ = self.stream.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_may_come_in_pieces_and_end_in_any_way_but_not_be_endless() {
        let (mut asterisk, ours) = tokio::io::duplex(64 * 1024);
        let mut lines = Lines::new(ours);
        asterisk.write_all(b"one\r\ntw").await.unwrap();
        assert_eq!(lines.next().await.unwrap(), "one");
        tokio::select! {
            biased;
            _ = lines.next() => panic!("half a line is none"),
            () = tokio::task::yield_now() => {}
        }
        asterisk.write_all(b"o\n\n\xff\n").await.unwrap();
        assert_eq!(lines.next().await.unwrap(), "two");
        assert_eq!(lines.next().await.unwrap(), "");
        assert_eq!(lines.next().await.unwrap(), "\u{fffd}");
        asterisk.write_all(&vec![b'a'; LONGEST + 1]).await.unwrap();
        assert_eq!(lines.next().await, Err(NoLine::TooLong));
    }

    #[tokio::test]
    async fn half_a_line_before_the_end_is_no_line() {
        let (mut asterisk, ours) = tokio::io::duplex(64);
        asterisk.write_all(b"agi_network").await.unwrap();
        drop(asterisk);
        assert_eq!(Lines::new(ours).next().await, Err(NoLine::Closed));
    }
}
