//! Signs the assertion of an OAuth2 login (RFC 7523) with RS256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use crate::error::{Error, Kind, Result};

/// How long an assertion is valid, in seconds: time enough for one request.
const VALID: i64 = 180;

/// What an assertion says.
pub(super) struct Claims<'a> {
    pub(super) issuer: &'a str,
    pub(super) subject: &'a str,
    pub(super) audience: &'a str,
}

/// Makes an assertion. `key` is a private RSA key in PEM, `now` seconds since 1970.
///
/// # Errors
/// [`Kind::Invalid`] when the key is none. No message shows it.
pub(super) fn sign(claims: &Claims<'_>, key: &str, now: i64) -> Result<String> {
    let invalid = || Error::new(Kind::Invalid, "the key is no private RSA key in PEM");
    // A key in an environment variable often has its line ends written as \n.
    let pem = key.replace("\\n", "\n");
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| invalid())?;
    let key = any_supported_type(&key).map_err(|_| invalid())?;
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or_else(invalid)?;
    let head = URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "typ": "JWT" }).to_string());
    let body = json!({
        "iss": claims.issuer,
        "sub": claims.subject,
        "aud": claims.audience,
        "iat": now,
        "exp": now + VALID,
    });
    let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(body.to_string()));
    let signature = signer.sign(signed.as_bytes()).map_err(|_| invalid())?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        let claims = Claims { issuer: "i", subject: "s", audience: "a" };
        for key in ["", "hunter2", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"] {
            let error = sign(&claims, key, 0).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
