//! Who is let in and who is not, and what the refused and the administrator are told.

use std::net::IpAddr;
use std::sync::Arc;

use super::*;
use crate::config::{Ask, Defaults, Guesses, Reply};
use crate::number::Numbering;

/// Milliseconds since 1970 at which the tests happen.
const UTC: i64 = 1_000_000;

fn project(allow: &[&str], tokens: &[&str], require: Require) -> Project {
    let access = Access {
        allow: allow.iter().map(|network| network.parse().unwrap()).collect(),
        tokens: tokens.iter().map(|text| Token { hash: TokenHash::of(text), expires: None }).collect(),
        require,
        open: false,
    };
    Project {
        name: "sales".into(),
        numbering: Numbering::default(),
        timezone: "UTC".to_owned(),
        access,
        sources: Vec::new(),
        ask: Ask::Together,
        fill: false,
        tenant: false,
        deadline: Duration::from_millis(800),
        rate: None,
        journal: Vec::new(),
        history: Duration::from_secs(86_400),
        longest_call: Duration::from_secs(3_600),
        guesses: Guesses::default(),
        reply: Reply::default(),
        defaults: Defaults::default(),
        routing: crate::config::Routing::default(),
        roster: std::sync::Arc::default(),
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn at(address: &str) -> Client {
    Client::from(address.parse::<IpAddr>().unwrap())
}

fn offering(secret: &str) -> Offered<'_> {
    let mut offered = Offered::none();
    offered.add(secret);
    offered
}

/// Why a project refuses, or `None` when it lets in.
fn why(project: &Project, client: Client, secret: &str) -> Option<Reason> {
    let gate = Gate::new(30, now());
    let asked = Asked::Project("sales", Some(project));
    gate.check(asked, client, &offering(secret), now(), UTC).err().map(|refusal| refusal.reason)
}

#[test]
fn an_allow_list_alone_lets_in_by_address() {
    let project = project(&["203.0.113.0/24"], &[], Require::All);
    assert_eq!(why(&project, at("203.0.113.7"), ""), None);
    assert_eq!(why(&project, at("::ffff:203.0.113.7"), ""), None);
    assert_eq!(why(&project, at("198.51.100.1"), ""), Some(Reason::AddressNotAllowed));
    assert_eq!(why(&project, at("198.51.100.1"), "anything"), Some(Reason::AddressNotAllowed));
}

#[test]
fn a_token_alone_lets_in_from_anywhere() {
    let project = project(&[], &["old", "new"], Require::All);
    assert_eq!(why(&project, at("203.0.113.7"), "old"), None);
    assert_eq!(why(&project, at("2001:db8::1"), "new"), None);
    assert_eq!(why(&project, at("203.0.113.7"), "other"), Some(Reason::TokenWrong));
    assert_eq!(why(&project, at("203.0.113.7"), ""), Some(Reason::TokenMissing));
}

#[test]
fn with_both_both_must_pass_unless_the_project_asks_for_one() {
    let (inside, outside) = (at("203.0.113.7"), at("198.51.100.1"));
    let both = project(&["203.0.113.7/32"], &["secret"], Require::All);
    assert_eq!(why(&both, inside, "secret"), None);
    assert_eq!(why(&both, inside, ""), Some(Reason::TokenMissing));
    assert_eq!(why(&both, inside, "wrong"), Some(Reason::TokenWrong));
    assert_eq!(why(&both, outside, "secret"), Some(Reason::AddressNotAllowed));
    let any = project(&["203.0.113.7/32"], &["secret"], Require::Any);
    assert_eq!(why(&any, inside, ""), None);
    assert_eq!(why(&any, outside, "secret"), None);
    assert_eq!(why(&any, inside, "wrong"), None);
    assert_eq!(why(&any, outside, "wrong"), Some(Reason::TokenWrong));
    assert_eq!(why(&any, outside, ""), Some(Reason::AddressNotAllowed));
}

#[test]
fn two_different_tokens_are_refused_even_where_the_address_would_do() {
    let mut offered = offering("secret");
    offered.add("other");
    for project in
        [project(&["203.0.113.7/32"], &["secret"], Require::Any), project(&["203.0.113.7/32"], &[], Require::All)]
    {
        let asked = Asked::Project("sales", Some(&project));
        let refusal = Gate::new(30, now()).check(asked, at("203.0.113.7"), &offered, now(), UTC).unwrap_err();
        assert_eq!(refusal.reason, Reason::TokensDiffer);
    }
}

#[test]
fn a_project_without_protection_opens_only_when_it_says_so_and_only_for_this_machine() {
    let mut bare = project(&[], &[], Require::All);
    assert_eq!(why(&bare, at("127.0.0.1"), ""), Some(Reason::NothingOpens));
    bare.access.open = true;
    assert_eq!(why(&bare, at("127.0.0.1"), ""), None);
    assert_eq!(why(&bare, at("203.0.113.7"), ""), Some(Reason::NothingOpens));
    assert_eq!(why(&bare, Client::Behind("127.0.0.1".parse().unwrap()), ""), Some(Reason::NothingOpens));
}

#[test]
fn a_client_hidden_by_its_proxy_is_on_no_allow_list_but_its_token_opens() {
    let hidden = Client::Behind("127.0.0.1".parse().unwrap());
    assert_eq!(why(&project(&["127.0.0.1/32"], &[], Require::All), hidden, ""), Some(Reason::AddressHidden));
    assert_eq!(why(&project(&[], &["secret"], Require::All), hidden, "secret"), None);
}

#[test]
fn an_unknown_project_gets_the_status_and_the_words_of_a_wrong_token() {
    let gate = Gate::new(30, now());
    let known = project(&[], &["secret"], Require::All);
    let ask = |asked, secret| gate.check(asked, at("203.0.113.7"), &offering(secret), now(), UTC).unwrap_err();
    let wrong = ask(Asked::Project("sales", Some(&known)), "wrong");
    for secret in ["wrong", "secret", "opens nothing", ""] {
        let unknown = ask(Asked::Project("slaes", None), secret);
        assert_eq!(unknown.status(), wrong.status());
        assert_eq!(unknown.client_text, wrong.client_text);
        assert_eq!(unknown.reason, Reason::UnknownProject);
    }
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    assert_eq!(wrong.client_text, "refused for 203.0.113.7: wrong address, project or token");
}

#[test]
fn the_thirty_first_refused_try_is_too_many_for_known_and_unknown_projects_alike() {
    let moment = now();
    let gate = Gate::new(30, moment);
    let known = project(&[], &["secret"], Require::All);
    for asked in
        [Asked::Project("sales", Some(&known)), Asked::Project("slaes", None), Asked::Admin(&known.access.tokens)]
    {
        let refuse = || gate.check(asked, at("203.0.113.7"), &offering("wrong"), moment, UTC).unwrap_err();
        for _ in 0..30 {
            assert_eq!(refuse().status(), StatusCode::FORBIDDEN);
        }
        let refusal = refuse();
        assert_eq!((refusal.status(), refusal.retry_after_seconds()), (StatusCode::TOO_MANY_REQUESTS, Some(2)));
    }
}

#[test]
fn a_valid_request_is_never_throttled_by_the_failures_of_others() {
    let gate = Gate::new(1, now());
    let known = project(&[], &["secret"], Require::All);
    let asked = Asked::Project("sales", Some(&known));
    for _ in 0..100 {
        assert!(gate.check(asked, at("203.0.113.7"), &offering("wrong"), now(), UTC).is_err());
    }
    assert_eq!(gate.check(asked, at("203.0.113.7"), &offering("secret"), now(), UTC), Ok(()));
}

#[test]
fn administrators_need_their_token_and_without_any_nobody_is_one() {
    let gate = Gate::new(30, now());
    let tokens = [Token { hash: TokenHash::of("admin"), expires: None }];
    let ask = |tokens, secret| {
        let checked = gate.check(Asked::Admin(tokens), at("203.0.113.7"), &offering(secret), now(), UTC);
        checked.err().map(|refusal| refusal.reason)
    };
    assert_eq!(ask(&tokens, "admin"), None);
    assert_eq!(ask(&tokens, "wrong"), Some(Reason::TokenWrong));
    assert_eq!(ask(&[], ""), Some(Reason::NothingOpens));
    assert_eq!(ask(&[], "opens nothing"), Some(Reason::NothingOpens));
}

#[test]
fn the_log_names_the_setting_that_is_missing_and_the_list_shows_who_it_was() {
    let gate = Gate::new(30, now());
    let known = project(&["127.0.0.1/32"], &[], Require::All);
    let peer = Peer { address: "127.0.0.1:1234".parse().unwrap(), proxy_line: false };
    let asked = Asked::Project("sales", Some(&known));
    let refusal = gate.refuse_forwarded(asked, peer, Forwarding::Untrusted, now(), UTC);
    assert_eq!(refusal.status(), StatusCode::FORBIDDEN);
    assert!(refusal.log_text.contains("[server] trusted_proxies"), "{}", refusal.log_text);
    let list = gate.refused().latest();
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].project.clone(), list[0].reason), (Arc::from("sales"), Reason::UntrustedProxy));
}

