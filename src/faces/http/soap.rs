//! `GET|POST /{project}/soap`: a PBX asks by SOAP, or fetches the WSDL first.
//!
//! The WSDL is the same for every project and for none, holds no secret, and is handed to whoever asks: PHP fetches it
//! before it has a chance to send the token that is an argument of the call.

use std::borrow::Cow;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use crate::faces::soap::{self, Described, Mistake, Question};
use crate::lookup::Project;
use crate::model::{CallerData, RequestId};
use crate::soap::{Version, is_name};

use super::question::{Asked, Parameters};
use super::refusal::Refused;
use super::{Http, credentials, lookup};

/// What the function is called where the address of the WSDL does not say.
const FUNCTION: &str = "getCallerInfo";

/// Longest name of a function in a WSDL, in bytes.
const LONGEST_NAME: usize = 100;

/// Answers with the WSDL.
pub(super) fn describe(http: &Http, request: &Request) -> Response {
    let query = Query::read(request.uri().query().unwrap_or_default());
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).filter(|host| is_host(host));
    let server = &http.reception.current().config.server;
    let base = match (&server.public_url, host) {
        (Some(url), _) => url.trim_end_matches('/').to_owned(),
        (None, host) => {
            let scheme = if server.tls.is_some() { "https" } else { "http" };
            format!("{scheme}://{}", host.unwrap_or("localhost"))
        }
    };
    let style = if query.is_document { "?style=document" } else { "" };
    let described = Described {
        location: &format!("{base}{}{style}", request.uri().path()),
        function: query.function.as_deref().unwrap_or(FUNCTION),
        is_document: query.is_document,
    };
    let request_id = http.request_id(request.headers());
    let body = Bytes::from(soap::describe(&described));
    super::response(StatusCode::OK, "text/xml; charset=utf-8", body, &request_id)
}

/// Answers a call, or refuses it.
pub(super) async fn answer(http: &Http, project: &str, request: Request) -> Response {
    let start = http.reception.clock.now();
    let request_id = http.request_id(request.headers());
    let (parts, body) = request.into_parts();
    let bytes = match lookup::read_body(&parts, body).await {
        Ok(bytes) => bytes,
        Err(refused) => return refuse(&refused, Version::V11, &request_id),
    };
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut question = match soap::read(&bytes, content_type) {
        Ok(question) => question,
        Err(mistake) => return fault(mistake.status(), &mistake, &request_id),
    };
    question.is_document |= Query::read(parts.uri.query().unwrap_or_default()).is_document;
    match admit(http, project, &parts, &mut question, &request_id) {
        Ok((project, asked)) => respond(http, &project, asked, &question, &request_id, start).await,
        Err(refused) => refuse(&refused, question.version, &request_id),
    }
}

/// Takes the credentials out of address, header and arguments, and lets the call in.
fn admit(
    http: &Http,
    project: &str,
    parts: &Parts,
    question: &mut Question,
    request_id: &RequestId,
) -> Result<(std::sync::Arc<Project>, Asked), Refused> {
    let mut in_query = Parameters::from_query(lookup::query_of(parts)?);
    let mut parameters = Parameters::default();
    for (name, value) in question.pairs.drain(..) {
        parameters.push(name, value);
    }
    let mut offered = credentials::take(&mut parameters, None, &parts.headers);
    credentials::take_parameters(&mut in_query, &mut offered);
    // The third of several values may be anything: it counts as the token only where there is no other.
    if let Some(third) = question.third.take().filter(|_| offered.is_none()) {
        offered.add(Cow::Owned(third));
    }
    let project = http.reception.admit(project, lookup::sender(parts)?, &offered, request_id)?;
    Ok((project, parameters.into_asked()))
}

async fn respond(
    http: &Http,
    project: &Project,
    asked: Asked,
    question: &Question,
    request_id: &RequestId,
    start: Instant,
) -> Response {
    let extended = project.config.reply.extended;
    let answer = lookup::ask(http, project, asked, request_id, start).await;
    let nobody = CallerData::default();
    let caller_data = answer.as_ref().map_or(&nobody, |answer| &answer.caller_data);
    let body = Bytes::from(soap::write(question, caller_data, extended));
    let mut response = super::response(StatusCode::OK, content_type(question.version), body, request_id);
    lookup::mark_degraded(&mut response, answer.as_ref());
    response
}

/// A refusal as a fault, with the status that every face gives it.
fn refuse(refused: &Refused, version: Version, request_id: &RequestId) -> Response {
    let mistake = Mistake { version, code: "Client", text: refused.words.to_string() };
    let mut response = fault(refused.status, &mistake, request_id);
    if let Some(seconds) = refused.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn fault(status: StatusCode, mistake: &Mistake, request_id: &RequestId) -> Response {
    super::response(status, content_type(mistake.version), Bytes::from(soap::refuse(mistake)), request_id)
}

fn content_type(version: Version) -> &'static str {
    match version {
        Version::V11 => "text/xml; charset=utf-8",
        Version::V12 => "application/soap+xml; charset=utf-8",
    }
}

/// What the address says about the style, and about the name of the function.
#[derive(Default)]
struct Query {
    is_document: bool,
    function: Option<String>,
}

impl Query {
    fn read(query: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "wsdl" | "style" => read.is_document |= value == "document",
                "function" if is_name(&value) && value.len() <= LONGEST_NAME => {
                    read.function = Some(value.into_owned());
                }
                _ => {}
            }
        }
        read
    }
}

/// Whether a `Host` header is one and nothing else, as it is repeated in the WSDL.
fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}
