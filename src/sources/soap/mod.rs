//! `type = "soap"`: a function of a SOAP service is called with the caller's number.
//!
//! With a WSDL, which is the address of the source as it is for PHP, the service says where and how it wants to be
//! called; without one the settings do. What goes out is what PHP's `SoapClient` would send.

mod answer;
mod arguments;
mod call_log;
mod description;
mod settings;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use serde_json::Value as Json;
use url::Url;

use super::http::{Client, Request};
use super::mapping::Mapping;
use super::{ApiType, Built, Inputs, Pending, Question, Source, Workbench};
use crate::clock::Clock;
use crate::config::{self, Complaint};
use crate::error::{Error, Kind, Result};
use crate::soap::wsdl::Operation;
use crate::soap::{Message, Value, Version};
use crate::sources::verify::add_new;
use arguments::Target;
use description::Description;
use settings::{Place, Settings};

/// Its name in the configuration, and how it is made.
pub(super) const SOAP: ApiType = ApiType { name: "soap", check, build };

/// Says what is wrong with the settings of a source.
fn check(source: &config::Source) -> Vec<Complaint> {
    [settings::read(source).1, Mapping::check(source)].concat()
}

/// Makes a source, and fetches its WSDL ahead of the first call.
fn build(source: &config::Source, bench: Workbench) -> Result<Built> {
    let wrong = || Error::new(Kind::Invalid, "the parameters of this source are wrong");
    let settings = settings::read(source).0.ok_or_else(wrong)?;
    if source.tenant && matches!(settings.description, Some(Place::File(_))) {
        return Err(Error::new(Kind::Invalid, "a source of a tenant reads no files"));
    }
    let for_calls = settings::read(source).0.and_then(Settings::for_calls);
    let call_log = match for_calls {
        Some(settings) => Some(call_log::Calls::of(Soap::new(source, settings, &bench)?)),
        None => None,
    };
    let soap = Arc::new(Soap::new(source, settings, &bench)?);
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let ahead = Arc::clone(&soap);
        // Ends with the fetch; a failure is told by the call that meets it.
        runtime.spawn(async move { ahead.operation().await.map(|_| ()) });
    }
    Ok(Built { call_log, ..Built::finder(Arc::new(Shared(soap))) })
}

struct Soap {
    name: Arc<str>,
    settings: Settings,
    answers: answer::Reading,
    client: Client,
    clock: Arc<dyn Clock>,
    description: Description,
}

/// A source that lookups hold as long as they need it.
struct Shared(Arc<Soap>);

impl Source for Shared {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    fn inputs(&self) -> Inputs {
        Inputs { dnid: true, numbering: true, ..Inputs::default() }
    }

    fn find(&self, question: Arc<Question>) -> Pending<'static> {
        let soap = Arc::clone(&self.0);
        Box::pin(async move {
            let mut hits = Vec::new();
            for reading in question.number.readings() {
                let (telephone, dnid) = soap.answers.spell(&question, reading);
                let answer =
                    soap.call(vec![("telephone", Value::text(telephone)), ("dnid", Value::text(dnid))]).await?;
                add_new(&mut hits, soap.answers.hits(answer, &question)?);
            }
            Ok(hits)
        })
    }
}

impl Soap {
    fn new(source: &config::Source, settings: Settings, bench: &Workbench) -> Result<Self> {
        Ok(Self {
            name: Arc::clone(&source.name),
            settings,
            answers: answer::Reading::of(source)?,
            client: bench.client.clone(),
            clock: Arc::clone(&bench.clock),
            description: Description::default(),
        })
    }

    /// How the function is called, where there is a description.
    async fn operation(&self) -> Result<Option<Arc<Operation>>> {
        let Some(place) = &self.settings.description else { return Ok(None) };
        let now = self.clock.now();
        self.description.operation(place, &self.settings, &self.client, now).await.map(Some)
    }

