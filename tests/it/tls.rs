//! The listener speaks TLS: real curl with the certificate, its replacement, and files that are no certificate.

use std::process::Command;

use crate::harness::{CONFIGURATION, CONTACTS, Line, Server, TOKEN, Workplace, has_program, text};

const IN_FORCE: &str = "read again and is in force";

fn configuration() -> String {
    CONFIGURATION.replace(
        "[directory.customers]",
        "[server.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n[directory.customers]",
    )
}

/// Writes a fresh certificate for this machine, with its key, and returns the certificate.
fn write_certificate(workplace: &Workplace) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let certificate = made.cert.pem();
    workplace.write("cert.pem", &certificate);
    workplace.write("key.pem", made.signing_key.serialize_pem());
    certificate
}

fn workplace() -> Workplace {
    let workplace = Workplace::new(&configuration());
    write_certificate(&workplace);
    workplace.write("contacts.csv", CONTACTS);
    workplace.succeed(&["import", "contacts.csv", "--directory", "customers"]);
    workplace
}

/// Exit code of curl and what it printed: the body, then the version of HTTP.
fn curl(server: &Server, workplace: &Workplace, trusted: &str) -> (Option<i32>, String) {
    let url = format!("https://{}/sales/lookup?telephone=0722111222&token={TOKEN}", server.address);
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "60",
            "--noproxy",
            "*",
            "--write-out",
            " HTTP/%{http_version}",
        ])
        .arg("--cacert")
        .arg(workplace.path(trusted))
        .arg(url)
        .output()
        .unwrap();
    (output.status.code(), text(&output.stdout))
}

#[test]
fn curl_with_the_certificate_is_answered_over_http_1_1_and_without_it_refuses() {
    if !has_program("curl", "TLS with curl") {
        return;
    }
    let workplace = workplace();
    let server = workplace.serve();
    let (code, answer) = curl(&server, &workplace, "cert.pem");
    assert_eq!(code, Some(0), "{answer}");
    assert!(answer.starts_with("{\"id\":12345,\"name\":\"Ana Popescu\"") && answer.ends_with(" HTTP/1.1"), "{answer}");
    let other = Workplace::new(CONFIGURATION);
    write_certificate(&other);
    let (code, answer) = curl(&server, &other, "cert.pem");
    assert!(code != Some(0) && !answer.contains("Ana"), "{code:?} {answer}");
}

#[test]
fn plain_http_to_a_listener_that_speaks_tls_is_not_answered() {
    let workplace = workplace();
    let server = workplace.serve();
    let mut line = Line::open(server.address);
    line.send(format!("GET /sales/lookup?telephone=0722111222&token={TOKEN} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
    line.finish();
    let answer = line.until_closed();
    assert!(!answer.starts_with(b"HTTP/") && !text(&answer).contains("Ana"), "{}", text(&answer));
}

#[test]
fn a_replaced_certificate_is_served_after_sighup_and_a_broken_one_is_not() {
    if !has_program("curl", "TLS with curl") {
        return;
    }
    let workplace = workplace();
    let server = workplace.serve();
    let old = std::fs::read_to_string(workplace.path("cert.pem")).unwrap();
    workplace.write("old.pem", &old);
    let new = write_certificate(&workplace);
    assert_ne!(new, old);
    assert_eq!(curl(&server, &workplace, "old.pem").0, Some(0), "nothing changes before the signal");
    server.signal("HUP");
    server.wait_for_log(IN_FORCE);
    assert_eq!(curl(&server, &workplace, "cert.pem").0, Some(0));
    assert_ne!(curl(&server, &workplace, "old.pem").0, Some(0));
    workplace.write("new.pem", &new);
    workplace.write("cert.pem", "this is no certificate");
    server.signal("HUP");
    server.wait_for_log("is refused, the old one stays in force");
    assert_eq!(curl(&server, &workplace, "new.pem").0, Some(0), "a broken file does not end the service");
}

#[test]
fn a_certificate_that_is_missing_or_garbage_is_refused_at_start() {
    let workplace = workplace();
    let certificate = std::fs::read(workplace.path("cert.pem")).unwrap();
    for (file, content, words) in [
        (
            "cert.pem",
            Some("garbage"),
            "[server.tls] certificate: expected \"-----BEGIN CERTIFICATE-----\" and found none in",
        ),
        ("cert.pem", Some("-----BEGIN CERTIFICATE-----\n***\n-----END CERTIFICATE-----\n"), "cannot read the PEM file"),
        ("cert.pem", None, "certificate in [server.tls]: cannot read the file \"cert.pem\": No such file"),
        ("key.pem", Some(""), "[server.tls] key: expected an unencrypted \"-----BEGIN PRIVATE KEY-----\""),
        ("key.pem", None, "key in [server.tls]: cannot read the file \"key.pem\": No such file"),
    ] {
        match content {
            Some(content) => workplace.write(file, content),
            None => std::fs::remove_file(workplace.path(file)).unwrap(),
        }
        let message = workplace.fail(&["serve"]);
        assert!(message.contains(words) && message.contains(file), "{file} {content:?}: {message}");
        workplace.write("cert.pem", &certificate);
    }
    let key = workplace.path("key.pem");
    write_certificate(&workplace);
    let other_key = std::fs::read(&key).unwrap();
    write_certificate(&workplace);
    workplace.write("key.pem", other_key);
    let message = workplace.fail(&["serve"]);
    assert!(message.contains("does not go with the certificate in"), "{message}");
}
