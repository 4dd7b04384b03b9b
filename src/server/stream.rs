//! The byte stream of one connection, between the socket and hyper.
//!
//! On the way in, request lines are repaired ([`Tolerant`]). On the way out, a client that takes no byte for too long
//! ends the connection: hyper has no time limit for writing.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::connection::Connection;
use super::tolerant::Tolerant;

/// A socket, or TLS over it, with the two additions.
pub(crate) struct Stream<IO> {
    inner: IO,
    tolerant: Tolerant,
    /// Repaired bytes that hyper has not fetched yet, from `fetched` on.
    ready: Vec<u8>,
    fetched: usize,
    connection: Arc<Connection>,
    /// Longest time in which the client may take no byte.
    patience: Duration,
    /// Runs while the client takes none.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<IO> Stream<IO> {
    pub(crate) fn new(inner: IO, connection: Arc<Connection>, patience: Duration) -> Self {
        let tolerant = Tolerant::default();
        Self { inner, tolerant, ready: Vec::new(), fetched: 0, connection, patience, stalled: None }
    }

    /// Hands out repaired bytes; returns whether there were any.
    fn fetch(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let waiting = &self.ready[self.fetched..];
        let taken = waiting.len().min(buffer.remaining());
        buffer.put_slice(&waiting[..taken]);
        self.fetched += taken;
        if self.fetched == self.ready.len() {
            // A repaired line is rare: its memory goes back.
            self.ready = Vec::new();
            self.fetched = 0;
        }
        taken > 0
    }

    /// Passes what was read behind `start`, or takes it out of the buffer for repair.
    fn look_through(&mut self, buffer: &mut ReadBuf<'_>, start: usize) {
        let read = &buffer.filled()[start..];
        let passing = if self.tolerant.holds() { 0 } else { self.tolerant.pass(read) };
        if passing < read.len() {
            self.tolerant.take(&read[passing..], &mut self.ready);
            buffer.set_filled(start + passing);
            if self.tolerant.is_proxied() {
                self.connection.note_proxy_line();
            }
        }
    }

    /// Takes bytes back that were handed out; they come first when the next reader fetches.
    pub(crate) fn put_back(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.ready = [bytes, &self.ready[self.fetched..]].concat();
            self.fetched = 0;
        }
    }

    /// Tells the connection whether it could rest now.
    fn note_settled(&self) {
        let nothing_on_its_way = self.stalled.is_none() && self.ready.is_empty();
        self.connection.note_settled(nothing_on_its_way && self.tolerant.is_between_requests());
    }

    /// Lets a write that cannot go on wait, but not for ever.
    fn bounded<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if self.stalled.take().is_some() {
                self.note_settled();
            }
            return written;
        }
        self.connection.note_settled(false);
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.patience)));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<IO: AsyncRead + Unpin> Stream<IO> {
    /// Waits for the client without a buffer: until bytes come, which a reader then fetches, or the connection ends,
    /// which a reader then sees. What was put back has come already: further requests of a client that sends several at
    /// once, and now waits for its answers.
    pub(crate) async fn wait(&mut self) {
        if self.fetched < self.ready.len() {
            return;
        }
        poll_fn(|context| {
            let mut bytes = [0_u8; 512];
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut self.inner).poll_read(context, &mut buffer));
            if read.is_ok() && !buffer.filled().is_empty() {
                self.look_through(&mut buffer, 0);
                let passed = buffer.filled().to_vec();
                self.put_back(&passed);
            }
            Poll::Ready(())
        })
        .await;
    }

    fn read(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let start = buffer.filled().len();
        loop {
            if self.fetch(buffer) || buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
            if buffer.filled().len() > start {
                self.look_through(buffer, start);
            } else if self.tolerant.holds() {
                self.tolerant.give_up(&mut self.ready);
            } else {
                return Poll::Ready(Ok(()));
            }
            if buffer.filled().len() > start {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Stream<IO> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = this.read(context, buffer);
        if read.is_ready() {
            this.note_settled();
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Stream<IO> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(context, bytes);
        this.bounded(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(context, slices);
        this.bounded(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.inner).poll_flush(context);
        this.bounded(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.inner).poll_shutdown(context);
        this.bounded(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn a_request_that_was_put_back_is_not_waited_for() {
        let (_client, server) = tokio::io::duplex(64);
        let connection = Arc::new(Connection::new("127.0.0.1:1".parse().unwrap(), Arc::new(SystemClock)));
        let mut stream = Stream::new(server, connection, Duration::from_secs(60));
        stream.put_back(b"GET / HTTP/1.1\r\n\r\n");
        assert!(stream.wait().now_or_never().is_some(), "it waits, while the client waits for its answer");
    }
}
