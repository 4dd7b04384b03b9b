//! Makes the clients that hold connections: one for each set of settings, shared by all sources that have them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Certificate, Proxy, redirect};

use super::CONNECT_LIMIT;
use super::address::{Reach, Resolver};
use crate::error::{Error, Kind, Result};

/// Idle connections to one host that are kept.
const MOST_IDLE: usize = 32;

/// How long an idle connection is kept; many servers close theirs after a minute.
const IDLE_FOR: Duration = Duration::from_secs(50);

/// What tells one client from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Settings {
    /// Where it may connect to.
    pub reach: Reach,
    /// A file in PEM with certificates that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// A proxy, as `http://host:port`; it may hold user and password. Variables of the environment are not used.
    pub proxy: Option<String>,
}

/// All clients of the process. They are handed on at a reload, so that connections outlive it; one for each set of
/// settings stays until the end.
#[derive(Default)]
pub struct Clients {
    /// By their settings and what stands in their file.
    made: Mutex<BTreeMap<(Settings, Vec<u8>), reqwest::Client>>,
}

impl Clients {
    /// The client for these settings.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for a file without certificates, a proxy that is none, and a proxy for a source that may reach
    /// public addresses only, as nobody can tell where a proxy goes.
    pub fn get(&self, settings: &Settings) -> Result<reqwest::Client> {
        let trusted = settings.ca_file.as_ref().and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
        let key = (settings.clone(), trusted);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(&key) {
            return Ok(client.clone());
        }
        let client = make(settings)?;
        made.insert(key, client.clone());
        Ok(client)
    }
}

fn make(settings: &Settings) -> Result<reqwest::Client> {
    // One provider for the whole program; that another part installed it before is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = builder(settings.reach);
    if let Some(file) = &settings.ca_file {
        builder = builder.tls_certs_merge(read_certificates(file)?);
    }
    builder = match &settings.proxy {
        Some(_) if settings.reach == Reach::Public => {
            return Err(Error::new(Kind::Invalid, "a source of a tenant cannot use a proxy"));
        }
        Some(proxy) => builder.proxy(Proxy::all(proxy).map_err(|_| Error::new(Kind::Invalid, "this is no proxy"))?),
        None => builder,
    };
    builder.build().or_else(|_| without_trust(settings))
}

fn builder(reach: Reach) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("calldex/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT_LIMIT)
        .pool_max_idle_per_host(MOST_IDLE)
        .pool_idle_timeout(IDLE_FOR)
        .dns_resolver(Resolver(reach))
}

fn read_certificates(file: &std::path::Path) -> Result<Vec<Certificate>> {
    let wrong = |why: String| Error::new(Kind::Invalid, format!("{}: {why}", file.display()));
    let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(wrong("there is no certificate in it; expected PEM".to_owned())),
    }
}

/// On a machine that trusts nobody (a bare container) sources without TLS work all the same; TLS says what is wrong.
fn without_trust(settings: &Settings) -> Result<reqwest::Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let internal = |error: &dyn std::fmt::Display| Error::new(Kind::Internal, format!("no HTTP client: {error}"));
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| internal(&error))?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    tracing::warn!(
        "this machine trusts no certificate authority, install ca-certificates: no source with https answers"
    );
    builder(settings.reach).tls_backend_preconfigured(tls).build().map_err(|error| internal(&error))
}
