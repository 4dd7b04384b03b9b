use std::collections::BTreeMap;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::clock::SystemClock;

/// A server that answers each path with the bytes that stand for it, one request for each connection, and keeps what it
/// was sent.
struct Server {
    port: u16,
    received: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answers: &[(&'static str, Vec<u8>)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers: BTreeMap<&'static str, Vec<u8>> = answers.iter().cloned().collect();
        let received: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 8192];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
                let answer = answers.get(path).cloned().unwrap_or_default();
                kept.lock().unwrap().push(request);
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, received }
    }

    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}{path}", self.port)).unwrap()
    }

    fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn client_with(reach: Reach) -> Client {
    let settings = Settings { reach, ca_file: None, proxy: None };
    let budget = Arc::new(Budget::new(None, Arc::new(SystemClock)));
    Client::new(Clients::default().get(&settings).unwrap(), settings, budget, Duration::from_secs(30))
}

fn client() -> Client {
    client_with(Reach::Anywhere)
}

async fn refused(request: Request) -> Error {
    client().send(request).await.unwrap_err()
}

#[tokio::test]
async fn a_request_goes_out_with_its_headers_and_the_credentials_of_its_address() {
    let server = Server::start(&[("/caller", answer("200 OK\r\nContent-Type: application/json", b"{}"))]).await;
    let mut url = server.url("/caller?telephone=%2B40");
    url.set_username("ion").unwrap();
    url.set_password(Some("secret")).unwrap();
    let mut request = Request::get(url);
    request.headers.insert("x-project", "sales".parse().unwrap());
    let got = client().send(request).await.unwrap();
    assert_eq!(
        (got.status, got.text().unwrap().as_str(), got.content_type()),
        (StatusCode::OK, "{}", "application/json")
    );
    let sent = server.received().concat().to_lowercase();
    assert!(sent.starts_with("get /caller?telephone=%2b40 http/1.1\r\n"), "{sent}");
    assert!(sent.contains("x-project: sales") && sent.contains("authorization: basic aw9uonnly3jlda=="), "{sent}");
    assert!(sent.contains("user-agent: calldex/"), "{sent}");
}

#[tokio::test]
async fn a_redirect_within_the_host_is_followed_and_one_elsewhere_is_not() {
    let server = Server::start(&[
        ("/old", answer("302 Found\r\nLocation: /new", b"")),
        ("/new", answer("200 OK", b"here")),
        ("/away", answer("301 Moved\r\nLocation: http://localhost:1/steal?token=x", b"")),
        ("/other", answer("307 Moved\r\nLocation: https://evil.example.com/secret-path", b"")),
        ("/circle", answer("302 Found\r\nLocation: /circle", b"")),
        ("/file", answer("302 Found\r\nLocation: file:///etc/passwd", b"")),
        ("/nowhere", answer("302 Found", b"")),
        ("/see", answer("303 See Other\r\nLocation: /new", b"")),
        ("/again", answer("308 Moved\r\nLocation: /new", b"")),
    ])
    .await;
    let sent = client().send(Request::get(server.url("/old"))).await.unwrap();
    assert_eq!(sent.text().unwrap(), "here");
    for path in ["/away", "/other", "/circle", "/file", "/nowhere"] {
        let error = refused(Request::get(server.url(path))).await;
        assert_eq!(error.kind(), Kind::Invalid, "{path}: {error}");
        assert!(!error.to_string().contains("secret-path") && !error.to_string().contains("token"), "{error}");
    }
    let before = server.received().len();
    for path in ["/see", "/again"] {
        client().send(Request::post(server.url(path), "body")).await.unwrap();
    }
    let methods: Vec<String> =
        server.received()[before..].iter().map(|request| request.split(" HTTP").next().unwrap().to_owned()).collect();
    assert_eq!(methods, ["POST /see", "GET /new", "POST /again", "POST /new"]);
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit_counted_after_unpacking() {
    let bomb = {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packer, &vec![b' '; 64 << 20]).unwrap();
        packer.finish().unwrap()
    };
    assert!(bomb.len() < 100_000);
    let server = Server::start(&[
        ("/fits", answer("200 OK", &[b'x'; 1000])),
        ("/large", answer("200 OK", &[b'x'; 1001])),
        ("/bomb", answer("200 OK\r\nContent-Encoding: gzip", &bomb)),
    ])
    .await;
    let request = |path: &str| Request { limit: 1000, ..Request::get(server.url(path)) };
    assert_eq!(client().send(request("/fits")).await.unwrap().body.len(), 1000);
    for path in ["/large", "/bomb"] {
        let error = refused(request(path)).await;
        assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Corrupt, "the answer is larger than 1000 bytes"));
    }
    let error = refused(Request::get(server.url("/bomb"))).await;
    assert_eq!(error.kind(), Kind::Corrupt);
}

#[tokio::test]
async fn a_system_that_takes_a_request_and_never_answers_holds_nobody_for_ever() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", silent.local_addr().unwrap())).unwrap();
    let hasty = Client { patience: Duration::from_millis(50), ..client() };
    let asking = async { (hasty.send(Request::get(url.clone())).await, hasty.tell(Request::get(url)).await) };
    let (sent, told) =
        tokio::time::timeout(Duration::from_secs(60), asking).await.expect("the client gives up by itself");
    assert_eq!((sent.unwrap_err().kind(), told.unwrap_err().kind()), (Kind::Timeout, Kind::Timeout));
}