#[test]
fn an_administrator_reads_which_way_of_sending_the_token_counts_and_where_it_is_compared() {
    let gate = Gate::new(30, now());
    let tokens = [Token { hash: TokenHash::of("right"), expires: None }];
    let text = |offered: &Offered<'_>| {
        gate.check(Asked::Admin(&tokens), at("127.0.0.1"), offered, now(), UTC).unwrap_err().log_text
    };
    assert_eq!(
        text(&Offered::none()),
        "refused 127.0.0.1 for (admin): token_missing (send it as `Authorization: Bearer`, no other way counts here)"
    );
    assert_eq!(
        text(&offering("wrong")),
        "refused 127.0.0.1 for (admin): token_wrong (compare with [server] admin_tokens)"
    );
}

#[test]
fn neither_log_nor_list_nor_answer_ever_holds_a_secret() {
    let gate = Gate::new(30, now());
    let refusal = gate
        .check(Asked::Project("sales&token=hunter2", None), at("203.0.113.7"), &offering("hunter2"), now(), UTC)
        .unwrap_err();
    assert!(!format!("{refusal:?} {:?}", gate.refused()).contains("hunter2"));
}

#[test]
fn reasons_are_listed_in_their_own_order_under_different_names() {
    let names: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(names.len(), Reason::ALL.len());
    assert!(Reason::ALL.iter().enumerate().all(|(place, reason)| place == *reason as usize));
}
