//! What requests go out on: the network, or the recorded answers of a test.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use url::Url;

use super::format::ExchangeTable;
use crate::error::{Error, Kind, Result};
use crate::sources::http::{Answer, Client, Request};

/// A request on its way.
pub(super) type Sending<'a> = Pin<Box<dyn Future<Output = Result<Answer>> + Send + 'a>>;

/// Sends requests.
pub(super) trait Wire: Send + Sync + 'static {
    /// Sends a request and reads the answer, whatever its status, within a time where one is given.
    fn send(&self, request: Request, within: Option<Duration>) -> Sending<'_>;
}

impl Wire for Client {
    fn send(&self, request: Request, within: Option<Duration>) -> Sending<'_> {
        Box::pin(async move {
            let Some(within) = within else { return Client::send(self, request).await };
            let late = |_| Error::new(Kind::Timeout, "no answer in the time of a follow-up request");
            tokio::time::timeout(within, Client::send(self, request)).await.map_err(late)?
        })
    }
}

/// Answers from a test. The first request that is not the next one of the test is kept as what went wrong.
#[derive(Debug)]
pub(super) struct Recorded {
    left: Mutex<VecDeque<ExchangeTable>>,
    wrong: Mutex<Option<String>>,
}

impl Recorded {
    /// Will answer these requests, in this order.
    pub(super) fn new(exchanges: &[ExchangeTable]) -> Self {
        Self { left: Mutex::new(exchanges.iter().cloned().collect()), wrong: Mutex::default() }
    }

    /// What was different from what the test says.
    pub(super) fn explain(&self) -> Option<String> {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner).take();
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.or_else(|| left.front().map(|next| format!("this request was not made: {}", next.request)))
    }

    fn answer(&self, request: &Request) -> Result<Answer> {
        let next = self.left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let explained = match &next {
            None => Some(format!("this request was not expected: {} {}", request.method, request.url)),
            Some(next) => compare(next, request),
        };
        if let Some(why) = explained {
            self.wrong.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
            return Err(Error::new(Kind::Internal, "the test does not say what is answered"));
        }
        next.map_or_else(|| Err(Error::new(Kind::Internal, "no answer")), |next| recorded(&next))
    }
}

impl Wire for Recorded {
    fn send(&self, request: Request, _within: Option<Duration>) -> Sending<'_> {
        let answer = self.answer(&request);
        Box::pin(std::future::ready(answer))
    }
}

fn recorded(exchange: &ExchangeTable) -> Result<Answer> {
    let invalid = |what: &str| Error::new(Kind::Internal, format!("the recorded answer has {what}"));
    let mut headers = HeaderMap::new();
    for (name, value) in &exchange.answer_headers {
        let name = name.parse::<HeaderName>().map_err(|_| invalid("no name of a header"))?;
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| invalid("no value of a header"))?);
    }
    let status = StatusCode::from_u16(exchange.status).map_err(|_| invalid("no status"))?;
    Ok(Answer { status, headers, body: exchange.body.clone().into_bytes().into() })
}

/// Says how a request differs from the expected one.
fn compare(expected: &ExchangeTable, request: &Request) -> Option<String> {
    let found = format!("{} {}", request.method, request.url);
    if !is_same_request(&expected.request, request) {
        return Some(format!("expected {}, found {found}", expected.request));
    }
    for (name, value) in &expected.headers {
        let sent =
            request.headers.get(name.as_str()).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        if sent.as_ref() != Some(value) {
            let sent = sent.unwrap_or_else(|| "nothing".to_owned());
            return Some(format!("{found}: expected the header {name}: {value}, found {sent}"));
        }
    }
    let expected = expected.sends.as_ref()?;
    let sent = String::from_utf8_lossy(&request.body);
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    let same = match (json(expected), json(&sent)) {
        (Some(expected), Some(sent)) => expected == sent,
        _ => expected.trim() == sent,
    };
    (!same).then(|| format!("{found}: expected to be sent {}, found {sent}", expected.trim()))
}

/// Same method, same address; the order of the query does not matter.
fn is_same_request(expected: &str, request: &Request) -> bool {
    let Some((method, url)) = expected.split_once(' ') else { return false };
    let Ok(url) = url.trim().parse::<Url>() else { return false };
    let pairs = |url: &Url| {
        let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        pairs.sort();
        pairs
    };
    let bare = |url: &Url| {
        let mut url = url.clone();
        url.set_query(None);
        url
    };
    method == request.method.as_str() && bare(&url) == bare(&request.url) && pairs(&url) == pairs(&request.url)
}
