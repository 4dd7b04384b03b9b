//! How an answer came to be: the number as received, each reading tried, each source with its time and result, why the
//! others lost, and where each field came from.
//!
//! Nothing is computed for it during a call: an [`Explanation`] keeps what the steps returned anyway, and is turned into
//! JSON or text only when somebody asks.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::model::{CallerData, ContactId};
use crate::number::Number;
use crate::number::ladder::Wanted;
use crate::sources::Question;

use super::decide::{Decision, From};
use super::merge::Person;
use super::{Lookup, Outcome, Reply, Report, StandIn};

/// Everything that is known about one lookup.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The project that was asked.
    pub project: Arc<str>,
    /// The call and the reading of its number.
    pub question: Arc<Question>,
    /// When the lookup ended, in milliseconds since 1970 UTC.
    pub received: i64,
    /// How long it took until the answer was decided.
    pub took: Duration,
    /// Whether the project was above its rate, so that live sources were spared.
    pub over_rate: bool,
    /// What each source said, in the project's order.
    pub reports: Vec<Report>,
    /// Who was chosen.
    pub person: Option<Person>,
    /// What kind of answer it was.
    pub outcome: Outcome,
    /// The answer, and where its fields came from.
    pub decision: Decision,
    /// Why nobody was asked, when nobody was.
    pub note: Option<&'static str>,
    /// Fields that did not fit into the reply whole; the face knows them when it has written the reply.
    pub shortened: OnceLock<Vec<&'static str>>,
}

impl Explanation {
    /// The sources that did not answer although they were asked.
    pub fn missing(&self) -> impl Iterator<Item = &Arc<str>> {
        self.reports.iter().filter(|report| report.is_missing()).map(|report| &report.source)
    }

    /// Adds what the face had to cut to make the reply fit.
    pub fn note_shortened(&self, fields: &[&'static str]) {
        if !fields.is_empty() {
            // Set once: a lookup has one reply.
            let _ = self.shortened.set(fields.to_vec());
        }
    }

    /// For programs. The same words as in the documentation of the HTTP interface.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let call = &self.question.call;
        json!({
            "request": call.request_id.as_str(),
            "project": &*self.project,
            "received": timestamp(self.received),
            "milliseconds": milliseconds(self.took),
            "outcome": self.outcome.as_str(),
            "telephone": { "received": call.telephone, "reading": reading(&self.question.number) },
            "dnid": call.dnid,
            "direction": call.direction.map(|direction| direction.as_str()),
            "tried": tried(&self.question.number),
            "over_rate": self.over_rate,
            "note": self.note,
            "sources": self.reports.iter().map(source).collect::<Vec<_>>(),
            "chosen": self.person.as_ref().map(chosen),
            "rules": self.decision.ruling.as_ref().map(|ruling| ruling.to_json()),
            "fields": self.fields(),
            "refused": self.decision.violations.iter().map(violation).collect::<Vec<_>>(),
            "shortened": self.shortened.get(),
            "answer": answer(&self.decision.caller_data),
        })
    }

