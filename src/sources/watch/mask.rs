//! What of a request and an answer may be shown.

use std::sync::LazyLock;
use std::time::Duration;

use http::HeaderMap;
use regex::Regex;
use url::Url;

use super::{Note, without_hidden};
use crate::sources::http::{Answer, Request, host};

/// Longest part of an answer that is shown, in characters.
const LONGEST_EXCERPT: usize = 600;

/// Query parameters whose values are shown: they are the caller's, not the user's.
pub const SHOWN: [&str; 2] = ["telephone", "dnid"];

/// A value of JSON whose name says that it is a secret.
static IN_JSON: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?i)("[\w.-]*(?:token|session|secret|passw|api_?key|credential)[\w.-]*"\s*:\s*")(?:[^"\\]|\\.)*"#)
});

/// The same in XML.
static IN_XML: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)(<[\w.:-]*(?:token|session|secret|passw|api_?key|credential)[\w.:-]*(?:\s[^<>]*)?>)[^<]+")
});

/// A request without its secrets.
pub(crate) fn sent(request: &Request) -> Note {
    super::hide(|| carried(&request.headers));
    let headers = masked_headers(&request.headers);
    let body = match request.body.len() {
        0 => String::new(),
        length => format!("\n(a body of {length} bytes)"),
    };
    Note::Sent(format!("{} {}{headers}{body}", request.method, masked(&request.url)))
}

/// An answer, as far as it is shown.
pub(crate) fn answered(answer: &Answer, first: Duration, took: Duration) -> Note {
    let length = answer.body.len();
    let kind = match answer.content_type() {
        "" => "no content type".to_owned(),
        kind => excerpt(&without_hidden(kind)),
    };
    let text = match answer.text() {
        Ok(_) if super::is_unseen() && answer.status.is_success() => "(the answer to a login is not shown)".to_owned(),
        Ok(text) => without_secrets(&without_hidden(&text)),
        Err(_) => format!("({length} bytes that are no text)"),
    };
    let head = format!("status {}, {kind}, {length} bytes", answer.status);
    Note::Answered { head, excerpt: excerpt(&text), first: Some(first), took }
}

/// The credentials in headers, each as it stands and without the word in front of it.
fn carried(headers: &HeaderMap) -> Vec<String> {
    let secret = headers.values().filter(|value| value.is_sensitive()).filter_map(|value| value.to_str().ok());
    secret.flat_map(|value| [value, value.rsplit(' ').next().unwrap_or_default()]).map(str::to_owned).collect()
}

/// A text in which values are replaced whose names say that they are secrets, as JSON or as XML has them.
fn without_secrets(text: &str) -> String {
    let json = IN_JSON.replace_all(text, "$1…");
    IN_XML.replace_all(&json, "$1…").into_owned()
}

/// The beginning of a text on one line, without anything that a terminal would obey.
pub(crate) fn excerpt(text: &str) -> String {
    let plain = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let shown: String = plain.take(LONGEST_EXCERPT).collect();
    if text.chars().nth(LONGEST_EXCERPT).is_some() { shown + "…" } else { shown }
}

fn masked_headers(headers: &HeaderMap) -> String {
    let secret = |name: &str| ["auth", "token", "key", "cookie", "secret"].iter().any(|part| name.contains(part));
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| match value.to_str() {
        Ok(shown) if !secret(name.as_str()) && !value.is_sensitive() => format!("\n{name}: {}", without_hidden(shown)),
        _ => format!("\n{name}: …"),
    };
    headers.iter().map(line).collect()
}

