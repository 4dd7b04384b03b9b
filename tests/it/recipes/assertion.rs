//! A recipe whose CRM gives tokens for signed assertions (RFC 7523), against one that checks signature and claims.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivateKeyDer, alg_id};
use serde_json::{Value, json};

use super::bench::Bench;
use super::book::{Book, Person};
use super::fault::Fault;
use super::stand_in::{Answer, Crm, Request};
use crate::harness::{get, wait_until};

const RECIPE: &str = r#"
format = 1
title = "A CRM with signed logins"
[param]
app = { title = "App" }
user = { title = "User" }
key = { title = "Private key", secret = true }
[http]
base = "https://api.signed.example"
hosts = ["api.signed.example", "login.signed.example"]
[auth]
kind = "jwt_bearer"
token_url = "https://login.signed.example/oauth/token"
issuer = "{{ param.app }}"
subject = "{{ param.user }}"
audience = "https://login.signed.example"
key = "{{ param.key }}"
[[lookup]]
get = "/people"
query = { phone = "{{ forms.e164 }}" }
records = "people"
[map]
id = "id"
name = "name"
numbers = "[phone]"
"#;

/// The key that signs.
const KEY: &str = include_str!("../../data/salesforce/test-key.pem");

/// Its tokens are numbered, so that the last one counts.
#[derive(Default)]
struct Signed(AtomicUsize);

impl Signed {
    fn token(&self) -> String {
        format!("ACCESS-SECRET-{}", self.0.load(Ordering::SeqCst))
    }

    fn grant(&self, request: &Request) -> Answer {
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        let (issuer, subject) = ("the-app", "ion@example.com");
        let claims = Claims { issuer, subject, audience: "https://login.signed.example" };
        if request.form("grant_type") != grant || !is_good(&request.form("assertion"), &claims) {
            return Answer::json(400, &json!({ "error": "invalid_grant" }));
        }
        self.0.fetch_add(1, Ordering::SeqCst);
        Answer::json(200, &json!({ "access_token": self.token(), "expires_in": 3600, "token_type": "Bearer" }))
    }
}

/// What an assertion has to say.
pub(super) struct Claims<'a> {
    pub(super) issuer: &'a str,
    pub(super) subject: &'a str,
    pub(super) audience: &'a str,
}

/// Whether an assertion is signed with the key, says what it has to, and is for a short time from now on.
pub(super) fn is_good(assertion: &str, wanted: &Claims<'_>) -> bool {
    let Some((message, signature)) = assertion.rsplit_once('.') else { return false };
    let Some((header, claims)) = message.split_once('.') else { return false };
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let json = |text: &str| serde_json::from_slice::<Value>(&decoded(text)).unwrap_or_default();
    let (header, claims) = (json(header), json(claims));
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let times = (claims["iat"].as_i64(), claims["exp"].as_i64());
    let in_time = matches!(times, (Some(from), Some(to)) if from <= now + 1 && now < to && to - from <= 300);
    let named = claims["iss"] == wanted.issuer && claims["aud"] == wanted.audience && claims["sub"] == wanted.subject;
    let is_signed = verify(message.as_bytes(), &decoded(signature));
    header["alg"] == "RS256" && in_time && named && is_signed
}

/// Whether the key that belongs to the file made this signature.
fn verify(message: &[u8], signature: &[u8]) -> bool {
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let public = key.public_key().unwrap();
    // The key itself stands in the bit string at the end, after a head of 24 bytes for keys of this size.
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let algorithm = algorithms.all.iter().find(|algorithm| {
        algorithm.signature_alg_id() == alg_id::RSA_PKCS1_SHA256
            && algorithm.public_key_alg_id() == alg_id::RSA_ENCRYPTION
    });
    algorithm.unwrap().verify_signature(&public[24..], message, signature).is_ok()
}

