//! Logs in: by SOAP with password and security token, or by OAuth with client credentials or a signed assertion.
//!
//! A refused login is an error of the kind `Refused` and is not tried again by itself: Salesforce locks users out who
//! keep trying.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;
use url::Url;

use super::session::Session;
use super::settings::Credentials;
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::soap::{Argument, Envelope, Fault, Message, Shape, Value as SoapValue, Version, decode};
use crate::sources::http::{Answer, Client, Request, explain_status};
use crate::sources::jwt::{Claims, Key};

/// The namespace of Salesforce's interface for partners.
const PARTNER: &str = "urn:partner.soap.sforce.com";
/// The domains whose hosts are Salesforce's, besides the one that is logged in to.
const DOMAINS: [&str; 3] = ["salesforce.com", "force.com", "salesforce.mil"];
/// Faults of a login that may pass.
const PASSING: [&str; 2] = ["SERVER_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"];
/// Errors of OAuth that may pass.
const PASSING_OAUTH: [&str; 3] = ["temporarily_unavailable", "server_error", "rate_limit_exceeded"];

/// Longest time that a session is used; Salesforce gives at most a day.
const LONGEST_SESSION: Duration = Duration::from_secs(24 * 60 * 60);

/// How to log in, with what had to be read for it.
pub(super) enum Access {
    Password { username: String, password: String },
    Secret { client: String, secret: String },
    Key { client: String, username: String, key: Key, audience: Option<String> },
}

/// Where and when to log in.
pub(super) struct Door<'a> {
    pub(super) client: &'a Client,
    pub(super) host: &'a Url,
    pub(super) version: &'a str,
    /// For how long a session lasts.
    pub(super) now: Instant,
    /// For the end of an assertion, in milliseconds since 1970 UTC.
    pub(super) utc: i64,
}

impl Access {
    pub(super) fn of(credentials: &Credentials, source: &config::Source) -> Result<Self> {
        Ok(match credentials.clone() {
            Credentials::Password { username, password } => Self::Password { username, password },
            Credentials::Secret { client, secret } => Self::Secret { client, secret },
            Credentials::Key { client, username, key, audience } => {
                Self::Key { client, username, key: Key::read(&key, &source.folder, !source.tenant)?, audience }
            }
        })
    }

    /// Logs in.
    pub(super) async fn log_in(&self, door: &Door<'_>) -> Result<Session> {
        match self {
            Self::Password { username, password } => by_soap(door, username, password).await,
            Self::Secret { client, secret } => {
                let mut request = token_request(door, &[("grant_type", "client_credentials")])?;
                let encoded = STANDARD.encode(format!("{client}:{secret}"));
                request.headers.insert(AUTHORIZATION, secret_header(&format!("Basic {encoded}"))?);
                by_oauth(door, request).await
            }
            Self::Key { client, username, key, audience } => {
                let usual = usual_audience(door.host);
                let audience = audience.as_deref().unwrap_or(usual);
                let claims = Claims { issuer: client, subject: username, audience };
                let assertion = key.assertion(&claims, door.utc / 1_000)?;
                let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
                let request = token_request(door, &[("grant_type", grant), ("assertion", &assertion)])?;
                by_oauth(door, request).await
            }
        }
    }
}

/// Sandboxes are logged in to at another host, and an assertion has to name it.
fn usual_audience(host: &Url) -> &'static str {
    let name = host.host_str().unwrap_or_default();
    if name == "test.salesforce.com" || name.contains(".sandbox.") {
        "https://test.salesforce.com"
    } else {
        "https://login.salesforce.com"
    }
}

async fn by_soap(door: &Door<'_>, username: &str, password: &str) -> Result<Session> {
    let field = |name: &str, text: &str| Argument {
        namespace: Some(Arc::from(PARTNER)),
        ..Argument::new(name, SoapValue::text(text))
    };
    let message = Message {
        version: Version::V11,
        shape: Shape::DocumentLiteral,
        namespace: PARTNER,
        function: "login",
        arguments: &[field("username", username), field("password", password)],
        header: None,
        is_answer: false,
    };
    let mut request =
        Request::post(address(door.host, &format!("/services/Soap/u/{}", door.version))?, message.write());
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    request.headers.insert("soapaction", HeaderValue::from_static("\"\""));
    let answer = door.client.send(request).await?;
    let envelope = Envelope::read(&answer.body, Some(answer.content_type()));
    match envelope {
        Ok(envelope) => match envelope.fault() {
            Some(fault) => Err(explain_fault(&fault)),
            None => read_login(door, &decode::answer(&envelope)?),
        },
        Err(why) if answer.status.is_success() => Err(why),
        Err(_) => Err(explain_status(&answer)),
    }
}

fn read_login(door: &Door<'_>, result: &Value) -> Result<Session> {
    let text = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default();
    let seconds =
        result.pointer("/userInfo/sessionSecondsValid").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let lasts = seconds.map(Duration::from_secs);
    open(door, text("serverUrl"), text("sessionId"), lasts)
}

