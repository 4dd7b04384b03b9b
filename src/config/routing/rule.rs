//! `[[project.NAME.rule]]`: a condition and the fields that it sets.

use std::ops::Range;

use toml::de::DeValue;

use super::Script;
use crate::config::keys::{Key, Kind, Section};
use crate::config::nearest::did_you_mean;
use crate::config::reader::Reader;
use crate::model::Field;

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What people call it.
    pub title: Option<String>,
    /// The condition; without one it always holds.
    pub when: Option<Script>,
    /// What it sets.
    pub set: Vec<Setting>,
    /// The fields that it leaves empty, whatever the contact or the project says.
    pub clear: Vec<Field>,
    /// Whether the rules behind it are passed over when it fires.
    pub stop: bool,
    pub(crate) place: Range<usize>,
}

/// A field and what a rule sets it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The field, or how it is made.
    pub target: Target,
    /// The value or a template of it.
    pub value: Script,
}

/// What a rule sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A field as it is.
    Field(Field),
    /// `direct_line`, by the name of an agent.
    Agent,
    /// `direct_line`, by the name of a queue.
    Queue,
}

/// Every key that sets something, and what it sets.
const TARGETS: [(&str, Target); 10] = [
    ("agent", Target::Agent),
    ("queue", Target::Queue),
    ("name", Target::Field(Field::Name)),
    ("queue_position", Target::Field(Field::QueuePosition)),
    ("direct_line", Target::Field(Field::DirectLine)),
    ("backend_link", Target::Field(Field::BackendLink)),
    ("route_identifier", Target::Field(Field::RouteIdentifier)),
    ("outbound_number", Target::Field(Field::OutboundNumber)),
    ("language", Target::Field(Field::Language)),
    ("external_id", Target::Field(Field::ExternalId)),
];

/// The keys of `[[project.NAME.rule]]`.
pub(crate) static SECTION: Section = Section {
    path: "[project.NAME.rule]",
    about: "A rule, one `[[project.NAME.rule]]` for each, in order: the first that sets or clears a field decides it, \
            then comes the contact's own value, then the project's default. Values are MiniJinja templates. \
            [guides/routing.md](guides/routing.md) says what conditions and templates see.",
    groups: &[&[
        Key::new("title", Kind::Text("a text"), "", "What the explanation calls it; without one its place, `rule 3`."),
        Key::new(
            "when",
            Kind::Text("an expression such as \"contact.agent and time.hours.office\""),
            "",
            "The condition, a MiniJinja expression; without one the rule holds for every caller who was found. It speaks \
             of others only when it names them: `caller.unknown`, `caller.undetermined`, `caller.withheld`, or a list.",
        ),
        Key::new(
            "agent",
            Kind::Text("an agent such as \"ion-popescu\" or \"{{ contact.agent }}\""),
            "",
            "Sets `direct_line` to a known agent, written in the project's `line_style`.",
        ),
        Key::new("queue", Kind::Text("a queue such as \"sales-queue\""), "", "Sets `direct_line` to a queue."),
        Key::new("name", Kind::Text("a template such as \"VIP {{ contact.name }}\""), "", "Sets the name."),
        Key::new(
            "queue_position",
            Kind::WholeOrTemplate(100),
            "",
            "Sets the place in the queue. The PBX defines which end comes first.",
        ),
        Key::new(
            "direct_line",
            Kind::Text("a template such as \"SIP/{{ contact.agent }}\""),
            "",
            "Sets the agent or queue, written as the PBX dials it.",
        ),
        Key::new(
            "backend_link",
            Kind::Text("a template such as \"https://crm.example.com/new?number={{ call.telephone.e164 }}\""),
            "",
            "Sets the page to open; values in it are encoded.",
        ),
        Key::new(
            "route_identifier",
            Kind::Text("a template such as \"main-line\""),
            "",
            "Sets the route of an outbound call.",
        ),
        Key::new(
            "outbound_number",
            Kind::Text("a template such as \"+40310000000\""),
            "",
            "Sets the number to go out with.",
        ),
        Key::new("language", Kind::Text("a template such as \"ro\""), "", "Sets the language."),
        Key::new(
            "external_id",
            Kind::Text("a template such as \"{{ contact.id }}\""),
            "",
            "Sets the id in a partner's system.",
        ),
        Key::new(
            "clear",
            Kind::Texts("a field such as \"direct_line\""),
            "",
            "Fields that stay empty, whatever later rules, the contact or the project say.",
        ),
        Key::new("stop", Kind::Switch, "false", "Whether the rules behind it are passed over when this one fires."),
    ]],
};

impl Rule {
    pub(super) fn read(reader: Reader<'_>) -> Self {
        let rule = Self {
            title: reader.text("title").map(|text| text.value),
            when: reader.text("when").map(Script::from),
            set: TARGETS.into_iter().filter_map(|(key, target)| read_setting(&reader, key, target)).collect(),
            clear: reader.parse_list("clear", read_field),
            stop: reader.switch("stop"),
            place: reader.place.clone(),
        };
        rule.check(&reader);
        reader.finish();
        rule
    }

    /// Reports what contradicts itself or does nothing.
    fn check(&self, reader: &Reader<'_>) {
        let fields: Vec<Field> = self.set.iter().map(|setting| setting.target.field()).collect();
        if fields.iter().filter(|field| **field == Field::DirectLine).count() > 1 {
            let message = format!("[{}] has several of agent, queue and direct_line; expected one", reader.path);
            reader.sheet.problem(&reader.place, message);
        }
        if let Some(both) = self.clear.iter().find(|field| fields.contains(field)) {
            let message = format!("clear in [{}] names {}, which the same rule sets", reader.path, both.as_str());
            reader.sheet.problem(&reader.place_of("clear"), message);
        }
        if self.set.is_empty() && self.clear.is_empty() && !self.stop {
            let message = format!("[{}] neither sets nor clears a field nor stops", reader.path);
            reader.sheet.warn(&reader.place, message);
        }
    }
}

impl Target {
    /// The field of the answer.
    #[must_use]
    pub fn field(self) -> Field {
        match self {
            Self::Field(field) => field,
            Self::Agent | Self::Queue => Field::DirectLine,
        }
    }

    /// The key in a rule.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Field(field) => field.as_str(),
            Self::Agent => "agent",
            Self::Queue => "queue",
        }
    }
}

fn read_setting(reader: &Reader<'_>, key: &'static str, target: Target) -> Option<Setting> {
    let (described, value) = reader.value(key)?;
    let value = match (value.get_ref(), &described.kind) {
        (DeValue::Integer(number), Kind::WholeOrTemplate(_)) if number.radix() == 10 => {
            Script { text: number.as_str().into(), has_variable: false, place: value.span() }
        }
        _ => reader.text_of(described, &value)?.into(),
    };
    Some(Setting { target, value })
}

fn read_field(text: &str) -> Result<Field, String> {
    let fields = || TARGETS.iter().filter(|(_, target)| matches!(target, Target::Field(_)));
    let found = fields().find(|(name, _)| *name == text);
    found.map(|(_, target)| target.field()).ok_or_else(|| did_you_mean(text, fields().map(|(name, _)| *name)))
}
