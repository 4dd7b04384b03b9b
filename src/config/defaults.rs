//! The default fields of a project: what a found contact gets when it does not have the field itself.

use std::fmt;

use toml::de::DeValue;

use super::keys::{Key, Kind};
use super::reader::Reader;
use crate::model::Field;

/// MiniJinja templates, by field, used only when there is a contact that lacks the field.
///
/// A template may hold a secret, so printing this shows only which fields have one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    /// `name`
    pub name: Option<String>,
    /// `queue_position`
    pub queue_position: Option<String>,
    /// `direct_line`
    pub direct_line: Option<String>,
    /// `backend_link`
    pub backend_link: Option<String>,
    /// `route_identifier`
    pub route_identifier: Option<String>,
    /// `outbound_number`
    pub outbound_number: Option<String>,
    /// `language`
    pub language: Option<String>,
    /// `external_id`
    pub external_id: Option<String>,
    /// The fields whose template has a variable put in, so that messages must not repeat it.
    pub with_variables: Vec<Field>,
}

/// Last place in a queue that the contract knows.
const LAST_POSITION: u64 = 100;

/// Part of `[project.NAME]`.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "name",
        Kind::Text("a template such as \"{{ contact.company }}\""),
        "",
        "The name of a found contact that has none.",
    ),
    Key::new(
        "queue_position",
        Kind::WholeOrTemplate(LAST_POSITION),
        "",
        "The place in the queue of a found contact that has none. The PBX defines which end comes first.",
    ),
    Key::new(
        "direct_line",
        Kind::Text("a template such as \"SIP/{{ contact.owner }}\""),
        "",
        "The agent or queue of a found contact that has none.",
    ),
    Key::new(
        "backend_link",
        Kind::Text("a template such as \"https://crm.example.com/contact/{{ contact.id }}\""),
        "",
        "The page to open for a found contact that has none.",
    ),
    Key::new(
        "route_identifier",
        Kind::Text("a template such as \"main-line\""),
        "",
        "The route of a found contact that has none, on outbound calls.",
    ),
    Key::new(
        "outbound_number",
        Kind::Text("a template such as \"+40310000000\""),
        "",
        "The number to go out with for a found contact that has none; sent with `reply = \"extended\"`.",
    ),
    Key::new(
        "language",
        Kind::Text("a template such as \"ro\""),
        "",
        "The language of a found contact that has none; sent with `reply = \"extended\"`.",
    ),
    Key::new(
        "external_id",
        Kind::Text("a template such as \"{{ contact.id }}\""),
        "",
        "The id in a partner's system of a found contact that has none; sent with `reply = \"extended\"`.",
    ),
];

impl fmt::Debug for Defaults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = [
            ("name", &self.name),
            ("queue_position", &self.queue_position),
            ("direct_line", &self.direct_line),
            ("backend_link", &self.backend_link),
            ("route_identifier", &self.route_identifier),
            ("outbound_number", &self.outbound_number),
            ("language", &self.language),
            ("external_id", &self.external_id),
        ];
        let set = fields.iter().filter(|(_, template)| template.is_some());
        out.debug_set().entries(set.map(|(name, _)| name)).finish()
    }
}

impl Defaults {
    /// The template of a field.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&str> {
        let text = match field {
            Field::Name => &self.name,
            Field::QueuePosition => &self.queue_position,
            Field::DirectLine => &self.direct_line,
            Field::BackendLink => &self.backend_link,
            Field::RouteIdentifier => &self.route_identifier,
            Field::OutboundNumber => &self.outbound_number,
            Field::Language => &self.language,
            Field::ExternalId => &self.external_id,
            Field::Company | Field::Email | Field::Owner => return None,
        };
        text.as_deref()
    }

    pub(crate) fn read(reader: &Reader<'_>) -> Self {
        let template = |name| reader.parse(name, check_template);
        Self {
            name: template("name"),
            queue_position: read_position(reader),
            direct_line: template("direct_line"),
            backend_link: template("backend_link"),
            route_identifier: template("route_identifier"),
            outbound_number: template("outbound_number"),
            language: template("language"),
            external_id: template("external_id"),
            with_variables: with_variables(reader),
        }
    }
}

fn with_variables(reader: &Reader<'_>) -> Vec<Field> {
    let written = |key: &Key| reader.value(key.name).and_then(|(_, value)| value.get_ref().as_str().map(str::to_owned));
    let fields = KEYS.iter().filter(|key| written(key).is_some_and(|text| text.contains("${")));
    fields.filter_map(|key| Field::parse(key.name)).collect()
}

/// Longest template, and longest condition of a rule, in bytes. The engine reads what stands within something else by
/// recursion: with much more, one file could use up the stack, which ends the process.
pub const LONGEST_SCRIPT: usize = 4_000;

/// Says at which place of the file a template cannot be read; what it makes of a contact is known only in a call.
fn check_template(text: &str) -> Result<String, String> {
    if text.len() > LONGEST_SCRIPT {
        return Err(format!("; it is longer than {LONGEST_SCRIPT} bytes"));
    }
    let mut environment = minijinja::Environment::empty();
    match environment.add_template("", text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(format!("; {}", error.detail().unwrap_or("the template cannot be read"))),
    }
}

/// A number is checked here, a template's result when it is known.
fn read_position(reader: &Reader<'_>) -> Option<String> {
    let (key, value) = reader.value("queue_position")?;
    let text = match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
        DeValue::String(_) => reader.parse("queue_position", check_template)?,
        _ => return reader.refuse(key, &value, ""),
    };
    match text.trim().parse::<i128>() {
        Ok(number) if (0..=i128::from(LAST_POSITION)).contains(&number) => Some(number.to_string()),
        Ok(_) => reader.refuse(key, &value, ""),
        Err(_) => Some(text),
    }
}
