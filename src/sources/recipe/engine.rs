//! The steps of a lookup by a recipe: each spelling, each request, verify, rank, follow up, make the answer's fields.
//!
//! The rate, the breaker, the second try and the timeout are the guard's, around this and every other source. What only a
//! recipe can know is here: when a session is over, and how long a CRM wants to be left alone, also for a day.

use std::collections::HashMap;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jmespath::{Rcvar, Variable};
use minijinja::value::Value;

use super::answer::{self, Outcome};
use super::format::AnswerFormat;
use super::mapping::People;
use super::pages::{Page, Search, Turn};
use super::session::{Session, Sessions};
use super::settings::Settings;
use super::view::{self, Vars};
use super::wire::Wire;
use super::{Plan, Wait, request};
use crate::clock::Clock;
use crate::directory::Hit;
use crate::error::{Error, Kind, Result};
use crate::model::{Call, Contact, Field};
use crate::number::ladder::Rung;
use crate::number::{self, Forms, Number, Numbering, Phone};
use crate::sources::Homes;
use crate::sources::http::{Answer, Request};
use crate::sources::quiet::Quiet;
use crate::sources::so_far;
use crate::sources::verify::{add_new, order, prefer, verify};
use crate::sources::watch;

/// How long a follow-up request may take. The caller is known already and is answered at his deadline without it; this is
/// longer than a slow CRM takes, and soon enough that one that hangs keeps no other callers from being looked up.
pub(super) const FOLLOW_UP: Duration = Duration::from_secs(2);

/// What is kept of the source's time for the answer itself.
const TO_ANSWER: Duration = Duration::from_millis(50);

/// How long it is remembered who an owner is.
const OWNER_KNOWN: Duration = Duration::from_secs(60 * 60);

/// Most owners that are remembered.
const MOST_OWNERS: usize = 1000;

/// Most contacts about each of which a follow-up request is made.
const MOST_TOLD_APART: usize = 4;

/// Most contacts that are found.
pub(super) const MOST_FOUND: usize = 50;

/// Texts by the name of their field.
type Fields = Vec<(String, String)>;

/// A recipe at work for one source.
pub(super) struct Engine {
    pub(super) settings: Settings,
    pub(super) wire: Arc<dyn Wire>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sessions: Sessions,
    /// What the account at the CRM said about being asked.
    pub(super) quiet: Arc<Quiet>,
    /// The countries of its projects, where the source has none.
    pub(super) homes: Homes,
    /// Who owners are. Held for a look.
    pub(super) owners: Mutex<HashMap<String, (Instant, Fields)>>,
}

