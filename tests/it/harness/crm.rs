//! A small CRM with a recipe: finds contacts by number, and makes new ones.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// Its recipe, for `recipes/tiny.toml`; a source of it needs `url`.
pub(crate) const RECIPE: &str = r#"
format = 1
title = "Tiny CRM"
[[lookup]]
get = "/contacts"
query = { number = "{{ forms.e164 }}" }
records = "contacts"
[map]
id = "id"
name = "name"
numbers = "[number]"
[out]
backend_link = "https://tiny.example.com/{{ contact.id }}"
[create]
post = "/contacts"
id = "id"
json = { name = "{{ new.name }}", number = "{{ new.number }}", company = "{{ new.company }}" }
"#;

/// The running CRM; its threads end with the test.
pub(crate) struct TinyCrm {
    pub(crate) port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    contacts: Mutex<Vec<Value>>,
    held: AtomicBool,
    down: AtomicBool,
}

impl TinyCrm {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { port, state }
    }

    /// Keeps every answer back from now on, or gives them all.
    pub(crate) fn hold_back(&self, hold: bool) {
        self.state.held.store(hold, Ordering::SeqCst);
    }

    /// Answers with failures from now on, or no longer.
    pub(crate) fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn add(&self, contact: Value) {
        self.state.contacts.lock().unwrap().push(contact);
    }

    pub(crate) fn contacts(&self) -> Vec<Value> {
        self.state.contacts.lock().unwrap().clone()
    }
}

impl State {
    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut lines = BufReader::new(stream.try_clone().ok()?);
        let mut first = String::new();
        lines.read_line(&mut first).ok()?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).ok()? == 0 || line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).ok()?;
        while self.held.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let (status, answer) = match self.down.load(Ordering::SeqCst) {
            true => ("503 Down", json!({})),
            false => ("200 OK", self.answer(&first, &body)),
        };
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            answer.len()
        );
        (&stream).write_all((head + &answer).as_bytes()).ok()
    }

    fn answer(&self, first: &str, body: &[u8]) -> Value {
        let mut contacts = self.contacts.lock().unwrap();
        if first.starts_with("POST") {
            let mut contact: Value = serde_json::from_slice(body).unwrap();
            contact["id"] = json!(format!("t{}", contacts.len() + 1));
            contacts.push(contact.clone());
            return contact;
        }
        let asked = first.split("number=").nth(1).and_then(|rest| rest.split([' ', '&']).next()).unwrap_or_default();
        let number = asked.replace("%2B", "+");
        let found: Vec<&Value> = contacts.iter().filter(|contact| contact["number"] == number.as_str()).collect();
        json!({ "contacts": found })
    }
}
