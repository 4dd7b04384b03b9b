//! Makes contacts of an answer: the fields of the PBX's own contract by their names, anything else by JMESPath.
//!
//! `map` says what fills which field; its expression `contacts` says where in the answer the contacts are, and the others
//! start at each of them. `numbers` says where the numbers of a contact are, for the verification. What is of the wrong
//! kind, such as an object for a name, is an error and never becomes text.

use jmespath::{DEFAULT_RUNTIME, Rcvar, Variable};
use serde_json::{Map, Value};

use crate::config::{self, Complaint, nearest};
use crate::directory::Hit;
use crate::error::{Error, Kind, Result};
use crate::model::{Contact, ContactId, ContactNumber, Field};
use crate::number::{self, Number, Numbering};

use super::expression::{Effort, Expression};
use super::verify::verify;
use super::watch::{self, Note};

/// Most contacts that are taken from one answer; one number that more people share names nobody.
pub const MOST_CONTACTS: usize = 50;

/// Longest value, in bytes.
pub const LONGEST_VALUE: usize = 4096;

/// Longest expression of the fuzzer: what is longer only takes longer.
const MOST_FUZZED: usize = 64;

/// The key of `map` that says where the contacts are.
const CONTACTS: &str = "contacts";

/// The key that holds the id.
const ID: &str = "id";

/// The key that says whether a contact speaks for all who share its number.
const PRIMARY: &str = "primary";

/// Which part of an answer is what.
pub struct Mapping {
    contacts: Option<Expression>,
    fields: Vec<(String, Expression)>,
    numbers: Vec<(String, Expression)>,
    /// Whether values that no expression fills are taken by their names.
    by_name: bool,
    country: String,
}

/// The contacts of an answer.
#[derive(Debug, Default)]
pub struct Contacts {
    /// At most [`MOST_CONTACTS`].
    pub mapped: Vec<Contact>,
    /// Whether the answer has more.
    pub is_cut: bool,
}

impl Contacts {
    /// Those that are the caller.
    ///
    /// # Errors
    /// [`Kind::Corrupt`] when he is not among them and the answer has more: then nobody can say that he is unknown.
    pub fn verified(self, number: &Number, numbering: &Numbering) -> Result<Vec<Hit>> {
        let hits = verify(self.mapped, number, numbering);
        if self.is_cut && hits.is_empty() {
            let message = format!("it finds more than {MOST_CONTACTS} contacts, and the caller may be among the rest");
            return Err(Error::new(Kind::Corrupt, message));
        }
        Ok(hits)
    }
}

/// Whether the answer tells a number from a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Types {
    /// `"12345"` is a text, `12345` a number.
    Told,
    /// Everything is text, as in XML.
    Lost,
}

impl Mapping {
    /// What is wrong with `map` and `numbers` of a source.
    #[must_use]
    pub fn check(source: &config::Source) -> Vec<Complaint> {
        let mut complaints = Self::check_map(source);
        for expression in &source.numbers {
            if let Err(why) = compile(expression) {
                complaints.push(Complaint::mistake(Some("numbers"), format!("numbers: {why}")));
            }
        }
        complaints
    }

