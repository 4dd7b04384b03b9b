//! Lets somebody watch one lookup: what went out, what came back, what was made of it (`calldex source test`).
//!
//! Whoever asks a source inside of [`watch`] gets its notes; outside of it a note costs a look at an empty place. Notes
//! are for people, and hold no secret: credentials are masked before they are noted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use url::Url;

use super::http::{Answer, Request};

tokio::task_local! {
    static NOTES: Arc<Mutex<Vec<Note>>>;
}

/// Longest part of an answer that is shown, in characters.
const LONGEST_EXCERPT: usize = 600;

/// Query parameters whose values are shown: they are the caller's, not the user's.
const SHOWN: [&str; 2] = ["telephone", "dnid"];

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A request left.
    Sent(String),
    /// An answer came.
    Answered {
        /// Its status and kind.
        head: String,
        /// How it begins.
        excerpt: String,
        /// From sending to the last byte.
        took: Duration,
    },
    /// A part of `map` or `numbers` found nothing in a contact.
    NothingAt {
        /// The field.
        field: String,
    },
    /// Contacts were compared with the caller.
    Verified {
        /// How many there were.
        contacts: usize,
        /// How many of them are the caller.
        kept: usize,
        /// Numbers of those that are not.
        strangers: Vec<String>,
    },
}

/// Waits for something that asks a source, and returns what was noted meanwhile too.
pub async fn watch<T>(asking: impl Future<Output = T>) -> (T, Vec<Note>) {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let result = NOTES.scope(Arc::clone(&notes), asking).await;
    let notes = std::mem::take(&mut *notes.lock().unwrap_or_else(PoisonError::into_inner));
    (result, notes)
}

/// Notes something, when somebody watches.
pub(crate) fn note(make: impl FnOnce() -> Note) {
    // An error says that nobody does.
    let _ = NOTES.try_with(|notes| notes.lock().unwrap_or_else(PoisonError::into_inner).push(make()));
}

/// Whether somebody watches.
pub(crate) fn is_on() -> bool {
    NOTES.try_with(|_| ()).is_ok()
}

/// A request without its secrets.
pub(crate) fn sent(request: &Request) -> Note {
    let headers = masked_headers(&request.headers);
    let body = match request.body.len() {
        0 => String::new(),
        length => format!("\n(a body of {length} bytes)"),
    };
    Note::Sent(format!("{} {}{headers}{body}", request.method, masked(&request.url)))
}

/// An answer, as far as it is shown.
pub(crate) fn answered(answer: &Answer, took: Duration) -> Note {
    let length = answer.body.len();
    let kind = if answer.content_type().is_empty() { "no content type" } else { answer.content_type() };
    let text = answer.text().unwrap_or_else(|_| format!("({length} bytes that are no text)"));
    Note::Answered { head: format!("status {}, {kind}, {length} bytes", answer.status), excerpt: excerpt(&text), took }
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
        Ok(value) if !secret(name.as_str()) => format!("\n{name}: {value}"),
        _ => format!("\n{name}: …"),
    };
    headers.iter().map(line).collect()
}

/// An address with its host and the caller's numbers; of its path what does not look like a token.
fn masked(url: &Url) -> String {
    let mut shown = format!("{}://{}", url.scheme(), super::http::host(url));
    for segment in url.path_segments().into_iter().flatten() {
        let token = segment.len() >= 16 && segment.bytes().any(|byte| byte.is_ascii_digit());
        shown.push('/');
        shown.push_str(if token { "…" } else { segment });
    }
    for (place, (name, value)) in url.query_pairs().enumerate() {
        let value = if SHOWN.contains(&&*name) { &*value } else { "…" };
        shown.push_str(&format!("{}{name}={value}", if place == 0 { "?" } else { "&" }));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

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
    async fn notes_are_kept_only_while_somebody_watches() {
        let unused = Note::NothingAt { field: "name".to_owned() };
        note(|| unreachable!("nobody watches"));
        let ((), notes) = watch(async { note(|| unused.clone()) }).await;
        assert_eq!(notes, [unused]);
    }

    #[test]
    fn an_excerpt_obeys_nothing_and_ends() {
        assert_eq!(excerpt("a\u{1b}[2Jb\nc"), "a [2Jb c");
        assert_eq!(excerpt(&"ț".repeat(700)).chars().count(), LONGEST_EXCERPT + 1);
    }
}
