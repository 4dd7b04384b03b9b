//! Sessions: a login before the first request, renewed before its end and once when the CRM says that it is over.
//!
//! One session at a time, behind a mutex that is held while somebody logs in: whoever comes meanwhile waits for that login
//! instead of starting one more, and so does nobody for a while after one that was refused, since an account is locked after a
//! few of them. It ends with the source.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use jmespath::Rcvar;
use minijinja::value::Value;

use super::answer::{self, Outcome};
use super::auth_plan::{Assertion, Login, SessionPlan};
use super::engine::Engine;
use super::mapping::Path;
use super::request;
use super::view::Vars;
use crate::error::{Error, Kind, Result};
use crate::sources::breaker::FIRST_REFUSED_FOR;
use crate::sources::jwt::{Claims, Key};
use crate::sources::watch;

/// A session is renewed this long before its end.
const AHEAD: Duration = Duration::from_secs(60);

/// What a login gave.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// `session` in templates.
    pub(super) values: Value,
    until: Instant,
    /// Which login it was: only the session that failed is given up.
    number: u64,
}

/// The session of a source.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    current: tokio::sync::Mutex<Option<Session>>,
    /// Until when no login is tried, and why the last one was refused. Held for a look.
    refused: Mutex<Option<(Instant, String)>>,
    count: std::sync::atomic::AtomicU64,
}

impl Sessions {
    /// Lets the next request try a login that was refused a moment ago.
    pub(super) fn forgive(&self) {
        *self.refused() = None;
    }

    /// Why no login is tried at this moment.
    fn refusal(&self, now: Instant) -> Option<Error> {
        let refused = self.refused();
        let (_, why) = refused.as_ref().filter(|(until, _)| now < *until)?;
        Some(Error::new(Kind::Refused, why.clone()))
    }

    fn refused(&self) -> MutexGuard<'_, Option<(Instant, String)>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// The session; `None` where the recipe has none. Logs in when there is none yet.
    ///
    /// # Errors
    /// What the login says; a refused one is [`Kind::Refused`].
    pub(super) async fn session(&self) -> Result<Option<Session>> {
        let Some(plan) = &self.settings.recipe.auth.session else { return Ok(None) };
        let mut current = self.sessions.current.lock().await;
        if let Some(session) = current.as_ref().filter(|session| self.clock.now() < session.until) {
            return Ok(Some(session.clone()));
        }
        *current = None;
        let session = self.log_in_once(plan).await.map_err(|error| error.before_asking(true))?;
        *current = Some(session.clone());
        Ok(Some(session))
    }

    /// Logs in, unless that was refused a moment ago.
    async fn log_in_once(&self, plan: &SessionPlan) -> Result<Session> {
        if let Some(refusal) = self.sessions.refusal(self.clock.now()) {
            return Err(refusal);
        }
        let session = self.log_in(plan).await;
        let refused = session.as_ref().err().filter(|error| error.kind() == Kind::Refused);
        *self.sessions.refused() = refused.map(|error| (self.clock.now() + FIRST_REFUSED_FOR, error.to_string()));
        session
    }

    /// Gives up a session that is over.
    pub(super) async fn forget(&self, session: &Session) {
        let mut current = self.sessions.current.lock().await;
        if current.as_ref().is_some_and(|current| current.number == session.number) {
            *current = None;
        }
    }

    async fn log_in(&self, plan: &SessionPlan) -> Result<Session> {
        let vars = Vars::new();
        let (base, context) = self.context(&vars, None)?;
        let request = match &plan.login {
            Login::Request(plan) => request::make_login(&self.settings, plan, &base, &context)?,
            Login::Token { url, form, assertion } => {
                let mut pairs = Vec::new();
                for (name, template) in form {
                    pairs.push((name.clone(), request::text(&self.settings, template, &context, name)?));
                }
                if let Some(assertion) = assertion {
                    let signed = self.assert(assertion, &context)?;
                    watch::hide(|| vec![signed.clone()]);
                    pairs.push(("assertion".to_owned(), signed));
                }
                request::make_token_request(&self.settings, url, &pairs, &context)?
            }
        };
        let answer = watch::unseen(self.send(request, None)).await?;
        let refused =
            matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if matches!(plan.login, Login::Token { .. }) && refused {
            return Err(self.refused(&format!("status {}", answer.status.as_u16())));
        }
        match answer::read(&self.settings.recipe, &answer, self.clock.utc_millis()) {
            Outcome::Data(data) => self.begin(plan, &data),
            Outcome::Unknown | Outcome::SessionOver => Err(self.refused("it does not log in")),
            Outcome::Failed(error) => Err(self.keep_quiet(error)),
        }
    }

    pub(super) fn begin(&self, plan: &SessionPlan, data: &Rcvar) -> Result<Session> {
        let mut values = BTreeMap::new();
        for (name, path) in &plan.fields {
            let value = path.find(data);
            let value = serde_json::to_value(&*value).unwrap_or_default();
            let filled = matches!(&value, serde_json::Value::String(text) if !text.is_empty()) || value.is_number();
            if !filled {
                return Err(self.refused(&format!("the answer of the login has no {name}")));
            }
            watch::hide(|| {
                value.as_str().filter(|text| !text.starts_with("http")).map(str::to_owned).into_iter().collect()
            });
            values.insert(name.clone(), Value::from(minijinja::value::Serde(value)));
        }
        let said = Path::compile("expires_in").ok().and_then(|path| path.text(data)).and_then(|text| text.parse().ok());
        let lifetime =
            said.map_or(plan.lifetime, Duration::from_secs).min(plan.lifetime.max(Duration::from_secs(3600)));
        let number = self.sessions.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let until = self.clock.now() + lifetime.saturating_sub(AHEAD).max(AHEAD.min(lifetime));
        Ok(Session { values: Value::from(values), until, number })
    }

    fn assert(&self, assertion: &Assertion, context: &Value) -> Result<String> {
        let text = |template, what| request::text(&self.settings, template, context, what);
        let (issuer, subject) = (text(&assertion.issuer, "the issuer")?, text(&assertion.subject, "the subject")?);
        let (audience, key) = (text(&assertion.audience, "the audience")?, text(&assertion.key, "the key")?);
        let claims = Claims { issuer: &issuer, subject: &subject, audience: &audience };
        Key::from_pem(&key)?.assertion(&claims, self.clock.utc_millis() / 1000)
    }

    pub(super) fn refused(&self, why: &str) -> Error {
        Error::new(Kind::Refused, format!("{} refuses the credentials ({why})", self.settings.recipe.title))
    }
}
