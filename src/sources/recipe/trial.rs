//! Runs the recorded tests of a recipe: no network, no clock, no runtime.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use minijinja::value::Value;

use super::Recipe;
use super::engine::Engine;
use super::format::TestTable;
use super::mapping::read_json;
use super::settings::Settings;
use super::wire::Recorded;
use super::write::NewContact;
use crate::clock::{Clock, SystemClock};
use crate::config::parse_duration;
use crate::directory::Hit;
use crate::error::{Error, Kind, Result};
use crate::model::{Call, Contact, ContactId, Field, RequestId};
use crate::number;

/// What became of one test.
#[derive(Debug)]
pub struct Trial {
    /// What it shows.
    pub name: String,
    /// What went otherwise.
    pub outcome: std::result::Result<(), String>,
}

/// The moment of every test: 2026-11-26T08:00:00Z, in milliseconds since 1970.
const MOMENT: i64 = 1_795_680_000_000;

/// Runs every test of a recipe.
#[must_use]
pub fn try_out(recipe: &Arc<Recipe>) -> Vec<Trial> {
    let run = |test: &TestTable| Trial { name: test.name.clone(), outcome: run(recipe, test) };
    recipe.tests.iter().map(run).collect()
}

fn run(recipe: &Arc<Recipe>, test: &TestTable) -> std::result::Result<(), String> {
    let settings = Settings::of_test(Arc::clone(recipe), &test.param, test.url.as_deref(), &test.country)?;
    let wire = Arc::new(Recorded::new(&test.exchange));
    let clock = Arc::new(StandingClock(SystemClock.now()));
    let engine = Engine::new(settings, Arc::clone(&wire) as _, clock);
    let done = act(&engine, test).now_or_never().ok_or("the test waits for something that is not recorded")?;
    if let Some(why) = wire.explain() {
        return Err(why);
    }
    compare(test, done)?;
    compare_quiet(test, engine.quiet_for())
}

/// Reads answers as a lookup of this recipe does, mapping and verifying included, for measurements. Parameters are those of
/// its first test.
///
/// # Errors
/// What is wrong with that test.
pub fn answer_reader(
    recipe: &Arc<Recipe>,
    telephone: &str,
) -> std::result::Result<impl Fn(&str) -> Result<usize> + use<>, String> {
    let test = recipe.tests.first().ok_or("the recipe has no test")?;
    let settings = Settings::of_test(Arc::clone(recipe), &test.param, test.url.as_deref(), &test.country)?;
    let number = number::parse(telephone, &settings.numbering);
    let engine = Engine::new(settings, Arc::new(Recorded::new(&[])), Arc::new(StandingClock(SystemClock.now())));
    Ok(move |body: &str| {
        let lookup = &engine.settings.recipe.lookups[0];
        engine.hits(lookup, &read_json(body)?, (&number, &engine.settings.numbering)).map(|hits| hits.len())
    })
}

/// What a test leads to.
enum Done {
    Found(Vec<Contact>),
    Made(Option<String>),
}

async fn act(engine: &Engine, test: &TestTable) -> Result<Done> {
    if let Some(call) = &test.call {
        let mut call: super::write::CallFields = call.clone().into_iter().collect();
        let contact = call.remove("contact").map(|id| read_id(&id));
        let name = call.get("agent").and_then(serde_json::Value::as_str).unwrap_or_default();
        let agent = test.agent.get(name).cloned();
        return engine.log_call(&call, contact, agent.map(|agent| Value::from(as_values(agent)))).await.map(Done::Made);
    }
    if let Some(new) = &test.new {
        return engine.create(&NewContact { fields: new.clone() }).await.map(Done::Made);
    }
    if let Some(text) = &test.search {
        return engine.search(text).await.map(Done::Found);
    }
    let telephone = test.telephone.clone().unwrap_or_default();
    let number = number::parse(&telephone, &engine.settings.numbering);
    let hits = engine.find(&call_of(telephone), &number, &engine.settings.numbering).await?;
    Ok(Done::Found(hits.iter().map(|hit: &Hit| (*hit.contact).clone()).collect()))
}