#[tokio::test]
async fn what_goes_wrong_is_said_in_words_without_the_address() {
    let server = Server::start(&[
        ("/short", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc".to_vec()),
        ("/garbage", b"\x16\x03\x01 no http at all\r\n\r\n".to_vec()),
        ("/nothing", Vec::new()),
        ("/not-gzip", answer("200 OK\r\nContent-Encoding: gzip", b"plain text")),
    ])
    .await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let cases = [
        (server.url("/short?token=hunter2"), Kind::Unavailable, "broke off"),
        (server.url("/garbage?token=hunter2"), Kind::Corrupt, "is no HTTP"),
        (server.url("/nothing?token=hunter2"), Kind::Unavailable, "broke off"),
        (server.url("/not-gzip?token=hunter2"), Kind::Corrupt, "cannot be unpacked"),
        (
            Url::parse(&format!("http://u:hunter2@127.0.0.1:{closed}/x")).unwrap(),
            Kind::Unavailable,
            "cannot connect to",
        ),
        (
            Url::parse("http://calldex.invalid/?token=hunter2").unwrap(),
            Kind::Unavailable,
            "calldex.invalid is not known",
        ),
        (
            Url::parse(&format!("https://127.0.0.1:{}/?token=hunter2", server.port)).unwrap(),
            Kind::Unavailable,
            "tls handshake",
        ),
    ];
    for (url, kind, words) in cases {
        let error = refused(Request::get(url.clone())).await;
        assert_eq!(error.kind(), kind, "{url}: {error}");
        assert!(error.to_string().contains(words) && !error.to_string().contains("hunter2"), "{url}: {error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn each_status_is_the_failure_that_it_stands_for() {
    for (head, kind, pause) in [
        ("401 Unauthorized", Kind::Refused, None),
        ("403 Forbidden", Kind::Refused, None),
        ("404 Not Found", Kind::NotFound, None),
        ("400 Bad Request", Kind::Invalid, None),
        ("408 Timeout", Kind::Timeout, None),
        ("429 Slow\r\nRetry-After: 120", Kind::Unavailable, Some(120)),
        ("429 Slow", Kind::Unavailable, Some(10)),
        (
            "503 Busy\r\nDate: Sun, 06 Nov 2026 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 2026 08:50:37 GMT",
            Kind::Unavailable,
            None,
        ),
        (
            "503 Busy\r\nDate: Fri, 06 Nov 2026 08:49:37 GMT\r\nRetry-After: Fri, 06 Nov 2026 08:50:37 GMT",
            Kind::Unavailable,
            Some(60),
        ),
        ("503 Busy\r\nRetry-After: soon", Kind::Unavailable, None),
        ("500 Oops", Kind::Unavailable, None),
        ("304 Not Modified", Kind::Invalid, None),
    ] {
        let server = Server::start(&[("/", answer(head, b""))]).await;
        let got = client().send(Request::get(server.url("/"))).await.unwrap();
        let error = got.success().unwrap_err();
        assert_eq!((error.kind(), error.pause().map(|pause| pause.as_secs())), (kind, pause), "{head}: {error}");
    }
}

#[tokio::test]
async fn a_source_of_a_tenant_does_not_reach_the_network_around_calldex() {
    let server = Server::start(&[("/", answer("200 OK", b"inside"))]).await;
    let client = client_with(Reach::Public);
    for host in ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]"] {
        let url = Url::parse(&format!("http://{host}:{}/", server.port)).unwrap();
        let error = client.send(Request::get(url)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid, "{host}: {error}");
        assert!(error.to_string().contains("not a public one"), "{host}: {error}");
    }
    assert!(server.received().is_empty());
    let settings = Settings { reach: Reach::Public, ca_file: None, proxy: Some("http://127.0.0.1:1".to_owned()) };
    assert_eq!(Clients::default().get(&settings).unwrap_err().kind(), Kind::Invalid);
}

#[tokio::test]
async fn a_certificate_is_trusted_only_through_its_authority() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("ca.pem");
    let (port, certificate) = tls_server("localhost").await;
    let clients = Clients::default();
    std::fs::write(&trusted, rcgen::generate_simple_self_signed(["another".to_owned()]).unwrap().cert.pem()).unwrap();
    let settings = |file| Settings { reach: Reach::Anywhere, ca_file: Some(file), proxy: None };
    clients.get(&settings(trusted.clone())).unwrap();
    // A renewed file counts from the next reload on.
    std::fs::write(&trusted, certificate).unwrap();
    let url = Url::parse(&format!("https://localhost:{port}/")).unwrap();
    let error = refused(Request::get(url.clone())).await;
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.to_string().contains("certificate is not trusted"), "{error}");
    let budget = || Arc::new(Budget::new(None, Arc::new(SystemClock)));
    let inner = clients.get(&settings(trusted.clone())).unwrap();
    let trusting = Client::new(inner, settings(trusted), budget(), Duration::from_secs(30));
    assert_eq!(trusting.send(Request::get(url)).await.unwrap().text().unwrap(), "safe");
    let by_address = Url::parse(&format!("https://127.0.0.1:{port}/")).unwrap();
    let error = trusting.send(Request::get(by_address)).await.unwrap_err();
    assert!(error.to_string().contains("certificate is not trusted"), "its name is another one: {error}");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    assert_eq!(Clients::default().get(&settings(empty)).unwrap_err().kind(), Kind::Invalid);
}

/// A server with a certificate of its own for one name; returns its port and the certificate.
async fn tls_server(name: &str) -> (u16, String) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let pem = made.cert.pem();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let settings = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(settings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(&answer("200 OK", b"safe")).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, pem)
}
