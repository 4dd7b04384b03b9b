//! The tests of a project's rules: calls with the answers that they have to get. No source is ever asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Facts, Ruleset};
use crate::config::{Complaint, Nobody, Project, RuleTest, TestTime, nearest};
use crate::directory::Hit;
use crate::lookup::Outcome;
use crate::lookup::decide::{self, Decision, From};
use crate::lookup::merge::{self, Candidate};
use crate::lookup::recall::Recalled;
use crate::model::{Call, CallerData, Contact, ContactId, Field, PastCall, RequestId};
use crate::number::ladder::Rung;
use crate::number::{self, Number};

/// When a test without a time takes place: a working day at noon.
const NOON: DateTime = DateTime::constant(2026, 1, 14, 12, 0, 0, 0);

/// The source of a contact that does not name one.
const SOURCE: &str = "test";

/// Everything that is wrong with the templates and rules of a project; the tests run when nothing is.
pub(in crate::lookup) fn check(project: &Project) -> Vec<Complaint> {
    if project.routing.tests.is_empty() {
        return Ruleset::find_mistakes(project);
    }
    let (ruleset, mut complaints) = Ruleset::compile(project);
    if complaints.iter().all(|complaint| complaint.is_warning) {
        let project = Arc::new(project.clone());
        let tests = project.routing.tests.iter().enumerate();
        complaints
            .extend(tests.flat_map(|(place, test)| Trial { project: &project, ruleset: &ruleset, place, test }.run()));
    }
    complaints
}

/// One test.
struct Trial<'a> {
    project: &'a Arc<Project>,
    ruleset: &'a Ruleset,
    place: usize,
    test: &'a RuleTest,
}

