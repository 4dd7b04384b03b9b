//! The listener with TLS.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::config::Tls;
use crate::server::tls;

/// A fresh certificate for localhost, as the server loads it, and in PEM.
fn fresh() -> (Arc<ServerConfig>, String) {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = Tls { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    (tls::load(&files).unwrap(), made.cert.pem())
}

/// Connects as a client that trusts one certificate and would take HTTP/2.
async fn connect(running: &Running, trusted: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, running.connect().await);
    within("the handshake", connecting).await
}

#[tokio::test]
async fn requests_over_tls_are_repaired_and_answered_over_http_1() {
    let (config, certificate) = fresh();
    let running = start(ListenSettings { tls: Some(config), ..patient() });
    let mut stream = connect(&running, &certificate).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    for _ in 0..2 {
        assert_eq!(body(&ask(&mut stream, "/?a=1 #2").await), "GET /?a=1%20%232");
    }
    assert!(body(&ask(&mut stream, "/who").await).starts_with("127.0.0.1 "));
}

#[tokio::test]
async fn a_new_certificate_is_used_for_new_connections_and_open_ones_go_on() {
    let (first, first_certificate) = fresh();
    let (second, second_certificate) = fresh();
    let running = start(ListenSettings { tls: Some(first), ..patient() });
    let mut open = connect(&running, &first_certificate).await.unwrap();
    ask(&mut open, "/").await;
    running.settings.store(Arc::new(ListenSettings { tls: Some(second), ..patient() }));
    assert!(connect(&running, &first_certificate).await.is_err());
    let mut new = connect(&running, &second_certificate).await.unwrap();
    assert_eq!(status(&ask(&mut new, "/").await), 200);
    assert_eq!(status(&ask(&mut open, "/").await), 200);
}

#[tokio::test]
async fn silence_or_plain_http_instead_of_a_handshake_ends_the_connection() {
    let (config, certificate) = fresh();
    let running = start(ListenSettings { tls: Some(Arc::clone(&config)), ..impatient() });
    assert_eq!(running.talk("").await, "");
    assert!(!running.talk("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.contains("200 OK"));
    running.until("both are counted", |_| running.count("failed_handshakes") == 2).await;
    running.settings.store(Arc::new(ListenSettings { tls: Some(config), ..patient() }));
    let mut stream = connect(&running, &certificate).await.unwrap();
    assert_eq!(status(&ask(&mut stream, "/").await), 200);
}

#[tokio::test]
async fn a_handshake_that_never_comes_does_not_hold_up_the_end() {
    let (config, certificate) = fresh();
    let running = start(ListenSettings { tls: Some(config), ..patient() });
    let silent = running.connect().await;
    let mut asking = connect(&running, &certificate).await.unwrap();
    asking.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    running.until("both are taken", |_| running.count("accepted") == 2).await;
    running.stop.send(()).unwrap();
    assert_eq!(status(&until_closed(&mut asking).await), 200);
    within("the listener ends", running.ended).await.unwrap();
    drop(silent);
}
