//! The live sources of a configuration: each with what surrounds it, made anew or taken over by a reload.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::budget::Budget;
use super::guard::Guard;
use super::http::address::Reach;
use super::identity::{identify, identify_account};
use super::quiet::Quiet;
use super::{
    Around, Built, CallLog, ContactMaker, Discreet, Source, Type, Workbench, explain_unknown, find_type, http, rate_of,
    recipe, secrets, watch,
};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::error::{Error, Kind, Result};

/// Makes every source of a configuration. One whose settings are as before is taken over with all that it has open and
/// all that it has counted. One that cannot be made fails whenever it is asked, and stops nobody else.
#[must_use]
pub fn build(config: &Config, before: &LiveSources) -> LiveSources {
    let mut live = LiveSources { by_name: BTreeMap::new(), ..before.clone() };
    for source in config.sources.values() {
        let around = Around::of(config, source);
        let settings = identify(source, &around);
        let made = match before.get(&source.name).filter(|before| before.settings == settings) {
            Some(unchanged) => {
                unchanged.guard.forgive();
                unchanged.clone()
            }
            None => live.make(source, settings, &around, before.get(&source.name)),
        };
        live.by_name.insert(Arc::clone(&source.name), made);
    }
    live
}

/// The live sources of a configuration, and what they share.
#[derive(Clone)]
pub struct LiveSources {
    by_name: BTreeMap<Arc<str>, LiveSource>,
    clients: Arc<http::Clients>,
    clock: Arc<dyn Clock>,
}

/// A live source, with what surrounds it.
#[derive(Clone)]
pub struct LiveSource {
    /// The source; ask it through this only.
    pub guard: Guard,
    /// Writes calls down, where the system can do that.
    pub call_log: Option<Arc<dyn CallLog>>,
    /// Makes contacts, where the system can do that.
    pub contact_maker: Option<Arc<dyn ContactMaker>>,
    /// What of it does not work, for the administrator.
    pub fault: Option<String>,
    /// How long one request may take; longer than any deadline, so that a late answer still fills the cache.
    pub timeout: Duration,
    /// Stands for its settings: sources with equal settings share what is remembered.
    pub settings: String,
    /// Stands for the account on the other side: another one has said nothing yet.
    account: String,
    counted: Counted,
}

/// What was asked of a system, and what it said to that.
#[derive(Clone)]
pub(super) struct Counted {
    pub(super) budget: Arc<Budget>,
    pub(super) quiet: Arc<Quiet>,
}

impl LiveSources {
    /// No sources yet.
    #[must_use]
    pub fn none(clock: Arc<dyn Clock>) -> Self {
        Self { by_name: BTreeMap::new(), clients: Arc::default(), clock }
    }

    /// A source by its full name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&LiveSource> {
        self.by_name.get(name)
    }

    /// Every source, by its full name.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &LiveSource)> {
        self.by_name.iter()
    }

    /// Logs in where that is needed before anything can be asked.
    pub fn log_in_ahead(&self) {
        self.by_name.values().for_each(|live| live.guard.log_in_ahead());
    }

    /// Surrounds a source that exists already, and adds it.
    pub fn add(&mut self, source: Arc<dyn Source>, settings: &config::Source) {
        let budget = Arc::new(Budget::new(settings.rate, Arc::clone(&self.clock)));
        let counted = Counted { budget, quiet: Arc::default() };
        let made = self.surround(Built::finder(source), settings, identify(settings, &Around::default()), counted);
        self.by_name.insert(Arc::clone(&settings.name), made);
    }

    fn make(
        &self,
        source: &config::Source,
        settings: String,
        around: &Around,
        before: Option<&LiveSource>,
    ) -> LiveSource {
        let rate = rate_of(source);
        // What was sent under the old settings still counts on the other side.
        let kept = before.map(|before| &before.counted.budget).filter(|budget| budget.rate() == rate);
        let budget = kept.cloned().unwrap_or_else(|| Arc::new(Budget::new(rate, Arc::clone(&self.clock))));
        let same = before.filter(|before| before.account == identify_account(source));
        let counted = Counted { budget, quiet: same.map(|same| Arc::clone(&same.counted.quiet)).unwrap_or_default() };
        let built = self.build(source, &counted, around).unwrap_or_else(|why| Built::broken(&source.name, &why));
        if let Some(fault) = &built.fault {
            tracing::error!(target: "calldex::source", source = %source.name, "{fault}");
        }
        let made = self.surround(built, source, settings, counted);
        same.into_iter().for_each(|same| made.guard.take_over(&same.guard));
        made
    }

    fn build(&self, source: &config::Source, counted: &Counted, around: &Around) -> Result<Built> {
        let workbench = self.workbench(source, counted, around)?;
        match find_type(source) {
            Some(Type::Code(api_type)) => (api_type.build)(source, workbench),
            Some(Type::Recipe(recipe)) => recipe::build(&recipe, source, workbench),
            Some(Type::Broken(problems)) => Err(Error::new(Kind::Invalid, problems.to_string())),
            None => Err(Error::new(Kind::Invalid, explain_unknown(source))),
        }
    }

    pub(super) fn workbench(&self, source: &config::Source, counted: &Counted, around: &Around) -> Result<Workbench> {
        let Counted { budget, quiet } = counted;
        let reach = if source.tenant { Reach::Public } else { Reach::Anywhere };
        let settings = http::Settings { reach, ca_file: source.ca_file.clone(), proxy: None };
        let client = self.clients.get(&settings)?;
        Ok(Workbench {
            client: http::Client::new(client, settings, Arc::clone(budget), source.timeout),
            budget: Arc::clone(budget),
            quiet: Arc::clone(quiet),
            clock: Arc::clone(&self.clock),
            agents: Arc::clone(&around.agents),
            homes: Arc::clone(&around.homes),
        })
    }

    fn surround(&self, built: Built, source: &config::Source, settings: String, counted: Counted) -> LiveSource {
        let Built { source: finder, call_log, contact_maker, secrets, fault } = built;
        let hidden = hidden_with(source, &secrets);
        let call_log = call_log.map(|log| Arc::new(Discreet { inner: log, hidden: Arc::clone(&hidden) }) as _);
        let contact_maker =
            contact_maker.map(|maker| Arc::new(Discreet { inner: maker, hidden: Arc::clone(&hidden) }) as _);
        let guard = Guard::new(finder, source, Arc::clone(&counted.budget), Arc::clone(&self.clock)).hiding(hidden);
        let account = identify_account(source);
        LiveSource { guard, call_log, contact_maker, fault, timeout: source.timeout, settings, account, counted }
    }
}

/// What must not be shown of a source.
fn hidden_with(source: &config::Source, secrets: &[String]) -> Arc<watch::Hidden> {
    let mut hidden = secrets::hidden_of(source);
    secrets.iter().for_each(|secret| hidden.add(secret));
    Arc::new(hidden)
}
