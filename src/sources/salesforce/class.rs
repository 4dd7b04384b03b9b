//! A call as the arguments of an Apex class of the customer's own, the source document's `send_call`.
//!
//! The names of the arguments stand in the WSDL of the class and differ with each customer. Those that say what they are
//! are understood; the others are told in the settings.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::org::{Org, Outcome};
use super::session::Session;
use super::settings::ClassSettings;
use super::task::own_id;
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::model::{Direction, EndedCall};
use crate::soap::envelope::Envelope;
use crate::soap::message::Header;
use crate::soap::wsdl::{MOST_ELEMENTS, Parameter, Wsdl};
use crate::soap::{Argument, Element, Message, Shape, Value, Version};
use crate::sources::http::explain_status;
use crate::sources::jwt::shown_folder;

/// What an argument may be.
pub(super) const FIELDS: [&str; 21] = [
    "key",
    "project",
    "uniqueid",
    "direction",
    "telephone",
    "number",
    "dnid",
    "queue",
    "agent",
    "remote_number",
    "outcome",
    "reason",
    "recording",
    "started",
    "answered",
    "ended",
    "waited",
    "duration",
    "contact_id",
    "name",
    "company",
];

/// Other names that arguments have, without case, blanks and underscores.
const SYNONYMS: [(&str, &str); 26] = [
    ("phone", "telephone"),
    ("phonenumber", "telephone"),
    ("caller", "telephone"),
    ("callerid", "telephone"),
    ("callernumber", "telephone"),
    ("customernumber", "telephone"),
    ("did", "dnid"),
    ("callednumber", "dnid"),
    ("calltype", "direction"),
    ("calldirection", "direction"),
    ("agentname", "agent"),
    ("user", "agent"),
    ("operator", "agent"),
    ("queuename", "queue"),
    ("callid", "uniqueid"),
    ("callduration", "duration"),
    ("durationinseconds", "duration"),
    ("status", "outcome"),
    ("result", "outcome"),
    ("starttime", "started"),
    ("endtime", "ended"),
    ("whoid", "contact_id"),
    ("recordingurl", "recording"),
    ("recordinglink", "recording"),
    ("recordingfile", "recording"),
    ("monitorfile", "recording"),
];

/// A method of an Apex class.
pub(super) struct Class {
    path: String,
    namespace: String,
    method: String,
    /// The arguments in order, each with the field that it gets; `None` for one that nobody has told.
    arguments: Vec<(String, Option<String>)>,
}

impl Class {
    /// Reads the WSDL of a class, or takes the arguments of the settings.
    pub(super) fn of(settings: &ClassSettings, source: &config::Source) -> Result<Self> {
        let base = settings.name.rsplit('/').next().unwrap_or_default();
        let class = Self {
            path: format!("/services/Soap/class/{}", settings.name),
            namespace: format!("http://soap.sforce.com/schemas/class/{}", settings.name),
            method: settings.method.clone(),
            arguments: settings.arguments.iter().map(|(name, field)| (name.clone(), Some(field.clone()))).collect(),
        };
        let files = [format!("{base}.wsdl"), format!("{base}.xml")].map(|file| source.folder.join(file));
        match files.iter().find(|file| file.is_file()).filter(|_| !source.tenant) {
            Some(file) => {
                let wrong = |why: Error| Error::new(Kind::Invalid, file.display().to_string()).because(why);
                class.described(file, settings).map_err(wrong)
            }
            None if class.arguments.is_empty() => Err(Error::new(Kind::Invalid, explain_missing(base, source))),
            None => Ok(class),
        }
    }

    /// The class as its WSDL has it; what the settings tell counts before what a name seems to mean.
    fn described(self, file: &Path, settings: &ClassSettings) -> Result<Self> {
        let bytes = std::fs::read(file).map_err(|why| Error::new(Kind::Invalid, "cannot read it").because(why))?;
        let mut wsdl = Wsdl::default();
        wsdl.add(Element::read(&bytes, None, MOST_ELEMENTS)?)?;
        let operation = wsdl.operation(&settings.method, None)?;
        let told =
            |name: &str| settings.arguments.iter().find(|(known, _)| known == name).map(|(_, field)| field.clone());
        let argument = |parameter: Parameter| {
            let field = told(&parameter.name).or_else(|| meant(&parameter.name).map(str::to_owned));
            (parameter.name, field)
        };
        let arguments = operation.parameters.into_iter().map(argument).collect();
        let class = Self { namespace: operation.namespace, arguments, ..self };
        class.warn_of_unknown();
        Ok(class)
    }

