//! What the configuration says, checked and ready to use.
//!
//! These are the values after loading: defaults filled in, secrets resolved and hashed, names resolved. Each section has
//! a file of its own with its values, the list of its keys and how they are read. [`load()`] turns files into a
//! [`Config`]; `sections.rs` is the list of all sections.

mod access;
mod agent;
mod cache;
mod checks;
mod defaults;
mod directory;
mod duration;
mod journal;
mod keys;
mod last_good;
mod load;
mod log;
mod names;
mod namespace;
mod nearest;
mod network;
mod numbering;
mod owner;
mod params;
mod phone;
mod php_query;
mod print;
mod problem;
mod project;
mod reader;
mod recipe_text;
mod reference;
mod reply;
mod roster;
mod routing;
mod secret;
mod sections;
mod server;
mod sheet;
mod source;
mod tenant;
#[cfg(test)]
mod tests;
mod token;
mod token_list;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use access::{Access, Require};
pub use agent::{Agent, is_user};
pub use cache::Cache;
pub use checks::{Checks, Complaint};
pub use defaults::{Defaults, LONGEST_SCRIPT};
pub use directory::Directory;
pub use duration::{format_duration, parse_duration};
pub use journal::Journal;
pub use load::{FailedFile, Loaded, load, load_again, load_server, load_store, load_text};
pub use log::{Log, LogFormat, LogLookups};
pub use names::{MAX_NAME_LENGTH, RESERVED_NAMES, is_name};
pub(crate) use nearest::{did_you_mean, nearest};
pub use params::{Param, ParamName, Params};
pub use php_query::fuzz_bytes as fuzz_parameter_string;
pub(crate) use problem::Lines;
pub use problem::{Problem, Problems};
pub use project::{Ask, Guesses, Project};
pub use recipe_text::{RecipeText, RecipeTexts, read_recipes};
pub use reference::reference;
pub use reply::{Format, Reply};
pub use roster::Roster;
pub use routing::{
    Entry, Holiday, Hours, LineStyle, List, Nobody, Route, Routing, Rule, RuleTest, Script, Setting, Span, Target,
    TestCall, TestTime, Who,
};
pub use secret::{Environment, Secret, process_environment};
pub use server::{Server, Tls};
pub(crate) use source::read_rate;
pub use source::{Rate, Source};
pub use token::{Token, TokenHash};
pub(crate) use token_list::SHORT_TOKEN;

/// Everything that the files say.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[log]`
    pub log: Log,
    /// `[cache]`
    pub cache: Cache,
    /// `[directory.NAME]`, by the name in the store: `customers`, or `acme/customers` from `projects/acme.toml`.
    pub directories: BTreeMap<Arc<str>, Directory>,
    /// `[journal.NAME]`, by the same kind of name.
    pub journals: BTreeMap<Arc<str>, Journal>,
    /// `[source.NAME]`, by full name like directories.
    pub sources: BTreeMap<Arc<str>, Source>,
    /// `[agent.NAME]`, by the full name: `ion`, or `acme/ion` from `projects/acme.toml`.
    pub agents: BTreeMap<Arc<str>, Agent>,
    /// `[project.NAME]`
    pub projects: BTreeMap<Arc<str>, Arc<Project>>,
    /// Which of these came from files of `projects/`, by the name of the file without `.toml`.
    pub files: BTreeMap<Arc<str>, ProjectFile>,
    /// What is allowed but probably not meant; printed by `config check` and logged at start.
    pub warnings: Vec<String>,
}

/// What a file of `projects/` defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFile {
    /// Its name for messages.
    pub file: Arc<str>,
    /// Its directories, by the name in the store.
    pub directories: Vec<Arc<str>>,
    /// Its journals, by their full names.
    pub journals: Vec<Arc<str>>,
    /// Its sources, by full name.
    pub sources: Vec<Arc<str>>,
    /// Its agents, by full name.
    pub agents: Vec<Arc<str>>,
    /// Its projects.
    pub projects: Vec<Arc<str>>,
}
