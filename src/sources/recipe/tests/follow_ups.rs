//! What is asked about a caller who is known already: he is handed over before each such request, and what fails to come is
//! asked again by the next call.

use std::time::Duration;

use super::super::engine::FOLLOW_UP;
use super::crm::{self, ROMANIAN};
use super::*;
use crate::directory::Hit;
use crate::sources::so_far::{self, SoFar};

const TEXT: &str = r#"
title = "CRM"
[http]
base = "https://crm.example.com"
[map]
id = "id"
numbers = "[phone]"
owner = "owner"
[[lookup]]
get = "/people"
query = { n = "{{ number }}", page = "{{ page }}" }
records = "items"
next = "more"
[[then]]
get = "/tickets"
map = { ticket = "id" }
[users]
get = "/users/{{ contact.owner }}"
map = { email = "email" }
[out]
backend_link = "{{ base }}/{{ contact.id }}{% if contact.ticket %}/{{ contact.ticket }}{% endif %}"
"#;

const ANA: &str = r#"{"items":[{"id":7,"phone":"+40722111222","owner":3}]}"#;
const TICKET: &str = r#"{"id":12}"#;
const ION: &str = r#"{"email":"ion@example.com"}"#;

/// One lookup: who is found in the end, and what is there of it at these times.
async fn find(
    asked: (&str, &str),
    pause: u64,
    answers: &[(u16, &'static str)],
    looks: &[u64],
) -> (Vec<Hit>, Vec<String>, bool) {
    let (engine, _) = crm::engine(TEXT, asked.0, pause, answers);
    let so_far = SoFar::default();
    let looking = async {
        let (mut seen, mut now) = (Vec::new(), 0);
        for look in looks {
            tokio::time::sleep(Duration::from_millis(look - now)).await;
            now = *look;
            seen.push(so_far.hits().map_or_else(String::new, |hits| told(&hits)));
        }
        seen
    };
    let finding = so_far::collect(&so_far, crm::find(&engine, asked));
    let (found, seen) = futures_util::future::join(finding, looking).await;
    (found.unwrap(), seen, so_far.has_gap())
}

/// The link and the owner of who was found.
fn told(hits: &[Hit]) -> String {
    let [hit] = hits else { return format!("{} contacts", hits.len()) };
    let link = hit.contact.get(Field::BackendLink).unwrap_or_default();
    let owner = hit.contact.custom.get("owner_email").map_or("nobody", String::as_str);
    format!("{link} of {owner}")
}

const FOUND: &str = "https://crm.example.com/7 of nobody";
const WITH_TICKET: &str = "https://crm.example.com/7/12 of nobody";
const COMPLETE: &str = "https://crm.example.com/7/12 of ion@example.com";

#[tokio::test(start_paused = true)]
async fn whoever_cannot_wait_gets_the_caller_as_he_is_known_by_then() {
    let answers = [(200, ANA), (200, TICKET), (200, ION)];
    let (found, seen, has_gap) = find(ROMANIAN, 400, &answers, &[300, 500, 700, 900, 1100]).await;
    assert_eq!(seen, ["", FOUND, FOUND, WITH_TICKET, WITH_TICKET]);
    assert_eq!((&*told(&found), has_gap), (COMPLETE, false));
}

#[tokio::test(start_paused = true)]
async fn what_may_come_the_next_time_leaves_a_gap_and_what_never_will_leaves_none() {
    for (status, gap) in [(500, true), (503, true), (429, true), (404, false), (403, false)] {
        let (found, ..) = find(ROMANIAN, 1, &[(200, ANA), (status, "{}"), (200, ION)], &[]).await;
        let (again, _, has_gap) = find(ROMANIAN, 1, &[(200, ANA), (200, TICKET), (status, "{}")], &[]).await;
        assert_eq!((&*told(&again), has_gap), (WITH_TICKET, gap), "{status}");
        assert!(told(&found).starts_with("https://crm.example.com/7 of"), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_follow_up_that_hangs_is_given_up_and_the_caller_stays() {
    let start = tokio::time::Instant::now();
    let (found, seen, has_gap) = find(ROMANIAN, 100, &[(200, ANA)], &[1000]).await;
    assert_eq!((&*told(&found), has_gap, seen), (FOUND, true, vec![FOUND.to_owned()]));
    assert_eq!(start.elapsed(), Duration::from_millis(100) + FOLLOW_UP * 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_on_one_page_is_handed_over_before_the_next_one_unless_the_number_has_another_reading() {
    const MORE: &str = r#"{"items":[{"id":7,"phone":"+40722111222","owner":3}],"more":true}"#;
    let (_, seen, _) = find(ROMANIAN, 100, &[(200, MORE)], &[1000]).await;
    assert_eq!(seen, [FOUND]);
    // Germany and, without its plus, Austria: two people may be known.
    let german = r#"{"items":[{"id":7,"phone":"+49 4312345678"}],"more":true}"#;
    let austrian = r#"{"items":[{"id":8,"phone":"+43 12345678"}]}"#;
    let answers = [(200, german), (200, r#"{"items":[]}"#), (200, austrian)];
    let (found, seen, _) = find(("DE", "4312345678"), 100, &answers, &[150, 250]).await;
    assert_eq!((found.len(), seen), (2, vec![String::new(); 2]));
}
