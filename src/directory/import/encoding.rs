//! Makes UTF-8 out of whatever a text was saved in.
//!
//! UTF-16 shows itself in the first bytes. Between UTF-8 and the two code pages of Windows is decided at the first
//! bytes that are not ASCII, wherever in the file they stand: what is mostly well-formed UTF-8 is UTF-8 (the rows with
//! other bytes are reported), anything else is Windows-1250 when its letters are Romanian or Central European ones,
//! and Windows-1252 when they are not.

use std::io::Read;
use std::sync::{Arc, OnceLock};

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1250, WINDOWS_1252};

/// How much is read, and looked at for a decision, at a time, in bytes.
const CHUNK: usize = 64 << 10;

/// Countries whose exports are in Windows-1250 when the letters do not tell.
const CENTRAL: [&str; 13] = ["AL", "BA", "CZ", "HR", "HU", "MD", "ME", "PL", "RO", "RS", "SI", "SK", "XK"];

/// The encoding of a text, as soon as it is known. Shared with whoever reports it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found(Arc<OnceLock<&'static str>>);

impl Found {
    fn set(&self, encoding: &'static Encoding) {
        // Only the first decision counts; there is no second one in a text.
        _ = self.0.set(encoding.name());
    }

    /// The name of the encoding; ASCII is UTF-8.
    pub(crate) fn name(&self) -> &'static str {
        self.0.get().copied().unwrap_or(UTF_8.name())
    }
}

/// An encoding given on the command line: `windows-1250`, `latin2`, `utf-16`.
///
/// # Errors
/// A name that the Encoding Standard (<https://encoding.spec.whatwg.org/#names-and-labels>) does not have.
pub fn parse_encoding(text: &str) -> std::result::Result<&'static Encoding, String> {
    let usual = match text.to_ascii_lowercase().as_str() {
        "1250" => Some(WINDOWS_1250),
        "1252" => Some(WINDOWS_1252),
        other => Encoding::for_label_no_replacement(other.as_bytes()),
    };
    usual.ok_or_else(|| format!("found {text:?}, expected one such as utf-8, utf-16, windows-1250, windows-1252"))
}

/// Whether a country, by its two letters, writes in Windows-1250.
pub(crate) fn is_central_country(country: &str) -> bool {
    CENTRAL.contains(&country.to_ascii_uppercase().as_str())
}

/// What the reader does with bytes.
enum Mode {
    /// Nothing but ASCII so far.
    Undecided,
    /// It is UTF-8, perhaps with some bytes that are not.
    Plain,
    /// Another encoding.
    Decode(Decoder),
}

/// Reads a text as UTF-8.
pub(crate) struct Text<R> {
    input: R,
    mode: Mode,
    found: Found,
    /// Whether the letters are more likely Central European.
    central: bool,
    raw: Vec<u8>,
    /// What is decoded and not read yet: `ready[start..]`.
    ready: Vec<u8>,
    start: usize,
    at_end: bool,
}

impl<R: Read> Text<R> {
    /// Reads `input`, whose first bytes are `sample`; `given` says the encoding, `country` helps to guess it.
    pub(crate) fn new(input: R, sample: &[u8], given: Option<&'static Encoding>, country: Option<&str>) -> Self {
        let found = Found::default();
        let encoding = given.map(|given| with_order(given, sample)).or_else(|| utf16(sample));
        let mode = match encoding {
            Some(encoding) => {
                found.set(encoding);
                if encoding == UTF_8 { Mode::Plain } else { Mode::Decode(encoding.new_decoder()) }
            }
            None => Mode::Undecided,
        };
        let central = country.is_some_and(is_central_country);
        Self { input, mode, found, central, raw: Vec::new(), ready: Vec::new(), start: 0, at_end: false }
    }

    /// What the encoding turns out to be.
    pub(crate) fn found(&self) -> Found {
        self.found.clone()
    }

