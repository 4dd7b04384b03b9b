//! Fetches the WSDL of a service with all that belongs to it, and keeps what was learned for a day.
//!
//! A description comes from outside and may name any address. Each document goes through the client of the source, so an
//! address that the source may not reach is not reached this way either; the credentials go to the host of the first
//! document only; a file may name files of its own folder only.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use url::Url;

use super::answer::masked;
use super::settings::{Place, Settings};
use crate::error::{Error, Kind, Result};
use crate::soap::Element;
use crate::soap::wsdl::{MOST_ELEMENTS, Operation, Wsdl};
use crate::sources::http::{Client, Request};

/// How long a description is used, as long as PHP does.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// How long to wait after a failure while an old description is there.
const PAUSE: Duration = Duration::from_secs(60);
/// Most documents of a description.
const MOST_DOCUMENTS: usize = 24;
/// Largest document, in bytes.
const LARGEST: usize = 8 << 20;

/// What is known of a service. The lock is held while the description is fetched, so that calls at once fetch it once.
#[derive(Default)]
pub(super) struct Description(Mutex<Option<Known>>);

struct Known {
    operation: Arc<Operation>,
    until: Instant,
}

impl Description {
    /// How the function is called. An old description is used on when no new one can be had.
    pub(super) async fn operation(
        &self,
        place: &Place,
        settings: &Settings,
        client: &Client,
        now: Instant,
    ) -> Result<Arc<Operation>> {
        let mut known = self.0.lock().await;
        if let Some(known) = known.as_ref().filter(|known| now < known.until) {
            return Ok(Arc::clone(&known.operation));
        }
        match (fetch(place, settings, client).await, known.as_mut()) {
            (Ok(operation), _) => {
                let operation = Arc::new(operation);
                *known = Some(Known { operation: Arc::clone(&operation), until: now + LIFETIME });
                Ok(operation)
            }
            (Err(why), Some(old)) => {
                let why = masked(&why.to_string(), settings);
                tracing::warn!(target: "calldex::sources", "the WSDL cannot be read again, the old one is used: {why}");
                old.until = now + PAUSE;
                Ok(Arc::clone(&old.operation))
            }
            (Err(why), None) => Err(why),
        }
    }
}

/// Reads all documents, then the function in them.
async fn fetch(place: &Place, settings: &Settings, client: &Client) -> Result<Operation> {
    let mut wsdl = Wsdl::default();
    let mut seen = vec![place.clone()];
    let mut wanted = VecDeque::from([place.clone()]);
    while let Some(next) = wanted.pop_front() {
        let bytes = match &next {
            Place::Web(url) => from_web(url, place, settings, client).await?,
            Place::File(path) => from_file(path).await?,
        };
        let root = Element::read(&bytes, None, MOST_ELEMENTS).map_err(|why| wrong(&next, &why))?;
        for named in wsdl.add(root).map_err(|why| wrong(&next, &why))? {
            let found = beside(&next, &named)?;
            if seen.contains(&found) {
                continue;
            }
            if seen.len() >= MOST_DOCUMENTS {
                let message = format!("the WSDL is spread over more than {MOST_DOCUMENTS} documents");
                return Err(Error::new(Kind::Corrupt, message));
            }
            seen.push(found.clone());
            wanted.push_back(found);
        }
    }
    wsdl.operation(&settings.function, settings.version)
}

async fn from_web(url: &Url, first: &Place, settings: &Settings, client: &Client) -> Result<Vec<u8>> {
    let mut request = Request { limit: LARGEST, ..Request::get(url.clone()) };
    if matches!(first, Place::Web(first) if super::is_safe_for_credentials(first, url)) {
        super::authorize(&mut request, settings);
    }
    let answer = client.send(request).await?.success();
    let answer = answer.map_err(|why| Error::new(why.kind(), "the WSDL cannot be fetched").because(why))?;
    Ok(answer.body.to_vec())
}

