//! Where contacts live: anything that finds contacts by number.
//!
//! A source knows only its own system. Deadline, cache and flights are wrapped around it by the lookup, time, limits and
//! the breaker by the [`guard`]. [`verify`](verify::verify) makes hits of whatever a system says.
//!
//! [`TYPES`] is the list of all API types. A new one is a folder with
//! - a type that implements [`Source`]: `find` asks the system, turns its answer into contacts and ends with
//!   [`verify`](verify::verify); `inputs` names whatever of the call, beside the number, goes into the request;
//! - `check`, which says what is wrong with its settings while the file is read;
//! - `build`, which gets the settings and a [`Workbench`]. HTTP goes through its [`client`](http::Client), which bounds and
//!   pays for every request; anything else pays from its [`budget`](budget::Budget);
//!
//! and a line in the list. Its errors are those of [`crate::error`]: a passing one is tried once more and counts for the
//! breaker, [`Kind::Refused`] is for credentials and stops the source, and no message ever
//! shows a URL, a parameter or a number.

pub mod breaker;
pub mod budget;
mod caller;
mod expression;
pub mod generic;
pub mod guard;
pub mod http;
mod identity;
mod jwt;
mod live;
pub mod mapping;
pub mod quiet;
#[cfg(test)]
pub(crate) mod random_answers;
pub mod recipe;
mod salesforce;
pub(crate) mod secrets;
pub mod so_far;
mod soap;
mod sql;
#[cfg(test)]
pub(crate) mod stand_in;
pub mod verify;
pub mod watch;
pub mod xml;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{self, Complaint, Config, Problem, Problems, RecipeText};
use crate::directory::Hit;
use crate::error::{Error, Kind, Result};
use crate::model::{Call, EndedCall};
use crate::number::{Number, Numbering};

use budget::Budget;
use quiet::Quiet;
use recipe::{Recipe, RecipeSource};

use live::Counted;
pub use live::{LiveSource, LiveSources, build};

/// An API type, by its name in the configuration.
pub struct ApiType {
    /// Its name: `type = "generic"`.
    pub name: &'static str,
    /// What is wrong with the settings of a source of this type.
    pub check: fn(&config::Source) -> Vec<Complaint>,
    /// Makes a source. Its settings have passed the check.
    pub build: fn(&config::Source, Workbench) -> Result<Built>,
}

/// What a source is made with.
pub struct Workbench {
    /// Sends its HTTP requests.
    pub client: http::Client,
    /// What it may spend; the client pays from it by itself.
    pub budget: Arc<Budget>,
    /// What the account on the other side said about being asked.
    pub quiet: Arc<Quiet>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The agents whom the source knows as owners.
    pub agents: Agents,
    /// The countries of its projects, where it has none of its own.
    pub homes: Homes,
}

/// What was made of the settings of a source.
pub struct Built {
    /// Finds contacts.
    pub source: Arc<dyn Source>,
    /// Writes calls down, where the system can do that.
    pub call_log: Option<Arc<dyn CallLog>>,
    /// Makes contacts, where the system can do that.
    pub contact_maker: Option<Arc<dyn ContactMaker>>,
    /// Secrets that the names of its parameters do not tell.
    pub secrets: Vec<String>,
    /// What of it does not work, for the administrator.
    pub fault: Option<String>,
}

impl Built {
    /// A source that does nothing but find contacts.
    #[must_use]
    pub fn finder(source: Arc<dyn Source>) -> Self {
        Self { source, call_log: None, contact_maker: None, secrets: Vec::new(), fault: None }
    }

    /// Stands for a source that cannot be made.
    fn broken(name: &Arc<str>, why: &Error) -> Self {
        let broken = Broken { name: Arc::clone(name), why: why.to_string() };
        Self { fault: Some(format!("cannot be asked: {why}")), ..Self::finder(Arc::new(broken)) }
    }
}

/// Every API type that is code.
pub const TYPES: &[ApiType] = &[generic::GENERIC, generic::TICKETSYS, sql::SQL, soap::SOAP, salesforce::SALESFORCE];

/// Looks at a source of the configuration: its type, then what the type says to its settings.
#[must_use]
pub fn check(source: &config::Source) -> Vec<Complaint> {
    match find_type(source) {
        Some(Type::Code(api_type)) => (api_type.check)(source),
        Some(Type::Recipe(recipe)) => recipe::check_settings(&recipe, source),
        // Its own file is complained about, and the fault of this source says so too.
        Some(Type::Broken(_)) => Vec::new(),
        None => vec![Complaint::mistake(Some("type"), explain_unknown(source))],
    }
}

