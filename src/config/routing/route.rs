//! `[[project.NAME.route]]`: the inbound routes of the PBX, so that `route_identifier` is one that exists.

use crate::config::keys::{Key, Kind, Section};
use crate::config::reader::Reader;
use crate::number::{self, Key as NumberKey, Number, Numbering};

/// An inbound route of the PBX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its "External identifier" in the PBX.
    pub identifier: String,
    /// Its number, as written.
    pub number: Option<String>,
    /// The same number as it is compared.
    pub key: Option<NumberKey>,
    /// The language of those who call it.
    pub language: Option<String>,
}

/// The keys of `[[project.NAME.route]]`.
pub(crate) static SECTION: Section = Section {
    path: "[project.NAME.route]",
    about: "An inbound route of the PBX, one `[[project.NAME.route]]` for each. When there are any, `route_identifier` \
            is one of them, and rules know the route that was called as `call.route`.",
    groups: &[&[
        Key::new(
            "identifier",
            Kind::Text("the \"External identifier\" of the route in the PBX"),
            "",
            "The \"External identifier\" of the route in the PBX.",
        ),
        Key::new("number", Kind::Text("a telephone number"), "", "Its number, as a caller dials it."),
        Key::new(
            "language",
            Kind::Text("a language such as \"ro\""),
            "",
            "The language of those who call it: `call.route.language` in rules.",
        ),
    ]],
};

/// Reads every route of a project.
pub(super) fn read_all(project: &Reader<'_>, numbering: &Numbering) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for reader in project.table_list("route") {
        let identifier = reader.text("identifier");
        if !reader.is_set("identifier") {
            let message = format!("[{}] has no identifier; expected the one of the route in the PBX", reader.path);
            reader.sheet.problem(&reader.place, message);
        }
        let number = reader.parse("number", |text| read_number(text, numbering));
        let language = reader.parse("language", read_language);
        if let Some(text) = &identifier
            && routes.iter().any(|route| route.identifier == text.value)
        {
            let message = format!("identifier in [{}] is \"{}\", which another route has", reader.path, text.value);
            reader.sheet.problem(&text.place, message);
        }
        let (number, key) = number.map_or((None, None), |(text, key)| (Some(text), Some(key)));
        if key.is_some() && routes.iter().any(|route| route.key == key) {
            let message = format!("number in [{}] is the number of another route", reader.path);
            reader.sheet.problem(&reader.place_of("number"), message);
        }
        reader.finish();
        routes.extend(identifier.map(|text| Route { identifier: text.value, number, key, language }));
    }
    routes
}

fn read_number(text: &str, numbering: &Numbering) -> Result<(String, NumberKey), String> {
    match number::parse(text, numbering) {
        Number::Phone { phone, .. } => Ok((text.to_owned(), phone.key)),
        _ => Err("; write it with its country code, such as \"+40310000000\"".to_owned()),
    }
}

fn read_language(text: &str) -> Result<String, String> {
    let mut parts = text.split('-');
    let first =
        parts.next().is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic()));
    let rest = parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if first && rest { Ok(text.to_owned()) } else { Err(String::new()) }
}