    /// What is wrong with `map` of a source whose `numbers` are names of columns.
    #[must_use]
    pub fn check_map(source: &config::Source) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for (field, expression) in &source.map {
            if let Some(near) = misspelled(field) {
                let message = format!("map has the field \"{field}\", which is nearly \"{near}\"; did you mean that?");
                complaints.push(Complaint::mistake(Some("map"), message));
            }
            if let Err(why) = compile(expression) {
                complaints.push(Complaint::mistake(Some("map"), format!("map.{field}: {why}")));
            }
        }
        complaints
    }

    /// Compiles `map` and `numbers` of a source.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for an expression that [`Mapping::check`] complains about.
    pub fn of(source: &config::Source) -> Result<Self> {
        let numbers = source.numbers.iter().map(|written| compiled(written, written)).collect::<Result<_>>()?;
        Ok(Self { numbers, by_name: source.map.is_empty(), ..Self::of_rows(source)? })
    }

    /// Compiles `map` of a source whose `numbers` are names of columns; columns named like the fields map by themselves
    /// beside it.
    ///
    /// # Errors
    /// As [`Mapping::of`].
    pub fn of_rows(source: &config::Source) -> Result<Self> {
        let fields = source.map.iter().filter(|(name, _)| *name != CONTACTS);
        Ok(Self {
            contacts: source.map.get(CONTACTS).map(|written| compile_as(CONTACTS, written)).transpose()?,
            fields: fields.map(|(name, written)| compiled(name, written)).collect::<Result<_>>()?,
            numbers: Vec::new(),
            by_name: true,
            country: source.numbering.country.clone().unwrap_or_default(),
        })
    }

    /// The contacts of an answer: of an object one, of a list each. Null, and an object without any value, is nobody.
    ///
    /// # Errors
    /// [`Kind::Corrupt`] when the answer is not of the shape that the mapping expects.
    pub fn contacts(&self, answer: Value, types: Types) -> Result<Contacts> {
        // Only an answer that is read by its names alone can be told from one that says something else.
        let strict = self.by_name && self.fields.is_empty();
        let numbers = |answer: &Value, effort: &Effort| {
            let numbers = self.find_numbers(answer, effort)?;
            if strict && numbers.is_empty() && says_something_else(answer) {
                let message = "the answer has no field of a contact, such as id or name: is it an error, or does it need root_tag or map?";
                return Err(Error::new(Kind::Corrupt, message));
            }
            Ok(numbers)
        };
        let made = watch::mapping(|| self.each(answer, types, numbers));
        let contacts = made?;
        Ok(if self.numbers.is_empty() { contacts } else { with_numbers(contacts) })
    }

    /// The contacts of a list of rows whose numbers are in these columns.
    ///
    /// # Errors
    /// As [`Mapping::contacts`].
    pub fn contacts_of_rows(&self, rows: Value, columns: &[String]) -> Result<Contacts> {
        watch::mapping(|| self.each(rows, Types::Told, |row, _| Ok(self.numbers_in(row, columns)))).map(with_numbers)
    }

    fn each(
        &self,
        answer: Value,
        types: Types,
        numbers_of: impl Fn(&Value, &Effort) -> Result<Vec<ContactNumber>>,
    ) -> Result<Contacts> {
        let effort = Effort::of_an_answer();
        let answer = match &self.contacts {
            Some(expression) => search_in(expression, CONTACTS, &to_variable(&answer)?, &effort)?,
            None => answer,
        };
        let answers = match answer {
            Value::Null => return Ok(Contacts::default()),
            Value::Array(answers) => answers,
            answer => vec![answer],
        };
        let is_cut = answers.len() > MOST_CONTACTS;
        let contacts = answers.into_iter().take(MOST_CONTACTS).map(|answer| {
            let numbers = numbers_of(&answer, &effort)?;
            let mapped = self.find_fields(&answer, &effort)?;
            self.contact(answer, mapped, numbers, types)
        });
        Ok(Contacts { mapped: contacts.filter_map(Result::transpose).collect::<Result<_>>()?, is_cut })
    }

    fn contact(
        &self,
        answer: Value,
        mapped: Map<String, Value>,
        numbers: Vec<ContactNumber>,
        types: Types,
    ) -> Result<Option<Contact>> {
        let values = match answer {
            Value::Null => return Ok(None),
            Value::Object(mut values) if self.by_name => {
                values.extend(mapped);
                values
            }
            _ if !self.by_name && !self.fields.is_empty() => mapped,
            Value::Object(values) => values,
            other => {
                let message = format!("the answer is {} where an object is expected", kind_of(&other));
                return Err(Error::new(Kind::Corrupt, message));
            }
        };
        let mut contact = Contact { numbers, ..Contact::default() };
        let mut is_empty = true;
        for (name, value) in values {
            is_empty &= !fill(&mut contact, name, value, types)?;
        }
        Ok((!is_empty).then_some(contact))
    }

    fn find_fields(&self, answer: &Value, effort: &Effort) -> Result<Map<String, Value>> {
        if self.fields.is_empty() {
            return Ok(Map::new());
        }
        let variable = to_variable(answer)?;
        let found = self.fields.iter().map(|(name, expression)| {
            let value = search_in(expression, name, &variable, effort)?;
            Ok((name.clone(), value))
        });
        found.collect()
    }

    fn find_numbers(&self, answer: &Value, effort: &Effort) -> Result<Vec<ContactNumber>> {
        let mut numbers = Vec::new();
        if self.numbers.is_empty() {
            return Ok(numbers);
        }
        let variable = to_variable(answer)?;
        for (label, expression) in &self.numbers {
            self.add_numbers(label, search_in(expression, label, &variable, effort)?, &mut numbers);
        }
        Ok(numbers)
    }

    fn numbers_in(&self, row: &Value, columns: &[String]) -> Vec<ContactNumber> {
        let mut numbers = Vec::new();
        for (column, value) in columns.iter().filter_map(|column| Some((column, row.get(column)?))) {
            self.add_numbers(column, value.clone(), &mut numbers);
        }
        numbers
    }

    fn add_numbers(&self, label: &str, found: Value, numbers: &mut Vec<ContactNumber>) {
        let found = match found {
            Value::Array(values) => values,
            value => vec![value],
        };
        let written = found.into_iter().filter_map(|value| match value {
            Value::String(written) => Some(written),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        numbers.extend(written.filter(|written| !written.trim().is_empty()).map(|written| ContactNumber {
            written,
            country: self.country.clone(),
            label: label.to_owned(),
        }));
    }
}

/// Where a system says its numbers, a contact without one is not taken at its word: nobody can tell whose it is.
fn with_numbers(mut contacts: Contacts) -> Contacts {
    contacts.mapped.retain(|contact| !contact.numbers.is_empty());
    contacts
}

/// Whether an object holds values, and none of its names is one of a contact's: `{"error": "..."}` with status 200 is an
/// outage, and neither somebody nor nobody.
fn says_something_else(answer: &Value) -> bool {
    let Value::Object(values) = answer else { return false };
    let is_known = |name: &String| Field::parse(name).is_some() || name == ID || name == PRIMARY;
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    };
    !values.keys().any(is_known) && !values.values().all(is_empty)
}