impl Engine {
    /// An engine that has not asked anything yet.
    pub(super) fn new(settings: Settings, wire: Arc<dyn Wire>, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            wire,
            clock,
            sessions: Sessions::default(),
            quiet: Arc::default(),
            homes: Homes::default(),
            owners: Mutex::default(),
        }
    }

    /// Finds the contacts that are the caller. A number that can be read in two ways is asked for in both, since two
    /// people may be known; `numbering` is how the numbers of the CRM are read.
    ///
    /// # Errors
    /// Any failure; one of several requests is enough, because whoever was not asked may know the caller.
    pub(super) async fn find(&self, call: &Call, number: &Number, numbering: &Numbering) -> Result<Vec<Hit>> {
        let mut search = Search::begin((number, numbering), Vars::from([("call", view::call(call))]), self.until());
        let (mut hits, mut first): (Vec<Hit>, Option<Vars>) = (Vec::new(), None);
        for reading in number.readings() {
            let found = self.find_reading(&mut search, reading).await?;
            if first.is_none() && !found.is_empty() {
                first = Some(search.vars.clone());
            }
            add_new(&mut hits, found);
        }
        // What follows speaks of the number as it was found.
        let Some(vars) = first else { return search.end() };
        search.vars = vars;
        let hits = self.prefer(hits);
        let (hits, told_apart) = self.tell_apart(hits, &search).await;
        Ok(self.complete(hits, search, told_apart).await)
    }

    /// When the time of the source is over.
    fn until(&self) -> Instant {
        self.clock.now() + self.settings.timeout
    }

    async fn find_reading(&self, search: &mut Search<'_>, reading: &Phone) -> Result<Vec<Hit>> {
        let forms = number::forms(reading, search.asked.1.country.as_deref());
        search.vars.insert("forms", view::forms(&forms));
        for spelled in self.spellings(&forms) {
            search.vars.insert("number", Value::from(spelled));
            for lookup in &self.settings.recipe.lookups {
                let hits = self.look_up(lookup, search).await?;
                if !hits.is_empty() {
                    return Ok(hits);
                }
            }
        }
        Ok(Vec::new())
    }

    /// The spellings to try, each once. National ones of a foreign number would be somebody else's.
    fn spellings<'a>(&self, forms: &'a Forms) -> Vec<&'a str> {
        let mut spellings = Vec::new();
        for spelling in &self.settings.forms {
            let spelled = forms.spelled(*spelling);
            if (forms.at_home || !spelling.is_national()) && !spellings.contains(&spelled) {
                spellings.push(spelled);
            }
        }
        spellings
    }

    /// Makes hits of an answer: mapped, then verified by their own numbers.
    ///
    /// # Errors
    /// [`Kind::Corrupt`] when it cannot be read, also when the caller is in it and nothing can be made of his record: whom an
    /// answer names is never unknown.
    pub(super) fn hits(
        &self,
        plan: &Plan,
        data: &Rcvar,
        (number, numbering): (&Number, &Numbering),
    ) -> Result<Vec<Hit>> {
        let People { contacts, without_id, has_more_numbers } = self.people(plan, data)?;
        if !self.settings.recipe.verify {
            let asserted = contacts.into_iter().map(|contact| Hit { contact: Arc::new(contact), rung: Rung::Asserted });
            return Ok(asserted.collect());
        }
        let with_numbers = contacts.into_iter().filter(|contact| !contact.numbers.is_empty()).collect();
        let hits = verify(with_numbers, number, numbering);
        let unusable = without_id.into_iter().filter(|contact| !contact.numbers.is_empty()).collect();
        let corrupt = |why| Err(Error::new(Kind::Corrupt, why));
        match hits.is_empty() {
            true if has_more_numbers => corrupt("a record has too many numbers, and the caller's may be among them"),
            true if !verify(unusable, number, numbering).is_empty() => {
                corrupt("the record of the caller has no id where the recipe expects it")
            }
            _ => Ok(hits),
        }
    }

    /// Makes contacts of an answer.
    pub(super) fn contacts(&self, plan: &Plan, data: &Rcvar) -> Result<Vec<Contact>> {
        Ok(self.people(plan, data)?.contacts)
    }

    fn people(&self, plan: &Plan, data: &Rcvar) -> Result<People> {
        let records = match plan.records_in(data) {
            // In XML an element that is there once is no list.
            one if self.settings.recipe.answer == AnswerFormat::Xml && one.is_object() => {
                Rcvar::new(Variable::Array(vec![one]))
            }
            records => records,
        };
        let mut people = if plan.map.is_empty() {
            self.settings.map.people(&records)?
        } else {
            self.settings.map.with(&plan.map).people(&records)?
        };
        let country = self.settings.numbering.country.as_deref().unwrap_or_default();
        let contacts = people.contacts.iter_mut().chain(&mut people.without_id);
        for number in contacts.flat_map(|contact| &mut contact.numbers) {
            number.country = country.to_owned();
        }
        Ok(people)
    }

    /// Keeps those that fulfil the conditions of the recipe, where some do and others do not; in a settled order.
    pub(super) fn prefer(&self, mut hits: Vec<Hit>) -> Vec<Hit> {
        let recipe = &self.settings.recipe;
        for condition in &recipe.prefer {
            prefer(&mut hits, |contact| {
                let context = Value::from(Vars::from([("contact", view::contact(contact))]));
                recipe.templates.holds(condition, &context).unwrap_or(false)
            });
        }
        order(&mut hits);
        hits.truncate(MOST_FOUND);
        hits
    }

    /// Asks about each of several contacts, so that what is found can tell them apart; also says whether that was done. When
    /// one of these requests fails nothing was found: the other contact would be chosen because nobody knows about this one.
    async fn tell_apart(&self, hits: Vec<Hit>, search: &Search<'_>) -> (Vec<Hit>, bool) {
        let plans = || self.settings.recipe.then.iter().filter(|plan| plan.several);
        if !(2..=MOST_TOLD_APART).contains(&hits.len()) || plans().next().is_none() {
            return (hits, false);
        }
        self.hand_over(&hits, &search.vars).await;
        let ask = async |hit: &Hit| {
            let (mut contact, mut vars) = ((*hit.contact).clone(), search.vars.clone());
            for plan in plans() {
                vars.insert("contact", view::contact(&contact));
                if self.is_wanted(plan, &vars)? {
                    self.follow_up(plan, &vars, &mut contact, search.until).await?;
                }
            }
            Ok(Hit { contact: Arc::new(contact), rung: hit.rung })
        };
        match futures_util::future::try_join_all(hits.iter().map(ask)).await {
            Ok(asked) => (self.prefer(asked), true),
            Err(error) => {
                self.note_failed(&error);
                (hits, false)
            }
        }
    }

    /// Adds what follow-up requests know, where exactly one contact was found, and makes the fields of the answer.
    async fn complete(&self, mut hits: Vec<Hit>, search: Search<'_>, told_apart: bool) -> Vec<Hit> {
        let Search { mut vars, until, .. } = search;
        if let [hit] = hits.as_mut_slice() {
            for plan in self.settings.recipe.then.iter().filter(|plan| !(plan.several && told_apart)) {
                vars.insert("contact", view::contact(&hit.contact));
                if self.is_wanted(plan, &vars).unwrap_or(false) {
                    self.hand_over(slice::from_ref(hit), &vars).await;
                    let asked = self.follow_up(plan, &vars, Arc::make_mut(&mut hit.contact), until).await;
                    asked.unwrap_or_else(|error| self.note_failed(&error));
                }
            }
            self.find_owner(hit, &mut vars, until).await;
        }
        let session = self.session().await.ok().flatten();
        for hit in &mut hits {
            self.write_fields(Arc::make_mut(&mut hit.contact), &mut vars, session.as_ref());
        }
        hits
    }

    /// Hands over the answer as it is by now: whoever cannot wait for what is asked next gets that.
    pub(super) async fn hand_over(&self, hits: &[Hit], vars: &Vars) {
        let session = self.session().await.ok().flatten();
        let (mut hits, mut vars) = (hits.to_vec(), vars.clone());
        for hit in &mut hits {
            self.write_fields(Arc::make_mut(&mut hit.contact), &mut vars, session.as_ref());
        }
        so_far::hand_over(&hits);
    }

    /// One more request about a known caller. Whatever becomes of it, the caller stays known; so it ends before the time of
    /// the source does.
    async fn follow_up(&self, plan: &Plan, vars: &Vars, contact: &mut Contact, until: Instant) -> Result<()> {
        let within = self.time_to_follow(until)?;
        if let Some(data) = self.ask(plan, vars, Some(within)).await? {
            plan.map.fill(contact, &data);
        }
        Ok(())
    }

    /// How long a further request about a known caller may take.
    ///
    /// # Errors
    /// [`Kind::Timeout`] when there is no time for one.
    pub(super) fn time_to_follow(&self, until: Instant) -> Result<Duration> {
        let rest = until.saturating_duration_since(self.clock.now()).saturating_sub(TO_ANSWER);
        let late = || Error::new(Kind::Timeout, "no time is left for a further request");
        (!rest.is_zero()).then_some(rest.min(FOLLOW_UP)).ok_or_else(late)
    }

    /// Notes that a further request about a known caller failed, which is no failure of the source.
    pub(super) fn note_failed(&self, error: &Error) {
        if error.is_passing() {
            so_far::leave_gap();
        }
        tracing::debug!(target: "calldex::source", recipe = %self.settings.recipe.name, "a follow-up failed: {error}");
    }

    /// Adds `owner_email`, `owner_name`, `owner_extension`: who looks after the contact.
    async fn find_owner(&self, hit: &mut Hit, vars: &mut Vars, until: Instant) {
        let Some(plan) = &self.settings.recipe.users else { return };
        let Some(owner) = hit.contact.get(Field::Owner).map(str::to_owned) else { return };
        let now = self.clock.now();
        let known = self.owners.lock().unwrap_or_else(PoisonError::into_inner).get(&owner).cloned();
        let fields = match known.filter(|(until, _)| now < *until) {
            Some((_, fields)) => fields,
            None => {
                self.hand_over(slice::from_ref(hit), vars).await;
                vars.insert("contact", view::contact(&hit.contact));
                let mut user = Contact::default();
                let asked = self.follow_up(plan, vars, &mut user, until).await;
                asked.unwrap_or_else(|error| self.note_failed(&error));
                let fields = fields_of(&user);
                let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
                if owners.len() >= MOST_OWNERS {
                    owners.clear();
                }
                if !fields.is_empty() {
                    owners.insert(owner, (now + OWNER_KNOWN, fields.clone()));
                }
                fields
            }
        };
        let contact = Arc::make_mut(&mut hit.contact);
        for (key, text) in fields {
            contact.custom.entry(format!("owner_{key}")).or_insert(text);
        }
    }

    pub(super) fn write_fields(&self, contact: &mut Contact, vars: &mut Vars, session: Option<&Session>) {
        let recipe = &self.settings.recipe;
        if recipe.out.is_empty() {
            return;
        }
        vars.insert("contact", view::contact(contact));
        let Ok((_, context)) = self.context(vars, session) else { return };
        for (field, template) in &recipe.out {
            match recipe.templates.render(template, &context) {
                Ok(Some(text)) if !text.trim().is_empty() => contact.set(*field, text),
                Ok(_) => {}
                Err(why) => {
                    tracing::debug!(target: "calldex::source", recipe = %recipe.name, field = field.as_str(), "left empty: {why}");
                }
            }
        }
    }

    /// Whether the condition of a request holds.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when nobody can say: then it is no request that may be left out.
    pub(super) fn is_wanted(&self, plan: &Plan, vars: &Vars) -> Result<bool> {
        let Some(when) = &plan.when else { return Ok(true) };
        let (_, context) = self.context(vars, None)?;
        let holds = self.settings.recipe.templates.holds(when, &context);
        holds.map_err(|why| Error::new(Kind::Invalid, format!("the condition of a request cannot be read: {why}")))
    }

    /// Sends one request and reads its answer; `None` when that says that nobody is known.
    pub(super) async fn ask(&self, plan: &Plan, vars: &Vars, within: Option<Duration>) -> Result<Option<Rcvar>> {
        Ok(self.ask_page(plan, vars, within, Turn::default()).await?.map(|page| page.data))
    }

    /// Sends one request, or the one of a further page, and reads its answer; `None` when that says that nobody is known. A
    /// session that is over is renewed once.
    pub(super) async fn ask_page(
        &self,
        plan: &Plan,
        vars: &Vars,
        within: Option<Duration>,
        turn: Turn,
    ) -> Result<Option<Page>> {
        let mut given_up = false;
        loop {
            let session = self.session().await?;
            let (base, context) = self.context(vars, session.as_ref())?;
            let mut request = request::make(&self.settings, plan, &base, &context)?;
            request.limit = turn.limit;
            if let Some(next) = &turn.address {
                request::turn(&self.settings, &mut request, next.clone())?;
            }
            let url = request.url.clone();
            let answer = self.send(request, within).await?;
            let now = self.clock.utc_millis();
            let read = if plan.writes { answer::read_written } else { answer::read };
            let outcome = read(&self.settings.recipe, &answer, now);
            if let Some(pause) = answer::quiet_after(&self.settings.recipe, &answer.headers, now) {
                self.be_quiet(pause);
            }
            match (outcome, session) {
                (Outcome::Data(data), _) => return Ok(Some(Page { data, answer, url })),
                (Outcome::Unknown, _) => return Ok(None),
                (Outcome::Failed(error), _) => return Err(self.keep_quiet(error)),
                (Outcome::SessionOver, Some(session)) if !given_up => {
                    self.forget(&session).await;
                    given_up = true;
                }
                (Outcome::SessionOver, _) => return Err(self.refused("the session is not accepted")),
            }
        }
    }

    /// Sends a request, unless the CRM wants to be left alone.
    pub(super) async fn send(&self, request: Request, within: Option<Duration>) -> Result<Answer> {
        self.check_quiet()?;
        self.spend()?;
        watch::hide(|| self.settings.secrets());
        self.wire.send(request, within).await
    }

    /// What templates see, and the address that paths begin with.
    pub(super) fn context(&self, vars: &Vars, session: Option<&Session>) -> Result<(String, Value)> {
        let mut vars = vars.clone();
        vars.insert("param", self.settings.params.clone());
        if let Some(session) = session {
            vars.insert("session", session.values.clone());
        }
        let base = match request::base(&self.settings, &Value::from(vars.clone())) {
            Ok(base) => base,
            // An address that the login says is not known before it.
            Err(_) if session.is_none() && self.settings.is_at_session() => String::new(),
            Err(error) => return Err(error),
        };
        if !base.is_empty() {
            vars.insert("base", Value::from_safe_string(base.clone()));
        }
        Ok((base, Value::from(vars)))
    }

    fn check_quiet(&self) -> Result<()> {
        let Some(rest) = self.quiet.rest(self.clock.now()) else { return Ok(()) };
        let title = &self.settings.recipe.title;
        let message = format!("{title} wants no requests for {} s more", rest.as_secs_f64().ceil());
        Err(Error::new(Kind::Busy, message).retry_after(Some(rest)))
    }

    fn be_quiet(&self, pause: Duration) {
        self.quiet.keep(self.clock.now() + pause);
    }

    /// Remembers how long a failure asks to keep quiet.
    pub(super) fn keep_quiet(&self, error: Error) -> Error {
        if let Some(pause) = error.pause() {
            self.be_quiet(pause);
        }
        error
    }

    /// How long the CRM wants to be left alone from now on.
    pub(super) fn quiet_for(&self) -> Option<Duration> {
        self.quiet.rest(self.clock.now())
    }

    /// Counts a request of today.
    fn spend(&self) -> Result<()> {
        let Some(daily) = self.settings.recipe.daily else { return Ok(()) };
        let now = self.clock.utc_millis();
        if self.quiet.spend(daily, now) {
            return Ok(());
        }
        let message = format!("the {daily} requests of today are spent");
        Err(Error::new(Kind::Busy, message).retry_after(Some(answer::span(Wait::Day, now))))
    }
}

/// What a request about an owner found.
fn fields_of(user: &Contact) -> Fields {
    let known = user.fields.iter().map(|(field, text)| (field.as_str().to_owned(), text.clone()));
    known.chain(user.custom.iter().map(|(key, text)| (key.clone(), text.clone()))).collect()
}
