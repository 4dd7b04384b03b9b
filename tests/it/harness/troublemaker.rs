//! A system that answers, or does whatever else a system and the network before it can do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Answers as told.
    Answer,
    /// The same, half a second later.
    Slow,
    /// Reads the request and says nothing.
    Hang,
    /// Closes in the middle of the answer.
    Cut,
    /// Closes at once, with what it was sent unread.
    Reset,
    /// Answers with bytes that are no HTTP.
    Garbage,
    /// Answers with a web page and status 200.
    Page,
    /// Answers with status 500.
    Fail,
    /// Answers with status 401.
    Refuse,
    /// Answers one byte at a time, so slowly that it never ends.
    Drip,
}

/// The server; its threads end with the process.
pub(crate) struct Troublemaker {
    pub(crate) port: u16,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<AtomicUsize>,
}

impl Troublemaker {
    /// Starts it; `body` is the right answer.
    pub(crate) fn start(body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mood = Arc::new(Mutex::new(Mood::Answer));
        let asked = Arc::new(AtomicUsize::new(0));
        let (moods, count) = (Arc::clone(&mood), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (moods, count) = (Arc::clone(&moods), Arc::clone(&count));
                std::thread::spawn(move || {
                    // Whoever asks may be gone before the answer.
                    let _ = serve(stream, body, &moods, &count);
                });
            }
        });
        Self { port, mood, asked }
    }

    /// What it does from now on.
    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// How many requests have come.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, body: &str, moods: &Mutex<Mood>, count: &AtomicUsize) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
        let mood = *moods.lock().unwrap();
        if mood == Mood::Reset && request.len() > 10 {
            count.fetch_add(1, Ordering::SeqCst);
            return Ok(());
        }
    }
    count.fetch_add(1, Ordering::SeqCst);
    let head = |status: &str, kind: &str, length: usize| {
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
    };
    let whole = head("200 OK", "application/json", body.len()) + body;
    let mood = *moods.lock().unwrap();
    match mood {
        Mood::Answer => stream.write_all(whole.as_bytes()),
        Mood::Slow => {
            std::thread::sleep(Duration::from_millis(500));
            stream.write_all(whole.as_bytes())
        }
        Mood::Hang => stream.read_exact(&mut byte),
        Mood::Cut => stream.write_all(&whole.as_bytes()[..whole.len() - body.len() / 2]),
        Mood::Reset => Ok(()),
        Mood::Garbage => stream.write_all(b"\x16\x03\x01\x00\xffnothing that anybody knows\r\n\r\n"),
        Mood::Page => {
            let page = "<html><body><name>Fatal error</name></body></html>";
            stream.write_all((head("200 OK", "text/html", page.len()) + page).as_bytes())
        }
        Mood::Fail => stream.write_all((head("500 Oops", "application/json", body.len()) + body).as_bytes()),
        Mood::Refuse => stream.write_all((head("401 Unauthorized", "application/json", body.len()) + body).as_bytes()),
        Mood::Drip => {
            for byte in whole.as_bytes() {
                stream.write_all(&[*byte])?;
                std::thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }
    }
}
