//! `POST` and `DELETE /agent/session`, `POST /agent/password`: signing in and out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::super::{Http, lookup};
use super::{Answered, Asked, Problem, SESSION, answer, json_body};
use crate::access::{self, Client, Gate};
use crate::events::accounts::SignedIn;

/// How long a browser keeps the cookie, in seconds: as long as the session lasts.
const MONTH: u32 = 30 * 86_400;

/// How somebody signs in: by a personal link, or by name and password.
#[derive(Deserialize)]
#[serde(untagged)]
enum Offered {
    Link { invite: String },
    Password { project: String, name: String, password: String },
}

pub(super) async fn begin(State(http): State<Arc<Http>>, request: Request) -> Response {
    answer(&http, request, |http, parts, body, request_id| async move {
        let offered: Offered = json_body(&parts, body).await?;
        let asked = Asked { http: &http, parts, request_id };
        asked.check_site()?;
        let (signed_in, otherwise) = match offered {
            Offered::Link { invite } => {
                asked.count(|gate, client, now| gate.count_link(client, now))?;
                let gone = Problem::new(StatusCode::GONE, "this link was used or has expired");
                (http.events.store.sign_in_by_link(&invite, asked.now()).await?, gone)
            }
            Offered::Password { project, name, password } => {
                // Counted as they are looked up, or blanks around them would make each guess the first one.
                let (project, name) = (project.trim(), name.trim());
                let who = format!("{project}/{}", name.to_lowercase());
                let client = asked.count(|gate, client, now| gate.count_sign_in(client, &who, now))?;
                let signed_in = http.events.store.sign_in(project, name, password, asked.now()).await?;
                if signed_in.is_some() {
                    http.reception.gate.forgive_sign_in(client);
                }
                (signed_in, Problem::new(StatusCode::UNAUTHORIZED, "project, name and password do not fit together"))
            }
        };
        let configured = signed_in.filter(|it| super::is_configured(&http, &it.session.account.project));
        Ok(asked.signed_in(&configured.ok_or(otherwise)?))
    })
    .await
}

pub(super) async fn end(State(http): State<Arc<Http>>, request: Request) -> Response {
    answer(&http, request, |http, parts, _, request_id| async move {
        let asked = Asked { http: &http, parts, request_id };
        let (_, token) = asked.changing().await?;
        http.events.store.sign_out(&token).await?;
        let mut response = asked.reply(StatusCode::OK, &json!({}));
        set_cookie(&mut response, "", 0);
        Ok(response)
    })
    .await
}

#[derive(Deserialize)]
struct NewPassword {
    password: String,
}

pub(super) async fn set_password(State(http): State<Arc<Http>>, request: Request) -> Response {
    answer(&http, request, |http, parts, body, request_id| async move {
        let new: NewPassword = json_body(&parts, body).await?;
        let asked = Asked { http: &http, parts, request_id };
        let (session, token) = asked.changing().await?;
        http.events.store.set_password(session.account.id, new.password, Some(&token)).await?;
        Answered::Ok(asked.reply(StatusCode::OK, &json!({})))
    })
    .await
}

impl Asked<'_> {
    /// Counts a try, and refuses too many from one address.
    fn count(&self, tries: impl FnOnce(&Gate, Client, Instant) -> Option<Duration>) -> Result<Client, Problem> {
        let unknown = || Problem::new(StatusCode::FORBIDDEN, "not allowed");
        let sender = lookup::sender(&self.parts).map_err(|_| unknown())?;
        let reception = &self.http.reception;
        let proxies = reception.current().config.server.trusted_proxies.clone();
        let client = access::client(sender.peer, sender.headers, &proxies).map_err(|_| unknown())?;
        match tries(&reception.gate, client, reception.clock.now()) {
            None => Ok(client),
            Some(wait) => {
                let words = "too many tries, wait before the next one";
                let retry_after = Some(wait.as_secs() + 1);
                Err(Problem { retry_after, ..Problem::new(StatusCode::TOO_MANY_REQUESTS, words) })
            }
        }
    }

    fn signed_in(&self, signed_in: &SignedIn) -> Response {
        let SignedIn { token, session } = signed_in;
        let body = json!({
            "project": session.account.project,
            "agent": session.account.name,
            "csrf": session.csrf,
            "has_password": session.account.has_password,
        });
        let mut response = self.reply(StatusCode::OK, &body);
        set_cookie(&mut response, token, MONTH);
        response
    }
}

/// A browser keeps a `Secure` cookie over plain HTTP only for this machine, which is where plain HTTP is for trying out.
fn set_cookie(response: &mut Response, token: &str, seconds: u32) {
    let cookie = format!("{SESSION}={token}; Path=/agent; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
}
