//! Repairs the request lines of sloppy PBXs before hyper reads them.
//!
//! A PBX that joins a URL from raw text sends `GET /sales/lookup?telephone=*31#0721 111 222 HTTP/1.1`. hyper answers raw
//! spaces, quotes and Latin-1 with 400 before any handler, and drops everything behind `#`: the call would lose its
//! `dnid`. Here such bytes of the target become `%XX`, and no other byte of a request is changed.
//! docs/decisions/tolerant-request-line.md says why this cannot help to smuggle a request.
//!
//! To find the next request line of a connection, the end of the head before is followed, and nothing more: after a head
//! that announces a body (`Content-Length`, `Transfer-Encoding`) or a change of protocol, the rest of the connection
//! passes as it comes.
//!
//! The same place meets the PROXY protocol (versions 1 and 2): its header is taken off and noted, so that the request
//! behind it gets the same refusal as any from a proxy that is not trusted.

use memchr::memchr;

/// Longest request line that is held back until its end is seen, in bytes: as long as hyper lets a whole head be.
const LONGEST_LINE: usize = 32 * 1024;

/// Longest header of the PROXY protocol that is taken off, in bytes; a longer one is left to be refused as garbage.
const LONGEST_PROXY_HEADER: usize = 1024;

/// How the PROXY protocol begins, version 1 and 2.
const PROXY_1: &[u8] = b"PROXY ";
const PROXY_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Follows the bytes of one connection.
#[derive(Debug, Default)]
pub(crate) struct Tolerant {
    place: Place,
    /// Start of a request line whose end has not come yet.
    held: Vec<u8>,
    /// Start of a header line whose end has not come yet.
    line: LineStart,
    proxied: bool,
}

/// Where in the stream of a connection we are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the very first byte, where a PROXY header may stand.
    #[default]
    Opening,
    /// Before or in a request line.
    Request,
    /// In the headers.
    Headers,
    /// In something that is not followed; all that comes passes.
    Passing,
}

impl Tolerant {
    /// Whether the connection began with a header of the PROXY protocol.
    pub(crate) fn is_proxied(&self) -> bool {
        self.proxied
    }

    /// Whether every request so far is whole and had no body, so that nothing of the next one has come.
    pub(crate) fn is_between_requests(&self) -> bool {
        matches!(self.place, Place::Opening | Place::Request) && self.held.is_empty()
    }

    /// Whether bytes are held back; then [`Tolerant::take`] must get what comes next.
    pub(crate) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// How many of the bytes, from the left, may go on as they are. The others are for [`Tolerant::take`].
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match self.place {
                Place::Passing => return bytes.len(),
                Place::Opening => match opening(rest) {
                    Opening::Request => self.place = Place::Request,
                    Opening::Unfinished | Opening::Proxy(_) => return at,
                },
                Place::Request if matches!(rest[0], b'\r' | b'\n') => at += 1,
                Place::Request => match memchr(b'\n', rest) {
                    Some(end) if !needs_repair(&rest[..end]) => {
                        at += end + 1;
                        self.place = Place::Headers;
                    }
                    _ => return at,
                },
                Place::Headers => at += self.follow_header(rest),
            }
        }
        at
    }

    /// Takes bytes that could not pass, and appends to `out` what can go on now, repaired where needed.
    pub(crate) fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            let passing = self.pass(&all[at..]);
            out.extend_from_slice(&all[at..at + passing]);
            at += passing;
            let rest = &all[at..];
            if rest.is_empty() {
                return;
            }
            at += match self.place {
                Place::Opening => match opening(rest) {
                    Opening::Proxy(length) => {
                        self.proxied = true;
                        self.place = Place::Request;
                        length
                    }
                    _ => return self.hold(all, at, out),
                },
                _ => match memchr(b'\n', rest) {
                    Some(end) => {
                        repair(&rest[..=end], out);
                        self.place = Place::Headers;
                        end + 1
                    }
                    None => return self.hold(all, at, out),
                },
            };
        }
    }

    /// Gives back what is held, as it came: the client sends no more.
    pub(crate) fn give_up(&mut self, out: &mut Vec<u8>) {
        self.place = Place::Passing;
        out.append(&mut self.held);
    }

    fn hold(&mut self, mut all: Vec<u8>, from: usize, out: &mut Vec<u8>) {
        all.drain(..from);
        self.held = all;
        if self.held.len() > LONGEST_LINE {
            self.give_up(out);
        }
    }

    /// Goes to the end of a header line, or of the bytes; returns how far that was.
    fn follow_header(&mut self, rest: &[u8]) -> usize {
        let Some(end) = memchr(b'\n', rest) else {
            self.line.add(rest);
            return rest.len();
        };
        let line = if self.line.is_empty() {
            &rest[..end]
        } else {
            self.line.add(&rest[..end]);
            self.line.bytes()
        };
        if matches!(line, b"" | b"\r") {
            self.place = Place::Request;
        } else if frames(line) {
            self.place = Place::Passing;
        }
        self.line = LineStart::default();
        end + 1
    }
}

