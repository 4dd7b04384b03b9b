//! A system whose answers the test makes, each of which may take its time.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What becomes of the first line of a request: a status and a body.
type Answer = dyn Fn(&str) -> (&'static str, String) + Send + Sync;

/// The server; its threads end with the process.
pub(crate) struct Page {
    pub(crate) port: u16,
    asked: Arc<AtomicUsize>,
}

impl Page {
    pub(crate) fn start(answer: impl Fn(&str) -> (&'static str, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<AtomicUsize>::default();
        let (count, answer): (_, Arc<Answer>) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (count, answer) = (Arc::clone(&count), Arc::clone(&answer));
                std::thread::spawn(move || {
                    // Whoever asks may be gone before the answer.
                    let _ = serve(stream, &count, &*answer);
                });
            }
        });
        Self { port, asked }
    }

    /// How many requests have come.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Answers one request after another.
fn serve(mut stream: TcpStream, count: &AtomicUsize, answer: &Answer) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            request.push(byte[0]);
        }
        count.fetch_add(1, Ordering::SeqCst);
        let head = super::text(&request);
        let (status, body) = answer(head.lines().next().unwrap_or_default());
        let length = body.len();
        let reply =
            format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(reply.as_bytes())?;
    }
}
