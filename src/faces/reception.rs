//! What every face shares: which projects there are at this moment, who may ask, and one log line at the end.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use http::HeaderMap;
use metrics::counter;

use crate::access::{self, Asked, Gate, Offered, Peer, Reason, Refusal};
use crate::clock::Clock;
use crate::config::{Config, LogLookups};
use crate::lookup::{Answer, Lookup, Project};
use crate::metrics::REFUSED;
use crate::model::{Call, RequestId};
use crate::sources::LiveSources;

/// The part of the program that a reload replaces, as one piece: a request sees all of the old or all of the new.
pub struct Current {
    /// What the files say.
    pub config: Arc<Config>,
    /// The live sources, by full name.
    pub live: LiveSources,
    /// The projects, ready to answer, by name.
    pub projects: HashMap<Arc<str>, Arc<Project>>,
}

/// Who sends a request, as far as the listener knows.
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    /// The other end of the connection.
    pub peer: Peer,
    /// The headers of the request, among which a proxy may name its client; empty where a protocol has none.
    pub headers: &'a HeaderMap,
}

/// Where requests of all faces come in.
pub struct Reception {
    current: ArcSwap<Current>,
    /// Answers calls.
    pub lookup: Arc<Lookup>,
    /// Decides who may ask.
    pub gate: Gate,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Reception {
    /// A reception for a configuration.
    #[must_use]
    pub fn new(current: Current, lookup: Arc<Lookup>, gate: Gate, clock: Arc<dyn Clock>) -> Self {
        Self { current: ArcSwap::from_pointee(current), lookup, gate, clock }
    }

    /// The configuration of this moment.
    pub fn current(&self) -> Arc<Current> {
        self.current.load_full()
    }

    /// Puts a new configuration in force. Requests under way end with the one they began with.
    pub fn replace(&self, current: Current) {
        self.current.store(Arc::new(current));
    }

    /// Lets a request in to its project, or says why not. A project that does not exist looks like a wrong token.
    ///
    /// # Errors
    /// The refusal, already counted and logged.
    pub fn admit(
        &self,
        name: &str,
        sender: Sender<'_>,
        offered: &Offered<'_>,
        request_id: &RequestId,
    ) -> Result<Arc<Project>, Refusal> {
        let current = self.current.load();
        let project = current.projects.get(name);
        let asked = Asked::Project(name, project.map(|project| &*project.config));
        self.check(&current.config, asked, sender, offered, request_id)?;
        // The gate opens nothing but projects that exist; should it ever, nobody is let in all the same.
        project.cloned().ok_or_else(|| Refusal {
            reason: Reason::UnknownProject,
            retry_after: None,
            client_text: "refused".into(),
            log_text: format!("{name} is no project"),
        })
    }

    /// Lets an administrator in, who must offer nothing but a bearer token: a URL ends up in logs.
    ///
    /// # Errors
    /// The refusal, already counted and logged.
    pub fn admit_administrator(
        &self,
        sender: Sender<'_>,
        offered: &Offered<'_>,
        request_id: &RequestId,
    ) -> Result<(), Refusal> {
        let current = self.current.load();
        let asked = Asked::Admin(&current.config.server.admin_tokens);
        self.check(&current.config, asked, sender, offered, request_id)
    }

    fn check(
        &self,
        config: &Config,
        asked: Asked<'_>,
        sender: Sender<'_>,
        offered: &Offered<'_>,
        request_id: &RequestId,
    ) -> Result<(), Refusal> {
        let (now, utc) = (self.clock.now(), self.clock.utc_millis());
        let checked = match access::client(sender.peer, sender.headers, &config.server.trusted_proxies) {
            Ok(client) => self.gate.check(asked, client, offered, now, utc),
            Err(why) => Err(self.gate.refuse_forwarded(asked, sender.peer, why, now, utc)),
        };
        checked.inspect_err(|refusal| note_refusal(asked, refusal, request_id))
    }

    /// Why the store cannot be read at this moment; `None` when it can.
    pub async fn store_obstacle(&self) -> Option<String> {
        self.lookup.store_obstacle(self.current().projects.values()).await
    }

    /// Answers a call that was let in, and writes at most one line about it.
    pub async fn answer(&self, project: &Project, call: Call, start: Instant) -> Answer {
        let answer = self.lookup.answer(project, call, start).await;
        self.log(&answer);
        answer
    }

    /// The same, but a defect of calldex ends where it stands, with `None`: the call goes on all the same.
    pub async fn answer_or_nothing(&self, project: &Project, call: Call, start: Instant) -> Option<Answer> {
        let mut answer = std::pin::pin!(self.answer(project, call, start));
        std::future::poll_fn(|context| {
            match std::panic::catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
                Ok(poll) => poll.map(Some),
                Err(_) => std::task::Poll::Ready(None),
            }
        })
        .await
    }

    /// Answers a call that names no one caller, without asking any source; `why` stands in the explanation. A defect of
    /// calldex ends here too.
    pub fn answer_nobody(&self, project: &Project, call: Call, start: Instant, why: &'static str) -> Option<Answer> {
        let answer = || self.lookup.answer_nobody(project, call, start, why);
        let answer = std::panic::catch_unwind(AssertUnwindSafe(answer)).ok()?;
        self.log(&answer);
        Some(answer)
    }

    /// A line for a lookup that was slow or degraded, or for every one where the configuration says so.
    pub fn log(&self, answer: &Answer) {
        let explanation = &answer.explanation;
        let current = self.current.load();
        let settings = &current.config.log;
        let slow = explanation.took >= settings.slow;
        let degraded = explanation.missing().next().is_some();
        if !(slow || degraded || settings.lookups == LogLookups::All) {
            return;
        }
        let missing = explanation.missing().map(|source| &**source).collect::<Vec<_>>().join(",");
        tracing::info!(
            target: "calldex::lookup",
            request = %explanation.question.call.request_id,
            project = %explanation.project,
            outcome = answer.outcome.as_str(),
            source = explanation.person.as_ref().map(|person| &*person.source),
            missing = (!missing.is_empty()).then_some(missing),
            microseconds = u64::try_from(explanation.took.as_micros()).unwrap_or(u64::MAX),
            "{}", if degraded { "degraded lookup" } else if slow { "slow lookup" } else { "lookup" },
        );
    }
}

/// Counts a refusal and logs it. The address stands in the line, because a wrong allow-list is the mistake of the first
/// day; a throttled one does not get a line each.
fn note_refusal(asked: Asked<'_>, refusal: &Refusal, request_id: &RequestId) {
    let project = match asked {
        Asked::Project(_, Some(project)) => &*project.name,
        Asked::Project(_, None) => "-",
        Asked::Admin(_) => "admin",
    };
    counter!(REFUSED, "project" => project.to_owned(), "reason" => refusal.reason.as_str()).increment(1);
    if refusal.retry_after.is_none() {
        tracing::warn!(
            target: "calldex::access",
            request = %request_id,
            project,
            reason = refusal.reason.as_str(),
            "{}", refusal.log_text,
        );
    }
}
