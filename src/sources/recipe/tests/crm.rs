//! A CRM that answers what it is told to, in that order and each after a while, for tests of an engine; then it hangs.

use std::sync::Mutex;
use std::time::Duration;

use ::http::{HeaderMap, StatusCode};

use super::super::engine::Engine;
use super::super::settings::Settings;
use super::super::wire::{Sending, Wire};
use super::*;
use crate::clock::SystemClock;
use crate::directory::Hit;
use crate::error::{Error, Kind, Result};
use crate::model::{Call, RequestId};
use crate::number::{Numbering, parse};
use crate::sources::http::{Answer, Request};

pub(super) const ROMANIAN: (&str, &str) = ("RO", "+40722111222");

pub(super) struct Crm {
    pause: Duration,
    answers: Mutex<Vec<(u16, &'static str)>>,
    /// The paths that were asked for.
    pub(super) asked: Mutex<Vec<String>>,
}

impl Crm {
    /// How often this path was asked for.
    pub(super) fn count(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == path).count()
    }
}

impl Wire for Arc<Crm> {
    fn send(&self, request: Request, within: Option<Duration>) -> Sending<'_> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(request.url.path().to_owned());
            let next = self.answers.lock().unwrap().pop();
            let asking = async {
                let Some((status, body)) = next else { std::future::pending().await };
                tokio::time::sleep(self.pause).await;
                let status = StatusCode::from_u16(status).unwrap();
                Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec().into() }
            };
            let late = |_| Error::new(Kind::Timeout, "late");
            tokio::time::timeout(within.unwrap_or(Duration::MAX), asking).await.map_err(late)
        })
    }
}

/// An engine for a recipe in a country, with what it will be answered.
pub(super) fn engine(text: &str, country: &str, pause: u64, answers: &[(u16, &'static str)]) -> (Engine, Arc<Crm>) {
    let answers = answers.iter().rev().copied().collect::<Vec<_>>().into();
    let crm = Arc::new(Crm { pause: Duration::from_millis(pause), answers, asked: Mutex::default() });
    let settings = Settings::of_test(recipe("own", text), &BTreeMap::new(), None, country).unwrap();
    (Engine::new(settings, Arc::new(Arc::clone(&crm)), Arc::new(SystemClock)), crm)
}

/// Looks a number up.
pub(super) async fn find(engine: &Engine, (country, telephone): (&str, &str)) -> Result<Vec<Hit>> {
    let call = Call {
        project: "test".into(),
        telephone: telephone.to_owned(),
        dnid: String::new(),
        direction: None,
        params: BTreeMap::new(),
        request_id: RequestId::from_bits(0),
    };
    let numbering = Numbering::of_country(country);
    engine.find(&call, &parse(telephone, &numbering), &numbering).await
}
