//! Turns the bytes of an answer into text.
//!
//! A byte order mark decides, then the `charset` of `Content-Type`, then the declaration of an XML document, then UTF-8.
//! What does not fit its charset is refused: a name in the wrong letters is worse than none, and the message says what
//! to mend.

use encoding_rs::{Encoding, UTF_8};

use crate::error::{Error, Kind, Result};

/// How far into a document its XML declaration is looked for, in bytes.
const DECLARATION: usize = 200;

/// Decodes a body.
///
/// # Errors
/// [`Kind::Corrupt`] when the charset is not known or the bytes are not in it.
pub fn decode(body: &[u8], content_type: &str) -> Result<String> {
    let (encoding, body) = match Encoding::for_bom(body) {
        Some((encoding, length)) => (encoding, &body[length..]),
        None => (named(body, content_type)?, body),
    };
    match encoding.decode_without_bom_handling_and_without_replacement(body) {
        Some(text) => Ok(text.into_owned()),
        None => {
            let message = format!("the answer is not in {}; let it name its charset", encoding.name());
            Err(Error::new(Kind::Corrupt, message))
        }
    }
}

fn named(body: &[u8], content_type: &str) -> Result<&'static Encoding> {
    let Some(label) = in_header(content_type).or_else(|| in_declaration(body)) else { return Ok(UTF_8) };
    Encoding::for_label(label.as_bytes())
        .ok_or_else(|| Error::new(Kind::Corrupt, "the answer names a charset that nobody knows"))
}

/// The charset of `text/xml; charset="iso-8859-2"`.
fn in_header(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charsets.next().map(|(_, label)| label.trim().trim_matches(['"', '\''])).filter(|label| !label.is_empty())
}

/// The charset of `<?xml version="1.0" encoding="iso-8859-2"?>`.
fn in_declaration(body: &[u8]) -> Option<&str> {
    let start = &body[..body.len().min(DECLARATION)];
    if !start.starts_with(b"<?xml") {
        return None;
    }
    let end = start.windows(2).position(|pair| pair == b"?>")?;
    let declaration = std::str::from_utf8(&start[..end]).ok()?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    value[1..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_name_a_charset_is_understood() {
        let cases: [(&[u8], &str, &str); 8] = [
            ("Ștefan".as_bytes(), "application/json", "Ștefan"),
            (b"\xef\xbb\xbfIon", "application/json; charset=utf-8", "Ion"),
            (b"\xff\xfeI\0o\0n\0", "", "Ion"),
            (b"\xaatefan", "text/plain; charset=\"ISO-8859-2\"", "Ştefan"),
            (b"J\xfcrgen", "text/plain;Charset=latin1", "Jürgen"),
            (
                b"<?xml version=\"1.0\" encoding='iso-8859-2'?><n>\xaa</n>",
                "text/xml",
                "<?xml version=\"1.0\" encoding='iso-8859-2'?><n>Ş</n>",
            ),
            (b"<n>x</n>", "text/xml", "<n>x</n>"),
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