impl Trial<'_> {
    fn run(&self) -> Vec<Complaint> {
        let mistakes: Vec<Complaint> =
            self.test.contacts.iter().filter_map(|contact| self.mistake_in(contact)).collect();
        if !mistakes.is_empty() {
            return mistakes;
        }
        let decision = self.decide();
        let failed = self.test.expect.iter().filter_map(|(field, expected)| {
            let found = value_of(&decision.caller_data, field);
            (found.as_deref().unwrap_or_default() != expected).then(|| {
                let why = self.explain(&decision, field);
                let (expected, found) = self.shown(&decision, field, expected, found.as_deref());
                let message = format!("{} expects {field} = {expected}, found {found}: {why}", self.title());
                Complaint::at(&self.test.place, message)
            })
        });
        failed.collect()
    }

    /// The expected value and the one that was found, as a message shows them.
    fn shown(&self, decision: &Decision, field: &str, expected: &str, found: Option<&str>) -> (String, String) {
        let quoted = |text: Option<&str>| text.map_or_else(|| "null".to_owned(), |text| format!("{text:?}"));
        if self.holds_variable(decision, field) {
            return ("something".to_owned(), "something else, with a variable in it".to_owned());
        }
        (quoted(Some(expected).filter(|text| !text.is_empty())), quoted(found))
    }

    /// Whether a variable was put into what made a value: it may be a secret, which no message repeats.
    fn holds_variable(&self, decision: &Decision, field: &str) -> bool {
        let origin = decision.origins.iter().find(|origin| origin.field.as_str() == field);
        let Some(origin) = origin else { return false };
        match origin.from {
            From::Rule(rule) => self.project.routing.rules[rule]
                .set
                .iter()
                .any(|setting| setting.target.field() == origin.field && setting.value.has_variable),
            From::Default => self.project.defaults.with_variables.contains(&origin.field),
            _ => false,
        }
    }

    /// `test 2 (after hours) of [project.sales]`
    fn title(&self) -> String {
        let title = self.test.title.as_ref().map_or_else(String::new, |title| format!(" ({title})"));
        format!("test {}{title} of [project.{}]", self.place + 1, self.project.name)
    }

    /// A contact of an agent whom nobody knows, or found in a way that there is not, would test something else than it
    /// says.
    fn mistake_in(&self, contact: &BTreeMap<String, String>) -> Option<Complaint> {
        let complain = |message: String| Some(Complaint::at(&self.test.contact_place, message));
        let nearest = |word: &str, known: Vec<&str>| {
            nearest(word, known).map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"))
        };
        if let Some(rung) = contact.get("rung").filter(|rung| found_by(rung).is_none()) {
            let near = nearest(rung, Rung::ALL.into_iter().map(Rung::as_str).collect());
            return complain(format!(
                "the contact of {} has the rung {rung:?}, which there is not{near}",
                self.title()
            ));
        }
        let agent = contact.get("agent").filter(|agent| self.project.roster.named(agent).is_none())?;
        let near = nearest(agent, self.project.roster.names().collect());
        complain(format!("the contact of {} has the agent {agent:?}, whom nobody knows{near}", self.title()))
    }

    fn decide(&self) -> Decision {
        let number = Arc::new(number::parse(&self.test.telephone, &self.project.numbering));
        let candidates: Vec<Candidate> =
            self.test.contacts.iter().map(|fields| self.candidate(fields, &number)).collect();
        let person = merge::choose(&candidates, None, self.project.guesses, self.project.fill);
        let outcome = match (&person, self.test.nobody, &*number) {
            (Some(_), ..) => Outcome::Found,
            (None, _, Number::Withheld { .. }) => Outcome::Withheld,
            (None, Nobody::Undetermined, _) => Outcome::Undetermined,
            (None, Nobody::Unknown, _) => Outcome::Unknown,
        };
        let now = self.now();
        let facts = Facts {
            project: self.project,
            call: &Arc::new(self.call()),
            number: &number,
            dnid: None,
            person: person.as_ref(),
            candidates: &candidates,
            outcome,
            stranger: None,
            now,
            recalled: Recalled { calls: self.history(now), missing: None },
        };
        decide::decide(&facts, self.ruleset)
    }

    fn call(&self) -> Call {
        Call {
            project: Arc::clone(&self.project.name),
            telephone: self.test.telephone.clone(),
            dnid: self.test.dnid.clone(),
            direction: self.test.direction,
            params: self.test.params.clone(),
            request_id: RequestId::from_bits(0),
        }
    }

    /// Milliseconds since 1970 UTC. A time that the clocks skip is the one as long after the change.
    fn now(&self) -> i64 {
        let zone: &TimeZone = &self.ruleset.zone;
        let local = |time: DateTime| time.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).unwrap_or_default();
        match self.test.time {
            Some(TestTime::Moment(moment)) => moment.as_millisecond(),
            Some(TestTime::Local(time)) => local(time).as_millisecond(),
            None => local(NOON).as_millisecond(),
        }
    }

    fn candidate(&self, fields: &BTreeMap<String, String>, number: &Number) -> Candidate {
        let mut contact = Contact::default();
        let mut source = SOURCE;
        let mut rung = if matches!(number, Number::Local(_)) { Rung::Local } else { Rung::Exact };
        for (name, value) in fields {
            match (name.as_str(), Field::parse(name)) {
                ("id", _) => contact.id = ContactId::from_text(value),
                ("source", _) => source = value,
                ("rung", _) => rung = found_by(value).unwrap_or(rung),
                ("primary", _) => contact.primary = value == "true",
                (_, Some(field)) => contact.set(field, value.as_str()),
                _ => {
                    contact.custom.insert(name.clone(), value.clone());
                }
            }
        }
        let source = self.full_name(source);
        let place = self.project.sources.iter().position(|known| *known == source).unwrap_or_default();
        Candidate { source, place, hit: Hit { contact: Arc::new(contact), rung } }
    }

    /// The full name of a source that the project asks by this short one.
    fn full_name(&self, source: &str) -> Arc<str> {
        let sources = self.project.sources.iter();
        let full = sources.into_iter().find(|full| full.rsplit('/').next() == Some(source));
        full.cloned().unwrap_or_else(|| source.into())
    }

    fn history(&self, now: i64) -> Arc<[PastCall]> {
        let mut calls: Vec<PastCall> = self.test.history.iter().map(|call| past_call(call, now)).collect();
        calls.sort_by_key(|call| std::cmp::Reverse(call.started));
        calls.into()
    }

    /// Why a field is what it is.
    fn explain(&self, decision: &Decision, field: &str) -> String {
        if let Some(violation) = decision.violations.iter().find(|violation| violation.field == field) {
            let shown =
                if self.holds_variable(decision, field) { "it".into() } else { format!("{:?}", violation.value) };
            return format!("{shown} was refused, {}", violation.why);
        }
        let origin = decision.origins.iter().find(|origin| origin.field.as_str() == field);
        let Some(ruling) = &decision.ruling else { return "there are no rules".to_owned() };
        match origin.map(|origin| &origin.from) {
            Some(From::Rule(rule)) => format!("{} set it", ruling.title(*rule)),
            Some(From::Cleared(rule)) => format!("{} cleared it", ruling.title(*rule)),
            Some(From::Contact) => "it is the contact's own value".to_owned(),
            Some(From::Default) => "it is the project's default".to_owned(),
            Some(From::Stranger(source)) => format!("{source} has it for unknown callers"),
            Some(From::Withheld) => "a guess may not set it".to_owned(),
            Some(From::Failed(why)) => format!("the project's default could not be made: {why}"),
            None => self.explain_nothing(ruling),
        }
    }

    /// Why no rule set a field: what became of each.
    fn explain_nothing(&self, ruling: &super::Ruling) -> String {
        let verdicts = ruling.verdicts().map(|(title, word, why)| format!("{title} {word}: {why}"));
        let said: Vec<String> = verdicts.collect();
        if said.is_empty() { "there are no rules".to_owned() } else { format!("nothing set it; {}", said.join("; ")) }
    }
}

/// The rung of this name.
fn found_by(name: &str) -> Option<Rung> {
    Rung::ALL.into_iter().find(|rung| rung.as_str() == name)
}

fn past_call(call: &crate::config::TestCall, now: i64) -> PastCall {
    PastCall {
        id: 0,
        direction: call.direction,
        started: now - i64::try_from(call.ago.as_millis()).unwrap_or(i64::MAX),
        outcome: Some(call.outcome),
        agent: call.agent.clone(),
        queue: None,
        dnid: String::new(),
        duration: None,
    }
}

fn value_of(data: &CallerData, field: &str) -> Option<String> {
    match field {
        "id" => data.id.as_ref().map(ToString::to_string),
        "name" => data.name.clone(),
        "queue_position" => data.queue_position.map(|place| place.to_string()),
        "direct_line" => data.direct_line.clone(),
        "backend_link" => data.backend_link.clone(),
        "route_identifier" => data.route_identifier.clone(),
        "outbound_number" => data.outbound_number.clone(),
        "language" => data.language.clone(),
        "external_id" => data.external_id.clone(),
        _ => None,
    }
}