async fn from_file(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let wrong = |why: std::io::Error| Error::new(Kind::Invalid, format!("cannot read {shown}")).because(why);
    let length = tokio::fs::metadata(path).await.map_err(wrong)?.len();
    if length > LARGEST as u64 {
        return Err(Error::new(Kind::Invalid, format!("{shown} is larger than {LARGEST} bytes")));
    }
    tokio::fs::read(path).await.map_err(wrong)
}

/// Where a document is that another one names.
fn beside(place: &Place, named: &str) -> Result<Place> {
    if let Ok(url) = Url::parse(named) {
        return match url.scheme() {
            "http" | "https" => Ok(Place::Web(url)),
            _ => Err(Error::new(Kind::Invalid, "the WSDL names a document that is not on the web")),
        };
    }
    match place {
        Place::Web(url) => {
            let found = url.join(named).map_err(|_| Error::new(Kind::Corrupt, "the WSDL names a document nowhere"))?;
            Ok(Place::Web(found))
        }
        Place::File(path) => {
            let name = Path::new(named.strip_prefix("./").unwrap_or(named));
            let is_beside = name.components().count() == 1 && name.file_name().is_some_and(|file| file == name);
            if !is_beside {
                return Err(Error::new(Kind::Invalid, "the WSDL names a file outside of its own folder"));
            }
            Ok(Place::File(path.parent().map_or_else(PathBuf::new, Path::to_path_buf).join(name)))
        }
    }
}

fn wrong(place: &Place, why: &Error) -> Error {
    let message = match place {
        Place::Web(url) => format!("the WSDL from {}: {why}", crate::sources::http::host(url)),
        Place::File(path) => format!("{}: {why}", path.display()),
    };
    Error::new(why.kind(), message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::http::address::Reach;
    use crate::sources::settings_for_tests;
    use crate::sources::stand_in::{StandIn, answer, client_within, workbench};

    fn web(url: &str) -> Place {
        Place::Web(Url::parse(url).unwrap())
    }

    #[test]
    fn documents_are_found_beside_the_one_that_names_them() {
        assert_eq!(beside(&web("https://a.example/x/s?wsdl"), "t.xsd").unwrap(), web("https://a.example/x/t.xsd"));
        assert_eq!(beside(&web("https://a.example/"), "http://b.example/t").unwrap(), web("http://b.example/t"));
        let file = Place::File("/etc/calldex/crm.wsdl".into());
        assert_eq!(beside(&file, "./t.xsd").unwrap(), Place::File("/etc/calldex/t.xsd".into()));
    }

    #[test]
    fn nothing_leads_to_other_files() {
        let file = Place::File("/etc/calldex/crm.wsdl".into());
        for named in ["../shadow", "/etc/shadow", "a/b.xsd", "..", "", "file:///etc/shadow"] {
            assert!(beside(&file, named).is_err(), "{named}");
        }
        assert!(beside(&web("https://a.example/"), "file:///etc/shadow").is_err());
        assert!(matches!(beside(&web("https://a.example/"), "/etc/shadow").unwrap(), Place::Web(_)));
    }

    #[tokio::test]
    async fn what_a_description_imports_is_not_fetched_where_its_source_may_not_go() {
        let private = StandIn::start(|_| answer("200 OK", "text/xml", "<schema/>")).await;
        let import = format!("<import namespace='urn:t' location='{}'/>", private.url("/t.wsdl"));
        let wsdl = format!("<definitions xmlns='http://schemas.xmlsoap.org/wsdl/'>{import}</definitions>");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("crm.wsdl");
        std::fs::write(&file, wsdl).unwrap();
        let keys = "url = \"https://a.example/\"\nparams = \"func_name=getCallerInfo\"";
        let settings = super::super::settings::read(&settings_for_tests("crm", keys)).0.unwrap();
        let now = workbench().clock.now();
        let fetch_with = async |client: &Client| {
            let found = Description::default().operation(&Place::File(file.clone()), &settings, client, now).await;
            found.unwrap_err().to_string()
        };
        let refused = fetch_with(&client_within(Reach::Public)).await;
        assert!(refused.contains("public") && private.received().is_empty(), "{refused}");
        fetch_with(&client_within(Reach::Anywhere)).await;
        assert_eq!(private.received().len(), 1, "whoever may go there does");
    }
}
