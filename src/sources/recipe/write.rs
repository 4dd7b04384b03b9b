//! The write side of a recipe: finished calls written down, contacts made, contacts searched for by text.

use std::collections::BTreeMap;

use jiff::Timestamp;
use minijinja::value::{Serde, Value};
use serde_json::Map;

use super::Plan;
use super::engine::{Engine, MOST_FOUND};
use super::summary::summarize;
use super::view::{self, Vars};
use crate::error::{Error, Kind, Result};
use crate::model::{Call, Contact, ContactId, EndedCall, RequestId};
use crate::number::{self, Number, Numbering};

/// A finished call as templates see it, and as files of events hold it.
pub type CallFields = Map<String, serde_json::Value>;

/// Who makes a contact known.
#[derive(Debug, Clone, Default)]
pub struct NewContact {
    /// Its fields by name: `number name company email`.
    pub fields: BTreeMap<String, String>,
}

/// The fields of a finished call by name; what is not known is left out.
#[must_use]
pub fn describe_call(call: &EndedCall) -> CallFields {
    call.to_fields().into_iter().filter(|(_, value)| !value.is_null()).collect()
}

impl Engine {
    /// Writes a finished call down. Returns the id of what was made; `None` when no request of the recipe was wanted.
    /// `contact` is the caller's id in this CRM; without one the caller is looked up.
    ///
    /// # Errors
    /// Any failure of a request.
    pub(super) async fn log_call(
        &self,
        call: &CallFields,
        contact: Option<ContactId>,
        agent: Option<Value>,
    ) -> Result<Option<String>> {
        let number = call.get("number").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let numbering = self.numbering_of(call.get("project").and_then(serde_json::Value::as_str));
        let mut call = without_nulls(call);
        let name = agent.as_ref().and_then(|agent| agent.get_attr("name").ok());
        let summary = summarize(&call, name.as_ref().and_then(Value::as_str));
        call.insert("summary".to_owned(), summary.into());
        let mut vars = Vars::from([("call", Value::from(Serde(call)))]);
        let contact = match contact {
            Some(id) if !self.names_fields_of_contact() => Some(Contact { id, ..Contact::default() }),
            known => self.caller(&number, known, &numbering).await?,
        };
        // Nobody has no id: what a template says of `not contact.id` has to hold for an unknown caller.
        vars.insert("contact", contact.as_ref().map_or_else(nobody, view::contact));
        vars.insert("agent", agent.unwrap_or_else(nobody));
        self.add_forms(&number, &mut vars, &numbering);
        let mut made = None;
        for plan in &self.settings.recipe.log_call {
            if self.is_wanted(plan, &vars)? {
                made = self.make(plan, &vars).await?.or(made);
            }
        }
        Ok(made)
    }

    /// Whether it takes more than an id to write a call down.
    fn names_fields_of_contact(&self) -> bool {
        let mut uses = self.settings.recipe.log_call.iter().flat_map(Plan::uses);
        uses.any(|name| name.starts_with("contact.") && name != "contact.id")
    }

    /// The caller, when exactly one contact is; of several the one that is `known`.
    async fn caller(&self, number: &str, known: Option<ContactId>, numbering: &Numbering) -> Result<Option<Contact>> {
        let call = Call {
            project: "".into(),
            telephone: number.to_owned(),
            dnid: String::new(),
            direction: None,
            params: BTreeMap::new(),
            request_id: RequestId::from_bits(0),
        };
        let mut hits = self.find(&call, &number::parse(number, numbering), numbering).await?;
        let Some(id) = known else {
            return Ok(if hits.len() == 1 { hits.pop().map(|hit| (*hit.contact).clone()) } else { None });
        };
        let found =
            hits.iter().find(|hit| hit.contact.id.to_string() == id.to_string()).map(|hit| (*hit.contact).clone());
        Ok(Some(found.unwrap_or_else(|| Contact { id, ..Contact::default() })))
    }

    fn add_forms(&self, number: &str, vars: &mut Vars, numbering: &Numbering) {
        if let Number::Phone { phone, .. } = number::parse(number, numbering) {
            vars.insert("forms", view::forms(&number::forms(&phone, numbering.country.as_deref())));
        }
    }

    /// How numbers are read for a call of a project: as when its caller was looked up. Where nobody says of which project it
    /// is, the country is the one that all projects of the source have.
    fn numbering_of(&self, project: Option<&str>) -> Numbering {
        let mut countries = self.homes.values();
        let common = countries.next().filter(|first| countries.all(|other| other == *first));
        let home = project.and_then(|project| self.homes.get(project)).or(common);
        let own = self.settings.numbering.clone();
        Numbering { country: own.country.or_else(|| home.cloned()), ..own }
    }