    fn warn_of_unknown(&self) {
        for (name, _) in self.arguments.iter().filter(|(_, field)| field.is_none()) {
            tracing::warn!(
                target: "calldex::sources",
                "nobody knows what the argument {name} of {} is, it is sent as nil; write \
                 webservices[send_call][arguments][{name}]=FIELD", self.method,
            );
        }
    }

    /// Sends a call.
    pub(super) async fn send(&self, org: &Org, call: &EndedCall, source: &str) -> Result<()> {
        org.within(|session| async move {
            let answer = org.soap(&session, &self.path, self.envelope(&session, call, source)).await?;
            match Envelope::read(&answer.body, Some(answer.content_type())) {
                Ok(envelope) => match envelope.fault() {
                    Some(fault) => org.read_fault(&fault.code).unwrap_or_else(|| {
                        let code = super::login::shown(&fault.code);
                        Err(Error::new(Kind::Invalid, format!("the class answers with a fault: {code}")))
                    }),
                    None if answer.status.is_success() => Ok(Outcome::Done(())),
                    None => Err(explain_status(&answer)),
                },
                Err(why) if answer.status.is_success() => Err(why),
                Err(_) => Err(explain_status(&answer)),
            }
        })
        .await
    }

    fn envelope(&self, session: &Session, call: &EndedCall, source: &str) -> String {
        let namespace: Arc<str> = self.namespace.as_str().into();
        let argument = |(name, field): &(String, Option<String>)| Argument {
            name: name.clone(),
            namespace: Some(Arc::clone(&namespace)),
            value: field.as_deref().and_then(|field| value(call, field, source)).map_or(Value::Null, Value::Text),
        };
        let message = Message {
            version: Version::V11,
            shape: Shape::DocumentLiteral,
            namespace: &self.namespace,
            function: &self.method,
            arguments: &self.arguments.iter().map(argument).collect::<Vec<_>>(),
            header: Some(Header {
                namespace: &self.namespace,
                name: "SessionHeader",
                fields: &[("sessionId", session.id.reveal())],
            }),
            is_answer: false,
        };
        message.write()
    }
}

/// What to do where nobody has told the arguments of a class.
fn explain_missing(base: &str, source: &config::Source) -> String {
    let listed = "list webservices[send_call][arguments][NAME]=FIELD";
    if source.tenant {
        return format!("a source of a tenant reads no files, so no WSDL of the class {base}; {listed}");
    }
    let folder = shown_folder(&source.folder);
    format!("there is no file {base}.wsdl or {base}.xml in {folder}; save the WSDL of the class there, or {listed}")
}

/// The field that an argument of this name gets.
fn meant(argument: &str) -> Option<&'static str> {
    let plain: String = argument.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect();
    let known = FIELDS.into_iter().find(|field| field.replace('_', "") == plain);
    known.or_else(|| SYNONYMS.into_iter().find(|(synonym, _)| *synonym == plain).map(|(_, field)| field))
}

fn value(call: &EndedCall, field: &str, source: &str) -> Option<String> {
    let moment = |millis: i64| Timestamp::from_millisecond(millis).ok().map(|moment| moment.to_string());
    match field {
        "key" => Some(call.key.clone()),
        "project" => Some(call.project.to_string()),
        "uniqueid" => call.uniqueid.clone(),
        "direction" => Some(if call.direction == Direction::In { "IN" } else { "OUT" }.to_owned()),
        "telephone" => Some(call.telephone.clone()).filter(|text| !text.is_empty()),
        "number" => call.number.clone(),
        "dnid" => Some(call.dnid.clone()).filter(|text| !text.is_empty()),
        "queue" => call.queue.clone(),
        "agent" => call.agent.clone(),
        "remote_number" => call.remote_number.clone(),
        "outcome" => Some(call.outcome.as_str().to_owned()),
        "reason" => call.reason.clone(),
        "recording" => call.recording.clone(),
        "started" => moment(call.started),
        "answered" => call.answered.and_then(moment),
        "ended" => call.ended.and_then(moment),
        "waited" => call.waited.map(|seconds| seconds.to_string()),
        "duration" => call.duration.map(|seconds| seconds.to_string()),
        "contact_id" => call.contact.as_ref().and_then(|contact| own_id(contact, source)),
        "name" => call.name.clone(),
        "company" => call.company.clone(),
        _ => None,
    }
}
