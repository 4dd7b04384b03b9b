//! `[server]`: the process and its listeners.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::access::warn_of_hidden;
use super::keys::{Key, Kind, Section};
use super::network::{EXPECTED_LISTENER, EXPECTED_NETWORK, read_listener, read_network};
use super::reader::Reader;
use super::token::Token;
use super::token_list;

/// `[server]`: the process and its listeners.
#[derive(Debug, Clone)]
pub struct Server {
    /// Address of the HTTP listener.
    pub listen: SocketAddr,
    /// Address of the FastAGI listener; without one calldex does not speak FastAGI.
    pub agi: Option<SocketAddr>,
    /// File of the embedded store; relative to the configuration file.
    pub store: PathBuf,
    /// The address under which PBXs reach this server, for printed URLs; without a slash at its end.
    pub public_url: Option<String>,
    /// Tokens for `explain` and the administrator's pages.
    pub admin_tokens: Vec<Token>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The project that answers at `/`.
    pub default_project: Option<Arc<str>>,
    /// Who may read `/metrics`, beside this machine.
    pub metrics_allow: Vec<IpNet>,
    /// Most connections at a time, of each listener.
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

/// What the address of the FastAGI listener is expected to look like.
const EXPECTED_AGI: &str = "an address and a port, such as \"127.0.0.1:4573\" or \"[::]:4573\"";

/// The keys of `[server]`.
pub(crate) static SECTION: Section = Section {
    path: "server",
    about: "The process and its listeners.",
    groups: &[&[
        Key::new("listen", Kind::Text(EXPECTED_LISTENER), "\"127.0.0.1:8080\"", "Address of the HTTP listener."),
        Key::new(
            "agi",
            Kind::Text(EXPECTED_AGI),
            "",
            "Address of the FastAGI listener for Asterisk. It has no TLS: keep it on this machine or inside your network. \
             Without it calldex does not speak FastAGI.",
        ),
        Key::new(
            "store",
            Kind::Text("\"sqlite:\" and the path of a file, such as \"sqlite:calldex.db\""),
            "\"sqlite:calldex.db\"",
            "Where contacts are stored; the path is relative to the main file.",
        ),
        Key::new(
            "public_url",
            Kind::Text("an address such as \"https://calldex.example.com\""),
            "",
            "The address under which PBXs reach this server, for the URLs that calldex prints.",
        ),
        Key::new(
            "admin_tokens",
            Kind::Secrets(&token_list::SECTION),
            "",
            "Tokens for `explain` and the list of refused addresses. Without one nobody may read them.",
        ),
        Key::new(
            "trusted_proxies",
            Kind::Texts(EXPECTED_NETWORK),
            "",
            "Proxies whose `X-Forwarded-For` is believed. From any other address a request with that header is refused.",
        ),
        Key::new("default_project", Kind::Text("the name of a project"), "", "The project that answers at `/`."),
        Key::new("metrics_allow", Kind::Texts(EXPECTED_NETWORK), "", "Who may read `/metrics`, beside this machine."),
        Key::new(
            "max_connections",
            Kind::Whole { min: 1, max: 1_000_000 },
            "10000",
            "Most connections at a time, of each listener. Beyond it an idle one is closed, or the newest when none is idle.",
        ),
        Key::new(
            "idle_timeout",
            Kind::Duration { min: Duration::from_secs(1), max: Duration::from_secs(3_600) },
            "\"30s\"",
            "How long a client may take for the head of its request, and an idle connection may stay open.",
        ),
        Key::new(
            "refused_per_minute",
            Kind::Whole { min: 1, max: 100_000 },
            "30",
            "Refused tries a minute, from one address for one project, before it is answered with status 429.",
        ),
        Key::new("tls", Kind::Table(&TLS), "", ""),
    ]],
};

/// The keys of `[server.tls]`.
static TLS: Section = Section {
    path: "server.tls",
    about: "With this table the listener speaks TLS. Both keys are needed; the files are PEM, their paths relative to \
            the main file.",
    groups: &[&[
        Key::new("certificate", Kind::Text("the path of a file"), "", "The certificate and those that vouch for it."),
        Key::new("key", Kind::Text("the path of a file"), "", "The private key."),
    ]],
};

/// Stands for a `listen` with a mistake, which was reported.
pub(crate) const UNREADABLE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

impl Server {
    pub(crate) fn read(reader: Reader<'_>) -> Self {
        let number = |name| reader.whole(name).unwrap_or_default();
        let server = Self {
            listen: reader.parse("listen", read_listener).unwrap_or(UNREADABLE),
            agi: reader.parse("agi", read_listener),
            store: reader.parse("store", read_store).map(|file| reader.sheet.path(&file)).unwrap_or_default(),
            public_url: reader.parse("public_url", read_url),
            admin_tokens: token_list::read(&reader, "admin_tokens"),
            trusted_proxies: reader.parse_list("trusted_proxies", read_network),
            default_project: reader.text("default_project").map(|name| name.value.into()),
            metrics_allow: reader.parse_list("metrics_allow", read_network),
            max_connections: usize::try_from(number("max_connections")).unwrap_or(usize::MAX),
            idle_timeout: reader.duration("idle_timeout"),
            refused_per_minute: u32::try_from(number("refused_per_minute")).unwrap_or(u32::MAX),
            tls: reader.optional_table("tls").and_then(Tls::read),
        };
        warn_of_hidden(&reader, "metrics_allow", &server.metrics_allow, &server.trusted_proxies);
        reader.finish();
        server
    }

    /// Says whether only this machine can reach the listeners, and directly: without a proxy that brings others.
    #[must_use]
    pub fn is_private(&self) -> bool {
        let addresses = [Some(self.listen), self.agi].into_iter().flatten();
        addresses.map(|address| address.ip().to_canonical()).all(|address| address.is_loopback())
            && self.trusted_proxies.is_empty()
    }
}

impl Tls {
    fn read(reader: Reader<'_>) -> Option<Self> {
        let tls = Some(Self { certificate: read_path(&reader, "certificate")?, key: read_path(&reader, "key")? });
        reader.finish();
        tls
    }
}

/// Reads the path of a file that must be there.
fn read_path(reader: &Reader<'_>, name: &'static str) -> Option<PathBuf> {
    if !reader.is_set(name) {
        reader
            .sheet
            .problem(&reader.place, format!("[{}] has no \"{name}\"; expected certificate and key", reader.path));
    }
    let text = reader.text(name)?;
    let path = reader.sheet.path(&text.value);
    if let Err(error) = fs::File::open(&path) {
        let message = format!("{name} in [{}]: cannot read the file {:?}: {error}", reader.path, text.written);
        reader.sheet.problem(&text.place, message);
    }
    Some(path)
}

fn read_store(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some(("sqlite", file)) if !file.is_empty() && !file.starts_with("//") => Ok(file.to_owned()),
        Some(("sqlite", file)) if file.len() > 2 => Err(format!("; did you mean \"sqlite:{}\"?", &file[2..])),
        None => Err(format!("; did you mean \"sqlite:{text}\"?")),
        _ => Err(String::new()),
    }
}

fn read_url(text: &str) -> Result<String, String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(format!("; did you mean \"https://{text}\"?"));
    };
    let plain = !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || c.is_control());
    match scheme {
        "http" | "https" if rest.contains(['?', '#', '@']) => {
            Err("; leave out what stands behind ? or #, and any login".to_owned())
        }
        "http" | "https" if plain && !rest.starts_with('/') => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err(String::new()),
    }
}
