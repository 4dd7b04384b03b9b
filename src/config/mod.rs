//! What the configuration says, checked and ready to use.
//!
//! These are the values after loading: defaults filled in, secrets resolved and hashed, names resolved. How a file
//! becomes one of these is in `load.rs`.

mod token;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::number::Numbering;

pub use token::{Token, TokenHash};

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
    /// `[project.NAME]`
    pub projects: BTreeMap<Arc<str>, Arc<Project>>,
    /// What is allowed but probably not meant; printed by `config check` and logged at start.
    pub warnings: Vec<String>,
}

/// `[server]`: the process and its listeners.
#[derive(Debug, Clone)]
pub struct Server {
    /// Address of the HTTP listener.
    pub listen: SocketAddr,
    /// File of the embedded store; relative to the configuration file.
    pub store: PathBuf,
    /// The address under which PBXs reach this server, for printed URLs.
    pub public_url: Option<String>,
    /// Tokens for `explain` and the administrator's pages.
    pub admin_tokens: Vec<Token>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The project that answers at `/`.
    pub default_project: Option<Arc<str>>,
    /// Who may read `/metrics`, beside this machine.
    pub metrics_allow: Vec<IpNet>,
    /// Most connections at a time.
    pub max_connections: usize,
    /// How long a client may take for its request head, and an idle connection may stay open.
    pub idle_timeout: Duration,
    /// Refused tries a minute, from one address for one project, before it is answered 429.
    pub refused_per_minute: u32,
    /// Certificate and key, when the listener speaks TLS.
    pub tls: Option<Tls>,
}

/// `[server.tls]`: PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Text or JSON lines.
    pub format: LogFormat,
    /// Which lookups get a line.
    pub lookups: LogLookups,
    /// From which duration on a lookup counts as slow.
    pub slow: Duration,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Which lookups get a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLookups {
    /// Slow, degraded and refused ones.
    #[default]
    Slow,
    /// Every one.
    All,
}

/// `[cache]`: how long and how much is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// How long a found contact is reused.
    pub found: Duration,
    /// How long "nobody knows this number" is reused.
    pub unknown: Duration,
    /// How long a found contact may still be served when its source fails.
    pub stale: Duration,
    /// Most found answers kept.
    pub found_entries: usize,
    /// Most unknown answers kept; apart, so that random callers do not evict customers.
    pub unknown_entries: usize,
    /// Most number texts whose reading is remembered.
    pub number_entries: usize,
}

/// `[directory.NAME]`: an address book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// How the numbers in it are read.
    pub numbering: Numbering,
    /// Whether project files may use it.
    pub shared: bool,
}

/// `[project.NAME]`: who may ask, and how they are answered.
#[derive(Debug, Clone)]
pub struct Project {
    /// The name in the URL.
    pub name: Arc<str>,
    /// How the numbers of its PBX are read.
    pub numbering: Numbering,
    /// IANA time zone.
    pub timezone: String,
    /// Who may ask.
    pub access: Access,
    /// Directories and sources in order, by their full names.
    pub sources: Vec<Arc<str>>,
    /// Whether live sources are asked together or one after another.
    pub ask: Ask,
    /// Whether later sources fill empty descriptive fields of the same person.
    pub fill: bool,
    /// Time for the whole answer.
    pub deadline: Duration,
    /// Lookups a second above which the directories alone answer.
    pub rate: Option<u32>,
    /// Whether guesses may steer a call.
    pub guesses: Guesses,
    /// How the answer looks.
    pub reply: Reply,
    /// Templates of fields that a found contact does not have itself.
    pub defaults: Defaults,
}

/// Who may ask for a project.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Allowed networks.
    pub allow: Vec<IpNet>,
    /// Valid tokens.
    pub tokens: Vec<Token>,
    /// Whether both must pass when both are set.
    pub require: Require,
    /// No protection at all; only with a loopback listener that is not behind a proxy.
    pub open: bool,
}

/// What must pass when a project has an allow-list and tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Require {
    /// Both.
    #[default]
    All,
    /// One of them.
    Any,
}

/// In what way live sources are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ask {
    /// All at once.
    #[default]
    Together,
    /// One after another, which spares API quotas.
    InTurn,
}

/// The lower rungs of the ladder: what is tried, and whether it may steer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Guesses {
    /// Whether a contact found by plan history (`alias`) may steer the call.
    pub alias_steers: bool,
    /// Whether a contact found by a `block` may steer the call.
    pub block_steers: bool,
    /// Whether the last nine digits are tried against numbers that could not be read.
    pub tail: bool,
}

/// How the answer looks on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Whether `outbound_number`, `language` and `external_id` are sent.
    pub extended: bool,
    /// Format when the request does not name one.
    pub format: Format,
    /// Root element (XML) or the one key around the object (JSON).
    pub root_tag: Option<String>,
    /// Element around the root element.
    pub xml_wrap: Option<String>,
    /// Most characters of a name.
    pub name_length: Option<usize>,
    /// Whether names are transliterated to ASCII.
    pub name_ascii: bool,
    /// Whether `: / @ " \ %` are taken out of names.
    pub name_sip_safe: bool,
    /// Schemes that a link may have.
    pub link_schemes: Vec<String>,
    /// Whether `direct_line` may hold `@ & ,` or a bare telephone number.
    pub direct_line_any: bool,
    /// The only agents and queues that `direct_line` may name, when the project lists them.
    pub direct_lines: Option<Vec<String>>,
}

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// `application/json`
    #[default]
    Json,
    /// `application/xml`
    Xml,
    /// `text/plain`: the name alone.
    Text,
}

/// MiniJinja templates, by field, used only when there is a contact that lacks the field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    /// `name`
    pub name: Option<String>,
    /// `queue_position`
    pub queue_position: Option<String>,
    /// `direct_line`
    pub direct_line: Option<String>,
    /// `backend_link`
    pub backend_link: Option<String>,
    /// `route_identifier`
    pub route_identifier: Option<String>,
    /// `outbound_number`
    pub outbound_number: Option<String>,
    /// `language`
    pub language: Option<String>,
    /// `external_id`
    pub external_id: Option<String>,
}
