//! One TLS handshake by itself, for whoever looks for trouble on the way to a system.
//!
//! It trusts whom the client of the sources trusts: the authorities of this machine, and those of a `ca_file`.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::explain_tls;
use crate::error::{Error, Kind, Result};

/// Makes a TLS connection and drops it.
///
/// # Errors
/// In words for an administrator: what is wrong with the certificate, the port or this machine.
pub async fn shake_hands(stream: TcpStream, host: &str, ca_file: Option<&Path>) -> Result<()> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Error::new(Kind::Invalid, format!("{host} is no name that a certificate could be for")))?;
    let settings = settings(ca_file)?;
    match TlsConnector::from(Arc::new(settings)).connect(name, stream).await {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::new(Kind::Unavailable, explain(&error))),
    }
}

fn settings(ca_file: Option<&Path>) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let wrong = |error: &dyn std::fmt::Display| Error::new(Kind::Invalid, format!("no TLS from here: {error}"));
    let own: Vec<CertificateDer<'static>> = match ca_file {
        Some(file) => CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect)
            .map_err(|error| wrong(&format!("{}: {error}", file.display())))?,
        None => Vec::new(),
    };
    let verifier = match own.is_empty() {
        true => Verifier::new(Arc::clone(&provider)),
        false => Verifier::new_with_extra_roots(own, Arc::clone(&provider)),
    };
    let verifier = Arc::new(verifier.map_err(|error| wrong(&error))?);
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder
        .map_err(|error| wrong(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

fn explain(error: &std::io::Error) -> String {
    let why = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    why.map_or_else(|| format!("the handshake breaks off: {error}"), explain_tls)
}
