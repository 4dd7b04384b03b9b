//! Reads XML as a tree, with bounded memory and without what XML can do to a reader: no document type, so no entity of
//! its own, nothing from outside, a bounded depth and a bounded number of elements. [`charset`] has made text of it.

use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::is_name;
use crate::charset;
use crate::error::{Error, Kind, Result};

/// Most elements inside of one another.
const MOST_DEPTH: usize = 64;
/// Most attributes of an element, declarations of namespaces included.
const MOST_ATTRIBUTES: usize = 64;
/// Most namespaces that are declared at one place; every name with a prefix is looked up among them.
const MOST_DECLARED: usize = 256;

/// An element, with its names resolved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// The namespace of its name.
    pub namespace: Option<Arc<str>>,
    /// Its name without a prefix; [`is_name`] holds for it.
    pub name: String,
    /// The elements in it.
    pub children: Vec<Element>,
    /// Its text; empty when there are elements in it.
    pub text: String,
    attributes: Vec<Attribute>,
    scope: Option<Arc<Scope>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Attribute {
    namespace: Option<Arc<str>>,
    name: String,
    value: String,
}

/// The prefixes that an element declares, and those around it.
#[derive(Debug, PartialEq, Eq)]
struct Scope {
    declared: Vec<(String, Arc<str>)>,
    around: Option<Arc<Scope>>,
    /// How many they are in all.
    count: usize,
}

impl Element {
    /// Reads a document of at most `most` elements. `content_type` is that of the answer, for its charset.
    ///
    /// # Errors
    /// `Corrupt`, when it is not XML, has a document type, or is too deep or too large.
    pub fn read(bytes: &[u8], content_type: Option<&str>, most: usize) -> Result<Self> {
        let text = charset::decode(bytes, content_type.unwrap_or_default())?;
        let mut reader = Reader::from_str(&text);
        let mut growing = Growing { most, ..Growing::default() };
        loop {
            match reader.read_event().map_err(|why| corrupt("the XML cannot be read").because(why))? {
                Event::Eof => return growing.finish(),
                event => growing.take(event)?,
            }
        }
    }

    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, namespace: Option<&str>, name: &str) -> Option<&str> {
        let fits = |attribute: &&Attribute| attribute.name == name && attribute.namespace.as_deref() == namespace;
        self.attributes.iter().find(fits).map(|attribute| attribute.value.as_str())
    }

    /// Says whether this is the element of a namespace.
    #[must_use]
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.name == name && self.namespace.as_deref() == Some(namespace)
    }

    /// The first child of this name.
    #[must_use]
    pub fn child(&self, namespace: &str, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(namespace, name))
    }

    /// The first child of this name in any namespace.
    #[must_use]
    pub fn child_named(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Resolves a name with a prefix that stands in an attribute, such as `tns:getCallerInfo`.
    #[must_use]
    pub fn resolve<'a>(&self, name: &'a str) -> (Option<Arc<str>>, &'a str) {
        let (prefix, local) = name.trim().split_once(':').unwrap_or(("", name.trim()));
        (look_up(self.scope.as_ref(), prefix), local)
    }
}

/// A document of which a part has been read.
#[derive(Default)]
struct Growing {
    open: Vec<Element>,
    root: Option<Element>,
    count: usize,
    most: usize,
}