    /// Calls the function and returns what it answers.
    async fn call(&self, fields: Vec<(&str, Value)>) -> Result<Json> {
        let operation = self.operation().await?;
        let operation = operation.as_deref();
        let settings = &self.settings;
        let target = self.target(operation);
        let version = operation.map_or_else(|| settings.version.unwrap_or_default(), |operation| operation.version);
        let message = Message {
            version,
            shape: target.shape,
            namespace: target.namespace,
            function: operation.map_or(settings.function.as_str(), |operation| &operation.element),
            arguments: &arguments::put_together(&target, &settings.arguments, fields)?,
            header: None,
            is_answer: false,
        };
        let request = self.request(operation, version, message.write())?;
        self.answers.read(&self.client.send(request).await?, settings)
    }

    /// What is called: as the description says, else as the settings do.
    fn target<'a>(&'a self, operation: Option<&'a Operation>) -> Target<'a> {
        let settings = &self.settings;
        Target {
            shape: operation.map_or(settings.shape, |operation| operation.shape),
            namespace: operation.map_or(settings.namespace.as_str(), |operation| &operation.namespace),
            parameters: operation.map(|operation| operation.parameters.as_slice()),
            put: settings.put,
            order: &settings.order,
        }
    }

    /// The value of `SOAPAction`.
    fn action(&self, operation: Option<&Operation>) -> String {
        let settings = &self.settings;
        let usual = || format!("{}#{}", settings.namespace, settings.function);
        settings.action.clone().unwrap_or_else(|| operation.map_or_else(usual, |operation| operation.action.clone()))
    }

    fn request(&self, operation: Option<&Operation>, version: Version, body: String) -> Result<Request> {
        let (location, action) = (self.location(operation)?, self.action(operation));
        let mut request = Request::post(location, body);
        let header = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| Error::new(Kind::Invalid, "the action of the call is no header"))
        };
        request.headers.insert(CONTENT_TYPE, header(&version.content_type(Some(&action)))?);
        if version == Version::V11 {
            request.headers.insert("soapaction", header(&format!("\"{action}\""))?);
        }
        if let Some(agent) = self.settings.user_agent.as_deref().and_then(|agent| HeaderValue::from_str(agent).ok()) {
            request.headers.insert(USER_AGENT, agent);
        }
        authorize(&mut request, &self.settings);
        Ok(request)
    }

    /// Where to call. The host of the WSDL is trusted with the credentials, another one that it names is not.
    fn location(&self, operation: Option<&Operation>) -> Result<Url> {
        if let Some(location) = &self.settings.location {
            return Ok(location.clone());
        }
        let wrong = || Error::new(Kind::Corrupt, "the WSDL names no address to call");
        let location = Url::parse(&operation.ok_or_else(wrong)?.location).map_err(|_| wrong())?;
        let from = match &self.settings.description {
            Some(Place::Web(url)) => Some(url),
            _ => None,
        };
        if self.settings.login.is_some() && !from.is_some_and(|from| is_safe_for_credentials(from, &location)) {
            let message = format!(
                "the WSDL wants the call at {}, and the credentials do not go there; write that address into \
                 init_params[location] if it is right",
                location.origin().ascii_serialization()
            );
            return Err(Error::new(Kind::Invalid, message));
        }
        Ok(location)
    }
}

/// Whether credentials meant for one address may go to another: the same host, and not without TLS where there was some.
fn is_safe_for_credentials(meant: &Url, other: &Url) -> bool {
    meant.host() == other.host() && (meant.scheme() == other.scheme() || other.scheme() == "https")
}

/// Adds HTTP Basic ahead of being asked for it, as PHP does.
fn authorize(request: &mut Request, settings: &Settings) {
    let Some((login, password)) = &settings.login else { return };
    let encoded = STANDARD.encode(format!("{login}:{password}"));
    if let Ok(mut value) = HeaderValue::from_str(&format!("Basic {encoded}")) {
        value.set_sensitive(true);
        request.headers.insert(AUTHORIZATION, value);
    }
}

#[cfg(test)]
mod tests;