fn explain_fault(fault: &Fault) -> Error {
    let code = shown(&fault.code);
    let kind = match code {
        _ if PASSING.contains(&code) => Kind::Unavailable,
        "UNSUPPORTED_API_VERSION" | "INVALID_API_VERSION" => Kind::Invalid,
        _ => Kind::Refused,
    };
    Error::new(kind, format!("it refuses the login: {code}"))
}

fn token_request(door: &Door<'_>, form: &[(&str, &str)]) -> Result<Request> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut request = Request::post(address(door.host, "/services/oauth2/token")?, body);
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    Ok(request)
}

async fn by_oauth(door: &Door<'_>, request: Request) -> Result<Session> {
    let answer = door.client.send(request).await?;
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    if !answer.status.is_success() {
        return Err(explain_oauth(&answer, json.as_ref()));
    }
    let json = json.ok_or_else(|| Error::new(Kind::Corrupt, "the answer to the login is no JSON"))?;
    let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default();
    open(door, text("instance_url"), text("access_token"), None)
}

fn explain_oauth(answer: &Answer, json: Option<&Value>) -> Error {
    let code = json.and_then(|json| json.get("error")).and_then(Value::as_str).map(shown);
    match code {
        Some(code) if PASSING_OAUTH.contains(&code) => {
            Error::new(Kind::Unavailable, format!("it refuses the login: {code}"))
        }
        Some(code) => Error::new(Kind::Refused, format!("it refuses the login: {code}")),
        None => explain_status(answer),
    }
}

/// Makes a session of an answer, when it leads to a host that may have it.
fn open(door: &Door<'_>, instance: &str, id: &str, lasts: Option<Duration>) -> Result<Session> {
    let wrong = || Error::new(Kind::Corrupt, "the answer to the login has no session");
    let instance = Url::parse(instance).map_err(|_| wrong())?;
    if id.is_empty() {
        return Err(wrong());
    }
    if !is_trusted(door.host, &instance) {
        return Err(Error::new(Kind::Invalid, "the login leads to a host that is none of Salesforce"));
    }
    let bearer = secret_header(&format!("Bearer {id}"))?;
    Ok(Session {
        instance,
        bearer,
        id: config::Secret::new(id.to_owned()),
        until: lasts.map(|lasts| door.now + lasts.min(LONGEST_SESSION) * 9 / 10),
    })
}

/// Whether a session may be used with a host: that of the login, or one of Salesforce's over TLS.
fn is_trusted(login: &Url, instance: &Url) -> bool {
    if login.origin() == instance.origin() {
        return true;
    }
    let name = instance.host_str().unwrap_or_default();
    let is_of = |domain: &&str| name.strip_suffix(*domain).is_some_and(|rest| rest.ends_with('.'));
    instance.scheme() == "https" && DOMAINS.iter().any(is_of)
}

/// An address below a host.
pub(super) fn address(host: &Url, path: &str) -> Result<Url> {
    host.join(path).map_err(|_| Error::new(Kind::Invalid, "this is no address of Salesforce"))
}

fn secret_header(text: &str) -> Result<HeaderValue> {
    let invalid = |_| Error::new(Kind::Corrupt, "a credential has letters that cannot be sent");
    let mut value = HeaderValue::from_str(text).map_err(invalid)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A code as it may stand in a message.
pub(super) fn shown(code: &str) -> &str {
    let is_code = code.len() <= 60 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_code { code } else { "an unknown error" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_goes_to_salesforce_and_to_nobody_else() {
        let login = Url::parse("https://login.salesforce.com").unwrap();
        for (instance, trusted) in [
            ("https://acme.my.salesforce.com/services/Soap/u/59.0/00D", true),
            ("https://acme.lightning.force.com", true),
            ("https://login.salesforce.com/x", true),
            ("http://acme.my.salesforce.com", false),
            ("https://evilsalesforce.com", false),
            ("https://salesforce.com.evil.example", false),
            ("https://acme.my.salesforce.com@evil.example/", false),
            ("https://127.0.0.1/", false),
        ] {
            assert_eq!(is_trusted(&login, &Url::parse(instance).unwrap()), trusted, "{instance}");
        }
        let own = Url::parse("http://127.0.0.1:8080").unwrap();
        assert!(is_trusted(&own, &Url::parse("http://127.0.0.1:8080/services/Soap/u/59.0/00D").unwrap()));
        assert!(!is_trusted(&own, &Url::parse("http://127.0.0.1:8081/").unwrap()));
    }

    #[test]
    fn a_session_that_lasts_for_ever_lasts_for_a_day() {
        let (host, bench) =
            (Url::parse("https://login.salesforce.com").unwrap(), crate::sources::stand_in::workbench());
        let door = Door { client: &bench.client, host: &host, version: "59.0", now: bench.clock.now(), utc: 0 };
        let session = open(&door, host.as_str(), "id", Some(Duration::from_secs(u64::MAX))).unwrap();
        assert_eq!(session.until, Some(door.now + LONGEST_SESSION * 9 / 10));
    }

    #[test]
    fn words_of_an_error_are_shown_only_when_they_are_a_code() {
        assert_eq!(shown("INVALID_LOGIN"), "INVALID_LOGIN");
        assert_eq!(shown("password 1234 of ion"), "an unknown error");
    }
}
