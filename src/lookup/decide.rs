//! From the person to the answer: each field is what the first rule says that sets or clears it, else the contact's own
//! value, else the project's default for contacts.
//!
//! Pure: no clock, no I/O. A rule or template that fails is passed over and explained; the call gets its answer. What
//! comes out is checked by `safety`, whatever its origin, because text from a CRM must not dial.

use std::borrow::Cow;
use std::sync::Arc;

use minijinja::value::Value;

use crate::model::{CallerData, Field};

use super::Outcome;
use super::rules::{Answered, Facts, Ruleset, Ruling, Source, steers};
use super::safety::{self, RawAnswer, Violation};

/// The answer, and where each of its fields came from.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The answer.
    pub caller_data: Arc<CallerData>,
    /// Every field that had a value or failed to get one.
    pub origins: Vec<Origin>,
    /// Values that a check refused or changed.
    pub violations: Vec<Violation>,
    /// What became of each rule; `None` when the project has none.
    pub ruling: Option<Box<Ruling>>,
}

impl Decision {
    /// The answer about nobody.
    #[must_use]
    pub fn empty() -> Self {
        Self { caller_data: Arc::default(), origins: Vec::new(), violations: Vec::new(), ruling: None }
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
    /// The rule at this place, from 0.
    Rule(usize),
    /// The rule at this place left it empty.
    Cleared(usize),
    /// The contact has it.
    Contact,
    /// The project's default for contacts without it.
    Default,
    /// The contact has it, but it was found by a guess that may not steer.
    Withheld,
    /// This source has it for callers whom nobody knows.
    Stranger(Arc<str>),
    /// The project's default could not be made.
    Failed(String),
}

/// Decides every field. For nobody every field stays empty that no rule sets.
pub(super) fn decide(facts: &Facts<'_>, ruleset: &Ruleset) -> Decision {
    if facts.person.is_none() && facts.stranger.is_none() && ruleset.is_empty() {
        return Decision::empty();
    }
    let (answered, scene, ruling) = if ruleset.is_empty() {
        (Answered::default(), None, None)
    } else {
        let (answered, scene, ruling) = ruleset.apply(facts);
        (answered, Some(scene), Some(Box::new(ruling)))
    };
    let mut decider = Decider { facts, ruleset, answered, scene, origins: Vec::new() };
    let contact = facts.person.and_then(|person| person.contact.as_ref());
    let mut raw = RawAnswer { id: contact.map(|contact| contact.id.clone()), ..RawAnswer::default() };
    for field in Answered::ALL {
        if let Some(value) = decider.field(field) {
            set(&mut raw, field, value);
        }
    }
    let origins = decider.origins;
    let (mut caller_data, mut violations) = safety::make_safe(raw, &facts.project.reply);
    safety::keep_listed(&mut caller_data, facts.project, &mut violations);
    Decision { caller_data: Arc::new(caller_data), origins, violations, ruling }
}

/// One decision on its way.
struct Decider<'a> {
    facts: &'a Facts<'a>,
    ruleset: &'a Ruleset,
    answered: Answered,
    /// What templates see; made when the first one needs it.
    scene: Option<Value>,
    origins: Vec<Origin>,
}

impl<'a> Decider<'a> {
    fn field(&mut self, field: Field) -> Option<Cow<'a, str>> {
        if let Some(decided) = self.answered.take(field) {
            let from = if decided.value.is_some() { From::Rule(decided.rule) } else { From::Cleared(decided.rule) };
            self.origins.push(Origin { field, from });
            return decided.value.map(Cow::Owned);
        }
        if let (Field::BackendLink, Some((source, link))) = (field, &self.facts.stranger) {
            self.origins.push(Origin { field, from: From::Stranger(Arc::clone(source)) });
            return Some(Cow::Borrowed(link));
        }
        let person = self.facts.person.filter(|_| self.facts.outcome == Outcome::Found)?;
        if let Some(value) = person.known.get(field) {
            let allowed = person.steers || !steers(field);
            self.origins.push(Origin { field, from: if allowed { From::Contact } else { From::Withheld } });
            if allowed {
                return Some(Cow::Borrowed(value));
            }
        }
        if steers(field) && !person.steers { None } else { self.default_of(field) }
    }

    fn default_of(&mut self, field: Field) -> Option<Cow<'a, str>> {
        let source = self.ruleset.default_of(field)?;
        if let Some(value) = self.around_id(field, source) {
            self.origins.push(Origin { field, from: From::Default });
            return Some(Cow::Owned(value));
        }
        let (facts, ruleset) = (self.facts, self.ruleset);
        let scene = self.scene.get_or_insert_with(|| Value::from_dyn_object(ruleset.scene(facts).0));
        match ruleset.text_of(source, scene) {
            Ok(value) => {
                self.origins.push(Origin { field, from: From::Default });
                Some(Cow::Owned(value))
            }
            Err(why) => {
                self.origins.push(Origin { field, from: From::Failed(why) });
                None
            }
        }
    }

    /// The usual default, a link around the contact's id, without a template.
    fn around_id(&self, field: Field, source: &Source) -> Option<String> {
        let Source::Template(template) = source else { return None };
        let around = template.around_id.as_ref()?;
        let contact = self.facts.person?.contact.as_ref()?;
        Some(around.write(field, &contact.id))
    }
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
