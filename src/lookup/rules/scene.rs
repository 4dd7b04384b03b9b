//! What conditions and templates see of a call. Nothing is computed before a rule looks at it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;
use minijinja::value::{Object, ObjectRepr, Value};

use super::calendar::Calendar;
use super::lists::Listed;
use super::past;
use crate::config::Project;
use crate::lookup::Outcome;
use crate::lookup::merge::{Candidate, Person};
use crate::lookup::recall::Recalled;
use crate::model::{Call, Contact, ContactId, ContactRef, Field, PastCall};
use crate::number::{self, Number, country_of, forms};

/// Everything that a rule may look at.
pub(in crate::lookup) struct Facts<'a> {
    pub(in crate::lookup) project: &'a Arc<Project>,
    pub(in crate::lookup) call: &'a Arc<Call>,
    pub(in crate::lookup) number: &'a Arc<Number>,
    /// The reading of the number that was called, when it is at hand.
    pub(in crate::lookup) dnid: Option<Arc<Number>>,
    pub(in crate::lookup) person: Option<&'a Person>,
    pub(in crate::lookup) candidates: &'a [Candidate],
    pub(in crate::lookup) outcome: Outcome,
    /// The page that a source has for callers whom nobody knows, with its name; only for an unknown caller.
    pub(in crate::lookup) stranger: Option<(Arc<str>, String)>,
    /// Milliseconds since 1970 UTC.
    pub(in crate::lookup) now: i64,
    /// Earlier calls.
    pub(in crate::lookup) recalled: Recalled,
}

/// The root of all names.
#[derive(Debug)]
pub(in crate::lookup) struct Scene {
    project: Arc<Project>,
    call: Arc<CallView>,
    contact: Value,
    candidates: Value,
    outcome: Outcome,
    now: i64,
    zone: TimeZone,
    calendar: OnceLock<Arc<Calendar>>,
    history: Arc<[PastCall]>,
    lists: Value,
}

impl Scene {
    /// Puts together what rules and templates see. Without a zone there are no rules: only templates of defaults, which
    /// see UTC.
    pub(in crate::lookup) fn of(facts: &Facts<'_>, zone: Option<&TimeZone>, listed: &[Listed]) -> Arc<Self> {
        let call = CallView {
            number: NumberView::of(facts.call, false, Some(facts.number), facts.project),
            dnid: NumberView::of(facts.call, true, facts.dnid.as_ref(), facts.project),
            call: Arc::clone(facts.call),
            project: Arc::clone(facts.project),
        };
        let candidates = facts.candidates.iter().map(|it| ContactView::of_candidate(it, facts.project));
        Arc::new(Self {
            project: Arc::clone(facts.project),
            call: Arc::new(call),
            contact: facts.person.map_or_else(nothing, |person| ContactView::of_person(person, facts.project)),
            candidates: if zone.is_some() { candidates.collect() } else { Value::UNDEFINED },
            outcome: facts.outcome,
            now: facts.now,
            zone: zone.cloned().unwrap_or(TimeZone::UTC),
            calendar: OnceLock::new(),
            history: Arc::clone(&facts.recalled.calls),
            lists: Value::from_object(ListView(listed.iter().map(|it| Arc::clone(&it.list)).collect())),
        })
    }

    pub(super) fn calendar(&self) -> &Arc<Calendar> {
        self.calendar.get_or_init(|| Arc::new(Calendar::at(self.now, &self.zone, &self.project)))
    }

    pub(super) fn roots() -> [&'static str; 7] {
        ["call", "caller", "candidates", "contact", "history", "list", "time"]
    }
}

impl Object for Scene {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "contact" => self.contact.clone(),
            "call" => Value::from_dyn_object(Arc::clone(&self.call)),
            "caller" => Value::from_object(CallerView(self.outcome)),
            "time" => Value::from_dyn_object(Arc::clone(self.calendar())),
            "list" => self.lists.clone(),
            "candidates" => self.candidates.clone(),
            "history" => Value::from_object(past::HistoryView { calls: Arc::clone(&self.history), now: self.now }),
            _ => return None,
        })
    }
}

