//! Asks the rules of a project about one call.

use std::sync::Arc;

use minijinja::value::Value;

use super::language::Failure;
use super::program::Asking;
use super::report::{Ruling, Verdict};
use super::scene::{Facts, Scene};
use super::{Fields, Listed, Rule, Ruleset, Source};
use crate::config::{Project, Target};
use crate::lookup::Outcome;
use crate::lookup::merge::Person;
use crate::model::Field;
use crate::number::ladder::Rung;

/// What the rules say about each field of the answer.
#[derive(Debug, Default)]
pub(in crate::lookup) struct Answered([Option<Decided>; 8]);

/// A field that a rule has decided.
#[derive(Debug)]
pub(in crate::lookup) struct Decided {
    /// The place of the rule, from 0.
    pub(in crate::lookup) rule: usize,
    /// The value; `None` when it was cleared.
    pub(in crate::lookup) value: Option<String>,
}

impl Answered {
    /// The fields of an answer, in the order of the wire (the id is not decided but known).
    pub(in crate::lookup) const ALL: [Field; 8] = [
        Field::Name,
        Field::QueuePosition,
        Field::DirectLine,
        Field::BackendLink,
        Field::RouteIdentifier,
        Field::OutboundNumber,
        Field::Language,
        Field::ExternalId,
    ];

    fn place(field: Field) -> usize {
        Self::ALL.iter().position(|known| *known == field).unwrap_or_default()
    }

    /// Takes what was decided about a field.
    pub(in crate::lookup) fn take(&mut self, field: Field) -> Option<Decided> {
        self.0[Self::place(field)].take()
    }

    fn is_decided(&self, field: Field) -> bool {
        self.0[Self::place(field)].is_some()
    }

    fn decide(&mut self, field: Field, rule: usize, value: Option<String>) {
        self.0[Self::place(field)] = Some(Decided { rule, value });
    }
}

impl Ruleset {
    /// Puts together what rules see of a call.
    pub(in crate::lookup) fn scene(&self, facts: &Facts<'_>) -> (Arc<Scene>, Vec<Listed>) {
        let listed = if self.lists.is_empty() {
            Vec::new()
        } else {
            let found_in = found_in(facts);
            self.lists.find(&super::lists::Sought { number: facts.number, found_in: &found_in, now: facts.now })
        };
        let zone = (!self.rules.is_empty()).then_some(&self.zone);
        (Scene::of(facts, zone, &listed), listed)
    }

    /// Asks every rule, in order.
    pub(in crate::lookup) fn apply(&self, facts: &Facts<'_>) -> (Answered, Value, Ruling) {
        let (scene, listed) = self.scene(facts);
        let scene = Value::from_dyn_object(scene);
        let mut asking = self.programs.ask(&scene);
        let mut answered = Answered::default();
        let mut verdicts = Vec::with_capacity(self.rules.len());
        let mut stopped_by = None;
        for (place, rule) in self.rules.iter().enumerate() {
            let verdict = match stopped_by {
                Some(by) => Verdict::PassedOver(by),
                None => self.ask(place, rule, facts, &mut asking, &listed, &mut answered),
            };
            if rule.stop && matches!(verdict, Verdict::Fired { .. }) {
                stopped_by = stopped_by.or(Some(place));
            }
            verdicts.push(verdict);
        }
        let ruling = Ruling {
            titles: Arc::clone(&self.titles),
            verdicts,
            listed,
            now: facts.now,
            zone: self.zone.clone(),
            history_missing: facts.recalled.missing,
        };
        (answered, scene, ruling)
    }

    fn ask(
        &self,
        place: usize,
        rule: &Rule,
        facts: &Facts<'_>,
        asking: &mut Asking<'_>,
        listed: &[Listed],
        answered: &mut Answered,
    ) -> Verdict {
        if !speaks_of(rule, facts.outcome, listed) {
            return Verdict::NotMeant(facts.outcome);
        }
        match rule.when.map(|when| asking.evaluate(when)) {
            Some(Err(why)) => return Verdict::Failed(format!("its condition cannot be evaluated: {why}")),
            Some(Ok(value)) if !value.is_true() => return Verdict::NotHeld(value),
            _ => {}
        }
        let mut values = Vec::with_capacity(rule.set.len());
        for (target, source) in &rule.set {
            match self.make(*target, source, asking.scene, facts.project) {
                Ok(value) => values.push((target.field(), value)),
                Err(why) => return Verdict::Failed(format!("{} cannot be made: {why}", target.key())),
            }
        }
        let guess = facts.person.filter(|_| rule.mentions.person || !names(rule, Outcome::Unknown, listed));
        fire(place, rule, values, guess, answered)
    }

