//! Keeps the session of a source: logged in once for all requests, and again when Salesforce has ended it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderValue;
use tokio::sync::Mutex;
use url::Url;

use super::login::{Access, Door};
use crate::config::Secret;
use crate::error::{Error, Kind, Result};
use crate::sources::watch;

/// How long a refused login is not tried again: requests that come at once must not lock the user out.
const PAUSE: Duration = Duration::from_secs(60);

/// A session. It holds a secret, so it is not printed.
pub(super) struct Session {
    /// The company's own host.
    pub(super) instance: Url,
    /// The value of `Authorization`.
    pub(super) bearer: HeaderValue,
    /// Its name, for the header of SOAP.
    pub(super) id: Secret,
    /// Until when it is used; without an end it is used until it is refused.
    pub(super) until: Option<Instant>,
}

/// The one session of a source. The lock is held during the login, so that requests at once log in once.
#[derive(Default)]
pub(super) struct Sessions(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    None,
    Open(Arc<Session>),
    Refused {
        why: String,
        until: Instant,
    },
}

impl Sessions {
    /// The session, after a login where there is none.
    pub(super) async fn get(&self, access: &Access, door: &Door<'_>) -> Result<Arc<Session>> {
        let mut state = self.0.lock().await;
        match &*state {
            State::Open(session) if session.until.is_none_or(|until| door.now < until) => {
                return Ok(Arc::clone(session));
            }
            State::Refused { why, until } if door.now < *until => {
                return Err(Error::new(Kind::Refused, why.clone()).before_asking(true));
            }
            _ => {}
        }
        match watch::unseen(access.log_in(door)).await {
            Ok(session) => {
                let session = Arc::new(session);
                *state = State::Open(Arc::clone(&session));
                Ok(session)
            }
            Err(error) => {
                *state = match error.kind() {
                    Kind::Refused => State::Refused { why: error.to_string(), until: door.now + PAUSE },
                    _ => State::None,
                };
                Err(error.before_asking(true))
            }
        }
    }

    /// Drops a session that was refused, unless another one has taken its place already.
    pub(super) async fn forget(&self, refused: &Arc<Session>) {
        let mut state = self.0.lock().await;
        if matches!(&*state, State::Open(session) if Arc::ptr_eq(session, refused)) {
            *state = State::None;
        }
    }
}