    /// Reads and decodes the next bytes; `false` at the end.
    fn fill(&mut self) -> std::io::Result<bool> {
        self.ready.clear();
        self.start = 0;
        if self.at_end {
            return Ok(false);
        }
        self.raw.clear();
        self.input.by_ref().take(CHUNK as u64).read_to_end(&mut self.raw)?;
        let last = self.raw.len() < CHUNK;
        self.at_end = last;
        if matches!(self.mode, Mode::Undecided) && !self.raw.is_ascii() {
            let encoding = guess(&self.raw, self.central);
            self.found.set(encoding);
            self.mode = if encoding == UTF_8 { Mode::Plain } else { Mode::Decode(encoding.new_decoder()) };
        }
        match &mut self.mode {
            Mode::Decode(decoder) => decode(decoder, &self.raw, last, &mut self.ready),
            Mode::Undecided | Mode::Plain => std::mem::swap(&mut self.ready, &mut self.raw),
        }
        Ok(!last || !self.ready.is_empty())
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while self.start == self.ready.len() {
            if matches!(self.mode, Mode::Plain) {
                return self.input.read(out);
            }
            if !self.fill()? {
                return Ok(0);
            }
        }
        let rest = self.ready.get(self.start..).unwrap_or_default();
        let length = rest.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        self.start += length;
        Ok(length)
    }
}

fn decode(decoder: &mut Decoder, bytes: &[u8], last: bool, ready: &mut Vec<u8>) {
    let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len() * 4 + 16);
    ready.resize(room, 0);
    let (_, _, written, _) = decoder.decode_to_utf8(bytes, ready, last);
    ready.truncate(written);
}

/// UTF-16 is given without saying which byte comes first; the text shows it.
fn with_order(given: &'static Encoding, sample: &[u8]) -> &'static Encoding {
    match given == UTF_16LE || given == UTF_16BE {
        true => utf16(sample).unwrap_or(given),
        false => given,
    }
}

/// Sees the mark of UTF-16, or that nearly every other byte is zero.
pub(crate) fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let first = bytes.get(..4096).unwrap_or(bytes);
    if first.starts_with(b"\xff\xfe") {
        return Some(UTF_16LE);
    }
    if first.starts_with(b"\xfe\xff") {
        return Some(UTF_16BE);
    }
    let zeros = |odd: usize| first.iter().skip(odd).step_by(2).filter(|&&byte| byte == 0).count() * 8;
    let most = first.len() * 3;
    match (zeros(0), zeros(1)) {
        _ if first.len() < 8 => None,
        (even, odd) if even > most && odd <= most => Some(UTF_16BE),
        (even, odd) if odd > most && even <= most => Some(UTF_16LE),
        _ => None,
    }
}

/// Decides for bytes that are not all ASCII; the last character may be cut off.
pub(crate) fn guess(bytes: &[u8], central: bool) -> &'static Encoding {
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().bytes().filter(|&byte| byte >= 0xc0).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    let cut = std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none());
    match good >= bad || (cut && bad == 1) {
        true => UTF_8,
        false if is_central(bytes, central) => WINDOWS_1250,
        false => WINDOWS_1252,
    }
}

/// Weighs the bytes that mean another letter in Windows-1250 than in Windows-1252.
fn is_central(bytes: &[u8], likely: bool) -> bool {
    let mut weight = i64::from(likely);
    let around = |place: Option<usize>| place.and_then(|place| bytes.get(place)).copied().unwrap_or(b' ');
    for (place, &byte) in bytes.iter().enumerate().filter(|(_, byte)| **byte >= 0x80) {
        let (before, after) = (around(place.checked_sub(1)), around(Some(place + 1)));
        weight += weigh(before, byte, after);
    }
    weight > 0
}

