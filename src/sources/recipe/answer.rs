//! What an answer means: data, nobody, a session that is over, or a failure with how long to wait.

use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode};
use jmespath::{Rcvar, Variable};

use super::format::{AnswerFormat, Meaning};
use super::mapping::read_json;
use super::{Recipe, Wait};
use crate::error::{Error, Kind};
use crate::soap::Element;
use crate::sources::http::{Answer, retry_after};
use crate::sources::xml;

/// How long a source keeps quiet that asks for it without saying how long.
const UNSAID: Duration = Duration::from_secs(60);

/// Longest time that is believed.
const LONGEST: Duration = Duration::from_secs(26 * 60 * 60);

/// Numbers of a header above this are seconds since 1970, not a time to wait.
const EPOCH: u64 = 1_000_000_000;

/// Numbers of a header above this are milliseconds since 1970.
const EPOCH_MILLIS: f64 = 100_000_000_000.0;

/// What an answer means.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Data to read.
    Data(Rcvar),
    /// Nobody is known.
    Unknown,
    /// The session is over.
    SessionOver,
    /// A failure.
    Failed(Error),
}

/// Reads the answer to a request that writes something: only a success says that it is written.
pub(super) fn read_written(recipe: &Recipe, answer: &Answer, now: i64) -> Outcome {
    match read(recipe, answer, now) {
        Outcome::Unknown if answer.status == StatusCode::NO_CONTENT => Outcome::Data(Rcvar::new(Variable::Null)),
        Outcome::Unknown => judge(recipe, Meaning::Wrong, answer.status, || UNSAID),
        other => other,
    }
}

/// Reads an answer by the rules of a recipe. `now` is in milliseconds since 1970.
pub(super) fn read(recipe: &Recipe, answer: &Answer, now: i64) -> Outcome {
    let data = data(recipe, answer);
    // Rules look at null where there is no data: an error page of HTML has a status all the same.
    let seen = data.as_ref().map_or_else(|_| Rcvar::new(Variable::Null), Rcvar::clone);
    let status = answer.status.as_u16();
    for rule in &recipe.rules {
        let fits = rule.status.is_empty() || rule.status.contains(&status);
        if fits && rule.when.as_ref().is_none_or(|when| when.holds(&seen)) {
            let wait = || wait(&answer.headers, rule.wait_header.as_ref(), rule.wait, now).unwrap_or(UNSAID);
            return judge(recipe, rule.meaning, answer.status, wait);
        }
    }
    if answer.status == StatusCode::NO_CONTENT {
        return Outcome::Unknown;
    }
    if answer.status.is_success() {
        return data.map_or_else(Outcome::Failed, Outcome::Data);
    }
    let wait = || wait(&answer.headers, None, None, now).unwrap_or(UNSAID);
    judge(recipe, usual(answer), answer.status, wait)
}

fn data(recipe: &Recipe, answer: &Answer) -> Result<Rcvar, Error> {
    let text = answer.text()?;
    match recipe.answer {
        AnswerFormat::Json => read_json(&text),
        AnswerFormat::Xml if text.trim().is_empty() => read_json(""),
        AnswerFormat::Xml => {
            // The text is UTF-8 by now, whatever its declaration says.
            let text = text.trim();
            let bare = text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")).map_or(text, |(_, rest)| rest);
            // What the parser says beyond that repeats the answer.
            let wordless = |error: Error| error.reworded(|text| text.split(": ").next().unwrap_or(text).to_owned());
            let root = Element::read(bare.as_bytes(), None, xml::MOST_ELEMENTS).map_err(wordless)?;
            read_json(&xml::to_json(&root).to_string())
        }
    }
}

/// What a status means where no rule says otherwise.
fn usual(answer: &Answer) -> Meaning {
    match answer.status.as_u16() {
        401 | 403 | 407 => Meaning::Refused,
        429 => Meaning::Limit,
        503 if retry_after(&answer.headers).is_some() => Meaning::Limit,
        408 | 425 | 500.. => Meaning::Retry,
        _ => Meaning::Wrong,
    }
}

fn judge(recipe: &Recipe, meaning: Meaning, status: StatusCode, wait: impl Fn() -> Duration) -> Outcome {
    let title = &recipe.title;
    let said = format!("status {}", status.as_u16());
    let error = |kind, words: &str| Error::new(kind, format!("{title} {words} ({said})"));
    let failed = |kind, words: &str| Outcome::Failed(error(kind, words));
    match meaning {
        Meaning::Unknown => Outcome::Unknown,
        Meaning::Session => Outcome::SessionOver,
        Meaning::Refused if status == StatusCode::UNAUTHORIZED && recipe.auth.session.is_some() => Outcome::SessionOver,
        Meaning::Refused if status == StatusCode::FORBIDDEN => {
            Outcome::Failed(error(Kind::Refused, "does not let calldex in").perhaps_of_one_request(true))
        }
        Meaning::Refused => failed(Kind::Refused, "refuses the credentials"),
        Meaning::Retry => failed(Kind::Unavailable, "fails"),
        Meaning::Wrong => failed(Kind::Invalid, "does not accept the request"),
        Meaning::Limit => {
            let wait = wait();
            let words = format!("{title} wants no requests for {} s ({said})", wait.as_secs());
            Outcome::Failed(Error::new(Kind::Busy, words).retry_after(Some(wait)))
        }
    }
}

/// How long the headers of a successful answer ask to keep quiet, because too little is left.
pub(super) fn quiet_after(recipe: &Recipe, headers: &HeaderMap, now: i64) -> Option<Duration> {
    let waits = recipe.budgets.iter().filter_map(|budget| {
        let left: f64 = text(headers, &budget.header)?.parse().ok().filter(|left: &f64| left.is_finite())?;
        let asked = || wait(headers, budget.wait_header.as_ref(), budget.wait, now).unwrap_or(UNSAID);
        (left <= budget.reserve as f64).then(asked)
    });
    waits.max()
}

/// How long to wait: as `Retry-After` says, else as the header of the recipe or the recipe says, else as `X-RateLimit-Reset`
/// says, which some send with every answer.
fn wait(headers: &HeaderMap, name: Option<&HeaderName>, said: Option<Wait>, now: i64) -> Option<Duration> {
    let by_header = || seconds(text(headers, name?)?, now);
    let by_recipe = || said.map(|wait| span(wait, now));
    let by_custom = || seconds(headers.get("x-ratelimit-reset")?.to_str().ok()?.trim(), now);
    retry_after(headers).or_else(by_header).or_else(by_recipe).or_else(by_custom).map(|wait| wait.min(LONGEST))
}

fn seconds(text: &str, now: i64) -> Option<Duration> {
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)?;
    // Some count the moment in milliseconds.
    let number = if number >= EPOCH_MILLIS { number / 1000.0 } else { number }.ceil() as u64;
    let now = u64::try_from(now / 1000).unwrap_or_default();
    Some(Duration::from_secs(if number >= EPOCH { number.saturating_sub(now) } else { number }))
}

/// How long a wait of a recipe is at this moment.
pub(super) fn span(wait: Wait, now: i64) -> Duration {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    match wait {
        Wait::For(span) => span,
        Wait::Day => Duration::from_millis(u64::try_from(DAY - now.rem_euclid(DAY)).unwrap_or_default()),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}
