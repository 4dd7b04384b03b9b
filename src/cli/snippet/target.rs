//! What a PBX has to know: the URL as it is reached, the token, how long to wait.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::{Format, Project, Server, TokenHash};
use crate::error::{Error, Kind, Result};

/// What stands for a token that is not known: calldex keeps hashes only.
pub(super) const PLACEHOLDER: &str = "PUT-THE-TOKEN-HERE";

/// How much longer than the deadline a PBX waits: for the way there and back.
const WAY: Duration = Duration::from_millis(500);

/// What is encoded in a query: all but the unreserved characters of RFC 3986, so that no PBX finds syntax in it.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A project as a PBX reaches it.
pub(super) struct Target<'a> {
    pub(super) project: &'a Project,
    server: &'a Server,
    /// Encoded for a URL; `None` where the project needs none.
    token: Option<String>,
    is_placeholder: bool,
}

impl<'a> Target<'a> {
    /// Checks that the token opens the project; `now` is in milliseconds since 1970 UTC.
    pub(super) fn new(server: &'a Server, project: &'a Project, token: Option<String>, now: i64) -> Result<Self> {
        let tokens = &project.access.tokens;
        if let Some(token) = &token {
            let hash = TokenHash::of(token);
            let refuse = |why: &str| {
                Error::new(Kind::Invalid, format!("this {why} the project {}; see `tokens` of it", project.name))
            };
            let known: Vec<_> = tokens.iter().filter(|known| known.hash.matches(&hash)).collect();
            if known.is_empty() {
                return Err(refuse("is no token of"));
            }
            if known.iter().all(|known| known.expires.is_some_and(|end| now >= end)) {
                return Err(refuse("token has expired: it does not open"));
            }
        }
        let is_placeholder = token.is_none() && !tokens.is_empty();
        let token = token.or_else(|| is_placeholder.then(|| PLACEHOLDER.to_owned()));
        let token = token.map(|token| utf8_percent_encode(&token, ENCODED).to_string());
        Ok(Self { project, server, token, is_placeholder })
    }

    /// What whoever pastes the configuration still has to do.
    pub(super) fn note(&self) -> Option<String> {
        self.is_placeholder.then(|| {
            format!(
                "put a token of the project {} in the place of {PLACEHOLDER}, percent-encoded if it has other characters \
                 than A-Z a-z 0-9 - _ . ~: calldex keeps only hashes and cannot print it. With `--token TOKEN` (or \
                 `--token -`) it is printed. No token at hand: `calldex token new`, and its hash into `tokens`",
                self.project.name
            )
        })
    }

    /// `http://host/sales/lookup?format=json&token=…`; further parameters follow with `&`.
    pub(super) fn lookup_url(&self, format: Format) -> Result<String> {
        let token = self.token.as_ref().map(|token| format!("&token={token}")).unwrap_or_default();
        Ok(format!("{}/{}/lookup?format={}{token}", self.base()?, self.project.name, word(format)))
    }

    /// The same for a PBX that looks for the fields at the top of the JSON object.
    pub(super) fn bare_json_url(&self) -> Result<String> {
        if self.project.reply.root_tag.is_some() {
            let message = format!(
                "[project.{}] has a root_tag, and this configuration reads the fields at the top of the answer; give this \
                 PBX a project of its own without root_tag",
                self.project.name
            );
            return Err(Error::new(Kind::Invalid, message));
        }
        self.lookup_url(Format::Json)
    }

    /// The address in the style of the PBX maker's own example.
    pub(super) fn while1_url(&self, format: Option<Format>) -> Result<String> {
        let format = format.map(|format| format!("format={}", word(format)));
        let token = self.token.as_ref().map(|token| format!("token={token}"));
        let query: Vec<String> = format.into_iter().chain(token).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        Ok(format!("{}/api/{}{mark}{}", self.base()?, self.project.name, query.join("&")))
    }

    /// `agi://host:4573/sales?token=…&`; a further parameter follows.
    pub(super) fn agi_url(&self) -> Result<String> {
        let Some(listener) = self.server.agi else {
            let message =
                "[server] has no agi; add agi = \"127.0.0.1:4573\", or another address where Asterisk reaches it";
            return Err(Error::new(Kind::Invalid, message));
        };
        let host = match self.server.public_url.as_deref() {
            Some(public) if listener.ip().is_unspecified() => host_of(public)?,
            _ => reachable(listener, "agi")?,
        };
        let token = self.token.as_ref().map(|token| format!("token={token}&")).unwrap_or_default();
        Ok(format!("agi://{host}:{}/{}?{token}", listener.port(), self.project.name))
    }

    /// Puts the words of this project, and those given, in their places.
    pub(super) fn fill(&self, template: &str, words: &[(&str, String)]) -> String {
        let limit = self.limit();
        let deadline = milliseconds(self.project.deadline);
        let own = [
            ("PROJECT", self.project.name.to_string()),
            ("SECONDS", limit.as_millis().div_ceil(1_000).to_string()),
            ("MILLISECONDS", limit.as_millis().to_string()),
            ("WAIT", format!("The longest wait: calldex answers within {deadline}, and the way takes time too.")),
            ("ANSWER", format!("calldex answers within {deadline}.")),
        ];
        // Those given come first: a script among them holds words of its own.
        let all =
            words.iter().map(|(word, value)| (*word, value)).chain(own.iter().map(|(word, value)| (*word, value)));
        all.fold(template.to_owned(), |text, (word, value)| text.replace(&format!("@{word}@"), value))
    }

    /// How long the PBX should wait, as `1.3`.
    pub(super) fn limit_in_seconds(&self) -> String {
        let millis = self.limit().as_millis();
        let text = format!("{}.{:03}", millis / 1_000, millis % 1_000);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    fn limit(&self) -> Duration {
        self.project.deadline + WAY
    }

    /// The address under which PBXs reach the HTTP listener.
    fn base(&self) -> Result<String> {
        if let Some(public) = &self.server.public_url {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/._~-[]%".contains(&byte);
            if public.bytes().all(plain) {
                return Ok(public.clone());
            }
            let message = "[server] public_url holds characters that a PBX may take for syntax; write them as %XX";
            return Err(Error::new(Kind::Invalid, message));
        }
        let listener = self.server.listen;
        let scheme = if self.server.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}:{}", reachable(listener, "listen")?, listener.port()))
    }
}

/// The host of a listener as a URL has it.
fn reachable(listener: SocketAddr, key: &str) -> Result<String> {
    if listener.ip().is_unspecified() || listener.port() == 0 {
        let message = format!(
            "[server] {key} = \"{listener}\" does not say how PBXs reach this server; add [server] public_url, such as \
             \"http://calldex.example.com:8080\""
        );
        return Err(Error::new(Kind::Invalid, message));
    }
    Ok(match listener.ip() {
        IpAddr::V4(four) => four.to_string(),
        IpAddr::V6(six) => format!("[{six}]"),
    })
}

fn host_of(public: &str) -> Result<String> {
    let parsed = url::Url::parse(public).ok();
    let host = parsed.as_ref().and_then(url::Url::host_str);
    host.map(str::to_owned).ok_or_else(|| Error::new(Kind::Invalid, "[server] public_url has no host"))
}

fn word(format: Format) -> &'static str {
    match format {
        Format::Json => "json",
        Format::Xml => "xml",
        Format::Text => "text",
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}
