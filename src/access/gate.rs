//! The one place that says who may ask.
//!
//! Credentials are judged first and failures are counted after, so a valid request takes no lock and is never throttled,
//! whatever others did from its address. A project that does not exist costs the same work and gets the same words as a
//! wrong token, so that nobody can find out names of projects by asking.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;

use super::network::{Client, Forwarding, Peer};
use super::refused::{RefusedList, is_readable};
use super::throttle::Throttle;
use super::token::{Offered, Verdict};
use crate::config::{Access, Project, Require, Token, TokenHash};

/// Counts the tries of an address to sign in under whatever name.
const ALL_NAMES: u8 = 3;

/// Lets requests in or refuses them; one for the whole process, shared by all faces.
pub struct Gate {
    refused_per_minute: AtomicU32,
    throttle: Throttle,
    refused: RefusedList,
    /// Compared against when there is no project, or one without tokens.
    decoy: [Token; 2],
}

/// What a request wants to have opened.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// A project, by the name in the request; `None` when there is no such project.
    Project(&'a str, Option<&'a Project>),
    /// The administrators' pages, with `[server] admin_tokens`.
    Admin(&'a [Token]),
}

/// Why a request was refused: for the log, the metrics and the list of the refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It came through a proxy that is not trusted.
    UntrustedProxy,
    /// A trusted proxy passed on something that is not an address.
    MalformedForwarding,
    /// The address is not on the allow-list.
    AddressNotAllowed,
    /// The allow-list cannot be checked: a trusted proxy does not say for whom it asks.
    AddressHidden,
    /// A token is needed and none was sent.
    TokenMissing,
    /// The token is not one of the valid ones.
    TokenWrong,
    /// The token was valid once.
    TokenExpired,
    /// Two different tokens in one request.
    TokensDiffer,
    /// There is no such project.
    UnknownProject,
    /// Nothing is set up that could let anybody in.
    NothingOpens,
}

/// A refused request: what to answer and what to log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// How long the client should wait, when there were too many refused tries: 429 instead of 403. Such a refusal is
    /// counted and listed, and not worth a line in the log: somebody is knocking.
    pub retry_after: Option<Duration>,
    /// What the client may know.
    pub client_text: Cow<'static, str>,
    /// What the administrator should know: address, project, reason, and which setting to look at. No secret.
    pub log_text: String,
}

impl Gate {
    /// A gate that answers 429 to more than `refused_per_minute` refused tries of one address for one project.
    #[must_use]
    pub fn new(refused_per_minute: u32, now: Instant) -> Self {
        let decoy = Token { hash: TokenHash::of("opens nothing"), expires: Some(i64::MIN) };
        Self {
            refused_per_minute: AtomicU32::new(refused_per_minute),
            throttle: Throttle::new(now),
            refused: RefusedList::default(),
            decoy: [decoy.clone(), decoy],
        }
    }

    /// Takes over a changed `[server] refused_per_minute`.
    pub fn set_refused_per_minute(&self, limit: u32) {
        self.refused_per_minute.store(limit, Ordering::Relaxed);
    }

    /// Who was refused lately.
    #[must_use]
    pub fn refused(&self) -> &RefusedList {
        &self.refused
    }

    /// Lets a request in or refuses it. For [`Asked::Admin`], `offered` must be [`Offered::bearer`].
    ///
    /// # Errors
    /// A [`Refusal`], already counted.
    pub fn check(
        &self,
        asked: Asked<'_>,
        client: Client,
        offered: &Offered<'_>,
        now: Instant,
        utc_millis: i64,
    ) -> Result<(), Refusal> {
        let tokens = match asked {
            Asked::Project(_, Some(project)) => project.access.tokens.as_slice(),
            Asked::Project(_, None) => &[],
            Asked::Admin(tokens) => tokens,
        };
        // One hash and at least one comparison in every case: the time taken does not say which project exists.
        let verdict = offered.compare(if tokens.is_empty() { &self.decoy } else { tokens }, utc_millis);
        let judged = match asked {
            Asked::Project(_, Some(project)) => judge(&project.access, client, verdict),
            Asked::Project(_, None) => Err(Reason::UnknownProject),
            Asked::Admin([]) => Err(Reason::NothingOpens),
            Asked::Admin(_) => judge_token(verdict),
        };
        judged.map_err(|reason| self.refuse(asked, client, reason, now, utc_millis))
    }

