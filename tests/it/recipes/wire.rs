//! HTTP as stand-ins read and write it, with what may go wrong on the way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::fault::Fault;
use super::stand_in::{Answer, Request};

pub(super) fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let path = path.to_owned();
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    Some(Request { method, target, path, query, headers, body: String::from_utf8(body).ok()? })
}

pub(super) fn write(mut stream: TcpStream, answer: &Answer, fault: &Fault) {
    let (encoding, body) = match fault {
        Fault::Reset => return,
        Fault::HalfABody => (String::new(), answer.body.as_bytes()[..answer.body.len() / 2].to_vec()),
        Fault::Chunked => ("Transfer-Encoding: chunked\r\n".to_owned(), in_chunks(answer.body.as_bytes())),
        Fault::Gzip => ("Content-Encoding: gzip\r\n".to_owned(), compressed(answer.body.as_bytes())),
        _ => (String::new(), answer.body.as_bytes().to_vec()),
    };
    let length = if matches!(fault, Fault::HalfABody) { answer.body.len() } else { body.len() };
    let mut text = format!("HTTP/1.1 {} X\r\nConnection: close\r\n{encoding}", answer.status);
    if !matches!(fault, Fault::Chunked) {
        text.push_str(&format!("Content-Length: {length}\r\n"));
    }
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    // A client that has gone away is its own business.
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(&body));
}

fn in_chunks(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in body.chunks(7) {
        out.extend(format!("{:x}\r\n", chunk.len()).bytes());
        out.extend(chunk);
        out.extend(b"\r\n");
    }
    out.extend(b"0\r\n\r\n");
    out
}

/// Gzip as a program makes it that does not compress: blocks that are stored.
fn compressed(body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let length = u16::try_from(body.len()).unwrap();
    out.push(1);
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(body);
    out.extend(crc32(body).to_le_bytes());
    out.extend(u32::from(length).to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}
