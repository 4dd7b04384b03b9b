//! Numbers about connections, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counted since the start, but for `open`.
#[derive(Debug, Default)]
pub(crate) struct ConnectionCounts {
    /// Connections that are open now.
    pub(crate) open: AtomicU64,
    /// Connections taken.
    pub(crate) accepted: AtomicU64,
    /// Connections closed unread, because there were too many and none was idle.
    pub(crate) turned_away: AtomicU64,
    /// Idle connections closed to make room for a new one.
    pub(crate) made_room: AtomicU64,
    /// Connections that were silent, or too slow with a request, for too long.
    pub(crate) timed_out: AtomicU64,
    /// Times that an idle connection gave its buffers back until the client said more.
    pub(crate) rested: AtomicU64,
    /// Requests that hyper answered itself, with 400, 414 or 431.
    pub(crate) bad_requests: AtomicU64,
    /// TLS handshakes that failed or took too long.
    pub(crate) failed_handshakes: AtomicU64,
    /// Failures to accept a connection, such as too many open files.
    pub(crate) accept_errors: AtomicU64,
    /// Connections that ended by a panic of a handler: a defect of calldex.
    pub(crate) panics: AtomicU64,
}

impl ConnectionCounts {
    /// Each number with its name, in the order of the declaration.
    #[must_use]
    pub(crate) fn all(&self) -> [(&'static str, u64); 10] {
        [
            ("open", &self.open),
            ("accepted", &self.accepted),
            ("turned_away", &self.turned_away),
            ("made_room", &self.made_room),
            ("timed_out", &self.timed_out),
            ("rested", &self.rested),
            ("bad_requests", &self.bad_requests),
            ("failed_handshakes", &self.failed_handshakes),
            ("accept_errors", &self.accept_errors),
            ("panics", &self.panics),
        ]
        .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }

    pub(crate) fn add(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}
