//! Generic and Ticketsys: a system that speaks the PBX's own contract, `GET url?telephone=&dnid=`.
//!
//! What goes out is in `request`, what comes back in `answer`, the parameters in `settings`. Ticketsys is the same with
//! JSON and without parameters, and `call_log` tells it of finished calls. With `ignore_response=1` the system is told of every call and nothing is expected.

mod answer;
mod call_log;
mod request;
mod settings;

use std::sync::Arc;

use super::http::Client;
use super::mapping::Mapping;
use super::{ApiType, Built, Inputs, Pending, Question, Source, Workbench};
use crate::config;
use crate::directory::Hit;
use crate::error::Result;
use crate::number::Numbering;
use crate::sources::verify::add_new;

use settings::Settings;

/// `type = "generic"`.
pub const GENERIC: ApiType = ApiType { name: "generic", check: settings::check_generic, build };

/// `type = "ticketsys"`.
pub const TICKETSYS: ApiType = ApiType { name: "ticketsys", check: settings::check_ticketsys, build: build_ticketsys };

/// A system that speaks the PBX's own contract. It holds no state but its client.
#[derive(Clone)]
struct Generic {
    name: Arc<str>,
    settings: Arc<Settings>,
    mapping: Arc<Mapping>,
    numbering: Arc<Numbering>,
    client: Client,
}

fn build(source: &config::Source, workbench: Workbench) -> Result<Built> {
    Ok(Built::finder(Arc::new(Generic::new(source, workbench)?)))
}

fn build_ticketsys(source: &config::Source, workbench: Workbench) -> Result<Built> {
    let ticketsys = Generic::new(source, workbench)?;
    let call_log = Arc::new(call_log::Calls(ticketsys.clone()));
    Ok(Built { call_log: Some(call_log), ..Built::finder(Arc::new(ticketsys)) })
}

impl Source for Generic {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn inputs(&self) -> Inputs {
        Inputs {
            dnid: true,
            numbering: true,
            project: self.settings.send_request_headers,
            each_call: self.settings.ignore_response,
            ..Inputs::default()
        }
    }

    fn find(&self, question: Arc<Question>) -> Pending<'static> {
        let generic = self.clone();
        Box::pin(async move { generic.ask(&question).await })
    }
}

impl Generic {
    fn new(source: &config::Source, workbench: Workbench) -> Result<Self> {
        Ok(Self {
            name: Arc::clone(&source.name),
            settings: Arc::new(Settings::read(source)?),
            mapping: Arc::new(Mapping::of(source)?),
            numbering: Arc::new(source.numbering.clone()),
            client: workbench.client,
        })
    }

    async fn ask(&self, question: &Question) -> Result<Vec<Hit>> {
        let (numbering, mut hits) = (question.numbering_of(&self.numbering), Vec::new());
        for reading in question.number.readings() {
            let request = request::build(&self.settings, question, reading);
            if self.settings.ignore_response {
                self.client.tell(request).await?;
                break;
            }
            let answer = self.client.send(request).await?;
            let contacts = answer::read(answer, &self.settings, &self.mapping)?;
            add_new(&mut hits, contacts.verified(&question.number, &numbering)?);
        }
        Ok(hits)
    }
}

#[cfg(test)]
mod tests;
