//! Nobody is let in by mistake: every line of the contract's table of refusals.

use crate::harness::{ADMIN, CONFIGURATION, Reply, Server, TOKEN, Workplace, get, post, send};

const NULLS: &str =
    r#"{"id":null,"name":null,"queue_position":null,"direct_line":null,"backend_link":null,"route_identifier":null"#;

fn refused(reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert!(reply.text().starts_with(&format!("{NULLS},\"error\":\"")), "{}", reply.text());
}

fn ask(server: &Server, headers: &str) -> Reply {
    let request = format!(
        "GET /sales/lookup?telephone=0722111222&token={TOKEN} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n"
    );
    send(server.address, request.as_bytes())
}

#[test]
fn a_wrong_token_a_missing_token_and_an_unknown_project_are_told_the_same() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let wrong = get(server.address, "/sales/lookup?telephone=0722111222&token=wrong");
    let unknown = get(server.address, "/marketing/lookup?telephone=0722111222&token=wrong");
    let missing = get(server.address, "/sales/lookup?telephone=0722111222");
    for reply in [&wrong, &unknown, &missing] {
        refused(reply, 403);
    }
    assert_eq!(wrong.body, unknown.body);
    assert_eq!(get(server.address, "/?telephone=1").status, 403, "there is no default project");
}

#[test]
fn the_token_stands_in_no_log_and_neither_do_number_and_name() {
    let workplace = Workplace::new(
        &CONFIGURATION.replace("[directory.customers]", "[log]\nlookups = \"all\"\n[directory.customers]"),
    );
    workplace.write("contacts.csv", crate::harness::CONTACTS);
    workplace.succeed(&["import", "contacts.csv", "--directory", "customers"]);
    let server = workplace.serve();
    assert_eq!(server.lookup("telephone=0722111222").status, 200);
    get(server.address, "/sales/lookup?telephone=0722111222&token=a-wrong-token-that-must-not-show");
    server.wait_for_log("token_wrong");
    server.wait_for_log("outcome=\"found\"");
    let log = server.whole_log();
    for secret in [TOKEN, "a-wrong-token", "722111222", "Popescu"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[test]
fn an_allow_list_and_a_token_must_both_pass() {
    let both = CONFIGURATION.replace("sources =", "allow = [\"203.0.113.10\"]\nsources =");
    let workplace = Workplace::new(&both);
    let server = workplace.serve();
    refused(&server.lookup("telephone=1"), 403);
    server.wait_for_log("reason=\"address_not_allowed\"");
    drop(server);
    workplace.write("calldex.toml", both.replace("allow =", "require = \"any\"\nallow ="));
    assert_eq!(workplace.serve().lookup("telephone=1").status, 200);
    workplace.write("calldex.toml", both.replace("203.0.113.10", "127.0.0.0/8"));
    let server = workplace.serve();
    assert_eq!(server.lookup("telephone=1").status, 200);
    refused(&get(server.address, "/sales/lookup?telephone=1"), 403);
}

#[test]
fn a_proxy_that_is_not_trusted_does_not_open_an_allow_list() {
    let workplace = Workplace::new(
        &CONFIGURATION.replace("tokens = [\"a-token-for-the-tests-0123456789\"]", "allow = [\"127.0.0.1\"]"),
    );
    let server = workplace.serve();
    assert_eq!(ask(&server, "").status, 200);
    refused(&ask(&server, "X-Forwarded-For: 203.0.113.10\r\n"), 403);
    refused(&ask(&server, "X-Forwarded-For: 127.0.0.1\r\n"), 403);
    server.wait_for_log("trusted_proxies");
}

#[test]
fn behind_a_trusted_proxy_the_rightmost_stranger_counts() {
    let workplace = Workplace::new(
        &CONFIGURATION
            .replace("tokens = [\"a-token-for-the-tests-0123456789\"]", "allow = [\"203.0.113.10\"]")
            .replace("[server]", "[server]\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]"),
    );
    let server = workplace.serve();
    assert_eq!(ask(&server, "X-Forwarded-For: 203.0.113.10\r\n").status, 200);
    assert_eq!(ask(&server, "X-Forwarded-For: 1.2.3.4, 203.0.113.10, 10.1.1.1\r\n").status, 200);
    assert_eq!(ask(&server, "X-Forwarded-For: ::ffff:203.0.113.10\r\n").status, 200);
    refused(&ask(&server, "X-Forwarded-For: 203.0.113.10, 1.2.3.4\r\n"), 403);
    refused(&ask(&server, "X-Forwarded-For: garbage\r\n"), 403);
    refused(&ask(&server, ""), 403);
}

#[test]
fn too_many_wrong_tries_have_to_wait_and_valid_requests_do_not() {
    let workplace = Workplace::new(&CONFIGURATION.replace("[server]", "[server]\nrefused_per_minute = 5"));
    let server = workplace.serve();
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(get(server.address, "/sales/lookup?telephone=1&token=guess").status);
    }
    assert_eq!(statuses[0], 403);
    assert_eq!(statuses[9], 429, "{statuses:?}");
    let waiting = get(server.address, "/sales/lookup?telephone=1&token=guess");
    refused(&waiting, 429);
    assert!(waiting.header("retry-after").unwrap().parse::<u64>().unwrap() <= 60);
    assert_eq!(server.lookup("telephone=1").status, 200, "valid credentials are never throttled");
}

#[test]
fn an_administrator_sees_who_was_refused_and_why() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    get(server.address, "/sales/lookup?telephone=1&token=guess");
    let request = format!(
        "GET /metrics/refused HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}\r\nConnection: close\r\n\r\n"
    );
    let list = send(server.address, request.as_bytes()).text();
    assert!(list.contains("127.0.0.1") && list.contains("sales") && list.contains("token_wrong"), "{list}");
    assert!(!list.contains("guess"));
    refused(&get(server.address, "/metrics/refused"), 403);
    server.wait_for_metrics("calldex_requests_refused_total{project=\"sales\",reason=\"token_wrong\"} 1");
}