/// Puts a value into its field. Says whether there was one.
fn fill(contact: &mut Contact, name: String, value: Value, types: Types) -> Result<bool> {
    let field = Field::parse(&name);
    let known = field.is_some() || name == ID;
    let is_text = value.is_string();
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(on) if name == PRIMARY => {
            contact.primary = on;
            return Ok(false);
        }
        // PHP says false, an empty list or an empty object where it has nothing.
        Value::Null | Value::Bool(false) => return Ok(false),
        Value::Array(values) if values.is_empty() => return Ok(false),
        Value::Object(values) if values.is_empty() => return Ok(false),
        other if known => {
            return Err(Error::new(Kind::Corrupt, format!("{name} is {} in the answer", kind_of(&other))));
        }
        Value::Bool(true) => "true".to_owned(),
        Value::Array(_) | Value::Object(_) => return Ok(false),
    };
    if text.is_empty() {
        return Ok(false);
    }
    if text.len() > LONGEST_VALUE {
        let message = format!("{name} is longer than {LONGEST_VALUE} bytes in the answer");
        return if known { Err(Error::new(Kind::Corrupt, message)) } else { Ok(false) };
    }
    match field {
        Some(field) => contact.set(field, text),
        None if name == ID && is_text && types == Types::Told => contact.id = ContactId::Text(text.into()),
        None if name == ID => contact.id = ContactId::from_text(&text),
        None if name == PRIMARY => contact.primary = text != "0",
        None => {
            contact.custom.insert(name, text);
        }
    }
    Ok(true)
}

fn compiled(name: &str, written: &str) -> Result<(String, Expression)> {
    Ok((name.to_owned(), compile_as(name, written)?))
}

fn compile_as(name: &str, written: &str) -> Result<Expression> {
    compile(written).map_err(|why| Error::new(Kind::Invalid, format!("map.{name}: {why}")))
}

fn compile(expression: &str) -> std::result::Result<Expression, String> {
    Expression::compile(expression, &DEFAULT_RUNTIME)
}

fn search_in(expression: &Expression, name: &str, answer: &Rcvar, effort: &Effort) -> Result<Value> {
    let wrong = |why: String| Error::new(Kind::Corrupt, format!("map.{name} fails on the answer: {why}"));
    let found = expression.search(answer, effort).map_err(wrong)?;
    if found.is_null() {
        watch::note(|| Note::NothingAt { field: name.to_owned() });
    }
    serde_json::to_value(&*found).map_err(|why| wrong(why.to_string()))
}

fn to_variable(answer: &Value) -> Result<Rcvar> {
    let variable = Variable::from_serializable(answer);
    variable.map(Rcvar::new).map_err(|why| Error::new(Kind::Corrupt, why.reason.to_string()))
}

/// The field that was probably meant, for a name that is none but nearly one.
fn misspelled(name: &str) -> Option<&'static str> {
    let known = || Field::ALL.into_iter().map(Field::as_str).chain([ID, CONTACTS, PRIMARY]);
    if known().any(|known| known == name) { None } else { nearest(name, known()) }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Maps any answer with any expression, for fuzzers and property tests: the bytes up to the first 0 are the expression.
///
/// # Panics
/// When more comes out than one answer may give.
pub fn fuzz_bytes(bytes: &[u8]) {
    let (expression, answer) = bytes.split_at(bytes.iter().position(|byte| *byte == 0).unwrap_or(0).min(MOST_FUZZED));
    let answer = answer.strip_prefix(&[0]).unwrap_or(answer);
    let answer = serde_json::from_slice(answer).unwrap_or_else(|_| String::from_utf8_lossy(answer).into());
    let expression = String::from_utf8_lossy(expression);
    let by_name = "[source.x]\ntype = \"generic\"";
    for keys in [by_name, &format!("{by_name}\nnumbers = [\"a\"]\nmap = {{ name = {} }}", Value::from(expression))] {
        let Ok(config) = config::load_text(keys, &|_| None) else { continue };
        let Some(mapping) = config.sources.values().next().and_then(|source| Mapping::of(source).ok()) else {
            continue;
        };
        for types in [Types::Told, Types::Lost] {
            let Ok(contacts) = mapping.contacts(Value::clone(&answer), types) else { continue };
            assert!(contacts.mapped.len() <= MOST_CONTACTS, "too many contacts");
            let longest =
                |contact: &Contact| Field::ALL.iter().filter_map(|field| contact.get(*field)).map(str::len).max();
            assert!(
                contacts.mapped.iter().filter_map(longest).all(|length| length <= LONGEST_VALUE),
                "too long a value"
            );
            let numbering = Numbering::of_country("RO");
            let _ = contacts.verified(&number::parse("0722111222", &numbering), &numbering);
        }
    }
}

#[cfg(test)]
mod tests;
