//! TLS for the listener, from a certificate and a key in PEM files.
//!
//! Only HTTP/1.1 is offered (ALPN): PBXs built on libcurl would take HTTP/2 if they could. The files are read at start
//! and on reload; connections that are open keep the certificate that they began with.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Tls;
use crate::error::{Error, Kind, Result};

/// Reads the files and puts together what a handshake needs.
///
/// # Errors
/// [`Kind::NotFound`] when a file cannot be opened, [`Kind::Invalid`] when it holds no certificate or key, or when the
/// two do not belong together. The message names the file and the setting.
pub(crate) fn load(tls: &Tls) -> Result<Arc<ServerConfig>> {
    let chain = read_chain(&tls.certificate)?;
    let key = read_key(&tls.key)?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(Kind::Internal, "TLS cannot be set up").because(error))?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).map_err(|error| {
        let files = format!(
            "the key in {} does not go with the certificate in {} ([server.tls] key, certificate)",
            tls.key.display(),
            tls.certificate.display()
        );
        Error::new(Kind::Invalid, files).because(error)
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let wrong = |what: &str| Error::new(Kind::Invalid, format!("[server.tls] certificate: {what} {}", path.display()));
    let chain = CertificateDer::pem_reader_iter(open(path, "certificate")?)
        .collect::<std::result::Result<Vec<_>, pem::Error>>()
        .map_err(|error| wrong("cannot read the PEM file").because(error))?;
    if chain.is_empty() {
        return Err(wrong("expected \"-----BEGIN CERTIFICATE-----\" and found none in"));
    }
    Ok(chain)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let wrong = |what: &str| Error::new(Kind::Invalid, format!("[server.tls] key: {what} {}", path.display()));
    PrivateKeyDer::from_pem_reader(open(path, "key")?).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            wrong("expected an unencrypted \"-----BEGIN PRIVATE KEY-----\" (or RSA, EC) and found none in")
        }
        other => wrong("cannot read the PEM file").because(other),
    })
}

fn open(path: &Path, key: &str) -> Result<BufReader<File>> {
    File::open(path).map(BufReader::new).map_err(|error| {
        Error::new(Kind::NotFound, format!("[server.tls] {key}: cannot open {}", path.display())).because(error)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Writes a fresh certificate for localhost and its key.
    fn write(folder: &Path) -> Tls {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let tls = Tls { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
        fs::write(&tls.certificate, made.cert.pem()).unwrap();
        fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
        tls
    }

    fn message(tls: &Tls) -> String {
        load(tls).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_certificate_with_its_key_is_loaded_and_offers_http_1_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(load(&write(folder.path())).unwrap().alpn_protocols, [b"http/1.1".to_vec()]);
    }

    #[test]
    fn what_is_wrong_is_said_with_the_file_and_the_setting() {
        let folder = tempfile::tempdir().unwrap();
        let good = write(folder.path());
        let missing = Tls { certificate: folder.path().join("none.pem"), ..good.clone() };
        assert!(message(&missing).contains("[server.tls] certificate: cannot open"), "{}", message(&missing));
        let swapped = Tls { certificate: good.key.clone(), key: good.certificate.clone() };
        assert!(message(&swapped).contains("BEGIN CERTIFICATE"), "{}", message(&swapped));
        let no_key = Tls { key: good.certificate.clone(), ..good.clone() };
        assert!(message(&no_key).contains("[server.tls] key: expected"), "{}", message(&no_key));
        let other = tempfile::tempdir().unwrap();
        let strange = Tls { key: write(other.path()).key, ..good.clone() };
        assert!(message(&strange).contains("does not go with"), "{}", message(&strange));
        fs::write(&good.certificate, "-----BEGIN CERTIFICATE-----\n***\n-----END CERTIFICATE-----\n").unwrap();
        assert!(message(&good).contains("cannot read the PEM file"), "{}", message(&good));
    }
}