    /// Makes a contact. Returns its id.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when the recipe cannot; any failure of the request.
    pub(super) async fn create(&self, new: &NewContact) -> Result<Option<String>> {
        let plan = self.able(self.settings.recipe.create.as_ref(), "create")?;
        let fields: BTreeMap<String, Value> =
            new.fields.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        let mut vars = Vars::from([("new", Value::from(fields))]);
        self.add_forms(new.fields.get("number").map_or("", String::as_str), &mut vars, &self.numbering_of(None));
        self.make(plan, &vars).await
    }

    /// Finds contacts by a text; their numbers are not compared with anything.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when the recipe cannot; any failure of the request.
    pub(super) async fn search(&self, text: &str) -> Result<Vec<Contact>> {
        let plan = self.able(self.settings.recipe.search.as_ref(), "search")?;
        let search = BTreeMap::from([("text".to_owned(), Value::from(harmless(text)))]);
        let vars = Vars::from([("search", Value::from(search))]);
        let Some(data) = self.ask(plan, &vars, None).await? else { return Ok(Vec::new()) };
        let mut contacts = self.contacts(plan, &data)?;
        contacts.truncate(MOST_FOUND);
        Ok(contacts)
    }

    fn able<'a>(&self, plan: Option<&'a Plan>, operation: &str) -> Result<&'a Plan> {
        let title = &self.settings.recipe.title;
        plan.ok_or_else(|| Error::new(Kind::Invalid, format!("the recipe of {title} has no [{operation}]")))
    }

    async fn make(&self, plan: &Plan, vars: &Vars) -> Result<Option<String>> {
        let data = self.ask(plan, vars, None).await?;
        let (Some(path), Some(data)) = (&plan.id, data) else { return Ok(None) };
        let id = path.text(&data);
        if id.is_none() {
            // It is written: a failure would have it written once more.
            let recipe = &self.settings.recipe.name;
            tracing::warn!(target: "calldex::source", %recipe, "the answer has no id of what was made where the recipe expects it");
        }
        Ok(id)
    }
}

/// Turns the moments of a call that is described in a file into milliseconds since 1970.
pub(super) fn read_moments(call: &mut CallFields) -> Result<()> {
    for name in ["started", "answered", "ended"] {
        let Some(given) = call.get_mut(name) else { continue };
        let moment = match given {
            serde_json::Value::Null => continue,
            serde_json::Value::Number(number) => number.as_i64(),
            serde_json::Value::String(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond),
            _ => None,
        };
        let expected = "milliseconds since 1970 or a moment like \"2026-11-27T10:14:00Z\"";
        let wrong = || Error::new(Kind::Invalid, format!("{name} is {given}; expected {expected}"));
        *given = moment.ok_or_else(wrong)?.into();
    }
    Ok(())
}

/// Reads who the caller of such a call is: an id in this CRM, or `{ source, id }` as the journal has it, which may be a contact
/// of another source.
pub(super) fn read_contact(contact: &serde_json::Value, source: &str) -> Result<Option<ContactId>> {
    use serde_json::Value::{Null, Number, Object, String};
    match contact {
        Null => Ok(None),
        String(text) => Ok(Some(ContactId::Text(text.as_str().into()))),
        Number(number) => Ok(Some(ContactId::from_text(&number.to_string()))),
        Object(named) => match (named.get("source"), named.get("id")) {
            (Some(String(other)), Some(String(_) | Number(_))) if other != source => Ok(None),
            (Some(String(_)), Some(id @ (String(_) | Number(_)))) => read_contact(id, source),
            _ => Err(Error::new(Kind::Invalid, "contact has no source and id; expected both, or an id alone")),
        },
        other => Err(Error::new(Kind::Invalid, format!("contact is {other}; expected an id, or its source and id"))),
    }
}

/// A table without anything in it.
fn nobody() -> Value {
    Value::from(BTreeMap::<String, Value>::new())
}

/// What is not known is not there: templates never see null.
fn without_nulls(call: &CallFields) -> CallFields {
    let known = call.iter().filter(|(_, value)| !value.is_null());
    let deep = known.map(|(name, value)| match value {
        serde_json::Value::Object(inner) => (name.clone(), serde_json::Value::Object(without_nulls(inner))),
        other => (name.clone(), other.clone()),
    });
    deep.collect()
}

/// A text that somebody typed, without what a query language could read as its own.
fn harmless(text: &str) -> String {
    let kept = |letter: char| letter.is_alphanumeric() || "@._+- ".contains(letter);
    text.chars().map(|letter| if kept(letter) { letter } else { ' ' }).take(200).collect::<String>().trim().to_owned()
}