#[test]
fn requests_that_are_too_long_are_told_so() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    refused(&server.lookup(&format!("telephone=1&x={}", "a".repeat(17 * 1024))), 414);
    let body = format!("telephone=1&x={}", "a".repeat(65 * 1024));
    let form = "application/x-www-form-urlencoded";
    refused(&post(server.address, &format!("/sales/lookup?token={TOKEN}"), form, body.as_bytes()), 413);
    let mut chunked = format!(
        "POST /sales/lookup?token={TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Type: {form}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    .into_bytes();
    for _ in 0..70 {
        chunked.extend_from_slice(b"400\r\n");
        chunked.extend_from_slice(&[b'a'; 1024]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    refused(&send(server.address, &chunked), 413);
    assert_eq!(server.lookup("telephone=0722111222").status, 200);
}

#[test]
fn what_has_no_address_here_is_not_found_and_no_name() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    refused(&get(server.address, "/sales/unknown"), 404);
    refused(&get(server.address, "/.env"), 404);
    let delete = format!("DELETE /sales/lookup?token={TOKEN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    refused(&send(server.address, delete.as_bytes()), 405);
}

#[test]
fn an_expired_token_opens_nothing_and_its_successor_does() {
    let tokens = format!(
        "tokens = [{{ token = \"{TOKEN}\", expires = \"2020-01-01T00:00:00Z\" }}, \"the-successor-of-the-token-0123\"]"
    );
    let workplace = Workplace::new(&CONFIGURATION.replace("tokens = [\"a-token-for-the-tests-0123456789\"]", &tokens));
    let server = workplace.serve();
    refused(&server.lookup("telephone=1"), 403);
    let successor = get(server.address, "/sales/lookup?telephone=1&token=the-successor-of-the-token-0123");
    assert_eq!(successor.status, 200);
}

#[test]
fn only_who_may_read_the_metrics_hears_names_from_the_readiness() {
    let workplace = Workplace::new(
        &CONFIGURATION
            .replace("[server]", "[server]\ntrusted_proxies = [\"127.0.0.1\"]\nmetrics_allow = [\"203.0.113.0/24\"]"),
    );
    let server = workplace.serve();
    let ready = |client: &str| {
        let request =
            format!("GET /readyz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\nConnection: close\r\n\r\n");
        let reply = send(server.address, request.as_bytes());
        assert_eq!(reply.status, 200);
        reply.text()
    };
    assert!(ready("203.0.113.9").contains("\"projects\":1"));
    assert_eq!(ready("198.51.100.7"), "{\"ready\":true}");
}
