//! `GET /agent/state`: what the page shows first. `POST /agent/cards/{id}/choice`: which of several contacts is calling.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Http;
use super::{Asked, Problem, answer, json_body};
use crate::events::accounts::Session;
use crate::events::{Named, OwnCall};
use crate::faces::reception::Current;
use crate::lookup::Project;

pub(super) async fn state(State(http): State<Arc<Http>>, request: Request) -> Response {
    answer(&http, request, |http, parts, _, request_id| async move {
        let asked = Asked { http: &http, parts, request_id };
        let (session, _) = asked.session().await?;
        let account = &session.account;
        let project: Arc<str> = account.project.as_str().into();
        // Read first: what changes while the rest is read comes by the stream once more.
        let newest = http.events.newest_change().await?;
        let (cards, calls) = http.events.desk(&project, &account.name).await?;
        let current = http.reception.current();
        let ready = current.projects.get(&project).ok_or_else(Problem::signed_out)?;
        let places = places(&current, ready);
        let body = json!({
            "project": account.project,
            "agent": account.name,
            "csrf": session.csrf,
            "has_password": account.has_password,
            "places": places,
            "cards": cards,
            "calls": calls,
            "event_id": newest.to_string(),
        });
        Ok(asked.reply(StatusCode::OK, &body))
    })
    .await
}

/// Where contacts can be made, in the order of the project: address books, which can be searched, and systems that can.
fn places(current: &Current, project: &Project) -> Vec<Value> {
    let is_book = |name: &Arc<str>| current.config.directories.contains_key(name);
    let makes = |name: &Arc<str>| current.live.get(name).is_some_and(|live| live.contact_maker.is_some());
    let names = project.config.sources.iter().filter(|name| is_book(name) || makes(name));
    names.map(|name| json!({ "name": &**name, "is_book": is_book(name) })).collect()
}

/// A contact that the agent has picked.
#[derive(Deserialize)]
struct Picked {
    source: String,
    id: String,
}

pub(super) async fn choose(State(http): State<Arc<Http>>, Path(id): Path<i64>, request: Request) -> Response {
    answer(&http, request, |http, parts, body, request_id| async move {
        let picked: Picked = json_body(&parts, body).await?;
        let asked = Asked { http: &http, parts, request_id };
        let (session, _) = asked.changing().await?;
        let call = asked.own_call(&session, id).await?;
        let contact = Named { source: picked.source, id: picked.id };
        http.events.choose(&call, &contact, &session.account.name).await?;
        Ok(asked.reply(StatusCode::OK, &json!({})))
    })
    .await
}

impl Asked<'_> {
    /// A call that the agent takes part in; any other one is as if it were not there.
    pub(super) async fn own_call(&self, session: &Session, id: i64) -> Result<OwnCall, Problem> {
        let project = session.account.project.as_str().into();
        let call = self.http.events.own_call(&project, &session.account.name, id).await?;
        call.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such call"))
    }
}
