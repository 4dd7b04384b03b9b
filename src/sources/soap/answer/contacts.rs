//! Makes contacts of an answer: the fields of the PBX's own contract by their names, anything else by `map`.

use jmespath::{Expression, Variable};
use serde_json::{Map, Value as Json};

use crate::config;
use crate::error::{Error, Kind, Result};
use crate::model::{Contact, ContactId, ContactNumber, Field};

/// Most contacts of one answer.
const MOST_CONTACTS: usize = 50;

/// Which part of an answer is what.
pub(super) struct Mapping {
    map: Vec<(String, Expression<'static>)>,
    numbers: Vec<String>,
}

impl Mapping {
    pub(super) fn of(source: &config::Source) -> Result<Self> {
        let compiled = source.map.iter().map(|(field, written)| {
            let wrong =
                |why| Error::new(Kind::Invalid, format!("map.{field} is no JMESPath")).because(format!("{why}"));
            Ok((field.clone(), jmespath::compile(written).map_err(wrong)?))
        });
        Ok(Self { map: compiled.collect::<Result<_>>()?, numbers: source.numbers.clone() })
    }

    /// The contacts of an answer: of an object one, of a list of objects each. Null, and an object without any value, is
    /// nobody.
    pub(super) fn contacts(&self, answer: &Json) -> Result<Vec<Contact>> {
        let answers = match answer {
            Json::Null => return Ok(Vec::new()),
            Json::Array(items) => items.iter().take(MOST_CONTACTS).collect(),
            other => vec![other],
        };
        let contacts = answers.into_iter().map(|answer| self.contact(answer));
        contacts.filter_map(Result::transpose).collect()
    }

    fn contact(&self, answer: &Json) -> Result<Option<Contact>> {
        let mut values = match answer {
            Json::Null => return Ok(None),
            Json::Object(fields) => fields.clone(),
            _ if self.map.is_empty() => {
                let message = "the answer is a text and not an object; map says what it is, such as { name = \"@\" }";
                return Err(Error::new(Kind::Corrupt, message));
            }
            _ => Map::new(),
        };
        for (field, expression) in &self.map {
            let wrong = |why| Error::new(Kind::Corrupt, format!("map.{field} fails")).because(format!("{why}"));
            let variable = Variable::from_serializable(answer).map_err(wrong)?;
            let found = expression.search(variable).map_err(wrong)?;
            let found = serde_json::to_value(&*found).unwrap_or_default();
            values.insert(field.clone(), found);
        }
        Ok(self.filled(&values))
    }

    fn filled(&self, values: &Map<String, Json>) -> Option<Contact> {
        let mut contact = Contact::default();
        let mut is_empty = true;
        for (name, value) in values {
            if self.numbers.contains(name) {
                contact.numbers.extend(texts(value).into_iter().map(|written| number(name, written)));
                continue;
            }
            let Some(text) = text(value).filter(|text| !text.is_empty()) else { continue };
            is_empty = false;
            match Field::parse(name) {
                _ if name == "id" => contact.id = id(value, &text),
                Some(field) => contact.set(field, text),
                None => {
                    contact.custom.insert(name.clone(), text);
                }
            }
        }
        (!is_empty).then_some(contact)
    }
}

/// An id keeps the type that it came with, as far as it has one: digits in XML without a type are a number.
fn id(value: &Json, text: &str) -> ContactId {
    match value {
        Json::Number(_) | Json::String(_) => ContactId::from_text(text),
        _ => ContactId::Text(text.into()),
    }
}

fn number(label: &str, written: String) -> ContactNumber {
    ContactNumber { written, label: label.to_owned(), ..ContactNumber::default() }
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn texts(value: &Json) -> Vec<String> {
    match value {
        Json::Array(items) => items.iter().filter_map(text).collect(),
        other => text(other).into_iter().collect(),
    }
}
