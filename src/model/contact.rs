//! A person or company that a source knows.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A contact as its source holds it. Values are text as stored: what may leave is decided and checked by `lookup`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// The id within its source.
    pub id: ContactId,
    /// The known fields that have a value.
    pub fields: BTreeMap<Field, String>,
    /// Fields that calldex has no name for, as the source calls them.
    pub custom: BTreeMap<String, String>,
    /// Whether this one speaks for all who share its number.
    pub primary: bool,
    /// When the contact last changed, in milliseconds since 1970 UTC; 0 when the source does not say.
    pub updated: i64,
    /// Its numbers, in the order of the source.
    pub numbers: Vec<ContactNumber>,
    /// Ranges of numbers that are its own, as entered: `+40 21 312 34xx`.
    pub blocks: Vec<String>,
}

impl Contact {
    /// The value of a known field.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&str> {
        self.fields.get(&field).map(String::as_str)
    }

    /// The bytes of its texts: what it takes to keep it.
    #[must_use]
    pub fn size(&self) -> usize {
        let fields = self.fields.values().map(String::len);
        let custom = self.custom.iter().map(|(name, text)| name.len() + text.len());
        let numbers = self.numbers.iter().map(|number| number.written.len() + number.label.len());
        fields.chain(custom).chain(numbers).sum()
    }

    /// Sets a known field; an empty text removes it.
    pub fn set(&mut self, field: Field, value: impl Into<String>) {
        let value = value.into();
        if value.is_empty() {
            self.fields.remove(&field);
        } else {
            self.fields.insert(field, value);
        }
    }
}

/// A number of a contact, as written by its source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactNumber {
    /// The text as the source has it.
    pub written: String,
    /// Two-letter country in which a text without a plus is read; empty when none is known.
    pub country: String,
    /// What the source calls this number (`mobile`, `work`); empty when it does not say.
    pub label: String,
}

/// The id of a contact within its source: a canonical decimal number up to 2^31-1 is an integer, anything else is text.
///
/// The bound is Asterisk's: its `JSON_DECODE` turned 5000000001 into 705032705.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ContactId {
    /// 0 to 2147483647, written without leading zeros.
    Integer(u32),
    /// Everything else, such as `003A0000001`, `007`, `5000000001`.
    Text(Arc<str>),
}

impl ContactId {
    /// Largest id that stays an integer.
    pub const MAX_INTEGER: u32 = 2_147_483_647;

    /// Reads an id from the text of a file or a form.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
        match text.parse::<u32>() {
            Ok(number) if canonical && number <= Self::MAX_INTEGER => Self::Integer(number),
            _ => Self::Text(text.into()),
        }
    }

    /// The number that it is, also one that its source writes as text.
    fn as_number(&self) -> Option<u128> {
        match self {
            Self::Integer(number) => Some(u128::from(*number)),
            Self::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            Self::Text(_) => None,
        }
    }

    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Integer(_) => None,
            Self::Text(text) => Some(text),
        }
    }
}

/// Numbers by their size, before everything else by its letters: many sources write their numbers as text, and `"9"` is
/// older there than `"10"`.
impl Ord for ContactId {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_number = match (self.as_number(), other.as_number()) {
            (Some(one), Some(other)) => one.cmp(&other),
            (one, other) => one.is_none().cmp(&other.is_none()),
        };
        by_number.then_with(|| self.as_text().cmp(&other.as_text()))
    }
}

impl PartialOrd for ContactId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Default for ContactId {
    fn default() -> Self {
        Self::Text("".into())
    }
}

impl fmt::Display for ContactId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(out),
            Self::Text(text) => out.write_str(text),
        }
    }
}

impl fmt::Debug for ContactId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(out),
            Self::Text(text) => write!(out, "{text:?}"),
        }
    }
}

/// A contact anywhere: the source that knows it, and its id there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContactRef {
    /// Name of the source or directory.
    pub source: Arc<str>,
    /// The id within it.
    pub id: ContactId,
}

/// The fields of a contact that calldex knows by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// What the agent sees.
    Name,
    /// The company of a person, or the company itself.
    Company,
    /// E-mail address.
    Email,
    /// Who looks after the contact, as the source names him.
    Owner,
    /// The page to open.
    BackendLink,
    /// Agent or queue to transfer to.
    DirectLine,
    /// Place in the queue, 0 to 100, as text.
    QueuePosition,
    /// External identifier of a route of the PBX.
    RouteIdentifier,
    /// Number to go out with.
    OutboundNumber,
    /// Two-letter language.
    Language,
    /// Id in a partner's system.
    ExternalId,
}

impl Field {
    /// Every field, in the order of documentation and exports.
    pub const ALL: [Self; 11] = [
        Self::Name,
        Self::Company,
        Self::Email,
        Self::Owner,
        Self::BackendLink,
        Self::DirectLine,
        Self::QueuePosition,
        Self::RouteIdentifier,
        Self::OutboundNumber,
        Self::Language,
        Self::ExternalId,
    ];

    /// The name in files, templates and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Company => "company",
            Self::Email => "email",
            Self::Owner => "owner",
            Self::BackendLink => "backend_link",
            Self::DirectLine => "direct_line",
            Self::QueuePosition => "queue_position",
            Self::RouteIdentifier => "route_identifier",
            Self::OutboundNumber => "outbound_number",
            Self::Language => "language",
            Self::ExternalId => "external_id",
        }
    }

    /// Finds a field by its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stand_in_the_order_of_their_numbers_also_where_they_are_text() {
        let text = |text: &str| ContactId::Text(text.into());
        let huge = "9".repeat(60);
        let ordered = [
            ContactId::Integer(2),
            text("007"),
            ContactId::Integer(9),
            text("9"),
            text("10"),
            ContactId::Integer(11),
            text("5000000001"),
            text(""),
            text("003A"),
            text(&huge),
            text("L_5"),
        ];
        let mut sorted = ordered.to_vec();
        sorted.reverse();
        sorted.sort();
        assert_eq!(sorted, ordered);
        for (place, one) in ordered.iter().enumerate() {
            for (other_place, other) in ordered.iter().enumerate() {
                assert_eq!(one.cmp(other), place.cmp(&other_place), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn only_a_canonical_small_number_is_an_integer_id() {
        assert_eq!(ContactId::from_text("12345"), ContactId::Integer(12_345));
        assert_eq!(ContactId::from_text("0"), ContactId::Integer(0));
        assert_eq!(ContactId::from_text("2147483647"), ContactId::Integer(2_147_483_647));
        for text in ["2147483648", "007", "-1", "+1", "", " 1", "003A", "5000000001", "٣"] {
            assert_eq!(ContactId::from_text(text), ContactId::Text(text.into()), "{text}");
        }
    }

    #[test]
    fn every_field_is_found_by_its_name() {
        for field in Field::ALL {
            assert_eq!(Field::parse(field.as_str()), Some(field));
        }
    }
}
