//! Finds what an envelope carries: the header, the elements of the body, or a fault, in SOAP 1.1 and 1.2.

use std::fmt;

use super::namespaces::XSI;
use super::tree::Element;
use super::{Version, is_name};
use crate::error::{Error, Kind, Result};

/// Most elements of an envelope.
pub const MOST_ELEMENTS: usize = 20_000;

/// An envelope that was read.
#[derive(Debug)]
pub struct Envelope {
    /// The version that it is written in.
    pub version: Version,
    /// The blocks of its header.
    pub header: Vec<Element>,
    /// The elements of its body: the call or the answer first, then what it refers to.
    pub body: Vec<Element>,
    /// Whether it says that the encoding rules of SOAP are used.
    pub is_encoded: bool,
}

/// A refusal or a failure, as the other side words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The code without its prefix: `Client`, `Server`, `INVALID_LOGIN`; with SOAP 1.2 the finer one where there is one.
    pub code: String,
    /// What it says to people.
    pub text: String,
}

impl Envelope {
    /// Reads an envelope. `content_type` is that of the message, for its charset.
    ///
    /// # Errors
    /// `Corrupt`, when it is not XML, not an envelope, or too large.
    pub fn read(bytes: &[u8], content_type: Option<&str>) -> Result<Self> {
        Self::of(Element::read(bytes, content_type, MOST_ELEMENTS)?)
    }

    fn of(root: Element) -> Result<Self> {
        let versions = [Version::V11, Version::V12];
        let Some(version) = versions.into_iter().find(|version| root.is(version.envelope(), "Envelope")) else {
            let what = if root.name.eq_ignore_ascii_case("html") { "a web page" } else { "no SOAP envelope" };
            return Err(Error::new(Kind::Corrupt, format!("it is {what}; its root element is {}", shown(&root.name))));
        };
        let namespace = version.envelope();
        let style = |element: &Element| {
            element.attribute(Some(namespace), "encodingStyle").is_some_and(|style| style.trim() == version.encoding())
        };
        let mut is_encoded = style(&root);
        let (mut header, mut body) = (Vec::new(), None);
        for part in root.children {
            if part.is(namespace, "Header") {
                header = part.children;
            } else if part.is(namespace, "Body") && body.is_none() {
                is_encoded |= style(&part) || part.children.iter().any(&style);
                body = Some(part.children);
            }
        }
        let body = body.ok_or_else(|| Error::new(Kind::Corrupt, "the SOAP envelope has no body"))?;
        Ok(Self { version, header, body, is_encoded })
    }

    /// The first block of the header that must not be passed over.
    #[must_use]
    pub fn must_understand(&self) -> Option<&Element> {
        let namespace = Some(self.version.envelope());
        self.header.iter().find(|block| {
            block.attribute(namespace, "mustUnderstand").is_some_and(|value| matches!(value.trim(), "1" | "true"))
        })
    }

    /// The fault in the body; one of the other version is read too.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        let fault = self.body.first().filter(|first| first.name == "Fault")?;
        let is_of = |version: &Version| fault.namespace.as_deref() == Some(version.envelope());
        match [Version::V11, Version::V12].into_iter().find(is_of)? {
            Version::V12 if fault.child_named("Code").is_some() => Some(read_new(fault)),
            _ => Some(read_old(fault)),
        }
    }
}

fn read_old(fault: &Element) -> Fault {
    let text = |name| fault.child_named(name).map(|child| child.text.trim()).unwrap_or_default();
    Fault { code: code_of(text("faultcode")), text: text("faultstring").to_owned() }
}

fn read_new(fault: &Element) -> Fault {
    let mut code = fault.child_named("Code");
    while let Some(finer) = code.and_then(|code| code.child_named("Subcode")) {
        code = Some(finer);
    }
    let code = code.and_then(|code| code.child_named("Value")).map(|value| value.text.trim()).unwrap_or_default();
    let reason = fault.child_named("Reason").and_then(|reason| reason.child_named("Text"));
    let text = reason.map(|text| text.text.trim()).unwrap_or_default();
    Fault { code: code_of(code), text: text.to_owned() }
}

fn code_of(code: &str) -> String {
    let code = code.rsplit(':').next().unwrap_or_default();
    if code.is_empty() { "unknown".to_owned() } else { shown(code) }
}

/// Says whether an element stands for null.
#[must_use]
pub fn is_nil(element: &Element) -> bool {
    element.attribute(Some(XSI), "nil").is_some_and(|value| matches!(value.trim(), "1" | "true"))
}

/// Text of a stranger as far as it may stand in a message: a name, and not a long one.
fn shown(name: &str) -> String {
    if is_name(name) && name.len() <= 60 { name.to_owned() } else { "not a name".to_owned() }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self.text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        write!(out, "{}: {text}", self.code)
    }
}
