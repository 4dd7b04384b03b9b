//! Writes calls to any address: each as JSON by `POST`, with an `Idempotency-Key`.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::super::intake::to_json;
use crate::config::{Journal, Secret};
use crate::error::{Error, Kind, Result};
use crate::model::EndedCall;
use crate::sources::http::address::{NotPublic, Reach, Resolver};
use crate::sources::http::retry_after;
use crate::sources::{CallLog, Writing};

/// What the other side tells a repeat by.
const KEY: &str = "idempotency-key";

/// Writes calls to one address.
pub struct UrlLog {
    client: Client,
    url: Secret,
    reach: Reach,
}

impl UrlLog {
    /// A writer for the address of a configuration.
    ///
    /// # Errors
    /// When the token does not fit into a header, or no client can be made.
    pub fn new(journal: &Journal) -> Result<Self> {
        // Another part of the process may have chosen already; any provider will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = HeaderMap::new();
        if let Some(token) = &journal.token {
            let value = HeaderValue::try_from(format!("Bearer {}", token.reveal()));
            let mut value =
                value.map_err(|_| Error::new(Kind::Invalid, "the token of a journal does not fit into a header"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let reach = if journal.tenant { Reach::Public } else { Reach::Anywhere };
        let client = Client::builder()
            .default_headers(headers)
            // As for sources: nobody can tell where a proxy of the environment leads.
            .no_proxy()
            .dns_resolver(Resolver(reach))
            .redirect(Policy::none())
            .timeout(journal.timeout)
            .connect_timeout(journal.timeout.min(Duration::from_secs(10)))
            .user_agent(concat!("calldex/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::new(Kind::Internal, "cannot make an HTTP client").because(error))?;
        Ok(Self { client, url: journal.url.clone(), reach })
    }
}

impl UrlLog {
    /// An address that stands in the URL itself never reaches the resolver.
    fn check(&self) -> Result<()> {
        let url = Url::parse(self.url.reveal());
        self.reach.check(&url.map_err(|_| Error::new(Kind::Invalid, "the url of a journal is none"))?)
    }
}

impl CallLog for UrlLog {
    fn log_call(&self, call: Arc<EndedCall>) -> Writing<'static> {
        if let Err(refused) = self.check() {
            return Box::pin(async { Err(refused) });
        }
        let request = self
            .client
            .post(self.url.reveal())
            .header(CONTENT_TYPE, "application/json")
            .header(KEY, &call.key)
            .body(body(&call).to_string());
        Box::pin(async move {
            // The address may hold a secret, and the library would print it.
            let response = request.send().await.map_err(|error| unreachable(&error.without_url()))?;
            judge(response.status()).map_err(|error| error.retry_after(retry_after(response.headers())))
        })
    }
}

fn unreachable(error: &reqwest::Error) -> Error {
    if is_not_public(error) {
        return Error::new(Kind::Invalid, "it may not be written to").because(NotPublic);
    }
    let kind = if error.is_timeout() { Kind::Timeout } else { Kind::Unavailable };
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(it) = cause {
        words = format!("{words}: {it}");
        cause = it.source();
    }
    Error::new(kind, words)
}

fn is_not_public(error: &reqwest::Error) -> bool {
    let mut causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.any(|cause| cause.is::<NotPublic>())
}

fn judge(status: StatusCode) -> Result<()> {
    let kind = match status.as_u16() {
        200..=299 => return Ok(()),
        // 409: an earlier try with this key is still at work.
        408 | 409 | 425 | 429 | 500..=599 => Kind::Unavailable,
        // 403 may be about this call: something in front of the other side that does not like what a stranger has said.
        401 => Kind::Refused,
        _ => Kind::Invalid,
    };
    Err(Error::new(kind, format!("it answered with status {}", status.as_u16())))
}

/// The call as JSON; docs/guides/journal.md describes it.
fn body(call: &EndedCall) -> Value {
    let time = |millis: i64| jiff::Timestamp::from_millisecond(millis).ok().map(|time| time.to_string());
    let mut fields = call.to_fields();
    let others = [
        ("started", json!(time(call.started))),
        ("answered", json!(call.answered.and_then(time))),
        ("ended", json!(call.ended.and_then(time))),
        ("computed", json!(call.computed)),
        ("contact", json!(call.contact.as_ref().map(|it| json!({ "source": &*it.source, "id": it.id.to_string() })))),
        ("params", serde_json::from_str(&to_json(&call.params)).unwrap_or_default()),
    ];
    fields.extend(others.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_as_if_it_would() {
        assert!(judge(StatusCode::CREATED).is_ok());
        for status in [408, 409, 429, 500, 503] {
            assert!(judge(StatusCode::from_u16(status).unwrap()).unwrap_err().is_passing(), "{status}");
        }
        for status in [301, 400, 401, 404, 422] {
            assert!(!judge(StatusCode::from_u16(status).unwrap()).unwrap_err().is_passing(), "{status}");
        }
    }
}
