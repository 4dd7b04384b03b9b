//! Contacts out of JSON: one object a line, or an array of objects, of any size.
//!
//! Objects are cut out of the text by their brackets, without reading them, so that one broken object costs itself
//! only and no object is held longer than it takes to read it.

use std::io::Read;

use serde_json::{Map, Value};

use crate::error::{Error, Kind, Result};

use super::chunks::Chunks;
use super::columns::shorten;
use super::reader::{Fault, MAX_RECORD, Next};
use super::records::{Cells, Named, SEPARATOR};

/// Keys under which an object holds a number, a mail address or another single value.
const VALUE_KEYS: [&str; 8] = ["number", "value", "telephone", "phone", "tel", "address", "email", "uri"];

/// Keys under which such an object says what kind of value it is.
const LABEL_KEYS: [&str; 4] = ["label", "type", "kind", "name"];

/// Objects within objects are followed this deep; what is deeper stays JSON.
const DEPTH: usize = 3;

/// Cuts objects out of a text.
pub(crate) struct Objects<R> {
    input: Chunks<R>,
    line: u64,
    /// The object so far.
    object: Vec<u8>,
    /// The objects stand in an array, in which a line may begin with an inner object.
    in_array: bool,
    /// The last byte that was no blank. An array ends with its bracket; a file that was cut off does not.
    last: u8,
}

impl<R: Read> Objects<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input: Chunks::new(input), line: 1, object: Vec::new(), in_array: false, last: 0 }
    }

    fn byte(&mut self) -> Result<Option<u8>> {
        let byte = self.input.rest(self.line)?.first().copied();
        self.input.skip(1);
        self.line += u64::from(byte == Some(b'\n'));
        self.last = byte.filter(|byte| !byte.is_ascii_whitespace()).unwrap_or(self.last);
        Ok(byte)
    }

    /// Cuts the next object out; what stands between objects may be brackets of the array, commas and blanks.
    fn cut(&mut self, cells: &mut Cells) -> Result<Next> {
        self.object.clear();
        loop {
            let line = self.line;
            match self.byte()? {
                None => return self.expect_end_of_array().map(|()| Next::End),
                Some(b'{') => {
                    cells.clear(line);
                    return self.cut_object();
                }
                Some(b'[') => self.in_array = true,
                Some(byte) if byte.is_ascii_whitespace() || matches!(byte, b']' | b',') => {}
                Some(byte) => {
                    cells.clear(line);
                    return self.pass_over(byte, cells);
                }
            }
        }
    }

    /// Something that is no object: up to the end of its line, or the next object.
    fn pass_over(&mut self, first: u8, cells: &mut Cells) -> Result<Next> {
        self.object.push(first);
        while let Some(byte) = self.byte()? {
            if byte == b'{' {
                self.input.step_back();
                break;
            }
            if byte == b'\n' {
                break;
            }
            if self.object.len() < 100 {
                self.object.push(byte);
            }
        }
        cells.note = shorten(String::from_utf8_lossy(&self.object).trim());
        Ok(Next::Broken(Fault::NotObject))
    }

    /// The rest of an object whose bracket has been read.
    fn cut_object(&mut self) -> Result<Next> {
        let (mut depth, mut quoted, mut escaped, mut long) = (1_u32, false, false, false);
        self.object.push(b'{');
        while let Some(byte) = self.byte()? {
            long |= self.object.len() >= MAX_RECORD;
            if !long {
                self.object.push(byte);
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                // A text never holds a bare end of line: its quote was not closed.
                b'\n' if quoted || !self.in_array => {
                    quoted = false;
                    if self.is_start_of_object()? {
                        return Ok(Next::Broken(Fault::Json));
                    }
                }
                b'"' => quoted = !quoted,
                b'{' | b'[' if !quoted => depth = depth.saturating_add(1),
                b'}' | b']' if !quoted => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(if long { Next::Broken(Fault::LongRow) } else { Next::Row });
            }
        }
        self.expect_end_of_array()?;
        Ok(Next::Broken(if long { Fault::LongRow } else { Fault::Json }))
    }

    /// Refuses an array without its end: half of the contacts are missing.
    fn expect_end_of_array(&self) -> Result<()> {
        if !self.in_array || self.last == b']' {
            return Ok(());
        }
        let message = format!("the file ends in line {} within its array: it was cut off", self.line);
        Err(Error::new(Kind::Invalid, message))
    }

    /// Whether the next line begins with an object, as in a file of one object a line.
    fn is_start_of_object(&mut self) -> Result<bool> {
        let byte = self.byte()?;
        if let Some(byte) = byte {
            self.input.step_back();
            self.line -= u64::from(byte == b'\n');
        }
        Ok(byte == Some(b'{'))
    }
}

