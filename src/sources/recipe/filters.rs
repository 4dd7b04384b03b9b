//! The filters of templates: spellings of texts, numbers, moments. Each makes a bounded value or says why not.

use jiff::Timestamp;
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, ErrorKind, filters, tests};
use sha2::{Digest, Sha256};

use super::template::LONGEST;

/// Adds every filter and test that templates may use.
pub(super) fn add_filters(environment: &mut Environment<'static>) {
    environment.add_filter("default", filters::default);
    environment.add_filter("lower", |value: &Value| text(value).map(|text| text.to_lowercase()));
    environment.add_filter("upper", |value: &Value| text(value).map(|text| text.to_uppercase()));
    environment.add_filter("trim", |value: &Value| text(value).map(|text| text.trim().to_owned()));
    environment.add_filter("html", html);
    environment.add_filter("int", int);
    environment.add_filter("length", filters::length);
    environment.add_filter("replace", replace);
    environment.add_filter("times", times);
    environment.add_filter("date", date);
    environment.add_filter("clock", clock);
    environment.add_filter("minutes", minutes);
    environment.add_filter("uuid", uuid);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("none", tests::is_none);
}

/// A text, a number or a switch as text. What is null has none: MiniJinja itself would make the word `None` of it.
fn text(value: &Value) -> Result<String, minijinja::Error> {
    match value.kind() {
        ValueKind::String | ValueKind::Number | ValueKind::Bool => Ok(value.to_string()),
        ValueKind::Undefined | ValueKind::None => Err(minijinja::Error::new(ErrorKind::UndefinedError, "no value")),
        kind => {
            let message = format!("expected a text, found a {kind}");
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        }
    }
}

/// `call.summary | html`: a text for a field that the CRM reads as HTML. Slashes stay, for those who look for addresses in it.
fn html(text: &str) -> Result<String, minijinja::Error> {
    let mut html = text.replace('&', "&amp;");
    for (letter, entity) in [("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")] {
        html = replace(&html, letter, entity)?;
    }
    Ok(html)
}

/// `contact.id | int`: a whole number. What is none has no value: MiniJinja itself would make 0 of it.
fn int(value: &Value) -> Result<Value, minijinja::Error> {
    let text = text(value)?;
    let text = text.trim();
    let whole = text.parse().map(|number: i64| Value::from(number));
    let whole = whole.or_else(|_| text.parse().map(|number: u64| Value::from(number)));
    whole.map_err(|_| minijinja::Error::new(ErrorKind::UndefinedError, "no whole number"))
}

/// `text | replace("a", "b")`
fn replace(text: &str, from: &str, to: &str) -> Result<String, minijinja::Error> {
    let times = if from.is_empty() { text.len() + 1 } else { text.matches(from).count() };
    if times.saturating_mul(to.len()) > LONGEST {
        return Err(minijinja::Error::new(ErrorKind::InvalidOperation, "the text becomes too long"));
    }
    Ok(text.replace(from, to))
}

/// `number | times(1000)`
fn times(number: i64, factor: i64) -> Result<i64, minijinja::Error> {
    let product = number.checked_mul(factor);
    product.ok_or_else(|| minijinja::Error::new(ErrorKind::InvalidOperation, "the number becomes too large"))
}

/// `call.started | date("%Y-%m-%d %H:%M:%S")`: a moment in milliseconds since 1970, in UTC.
fn date(millis: i64, format: &str) -> Result<String, minijinja::Error> {
    let wrong = |error: jiff::Error| minijinja::Error::new(ErrorKind::InvalidOperation, error.to_string());
    let moment = Timestamp::from_millisecond(millis).map_err(wrong)?.to_zoned(jiff::tz::TimeZone::UTC);
    jiff::fmt::strtime::format(format, &moment).map_err(wrong)
}

/// `call.duration | clock`: seconds as `HH:MM`, rounded up to whole minutes.
fn clock(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `call.duration | minutes`: seconds as whole minutes, rounded up.
fn minutes(seconds: u64) -> u64 {
    seconds.div_ceil(60)
}

/// `call.key | uuid`: an id that the same text always gets, for CRMs that take one (RFC 9562, version 8).
fn uuid(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let mut hex = String::new();
    for (index, byte) in hash.iter().take(16).enumerate() {
        let dash = if [4, 6, 8, 10].contains(&index) { "-" } else { "" };
        let byte = match index {
            6 => byte & 0x0f | 0x80,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        hex.push_str(&format!("{dash}{byte:02x}"));
    }
    hex
}