/// What `contact` is when there is nobody, and `call.route` when there is no such route: false, and without fields, so that a
/// template may say `{{ call.route.language or 'ro' }}`.
fn nothing() -> Value {
    static NOTHING: OnceLock<Value> = OnceLock::new();
    NOTHING.get_or_init(|| Value::from_pairs(std::iter::empty::<(&str, Value)>())).clone()
}

/// `contact`. A field without a value does not exist.
#[derive(Debug)]
struct ContactView {
    contact: Arc<Contact>,
    /// The contact as its source has it, when it is one.
    whole: Option<Arc<Contact>>,
    reference: Option<ContactRef>,
    source: Arc<str>,
    rung: &'static str,
    project: Arc<Project>,
}

impl ContactView {
    fn of_person(person: &Person, project: &Arc<Project>) -> Value {
        Value::from_object(Self {
            contact: Arc::clone(&person.known),
            whole: person.whole.clone(),
            reference: person.contact.clone(),
            source: Arc::clone(&person.source),
            rung: person.rung.as_str(),
            project: Arc::clone(project),
        })
    }

    fn of_candidate(candidate: &Candidate, project: &Arc<Project>) -> Value {
        let contact = &candidate.hit.contact;
        Value::from_object(Self {
            contact: Arc::clone(contact),
            whole: Some(Arc::clone(contact)),
            reference: Some(ContactRef { source: Arc::clone(&candidate.source), id: contact.id.clone() }),
            source: Arc::clone(&candidate.source),
            rung: candidate.hit.rung.as_str(),
            project: Arc::clone(project),
        })
    }

    /// The agent to whom the contact belongs: by its owner's id in its own source, by his address (also the one that a CRM
    /// gives for that id, `owner_email`), or by a field `agent` that names one. An owner that another source lent is no id of this one.
    fn agent(&self) -> Option<&Arc<str>> {
        let roster = &self.project.roster;
        let whole = self.whole.as_ref()?;
        let owner = whole.get(Field::Owner).and_then(|owner| roster.owner(&self.source, owner));
        let by_address = || roster.owner(&self.source, whole.custom.get("owner_email")?);
        owner.or_else(by_address).or_else(|| roster.named(whole.custom.get("agent")?))
    }
}

impl Object for ContactView {
    /// There is somebody.
    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "id" => self.reference.as_ref().map(|reference| id(&reference.id)),
            "source" => Some(Value::from(&*self.source)),
            "rung" => Some(Value::from(self.rung)),
            "agent" => self.agent().map(|agent| Value::from(&**agent)),
            _ => {
                let known = Field::parse(key).and_then(|field| self.contact.get(field));
                known.or_else(|| self.contact.custom.get(key).map(String::as_str)).map(Value::from)
            }
        }
    }
}

fn id(id: &ContactId) -> Value {
    match id {
        ContactId::Integer(number) => Value::from(*number),
        ContactId::Text(text) => Value::from(&**text),
    }
}

/// `call`
#[derive(Debug)]
struct CallView {
    call: Arc<Call>,
    number: Arc<NumberView>,
    dnid: Arc<NumberView>,
    project: Arc<Project>,
}

/// The attributes of `call`.
pub(super) const OF_CALL: [&str; 6] = ["direction", "dnid", "e164", "params", "route", "telephone"];
/// The attributes of `call.telephone` and `call.dnid`.
pub(super) const OF_NUMBER: [&str; 7] = ["country", "e164", "extension", "kind", "national", "received", "valid"];
/// The attributes of `call.route`.
pub(super) const OF_ROUTE: [&str; 3] = ["identifier", "language", "number"];
/// The attributes of `caller`.
pub(super) const OF_CALLER: [&str; 5] = ["found", "outcome", "undetermined", "unknown", "withheld"];
/// The attributes of `contact` that every source may fill.
pub(super) const OF_CONTACT: [&str; 4] = ["agent", "id", "rung", "source"];

/// What a CRM knows about the owner of a contact.
pub(super) const OF_OWNER: [&str; 3] = ["owner_email", "owner_extension", "owner_name"];