/// Whether a header says that what follows the head is not simply the next request. Case and what stands behind the
/// name do not matter: to see a body where there is none costs only the repair of later lines.
fn frames(line: &[u8]) -> bool {
    let is = |name: &[u8]| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    match line.first() {
        Some(b'c' | b'C') => is(b"content-length"),
        Some(b't' | b'T') => is(b"transfer-encoding"),
        Some(b'u' | b'U') => is(b"upgrade"),
        _ => false,
    }
}

/// The first bytes of a header line that comes in pieces.
#[derive(Debug, Default)]
struct LineStart {
    bytes: [u8; 20],
    length: usize,
}

impl LineStart {
    fn add(&mut self, more: &[u8]) {
        let (free, length) = (&mut self.bytes[self.length..], self.length);
        let taken = more.len().min(free.len());
        free[..taken].copy_from_slice(&more[..taken]);
        self.length = length + taken;
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// What the first bytes of a connection are.
enum Opening {
    Request,
    /// Not enough bytes to tell.
    Unfinished,
    /// A PROXY header of this many bytes.
    Proxy(usize),
}

fn opening(bytes: &[u8]) -> Opening {
    let begins = |with: &[u8]| bytes.iter().zip(with).all(|(found, expected)| found == expected);
    let length = if begins(PROXY_1) {
        memchr(b'\n', bytes).map(|end| end + 1)
    } else if begins(PROXY_2) {
        match bytes {
            [_, _, _, _, _, _, _, _, _, _, _, _, _, _, high, low, ..] => {
                Some(16 + usize::from(u16::from_be_bytes([*high, *low])))
            }
            _ => None,
        }
    } else {
        return Opening::Request;
    };
    match length {
        Some(length) if length > LONGEST_PROXY_HEADER => Opening::Request,
        Some(length) if length <= bytes.len() => Opening::Proxy(length),
        _ if bytes.len() > LONGEST_PROXY_HEADER => Opening::Request,
        _ => Opening::Unfinished,
    }
}

/// Bytes of a target: taken by hyper as they are, to be written as `%XX`, or a reason to leave the line to hyper.
const PLAIN: u8 = 0;
const ENCODED: u8 = 1;
const CONTROL: u8 = 2;

const KINDS: [u8; 256] = {
    let mut kinds = [PLAIN; 256];
    let mut byte = 0;
    while byte < 256 {
        if byte < 0x20 || byte == 0x7f {
            kinds[byte] = CONTROL;
        } else if byte >= 0x80 {
            kinds[byte] = ENCODED;
        }
        byte += 1;
    }
    kinds[b' ' as usize] = ENCODED;
    kinds[b'"' as usize] = ENCODED;
    kinds[b'#' as usize] = ENCODED;
    kinds[b'<' as usize] = ENCODED;
    kinds[b'>' as usize] = ENCODED;
    kinds
};

/// Whether a request line, without its LF, has to be repaired, and can be.
fn needs_repair(line: &[u8]) -> bool {
    let kinds = |target: &[u8]| target.iter().fold(PLAIN, |seen, byte| seen | KINDS[usize::from(*byte)]);
    split(line).is_some_and(|(_, target, _)| kinds(target) == ENCODED)
}

/// Cuts a request line into method, target and version, blanks kept with method and version. The method ends at the
/// first blank and the version begins at the last; `None` when that does not make a request line of HTTP/1.
fn split(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let end = line.strip_suffix(b"\r").unwrap_or(line).len().checked_sub(b" HTTP/1.1".len())?;
    let start = memchr(b' ', line)? + 1;
    let (target, version) = (line.get(start..end)?, &line[end..]);
    let known = version.starts_with(b" HTTP/1.1") || version.starts_with(b" HTTP/1.0");
    let absolute = target.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"http"));
    (known && (target.first() == Some(&b'/') || absolute)).then_some((&line[..start], target, version))
}