/// Reads a file of `recipes/`, and runs its tests.
///
/// # Errors
/// Every mistake, and every test that fails, with its place.
pub fn check_recipe(recipe: &RecipeText) -> std::result::Result<(), Problems> {
    if TYPES.iter().any(|api_type| *api_type.name == *recipe.name) {
        let message = format!("{} is an API type of calldex; expected another name for a recipe", recipe.name);
        return Err(Problems::of(vec![Problem::with_file(&recipe.file, message)]));
    }
    recipe::read_text(recipe).map(|_| ())
}

/// The agents whom a source knows as owners, by name: those of its own file.
pub type Agents = Arc<BTreeMap<String, config::Agent>>;

/// Countries by the project whose numbers are of them.
pub type Homes = Arc<BTreeMap<Arc<str>, String>>;

/// What of the rest of a configuration a source works with.
#[derive(Debug, Default)]
struct Around {
    agents: Agents,
    homes: Homes,
}

impl Around {
    fn of(config: &Config, source: &config::Source) -> Self {
        let agents = config.agents.values().filter(|agent| agent.owner.contains_key(&source.name));
        let projects = config.projects.values().filter(|project| {
            source.numbering.country.is_none()
                && (project.sources.iter().chain(&project.journal)).any(|name| *name == source.name)
        });
        let homes =
            projects.filter_map(|project| Some((Arc::clone(&project.name), project.numbering.country.clone()?)));
        Self {
            agents: Arc::new(agents.map(|agent| (agent.name.to_string(), agent.clone())).collect()),
            homes: Arc::new(homes.collect()),
        }
    }
}

/// A source that shares nothing with others, for the command line.
pub enum Alone {
    /// One that is described by a recipe.
    Recipe(RecipeSource),
    /// One that is code.
    Code(Built),
}

/// Makes a source that shares nothing with others.
///
/// # Errors
/// [`Kind::Invalid`] when there is no such type, or it has mistakes.
pub fn alone(config: &Config, source: &config::Source, clock: Arc<dyn Clock>) -> Result<Alone> {
    let live = LiveSources::none(Arc::clone(&clock));
    let counted = Counted { budget: Arc::new(Budget::new(rate_of(source), clock)), quiet: Arc::default() };
    let workbench = live.workbench(source, &counted, &Around::of(config, source))?;
    match find_type(source) {
        Some(Type::Code(api_type)) => (api_type.build)(source, workbench).map(Alone::Code),
        Some(Type::Recipe(recipe)) => RecipeSource::new(&recipe, source, workbench).map(Alone::Recipe),
        Some(Type::Broken(problems)) => Err(Error::new(Kind::Invalid, problems.to_string())),
        None => Err(Error::new(Kind::Invalid, explain_unknown(source))),
    }
}

/// The rate that the source names, else the one of its recipe.
fn rate_of(source: &config::Source) -> Option<config::Rate> {
    source.rate.or_else(|| match find_type(source) {
        Some(Type::Recipe(recipe)) => recipe.rate,
        _ => None,
    })
}

/// What a source is of.
enum Type {
    Code(&'static ApiType),
    Recipe(Arc<Recipe>),
    Broken(Problems),
}

/// Code, else a file of `recipes/`, else a recipe that comes with calldex.
fn find_type(source: &config::Source) -> Option<Type> {
    let name = source.api_type.as_str();
    if let Some(code) = TYPES.iter().find(|api_type| api_type.name == name) {
        return Some(Type::Code(code));
    }
    if let Some(text) = &source.recipe {
        return Some(recipe::read_text(text).map_or_else(Type::Broken, Type::Recipe));
    }
    recipe::shipped_recipe(name).map(Type::Recipe)
}

fn explain_unknown(source: &config::Source) -> String {
    let name = &source.api_type;
    let shipped = recipe::SHIPPED.iter().map(|shipped| shipped.name);
    let others = || shipped.clone().chain(source.near_recipe.as_deref());
    let names = || TYPES.iter().map(|api_type| api_type.name).chain(others());
    match config::nearest(name, names()) {
        Some(near) => format!("there is no API type \"{name}\"; did you mean \"{near}\"?"),
        None => format!("there is no API type \"{name}\"; there are {}", names().collect::<Vec<_>>().join(", ")),
    }
}

/// Writes to a system, and says of a failure what may be said.
struct Discreet<T: ?Sized> {
    inner: Arc<T>,
    hidden: Arc<watch::Hidden>,
}

impl CallLog for Discreet<dyn CallLog> {
    fn log_call(&self, call: Arc<EndedCall>) -> Writing<'static> {
        let (writing, hidden) = (self.inner.log_call(call), Arc::clone(&self.hidden));
        Box::pin(async move { writing.await.map_err(|error| error.reworded(|text| hidden.hide(text))) })
    }
}

