//! Sources that do as the script says, for the tests of the pipeline.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::cache::{Cache, CacheKey, SourceId};
use crate::config;
use crate::directory::Hit;
use crate::error::{Error, Kind};
use crate::model::{Call, Contact, ContactId, Field, RequestId};
use crate::number::Number;
use crate::number::ladder::Rung;
use crate::sources::{Inputs, Pending, Question, Source, so_far};

/// How a scripted source behaves.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    /// Answers with contacts of these ids; an empty list is "unknown".
    Contacts { after: Duration, ids: Vec<u32> },
    /// Answers with one contact found on this rung.
    OnRung { after: Duration, id: u32, rung: Rung },
    /// Finds one contact, and after a while more about it; or does not, in a way that may pass.
    AsksOn { after: Duration, id: u32, fails: bool },
    /// Fails after a while.
    Fail { after: Duration },
    /// Never answers.
    Hang,
    /// Has a defect.
    Panic,
}

pub(crate) struct ScriptedSource {
    name: Arc<str>,
    script: Script,
    asked: AtomicUsize,
}

impl ScriptedSource {
    pub(crate) fn new(name: &str, script: Script) -> Arc<Self> {
        Arc::new(Self { name: name.into(), script, asked: AtomicUsize::new(0) })
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Source for ScriptedSource {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn inputs(&self) -> Inputs {
        Inputs::default()
    }

    /// Only the source of this name has a page for strangers.
    fn link_for_unknown(&self, _question: &Question) -> Option<String> {
        (&*self.name == "strangers").then(|| "https://crm.example.com/new".to_owned())
    }

    fn find(&self, _question: Arc<Question>) -> Pending<'static> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (name, script) = (Arc::clone(&self.name), self.script.clone());
        Box::pin(async move {
            match script {
                Script::Contacts { after, ids } => {
                    tokio::time::sleep(after).await;
                    Ok(ids.into_iter().map(|id| hit(&name, id, Rung::Exact)).collect())
                }
                Script::OnRung { after, id, rung } => {
                    tokio::time::sleep(after).await;
                    Ok(vec![hit(&name, id, rung)])
                }
                Script::AsksOn { after, id, fails } => {
                    so_far::hand_over(&[hit(&name, id, Rung::Exact)]);
                    tokio::time::sleep(after).await;
                    if fails {
                        so_far::leave_gap();
                        return Ok(vec![hit(&name, id, Rung::Exact)]);
                    }
                    Ok(vec![with_owner(hit(&name, id, Rung::Exact))])
                }
                Script::Fail { after } => {
                    tokio::time::sleep(after).await;
                    Err(Error::new(Kind::Unavailable, "connection refused"))
                }
                Script::Hang => std::future::pending().await,
                Script::Panic => panic!("a defect of the source"),
            }
        })
    }
}

/// A contact named after its source and id, found on a rung.
pub(crate) fn hit(source: &str, id: u32, rung: Rung) -> Hit {
    let mut contact = Contact { id: ContactId::Integer(id), ..Contact::default() };
    contact.set(Field::Name, format!("{source} {id}"));
    Hit { contact: Arc::new(contact), rung }
}

/// The same with whom it belongs to.
fn with_owner(mut hit: Hit) -> Hit {
    Arc::make_mut(&mut hit.contact).set(Field::Owner, "ion".to_owned());
    hit
}

pub(crate) fn cache_settings() -> config::Cache {
    config::Cache {
        found: Duration::from_secs(900),
        unknown: Duration::from_secs(60),
        stale: Duration::from_secs(86_400),
        found_entries: 1000,
        unknown_entries: 1000,
        number_entries: 1000,
    }
}

pub(crate) fn cache_for_tests() -> Cache {
    Cache::new(&cache_settings())
}

pub(crate) fn key_for_tests(local: &str) -> CacheKey {
    CacheKey { source: SourceId(1), number: Arc::new(Number::Local(local.into())), tail: false, inputs: Box::new([]) }
}

pub(crate) fn call_for_tests(telephone: &str) -> Call {
    Call {
        project: "sales".into(),
        telephone: telephone.into(),
        dnid: "0310000000".into(),
        direction: None,
        params: std::collections::BTreeMap::new(),
        request_id: RequestId::from_bits(1),
    }
}

pub(crate) fn question_for_tests(telephone: &str) -> Arc<Question> {
    Arc::new(Question {
        call: Arc::new(call_for_tests(telephone)),
        number: Arc::new(Number::Local(telephone.into())),
        numbering: Arc::default(),
    })
}
