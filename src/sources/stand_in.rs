//! A server for the tests of sources: it answers with the bytes that it is told, and keeps what it was sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::budget::Budget;
use super::http::address::Reach;
use super::http::{Client, Clients, Settings};
use super::{Question, Workbench};
use crate::clock::SystemClock;
use crate::model::{Call, RequestId};
use crate::number::{Numbering, parse};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// The head with its first line, without the line ends behind it.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: String,
}

impl Received {
    /// Method and target of the first line.
    pub(crate) fn line(&self) -> &str {
        self.head.split("\r\n").next().unwrap_or_default().trim_end_matches(" HTTP/1.1")
    }

    /// The value of a header, by its name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A server on a free port; it ends with the runtime of its test.
pub(crate) struct StandIn {
    pub(crate) port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl StandIn {
    /// Starts a server that asks `answer` for the whole answer to each request, its connection is closed after it.
    pub(crate) async fn start(answer: impl Fn(&Received) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let (kept, answer) = (Arc::clone(&received), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                tokio::spawn(async move { serve(stream, &kept, &*answer).await });
            }
        });
        Self { port, received }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Everything that arrived so far, in order.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, kept: &Mutex<Vec<Received>>, answer: &(dyn Fn(&Received) -> Vec<u8> + Sync)) {
    let Some(request) = read(&mut stream).await else { return };
    kept.lock().unwrap().push(request.clone());
    let _ = stream.write_all(&answer(&request)).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|part| part == b"\r\n\r\n");
        let head = end.map(|end| String::from_utf8_lossy(&bytes[..end]).into_owned());
        if let (Some(end), Some(head)) = (end, head) {
            let request = Received { head, body: String::from_utf8_lossy(&bytes[end + 4..]).into_owned() };
            let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some(request);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// An answer with a body.
pub(crate) fn answer(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .into_bytes()
}

/// What a source is made with, without a limit.
pub(crate) fn workbench() -> Workbench {
    let budget = Arc::new(Budget::new(None, Arc::new(SystemClock)));
    let client = client_within(Reach::Anywhere);
    Workbench {
        client,
        budget,
        quiet: Arc::default(),
        clock: Arc::new(SystemClock),
        agents: Arc::default(),
        homes: Arc::default(),
    }
}

/// A client without a limit that reaches so far.
pub(crate) fn client_within(reach: Reach) -> Client {
    let settings = Settings { reach, ca_file: None, proxy: None };
    let inner = Clients::default().get(&settings).unwrap();
    Client::new(inner, settings, Arc::new(Budget::new(None, Arc::new(SystemClock))), Duration::from_secs(60))
}

/// A call from this number to a Romanian project.
pub(crate) fn question(telephone: &str) -> Arc<Question> {
    let call = Call {
        project: "sales".into(),
        telephone: telephone.to_owned(),
        dnid: "0210000000".to_owned(),
        direction: None,
        params: std::collections::BTreeMap::new(),
        request_id: RequestId::from_bits(1),
    };
    let number = parse(telephone, &Numbering::of_country("RO"));
    Arc::new(Question { call: Arc::new(call), number: Arc::new(number), numbering: Arc::default() })
}