    /// Makes a value; an empty one sets nothing.
    fn make(&self, target: Target, source: &Source, scene: &Value, project: &Project) -> Result<String, String> {
        let text = self.text_of(source, scene)?;
        match target {
            _ if text.trim().is_empty() => Ok(String::new()),
            Target::Field(_) => Ok(text),
            Target::Agent => agent_line(project, text.trim()),
            Target::Queue => queue_line(text.trim()),
        }
    }

    /// The text of a value.
    ///
    /// # Errors
    /// Why a template failed.
    pub(in crate::lookup) fn text_of(&self, source: &Source, scene: &Value) -> Result<String, String> {
        match source {
            Source::Literal(text) => Ok(text.as_ref().to_owned()),
            Source::Template(template) => {
                let rendered = self.programs.render(template.escaping, template.place, scene);
                rendered.map_err(|failure| match failure {
                    Failure::NoValue => without_value(&template.names, scene),
                    Failure::Other(why) => why,
                })
            }
        }
    }
}

/// What a template shows and does not exist; where it asks first, more than what it failed at.
fn without_value(names: &str, scene: &Value) -> String {
    let is_missing = |name: &&str| {
        let value = name.split('.').try_fold(scene.clone(), |value, part| value.get_attr(part).ok());
        value.is_none_or(|value| value.is_undefined() || value.is_none())
    };
    match names.split(' ').filter(is_missing).collect::<Vec<_>>().as_slice() {
        [] => "something that it shows has no value".to_owned(),
        [only] => format!("{only} has no value"),
        several => format!("something that it shows has no value: {}", several.join(" or ")),
    }
}

/// The sources that know the caller: by a guess only where it may steer, since lists are made to steer.
fn found_in(facts: &Facts<'_>) -> Vec<Arc<str>> {
    let certain = facts.candidates.iter().filter(|it| it.hit.rung.is_certain()).map(|it| &it.source);
    let steering = facts.person.filter(|person| person.steers).map(|person| &person.source);
    certain.chain(steering).cloned().collect()
}

/// Whether the rule speaks of this caller: of one who was found always, of any other when it names his kind or a list
/// that he is on.
fn speaks_of(rule: &Rule, outcome: Outcome, listed: &[Listed]) -> bool {
    outcome == Outcome::Found || names(rule, outcome, listed)
}

fn names(rule: &Rule, outcome: Outcome, listed: &[Listed]) -> bool {
    rule.mentions.names(outcome)
        || rule.mentions.lists.iter().any(|list| listed.iter().any(|entry| *entry.list == **list))
}

/// Sets and clears what no rule before has decided. `person` is the caller, when the rule would not say the same of one
/// whom nobody knows: found by a guess, he lets it set no more than the guess itself may.
fn fire(
    place: usize,
    rule: &Rule,
    values: Vec<(Field, String)>,
    person: Option<&Person>,
    answered: &mut Answered,
) -> Verdict {
    let (mut set, mut late, mut withheld, mut empty) =
        (Fields::default(), Fields::default(), Fields::default(), Fields::default());
    for (field, value) in values {
        if answered.is_decided(field) {
            late.add(field);
        } else if person.is_some_and(|person| !may_set(field, person)) {
            withheld.add(field);
        } else if value.is_empty() {
            empty.add(field);
        } else {
            set.add(field);
            answered.decide(field, place, Some(value));
        }
    }
    let mut cleared = Fields::default();
    for field in rule.clear.iter() {
        if answered.is_decided(field) {
            late.add(field);
        } else {
            cleared.add(field);
            answered.decide(field, place, None);
        }
    }
    Verdict::Fired { set, cleared, late, withheld, empty }
}

/// What may be set because of a person: of one who was found by a guess no more than the guess itself may.
fn may_set(field: Field, person: &Person) -> bool {
    match person.rung {
        Rung::Tail => field == Field::Name,
        _ => person.steers || !steers(field),
    }
}

/// The fields that a guess sets only where the project says so.
pub(in crate::lookup) fn steers(field: Field) -> bool {
    matches!(
        field,
        Field::QueuePosition | Field::DirectLine | Field::RouteIdentifier | Field::OutboundNumber | Field::Language
    )
}

/// How the PBX dials an agent.
///
/// # Errors
/// When the project knows no such agent.
pub(super) fn agent_line(project: &Project, name: &str) -> Result<String, String> {
    match project.roster.named(name) {
        Some(agent) => Ok(format!("{}{agent}", project.routing.line_style.prefix())),
        None if project.roster.is_empty() => Err(format!("no agent is defined; add [agent.{name:?}]")),
        None => Err("there is no agent of this name".to_owned()),
    }
}

/// The name of a queue, which must not be taken for a device or a number to dial.
///
/// # Errors
/// What is wrong with it.
pub(super) fn queue_line(name: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.bytes().all(fits) && name.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return Ok(name.to_owned());
    }
    Err("a queue is named with A-Z a-z 0-9 . _ -, at least one of them a letter".to_owned())
}
