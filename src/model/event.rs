//! What a PBX reports about a call.

use std::collections::BTreeMap;
use std::sync::Arc;

/// One report of a PBX, after the access check: it never holds a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The project, by its name in the configuration.
    pub project: Arc<str>,
    /// When it arrived, in milliseconds since 1970 UTC. PBXs send no time of their own.
    pub received: i64,
    /// Everything that was sent, by name, `event` included. A parameter that was sent with different values has them all.
    pub params: BTreeMap<String, Vec<String>>,
}

impl Event {
    /// What happened, as the PBX calls it; empty when it does not say.
    #[must_use]
    pub fn name(&self) -> &str {
        self.get("event").unwrap_or_default()
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        EventKind::parse(self.name())
    }

    /// The value of a parameter. PBXs send an empty text for what they do not know; that is `None`, and so is a
    /// parameter that was sent with different values: a caller who adds one to an address must not choose who he is.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        match self.params.get(name).map(Vec::as_slice) {
            Some([value]) if !value.trim().is_empty() => Some(value),
            _ => None,
        }
    }
}

/// The events that calldex understands. Any other one is kept and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// An agent's telephone rings.
    Ringing,
    /// An agent took the call out of a queue.
    QueueAnswer,
    /// The end of such a conversation.
    QueueAnswerEnd,
    /// An agent who was called directly took the call.
    DialAnswer,
    /// The call was answered on an outside telephone that it was forwarded to.
    CallForwardAnswer,
    /// Nobody took the call.
    Missed,
    /// The end of a call that the company made.
    OutgoingEnd,
    /// The end of any call.
    Hangup,
    /// Something else.
    Other,
}

impl EventKind {
    /// Every known event, in the order of documentation.
    pub const KNOWN: [(&'static str, Self); 8] = [
        ("ringing", Self::Ringing),
        ("queue_answer", Self::QueueAnswer),
        ("queue_answer_end", Self::QueueAnswerEnd),
        ("dial_answer", Self::DialAnswer),
        ("call_forward_answer", Self::CallForwardAnswer),
        ("missed_calls", Self::Missed),
        ("outgoing_end", Self::OutgoingEnd),
        ("hangup", Self::Hangup),
    ];

    /// Reads the name that a PBX sent.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        Self::KNOWN.iter().find(|(known, _)| *known == name).map_or(Self::Other, |(_, kind)| *kind)
    }

    /// The name in requests; `other` for what is not known. Safe as the label of a metric.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::KNOWN.iter().find(|(_, kind)| *kind == self).map_or("other", |(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_contradicting_parameter_has_no_value() {
        let params =
            [("event", vec!["hangup"]), ("agent", vec![""]), ("telephone", vec!["1", "2"]), ("queue", vec!["q"])];
        let params = params.map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()));
        let event = Event { project: "sales".into(), received: 0, params: params.into() };
        assert_eq!(event.kind(), EventKind::Hangup);
        assert_eq!((event.get("agent"), event.get("telephone"), event.get("queue")), (None, None, Some("q")));
    }

    #[test]
    fn every_known_event_is_read_as_it_is_written() {
        for (name, kind) in EventKind::KNOWN {
            assert_eq!((EventKind::parse(name), kind.as_str()), (kind, name));
        }
        assert_eq!(EventKind::parse("QUEUE_ANSWER").as_str(), "other");
    }
}