/// An address with its host and the caller's numbers; of its path what does not look like a token.
fn masked(url: &Url) -> String {
    let mut shown = format!("{}://{}", url.scheme(), host(url));
    for segment in url.path_segments().into_iter().flatten() {
        let token = segment.len() >= 16 && segment.bytes().any(|byte| byte.is_ascii_digit());
        shown.push('/');
        shown.push_str(&if token { "…".to_owned() } else { without_hidden(segment) });
    }
    for (place, (name, value)) in url.query_pairs().enumerate() {
        let value = if SHOWN.contains(&&*name) { &*value } else { "…" };
        shown.push_str(&format!("{}{name}={value}", if place == 0 { "?" } else { "&" }));
    }
    shown
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern that can be read")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::StatusCode;

    use super::*;
    use crate::sources::watch;

    #[test]
    fn a_request_is_shown_without_its_secrets() {
        let url = "https://ion:hunter2@crm.example.com/api/1a2b3c4d5e6f7a8b9c/caller?key=hunter2&telephone=0722111222";
        let mut request = Request::post(Url::parse(url).unwrap(), "password=hunter2");
        request.headers.insert("x-api-key", "hunter2".parse().unwrap());
        request.headers.insert("authorization", "Bearer hunter2".parse().unwrap());
        request.headers.insert("accept", "application/json".parse().unwrap());
        let Note::Sent(shown) = sent(&request) else { panic!() };
        let expected = "POST https://crm.example.com/api/…/caller?key=…&telephone=0722111222\nx-api-key: …\n\
                        authorization: …\naccept: application/json\n(a body of 16 bytes)";
        assert_eq!(shown, expected);
    }

    #[tokio::test]
    async fn a_secret_that_somebody_knows_is_shown_neither_in_a_path_nor_when_it_comes_back() {
        let mut request = Request::get(Url::parse("https://crm.example.com/rest/1/hook/list").unwrap());
        let mut carried = http::HeaderValue::from_static("Basic aHVudGVyMg==");
        carried.set_sensitive(true);
        request.headers.insert("authorization", carried);
        let said = Bytes::from_static(b"no Basic aHVudGVyMg== aHVudGVyMg== hook X");
        let answer = Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: said };
        let asking = async {
            watch::hide(|| vec!["hook".to_owned(), "X".to_owned()]);
            watch::note(|| sent(&request));
            watch::note(|| answered(&answer, Duration::ZERO, Duration::ZERO));
        };
        let ((), notes) = watch::watch(asking).await;
        let [Note::Sent(sent), Note::Answered { excerpt, .. }] = &notes[..] else { panic!("{notes:?}") };
        assert_eq!(sent, "GET https://crm.example.com/rest/1/…/list\nauthorization: …");
        assert_eq!(excerpt, "no … … … X");
    }

    #[test]
    fn an_excerpt_obeys_nothing_and_ends() {
        assert_eq!(excerpt("a\u{1b}[2Jb\nc"), "a [2Jb c");
        assert_eq!(excerpt(&"ț".repeat(700)).chars().count(), LONGEST_EXCERPT + 1);
    }

    #[test]
    fn what_an_answer_calls_a_secret_is_not_shown() {
        for (text, shown) in [
            (r#"{"name":"Ana","access_token": "hunt\"er2","n":1}"#, r#"{"name":"Ana","access_token": "…","n":1}"#),
            (r#"{"sessionName":"hunter2"#, r#"{"sessionName":"…"#),
            (
                "<r><ns:sessionId a='1'>hunter2</ns:sessionId><n>Ana</n></r>",
                "<r><ns:sessionId a='1'>…</ns:sessionId><n>Ana</n></r>",
            ),
            ("<password>hunter2", "<password>…"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[tokio::test]
    async fn what_a_login_answers_is_not_shown_unless_it_is_refused() {
        for (status, shown) in
            [(StatusCode::OK, "(the answer to a login is not shown)"), (StatusCode::UNAUTHORIZED, "hunter2")]
        {
            let answer = Answer { status, headers: HeaderMap::new(), body: Bytes::from("hunter2") };
            let Note::Answered { excerpt, .. } =
                watch::unseen(async { answered(&answer, Duration::ZERO, Duration::ZERO) }).await
            else {
                panic!()
            };
            assert_eq!(excerpt, shown);
        }
    }
}
