//! What went wrong with a request, in words, without its address beyond the host.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use http::header::{DATE, HeaderMap, RETRY_AFTER};
use http::{HeaderName, StatusCode};
use jiff::fmt::rfc2822;
use rustls::CertificateError;
use url::Url;

use super::address::NotPublic;
use super::{Answer, host};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Kind};

/// How long a system is left alone that wants fewer requests and does not say until when.
const PAUSE: Duration = Duration::from_secs(10);

/// The error that a status other than success stands for. A refused credential ([`Kind::Refused`]) stops the source, where
/// a 403 may be about the one request alone; a request to wait carries for how long ([`Error::pause`]).
#[must_use]
pub fn explain_status(answer: &Answer) -> Error {
    let (kind, words) = match answer.status.as_u16() {
        401 => (Kind::Refused, "it refuses the credentials"),
        403 | 407 => (Kind::Refused, "it does not let calldex in"),
        404 | 410 => (Kind::NotFound, "there is nothing at this address"),
        408 => (Kind::Timeout, "it gave up waiting"),
        425 | 429 => (Kind::Unavailable, "it wants fewer requests"),
        300..=399 => (Kind::Invalid, "it redirects"),
        500.. => (Kind::Unavailable, "it fails"),
        _ => (Kind::Invalid, "it does not accept the request"),
    };
    let reason = answer.status.canonical_reason().unwrap_or("no known status");
    let pause = match answer.status {
        StatusCode::TOO_MANY_REQUESTS => retry_after(&answer.headers).or(Some(PAUSE)),
        StatusCode::SERVICE_UNAVAILABLE => retry_after(&answer.headers),
        _ => None,
    };
    Error::new(kind, format!("{words}: status {} ({reason})", answer.status.as_u16()))
        .retry_after(pause)
        .perhaps_of_one_request(answer.status == StatusCode::FORBIDDEN)
}

/// How long an answer asks to wait: `Retry-After` in seconds, or as a date, counted from the answer's own `Date` where it has
/// one, else from now.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let wanted = text(RETRY_AFTER)?.trim();
    if let Ok(seconds) = wanted.parse::<f64>() {
        // Not in the standard, but sent: parts of a second, up to the next whole one.
        return (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs(seconds.ceil() as u64));
    }
    let moment = |text: &str| rfc2822::parse(text).ok().map(|moment| moment.timestamp().as_second());
    let answered = text(DATE).and_then(moment).unwrap_or_else(|| SystemClock.utc_millis() / 1000);
    let seconds = moment(wanted)? - answered;
    u64::try_from(seconds).ok().map(Duration::from_secs)
}

/// Turns what the client says into an error; only the host of the address is shown.
pub(super) fn explain(error: reqwest::Error, url: &Url) -> Error {
    // The only time that the client limits is that of connecting.
    let before = error.is_connect() || error.is_dns() || error.is_timeout();
    explain_in_words(error, url).before_asking(before)
}

fn explain_in_words(error: reqwest::Error, url: &Url) -> Error {
    let host = host(url);
    if find::<NotPublic>(&error).is_some() {
        return Error::new(Kind::Invalid, host).because(NotPublic);
    }
    if let Some(why) = find::<rustls::Error>(&error) {
        return Error::new(Kind::Unavailable, format!("the TLS connection to {host} fails: {}", explain_tls(why)));
    }
    if error.is_timeout() {
        return Error::new(Kind::Timeout, format!("no connection to {host} in time"));
    }
    if error.is_dns() {
        return Error::new(Kind::Unavailable, format!("the name {host} is not known")).because(root(&error));
    }
    if error.is_builder() {
        return Error::new(Kind::Invalid, format!("the request to {host} cannot be sent")).because(root(&error));
    }
    let of_connection = find::<hyper::Error>(&error);
    let (kind, message) = match () {
        () if error.is_connect() => (Kind::Unavailable, format!("cannot connect to {host}")),
        () if of_connection.is_some_and(hyper::Error::is_parse) => {
            (Kind::Corrupt, format!("what {host} answers is no HTTP"))
        }
        () if error.is_decode() && of_connection.is_none() => {
            (Kind::Corrupt, format!("what {host} answers cannot be unpacked"))
        }
        () => (Kind::Unavailable, format!("the connection to {host} broke off")),
    };
    Error::new(kind, message).because(root(&error))
}

/// Why a connection over TLS does not come about.
pub(crate) fn explain_tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(why) => {
            format!("its certificate is not trusted, {}", explain_certificate(why))
        }
        rustls::Error::InvalidMessage(_) => "it does not speak TLS on this port".to_owned(),
        other => other.to_string(),
    }
}

/// What is wrong with a certificate, and what to do about it.
fn explain_certificate(why: &CertificateError) -> String {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired: it has to be renewed over there".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet: is the clock of this machine right?".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "nobody here knows who signed it: name the authority, or itself if it signed itself, in ca_file".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("it is for another host: write the host as the certificate does ({why})")
        }
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "it is one of an authority that signed itself: it has to be made without CA:TRUE over there".to_owned()
        }
        other => other.to_string(),
    }
}

/// The deepest cause, as text: the outer ones repeat the address.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    // The client itself is the only one that prints addresses.
    if cause.is::<reqwest::Error>() { "no reason given".to_owned() } else { cause.to_string() }
}

/// Finds a cause of one type, also one that an input or output error wraps.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn StdError + 'static)),
            None => cause.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_time_to_wait_is_read_in_every_form_that_is_sent() {
        let headers = |pairs: &[(HeaderName, &str)]| -> HeaderMap {
            pairs.iter().map(|(name, text)| (name.clone(), HeaderValue::from_str(text).unwrap())).collect()
        };
        let date = "Fri, 27 Nov 2026 10:00:00 GMT";
        for (wanted, date, seconds) in [
            ("7", None, Some(7)),
            (" 1.5 ", None, Some(2)),
            ("Fri, 27 Nov 2026 10:02:00 GMT", Some(date), Some(120)),
            ("Fri, 27 Nov 2026 09:00:00 GMT", Some(date), None),
            ("-3", None, None),
            ("inf", None, None),
            ("soon", Some(date), None),
        ] {
            let mut pairs = vec![(RETRY_AFTER, wanted)];
            pairs.extend(date.map(|date| (DATE, date)));
            assert_eq!(retry_after(&headers(&pairs)), seconds.map(Duration::from_secs), "{wanted}");
        }
        let far = headers(&[(RETRY_AFTER, "Wed, 27 Nov 2126 10:00:00 GMT")]);
        assert!(retry_after(&far) > Some(Duration::from_secs(3600)), "without a Date it counts from now");
    }
}