/// Appends a request line, with its LF, repaired.
fn repair(line: &[u8], out: &mut Vec<u8>) {
    let Some((method, target, version)) =
        split(&line[..line.len() - 1]).filter(|_| needs_repair(&line[..line.len() - 1]))
    else {
        out.extend_from_slice(line);
        return;
    };
    out.extend_from_slice(method);
    for byte in target {
        if KINDS[usize::from(*byte)] == ENCODED {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        } else {
            out.push(*byte);
        }
    }
    out.extend_from_slice(version);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What comes out when the input arrives in pieces of a size, and then ends.
    fn through(input: &[u8], size: usize) -> (Vec<u8>, bool) {
        let mut tolerant = Tolerant::default();
        let mut out = Vec::new();
        for piece in input.chunks(size) {
            let passing = if tolerant.holds() { 0 } else { tolerant.pass(piece) };
            out.extend_from_slice(&piece[..passing]);
            if passing < piece.len() {
                tolerant.take(&piece[passing..], &mut out);
            }
        }
        tolerant.give_up(&mut out);
        (out, tolerant.is_proxied())
    }

    fn becomes(input: &[u8], expected: &[u8]) {
        for size in [1, 2, 3, 7, 16, 100_000] {
            let (out, _) = through(input, size);
            assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(expected), "in pieces of {size}");
            assert_eq!(out, expected);
        }
    }

    fn stays(input: &[u8]) {
        becomes(input, input);
    }

    #[test]
    fn clean_requests_pass_at_once_byte_for_byte() {
        let request =
            b"GET /sales/lookup?telephone=%2B40722111222&a[b]={x}|^\\`~ HTTP/1.1\r\nHost: x\r\nX: \"<#>\" \xe9\r\n\r\n";
        stays(request);
        assert_eq!(Tolerant::default().pass(request), request.len(), "without a copy");
    }

    #[test]
    fn raw_spaces_quotes_brackets_hashes_and_other_bytes_become_percent_codes() {
        becomes(
            b"GET /s/lookup?telephone=*31#0721 111&n=\"a<b>\"\xe9\xc3\xa9&dnid=2 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /s/lookup?telephone=*31%230721%20111&n=%22a%3Cb%3E%22%E9%C3%A9&dnid=2 HTTP/1.1\r\nHost: x\r\n\r\n",
        );
        becomes(b"GET /s?telephone=1  HTTP/1.0\n\n", b"GET /s?telephone=1%20 HTTP/1.0\n\n");
        becomes(b"GET http://h/s?telephone=1 2 HTTP/1.1\r\n\r\n", b"GET http://h/s?telephone=1%202 HTTP/1.1\r\n\r\n");
        becomes(b"GET /s?telephone= HTTP/1.1 HTTP/1.1\r\n\r\n", b"GET /s?telephone=%20HTTP/1.1 HTTP/1.1\r\n\r\n");
    }

    #[test]
    fn every_request_of_a_connection_is_repaired_as_long_as_there_are_no_bodies() {
        let one = b"GET /?a=1 2 HTTP/1.1\r\nHost: x y\r\nA: #\r\n\r\n";
        let repaired = b"GET /?a=1%202 HTTP/1.1\r\nHost: x y\r\nA: #\r\n\r\n";
        becomes(&one.repeat(3), &repaired.repeat(3));
        becomes(
            &[b"\r\n", &one[..], b"\r\n\n", &one[..]].concat(),
            &[b"\r\n", &repaired[..], b"\r\n\n", &repaired[..]].concat(),
        );
    }

    #[test]
    fn a_body_is_never_touched_and_neither_is_what_comes_behind_it() {
        for header in [
            "Content-Length: 20",
            "content-length:20",
            "Transfer-Encoding: chunked",
            "UPGRADE: x",
            "Content-Length : 1",
        ] {
            let rest = format!(
                " HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\nGET /?a=1 2 HTTP/1.1\r\n\r\nGET /?a=1 2 HTTP/1.1\r\n\r\n"
            );
            becomes(format!("POST /?a=1 2{rest}").as_bytes(), format!("POST /?a=1%202{rest}").as_bytes());
        }
    }

    #[test]
    fn what_is_no_request_line_is_left_to_hyper() {
        for line in [
            &b"GET /a b"[..],
            b"GET  /a HTTP/1.1",
            b"GET a b HTTP/1.1",
            b"OPTIONS * HTTP/1.1",
            b"GET /a b HTTP/2.0",
            b"GET /a b HTTP/1.1 ",
            b"GET /a\tb c HTTP/1.1",
            b"GET /a\rb c HTTP/1.1",
            b"GET /a\0b c HTTP/1.1",
            b"GET HTTP/1.1",
            b" HTTP/1.1",
            b"/a b HTTP/1.1",
            b"\x16\x03\x01",
            b"PRI * HTTP/2.0",
        ] {
            stays(&[line, b"\r\n\r\n"].concat());
        }
    }

    #[test]
    fn half_a_line_is_held_back_and_given_up_at_the_end() {
        let mut tolerant = Tolerant::default();
        let mut out = Vec::new();
        assert_eq!(tolerant.pass(b"GET /?a=1 "), 0);
        tolerant.take(b"GET /?a=1 ", &mut out);
        assert!(out.is_empty() && tolerant.holds());
        tolerant.give_up(&mut out);
        assert_eq!(out, b"GET /?a=1 ");
        let endless = vec![b'x'; LONGEST_LINE + 10];
        stays(&endless);
        let mut tolerant = Tolerant::default();
        tolerant.take(&endless, &mut out);
        assert!(!tolerant.holds(), "what is too long is not kept");
    }

    #[test]
    fn headers_of_the_proxy_protocol_are_taken_off_and_noted() {
        let request = b"GET /?a=1 2 HTTP/1.1\r\n\r\n";
        let repaired = b"GET /?a=1%202 HTTP/1.1\r\n\r\n";
        let two = [PROXY_2, b"\x21\x11\x00\x0c", &[10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 2]].concat();
        for header in [&b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n"[..], b"PROXY UNKNOWN\r\n", &two] {
            let input = [header, request].concat();
            becomes(&input, repaired);
            assert!(through(&input, 5).1);
        }
        assert!(!through(request, 5).1);
        let long = [b"PROXY ", "x".repeat(2_000).as_bytes(), b"\r\n\r\n"].concat();
        stays(&long);
        stays(&[PROXY_2, b"\x21\x11\xff\xff", "x".repeat(2_000).as_bytes()].concat());
        stays(b"PROXY ");
        stays(b"\r\n\r\n");
    }

    /// Pieces that hostile connections are made of.
    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"GET /?a=1".to_vec()),
            Just(b" HTTP/1.1\r\n".to_vec()),
            Just(b" HTTP/1.0\n".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b"Content-Length: 5\r\n".to_vec()),
            Just(b"PROXY TCP4 1 2 3 4\r\n".to_vec()),
            Just(PROXY_2.to_vec()),
            Just(b"A: b\r\n\r\n".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..12),
            "[ \"#<>/A-Z:\r\n]{0,8}".prop_map(String::into_bytes),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_makes_no_difference(input in hostile(), size in 1_usize..40) {
            prop_assert_eq!(through(&input, size), through(&input, usize::MAX));
        }

        #[test]
        fn lines_stay_lines_and_only_bytes_of_targets_change(input in hostile()) {
            let (out, proxied) = through(&input, 9);
            if !proxied {
                let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
                prop_assert_eq!(lines(&out), lines(&input));
                for (before, after) in input.split(|byte| *byte == b'\n').zip(out.split(|byte| *byte == b'\n')) {
                    if before != after {
                        let (old, new) = (split(before).unwrap(), split(after).unwrap());
                        prop_assert_eq!((old.0, old.2), (new.0, new.2));
                        let decoded: Vec<u8> = percent_encoding::percent_decode(new.1).collect();
                        let expected: Vec<u8> = percent_encoding::percent_decode(old.1).collect();
                        prop_assert_eq!(decoded, expected);
                        prop_assert!(!needs_repair(after));
                    }
                }
            }
        }
    }
}
