//! A system that keeps every byte of the requests that it gets.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The server; its threads end with the process.
pub(crate) struct Tap {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

/// What becomes of a request that so many came before.
type Answer = dyn Fn(usize, &str) -> Option<String> + Send + Sync;

struct Shared {
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
    answer: Box<Answer>,
}

impl Tap {
    /// Starts it. The whole answer is made of the request and of how many came before it; without one the connection is
    /// closed.
    pub(crate) fn start(answer: impl Fn(usize, &str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").unwrap(), answer)
    }

    /// The same at a chosen address.
    pub(crate) fn at(
        listener: TcpListener,
        answer: impl Fn(usize, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let port = listener.local_addr().unwrap().port();
        let shared =
            Arc::new(Shared { requests: Mutex::default(), connections: AtomicUsize::new(0), answer: Box::new(answer) });
        let accepted = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                accepted.connections.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&accepted);
                // Whoever asks may be gone before the answer.
                std::thread::spawn(move || shared.serve(stream).is_ok());
            }
        });
        Self { port, shared }
    }

    /// An answer of JSON.
    pub(crate) fn json(status: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        )
    }

    /// What has come, each with its body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How often somebody has connected.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        loop {
            let mut request = Vec::new();
            let mut read = |request: &mut Vec<u8>| {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                request.push(byte[0]);
                std::io::Result::Ok(())
            };
            while !request.ends_with(b"\r\n\r\n") {
                read(&mut request)?;
            }
            for _ in 0..body_length(&super::text(&request)) {
                read(&mut request)?;
            }
            let request = super::text(&request);
            let before = {
                let mut requests = self.requests.lock().unwrap();
                requests.push(request.clone());
                requests.len() - 1
            };
            match (self.answer)(before, &request) {
                Some(answer) => stream.write_all(answer.as_bytes())?,
                None => return Ok(()),
            }
        }
    }
}

fn body_length(head: &str) -> usize {
    let lengths =
        head.lines().filter_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned));
    lengths.filter_map(|length| length.trim().parse().ok()).next().unwrap_or(0)
}
