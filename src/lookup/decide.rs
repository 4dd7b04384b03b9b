//! From the person to the answer: each field is the contact's own value, or the project's default for contacts.
//!
//! Pure: no clock, no I/O. A template that fails leaves its field empty and is explained; the call gets its answer.
//! What comes out is checked by `safety`, whatever its origin, because text from a CRM must not dial.

use std::borrow::Cow;
use std::sync::Arc;

use minijinja::value::{Object, Value};
use minijinja::{AutoEscape, Environment, ErrorKind, Output, State, UndefinedBehavior};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config;
use crate::error::{Error, Kind, Result};
use crate::model::{Call, CallerData, Contact, ContactId, ContactRef, Field};
use crate::number::Number;

use super::merge::Person;
use super::safety::{self, RawAnswer, Violation};

/// The fields of an answer, in the order of the wire (the id is not decided but known).
pub(crate) const ANSWERED: [Field; 8] = [
    Field::Name,
    Field::QueuePosition,
    Field::DirectLine,
    Field::BackendLink,
    Field::RouteIdentifier,
    Field::OutboundNumber,
    Field::Language,
    Field::ExternalId,
];

/// Instructions that one template may take; the longest sensible one needs a few hundred.
const FUEL: u64 = 20_000;

/// What a value must not carry into a part of a URL; everything but RFC 3986's unreserved characters is encoded.
const URL_PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The answer, and where each of its fields came from.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The answer.
    pub caller_data: CallerData,
    /// Every field that had a value or failed to get one.
    pub origins: Vec<Origin>,
    /// Values that a check refused or changed.
    pub violations: Vec<Violation>,
}

impl Decision {
    /// The answer about nobody.
    #[must_use]
    pub fn empty() -> Self {
        Self { caller_data: CallerData::default(), origins: Vec::new(), violations: Vec::new() }
    }
}

/// Where the value of a field came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The field.
    pub field: Field,
    /// What set it.
    pub from: From,
}

/// What sets a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// The contact has it.
    Contact,
    /// The project's default for contacts without it.
    Default,
    /// The contact has it, but it was found by a guess that may not steer.
    Withheld,
    /// The project's default could not be made.
    Failed(String),
}

/// The compiled templates of a project.
pub(crate) struct Templates {
    environment: Environment<'static>,
    /// The fields that have a default.
    fields: Vec<Field>,
}

impl Templates {
    /// Compiles the default fields of a project.
    ///
    /// # Errors
    /// [`Kind::Invalid`] with the field and the place in it when a template cannot be read.
    pub(crate) fn compile(defaults: &config::Defaults) -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|name| match name {
            "backend_link" => AutoEscape::Custom("url".into()),
            _ => AutoEscape::None,
        });
        environment.set_formatter(write_value);
        let mut fields = Vec::new();
        for field in ANSWERED {
            let Some(text) = text_of(defaults, field) else { continue };
            environment.add_template_owned(field.as_str(), text.to_owned()).map_err(|error| {
                Error::new(Kind::Invalid, format!("the template of {} cannot be read: {error}", field.as_str()))
            })?;
            fields.push(field);
        }
        Ok(Self { environment, fields })
    }

    fn render(&self, field: Field, context: &Value) -> Option<std::result::Result<String, String>> {
        self.fields.contains(&field).then(|| {
            let template = self.environment.get_template(field.as_str());
            template.and_then(|template| template.render(context)).map_err(|error| explain_failure(&error))
        })
    }
}

/// Decides every field for the person that was chosen; for nobody every field stays empty.
pub(crate) fn decide(
    person: Option<&Person>,
    call: &Arc<Call>,
    number: &Arc<Number>,
    templates: &Templates,
    reply: &config::Reply,
) -> Decision {
    let Some(person) = person else { return Decision::empty() };
    let mut context = None;
    let mut origins = Vec::new();
    let mut raw = RawAnswer { id: person.contact.as_ref().map(|contact| contact.id.clone()), ..RawAnswer::default() };
    for field in ANSWERED {
        if let Some(value) = person.known.get(field) {
            let allowed = person.steers || !steers(field);
            origins.push(Origin { field, from: if allowed { From::Contact } else { From::Withheld } });
            if allowed {
                set(&mut raw, field, Cow::Borrowed(value));
                continue;
            }
        }
        if steers(field) && !person.steers {
            continue;
        }
        if !templates.fields.contains(&field) {
            continue;
        }
        let context = context.get_or_insert_with(|| describe(person, call, number));
        match templates.render(field, context) {
            Some(Ok(value)) => {
                origins.push(Origin { field, from: From::Default });
                set(&mut raw, field, Cow::Owned(value));
            }
            Some(Err(why)) => origins.push(Origin { field, from: From::Failed(why) }),
            None => {}
        }
    }
    let (caller_data, violations) = safety::make_safe(raw, reply);
    Decision { caller_data, origins, violations }
}

