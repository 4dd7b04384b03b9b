//! What comes back: JSON or XML with the fields of the contract somewhere in it, or anything that `map` can read.
//!
//! A definite "nobody" is null, an object of nulls, an empty list, or status 204. Everything else that is not an answer
//! of the right kind is a failure: an error page must never become somebody's name, nor an outage "unknown".

use http::StatusCode;
use serde_json::Value;

use super::settings::{Format, Settings};
use crate::error::{Error, Kind, Result};
use crate::soap::Element;
use crate::sources::http::Answer;
use crate::sources::mapping::{Contacts, Mapping, Types};
use crate::sources::xml;

/// Reads the contacts of an answer.
pub(super) fn read(answer: Answer, settings: &Settings, mapping: &Mapping) -> Result<Contacts> {
    let answer = answer.success()?;
    match answer.status {
        StatusCode::OK => {}
        StatusCode::NO_CONTENT => return Ok(Contacts::default()),
        other => {
            return Err(Error::new(Kind::Invalid, format!("it answers with status {} instead of 200", other.as_u16())));
        }
    }
    match settings.format {
        Format::Json => mapping.contacts(read_json(&answer, settings.root_tag.as_deref())?, Types::Told),
        Format::Xml => mapping.contacts(read_xml(&answer, settings.root_tag.as_deref())?, Types::Lost),
    }
}

fn read_json(answer: &Answer, root_tag: Option<&str>) -> Result<Value> {
    let text = answer.text()?;
    let text = text.trim();
    let read: Value = serde_json::from_str(text).map_err(|why| {
        let found = match text.as_bytes().first() {
            None => "the answer is empty".to_owned(),
            Some(b'<') => "the answer is a web page or XML, not JSON".to_owned(),
            Some(_) => format!("the answer is no JSON: {why}"),
        };
        Error::new(Kind::Corrupt, found)
    })?;
    match root_tag {
        Some(tag) if !is_nothing(&read) => find_key(&read, tag).cloned().ok_or_else(|| no_such_tag(tag)),
        _ => Ok(read),
    }
}

fn read_xml(answer: &Answer, root_tag: Option<&str>) -> Result<Value> {
    let text = answer.text()?;
    // The text is UTF-8 by now, whatever its declaration says.
    let root = Element::read(without_declaration(text.trim()).as_bytes(), None, xml::MOST_ELEMENTS)?;
    if root.name.eq_ignore_ascii_case("html") {
        return Err(Error::new(Kind::Corrupt, "the answer is a web page"));
    }
    match root_tag {
        Some(tag) if !is_nothing(&xml::to_json(&root)) => {
            xml::find(&root, tag).map(xml::to_json).ok_or_else(|| no_such_tag(tag))
        }
        _ => match xml::to_json(&root) {
            // A root that holds a text alone has no fields.
            Value::String(_) if root.children.is_empty() => Ok(Value::String(root.text)),
            fields => Ok(fields),
        },
    }
}

fn without_declaration(text: &str) -> &str {
    match text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => rest,
        None => text,
    }
}

/// The first value under a key, in the order of the document, at any depth.
fn find_key<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(key).or_else(|| fields.values().find_map(|inner| find_key(inner, key))),
        Value::Array(items) => items.iter().find_map(|inner| find_key(inner, key)),
        _ => None,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn no_such_tag(tag: &str) -> Error {
    Error::new(Kind::Corrupt, format!("there is no \"{tag}\" (root_tag) in the answer"))
}
