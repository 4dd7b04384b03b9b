//! Answers every request with the same bytes, as fast as hyper can.
//!
//! This is the ceiling for any lookup service on this stack: what calldex loses against it is what access check, number,
//! cache and directory cost. It has no timers and no limits, which calldex must have, so 1.00 is not to be reached.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, DATE, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

type Failure = Box<dyn Error + Send + Sync>;

/// What every request is answered with.
struct Reply {
    headers: HeaderMap,
    body: Bytes,
}

/// `limit ADDRESS FILE`: the file holds header lines, an empty line and the body, as calldex sent them.
#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: limit ADDRESS FILE".into());
    };
    let reply = Arc::new(read_reply(&std::fs::read_to_string(&file)?)?);
    let listener = TcpListener::bind(&address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let reply = Arc::clone(&reply);
        tokio::spawn(async move {
            let service = service_fn(move |_: Request<Incoming>| {
                let reply = Arc::clone(&reply);
                async move { Ok::<_, Infallible>(respond(&reply)) }
            });
            // A client that goes away is the normal end of a connection.
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

fn respond(reply: &Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body.clone()));
    response.headers_mut().clone_from(&reply.headers);
    response
}

/// Reads the headers that are to be repeated. Hyper writes `Date` and `Content-Length` itself, as it does for calldex.
fn read_reply(text: &str) -> Result<Reply, Failure> {
    let (head, body) = text.split_once("\n\n").ok_or("expected header lines, an empty line and a body")?;
    let mut headers = HeaderMap::new();
    for line in head.lines() {
        let (name, value) = line.split_once(": ").ok_or_else(|| format!("not a header line: {line}"))?;
        let name = HeaderName::try_from(name)?;
        if name != DATE && name != CONTENT_LENGTH {
            headers.append(name, HeaderValue::try_from(value)?);
        }
    }
    Ok(Reply { headers, body: Bytes::copy_from_slice(body.as_bytes()) })
}
