//! What is read out of an answer: JMESPath, and the step from a record to a contact.
//!
//! An answer may be anything: what has the wrong type is left out, and what is no list of records at all is a failure, so
//! that a CRM that answers something else never means "nobody is known".

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use jmespath::{Context, Rcvar, Runtime, Variable};

use crate::error::{Error, Kind, Result};
use crate::model::{Contact, ContactId, ContactNumber, Field};
use crate::sources::expression::{Effort, Expression};
use crate::sources::watch;

/// JMESPath with two functions of calldex: `first_of(a, b)`, the first that is neither null nor empty, and
/// `words(a, b)`, those of them with blanks between. JMESPath's own `join` fails on null.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut runtime = Runtime::new();
    runtime.register_builtin_functions();
    runtime.register_function("first_of", Box::new(|values: &[Rcvar], _: &mut Context<'_>| Ok(first_of(values))));
    runtime.register_function("words", Box::new(|values: &[Rcvar], _: &mut Context<'_>| Ok(words(values))));
    runtime
});

/// Most records of one request that are looked at, on all of its pages.
pub(super) const MOST_RECORDS: usize = 500;

/// Most numbers of one record.
const MOST_NUMBERS: usize = 500;

/// Longest text that a field takes over, in bytes.
const LONGEST_TEXT: usize = 4096;

fn first_of(values: &[Rcvar]) -> Rcvar {
    let filled = values.iter().find(|value| text_of(value).is_some());
    filled.map_or_else(|| Rcvar::new(Variable::Null), Arc::clone)
}

fn words(values: &[Rcvar]) -> Rcvar {
    let words: Vec<String> = values.iter().filter_map(|value| text_of(value)).collect();
    Rcvar::new(if words.is_empty() { Variable::Null } else { Variable::String(words.join(" ")) })
}

/// A compiled JMESPath expression.
#[derive(Debug, Clone)]
pub(super) struct Path(Expression);

impl Path {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn compile(expression: &str) -> std::result::Result<Self, String> {
        Expression::compile(expression, &RUNTIME).map(Self)
    }

    /// What it finds; null when it cannot be applied.
    pub(super) fn find(&self, data: &Rcvar) -> Rcvar {
        self.find_within(data, &Effort::of_an_answer())
    }

    /// The same, as one of several that are applied to an answer.
    fn find_within(&self, data: &Rcvar, effort: &Effort) -> Rcvar {
        self.0.search(data, effort).unwrap_or_else(|_| Rcvar::new(Variable::Null))
    }

    /// Whether it finds something that is not null, false or empty.
    pub(super) fn holds(&self, data: &Rcvar) -> bool {
        self.find(data).is_truthy()
    }

    /// The text or number that it finds.
    pub(super) fn text(&self, data: &Rcvar) -> Option<String> {
        text_of(&self.find(data))
    }
}

/// Reads the body of an answer; an empty one is null.
///
/// # Errors
/// [`Kind::Corrupt`] for what is no JSON.
pub(super) fn read_json(body: &str) -> Result<Rcvar> {
    if body.trim().is_empty() {
        return Ok(Rcvar::new(Variable::Null));
    }
    let data: Variable = serde_json::from_str(body.trim_start_matches('\u{feff}'))
        .map_err(|error| Error::new(Kind::Corrupt, format!("the answer is no JSON (line {})", error.line())))?;
    Ok(Rcvar::new(data))
}

/// What of a record becomes a contact.
#[derive(Debug, Clone, Default)]
pub(super) struct Mapping {
    id: Option<Path>,
    numbers: Option<Path>,
    fields: Vec<(String, Path)>,
}

/// What was made of the records of an answer.
#[derive(Debug, Default)]
pub(super) struct People {
    /// Those with an id.
    pub(super) contacts: Vec<Contact>,
    /// The others, with nothing but their numbers.
    pub(super) without_id: Vec<Contact>,
    /// Whether one of them has more numbers than are looked at.
    pub(super) has_more_numbers: bool,
}

impl Mapping {
    /// Compiles the paths of a table; what is wrong goes to `wrong`, by key.
    pub(super) fn compile(map: &BTreeMap<String, String>, wrong: &mut dyn FnMut(&str, String)) -> Self {
        let mut mapping = Self::default();
        for (key, expression) in map {
            match Path::compile(expression) {
                Ok(path) => mapping.set(key, path),
                Err(why) => wrong(key, why),
            }
        }
        mapping
    }

    /// Puts a path in the place of the one that a key had.
    pub(super) fn set(&mut self, key: &str, path: Path) {
        match key {
            "id" => self.id = Some(path),
            "numbers" => self.numbers = Some(path),
            _ => {
                self.fields.retain(|(other, _)| other != key);
                self.fields.push((key.to_owned(), path));
            }
        }
    }

    /// This mapping with the paths of another one in the place of its own.
    pub(super) fn with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (key, path) in &other.fields {
            both.set(key, path.clone());
        }
        both
    }

    /// Whether it is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Makes contacts of records, and keeps those apart that cannot be contacts.
    ///
    /// # Errors
    /// [`Kind::Corrupt`] when `records` is no list, when none of its records has an id, or when reading it takes too much work.
    pub(super) fn people(&self, records: &Rcvar) -> Result<People> {
        let Variable::Array(records) = &**records else {
            return Err(Error::new(
                Kind::Corrupt,
                "the answer does not hold a list of records where the recipe expects it",
            ));
        };
        let effort = Effort::of_an_answer();
        let mut people = People::default();
        watch::mapping(|| records.iter().take(MOST_RECORDS).for_each(|record| self.add(record, &mut people, &effort)));
        if effort.is_spent() {
            return Err(Error::new(
                Kind::Corrupt,
                "the answer takes too much work; expected less text or fewer records",
            ));
        }
        if people.contacts.is_empty() && !records.is_empty() {
            return Err(Error::new(Kind::Corrupt, "no record of the answer has an id where the recipe expects it"));
        }
        Ok(people)
    }

    /// Makes a contact of a record.
    fn add(&self, record: &Rcvar, people: &mut People, effort: &Effort) {
        let find = |path: &Path| path.find_within(record, effort);
        let numbers = self.numbers.as_ref().map(|numbers| numbers_of(&find(numbers))).unwrap_or_default();
        people.has_more_numbers |= numbers.len() >= MOST_NUMBERS;
        let Some(id) = self.id.as_ref().and_then(|id| id_of(&find(id))) else {
            people.without_id.push(Contact { numbers, ..Contact::default() });
            return;
        };
        let mut contact = Contact { id, numbers, ..Contact::default() };
        self.fill_within(&mut contact, record, effort);
        people.contacts.push(contact);
    }

    /// Fills the fields of a contact from an answer.
    pub(super) fn fill(&self, contact: &mut Contact, data: &Rcvar) {
        self.fill_within(contact, data, &Effort::of_an_answer());
    }

    fn fill_within(&self, contact: &mut Contact, data: &Rcvar, effort: &Effort) {
        for (key, path) in &self.fields {
            let found = path.find_within(data, effort);
            match key.as_str() {
                "primary" => contact.primary = found.is_truthy(),
                "updated" => contact.updated = moment_of(&found).unwrap_or(contact.updated),
                key => {
                    if let Some(text) = text_of(&found) {
                        set(contact, key, text);
                    }
                }
            }
        }
        name(contact);
    }
}

/// Sets a field of a contact, or keeps what calldex has no name for.
pub(super) fn set(contact: &mut Contact, key: &str, text: String) {
    match Field::parse(key) {
        Some(field) => contact.set(field, text),
        None => {
            contact.custom.insert(key.to_owned(), text);
        }
    }
}

/// A contact without a name has that of its parts, else its company's.
fn name(contact: &mut Contact) {
    if contact.get(Field::Name).is_some() {
        return;
    }
    let parts = ["first_name", "last_name"].iter().filter_map(|part| contact.custom.get(*part));
    let parts: Vec<&str> = parts.map(String::as_str).collect();
    let name =
        if parts.is_empty() { contact.get(Field::Company).unwrap_or_default().to_owned() } else { parts.join(" ") };
    contact.set(Field::Name, name);
}

/// An id as its CRM types it: a whole number that fits stays one, a text stays a text.
fn id_of(value: &Variable) -> Option<ContactId> {
    match value {
        Variable::Number(number) if number.is_u64() => Some(ContactId::from_text(&number.to_string())),
        Variable::Number(number) if number.is_i64() => Some(ContactId::Text(number.to_string().into())),
        Variable::String(text) if !text.trim().is_empty() && text.len() <= LONGEST_TEXT => {
            Some(ContactId::Text(text.as_str().into()))
        }
        _ => None,
    }
}

/// A text, number or switch that is on as text; `None` for everything else, and for what is empty.
pub(super) fn text_of(value: &Variable) -> Option<String> {
    let text = match value {
        Variable::String(text) => text.trim().to_owned(),
        Variable::Number(number) => number.to_string(),
        // Some CRMs (Odoo) write false where others write null.
        Variable::Bool(true) => "true".to_owned(),
        _ => return None,
    };
    (!text.is_empty() && text.len() <= LONGEST_TEXT).then_some(text)
}

/// The numbers of a contact: a list of them, or a table with what the CRM calls each of them.
fn numbers_of(value: &Variable) -> Vec<ContactNumber> {
    let mut numbers = Vec::new();
    match value {
        Variable::Object(table) if !table.contains_key("number") => {
            table.iter().for_each(|(label, value)| add_numbers(value, label, &mut numbers));
        }
        value => add_numbers(value, "", &mut numbers),
    }
    numbers
}

/// Adds a number, those of a list and of lists in it, and `{ number, label }`.
fn add_numbers(value: &Variable, label: &str, numbers: &mut Vec<ContactNumber>) {
    match value {
        _ if numbers.len() >= MOST_NUMBERS => {}
        Variable::Array(items) => items.iter().for_each(|item| add_numbers(item, label, numbers)),
        Variable::Object(table) => {
            let label = table.get("label").and_then(|label| text_of(label)).unwrap_or_default();
            if let Some(number) = table.get("number").filter(|number| !number.is_object()) {
                add_numbers(number, &label, numbers);
            }
        }
        Variable::String(_) | Variable::Number(_) => {
            let number = |written| ContactNumber { written, label: label.to_owned(), ..ContactNumber::default() };
            numbers.extend(text_of(value).map(number));
        }
        _ => {}
    }
}

/// A moment in milliseconds since 1970: a date of RFC 3339, one without a zone (UTC), or seconds or milliseconds.
fn moment_of(value: &Variable) -> Option<i64> {
    match value {
        Variable::Number(number) => {
            let number = number.as_i64().filter(|number| *number >= 0)?;
            if number < 100_000_000_000 { number.checked_mul(1000) } else { Some(number) }
        }
        Variable::String(text) => {
            let with_zone = text.parse::<Timestamp>().ok();
            let moment = with_zone.or_else(|| {
                let civil: jiff::civil::DateTime = text.parse().ok()?;
                civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
            });
            moment.map(Timestamp::as_millisecond)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(map: &[(&str, &str)]) -> Mapping {
        let map = map.iter().map(|(key, path)| ((*key).to_owned(), (*path).to_owned())).collect();
        Mapping::compile(&map, &mut |key, why| panic!("{key}: {why}"))
    }

    fn contacts(json: &str, map: &[(&str, &str)]) -> Result<Vec<Contact>> {
        mapping(map).people(&read_json(json).unwrap()).map(|people| people.contacts)
    }

    #[test]
    fn an_id_keeps_its_type() {
        let ids = contacts(
            r#"[{"id":42},{"id":"42"},{"id":5000000001},{"id":18446744073709551615},{"id":"003A"},{"id":null},{"id":1.5},{"id":[]}]"#,
            &[("id", "id")],
        );
        let ids: Vec<ContactId> = ids.unwrap().into_iter().map(|contact| contact.id).collect();
        let text = |text: &str| ContactId::Text(text.into());
        assert_eq!(
            ids,
            [ContactId::Integer(42), text("42"), text("5000000001"), text("18446744073709551615"), text("003A")]
        );
    }

    #[test]
    fn null_empty_and_nested_values_are_left_out() {
        let json =
            r#"[{"id":1,"name":null,"first":"Ana","last":"","phones":[null,"0722",[7],{"x":1},""],"x":{"a":1}}]"#;
        let map = [
            ("id", "id"),
            ("name", "name"),
            ("first_name", "first"),
            ("last_name", "last"),
            ("x", "x"),
            ("numbers", "phones"),
        ];
        let contact = contacts(json, &map).unwrap().remove(0);
        assert_eq!(contact.get(Field::Name), Some("Ana"));
        assert_eq!(contact.custom.keys().collect::<Vec<_>>(), ["first_name"]);
        let numbers: Vec<&str> = contact.numbers.iter().map(|number| number.written.as_str()).collect();
        assert_eq!(numbers, ["0722", "7"]);
    }

    #[test]
    fn a_number_is_labelled_by_the_key_that_it_stands_under_or_by_its_own_label() {
        let json = r#"[{"id":1,"mobile":"0722","work":["021","022"],"fax":null,
                        "phones":[{"value":"0733","type":"mobile"},{"value":44,"type":null},{"type":"home"}]}]"#;
        for (path, expected) in [
            ("{mobile: mobile, work: work, fax: fax}", &[("mobile", "0722"), ("work", "021"), ("work", "022")][..]),
            ("phones[].{number: value, label: type}", &[("mobile", "0733"), ("", "44")]),
            ("phones[0].{number: value, label: type}", &[("mobile", "0733")]),
            ("phones", &[]),
            ("[mobile, phones]", &[("", "0722")]),
        ] {
            let contact = contacts(json, &[("id", "id"), ("numbers", path)]).unwrap().remove(0);
            let numbers = contact.numbers.iter().map(|number| (number.label.as_str(), number.written.as_str()));
            assert_eq!(numbers.collect::<Vec<_>>(), expected, "{path}");
        }
    }

    #[test]
    fn all_that_is_read_of_an_answer_takes_from_the_same_effort() {
        let whole = "s".repeat(30_000);
        let records = format!("[{}]", vec![format!(r#"{{"id":1,"s":"{whole}"}}"#); 25].join(","));
        let paths: Vec<String> = (0..30).map(|field| format!("f{field}")).collect();
        let map: Vec<(&str, &str)> = paths.iter().map(|field| (field.as_str(), "[s]")).chain([("id", "id")]).collect();
        assert_eq!(contacts(&records, &map[..10]).map(|_| ()).unwrap_err().kind(), Kind::Corrupt, "no id");
        assert_eq!(contacts(&records, &map[20..]).unwrap().len(), 25);
        let why = contacts(&records, &map).unwrap_err().to_string();
        assert!(why.contains("too much work"), "{why}");
    }

    #[test]
    fn an_answer_without_a_list_of_records_is_a_failure() {
        for json in ["null", "{}", "\"x\"", r#"{"error":"down"}"#, r#"[{"no":1}]"#, "[1,2]"] {
            assert_eq!(contacts(json, &[("id", "id")]).unwrap_err().kind(), Kind::Corrupt, "{json}");
        }
        assert!(contacts("[]", &[("id", "id")]).unwrap().is_empty());
        assert!(read_json("<html>").is_err());
    }

    #[test]
    fn the_functions_of_calldex_skip_what_is_empty() {
        let data = read_json(r#"{"a":null,"b":"","c":"Ana","d":7}"#).unwrap();
        let text = |path: &str| Path::compile(path).unwrap().text(&data);
        assert_eq!(text("first_of(a, b, c)").as_deref(), Some("Ana"));
        assert_eq!(text("words(a, c, b, d)").as_deref(), Some("Ana 7"));
        assert_eq!((text("words(a)"), text("first_of(a)"), text("join(' ', [a])")), (None, None, None));
        assert!(Path::compile("a[").unwrap_err().contains("is no JMESPath"));
    }

    #[test]
    fn a_moment_is_read_in_the_usual_spellings() {
        for (text, expected) in [
            ("\"2025-11-24T16:00:00Z\"", Some(1_764_000_000_000)),
            ("\"2025-11-24T18:00:00+02:00\"", Some(1_764_000_000_000)),
            ("\"2025-11-24 16:00:00\"", Some(1_764_000_000_000)),
            ("1764000000", Some(1_764_000_000_000)),
            ("\"yesterday\"", None),
        ] {
            assert_eq!(moment_of(&read_json(text).unwrap()), expected, "{text}");
        }
    }
}
