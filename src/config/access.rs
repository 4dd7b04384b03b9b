//! The keys that say who may ask for a project.

use ipnet::IpNet;

use super::keys::{Key, Kind, words};
use super::network::{EXPECTED_NETWORK, read_network};
use super::reader::Reader;
use super::server::Server;
use super::token::Token;
use super::token_list;

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

const REQUIRE: [(&str, Require); 2] = [("all", Require::All), ("any", Require::Any)];

/// Part of `[project.NAME]`.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "allow",
        Kind::Texts(EXPECTED_NETWORK),
        "",
        "Addresses and networks that may ask. A project needs this or `tokens`.",
    ),
    Key::new(
        "tokens",
        Kind::Secrets(&token_list::SECTION),
        "",
        "Secrets, one of which must come with a request. A project needs this or `allow`.",
    ),
    Key::new(
        "require",
        Kind::Choice(&words(&REQUIRE)),
        "\"all\"",
        "With `allow` and `tokens`: whether both must pass, or any one of them.",
    ),
    Key::new(
        "open",
        Kind::Switch,
        "false",
        "Answers everybody, without `allow` and `tokens`; for trying out. Only with a loopback listener and without \
         `trusted_proxies`.",
    ),
];

impl Access {
    /// Reads who may ask, and reports a project that is protected by nothing or in two contradicting ways.
    pub(crate) fn read(reader: &Reader<'_>, server: &Server) -> Self {
        let access = Self {
            allow: reader.parse_list("allow", read_network),
            tokens: token_list::read(reader, "tokens"),
            require: reader.choice("require", &REQUIRE),
            open: reader.switch("open"),
        };
        // What is set but wrong was reported already, and is still a wish to be protected.
        let protected = is_filled(reader, "allow") || is_filled(reader, "tokens");
        match (access.open, protected) {
            (false, false) => {
                let message = format!(
                    "[{}] is protected by nothing; expected allow = [...] or tokens = [...], or open = true while \
                     the listener is a loopback address",
                    reader.path
                );
                reader.sheet.problem(&reader.place, message);
            }
            (true, true) => {
                let message =
                    format!("open in [{}] contradicts allow and tokens; expected one or the other", reader.path);
                reader.sheet.problem(&reader.place_of("open"), message);
            }
            (true, false) => check_open(reader, server),
            (false, true) => warn_of_wide_access(reader, &access),
        }
        warn_of_hidden(reader, "allow", &access.allow, &server.trusted_proxies);
        access
    }
}

/// A trusted proxy is never the client itself, so that its own address on a list lets nobody in.
pub(crate) fn warn_of_hidden(reader: &Reader<'_>, key: &str, list: &[IpNet], proxies: &[IpNet]) {
    if let Some(hidden) = list.iter().find(|network| proxies.iter().any(|proxy| proxy.contains(*network))) {
        let message = format!(
            "{key} in [{}] has {hidden}, one of trusted_proxies: what comes from there counts as coming from whom the proxy \
             names, so this entry lets nobody in",
            reader.path
        );
        reader.sheet.warn(&reader.place_of(key), message);
    }
}

/// A list that is there with at least one item counts, even when the item is wrong.
fn is_filled(reader: &Reader<'_>, name: &'static str) -> bool {
    let list = reader.value(name);
    list.is_some_and(|(_, value)| value.get_ref().as_array().is_none_or(|items| !items.is_empty()))
}

fn check_open(reader: &Reader<'_>, server: &Server) {
    let mut addresses = [Some(server.listen), server.agi].into_iter().flatten();
    let because = if let Some(address) = addresses.find(|address| !address.ip().to_canonical().is_loopback()) {
        format!("the server listens on {address}, not on a loopback address")
    } else if !server.trusted_proxies.is_empty() {
        "the server is behind trusted_proxies".to_owned()
    } else {
        return;
    };
    let message = format!("open in [{}] is refused, because {because}; expected allow or tokens", reader.path);
    reader.sheet.problem(&reader.place_of("open"), message);
}

fn warn_of_wide_access(reader: &Reader<'_>, access: &Access) {
    let everybody = access.allow.iter().any(|network| network.prefix_len() == 0);
    if everybody && (access.tokens.is_empty() || access.require == Require::Any) {
        reader
            .sheet
            .warn(&reader.place_of("allow"), format!("[{}] answers every address without a token", reader.path));
    }
    if reader.is_set("require") && (access.allow.is_empty() || access.tokens.is_empty()) {
        let message = format!("require in [{}] does nothing: it needs allow and tokens", reader.path);
        reader.sheet.warn(&reader.place_of("require"), message);
    }
}