impl Growing {
    fn take(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Start(tag) => {
                let element = self.start(&tag)?;
                self.open.push(element);
            }
            Event::Empty(tag) => {
                let element = self.start(&tag)?;
                self.close(element);
            }
            Event::End(_) => {
                let element = self.open.pop().ok_or_else(|| corrupt("the XML closes what is not open"))?;
                self.close(element);
            }
            Event::Text(text) => self.add(&text.xml10_content())?,
            Event::CData(text) => self.add(&text.xml10_content())?,
            Event::GeneralRef(entity) => {
                let letter = match entity.resolve_char_ref() {
                    Ok(Some(letter)) => letter,
                    Ok(None) => predefined(&entity.xml10_content())?,
                    Err(why) => return Err(corrupt("the XML has a character that does not exist").because(why)),
                };
                self.add(letter.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return Err(corrupt("the XML has a document type (DTD), which is not accepted")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Eof => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<Element> {
        self.count += 1;
        if self.open.len() >= MOST_DEPTH {
            return Err(corrupt(format!("the XML is deeper than {MOST_DEPTH} elements")));
        }
        if self.count > self.most {
            return Err(corrupt(format!("the XML has more than {} elements", self.most)));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(corrupt("the XML has more than one root element"));
        }
        read_tag(tag, self.open.last().and_then(|parent| parent.scope.clone()))
    }

    fn close(&mut self, mut element: Element) {
        if !element.children.is_empty() {
            element.text = String::new();
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    fn add(&mut self, text: &str) -> Result<()> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(corrupt("there is text around the XML")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Element> {
        if !self.open.is_empty() {
            return Err(corrupt("the XML ends in the middle"));
        }
        self.root.ok_or_else(|| corrupt("there is no XML"))
    }
}

fn read_tag(tag: &BytesStart<'_>, around: Option<Arc<Scope>>) -> Result<Element> {
    let mut declared = Vec::new();
    let mut plain = Vec::new();
    for (place, attribute) in tag.attributes().enumerate() {
        let attribute = attribute.map_err(|why| corrupt("an attribute of the XML cannot be read").because(why))?;
        if place >= MOST_ATTRIBUTES {
            return Err(corrupt(format!("an element of the XML has more than {MOST_ATTRIBUTES} attributes")));
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        let value = value.map_err(|why| corrupt("an attribute of the XML cannot be read").because(why))?.into_owned();
        let name = attribute.key.into_inner();
        match name.strip_prefix("xmlns") {
            Some("") => declared.push((String::new(), value.into())),
            Some(prefix) if prefix.starts_with(':') => declared.push((prefix[1..].to_owned(), value.into())),
            _ => plain.push((name.to_owned(), value)),
        }
    }
    let scope = if declared.is_empty() { around } else { Some(Arc::new(Scope::within(around, declared)?)) };
    let (namespace, name) = resolved(tag.name().into_inner(), scope.as_ref(), true)?;
    let attributes = plain.into_iter().map(|(name, value)| {
        let (namespace, name) = resolved(&name, scope.as_ref(), false)?;
        Ok(Attribute { namespace, name, value })
    });
    Ok(Element { namespace, name, attributes: attributes.collect::<Result<_>>()?, scope, ..Element::default() })
}

impl Scope {
    fn within(around: Option<Arc<Self>>, declared: Vec<(String, Arc<str>)>) -> Result<Self> {
        let count = around.as_ref().map_or(0, |around| around.count) + declared.len();
        if count > MOST_DECLARED {
            return Err(corrupt(format!("the XML declares more than {MOST_DECLARED} namespaces at one place")));
        }
        Ok(Self { declared, around, count })
    }
}

/// Takes a name apart; without a prefix an element is in the default namespace, an attribute in none.
fn resolved(name: &str, scope: Option<&Arc<Scope>>, is_element: bool) -> Result<(Option<Arc<str>>, String)> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    if !is_name(local) {
        return Err(corrupt("a name in the XML is none"));
    }
    let namespace = if prefix.is_empty() && !is_element { None } else { look_up(scope, prefix) };
    if namespace.is_none() && !prefix.is_empty() {
        return Err(corrupt("a prefix in the XML is not declared"));
    }
    Ok((namespace, local.to_owned()))
}

fn look_up(mut scope: Option<&Arc<Scope>>, prefix: &str) -> Option<Arc<str>> {
    if prefix == "xml" {
        return Some("http://www.w3.org/XML/1998/namespace".into());
    }
    while let Some(level) = scope {
        if let Some((_, uri)) = level.declared.iter().find(|(declared, _)| declared == prefix) {
            return Some(Arc::clone(uri)).filter(|uri| !uri.is_empty());
        }
        scope = level.around.as_ref();
    }
    None
}

fn predefined(name: &str) -> Result<char> {
    match name {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(corrupt("the XML names an entity that is not defined")),
    }
}

fn corrupt(message: impl Into<String>) -> Error {
    Error::new(Kind::Corrupt, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Element> {
        Element::read(text.as_bytes(), None, 1_000)
    }

    fn refused(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn names_are_resolved_where_they_stand() {
        let root = read("<a:r xmlns:a='urn:1' xmlns='urn:2'><x a:t='a:v' u='1'/><y xmlns=''/></a:r>").unwrap();
        assert!(root.is("urn:1", "r"));
        assert!(root.children[0].is("urn:2", "x"));
        assert_eq!(root.children[0].attribute(Some("urn:1"), "t"), Some("a:v"));
        assert_eq!(root.children[0].attribute(None, "u"), Some("1"));
        assert_eq!(root.children[0].resolve("a:v"), (Some("urn:1".into()), "v"));
        assert_eq!(root.children[1].namespace, None);
    }

    #[test]
    fn text_is_joined_from_its_pieces() {
        let root = read("<a>1 &lt;&#50;<![CDATA[&3]]><!-- no -->4\r\n</a>").unwrap();
        assert_eq!(root.text, "1 <2&34\n");
        assert_eq!(read("<a> <b/> </a>").unwrap().text, "");
    }

    #[test]
    fn nothing_that_expands_is_accepted() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"&c;&c;&c;\"><!ENTITY c \"xxxx\">]><a>&b;</a>";
        assert!(refused(bomb).contains("document type"));
        assert!(refused("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>").contains("document type"));
        assert!(refused("<a>&b;</a>").contains("not defined"));
        assert!(refused("<a b='&c;'/>").contains("attribute"));
    }

    #[test]
    fn depth_number_and_width_are_bounded() {
        assert!(refused(&"<a>".repeat(10_000)).contains("deeper than 64"));
        assert!(refused(&format!("<a>{}</a>", "<b/>".repeat(2_000))).contains("more than 1000 elements"));
        let wide: String = (0..100).map(|place| format!(" a{place}='1'")).collect();
        assert!(refused(&format!("<a{wide}/>")).contains("more than 64 attributes"));
        let declaring: String = (0..60).map(|place| format!(" xmlns:p{place}='u'")).collect();
        let deep = |times: usize| format!("<a{declaring}>").repeat(times) + &"</a>".repeat(times);
        assert!(read(&deep(4)).is_ok());
        assert!(refused(&deep(5)).contains("more than 256 namespaces"));
    }

    #[test]
    fn what_is_not_one_whole_document_is_refused() {
        for text in ["", "   ", "hello", "<a>", "<a></b>", "</a>", "<a/><b/>", "x<a/>", "<a/>x", "<a b=c/>", "<p:a/>"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("<a'b/>").is_err());
    }
}