impl Crm for Signed {
    fn recipe(&self) -> &'static str {
        "signed"
    }
    fn params(&self) -> &'static str {
        "{ app = \"the-app\", user = \"ion@example.com\", key = \"THE-KEY\" }"
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["ACCESS-SECRET", "PRIVATE KEY"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        self.is_login(request) || request.header("authorization") == format!("Bearer {}", self.token())
    }
    fn is_login(&self, request: &Request) -> bool {
        request.path == "/oauth/token"
    }
    fn refuse(&self, _: &Request) -> Answer {
        Answer::empty(401)
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        if self.is_login(request) {
            return self.grant(request);
        }
        let person = |person: Person| json!({ "id": person.id, "name": person.name, "phone": person.phone });
        let found: Vec<Value> = book.exactly(request.query("phone")).into_iter().map(person).collect();
        Answer::json(200, &json!({ "people": found }))
    }
    fn link(&self) -> &'static str {
        ""
    }
    fn log_path(&self) -> &'static str {
        ""
    }
}

fn bench(change: impl FnOnce(String) -> String) -> (Arc<Signed>, Bench) {
    let crm = Arc::new(Signed::default());
    let key = KEY.trim().replace('\n', "\\n");
    let bench = Bench::with(Arc::clone(&crm) as Arc<dyn Crm>, |written| change(written).replace("THE-KEY", &key));
    bench.workplace.write("recipes/signed.toml", RECIPE);
    (crm, bench)
}

/// Neither the key, nor an assertion, nor a token stands in a text.
fn check(bench: &Bench, seen: &str) {
    let line = KEY.lines().nth(1).unwrap().to_owned();
    let assertions = bench.stand_in.received().into_iter().map(|request| request.form("assertion"));
    let secrets = assertions.filter(|assertion| !assertion.is_empty()).chain([line]);
    for secret in secrets.chain(bench.crm.secrets().iter().map(|secret| (*secret).to_owned())) {
        assert!(!seen.contains(&secret), "{secret}: {seen}");
    }
}

#[test]
fn a_signed_assertion_begins_a_session_that_is_renewed_once_when_it_is_over() {
    let (crm, bench) = bench(|configuration| configuration);
    let asking = bench.serve();
    assert_eq!(bench.logins(), 1);
    // The CRM forgets the token.
    crm.0.fetch_add(1, Ordering::SeqCst);
    let before = bench.lookups().len();
    assert!(asking.ask("%2B40722111222&dnid=1").text().contains("Ana Pop"), "it is remembered");
    wait_until("somebody else after the end of the session", || asking.ask("0722999888").text().contains("null"));
    assert_eq!((bench.logins(), bench.lookups().len() - before), (2, 2), "one refusal, one renewal, one more try");
    assert_eq!(asking.ask("0722999777").header("x-calldex-degraded"), None);
    assert_eq!(bench.logins(), 2);
    let explained = asking.explain("0722111222");
    assert!(explained.contains("Ana Pop"), "{explained}");
    check(&bench, &explained);
    check(&bench, &get(asking.server.address, "/metrics").text());
    check(&bench, &asking.server.whole_log());
}

#[test]
fn an_assertion_that_is_refused_stops_the_source_with_an_alarm() {
    let (_, bench) = bench(|configuration| configuration.replace("ion@example.com", "somebody@example.com"));
    let asking = bench.serve_at_once();
    (0..10).for_each(|index| asking.ask_in_vain(index));
    assert!(bench.logins() <= 5 && bench.lookups().is_empty(), "{} logins", bench.logins());
    asking.server.wait_for_metrics("calldex_source_refused{source=\"crm\"} 1");
    wait_until("the source in readyz", || {
        get(asking.server.address, "/readyz").json()["sources"] == json!({ "crm": "refused" })
    });
    check(&bench, &asking.explain("0744000001"));
    check(&bench, &asking.server.whole_log());
}

#[test]
fn a_token_that_is_refused_after_every_login_stops_the_source_with_an_alarm() {
    let (_, bench) = bench(|configuration| configuration);
    bench.stand_in.order(Fault::RefuseSessions);
    let asking = bench.serve_at_once();
    (0..10).for_each(|index| asking.ask_in_vain(index));
    assert!(bench.stand_in.received().len() <= 13, "{}", bench.stand_in.received().len());
    asking.server.wait_for_metrics("calldex_source_refused{source=\"crm\"} 1");
    check(&bench, &asking.server.whole_log());
}
