//! What a service answers: contacts, nobody, or a failure in words that hold neither a secret nor a number.

use http::StatusCode;
use serde_json::Value as Json;

use super::settings::Settings;
use crate::config;
use crate::directory::Hit;
use crate::error::{Error, Kind, Result};
use crate::number::{self, Number, Numbering, Phone, Spelling};
use crate::soap::{Envelope, Fault, Value, decode};
use crate::sources::Question;
use crate::sources::http::{Answer, explain_status};
use crate::sources::mapping::{Mapping, Types};

/// Shortest text of the settings that is taken out of what a service says.
const SHORTEST_SECRET: usize = 3;

/// How numbers go out and answers are read.
pub(super) struct Reading {
    numbering: Numbering,
    form: Option<Spelling>,
    mapping: Mapping,
}

impl Reading {
    pub(super) fn of(source: &config::Source) -> Result<Self> {
        Ok(Self { numbering: source.numbering.clone(), form: source.form, mapping: Mapping::of(source)? })
    }

    /// A reading of the caller's number and the number called as the service wants them; a number called that is none, such
    /// as the name of a line, goes as it came.
    pub(super) fn spell(&self, question: &Question, reading: &Phone) -> (String, String) {
        let dnid = match number::parse(&question.call.dnid, &question.numbering) {
            Number::Phone { phone, .. } => self.spelled(&phone, &question.numbering),
            _ => question.call.dnid.trim().to_owned(),
        };
        (self.spelled(reading, &question.numbering), dnid)
    }

    /// A number that is known whole, as the service wants it.
    pub(super) fn spell_known(&self, number: &str) -> String {
        match number::parse(number, &self.numbering) {
            Number::Phone { phone, .. } => self.spelled(&phone, &self.numbering),
            _ => number.trim().to_owned(),
        }
    }

    /// As dialled from the country of the source, else of the project; where nobody knows from where, as E.164.
    fn spelled(&self, phone: &Phone, project: &Numbering) -> String {
        let home = self.numbering.country.as_deref().or(project.country.as_deref());
        let usual = if home.is_some() { Spelling::Dialled } else { Spelling::E164 };
        number::forms(phone, home).spelled(self.form.unwrap_or(usual)).to_owned()
    }

    /// Reads an answer as JSON. A fault counts before the status, as services send one with any; nothing at all is null.
    pub(super) fn read(&self, answer: &Answer, settings: &Settings) -> Result<Json> {
        let is_refusal = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        if is_refusal {
            return Err(explain_status(answer));
        }
        if answer.status.is_success() && answer.body.trim_ascii().is_empty() {
            return Ok(Json::Null);
        }
        match Envelope::read(&answer.body, Some(answer.content_type())) {
            Ok(envelope) => match envelope.fault() {
                Some(fault) if means_nobody(&fault, settings) => Ok(Json::Null),
                Some(fault) => Err(explain_fault(&fault, answer.status, settings)),
                None if answer.status.is_success() => decode::answer(&envelope),
                None => Err(explain_status(answer)),
            },
            Err(why) if answer.status.is_success() => Err(why),
            Err(_) => Err(explain_status(answer)),
        }
    }

    /// The contacts of an answer that are the caller.
    pub(super) fn hits(&self, answer: Json, question: &Question) -> Result<Vec<Hit>> {
        let contacts = self.mapping.contacts(answer, Types::Lost)?;
        contacts.verified(&question.number, &question.numbering_of(&self.numbering))
    }
}

fn means_nobody(fault: &Fault, settings: &Settings) -> bool {
    settings.unknown_fault.as_ref().is_some_and(|part| fault.code == *part || fault.text.contains(part.as_str()))
}

/// Faults of the service's own making may pass; those of the client stay.
fn explain_fault(fault: &Fault, status: StatusCode, settings: &Settings) -> Error {
    let own = matches!(fault.code.as_str(), "Client" | "Sender" | "VersionMismatch" | "MustUnderstand");
    let kind = match status {
        StatusCode::FORBIDDEN => Kind::Refused,
        _ if own => Kind::Invalid,
        _ => Kind::Unavailable,
    };
    // Cut at the end only: of a secret that is cut nobody would know any more that it is one.
    let told: String = masked(&fault.to_string(), settings).chars().take(LONGEST_FAULT).collect();
    Error::new(kind, format!("the service answers with a fault, {told}"))
        .perhaps_of_one_request(status == StatusCode::FORBIDDEN)
}

/// Longest part of a fault that is told, in characters.
const LONGEST_FAULT: usize = 250;

/// Text of a service without the secrets and the numbers that it may repeat.
pub(super) fn masked(text: &str, settings: &Settings) -> String {
    let mut text = text.to_owned();
    let login = settings.login.iter().flat_map(|(login, password)| [login.as_str(), password]);
    let constant = settings.arguments.iter().flat_map(|(_, value)| texts(value));
    for secret in login.chain(constant).filter(|secret| secret.len() >= SHORTEST_SECRET) {
        text = text.replace(secret, "…");
    }
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(|letter: char| !letter.is_ascii_digit()) {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        out.push_str(if digits >= 4 { "…" } else { &part[..digits] });
        out.push_str(&part[digits..]);
    }
    out
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Text(text) => vec![text],
        Value::List(items) => items.iter().flat_map(texts).collect(),
        Value::Map(entries) => entries.iter().flat_map(|(_, value)| texts(value)).collect(),
        Value::Struct(fields) => fields.iter().flat_map(|(_, value)| texts(value)).collect(),
        Value::Null | Value::Integer(_) | Value::Boolean(_) => Vec::new(),
    }
}