impl ContactMaker for Discreet<dyn ContactMaker> {
    fn make_contact(&self, new: recipe::NewContact) -> Making<'static> {
        let (making, hidden) = (self.inner.make_contact(new), Arc::clone(&self.hidden));
        Box::pin(async move { making.await.map_err(|error| error.reworded(|text| hidden.hide(text))) })
    }
}

/// Stands for a source that could not be made.
struct Broken {
    name: Arc<str>,
    why: String,
}

impl Source for Broken {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn inputs(&self) -> Inputs {
        Inputs::default()
    }

    fn find(&self, _question: Arc<Question>) -> Pending<'static> {
        let why = self.why.clone();
        Box::pin(async move { Err(Error::new(Kind::Invalid, why)) })
    }
}

/// What a source is asked: the call, and its number as read for the project.
#[derive(Debug, Clone)]
pub struct Question {
    /// The call.
    pub call: Arc<Call>,
    /// The reading of `call.telephone`.
    pub number: Arc<Number>,
    /// How the project reads numbers; its country is where they are dialled from.
    pub numbering: Arc<Numbering>,
}

impl Question {
    /// How the numbers of a source are read: with its own country where it has one, else with that of the project.
    #[must_use]
    pub fn numbering_of(&self, source: &Numbering) -> Numbering {
        match source.country {
            Some(_) => source.clone(),
            None => Numbering { country: self.numbering.country.clone(), ..source.clone() },
        }
    }
}

/// What of a call, beside the number, changes a source's answer; it becomes part of the cache key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The number that was called.
    pub dnid: bool,
    /// Further parameters, by name.
    pub params: Vec<String>,
    /// How the project reads numbers, for a spelling that depends on its country.
    pub numbering: bool,
    /// The project itself.
    pub project: bool,
    /// The number as the PBX sent it.
    pub raw: bool,
    /// Every single call: the source is told of it and says nothing. Nobody waits for it, nothing is remembered.
    pub each_call: bool,
}

/// An answer that is on its way.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Vec<Hit>>> + Send + 'a>>;

/// A login on its way.
pub type LoggingIn = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// A system that is asked at the moment of the call.
pub trait Source: Send + Sync + 'static {
    /// Its name in the configuration.
    fn name(&self) -> &Arc<str>;

    /// What of the call changes its answer.
    fn inputs(&self) -> Inputs;

    /// The page to open for a caller whom no source of the project knows, without asking anybody.
    fn link_for_unknown(&self, _question: &Question) -> Option<String> {
        None
    }

    /// Logs in, where the system wants that before it is asked; nothing of a call is sent. What it finds out is the source's own.
    fn log_in(&self) -> Option<LoggingIn> {
        None
    }

    /// Why it would not be asked at this moment, where that is known without asking.
    fn refusal(&self) -> Option<Error> {
        None
    }

    /// Forgets that a login was refused: the configuration was read again, and the next request may try once more.
    fn forgive(&self) {}

    /// Finds the caller's contacts; nobody known is an empty list.
    ///
    /// # Errors
    /// Any failure to ask or to understand; a failure is never "unknown" and is never kept.
    fn find(&self, question: Arc<Question>) -> Pending<'static>;
}

/// A call that is being written down.
pub type Writing<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// A system that calls are written down in when they are over (the source document's `send_call`).
///
/// The journal calls it: at least once for each call, with the same [`EndedCall::key`] every time, one call of a customer
/// after the other.
pub trait CallLog: Send + Sync + 'static {
    /// Writes one call down; when it returns, the other side has it.
    ///
    /// # Errors
    /// A passing one ([`Error::is_passing`](crate::error::Error::is_passing)) when the system cannot be reached or is
    /// busy, [`Kind::Refused`] when it refuses the credentials: the journal waits and tries again. Any other one when it
    /// refuses this call, which is tried a few times more and then parked for somebody to look at. The message is shown to
    /// the administrator and must not hold a secret.
    fn log_call(&self, call: Arc<EndedCall>) -> Writing<'static>;
}

/// A contact that is being made: its id there, when the system says so.
pub type Making<'a> = Pin<Box<dyn Future<Output = Result<Option<String>>> + Send + 'a>>;

/// A system in which agents make contacts of callers whom nobody knows.
pub trait ContactMaker: Send + Sync + 'static {
    /// Makes a contact; `number` is like `+40722111222`.
    ///
    /// # Errors
    /// Any failure; the message is shown to the agent and must not hold a secret.
    fn make_contact(&self, new: recipe::NewContact) -> Making<'static>;
}

/// Settings of a source as the configuration would read them; `keys` are further lines of its table.
#[cfg(test)]
pub(crate) fn settings_for_tests(name: &str, keys: &str) -> config::Source {
    let text = format!("[source.{name}]\ntype = \"scripted\"\n{keys}");
    config::load_text(&text, &|_| None).unwrap().sources[name].clone()
}
