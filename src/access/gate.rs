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

    /// Counts a try to sign in as an agent. Returns how long to wait when there were too many of one address for one
    /// name: a password can be guessed, so unlike a token it is not looked at then.
    pub fn count_sign_in(&self, client: Client, name: &str, now: Instant) -> Option<Duration> {
        let limit = self.refused_per_minute.load(Ordering::Relaxed);
        self.throttle.refuse(client.address(), &(2_u8, name), limit, now)
    }

    fn refuse(&self, asked: Asked<'_>, client: Client, reason: Reason, now: Instant, utc_millis: i64) -> Refusal {
        let (kind, name, exists) = match asked {
            Asked::Project(name, project) => (0_u8, name, project.is_some()),
            Asked::Admin(_) => (1, "(admin)", true),
        };
        let limit = self.refused_per_minute.load(Ordering::Relaxed);
        let retry_after = self.throttle.refuse(client.address(), &(kind, name), limit, now);
        self.refused.note(client.address(), name, exists, reason, utc_millis);
        Refusal {
            reason,
            retry_after,
            client_text: client_text(client, reason, retry_after),
            log_text: log_text(client, name, exists, reason),
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
fn log_text(client: Client, name: &str, exists: bool, reason: Reason) -> String {
    let name = if exists || is_readable(name) { name } else { "(unreadable)" };
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
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use super::*;
    use crate::config::{Ask, Defaults, Format, Guesses, Reply};
    use crate::number::Numbering;

    /// Milliseconds since 1970 at which the tests happen.
    const UTC: i64 = 1_000_000;

    fn project(allow: &[&str], tokens: &[&str], require: Require) -> Project {
        let access = Access {
            allow: allow.iter().map(|network| network.parse().unwrap()).collect(),
            tokens: tokens.iter().map(|text| Token { hash: TokenHash::of(text), expires: None }).collect(),
            require,
            open: false,
        };
        Project {
            name: "sales".into(),
            numbering: Numbering::default(),
            timezone: "UTC".to_owned(),
            access,
            sources: Vec::new(),
            ask: Ask::Together,
            fill: false,
            tenant: false,
            deadline: Duration::from_millis(800),
            rate: None,
            journal: Vec::new(),
            history: Duration::from_secs(86_400),
            longest_call: Duration::from_secs(3_600),
            guesses: Guesses::default(),
            reply: Reply {
                extended: false,
                format: Format::Json,
                root_tag: None,
                xml_wrap: None,
                name_length: None,
                name_ascii: false,
                name_sip_safe: false,
                link_schemes: Vec::new(),
                direct_line_any: false,
                direct_lines: None,
            },
            defaults: Defaults::default(),
            routing: crate::config::Routing::default(),
            roster: std::sync::Arc::default(),
        }
    }

    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn at(address: &str) -> Client {
        Client::from(address.parse::<IpAddr>().unwrap())
    }

    fn offering(secret: &str) -> Offered<'_> {
        let mut offered = Offered::none();
        offered.add(secret);
        offered
    }

    /// Why a project refuses, or `None` when it lets in.
    fn why(project: &Project, client: Client, secret: &str) -> Option<Reason> {
        let gate = Gate::new(30, now());
        let asked = Asked::Project("sales", Some(project));
        gate.check(asked, client, &offering(secret), now(), UTC).err().map(|refusal| refusal.reason)
    }

    #[test]
    fn an_allow_list_alone_lets_in_by_address() {
        let project = project(&["203.0.113.0/24"], &[], Require::All);
        assert_eq!(why(&project, at("203.0.113.7"), ""), None);
        assert_eq!(why(&project, at("::ffff:203.0.113.7"), ""), None);
        assert_eq!(why(&project, at("198.51.100.1"), ""), Some(Reason::AddressNotAllowed));
        assert_eq!(why(&project, at("198.51.100.1"), "anything"), Some(Reason::AddressNotAllowed));
    }

    #[test]
    fn a_token_alone_lets_in_from_anywhere() {
        let project = project(&[], &["old", "new"], Require::All);
        assert_eq!(why(&project, at("203.0.113.7"), "old"), None);
        assert_eq!(why(&project, at("2001:db8::1"), "new"), None);
        assert_eq!(why(&project, at("203.0.113.7"), "other"), Some(Reason::TokenWrong));
        assert_eq!(why(&project, at("203.0.113.7"), ""), Some(Reason::TokenMissing));
    }

    #[test]
    fn with_both_both_must_pass_unless_the_project_asks_for_one() {
        let (inside, outside) = (at("203.0.113.7"), at("198.51.100.1"));
        let both = project(&["203.0.113.7/32"], &["secret"], Require::All);
        assert_eq!(why(&both, inside, "secret"), None);
        assert_eq!(why(&both, inside, ""), Some(Reason::TokenMissing));
        assert_eq!(why(&both, inside, "wrong"), Some(Reason::TokenWrong));
        assert_eq!(why(&both, outside, "secret"), Some(Reason::AddressNotAllowed));
        let any = project(&["203.0.113.7/32"], &["secret"], Require::Any);
        assert_eq!(why(&any, inside, ""), None);
        assert_eq!(why(&any, outside, "secret"), None);
        assert_eq!(why(&any, inside, "wrong"), None);
        assert_eq!(why(&any, outside, "wrong"), Some(Reason::TokenWrong));
        assert_eq!(why(&any, outside, ""), Some(Reason::AddressNotAllowed));
    }

    #[test]
    fn two_different_tokens_are_refused_even_where_the_address_would_do() {
        let mut offered = offering("secret");
        offered.add("other");
        for project in
            [project(&["203.0.113.7/32"], &["secret"], Require::Any), project(&["203.0.113.7/32"], &[], Require::All)]
        {
            let asked = Asked::Project("sales", Some(&project));
            let refusal = Gate::new(30, now()).check(asked, at("203.0.113.7"), &offered, now(), UTC).unwrap_err();
            assert_eq!(refusal.reason, Reason::TokensDiffer);
        }
    }

    #[test]
    fn a_project_without_protection_opens_only_when_it_says_so_and_only_for_this_machine() {
        let mut bare = project(&[], &[], Require::All);
        assert_eq!(why(&bare, at("127.0.0.1"), ""), Some(Reason::NothingOpens));
        bare.access.open = true;
        assert_eq!(why(&bare, at("127.0.0.1"), ""), None);
        assert_eq!(why(&bare, at("203.0.113.7"), ""), Some(Reason::NothingOpens));
        assert_eq!(why(&bare, Client::Behind("127.0.0.1".parse().unwrap()), ""), Some(Reason::NothingOpens));
    }

    #[test]
    fn a_client_hidden_by_its_proxy_is_on_no_allow_list_but_its_token_opens() {
        let hidden = Client::Behind("127.0.0.1".parse().unwrap());
        assert_eq!(why(&project(&["127.0.0.1/32"], &[], Require::All), hidden, ""), Some(Reason::AddressHidden));
        assert_eq!(why(&project(&[], &["secret"], Require::All), hidden, "secret"), None);
    }

    #[test]
    fn an_unknown_project_gets_the_status_and_the_words_of_a_wrong_token() {
        let gate = Gate::new(30, now());
        let known = project(&[], &["secret"], Require::All);
        let ask = |asked, secret| gate.check(asked, at("203.0.113.7"), &offering(secret), now(), UTC).unwrap_err();
        let wrong = ask(Asked::Project("sales", Some(&known)), "wrong");
        for secret in ["wrong", "secret", "opens nothing", ""] {
            let unknown = ask(Asked::Project("slaes", None), secret);
            assert_eq!(unknown.status(), wrong.status());
            assert_eq!(unknown.client_text, wrong.client_text);
            assert_eq!(unknown.reason, Reason::UnknownProject);
        }
        assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
        assert_eq!(wrong.client_text, "refused for 203.0.113.7: wrong address, project or token");
    }

    #[test]
    fn the_thirty_first_refused_try_is_too_many_for_known_and_unknown_projects_alike() {
        let moment = now();
        let gate = Gate::new(30, moment);
        let known = project(&[], &["secret"], Require::All);
        for asked in
            [Asked::Project("sales", Some(&known)), Asked::Project("slaes", None), Asked::Admin(&known.access.tokens)]
        {
            let refuse = || gate.check(asked, at("203.0.113.7"), &offering("wrong"), moment, UTC).unwrap_err();
            for _ in 0..30 {
                assert_eq!(refuse().status(), StatusCode::FORBIDDEN);
            }
            let refusal = refuse();
            assert_eq!((refusal.status(), refusal.retry_after_seconds()), (StatusCode::TOO_MANY_REQUESTS, Some(2)));
        }
    }

    #[test]
    fn a_valid_request_is_never_throttled_by_the_failures_of_others() {
        let gate = Gate::new(1, now());
        let known = project(&[], &["secret"], Require::All);
        let asked = Asked::Project("sales", Some(&known));
        for _ in 0..100 {
            assert!(gate.check(asked, at("203.0.113.7"), &offering("wrong"), now(), UTC).is_err());
        }
        assert_eq!(gate.check(asked, at("203.0.113.7"), &offering("secret"), now(), UTC), Ok(()));
    }

    #[test]
    fn administrators_need_their_token_and_without_any_nobody_is_one() {
        let gate = Gate::new(30, now());
        let tokens = [Token { hash: TokenHash::of("admin"), expires: None }];
        let ask = |tokens, secret| {
            let checked = gate.check(Asked::Admin(tokens), at("203.0.113.7"), &offering(secret), now(), UTC);
            checked.err().map(|refusal| refusal.reason)
        };
        assert_eq!(ask(&tokens, "admin"), None);
        assert_eq!(ask(&tokens, "wrong"), Some(Reason::TokenWrong));
        assert_eq!(ask(&[], ""), Some(Reason::NothingOpens));
        assert_eq!(ask(&[], "opens nothing"), Some(Reason::NothingOpens));
    }

    #[test]
    fn the_log_names_the_setting_that_is_missing_and_the_list_shows_who_it_was() {
        let gate = Gate::new(30, now());
        let known = project(&["127.0.0.1/32"], &[], Require::All);
        let peer = Peer { address: "127.0.0.1:1234".parse().unwrap(), proxy_line: false };
        let asked = Asked::Project("sales", Some(&known));
        let refusal = gate.refuse_forwarded(asked, peer, Forwarding::Untrusted, now(), UTC);
        assert_eq!(refusal.status(), StatusCode::FORBIDDEN);
        assert!(refusal.log_text.contains("[server] trusted_proxies"), "{}", refusal.log_text);
        let list = gate.refused().latest();
        assert_eq!(list.len(), 1);
        assert_eq!((list[0].project.clone(), list[0].reason), (Arc::from("sales"), Reason::UntrustedProxy));
    }

    #[test]
    fn neither_log_nor_list_nor_answer_ever_holds_a_secret() {
        let gate = Gate::new(30, now());
        let refusal = gate
            .check(Asked::Project("sales&token=hunter2", None), at("203.0.113.7"), &offering("hunter2"), now(), UTC)
            .unwrap_err();
        assert!(!format!("{refusal:?} {:?}", gate.refused()).contains("hunter2"));
    }

    #[test]
    fn reasons_are_listed_in_their_own_order_under_different_names() {
        let names: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        assert!(Reason::ALL.iter().enumerate().all(|(place, reason)| place == *reason as usize));
    }
}