fn set<'a>(raw: &mut RawAnswer<'a>, field: Field, value: Cow<'a, str>) {
    let place = match field {
        Field::Name => &mut raw.name,
        Field::QueuePosition => &mut raw.queue_position,
        Field::DirectLine => &mut raw.direct_line,
        Field::BackendLink => &mut raw.backend_link,
        Field::RouteIdentifier => &mut raw.route_identifier,
        Field::OutboundNumber => &mut raw.outbound_number,
        Field::Language => &mut raw.language,
        Field::ExternalId => &mut raw.external_id,
        Field::Company | Field::Email | Field::Owner => return,
    };
    *place = Some(value);
}

/// The fields that a guess sets only where the project says so.
fn steers(field: Field) -> bool {
    matches!(
        field,
        Field::QueuePosition | Field::DirectLine | Field::RouteIdentifier | Field::OutboundNumber | Field::Language
    )
}

fn text_of(defaults: &config::Defaults, field: Field) -> Option<&str> {
    let text = match field {
        Field::Name => &defaults.name,
        Field::QueuePosition => &defaults.queue_position,
        Field::DirectLine => &defaults.direct_line,
        Field::BackendLink => &defaults.backend_link,
        Field::RouteIdentifier => &defaults.route_identifier,
        Field::OutboundNumber => &defaults.outbound_number,
        Field::Language => &defaults.language,
        Field::ExternalId => &defaults.external_id,
        Field::Company | Field::Email | Field::Owner => return None,
    };
    text.as_deref()
}

fn explain_failure(error: &minijinja::Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => "the template takes too long".to_owned(),
        ErrorKind::UndefinedError => "the contact has no value for something that the template shows".to_owned(),
        _ => error.to_string(),
    }
}

/// Writes a value into a template's text: encoded in a link, as it is elsewhere, and never the word `None`.
fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> std::result::Result<(), minijinja::Error> {
    if value.is_none() {
        return Err(minijinja::Error::new(ErrorKind::UndefinedError, "no value"));
    }
    match state.auto_escape() {
        AutoEscape::Custom(position) if position == "url" && !value.is_safe() => {
            let text = value.to_string();
            write!(out, "{}", utf8_percent_encode(&text, URL_PART)).map_err(minijinja::Error::from)
        }
        _ => write!(out, "{value}").map_err(minijinja::Error::from),
    }
}

/// What a template sees.
fn describe(person: &Person, call: &Arc<Call>, number: &Arc<Number>) -> Value {
    minijinja::context! {
        contact => Value::from_object(ContactView {
            contact: Arc::clone(&person.known),
            reference: person.contact.clone(),
            source: Arc::clone(&person.source),
            rung: person.rung.as_str(),
        }),
        call => Value::from_object(CallView { call: Arc::clone(call), number: Arc::clone(number) }),
    }
}

/// `contact` in a template. A field without a value does not exist.
#[derive(Debug)]
struct ContactView {
    contact: Arc<Contact>,
    reference: Option<ContactRef>,
    source: Arc<str>,
    rung: &'static str,
}

impl Object for ContactView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        match key {
            "id" => self.reference.as_ref().map(|reference| match &reference.id {
                ContactId::Integer(number) => Value::from(*number),
                ContactId::Text(text) => Value::from(&**text),
            }),
            "source" => Some(Value::from(&*self.source)),
            "rung" => Some(Value::from(self.rung)),
            _ => {
                let known = Field::parse(key).and_then(|field| self.contact.get(field));
                known.or_else(|| self.contact.custom.get(key).map(String::as_str)).map(Value::from)
            }
        }
    }
}

/// `call` in a template.
#[derive(Debug)]
struct CallView {
    call: Arc<Call>,
    number: Arc<Number>,
}

impl Object for CallView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "telephone" => Some(Value::from(self.call.telephone.as_str())),
            "e164" => match &*self.number {
                Number::Phone { phone, .. } => Some(Value::from(phone.key.to_string())),
                _ => None,
            },
            "dnid" => Some(Value::from(self.call.dnid.as_str())),
            "direction" => self.call.direction.map(|direction| Value::from(direction.as_str())),
            "params" => {
                Some(self.call.params.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect())
            }
            _ => None,
        }
    }
}
