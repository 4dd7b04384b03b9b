//! Stands in for a system that calls are written to: remembers what it got, and answers as it is told.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A running stand-in; its threads end with the test.
pub(super) struct StandIn {
    pub(super) address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    status: AtomicU16,
    /// For how many seconds it wants to be left alone; 0 says nothing of that.
    quiet: AtomicU16,
    got: Mutex<Vec<Written>>,
}

/// A call that has arrived.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) key: String,
    pub(super) authorization: Option<String>,
    pub(super) body: Value,
    pub(super) status: u16,
}

impl StandIn {
    /// Starts one that takes everything.
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner { status: AtomicU16::new(200), quiet: AtomicU16::new(0), got: Mutex::default() });
        let shared = Arc::clone(&inner);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, inner }
    }

    /// Answers with this status from now on.
    pub(super) fn answer_with(&self, status: u16) {
        self.inner.status.store(status, Ordering::SeqCst);
    }

    /// Asks to be left alone for so many seconds from now on.
    pub(super) fn ask_for_quiet(&self, seconds: u16) {
        self.inner.quiet.store(seconds, Ordering::SeqCst);
    }

    /// Everything that has come, in order, also what was not taken.
    pub(super) fn got(&self) -> Vec<Written> {
        self.inner.got.lock().unwrap().clone()
    }

    /// What was taken.
    pub(super) fn taken(&self) -> Vec<Written> {
        self.got().into_iter().filter(|written| written.status == 200).collect()
    }
}

impl Inner {
    fn serve(&self, stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut answers = stream;
        while let Some((headers, body)) = read(&mut lines) {
            let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            let status = self.status.load(Ordering::SeqCst);
            self.got.lock().unwrap().push(Written {
                key: header("idempotency-key").unwrap_or_default(),
                authorization: header("authorization"),
                body: serde_json::from_slice(&body).unwrap(),
                status,
            });
            // The other end may have been killed.
            let quiet = match self.quiet.load(Ordering::SeqCst) {
                0 => String::new(),
                seconds => format!("Retry-After: {seconds}\r\n"),
            };
            let answer = format!("HTTP/1.1 {status} So\r\n{quiet}Content-Length: 0\r\n\r\n");
            if answers.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// Headers by lower-case name.
type Headers = Vec<(String, String)>;

/// The next request: its headers and its body.
fn read(lines: &mut impl BufRead) -> Option<(Headers, Vec<u8>)> {
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None if line.trim().is_empty() => break,
            None => {}
        }
    }
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    Some((headers, body))
}
