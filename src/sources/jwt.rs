//! The signed assertion that stands for a password in OAuth (RFC 7523), with RSA and SHA-256: for Salesforce and recipes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SigningKey;
use serde_json::json;

use crate::error::{Error, Kind, Result};

/// How long an assertion is valid, in seconds: time enough for one request.
const LIFETIME: i64 = 180;

/// A private key.
#[derive(Clone)]
pub(super) struct Key(Arc<dyn SigningKey>);

/// What an assertion says.
pub(super) struct Claims<'a> {
    /// The app.
    pub(super) issuer: &'a str,
    /// The user.
    pub(super) subject: &'a str,
    /// The host that logs in.
    pub(super) audience: &'a str,
}

impl Key {
    /// Reads a key: PEM as it stands, or the path of a file with it, from `folder`.
    pub(super) fn read(written: &str, folder: &Path, may_read_files: bool) -> Result<Self> {
        let invalid = |message: String| Error::new(Kind::Invalid, message);
        let pem = if written.contains("-----BEGIN") {
            written.to_owned()
        } else if may_read_files {
            // What was meant as a path may be a key without its first line.
            let message = format!("cannot read the file of the private key, looked for from {}", shown_folder(folder));
            std::fs::read_to_string(folder.join(written)).map_err(|why| invalid(message).because(why))?
        } else {
            return Err(invalid(
                "a source of a tenant reads no files; private_key has to hold the key itself".to_owned(),
            ));
        };
        Self::from_pem(&pem)
    }

    /// A private RSA key in PEM. No message shows it.
    pub(super) fn from_pem(pem: &str) -> Result<Self> {
        let invalid = |message: &str| Error::new(Kind::Invalid, message);
        // A key in an environment variable often has its line ends written as \n.
        let pem = pem.replace("\\n", "\n");
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes());
        let key = key.map_err(|_| invalid("the private key is no key in PEM"))?;
        let key = any_supported_type(&key).map_err(|_| invalid("the private key is of no kind that is known"))?;
        let is_rsa = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).is_some();
        if is_rsa { Ok(Self(key)) } else { Err(invalid("the private key is no RSA key")) }
    }

    /// A signed assertion; `now` in seconds since 1970 UTC.
    pub(super) fn assertion(&self, claims: &Claims<'_>, now: i64) -> Result<String> {
        let header = json!({"alg": "RS256", "typ": "JWT"});
        let claims = json!({
            "iss": claims.issuer, "sub": claims.subject, "aud": claims.audience, "iat": now,
            "exp": now + LIFETIME,
        });
        let encoded = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encoded(&header), encoded(&claims));
        let failed = || Error::new(Kind::Internal, "the assertion cannot be signed");
        let signer = self.0.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or_else(failed)?;
        let signature = signer.sign(message.as_bytes()).map_err(|why| failed().because(why))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A folder as it may stand in a message: that of `calldex.toml` in the current one has no name.
pub(super) fn shown_folder(folder: &Path) -> String {
    let whole = std::env::current_dir().map_or_else(|_| folder.to_path_buf(), |current| current.join(folder));
    whole.components().collect::<PathBuf>().display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/salesforce")
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        for key in ["", "hunter2", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"] {
            let error = Key::from_pem(key).err().unwrap();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_key_without_its_first_line_is_taken_for_a_path_and_not_shown_either() {
        let error = Key::read("MIIEvQIBADANBghunter2", &folder(), true).err().unwrap();
        assert!(error.to_string().contains("cannot read") && !error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_folder_without_a_name_is_shown_as_what_it_is() {
        let current = std::env::current_dir().unwrap();
        assert_eq!(shown_folder(Path::new("")), current.display().to_string());
        assert_eq!(shown_folder(Path::new("etc/.")), current.join("etc").display().to_string());
        assert_eq!(shown_folder(Path::new("/etc")), "/etc");
    }

    #[test]
    fn a_key_of_one_line_is_the_same_key() {
        let pem = std::fs::read_to_string(folder().join("test-key.pem")).unwrap();
        let claims = Claims { issuer: "i", subject: "s", audience: "a" };
        let signed = |pem: &str| Key::from_pem(pem).unwrap().assertion(&claims, 1_700_000_000).unwrap();
        assert_eq!(signed(&pem), signed(&pem.replace('\n', "\\n")));
    }

    #[test]
    fn an_assertion_is_signed_as_openssl_signs_it() {
        let key = Key::read("test-key.pem", &folder(), true).unwrap();
        let claims = Claims { issuer: "the-app", subject: "ion@example.com", audience: "https://login.salesforce.com" };
        let assertion = key.assertion(&claims, 1_700_000_000).unwrap();
        let expected = std::fs::read_to_string(folder().join("assertion.txt")).unwrap();
        assert_eq!(assertion, expected.trim());
    }

    #[test]
    fn anything_but_an_rsa_key_is_refused_by_what_it_is() {
        let refused = |written: &str, files| Key::read(written, &folder(), files).err().unwrap().to_string();
        assert!(refused("none.pem", true).contains("cannot read"));
        assert!(refused("assertion.txt", true).contains("no key in PEM"));
        assert!(refused("ec-key.pem", true).contains("no RSA key"));
        assert!(refused("test-key.pem", false).contains("tenant"));
    }
}