/// Above zero for a letter of Windows-1250, below for one of Windows-1252.
fn weigh(before: u8, byte: u8, after: u8) -> i64 {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0xc0;
    let starts = !is_letter(before);
    match byte {
        // ă, where Portuguese has ã before o.
        0xe3 => {
            if after == b'o' {
                -2
            } else {
                2
            }
        }
        // Ş ş Ł ł Ą ą Ż ż Ľ ľ: marks and fractions in Windows-1252, which stand alone there.
        0xaa | 0xba | 0xa3 | 0xb3 | 0xa5 | 0xb9 | 0xaf | 0xbf | 0xbc | 0xbe
            if is_letter(before) && (byte != 0xba || before != b'N')
                || (starts && is_letter(after) && byte != 0xbf) =>
        {
            2
        }
        0xaa | 0xba | 0xa3 | 0xb3 | 0xa5 | 0xb9 | 0xaf | 0xbf | 0xbc | 0xbe => 0,
        // Ţ ţ, where only Icelandic has Þ þ; ś ź Ś Ź beside letters, ě.
        0xfe | 0xde | 0xec | 0xcc | 0xc3 | 0x8c | 0x8f | 0x9f => 1,
        // Č č at the start of a word; è never stands there.
        0xc8 | 0xe8 if starts && is_letter(after) => 2,
        // ñ, à, å, œ and è are far more common than what Windows-1250 has in their places.
        0xf1 | 0xe0 | 0xe5 | 0x9c => -1,
        0xe8 if matches!(after, b'r' | b'v' | b'm' | b'g' | b't' | b's' | b'l') => -1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], given: Option<&str>, country: Option<&str>) -> (String, &'static str) {
        let given = given.map(|name| parse_encoding(name).unwrap());
        let mut text = Text::new(bytes, bytes, given, country);
        let mut out = Vec::new();
        text.read_to_end(&mut out).unwrap();
        (String::from_utf8(out).unwrap(), text.found().name())
    }

    fn utf16le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn utf16_is_read_with_its_mark_and_without() {
        let text = "id;Nume\n1;Ștefan Țăranu, client\n";
        let expected = (text.to_owned(), "UTF-16LE");
        assert_eq!(read(&utf16le(text), None, None), expected);
        assert_eq!(read(&utf16le(&format!("\u{feff}{text}")), None, None), expected);
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(&big, None, None), (text.to_owned(), "UTF-16BE"));
        assert_eq!(read(&big, Some("utf-16"), None), (text.to_owned(), "UTF-16BE"));
    }

    #[test]
    fn romanian_and_polish_letters_are_told_from_french_and_german_ones() {
        for (text, encoding) in [
            ("Ştefan Ţăranu;Braşov", WINDOWS_1250),
            ("Mărioara", WINDOWS_1250),
            ("Ion Pîrvu;Şos. Ştefan cel Mare", WINDOWS_1250),
            ("Łukasz Wałęsa;Kraków", WINDOWS_1250),
            ("Čeněk Dvořák;Plzeň", WINDOWS_1250),
            ("Müller;Straße", WINDOWS_1252),
            ("Hélène Lefèvre;à Orléans;N\u{ba} 12", WINDOWS_1252),
            ("Íñigo Muñoz;Logroño", WINDOWS_1252),
            ("João Conceição", WINDOWS_1252),
            ("Søren Ørsted;100 \u{a3}", WINDOWS_1252),
        ] {
            let (bytes, _, lost) = encoding.encode(text);
            assert!(!lost, "{text}");
            assert_eq!(read(&bytes, None, None), (text.to_owned(), encoding.name()), "{text}");
        }
    }

    #[test]
    fn where_the_letters_do_not_tell_the_country_does() {
        let (bytes, ..) = WINDOWS_1250.encode("Székely Gergő");
        assert_eq!(read(&bytes, None, Some("hu")).0, "Székely Gergő");
        assert_eq!(read(&bytes, None, Some("FR")).0, "Székely Gergõ");
        assert_eq!(read(&bytes, Some("1250"), None).0, "Székely Gergő");
    }

    #[test]
    fn a_text_that_is_mostly_utf8_stays_utf8_with_its_broken_bytes() {
        let mut bytes = "Ștefan Țăranu ".as_bytes().to_vec();
        bytes.push(0xe3);
        let mut out = Vec::new();
        Text::new(&bytes[..], &bytes, None, Some("RO")).read_to_end(&mut out).unwrap();
        assert_eq!(out, bytes);
    }

    #[test]
    fn letters_far_behind_the_start_are_still_read() {
        let mut bytes = vec![b'a'; 300_000];
        bytes.extend(WINDOWS_1250.encode("Ştefan").0.iter());
        let (text, encoding) = read(&bytes, None, None);
        assert!(text.ends_with("aŞtefan"));
        assert_eq!(encoding, "windows-1250");
        let cut = format!("{}ș{}", "a".repeat(CHUNK - 1), "b".repeat(10));
        assert_eq!(read(cut.as_bytes(), None, None), (cut.clone(), "UTF-8"));
    }

    #[test]
    fn an_encoding_is_given_by_its_usual_names() {
        for (text, encoding) in
            [("UTF-8", UTF_8), ("cp1250", WINDOWS_1250), ("latin1", WINDOWS_1252), ("1250", WINDOWS_1250)]
        {
            assert_eq!(parse_encoding(text), Ok(encoding), "{text}");
        }
        assert!(parse_encoding("ebcdic").unwrap_err().starts_with("found \"ebcdic\", expected one such as utf-8"));
    }
}
