//! `GET /{project}/explain`: an administrator asks how an answer came to be.

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};

use crate::access::Offered;
use crate::config::Format;
use crate::lookup::Project;
use crate::model::{Call, RequestId};

use super::question::{Asked, MAX_QUERY, Parameters};
use super::refusal::Refused;
use super::{Http, lookup, refusal};

/// Explains a new lookup (`telephone`, `dnid`) or one of the last thousand (`request`).
pub(super) async fn answer(http: &Http, project: &str, request: Request) -> Response {
    let request_id = http.request_id(request.headers());
    let (parts, _) = request.into_parts();
    if let Err(refused) = admit_administrator(http, &parts, &request_id) {
        return refusal::respond(&refused, None, Format::Json, &request_id);
    }
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    if query.len() > MAX_QUERY {
        return refusal::respond(&Refused::QUERY_TOO_LONG, None, Format::Json, &request_id);
    }
    let mut parameters = Parameters::from_query(query);
    // A token of the project may stand in a URL that somebody pastes; it is of no use here and must not be shown.
    drop(parameters.take(|name| name == "token"));
    let asked = parameters.into_asked();
    let current = http.reception.current();
    let Some(project) = current.projects.get(project) else {
        let names = current.projects.keys().map(|name| &**name).collect::<Vec<_>>();
        return reply(StatusCode::NOT_FOUND, &json!({ "error": "no such project", "projects": names }), &request_id);
    };
    match asked.request() {
        Some(earlier) => explain_earlier(http, project, earlier, &request_id).await,
        None => explain_now(http, project, asked, &request_id).await,
    }
}

/// Lets in who has an administrator's token.
pub(super) fn admit_administrator(http: &Http, parts: &Parts, request_id: &RequestId) -> Result<(), Refused> {
    http.reception
        .admit_administrator(lookup::sender(parts)?, &Offered::bearer(&parts.headers), request_id)
        .map_err(Refused::from)
}

async fn explain_earlier(http: &Http, project: &Project, earlier: &str, request_id: &RequestId) -> Response {
    match http.reception.lookup.explanation(project, earlier).await {
        Some(explanation) => reply(StatusCode::OK, &explanation.to_json(), request_id),
        None => {
            let error = "no such request among the last 1,000 lookups, or an address book has changed since";
            reply(StatusCode::NOT_FOUND, &json!({ "error": error }), request_id)
        }
    }
}

async fn explain_now(http: &Http, project: &Project, asked: Asked, request_id: &RequestId) -> Response {
    let call = Call {
        project: project.config.name.clone(),
        telephone: asked.telephone.given().unwrap_or_default(),
        dnid: asked.dnid.given().unwrap_or_default(),
        direction: asked.direction,
        params: asked.others,
        request_id: request_id.clone(),
    };
    let answer = http.reception.answer(project, call, http.reception.clock.now()).await;
    reply(StatusCode::OK, &answer.explanation.to_json(), request_id)
}

fn reply(status: StatusCode, body: &Value, request_id: &RequestId) -> Response {
    super::response(status, "application/json", Bytes::from(body.to_string()), request_id)
}
