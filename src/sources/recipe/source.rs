//! A recipe as a source of this program: it finds callers, writes finished calls down, makes contacts, and logs in.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::Value;

use super::Recipe;
use super::engine::Engine;
use super::settings::Settings;
use super::write::{CallFields, NewContact, describe_call, read_contact, read_moments};
use crate::config;
use crate::error::Result;
use crate::model::{Contact, EndedCall};
use crate::sources::{
    Built, CallLog, ContactMaker, Inputs, LoggingIn, Making, Pending, Question, Source, Workbench, Writing,
};

/// A source that is described by a recipe.
#[derive(Clone)]
pub struct RecipeSource {
    name: Arc<str>,
    inputs: Inputs,
    engine: Arc<Engine>,
    agents: Arc<BTreeMap<String, config::Agent>>,
}

/// Makes a source of a recipe.
///
/// # Errors
/// [`Kind::Invalid`](crate::error::Kind::Invalid) with what is wrong with its settings.
pub fn build(recipe: &Arc<Recipe>, source: &config::Source, workbench: Workbench) -> Result<Built> {
    let (logs_calls, makes_contacts) = (recipe.logs_calls(), recipe.makes_contacts());
    let source = RecipeSource::new(recipe, source, workbench)?;
    let secrets = source.secrets();
    let call_log = logs_calls.then(|| Arc::new(source.clone()) as Arc<dyn CallLog>);
    let contact_maker = makes_contacts.then(|| Arc::new(source.clone()) as Arc<dyn ContactMaker>);
    Ok(Built { call_log, contact_maker, secrets, ..Built::finder(Arc::new(source)) })
}

impl RecipeSource {
    /// Puts a recipe to work with the settings of a source.
    ///
    /// # Errors
    /// As [`build`].
    pub fn new(recipe: &Arc<Recipe>, source: &config::Source, workbench: Workbench) -> Result<Self> {
        let settings = Settings::of_source(Arc::clone(recipe), source)?;
        Ok(Self {
            name: Arc::clone(&source.name),
            inputs: Inputs { numbering: settings.numbering.country.is_none(), ..inputs(recipe) },
            engine: Arc::new(Engine {
                quiet: workbench.quiet,
                homes: workbench.homes,
                ..Engine::new(settings, Arc::new(workbench.client), workbench.clock)
            }),
            agents: workbench.agents,
        })
    }

    /// The parameters that are credentials.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.engine.settings.secrets()
    }

    /// Writes a call down that is described by its fields, as in a file: those of the journal, where `contact` may also be
    /// an id alone and moments may be milliseconds since 1970. Returns the id of what was made.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::error::Kind::Invalid) for a moment or a contact that is none; any failure of a request.
    pub async fn log_fields(&self, mut call: CallFields) -> Result<Option<String>> {
        read_moments(&mut call)?;
        let contact = call.remove("contact").map_or(Ok(None), |contact| read_contact(&contact, &self.name))?;
        let agent = call.get("agent").and_then(serde_json::Value::as_str).and_then(|name| self.agent(name));
        self.engine.log_call(&call, contact, agent).await
    }

    /// Makes a contact. Returns its id.
    ///
    /// # Errors
    /// Any failure, also that the recipe cannot.
    pub async fn create(&self, new: &NewContact) -> Result<Option<String>> {
        self.engine.create(new).await
    }

    /// Finds contacts by a text.
    ///
    /// # Errors
    /// Any failure, also that the recipe cannot.
    pub async fn search(&self, text: &str) -> Result<Vec<Contact>> {
        self.engine.search(text).await
    }

    /// `agent` in templates: who spoke, by his name or extension at the PBX; `owner` is his id in this CRM.
    fn agent(&self, name: &str) -> Option<Value> {
        let agent = config::Agent::find(&self.agents, name)?;
        let texts = [
            ("name", Some(agent.name.to_string())),
            ("extension", agent.extension.clone()),
            ("email", agent.email.clone()),
            ("owner", agent.owner.get(&self.name).cloned()),
        ];
        let known = texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), Value::from(text?))));
        Some(Value::from(known.collect::<BTreeMap<_, _>>()))
    }
}

impl Source for RecipeSource {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn inputs(&self) -> Inputs {
        self.inputs.clone()
    }

    fn log_in(&self) -> Option<LoggingIn> {
        let engine = Arc::clone(&self.engine);
        engine.settings.recipe.auth.session.as_ref()?;
        Some(Box::pin(async move { engine.session().await.map(|_| ()) }))
    }

    fn forgive(&self) {
        self.engine.sessions.forgive();
    }

    fn find(&self, question: Arc<Question>) -> Pending<'static> {
        let engine = Arc::clone(&self.engine);
        Box::pin(async move {
            let numbering = question.numbering_of(&engine.settings.numbering);
            engine.find(&question.call, &question.number, &numbering).await
        })
    }
}

impl CallLog for RecipeSource {
    fn log_call(&self, call: Arc<EndedCall>) -> Writing<'static> {
        let own = self.clone();
        Box::pin(async move {
            let known = call.contact.as_ref().filter(|contact| contact.source == own.name);
            let agent = call.agent.as_deref().and_then(|name| own.agent(name));
            let made = own.engine.log_call(&describe_call(&call), known.map(|known| known.id.clone()), agent).await;
            made.map(|_| ())
        })
    }
}

impl ContactMaker for RecipeSource {
    fn make_contact(&self, new: NewContact) -> Making<'static> {
        let own = self.clone();
        Box::pin(async move { own.create(&new).await })
    }
}

/// What of the call changes the answer: whatever the templates of the lookup name.
pub(super) fn inputs(recipe: &Recipe) -> Inputs {
    let mut inputs = Inputs::default();
    for used in recipe.uses() {
        let mut parts = used.split('.');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("call"), Some("dnid"), _) => inputs.dnid = true,
            (Some("call"), Some("params"), Some(name)) => inputs.params.push(name.to_owned()),
            _ => {}
        }
    }
    inputs
}
