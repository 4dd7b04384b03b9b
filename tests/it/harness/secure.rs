//! A system that answers over TLS, with a certificate that the test gives it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::authority::Certificate;

/// The server; its threads end with the process.
pub(crate) struct Secure {
    pub(crate) port: u16,
}

impl Secure {
    /// Starts it; `body` is its answer to everything.
    pub(crate) fn start(certificate: &Certificate, body: &'static str) -> Self {
        let chain = CertificateDer::from_pem_slice(certificate.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
        let settings = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)
            .unwrap();
        let settings = Arc::new(settings);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let connection = ServerConnection::new(Arc::clone(&settings)).unwrap();
                // A client that does not trust the certificate goes away.
                std::thread::spawn(move || serve(StreamOwned::new(connection, stream), body).is_ok());
            }
        });
        Self { port }
    }
}

/// Answers one request after another.
fn serve(mut stream: impl Read + Write, body: &str) -> std::io::Result<()> {
    loop {
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            request.push(byte[0]);
        }
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all((head + body).as_bytes())?;
        stream.flush()?;
    }
}
