//! A login that is refused: one, however many wait for it, because a few of them lock the account.

use std::time::Duration;

use futures_util::future::join_all;

use super::crm::{ROMANIAN, engine, find};
use crate::error::Kind;
use crate::sources::breaker::FIRST_REFUSED_FOR;

const TEXT: &str = r#"
title = "CRM"
[http]
base = "https://crm.example.com"
[auth]
kind = "oauth2_client"
token_url = "https://crm.example.com/token"
client_id = "i"
client_secret = "s"
[map]
id = "id"
numbers = "[phone]"
[[lookup]]
get = "/people"
query = { n = "{{ number }}" }
"#;

#[tokio::test(start_paused = true)]
async fn a_refused_login_is_not_tried_again_by_those_who_waited_for_it() {
    let (engine, crm) =
        engine(TEXT, "RO", 100, &[(401, "{}"), (401, "{}"), (200, r#"{"access_token":"t"}"#), (200, "[]")]);
    for found in join_all((0..20).map(|_| find(&engine, ROMANIAN))).await {
        let error = found.unwrap_err();
        assert!(error.kind() == Kind::Refused && error.is_before_asking(), "{error}");
    }
    assert_eq!(crm.count("/token"), 1);
    tokio::time::sleep(FIRST_REFUSED_FOR - Duration::from_secs(1)).await;
    assert_eq!(find(&engine, ROMANIAN).await.unwrap_err().kind(), Kind::Refused);
    assert_eq!(crm.count("/token"), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(find(&engine, ROMANIAN).await.unwrap_err().kind(), Kind::Refused);
    assert_eq!(crm.count("/token"), 2, "after a minute once more");
    engine.sessions.forgive();
    assert!(find(&engine, ROMANIAN).await.unwrap().is_empty());
    assert_eq!(crm.count("/token"), 3, "and at once when the configuration is read again");
}
