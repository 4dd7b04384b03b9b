//! Makes JSON of what a service answers: maps, objects, lists, bare children, references, and JSON in a text.
//!
//! A reference may be used many times and lead to others, which is how a small answer becomes a huge one; so the values
//! that come out are counted, not the elements that went in.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Number, Value};

use super::Element;
use super::envelope::{Envelope, is_nil};
use super::namespaces::{RPC, XSI};
use crate::error::{Error, Kind, Result};

/// Most values of an answer.
const MOST_VALUES: usize = 20_000;
/// Most values inside of one another, references followed.
const MOST_DEPTH: usize = 64;
/// Most bytes of text in an answer, references followed.
pub(super) const MOST_TEXT: usize = 4 << 20;

/// The answer in the body of an envelope; null when it is empty.
///
/// A single result is unwrapped, several are the entries of an object, and a text that holds a JSON object or list is
/// read as that.
///
/// # Errors
/// `Corrupt`, when a reference leads nowhere or in a circle, or when there are too many values.
pub fn answer(envelope: &Envelope) -> Result<Value> {
    let Some(response) = envelope.body.first() else { return Ok(Value::Null) };
    let mut decoder = Decoder::of(envelope);
    let results: Vec<&Element> = response.children.iter().filter(|child| !child.is(RPC, "result")).collect();
    let value = match results.as_slice() {
        [] => decoder.value(response, 0)?,
        [result] if !is_field(&result.name) => decoder.value(result, 0)?,
        results => decoder.object(results, 0)?,
    };
    Ok(unpacked(value))
}

/// Whether an element of this name is one field of the answer and not the whole of it.
fn is_field(name: &str) -> bool {
    matches!(name, "id" | "name" | "queue_position" | "direct_line" | "backend_link" | "route_identifier")
}

/// Reads the JSON in a text, where there is some.
fn unpacked(value: Value) -> Value {
    match value {
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            serde_json::from_str(text.trim()).unwrap_or(Value::String(text))
        }
        Value::String(text) if text.trim().is_empty() || text.trim() == "null" => Value::Null,
        other => other,
    }
}

/// Reads one element as a value, for those who look into a call themselves.
///
/// # Errors
/// As [`answer`].
pub fn element<'a>(element: &'a Element, envelope: &'a Envelope) -> Result<Value> {
    Decoder::of(envelope).value(element, 0)
}

struct Decoder<'a> {
    /// What references lead to.
    named: HashMap<&'a str, &'a Element>,
    values: usize,
    text: usize,
}

impl<'a> Decoder<'a> {
    fn of(envelope: &'a Envelope) -> Self {
        let named = envelope.body.iter().rev().filter_map(|root| Some((identity(root)?, root)));
        Self { named: named.collect(), values: 0, text: 0 }
    }

    fn value(&mut self, element: &'a Element, depth: usize) -> Result<Value> {
        self.values += 1;
        if depth > MOST_DEPTH || self.values > MOST_VALUES {
            return Err(Error::new(Kind::Corrupt, "the answer has too many values, or references in a circle"));
        }
        if is_nil(element) {
            return Ok(Value::Null);
        }
        if let Some(target) = reference(element) {
            let missing = || Error::new(Kind::Corrupt, "the answer refers to what it does not hold");
            let found = *self.named.get(target).ok_or_else(missing)?;
            return self.value(found, depth + 1);
        }
        let kind = kind(element);
        match kind {
            "Map" => self.map(element, depth),
            "Array" => self.list(element, depth),
            _ if element.children.is_empty() => self.scalar(element, kind),
            _ if kind.is_empty() && element.children.iter().all(is_entry) => self.map(element, depth),
            _ => self.object(&element.children.iter().collect::<Vec<_>>(), depth),
        }
    }

    /// Counts a text that is copied into the answer.
    fn take(&mut self, text: &str) -> Result<()> {
        self.text += text.len();
        match self.text > MOST_TEXT {
            true => Err(Error::new(Kind::Corrupt, "the answer has too much text")),
            false => Ok(()),
        }
    }

    fn map(&mut self, element: &'a Element, depth: usize) -> Result<Value> {
        let mut entries = Map::new();
        for item in &element.children {
            let (Some(key), Some(value)) = (item.child_named("key"), item.child_named("value")) else { continue };
            self.take(&key.text)?;
            entries.insert(key.text.clone(), self.value(value, depth + 1)?);
        }
        Ok(Value::Object(entries))
    }

    fn list(&mut self, element: &'a Element, depth: usize) -> Result<Value> {
        element.children.iter().map(|item| self.value(item, depth + 1)).collect::<Result<_>>().map(Value::Array)
    }

    /// Children by name; one that is repeated is a list.
    fn object(&mut self, children: &[&'a Element], depth: usize) -> Result<Value> {
        let mut fields: Map<String, Value> = Map::new();
        let mut repeated: HashSet<&str> = HashSet::new();
        for child in children {
            let value = self.value(child, depth + 1)?;
            match fields.get_mut(&child.name) {
                None => {
                    self.take(&child.name)?;
                    fields.insert(child.name.clone(), value);
                }
                Some(Value::Array(items)) if repeated.contains(child.name.as_str()) => items.push(value),
                Some(first) => {
                    *first = Value::Array(vec![first.take(), value]);
                    repeated.insert(&child.name);
                }
            }
        }
        Ok(Value::Object(fields))
    }

    fn scalar(&mut self, element: &Element, kind: &str) -> Result<Value> {
        self.take(&element.text)?;
        let text = element.text.trim();
        let number = match kind {
            "int" | "integer" | "long" | "short" | "byte" | "unsignedInt" | "unsignedShort" | "unsignedByte"
            | "nonNegativeInteger" | "positiveInteger" => text.parse::<i64>().ok().map(Number::from),
            "float" | "double" | "decimal" => text.parse().ok().and_then(Number::from_f64),
            "boolean" => return Ok(Value::Bool(matches!(text, "1" | "true"))),
            _ => None,
        };
        Ok(number.map_or_else(|| Value::String(element.text.clone()), Value::Number))
    }
}

/// The type that an element says it has, without its prefix: every service names these alike.
fn kind(element: &Element) -> &str {
    let said = element.attribute(Some(XSI), "type").map(|kind| kind.rsplit(':').next().unwrap_or_default().trim());
    let is_array = ["arrayType", "itemType", "arraySize"].iter().any(|name| {
        super::Version::V11.encoding_attribute(element, name) || super::Version::V12.encoding_attribute(element, name)
    });
    if is_array { "Array" } else { said.unwrap_or_default() }
}

fn is_entry(element: &Element) -> bool {
    element.name == "item"
        && element.children.len() == 2
        && element.child_named("key").is_some()
        && element.child_named("value").is_some()
}

/// What an element refers to: `href="#id0"` in SOAP 1.1, `enc:ref="id0"` in 1.2.
fn reference(element: &Element) -> Option<&str> {
    let old = element.attribute(None, "href").and_then(|target| target.strip_prefix('#'));
    let new = || element.attribute(Some(super::Version::V12.encoding()), "ref");
    old.or_else(new).filter(|_| element.children.is_empty())
}

fn identity(element: &Element) -> Option<&str> {
    element.attribute(None, "id").or_else(|| element.attribute(Some(super::Version::V12.encoding()), "id"))
}

impl super::Version {
    fn encoding_attribute(self, element: &Element, name: &str) -> bool {
        element.attribute(Some(self.encoding()), name).is_some()
    }
}
