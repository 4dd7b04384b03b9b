//! Turns the bytes of an XML document into text: a mark at its start, its declaration, or the header of the answer says
//! how. PHP goes by the declaration before the header, so this does too.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::{Error, Kind, Result};

/// How far into the document the declaration is looked for, in bytes.
const DECLARATION: usize = 256;

/// The text of a document.
pub(super) fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Result<Cow<'a, str>> {
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, &bytes[mark..]),
        None => (without_mark(bytes, content_type)?, bytes),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.ok_or_else(|| Error::new(Kind::Corrupt, format!("the XML is not in {}, as it says", encoding.name())))
}

fn without_mark(bytes: &[u8], content_type: Option<&str>) -> Result<&'static Encoding> {
    match bytes {
        [b'<', 0, ..] => return Ok(UTF_16LE),
        [0, b'<', ..] => return Ok(UTF_16BE),
        _ => {}
    }
    let Some(label) = declared(bytes).or_else(|| content_type.and_then(charset_of)) else { return Ok(UTF_8) };
    match Encoding::for_label(label.as_bytes()) {
        // A program that writes text before it encodes it declares UTF-16; with one byte a letter it is not.
        Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => Ok(UTF_8),
        Some(encoding) => Ok(encoding),
        None => Err(Error::new(Kind::Corrupt, "the XML says that it is in an encoding that calldex does not know")),
    }
}

/// The encoding that `<?xml version="1.0" encoding="..."?>` names.
fn declared(bytes: &[u8]) -> Option<&str> {
    let start = bytes.trim_ascii_start();
    let head = &start[..start.len().min(DECLARATION)];
    let inside = head.strip_prefix(b"<?xml")?;
    let end = inside.windows(2).position(|pair| pair == b"?>")?;
    let inside = std::str::from_utf8(&inside[..end]).ok()?;
    let (_, after) = inside.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    value[1..].split(quote).next()
}

/// The `charset` of a `Content-Type`.
fn charset_of(content_type: &str) -> Option<&str> {
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declaration_counts_before_the_header_and_a_mark_before_both() {
        let latin = b"<?xml version='1.0' encoding='ISO-8859-2'?><a>\xfe</a>";
        assert!(decode(latin, Some("text/xml; charset=utf-8")).unwrap().ends_with("<a>ţ</a>"));
        assert!(decode(b"<a>\xfe</a>", Some("text/xml; charset=\"iso-8859-2\"")).unwrap().contains('ţ'));
        let marked = b"\xef\xbb\xbf<?xml version='1.0' encoding='ISO-8859-2'?><a>\xc5\xa3</a>";
        assert!(decode(marked, None).unwrap().contains('ţ'));
        assert_eq!(decode(b"<\0a\0/\0>\0", None).unwrap(), "<a/>");
        assert_eq!(decode(b"<?xml encoding=\"utf-16\"?><a/>", None).unwrap(), "<?xml encoding=\"utf-16\"?><a/>");
    }

    #[test]
    fn bytes_that_are_not_what_they_say_are_refused() {
        assert!(decode(b"<a>\xfe</a>", None).is_err());
        assert!(decode(b"<?xml encoding='ebcdic-x'?><a/>", None).is_err());
    }
}