impl Object for CallView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "telephone" => Some(Value::from_dyn_object(Arc::clone(&self.number))),
            "dnid" => Some(Value::from_dyn_object(Arc::clone(&self.dnid))),
            "e164" => self.number.get_value_by_str("e164"),
            "direction" => self.call.direction.map(|direction| Value::from(direction.as_str())),
            "params" => {
                let params = self.call.params.iter();
                Some(Value::from_pairs(params.map(|(name, value)| (name.clone(), Value::from(value.as_str())))))
            }
            "route" => Some(self.route().unwrap_or_else(nothing)),
            _ => None,
        }
    }
}

impl CallView {
    /// The inbound route that was called.
    fn route(&self) -> Option<Value> {
        let Number::Phone { phone, .. } = self.dnid.number() else { return None };
        let route = self.project.routing.routes.iter().find(|route| route.key == Some(phone.key))?;
        let parts = [
            ("identifier", Some(route.identifier.as_str())),
            ("number", route.number.as_deref()),
            ("language", route.language.as_deref()),
        ];
        Some(Value::from_pairs(parts.into_iter().filter_map(|(name, value)| Some((name, Value::from(value?))))))
    }
}

/// `call.telephone` and `call.dnid`: a number with its parts, printed as received.
struct NumberView {
    call: Arc<Call>,
    is_dnid: bool,
    number: OnceLock<Arc<Number>>,
    country: OnceLock<Option<String>>,
    national: OnceLock<Option<String>>,
    project: Arc<Project>,
}

impl NumberView {
    fn of(call: &Arc<Call>, is_dnid: bool, number: Option<&Arc<Number>>, project: &Arc<Project>) -> Arc<Self> {
        Arc::new(Self {
            call: Arc::clone(call),
            is_dnid,
            number: number.map_or_else(OnceLock::new, |number| OnceLock::from(Arc::clone(number))),
            country: OnceLock::new(),
            national: OnceLock::new(),
            project: Arc::clone(project),
        })
    }

    fn received(&self) -> &str {
        if self.is_dnid { &self.call.dnid } else { &self.call.telephone }
    }

    fn number(&self) -> &Number {
        self.number.get_or_init(|| Arc::new(number::parse(self.received(), &self.project.numbering)))
    }

    fn country(&self) -> Option<&str> {
        let country = self.country.get_or_init(|| match self.number() {
            Number::Phone { phone, .. } => country_of(phone),
            _ => None,
        });
        country.as_deref()
    }

    /// As it is dialled at home.
    fn national(&self) -> Option<&str> {
        let national = self.national.get_or_init(|| match self.number() {
            Number::Phone { phone, .. } => {
                Some(forms(phone, self.project.numbering.country.as_deref()).dialled().to_owned())
            }
            _ => None,
        });
        national.as_deref()
    }
}

impl fmt::Debug for NumberView {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("NumberView").field(&self.received()).finish()
    }
}

impl Object for NumberView {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match (key, self.number()) {
            ("received", _) => Some(Value::from(self.received())),
            ("kind", number) => Some(Value::from(number.kind())),
            ("e164", Number::Phone { phone, .. }) => Some(Value::from(phone.key.to_string())),
            ("valid", number) => Some(Value::from(matches!(number, Number::Phone { phone, .. } if phone.valid))),
            ("extension", Number::Phone { extension, .. }) => extension.as_deref().map(Value::from),
            ("extension", Number::Local(name)) => Some(Value::from(name.as_str())),
            ("country", _) => self.country().map(Value::from),
            ("national", _) => self.national().map(Value::from),
            _ => None,
        }
    }

    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.received())
    }
}

/// `caller`: what is known about who calls.
#[derive(Debug)]
struct CallerView(Outcome);

impl Object for CallerView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "outcome" => Some(Value::from(self.0.as_str())),
            _ => OF_CALLER.contains(&key).then(|| Value::from(key == self.0.as_str())),
        }
    }
}

/// `list`: on which lists the caller is.
#[derive(Debug)]
struct ListView(Vec<Arc<str>>);

impl Object for ListView {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(Value::from(self.0.iter().any(|list| &**list == key)))
    }
}
