//! The values of one card, under the names of columns.
//!
//! The card is read by `calcard`, which also knows quoted-printable, escapes and groups. Should it ever panic on a card,
//! that card is unreadable and the others are not.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calcard::common::IanaString;
use calcard::vcard::{VCard, VCardEntry, VCardParameterName, VCardParameterValue, VCardProperty, VCardValue};
use calcard::{Entry, Parser};

use super::records::Cells;

/// Properties that become fields of the user's own.
const OTHERS: [(VCardProperty, &str); 8] = [
    (VCardProperty::Nickname, "nickname"),
    (VCardProperty::Title, "title"),
    (VCardProperty::Role, "role"),
    (VCardProperty::Note, "note"),
    (VCardProperty::Bday, "birthday"),
    (VCardProperty::Url, "url"),
    (VCardProperty::Categories, "categories"),
    (VCardProperty::Adr, "address"),
];

/// Types of a number that say nothing about it.
const SILENT: [&str; 6] = ["pref", "voice", "internet", "x-internet", "text", "other"];

/// Reads a card without its first and last line; `false` when it cannot be read.
pub(crate) fn put_card(properties: &str, cells: &mut Cells) -> bool {
    let text = format!("BEGIN:VCARD\r\n{properties}END:VCARD\r\n");
    let entry = catch_unwind(AssertUnwindSafe(|| Parser::new(&text).entry()));
    let Ok(Entry::VCard(card)) = entry else { return false };
    put_names(&card, cells);
    put_first(&card, &VCardProperty::Uid, "id", cells);
    put_emails(&card, cells);
    put_numbers(&card, cells);
    for (property, name) in &OTHERS {
        let texts: Vec<String> = card.properties(property).map(|entry| joined(entry, ", ")).collect();
        put(cells, name, &texts.join("; "));
    }
    true
}

fn put(cells: &mut Cells, name: &str, value: &str) {
    let value = value.trim();
    if !value.is_empty() {
        cells.add(name, value);
    }
}

fn put_first(card: &VCard, property: &VCardProperty, name: &str, cells: &mut Cells) {
    if let Some(entry) = card.property(property) {
        put(cells, name, &joined(entry, " "));
    }
}

/// The whole name, and its two halves for a card that has only those.
fn put_names(card: &VCard, cells: &mut Cells) {
    put_first(card, &VCardProperty::Fn, "name", cells);
    if let Some(entry) = card.property(&VCardProperty::N) {
        let parts = parts(entry);
        let part = |place: usize| parts.get(place).map_or("", String::as_str);
        put(cells, "first_name", &format!("{} {}", part(1), part(2)));
        put(cells, "last_name", part(0));
    }
    if let Some(entry) = card.property(&VCardProperty::Org) {
        let parts = parts(entry);
        let mut parts = parts.iter().map(String::as_str).filter(|part| !part.trim().is_empty());
        put(cells, "company", parts.next().unwrap_or_default());
        put(cells, "department", &parts.collect::<Vec<_>>().join(", "));
    }
}

fn put_emails(card: &VCard, cells: &mut Cells) {
    for (place, entry) in card.properties(&VCardProperty::Email).enumerate() {
        let name = if place == 0 { "email".to_owned() } else { format!("email {}", place + 1) };
        put(cells, &name, &joined(entry, " "));
    }
}

fn put_numbers(card: &VCard, cells: &mut Cells) {
    let labels = labels_of_groups(card);
    for entry in card.properties(&VCardProperty::Tel) {
        let number = joined(entry, ";");
        if number.trim().is_empty() {
            continue;
        }
        cells.add("telephone", number.trim());
        cells.add("telephone label", &label(&labels, entry));
    }
}

/// Apple's own labels: the first one of each group.
fn labels_of_groups(card: &VCard) -> HashMap<&str, &VCardEntry> {
    let is_label =
        |name: &VCardProperty| matches!(name, VCardProperty::Other(name) if name.eq_ignore_ascii_case("X-ABLabel"));
    let mut labels = HashMap::new();
    for entry in card.entries.iter().filter(|entry| is_label(&entry.name)) {
        entry.group.as_deref().map(|group| labels.entry(group).or_insert(entry));
    }
    labels
}

/// Apple's own label of the group, else the types of the number.
fn label(labels: &HashMap<&str, &VCardEntry>, entry: &VCardEntry) -> String {
    if let Some(label) = entry.group.as_deref().and_then(|group| labels.get(group)) {
        let text = joined(label, " ");
        return text.trim_start_matches("_$!<").trim_end_matches(">!$_").to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    for value in entry.parameters(&VCardParameterName::Type) {
        let text = match value {
            VCardParameterValue::Text(text) => text.as_str(),
            VCardParameterValue::Type(kind) => kind.as_str(),
            _ => continue,
        };
        for word in text.split(',').map(|word| word.trim().to_lowercase()) {
            let word = if word == "cell" { "mobile".to_owned() } else { word };
            if !word.is_empty() && !SILENT.contains(&word.as_str()) && !words.contains(&word) {
                words.push(word);
            }
        }
    }
    if words.is_empty() { "telephone".to_owned() } else { words.join(" ") }
}

/// The texts of a value, one behind the other.
fn joined(entry: &VCardEntry, between: &str) -> String {
    let texts: Vec<String> = parts(entry).into_iter().filter(|part| !part.trim().is_empty()).collect();
    texts.join(between)
}

/// The components of a value.
fn parts(entry: &VCardEntry) -> Vec<String> {
    let text = |value: &VCardValue| match value {
        VCardValue::Text(text) => text.clone(),
        VCardValue::Component(parts) => parts.join(" "),
        VCardValue::Integer(number) => number.to_string(),
        VCardValue::Float(number) => number.to_string(),
        VCardValue::PartialDateTime(date) => match (date.year, date.month, date.day) {
            (Some(year), Some(month), Some(day)) => format!("{year:04}-{month:02}-{day:02}"),
            (None, Some(month), Some(day)) => format!("--{month:02}-{day:02}"),
            _ => String::new(),
        },
        _ => String::new(),
    };
    entry.values.iter().map(text).collect()
}