fn as_values(texts: BTreeMap<String, String>) -> BTreeMap<String, Value> {
    texts.into_iter().map(|(key, text)| (key, Value::from(text))).collect()
}

fn call_of(telephone: String) -> Call {
    Call {
        project: "test".into(),
        telephone,
        dnid: String::new(),
        direction: None,
        params: BTreeMap::new(),
        request_id: RequestId::from_bits(0),
    }
}

fn read_id(id: &serde_json::Value) -> ContactId {
    match id {
        serde_json::Value::String(text) => ContactId::Text(text.as_str().into()),
        number => ContactId::from_text(&number.to_string()),
    }
}

fn compare(test: &TestTable, done: Result<Done>) -> std::result::Result<(), String> {
    match (done, &test.fails) {
        (Err(error), Some(expected)) if error.kind().as_str() == expected => Ok(()),
        (Err(error), Some(expected)) => {
            Err(format!("expected it to fail as {expected}, it fails as {}", explain(&error)))
        }
        (Err(error), None) => Err(format!("it fails as {}", explain(&error))),
        (Ok(_), Some(expected)) => Err(format!("expected it to fail as {expected}, it does not fail")),
        (Ok(Done::Made(id)), None) if id == test.id => Ok(()),
        (Ok(Done::Made(id)), None) => Err(format!("expected the id {:?}, found {id:?}", test.id)),
        (Ok(Done::Found(contacts)), None) => compare_contacts(&test.contacts, &contacts),
    }
}

fn explain(error: &Error) -> String {
    debug_assert_ne!(error.kind(), Kind::NotFound);
    format!("{}: {error}", error.kind().as_str())
}

fn compare_contacts(
    expected: &[BTreeMap<String, serde_json::Value>],
    found: &[Contact],
) -> std::result::Result<(), String> {
    if expected.len() != found.len() {
        let ids: Vec<String> = found.iter().map(|contact| format!("{:?}", contact.id)).collect();
        return Err(format!("expected {} contacts, found {} [{}]", expected.len(), found.len(), ids.join(", ")));
    }
    for (fields, contact) in expected.iter().zip(found) {
        for (key, value) in fields {
            let found = field_of(contact, key);
            if found.as_ref() != Some(value) {
                let found = found.unwrap_or_default();
                return Err(format!("the contact {:?}: expected {key} = {value}, found {found}", contact.id));
            }
        }
    }
    Ok(())
}

/// A field of a contact as a test writes it; a field without a value is the empty text.
fn field_of(contact: &Contact, key: &str) -> Option<serde_json::Value> {
    if key == "id" {
        return Some(match &contact.id {
            ContactId::Integer(number) => (*number).into(),
            ContactId::Text(text) => (**text).into(),
        });
    }
    if key == "primary" {
        return Some(contact.primary.into());
    }
    let known = Field::parse(key).and_then(|field| contact.get(field));
    let text = known.or_else(|| contact.custom.get(key).map(String::as_str));
    Some(text.unwrap_or_default().into())
}

fn compare_quiet(test: &TestTable, found: Option<Duration>) -> std::result::Result<(), String> {
    let expected = match test.quiet.as_deref() {
        None => return Ok(()),
        Some("day") => Duration::from_secs(16 * 60 * 60),
        Some(text) => parse_duration(text).ok_or_else(|| format!("quiet = {text:?} is no duration"))?,
    };
    let found = found.unwrap_or_default();
    if found == expected { Ok(()) } else { Err(format!("expected it to keep quiet for {expected:?}, found {found:?}")) }
}

/// Stands still, so that a test gives the same result every time.
struct StandingClock(Instant);

impl Clock for StandingClock {
    fn now(&self) -> Instant {
        self.0
    }

    fn utc_millis(&self) -> i64 {
        MOMENT
    }
}

/// The engine of the first test of a recipe.
#[cfg(test)]
pub(super) fn engine_of_first_test(recipe: &Arc<Recipe>) -> Engine {
    let test = &recipe.tests[0];
    let settings = Settings::of_test(Arc::clone(recipe), &test.param, test.url.as_deref(), &test.country).unwrap();
    Engine::new(settings, Arc::new(Recorded::new(&[])), Arc::new(StandingClock(SystemClock.now())))
}
