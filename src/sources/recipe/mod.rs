//! Recipes: sources that are described by a TOML file instead of code. One file is one CRM.
//!
//! Read in this order: `format` (what stands in a file), `read` and `compile` (from the text to a [`Recipe`], every mistake
//! with its place), `template` with `filters`, and `mapping` (the two languages: what is sent, what is read), `request` (one
//! request, its host checked after it was made), `answer` (what an answer means), `session` (logins), `engine` (the steps of a
//! lookup), `pages` (answers that come in several), `write` (calls written down, contacts made), `source` (the engine as a
//! source of this program), `trial` (the recorded tests of a file), `shipped` (the recipes that come with calldex),
//! `reference` (documentation made from the types).

mod answer;
mod auth_plan;
mod compile;
mod engine;
mod filters;
mod format;
mod mapping;
mod pages;
mod pieces;
mod read;
mod reference;
mod request;
mod session;
mod settings;
mod shipped;
mod source;
mod summary;
mod template;
mod trial;
mod view;
mod wire;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderName, Method};
use jmespath::Rcvar;
use regex::Regex;

use crate::config::Rate;
use crate::model::Field;
use crate::number::Spelling;

use auth_plan::AuthPlan;
use format::{AnswerFormat, Meaning, TestTable};
use mapping::{Mapping, Path};
use template::{Condition, Template, Templates};

pub use format::{ParamTable, RecipeFile};
pub use read::{check, read, read_text};
pub use reference::{reference, schema};
pub use settings::check_settings;
pub use shipped::{NEW, SHIPPED, Shipped, shipped, shipped_recipe};
pub use source::{RecipeSource, build};
pub use trial::{Trial, answer_reader, try_out};
pub use write::{CallFields, NewContact, describe_call};

/// A recipe, compiled.
#[derive(Debug)]
pub struct Recipe {
    /// Its name, which is that of its file: the `type` of a source.
    pub name: Arc<str>,
    /// The name of the CRM.
    pub title: String,
    /// Where its interface is described.
    pub docs: Vec<String>,
    /// What an administrator fills in.
    pub params: BTreeMap<String, ParamTable>,
    /// What the CRM allows, where a source does not say otherwise.
    pub rate: Option<Rate>,
    daily: Option<u32>,
    base: Option<Template>,
    hosts: Vec<Template>,
    headers: Vec<(HeaderName, Template)>,
    answer: AnswerFormat,
    auth: AuthPlan,
    forms: Vec<Spelling>,
    verify: bool,
    lookups: Vec<Plan>,
    map: Mapping,
    prefer: Vec<Condition>,
    then: Vec<Plan>,
    users: Option<Plan>,
    out: Vec<(Field, Template)>,
    log_call: Vec<Plan>,
    create: Option<Plan>,
    search: Option<Plan>,
    rules: Vec<Rule>,
    budgets: Vec<Budget>,
    patterns: BTreeMap<String, Regex>,
    templates: Templates,
    tests: Vec<TestTable>,
}

impl Recipe {
    /// Whether it can write finished calls down.
    #[must_use]
    pub fn logs_calls(&self) -> bool {
        !self.log_call.is_empty()
    }

    /// Whether it can make contacts.
    #[must_use]
    pub fn makes_contacts(&self) -> bool {
        self.create.is_some()
    }

    /// What it can do beside finding callers.
    #[must_use]
    pub fn operations(&self) -> Vec<&'static str> {
        let all =
            [("log_call", self.logs_calls()), ("create", self.makes_contacts()), ("search", self.search.is_some())];
        all.into_iter().filter(|(_, can)| *can).map(|(name, _)| name).collect()
    }
}

/// A request, compiled.
#[derive(Debug)]
struct Plan {
    method: Method,
    path: Template,
    query: Vec<(String, Template)>,
    headers: Vec<(HeaderName, Template)>,
    body: Body,
    when: Option<Condition>,
    records: Option<Path>,
    next: Option<Next>,
    map: Mapping,
    id: Option<Path>,
    several: bool,
    /// Whether it changes something in the CRM.
    writes: bool,
}

/// What leads from one page of an answer to the next.
#[derive(Debug)]
struct Next {
    place: NextPlace,
    /// Whether it is the address of the page; else the request is made again with what it is.
    is_address: bool,
}

/// Where it stands what leads to the next page.
#[derive(Debug)]
enum NextPlace {
    Body(Path),
    Header(HeaderName),
}

/// What a request carries.
#[derive(Debug)]
enum Body {
    None,
    Json(Tree),
    Form(Vec<(String, Template)>),
    Xml(Template),
}

/// JSON with templates in it.
#[derive(Debug)]
enum Tree {
    Fixed(serde_json::Value),
    Made(Template),
    List(Vec<Tree>),
    Table(Vec<(String, Tree)>),
}

/// What an answer means that its status alone does not say.
#[derive(Debug)]
struct Rule {
    status: Vec<u16>,
    when: Option<Path>,
    meaning: Meaning,
    wait_header: Option<HeaderName>,
    wait: Option<Wait>,
}

/// A header with the number of requests that are left.
#[derive(Debug)]
struct Budget {
    header: HeaderName,
    reserve: u64,
    wait_header: Option<HeaderName>,
    wait: Option<Wait>,
}

/// How long a source keeps quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// So long.
    For(Duration),
    /// Until midnight UTC.
    Day,
}

impl Recipe {
    /// The names that templates of the lookup use, such as `call.dnid`; each once.
    fn uses(&self) -> std::collections::BTreeSet<&str> {
        let plans = self.lookups.iter().chain(&self.then).chain(&self.users);
        let of_plans = plans.flat_map(Plan::uses);
        let of_out = self.out.iter().flat_map(|(_, template)| &template.uses);
        of_plans.chain(of_out).map(String::as_str).collect()
    }
}

impl Plan {
    /// The list of records in an answer; without a path to it the answer is the list.
    fn records_in(&self, data: &Rcvar) -> Rcvar {
        self.records.as_ref().map_or_else(|| Rcvar::clone(data), |records| records.find(data))
    }

    fn uses(&self) -> Vec<&String> {
        let pairs = match &self.body {
            Body::Form(pairs) => pairs.as_slice(),
            _ => &[],
        };
        let of_pairs = self.query.iter().chain(pairs).flat_map(|(_, template)| &template.uses);
        let of_headers = self.headers.iter().flat_map(|(_, template)| &template.uses);
        let of_when = self.when.iter().flat_map(|when| when.uses());
        let mut uses: Vec<&String> = self.path.uses.iter().chain(of_pairs).chain(of_headers).chain(of_when).collect();
        match &self.body {
            Body::Json(tree) => tree.add_uses(&mut uses),
            Body::Xml(template) => uses.extend(&template.uses),
            Body::None | Body::Form(_) => {}
        }
        uses
    }
}

impl Tree {
    fn add_uses<'a>(&'a self, uses: &mut Vec<&'a String>) {
        match self {
            Self::Fixed(_) => {}
            Self::Made(template) => uses.extend(&template.uses),
            Self::List(items) => items.iter().for_each(|item| item.add_uses(uses)),
            Self::Table(entries) => entries.iter().for_each(|(_, item)| item.add_uses(uses)),
        }
    }
}