    /// For people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = Lines::default();
        let call = &self.question.call;
        text.add(&format!(
            "{} after {:.3} ms (request {})",
            self.outcome.as_str(),
            milliseconds(self.took),
            call.request_id
        ));
        text.add(&format!("  telephone {:?} is {}", call.telephone, reading_in_words(&self.question.number)));
        for (rung, key) in tried_keys(&self.question.number) {
            text.add(&format!("  tried {key} ({rung})"));
        }
        if let Some(note) = self.note {
            text.add(&format!("  {note}"));
        }
        for report in &self.reports {
            text.add(&format!("  {}", source_in_words(report)));
            for hit in report.hits() {
                let name = hit.contact.get(crate::model::Field::Name).unwrap_or("(no name)");
                text.add(&format!("    {} {name} ({})", hit.contact.id, hit.rung.as_str()));
            }
        }
        if let Some(person) = &self.person {
            text.add(&format!("  chosen from {}: {}", person.source, person.choice.as_str()));
        }
        self.write_rules(&mut text);
        for (field, from) in self.fields() {
            text.add(&format!("  {field}: {}", from.as_str().unwrap_or_default()));
        }
        for violation in &self.decision.violations {
            text.add(&format!("  {} {:?}: {}", violation.field, violation.value, violation.why));
        }
        text.0
    }

    fn title(&self, rule: usize) -> &str {
        self.decision.ruling.as_ref().map_or("a rule", |ruling| ruling.title(rule))
    }

    /// What became of each rule, for people.
    fn write_rules(&self, text: &mut Lines) {
        let Some(ruling) = &self.decision.ruling else { return };
        text.add(&format!("  the rules saw {}", ruling.local_time()));
        for listed in ruling.listed() {
            let note = listed.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
            text.add(&format!("  on the list {}{note}", listed.list));
        }
        if let Some(why) = ruling.history_missing() {
            text.add(&format!("  {why}"));
        }
        for (title, word, why) in ruling.verdicts() {
            text.add(&format!("  {title} {word}: {why}"));
        }
    }

    /// Where each field came from, in words.
    fn fields(&self) -> Map<String, Value> {
        let words = |from: &From| match from {
            From::Rule(rule) => format!("set by {}", self.title(*rule)),
            From::Cleared(rule) => format!("cleared by {}", self.title(*rule)),
            From::Contact => "the contact's own value".to_owned(),
            From::Default => "the project's default".to_owned(),
            From::Stranger(source) => format!("the page of {source} for callers whom nobody knows"),
            From::Withheld => "the contact has one, but it was found by a guess that may not steer".to_owned(),
            From::Failed(why) => format!("the project's default could not be made: {why}"),
        };
        self.decision.origins.iter().map(|it| (it.field.as_str().to_owned(), words(&it.from).into())).collect()
    }
}

/// Lines for a terminal. What sources and callers say stands in them, and must not steer it or add lines.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, line: &str) {
        self.0.extend(line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }));
        self.0.push('\n');
    }
}

impl Lookup {
    /// The explanation of one of the last lookups, unless an address book that it shows has changed since: what was
    /// removed there must not be shown here.
    pub async fn explanation(&self, project: &super::Project, request_id: &str) -> Option<Arc<Explanation>> {
        let explanation = self.recent.find(&project.config.name, request_id)?;
        self.is_current(project, &explanation).await.then_some(explanation)
    }

    /// Whether every address book that an explanation shows contacts of is as it was.
    pub(super) async fn is_current(&self, project: &super::Project, explanation: &Explanation) -> bool {
        for asked in &project.asked {
            let super::fan_out::Asked::Book { book, .. } = asked else { continue };
            let Some(shown) = explanation.reports.iter().find(|report| report.source == book.name) else {
                return false;
            };
            let unchanged = self.directory.revision(book).await.is_ok_and(|revision| revision == shown.revision);
            if !shown.hits().is_empty() && !unchanged {
                return false;
            }
        }
        true
    }
}

fn reading(number: &Number) -> Value {
    match number {
        Number::Withheld { reading } => json!({
            "kind": "withheld",
            "keypad": reading.as_ref().map(|phone| phone.key.to_string()),
        }),
        Number::Local(text) => json!({ "kind": "local", "text": text }),
        Number::Phone { phone, extension, alternate } => json!({
            "kind": "phone",
            "e164": phone.key.to_string(),
            "valid": phone.valid,
            "extension": extension,
            "alternate": alternate.as_ref().map(|phone| phone.key.to_string()),
        }),
        Number::Unusable => json!({ "kind": "unusable" }),
    }
}

fn reading_in_words(number: &Number) -> String {
    match number {
        Number::Withheld { .. } => "withheld".to_owned(),
        Number::Local(text) => format!("the extension or short number {text}"),
        Number::Phone { phone, extension, alternate } => {
            let mut words = phone.key.to_string();
            if !phone.valid {
                words.push_str(" (possible, but not valid)");
            }
            if let Some(extension) = extension {
                words.push_str(&format!(" extension {extension}"));
            }
            if let Some(alternate) = alternate {
                words.push_str(&format!(", or else {}", alternate.key));
            }
            words
        }
        Number::Unusable => "no usable number".to_owned(),
    }
}