    /// Refuses a request whose sender [`super::client`] could not tell; it is counted under the peer's address.
    #[must_use]
    pub fn refuse_forwarded(
        &self,
        asked: Asked<'_>,
        peer: Peer,
        why: Forwarding,
        now: Instant,
        utc_millis: i64,
    ) -> Refusal {
        let reason = match why {
            Forwarding::Untrusted => Reason::UntrustedProxy,
            Forwarding::Malformed => Reason::MalformedForwarding,
        };
        self.refuse(asked, Client::from(peer.address.ip()), reason, now, utc_millis)
    }

    /// Counts a try to open a personal link, which costs nothing to look at. Returns how long to wait when there were too
    /// many of one address.
    pub fn count_link(&self, client: Client, now: Instant) -> Option<Duration> {
        self.throttle.refuse(client.address(), &(2_u8, ""), self.limit(), now)
    }

    /// Counts a try to sign in with a password. Returns how long to wait when there were too many of one address, for one
    /// name or for all names together: a password can be guessed and costs time to compare, so unlike a token it is not
    /// looked at then.
    pub fn count_sign_in(&self, client: Client, name: &str, now: Instant) -> Option<Duration> {
        let of_name = self.throttle.refuse(client.address(), &(2_u8, name), self.limit(), now);
        of_name.or_else(|| self.throttle.refuse(client.address(), &ALL_NAMES, self.limit_of_all_names(), now))
    }

    /// Takes the try back that [`Gate::count_sign_in`] counted for all names, since it was right: the agents of a whole
    /// office may share one address.
    pub fn forgive_sign_in(&self, client: Client) {
        self.throttle.forgive(client.address(), &ALL_NAMES, self.limit_of_all_names());
    }

    fn limit(&self) -> u32 {
        self.refused_per_minute.load(Ordering::Relaxed)
    }

    fn limit_of_all_names(&self) -> u32 {
        self.limit().saturating_mul(2)
    }

    fn refuse(&self, asked: Asked<'_>, client: Client, reason: Reason, now: Instant, utc_millis: i64) -> Refusal {
        let (kind, name, exists) = match asked {
            Asked::Project(name, project) => (0_u8, name, project.is_some()),
            Asked::Admin(_) => (1, "(admin)", true),
        };
        let retry_after = self.throttle.refuse(client.address(), &(kind, name), self.limit(), now);
        self.refused.note(client.address(), name, exists, reason, utc_millis);
        Refusal {
            reason,
            retry_after,
            client_text: client_text(client, reason, retry_after),
            log_text: log_text(asked, client, reason),
        }
    }
}

/// What the rules of a project say, when it exists.
fn judge(access: &Access, client: Client, verdict: Verdict) -> Result<(), Reason> {
    if verdict == Verdict::Differing {
        return Err(Reason::TokensDiffer);
    }
    let address = || match client {
        _ if client.is_in(&access.allow) => Ok(()),
        Client::At(_) => Err(Reason::AddressNotAllowed),
        Client::Behind(_) => Err(Reason::AddressHidden),
    };
    let token = judge_token(verdict);
    match (access.allow.is_empty(), access.tokens.is_empty()) {
        _ if access.open && client.is_loopback() => Ok(()),
        (true, true) => Err(Reason::NothingOpens),
        (false, true) => address(),
        (true, false) => token,
        (false, false) => match access.require {
            Require::All => address().and(token),
            // Without a token the address is what is wrong; with one, the token is.
            Require::Any if verdict == Verdict::Missing => address(),
            Require::Any => address().or(token),
        },
    }
}

