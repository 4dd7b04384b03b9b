//! Reads a call: named children, a map, an object, or values in order, whatever its function is called.
//!
//! PHP sends the same arguments in seven ways, and with most WSDLs some of them lose the number on the way. Such a call is
//! answered with a fault that says what to change, because the null answer would hide the mistake for ever.

use serde_json::Value;

use crate::soap::envelope::Envelope;
use crate::soap::{Element, Version, decode};

/// Most parameters of a call.
const MOST_PARAMETERS: usize = 500;

/// A call as it was sent. It may hold the token, so it is not printed.
pub(in crate::faces) struct Question {
    /// The version, for the answer.
    pub(in crate::faces) version: Version,
    /// The name of the function, or of the document.
    pub(in crate::faces) function: String,
    /// Its namespace.
    pub(in crate::faces) namespace: String,
    /// Whether it is a document: its parts are in the namespace and have no types.
    pub(in crate::faces) is_document: bool,
    /// The parameters by name, repeats included.
    pub(in crate::faces) pairs: Vec<(String, String)>,
    /// The third of several values in order: the token, where no other is offered.
    pub(in crate::faces) third: Option<String>,
}

/// A call that cannot be answered, and what to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::faces) struct Mistake {
    /// The version, as far as it is known.
    pub(in crate::faces) version: Version,
    /// The code of the fault.
    pub(in crate::faces) code: &'static str,
    /// What it says.
    pub(in crate::faces) text: String,
}

/// Reads a call.
pub(in crate::faces) fn read(body: &[u8], content_type: Option<&str>) -> Result<Question, Mistake> {
    let is_new = content_type.is_some_and(|kind| kind.trim_start().starts_with("application/soap+xml"));
    let said = if is_new { Version::V12 } else { Version::V11 };
    let envelope = Envelope::read(body, content_type).map_err(|why| client(said, why.to_string()))?;
    let version = envelope.version;
    if let Some(block) = envelope.must_understand() {
        let text = format!("the header {} has to be understood, and calldex does not know it", block.name);
        return Err(Mistake { version, code: "MustUnderstand", text });
    }
    let Some(call) = envelope.body.first() else { return Err(client(version, "the body of the call is empty")) };
    let mut given = Given::default();
    for child in &call.children {
        given.add(child, &envelope).map_err(|text| client(version, text))?;
    }
    for sibling in envelope.body[1..].iter().filter(|sibling| place(&sibling.name).is_some()) {
        given.add(sibling, &envelope).map_err(|text| client(version, text))?;
    }
    let given = given.finish().map_err(|text| client(version, text))?;
    Ok(Question {
        version,
        function: call.name.clone(),
        namespace: call.namespace.as_deref().unwrap_or_default().to_owned(),
        is_document: !envelope.is_encoded && is_document(call),
        pairs: given.pairs,
        third: given.third,
    })
}

fn client(version: Version, text: impl Into<String>) -> Mistake {
    Mistake { version, code: "Client", text: text.into() }
}

fn is_document(call: &Element) -> bool {
    !call.children.is_empty()
        && call.namespace.is_some()
        && call.children.iter().all(|child| child.namespace == call.namespace)
}

/// What a call gives, by name and by place.
#[derive(Default)]
struct Given {
    pairs: Vec<(String, String)>,
    in_order: Vec<(usize, String)>,
    third: Option<String>,
}

impl Given {
    fn add(&mut self, child: &Element, envelope: &Envelope) -> Result<(), String> {
        let value = decode::element(child, envelope).map_err(|why| why.to_string())?;
        match value {
            Value::Object(_) | Value::Array(_) if child.name == "telephone" => Err(not_a_text("telephone")),
            Value::Object(entries) => entries.into_iter().try_for_each(|(name, value)| self.add_named(name, value)),
            Value::Array(items) => {
                let places = items.into_iter().enumerate();
                self.in_order.extend(places.filter_map(|(place, item)| Some((place, text_of(item)?))));
                Ok(())
            }
            value => match place(&child.name) {
                Some(place) => {
                    self.in_order.extend(text_of(value).map(|text| (place, text)));
                    Ok(())
                }
                // A number keeps the zeros that it was written with.
                None if value.is_number() => self.add_named(child.name.clone(), Value::String(child.text.clone())),
                None => self.add_named(child.name.clone(), value),
            },
        }
    }

    fn add_named(&mut self, name: String, value: Value) -> Result<(), String> {
        if self.pairs.len() + self.in_order.len() >= MOST_PARAMETERS {
            return Err(format!("the call has more than {MOST_PARAMETERS} parameters"));
        }
        match text_of(value) {
            Some(text) => self.pairs.push((name, text)),
            None if matches!(name.as_str(), "telephone" | "dnid") => return Err(not_a_text(&name)),
            None => {}
        }
        Ok(())
    }

    /// Gives names to what came in order.
    fn finish(mut self) -> Result<Self, String> {
        if !self.pairs.iter().any(|(name, _)| name == "telephone") {
            let mut at = |wanted| {
                let found = self.in_order.iter().position(|(place, _)| *place == wanted)?;
                Some(self.in_order.swap_remove(found).1)
            };
            let (first, second) = (at(0), at(1));
            let third = at(2);
            let Some(first) = first else { return Err(missing(second.is_some() || third.is_some())) };
            self.pairs.push(("telephone".to_owned(), first));
            self.pairs.extend(second.map(|dnid| ("dnid".to_owned(), dnid)));
            self.third = third;
        }
        match self.pairs.iter().find(|(name, text)| name == "telephone" && matches!(text.as_str(), "Array" | "true")) {
            Some((_, text)) => Err(format!(
                "telephone is \"{text}\", which is what PHP makes of an array or of another argument; call \
                 getCallerInfo(['telephone' => ..., 'dnid' => ...]) with the WSDL of calldex"
            )),
            None => Ok(self),
        }
    }
}

fn missing(has_others: bool) -> String {
    let lost = if has_others { "; the first argument was lost on the way, as this WSDL takes one array" } else { "" };
    format!("telephone is missing{lost}: send it by name, in an array with that name, or as the first argument")
}

fn not_a_text(name: &str) -> String {
    format!("{name} is an array or an object; expected a text")
}

/// Null is empty, as a withheld number is; what is no single value is nothing.
fn text_of(value: Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// The place of an argument that has no name of its own: `params` and `param0` are the first one of PHP, `arg0` and `in0`
/// those of Java.
fn place(name: &str) -> Option<usize> {
    if name == "params" {
        return Some(0);
    }
    let digits = ["param", "arg", "in"].into_iter().find_map(|prefix| name.strip_prefix(prefix))?;
    digits.parse().ok().filter(|place| *place < 10)
}

#[cfg(test)]
mod tests;