impl<R: Read + Send> Named for Objects<R> {
    fn next(&mut self, cells: &mut Cells) -> Result<Next> {
        let next = self.cut(cells)?;
        if next != Next::Row {
            return Ok(next);
        }
        match serde_json::from_slice::<Map<String, Value>>(&self.object) {
            Ok(object) => {
                put_object(cells, "", &object, 0);
                Ok(Next::Row)
            }
            Err(error) => {
                cells.note = shorten(&error.to_string());
                Ok(Next::Broken(Fault::Json))
            }
        }
    }
}

fn put_object(cells: &mut Cells, before: &str, object: &Map<String, Value>, depth: usize) {
    for (key, value) in object {
        let name = if before.is_empty() { key.clone() } else { format!("{before} {key}") };
        put(cells, &name, value, depth);
    }
}

fn put(cells: &mut Cells, name: &str, value: &Value, depth: usize) {
    match value {
        Value::Object(object) if labelled(object).is_some() => put_labelled(cells, name, &[labelled(object)]),
        Value::Object(object) if depth < DEPTH => put_object(cells, name, object, depth + 1),
        Value::Array(items) if items.iter().any(|item| item.as_object().and_then(labelled).is_some()) => {
            let values: Vec<_> =
                items.iter().map(|item| item.as_object().map_or_else(|| plain(item), labelled)).collect();
            put_labelled(cells, name, &values);
        }
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().map(text).filter(|text| !text.is_empty()).collect();
            cells.add(name, &texts.join(SEPARATOR));
        }
        other => cells.add(name, &text(other)),
    }
}

/// A value and what it is called.
type Labelled = (String, String);

/// Reads `{"number": "0722…", "label": "mobile"}`.
fn labelled(object: &Map<String, Value>) -> Option<Labelled> {
    let find = |keys: &[&str]| {
        let found = keys.iter().find_map(|key| object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)));
        found.map(|(_, value)| text(value)).filter(|text| !text.is_empty())
    };
    let known = object.len() <= 2 || object.keys().all(|key| !key.eq_ignore_ascii_case("id"));
    let value = find(&VALUE_KEYS).filter(|_| known)?;
    Some((value, find(&LABEL_KEYS).unwrap_or_default()))
}

fn plain(item: &Value) -> Option<Labelled> {
    Some((text(item), String::new())).filter(|(value, _)| !value.is_empty())
}

/// Values go into one cell, their labels in the same order into the one beside it.
fn put_labelled(cells: &mut Cells, name: &str, values: &[Option<Labelled>]) {
    let values: Vec<&Labelled> = values.iter().flatten().collect();
    let join = |texts: Vec<&str>| texts.join(SEPARATOR);
    cells.add(name, &join(values.iter().map(|(value, _)| value.as_str()).collect()));
    if values.iter().any(|(_, label)| !label.is_empty()) {
        cells.add(&format!("{name} label"), &join(values.iter().map(|(_, label)| label.as_str()).collect()));
    }
}

/// A value as a person would write it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => float_text(float),
            None => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// A number without point and exponent where it has none: `4.0722111222E10` is 40722111222.
pub(crate) fn float_text(float: f64) -> String {
    match float.fract() == 0.0 && float.abs() < 1e15 {
        true => format!("{float:.0}"),
        false => float.to_string(),
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
