//! Turns the bytes that somebody sends into text.
//!
//! A byte order mark decides, then the declaration of an XML document, then the `charset` of `Content-Type`, then UTF-8.
//! The declaration stands before the header as for PHP: whoever wrote the document wrote it, the header is often added by
//! the server without a look. What does not fit its charset is refused: a name in the wrong letters is worse than none,
//! and the message says what to mend.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::{Error, Kind, Result};

/// How far into a document its XML declaration is looked for, in bytes.
const DECLARATION: usize = 256;

/// Decodes a body; `content_type` is empty when nobody says it.
///
/// # Errors
/// [`Kind::Corrupt`] when the charset is not known or the bytes are not in it.
pub fn decode<'a>(body: &'a [u8], content_type: &str) -> Result<Cow<'a, str>> {
    let (encoding, body) = match Encoding::for_bom(body) {
        Some((encoding, length)) => (encoding, &body[length..]),
        None => (without_mark(body, content_type)?, body),
    };
    encoding.decode_without_bom_handling_and_without_replacement(body).ok_or_else(|| {
        let message = format!("the text is not in {}; it has to name its charset", encoding.name());
        Error::new(Kind::Corrupt, message)
    })
}

fn without_mark(body: &[u8], content_type: &str) -> Result<&'static Encoding> {
    match body {
        [b'<', 0, ..] => return Ok(UTF_16LE),
        [0, b'<', ..] => return Ok(UTF_16BE),
        _ => {}
    }
    let Some(label) = declared(body).or_else(|| charset_of(content_type)) else { return Ok(UTF_8) };
    match Encoding::for_label(label.as_bytes()) {
        // A program that writes text before it encodes it says UTF-16; with one byte a letter it is not.
        Some(encoding) if is_utf_16(encoding) && !body.iter().take(2).any(|byte| *byte == 0) => Ok(UTF_8),
        Some(encoding) => Ok(encoding),
        None => Err(Error::new(Kind::Corrupt, "the text names a charset that nobody knows")),
    }
}

fn is_utf_16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

/// The charset of `<?xml version="1.0" encoding="iso-8859-2"?>`.
fn declared(body: &[u8]) -> Option<&str> {
    let start = body.trim_ascii_start();
    let inside = start[..start.len().min(DECLARATION)].strip_prefix(b"<?xml")?;
    let end = inside.windows(2).position(|pair| pair == b"?>")?;
    let (_, value) = std::str::from_utf8(&inside[..end]).ok()?.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    value[1..].split(quote).next()
}

/// The charset of `text/xml; charset="iso-8859-2"`.
fn charset_of(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charsets.next().map(|(_, label)| label.trim().trim_matches(['"', '\''])).filter(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_name_a_charset_is_understood() {
        let cases: [(&[u8], &str, &str); 12] = [
            ("Ștefan".as_bytes(), "application/json", "Ștefan"),
            (b"\xef\xbb\xbfIon", "application/json; charset=utf-8", "Ion"),
            (b"\xff\xfeI\0o\0n\0", "", "Ion"),
            (b"\xaatefan", "text/plain; charset=\"ISO-8859-2\"", "Ştefan"),
            (b"J\xfcrgen", "text/plain;Charset=latin1", "Jürgen"),
            (b"\"\0I\0\"\0", "application/json; charset=utf-16le", "\"I\""),
            (b"<?xml encoding='iso-8859-2'?><n>\xaa</n>", "text/xml", "<?xml encoding='iso-8859-2'?><n>Ş</n>"),
            (b" <?xml encoding=\"iso-8859-2\"?>\xaa", "text/xml; charset=utf-8", " <?xml encoding=\"iso-8859-2\"?>Ş"),
            (b"\xef\xbb\xbf<?xml encoding='latin1'?>\xc5\xa3", "", "<?xml encoding='latin1'?>ţ"),
            (b"<\0a\0/\0>\0", "", "<a/>"),
            (b"<?xml encoding=\"utf-16\"?><a/>", "", "<?xml encoding=\"utf-16\"?><a/>"),
            (b"", "", ""),
        ];
        for (body, content_type, text) in cases {
            assert_eq!(decode(body, content_type).unwrap(), text);
        }
    }

    #[test]
    fn what_is_not_in_its_charset_is_refused() {
        for (body, content_type) in [
            (&b"J\xfcrgen"[..], "application/json"),
            (b"\xef\xbb\xbfJ\xfcrgen", ""),
            (b"x", "text/plain; charset=klingon"),
            (b"<?xml encoding=\"klingon\"?>", ""),
            (b"\xff\xfeI\0o", ""),
        ] {
            assert_eq!(decode(body, content_type).unwrap_err().kind(), Kind::Corrupt, "{body:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(body: Vec<u8>, content_type: String) {
            let _ = decode(&body, &content_type);
            let declared = [b"<?xml encoding=\"".as_slice(), &body].concat();
            let _ = decode(&declared, "");
        }
    }
}