/// The keys that the address books were asked for, with their rung.
fn tried_keys(number: &Number) -> Vec<(&'static str, String)> {
    let wanted = Wanted::of(number, false);
    let mut keys = Vec::new();
    if let Some((key, extension)) = &wanted.exact {
        if let Some(extension) = extension {
            keys.push(("exact", format!("{key} extension {extension}")));
        }
        keys.push(("exact", key.to_string()));
    }
    keys.extend(wanted.alternate.iter().map(|key| ("alternate", key.to_string())));
    keys.extend(wanted.local.iter().map(|text| ("local", text.clone())));
    keys.extend(wanted.aliases.iter().map(|key| ("alias", key.to_string())));
    keys
}

fn tried(number: &Number) -> Vec<Value> {
    tried_keys(number).into_iter().map(|(rung, key)| json!({ "rung": rung, "key": key })).collect()
}

fn source(report: &Report) -> Value {
    let contacts = report.hits().iter().map(|hit| {
        json!({
            "id": id(&hit.contact.id),
            "name": hit.contact.get(crate::model::Field::Name),
            "company": hit.contact.get(crate::model::Field::Company),
            "rung": hit.rung.as_str(),
            "primary": hit.contact.primary,
        })
    });
    json!({
        "source": &*report.source,
        "result": result(report),
        "error": match &report.reply { Reply::Failed(error) => Some(error.kind().as_str()), _ => None },
        "why": match &report.reply { Reply::Failed(error) => Some(error.to_string()), Reply::NotAsked(why) => Some((*why).to_owned()), _ => None },
        "cached": report.cached,
        "stale": report.is_stale(),
        "partial": report.is_partial(),
        "milliseconds": milliseconds(report.took),
        "contacts": contacts.collect::<Vec<_>>(),
    })
}

fn result(report: &Report) -> &'static str {
    match &report.reply {
        Reply::Hits(hits) if hits.is_empty() => "unknown",
        Reply::Hits(_) => "found",
        Reply::Failed(_) => "failed",
        Reply::Late => "late",
        Reply::NotAsked(_) => "not asked",
    }
}

fn source_in_words(report: &Report) -> String {
    let mut words = format!("{}: {} after {:.3} ms", report.source, result(report), milliseconds(report.took));
    match &report.reply {
        Reply::Failed(error) => words.push_str(&format!(": {error}")),
        Reply::NotAsked(why) => words.push_str(&format!(": {why}")),
        Reply::Hits(_) | Reply::Late => {}
    }
    if report.cached {
        words.push_str(", from the cache");
    }
    match report.stand_in {
        Some(StandIn::SoFar(_)) => words.push_str(", what it had found by then stands in"),
        Some(StandIn::Stale(_)) => words.push_str(", an older answer stands in"),
        None => {}
    }
    words
}

fn chosen(person: &Person) -> Value {
    json!({
        "source": &*person.source,
        "id": person.contact.as_ref().map(|contact| id(&contact.id)),
        "rung": person.rung.as_str(),
        "why": person.choice.as_str(),
        "steers": person.steers,
    })
}

fn violation(violation: &super::safety::Violation) -> Value {
    json!({ "field": violation.field, "value": violation.value, "kept": violation.kept, "why": violation.why })
}

fn answer(data: &CallerData) -> Value {
    json!({
        "id": data.id.as_ref().map(id),
        "name": data.name,
        "queue_position": data.queue_position,
        "direct_line": data.direct_line,
        "backend_link": data.backend_link,
        "route_identifier": data.route_identifier,
        "outbound_number": data.outbound_number,
        "language": data.language,
        "external_id": data.external_id,
    })
}

fn id(id: &ContactId) -> Value {
    match id {
        ContactId::Integer(number) => (*number).into(),
        ContactId::Text(text) => (&**text).into(),
    }
}

fn milliseconds(duration: Duration) -> f64 {
    // Whole microseconds, or the digits behind them would be noise.
    duration.as_micros() as f64 / 1000.0
}

fn timestamp(millis: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(millis).ok().map(|time| time.to_string())
}