fn judge_token(verdict: Verdict) -> Result<(), Reason> {
    match verdict {
        Verdict::Valid => Ok(()),
        Verdict::Missing => Err(Reason::TokenMissing),
        Verdict::Wrong => Err(Reason::TokenWrong),
        Verdict::Expired => Err(Reason::TokenExpired),
        Verdict::Differing => Err(Reason::TokensDiffer),
    }
}

impl Refusal {
    /// 403, or 429 when there were too many.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        if self.retry_after.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::FORBIDDEN }
    }

    /// Whole seconds for `Retry-After`, at least 1.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(|wait| (wait + Duration::from_millis(999)).as_secs().max(1))
    }
}

/// The words for the client: the same for every project, and its own address, which helps to mend an allow-list.
fn client_text(client: Client, reason: Reason, retry_after: Option<Duration>) -> Cow<'static, str> {
    match (reason, client) {
        _ if retry_after.is_some() => "too many refused tries, wait before the next one".into(),
        (Reason::UntrustedProxy, _) => "the request came through a proxy that this server does not trust".into(),
        (Reason::MalformedForwarding, _) => "the proxy sent an X-Forwarded-For that cannot be read".into(),
        (_, Client::At(address)) => format!("refused for {address}: wrong address, project or token").into(),
        (_, Client::Behind(_)) => "refused: wrong address, project or token".into(),
    }
}

/// The words for the administrator.
fn log_text(asked: Asked<'_>, client: Client, reason: Reason) -> String {
    let (name, for_administrators) = match asked {
        Asked::Project(name, project) if project.is_some() || is_readable(name) => (name, false),
        Asked::Project(..) => ("(unreadable)", false),
        Asked::Admin(_) => ("(admin)", true),
    };
    let mut text = format!("refused {} for {name}: {}", client.address(), reason.as_str());
    let advice = match reason {
        Reason::UntrustedProxy => {
            "it sent X-Forwarded-For, Forwarded, X-Real-IP or a PROXY line; if it is your proxy, list its address in \
             [server] trusted_proxies, and let it send X-Forwarded-For and no PROXY line"
        }
        Reason::MalformedForwarding => "the proxy has to append the address that it sees to X-Forwarded-For",
        Reason::AddressNotAllowed => "add the address to `allow` if it is your PBX",
        Reason::AddressHidden => {
            "the proxy in [server] trusted_proxies sent no X-Forwarded-For with an address that is not a proxy's, so \
             `allow` cannot be checked"
        }
        Reason::TokenMissing if for_administrators => "send it as `Authorization: Bearer`, no other way counts here",
        Reason::TokenWrong | Reason::TokenExpired if for_administrators => "compare with [server] admin_tokens",
        Reason::TokenMissing => "send it as `token`, bearer token or Basic password",
        Reason::TokenWrong | Reason::TokenExpired => "compare with `tokens`",
        Reason::TokensDiffer => "the request holds two different tokens",
        Reason::UnknownProject => "no such project is loaded",
        Reason::NothingOpens => {
            "nothing is set up that could open it: `tokens` or `allow` of the project, [server] admin_tokens for \
             the administrators' pages"
        }
    };
    // Writing to a String cannot fail.
    let _ = write!(text, " ({advice})");
    text
}

impl Reason {
    /// Every reason, in the order of the declaration.
    pub const ALL: [Self; 10] = [
        Self::UntrustedProxy,
        Self::MalformedForwarding,
        Self::AddressNotAllowed,
        Self::AddressHidden,
        Self::TokenMissing,
        Self::TokenWrong,
        Self::TokenExpired,
        Self::TokensDiffer,
        Self::UnknownProject,
        Self::NothingOpens,
    ];

    /// One word for log lines and metric labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UntrustedProxy => "untrusted_proxy",
            Self::MalformedForwarding => "malformed_forwarding",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::AddressHidden => "address_hidden",
            Self::TokenMissing => "token_missing",
            Self::TokenWrong => "token_wrong",
            Self::TokenExpired => "token_expired",
            Self::TokensDiffer => "tokens_differ",
            Self::UnknownProject => "unknown_project",
            Self::NothingOpens => "nothing_opens",
        }
    }
}

#[cfg(test)]
mod tests;
