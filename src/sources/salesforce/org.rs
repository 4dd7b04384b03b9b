//! Sends requests to a company's Salesforce: in its session, which is renewed once, and within its daily limit.

use std::sync::Arc;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use serde_json::Value;
use url::Url;

use super::limits::Limits;
use super::login::{Access, Door, address, shown};
use super::session::{Session, Sessions};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::sources::Workbench;
use crate::sources::http::{Answer, Client, Request, explain_status};

/// Refusals of a session that another login does not mend.
const NOT_EXPIRED: [&str; 2] =
    ["Connected app is not attached to Agent", "This session is not valid for use with the REST API"];

/// A company's Salesforce.
pub(super) struct Org {
    login: Url,
    version: String,
    access: Access,
    sessions: Sessions,
    limits: Limits,
    client: Client,
    clock: Arc<dyn Clock>,
}

/// What became of a request.
pub(super) enum Outcome<T> {
    /// It was answered.
    Done(T),
    /// The session has ended.
    Expired,
}

impl Org {
    pub(super) fn new(login: Url, version: String, access: Access, bench: Workbench) -> Self {
        let (sessions, limits) = (Sessions::default(), Limits(bench.quiet));
        Self { login, version, access, sessions, limits, client: bench.client, clock: bench.clock }
    }

    /// The time.
    pub(super) fn now(&self) -> std::time::Instant {
        self.clock.now()
    }

    /// The session, after a login where there is none.
    pub(super) async fn session(&self) -> Result<Arc<Session>> {
        let (now, utc) = (self.clock.now(), self.clock.utc_millis());
        let door = Door { client: &self.client, host: &self.login, version: &self.version, now, utc };
        self.sessions.get(&self.access, &door).await
    }

    /// Does something in the session, and once more in a new one when it had ended.
    pub(super) async fn within<T, F>(&self, send: impl Fn(Arc<Session>) -> F) -> Result<T>
    where
        F: Future<Output = Result<Outcome<T>>>,
    {
        self.limits.check(self.clock.now())?;
        for _ in 0..2 {
            let session = self.session().await?;
            match send(Arc::clone(&session)).await? {
                Outcome::Done(done) => return Ok(done),
                Outcome::Expired => self.sessions.forget(&session).await,
            }
        }
        let message = "it does not accept the session that it has just given (INVALID_SESSION_ID); an app of OAuth must \
                       not issue JWT-based access tokens";
        Err(Error::new(Kind::Refused, message))
    }

    /// Searches by SOSL. Returns the answer and the session in which it was given.
    pub(super) async fn search(&self, query: &str) -> Result<(Value, Arc<Session>)> {
        self.rest(Method::GET, "search/", Some(query), None).await
    }

    /// Asks by SOQL.
    pub(super) async fn query(&self, query: &str) -> Result<Value> {
        Ok(self.rest(Method::GET, "query/", Some(query), None).await?.0)
    }

    /// Creates a record.
    pub(super) async fn create(&self, kind: &str, fields: &Value) -> Result<Value> {
        Ok(self.rest(Method::POST, &format!("sobjects/{kind}/"), None, Some(fields)).await?.0)
    }

    async fn rest(
        &self,
        method: Method,
        path: &str,
        query: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(Value, Arc<Session>)> {
        let body = body.map(Value::to_string);
        self.within(|session| {
            let (method, body) = (method.clone(), body.clone());
            async move {
                let mut url = address(&session.instance, &format!("/services/data/v{}/{path}", self.version))?;
                if let Some(query) = query {
                    url.query_pairs_mut().append_pair("q", query);
                }
                let mut request = Request { method, ..Request::post(url, body.unwrap_or_default()) };
                request.headers.insert(AUTHORIZATION, session.bearer.clone());
                request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
                if !request.body.is_empty() {
                    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                }
                Ok(match self.read(&self.client.send(request).await?)? {
                    Outcome::Done(value) => Outcome::Done((value, session)),
                    Outcome::Expired => Outcome::Expired,
                })
            }
        })
        .await
    }

    /// Sends an envelope to an address of the company, in its session.
    pub(super) async fn soap(&self, session: &Session, path: &str, envelope: String) -> Result<Answer> {
        let mut request = Request::post(address(&session.instance, path)?, envelope);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        request.headers.insert("soapaction", HeaderValue::from_static("\"\""));
        self.client.send(request).await
    }

    fn read(&self, answer: &Answer) -> Result<Outcome<Value>> {
        let now = self.clock.now();
        self.limits.note(&answer.headers, now);
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        if answer.status.is_success() {
            return json.map(Outcome::Done).ok_or_else(|| Error::new(Kind::Corrupt, "its answer is no JSON"));
        }
        let first = json.as_ref().and_then(|errors| errors.get(0));
        let text = |name| first.and_then(|error| error.get(name)).and_then(Value::as_str);
        let message = text("message").unwrap_or_default();
        match (answer.status.as_u16(), text("errorCode").map(shown)) {
            (401, Some("INVALID_SESSION_ID")) if !NOT_EXPIRED.iter().any(|words| message.contains(words)) => {
                Ok(Outcome::Expired)
            }
            (_, Some("REQUEST_LIMIT_EXCEEDED")) => Err(self.limits.reached(now)),
            (401 | 403, Some(code)) => Err(Error::new(Kind::Refused, format!("it does not let calldex in: {code}"))),
            (500.., Some(code)) => Err(Error::new(Kind::Unavailable, format!("it fails: {code}"))),
            (_, Some(code)) => Err(Error::new(Kind::Invalid, format!("it does not accept the request: {code}"))),
            (_, None) => Err(explain_status(answer)),
        }
    }

    /// The error of a fault, or the end of the session; `None` when there is another reason for it.
    pub(super) fn read_fault<T>(&self, code: &str) -> Option<Result<Outcome<T>>> {
        match code {
            "INVALID_SESSION_ID" => Some(Ok(Outcome::Expired)),
            "REQUEST_LIMIT_EXCEEDED" => Some(Err(self.limits.reached(self.clock.now()))),
            _ => None,
        }
    }
}
