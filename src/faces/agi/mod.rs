//! The FastAGI face: Asterisk connects, says who rings, and gets variables set on its channel.
//!
//! Asterisk has no time limit of its own: a call is held for as long as the connection stays open. So every step here
//! ends: the lookup at the project's deadline, the setting of variables `GRACE` later, all of it at once when the
//! caller hangs up. The listener bounds the time before, until the question is complete.

mod dialogue;
mod environment;
mod lines;
mod question;
mod variables;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::access::Peer;
use crate::lookup::{Answer, Project};

use super::request_ids::RequestIds;
use super::{Reception, Sender};

pub use environment::{Environment, NoEnvironment};
pub use lines::Lines;

use dialogue::Interrupted;
use question::Question;

/// How long the setting of variables may take beyond the project's deadline, as a PBX over HTTP waits so much longer.
const GRACE: Duration = Duration::from_millis(500);

/// What FastAGI requests need.
pub struct Agi {
    reception: Arc<Reception>,
    request_ids: RequestIds,
}

/// How a conversation with Asterisk ended, for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Asterisk has everything that is known; nothing, for an unknown caller.
    Answered,
    /// It was not let in.
    Refused,
    /// The caller hung up, or Asterisk closed the connection.
    HungUp,
    /// What came was no FastAGI, or too long.
    Malformed,
    /// Asterisk did not take or confirm the variables in time.
    NoReply,
}

impl End {
    /// One word for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::HungUp => "hung_up",
            Self::Malformed => "malformed",
            Self::NoReply => "no_reply",
        }
    }
}

impl Agi {
    /// A face over a reception. `seed` makes request ids differ between runs.
    #[must_use]
    pub fn new(reception: Arc<Reception>, seed: u64) -> Self {
        Self { reception, request_ids: RequestIds::new(seed) }
    }

    /// Answers the question that an environment holds, by setting variables, one command at a time. The connection is
    /// to be closed afterwards, at once: until then Asterisk holds the call.
    pub async fn answer<S>(&self, lines: &mut Lines<S>, environment: &Environment, peer: Peer) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let start = self.reception.clock.now();
        let Some(question) = Question::read(environment) else { return End::Malformed };
        let request_id = question.request_id.clone().unwrap_or_else(|| self.request_ids.next());
        let headers = HeaderMap::new();
        let sender = Sender { peer: Peer { proxy_line: environment.is_proxied(), ..peer }, headers: &headers };
        let current = self.reception.current();
        let name = question.project.as_deref().or(current.config.server.default_project.as_deref()).unwrap_or_default();
        match self.reception.admit(name, sender, &question.offered, &request_id) {
            Ok(project) => {
                let call = question.into_call(Arc::clone(&project.config.name), request_id);
                self.look_up_and_tell(lines, &project, call, start).await
            }
            Err(refusal) => {
                let words = format!("calldex: {}", refusal.client_text);
                // The line on Asterisk's console helps whoever sets it up; the call goes on with or without it.
                let _ = tokio::time::timeout(GRACE, dialogue::show(lines, &words)).await;
                End::Refused
            }
        }
    }

    async fn look_up_and_tell<S>(
        &self,
        lines: &mut Lines<S>,
        project: &Project,
        asked: question::Asked,
        start: Instant,
    ) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let question::Asked { call, is_conflicting, wishes } = asked;
        let answer = if is_conflicting {
            self.reception.answer_nobody(project, call, start, "the question contradicts itself")
        } else {
            tokio::select! {
                biased;
                answer = self.reception.answer_or_nothing(project, call, start) => answer,
                () = dialogue::until_hang_up(lines) => return End::HungUp,
            }
        };
        let set = variables::of(answer.as_ref(), wishes);
        if let Some(Answer { explanation, .. }) = &answer {
            explanation.note_shortened(&set.shortened);
        }
        let end = start + project.config.deadline + GRACE;
        match tokio::time::timeout_at(end.into(), dialogue::set(lines, &set.variables)).await {
            Ok(Ok(())) => End::Answered,
            Ok(Err(Interrupted)) => End::HungUp,
            Err(_) => End::NoReply,
        }
    }
}
