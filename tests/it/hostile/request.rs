//! Makes hostile requests out of plain bytes: the same function serves a seed and a fuzzer.

#[path = "../../../src/faces/http/hostile.rs"]
mod pieces;

use std::fmt::Write as _;

use crate::harness::{ADMIN, TOKEN};

/// Where requests go; `/api/sales/TOKEN` opens the door without a word in the query.
const PATHS: [&str; 16] = [
    "/api/sales/TOKEN",
    "/api/sales/TOKEN",
    "/api/sales/TOKEN",
    "/api/sales/TOKEN",
    "/api/sales/TOKEN",
    "/api/sales/TOKEN",
    "/sales/lookup",
    "/api/sales",
    "/api/sales/TOKEN",
    "/api/sales/TOKEN",
    "/",
    "/nobody/lookup",
    "/sales/explain",
    "/api/sales/%54OKEN",
    "/sales/../sales/lookup",
    "/sales//lookup",
];

const METHODS: [&str; 8] = ["GET", "GET", "GET", "GET", "HEAD", "POST", "POST", "PUT"];

const CONTENT_TYPES: [&str; 6] = [
    "application/x-www-form-urlencoded",
    "application/json",
    "application/json; charset=utf-16",
    "multipart/form-data; boundary=x",
    "text/plain",
    "application/x-www-form-urlencoded; charset=\"",
];

/// One request, as it goes over the wire.
pub(super) struct Hostile {
    pub(super) path: &'static str,
    pub(super) is_head: bool,
    pub(super) bytes: Vec<u8>,
}

impl Hostile {
    pub(super) fn from_seed(seed: u64) -> Self {
        Self::from_bytes(&pieces::bytes(seed, 24 + (seed % 40) as usize))
    }

    /// The first bytes choose method, path, headers and the kind of body, the rest makes query and body.
    pub(super) fn from_bytes(choices: &[u8]) -> Self {
        let choice = |place: usize| usize::from(choices.get(place).copied().unwrap_or_default());
        let (method, path) = (METHODS[choice(0) % METHODS.len()], PATHS[choice(1) % PATHS.len()]);
        let rest = choices.get(8..).unwrap_or_default();
        let (query, body) = rest.split_at(rest.len() / 2);
        let mut bytes = format!("{method} {}?", path.replace("TOKEN", TOKEN)).into_bytes();
        // Most queries come past the door and the parser of HTTP, so that the code behind them is tried too.
        let is_wild = choice(7) % 4 == 0;
        if choice(7) % 4 == 1 {
            bytes.extend_from_slice(b"telephone=");
        }
        bytes.extend(if is_wild { on_one_line(&pieces::query(query)) } else { polite(&pieces::query(query)) });
        bytes.extend_from_slice(b" HTTP/1.1\r\nHost: calldex\r\n");
        bytes.extend(headers(choice(2), choice(3), body, is_wild));
        if method == "POST" || choice(4) > 240 {
            append_body(&mut bytes, choice(5), choice(6), body);
        } else {
            bytes.extend_from_slice(b"\r\n");
        }
        Self { path, is_head: method == "HEAD", bytes }
    }

    /// Bytes that are hardly HTTP: a request that is cut, garbled or followed by garbage.
    pub(super) fn raw(seed: u64) -> Vec<u8> {
        let choices = pieces::bytes(seed, 64);
        let mut bytes = Self::from_seed(seed).bytes;
        let place = usize::from(choices[0]) * bytes.len() / 256;
        match choices[1] % 4 {
            0 => bytes.truncate(place),
            1 => bytes[place] ^= choices[2] | 1,
            2 => bytes = choices,
            _ => bytes.splice(place..place, choices).for_each(drop),
        }
        // The tokens are the one thing that a stranger does not have.
        let without_token = crate::harness::text(&bytes).replace(TOKEN, "guess").replace(ADMIN, "guess");
        if without_token.contains("guess") { without_token.into_bytes() } else { bytes }
    }

    /// Whether a valid token is anywhere in it.
    pub(super) fn may_ask(&self) -> bool {
        self.bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes())
            || self.bytes.windows(ADMIN.len()).any(|window| window == ADMIN.as_bytes())
    }

    /// Whether its digits, decoded, hold these.
    pub(super) fn asks_for(&self, digits: &str) -> bool {
        let decoded: Vec<u8> = percent_encoding::percent_decode(&self.bytes).collect();
        let found: String = decoded.iter().filter(|byte| byte.is_ascii_digit()).map(|&byte| char::from(byte)).collect();
        found.contains(digits)
    }
}

fn headers(first: usize, second: usize, choices: &[u8], is_wild: bool) -> Vec<u8> {
    let text = pieces::text(choices);
    let value = if is_wild { on_one_line(text.as_bytes()) } else { polite(text.as_bytes()) };
    let mut out = Vec::new();
    for choice in [first, second] {
        let name = match choice % 24 {
            0 => "Authorization: Bearer ",
            1 => "Authorization: Basic ",
            2 => "X-Request-Id: ",
            3 => "X-Forwarded-For: ",
            4 => "Cookie: ",
            5 => "Accept: ",
            6 => "Expect: ",
            7 => "Referer: ",
            8 => "Content-Type: ",
            9 => {
                out.extend_from_slice(format!("Authorization: Bearer {TOKEN}\r\n").as_bytes());
                continue;
            }
            10 => {
                out.extend_from_slice(format!("Authorization: Bearer {ADMIN}\r\n").as_bytes());
                continue;
            }
            _ => continue,
        };
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&value);
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn append_body(bytes: &mut Vec<u8>, kind: usize, size: usize, choices: &[u8]) {
    let mut body = match kind % 3 {
        0 => pieces::query(choices),
        1 => pieces::json(choices),
        _ => choices.to_vec(),
    };
    if size > 252 {
        // Over the limit of 64 KiB.
        body.resize(70 * 1024, b'7');
    }
    let mut head = format!("Content-Type: {}\r\n", CONTENT_TYPES[kind % CONTENT_TYPES.len()]);
    if size.is_multiple_of(4) {
        head.push_str("Transfer-Encoding: chunked\r\n\r\n");
        bytes.extend_from_slice(head.as_bytes());
        for chunk in body.chunks(7 + size * size) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
    } else {
        // Writing to a string cannot fail.
        let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(&body);
    }
}

/// Writes what HTTP itself refuses as `%XX`, and makes tokens, which would be wrong ones, another parameter.
fn polite(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (place, &byte) in text.iter().enumerate() {
        match byte {
            0..=b' ' | b'"' | 0x7f.. => out.extend_from_slice(format!("%{byte:02x}").as_bytes()),
            b't' if text[place..].starts_with(b"token") => out.push(b'T'),
            other => out.push(other),
        }
    }
    out
}

/// Takes out what would end the line, so that one request stays one; `Hostile::raw` does not.
fn on_one_line(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect()
}
