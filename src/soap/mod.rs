//! SOAP 1.1 and 1.2 as PHP speaks them, since most of both ends are PHP: pure, bytes in and bytes out.
//!
//! The source asks with it, the face answers with it, Salesforce is logged in to with it. [`tree`] reads XML without
//! anything that XML can do to a reader, [`envelope`] finds body and fault, [`decode`] makes JSON of an answer,
//! [`message`] writes in the bytes of PHP's `SoapClient`, [`wsdl`] says how a service wants to be called.

pub mod decode;
pub mod envelope;
pub mod message;
mod namespaces;
pub mod tree;
mod value;
pub mod wsdl;

#[cfg(test)]
mod captures;
#[cfg(test)]
mod hostile;

pub use envelope::{Envelope, Fault};
pub use message::{Argument, Message, Shape};
pub use tree::Element;
pub use value::{Key, Value};

/// A version of the protocol; an answer is in the version of its question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Version {
    /// SOAP 1.1, `text/xml`.
    #[default]
    V11,
    /// SOAP 1.2, `application/soap+xml`.
    V12,
}

impl Version {
    /// The namespace of its envelope.
    #[must_use]
    pub fn envelope(self) -> &'static str {
        match self {
            Self::V11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::V12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    /// The namespace of its encoding rules.
    #[must_use]
    pub fn encoding(self) -> &'static str {
        match self {
            Self::V11 => "http://schemas.xmlsoap.org/soap/encoding/",
            Self::V12 => "http://www.w3.org/2003/05/soap-encoding",
        }
    }

    /// The value of `Content-Type`; with SOAP 1.2 the action of a request is a part of it.
    #[must_use]
    pub fn content_type(self, action: Option<&str>) -> String {
        match (self, action) {
            (Self::V11, _) => "text/xml; charset=utf-8".to_owned(),
            (Self::V12, None) => "application/soap+xml; charset=utf-8".to_owned(),
            (Self::V12, Some(action)) => format!("application/soap+xml; charset=utf-8; action=\"{action}\""),
        }
    }
}

/// Whether a text can be the name of an element or of an attribute, without a prefix.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let starts_well = text.starts_with(|first: char| first.is_alphabetic() || first == '_');
    starts_well && text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.'))
}

/// Reads any bytes as an answer of a service and as a description of one, for fuzzers and property tests.
///
/// # Panics
/// When an answer becomes larger than references in it may make it.
pub fn fuzz_bytes(bytes: &[u8]) {
    for content_type in [None, Some("text/xml; charset=x")] {
        let Ok(envelope) = Envelope::read(bytes, content_type) else { continue };
        let _ = (envelope.fault(), envelope.must_understand().is_some());
        if let Ok(answer) = decode::answer(&envelope) {
            assert!(size(&answer) <= decode::MOST_TEXT + bytes.len(), "an answer that grows without bound");
        }
    }
    if let Ok(root) = Element::read(bytes, None, 1_000) {
        let mut description = wsdl::Wsdl::default();
        let _ = description.add(root);
        let _ = description.operation("a", None);
    }
}

/// Bytes of the texts in it, names included.
fn size(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(items) => items.iter().map(size).sum(),
        serde_json::Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + size(value)).sum(),
        _ => 0,
    }
}
