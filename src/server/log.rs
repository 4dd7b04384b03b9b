//! Where log lines go: standard error, through a writer that never makes a lookup wait.
//!
//! When the reader of standard error cannot keep up, lines are dropped and counted, not waited for.

use metrics::counter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};
use crate::metrics::LOG_LINES_DROPPED;

/// Lines that may wait for the writer before further ones are dropped.
const WAITING_LINES: usize = 10_000;

/// Environment variable with a filter such as `debug` or `calldex::lookup=debug`.
const FILTER: &str = "CALLDEX_LOG";

/// The filter without one.
const USUAL: &str = "info";

/// The running log. Its end writes out what still waits, so it has one owner, who outlives all tasks.
pub(crate) struct Logging {
    _writer: WorkerGuard,
}

/// How many lines were dropped.
pub(crate) struct Dropped(ErrorCounter);

/// Starts the log of the process. A second call changes nothing.
#[must_use]
pub(crate) fn start(settings: &Log) -> (Logging, Dropped) {
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES).lossy(true).finish(std::io::stderr());
    let dropped = writer.error_counter();
    let written = std::env::var(FILTER).unwrap_or_default();
    let wish = if written.trim().is_empty() { USUAL } else { &written };
    let (mut filter, mistake) = match EnvFilter::try_new(wish) {
        Ok(filter) => (filter, None),
        Err(mistake) => (EnvFilter::new(USUAL), Some(mistake)),
    };
    // The parser of numbers would print callers, and the watcher of files would print its own lines for ever.
    for quiet in ["rlibphonenumber=warn", "notify=warn"] {
        filter = filter.add_directive(quiet.parse().unwrap_or_default());
    }
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false);
    let started = match settings.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).with_current_span(false).try_init(),
    };
    // Only a test that starts two servers in one process gets here twice; the first log stays.
    drop(started);
    if let Some(mistake) = mistake {
        tracing::warn!(
            "{FILTER} counts as {USUAL:?}, it is no filter such as \"warn\" or \"calldex::access=error\": {mistake}"
        );
    }
    (Logging { _writer: guard }, Dropped(dropped))
}

impl Dropped {
    /// Puts the number of dropped lines into the metrics.
    pub(crate) fn count(&self) {
        counter!(LOG_LINES_DROPPED).absolute(self.0.dropped_lines() as u64);
    }
}
