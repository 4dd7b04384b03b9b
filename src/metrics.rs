//! Every metric of calldex, by name.
//!
//! No label ever holds a number, a name, a token or an address. Label values come from the configuration or from a
//! closed set, so that a stranger cannot grow the memory of the process or of the one who scrapes it.

use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::error::Kind;

/// Lookups answered, by `project` and `outcome` (`found`, `unknown`, `undetermined`, `withheld`).
pub const LOOKUPS: &str = "calldex_lookups_total";
/// Time from the request until the answer was ready, by `project`.
pub const LOOKUP_SECONDS: &str = "calldex_lookup_seconds";
/// Sources that failed or missed the deadline of a lookup, by `source`.
pub const DEGRADED: &str = "calldex_lookups_degraded_total";
/// Remembered contacts that stood in for a source that failed, by `source`.
pub const STALE: &str = "calldex_lookups_stale_total";
/// Answers of sources by where they came from: `cache` is `hit` or `miss`.
pub const CACHE: &str = "calldex_cache_lookups_total";
/// Answers kept at this moment, by `kind` (`found`, `unknown`).
pub const CACHE_ENTRIES: &str = "calldex_cache_entries";
/// Requests to live sources that are on their way.
pub const FLIGHTS: &str = "calldex_flights";
/// Lookups above the rate of their project, which the directories alone answered, by `project`.
pub const OVER_RATE: &str = "calldex_lookups_over_rate_total";
/// Rules that were passed over because they failed, by `project`.
pub const RULES_FAILED: &str = "calldex_rules_failed_total";
/// Values that were not answered because they failed a check, by `field`.
pub const VALUES_REFUSED: &str = "calldex_values_refused_total";
/// Requests that were refused, by `project` (`-` for one that is not configured) and `reason`.
pub const REFUSED: &str = "calldex_requests_refused_total";
/// Contacts in an address book, by `directory`.
pub const DIRECTORY_CONTACTS: &str = "calldex_directory_contacts";
/// Numbers in an address book, by `directory`.
pub const DIRECTORY_NUMBERS: &str = "calldex_directory_numbers";
/// End of the last import into an address book in seconds since 1970 UTC, by `directory`.
pub const DIRECTORY_IMPORTED: &str = "calldex_directory_imported_timestamp_seconds";
/// Events taken in, by `project`, `event` (the known names, or `other`) and `result` (`stored`, `repeat`, `failed`).
pub const EVENTS: &str = "calldex_events_total";
/// Time from an event's arrival until it was on the disk.
pub const EVENT_SECONDS: &str = "calldex_event_seconds";
/// Tries to write a call into a journal, by `target` and `result` (`written`, `unanswered`, `refused`).
pub const JOURNAL_TRIES: &str = "calldex_journal_tries_total";
/// Calls that a journal has not got yet, by `target` and `state` (`waiting`, `parked`).
pub const JOURNAL_ENTRIES: &str = "calldex_journal_entries";
/// Agents' pages that are connected.
pub const AGENT_STREAMS: &str = "calldex_agent_streams";
/// Connections that are open, by `listener` (`http`, `agi`).
pub const CONNECTIONS: &str = "calldex_connections";
/// Conversations with Asterisk that have ended, by `result`: `answered`, `refused`, `hung_up`, …
pub const AGI_CALLS: &str = "calldex_agi_calls_total";
/// What happened to connections since the start, by `listener` and `event`: `accepted`, `turned_away`, `timed_out`, …
pub const CONNECTION_EVENTS: &str = "calldex_connection_events_total";
/// Log lines that were dropped because the writer could not keep up.
pub const LOG_LINES_DROPPED: &str = "calldex_log_lines_dropped_total";
/// Configurations that were read again, by `result` (`loaded`, `refused`).
pub const RELOADS: &str = "calldex_config_reloads_total";
/// Files of `recipes/` that have problems.
pub const RECIPES_FAILED: &str = "calldex_recipes_failed";

/// Time that a live source took, by `source`; also the times of failures.
pub const SOURCE_SECONDS: &str = "calldex_source_seconds";
/// Lookups that a live source was asked for, by `source` and `outcome` (`found`, `unknown`, or the kind of failure).
pub const SOURCE_LOOKUPS: &str = "calldex_source_lookups_total";
/// Second tries after a passing failure, by `source`.
pub const SOURCE_RETRIES: &str = "calldex_source_retries_total";
/// State of the breaker, by `source`: 0 closed, 1 half-open, 2 open.
pub const SOURCE_BREAKER: &str = "calldex_source_breaker";
/// 1 while a live source is left alone because it refuses its credentials, by `source`.
pub const SOURCE_REFUSED: &str = "calldex_source_refused";
/// Requests to a live source that are on their way, by `source`.
pub const SOURCE_IN_FLIGHT: &str = "calldex_source_in_flight";
/// Requests that the rate of a live source leaves at this moment, by `source`; missing where there is no rate.
pub const SOURCE_BUDGET: &str = "calldex_source_budget_left";

/// Upper bounds of the latency histogram, in seconds: fine around a healthy answer, coarse up to the longest deadline.
const LATENCY_BOUNDS: [f64; 14] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 0.8, 2.0];

/// Upper bounds of the histogram of live sources, in seconds: from a database beside calldex up to the longest timeout.
const SOURCE_BOUNDS: [f64; 13] = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0];

/// Installs the recorder of the process and describes every metric. Returns what renders them.
///
/// # Errors
/// When a recorder is installed already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(LOOKUP_SECONDS.into()), &LATENCY_BOUNDS)?
        .set_buckets_for_metric(Matcher::Full(EVENT_SECONDS.into()), &LATENCY_BOUNDS)?
        .set_buckets_for_metric(Matcher::Full(SOURCE_SECONDS.into()), &SOURCE_BOUNDS)?
        .install_recorder()?;
    describe();
    Ok(handle)
}

/// Name and meaning of every counter.
const COUNTERS: &[(&str, &str)] = &[
    (LOOKUPS, "Lookups answered, by project and outcome."),
    (DEGRADED, "Sources that failed or missed the deadline of a lookup."),
    (STALE, "Remembered contacts that stood in for a source that failed."),
    (CACHE, "Answers of sources by where they came from."),
    (OVER_RATE, "Lookups above the rate of their project, answered by the directories alone."),
    (RULES_FAILED, "Rules that were passed over because they failed."),
    (VALUES_REFUSED, "Values that were not answered because they failed a check."),
    (REFUSED, "Requests that were refused, by project and reason."),
    (EVENTS, "Events taken in, by project, event and result."),
    (JOURNAL_TRIES, "Tries to write a call into a journal, by target and result."),
    (AGI_CALLS, "Conversations with Asterisk that have ended, by result."),
    (CONNECTION_EVENTS, "What happened to connections since the start."),
    (LOG_LINES_DROPPED, "Log lines that were dropped because the writer could not keep up."),
    (RELOADS, "Configurations that were read again, by result."),
    (SOURCE_LOOKUPS, "Lookups that a live source was asked for, by outcome."),
    (SOURCE_RETRIES, "Second tries after a passing failure."),
];

/// Name and meaning of every gauge.
const GAUGES: &[(&str, &str)] = &[
    (CACHE_ENTRIES, "Answers kept at this moment, by kind."),
    (FLIGHTS, "Requests to live sources that are on their way."),
    (DIRECTORY_CONTACTS, "Contacts in an address book."),
    (DIRECTORY_NUMBERS, "Numbers in an address book."),
    (DIRECTORY_IMPORTED, "End of the last import into an address book, in seconds since 1970 UTC."),
    (JOURNAL_ENTRIES, "Calls that a journal has not got yet, by target and state."),
    (AGENT_STREAMS, "Agents' pages that are connected."),
    (CONNECTIONS, "Connections that are open."),
    (RECIPES_FAILED, "Files of recipes/ that have problems or are gone, so that an earlier copy or none is in use."),
    (SOURCE_BREAKER, "State of the breaker of a live source: 0 closed, 1 half-open, 2 open."),
    (SOURCE_REFUSED, "1 while a live source is left alone because it refuses its credentials."),
    (SOURCE_IN_FLIGHT, "Requests to a live source that are on their way."),
    (SOURCE_BUDGET, "Requests that the rate of a live source leaves at this moment."),
];

fn describe() {
    for (name, meaning) in COUNTERS {
        describe_counter!(*name, *meaning);
    }
    for (name, meaning) in GAUGES {
        describe_gauge!(*name, *meaning);
    }
    describe_histogram!(LOOKUP_SECONDS, Unit::Seconds, "Time from the request until the answer was ready, by project.");
    describe_histogram!(EVENT_SECONDS, Unit::Seconds, "Time from an event's arrival until it was on the disk.");
    describe_histogram!(SOURCE_SECONDS, Unit::Seconds, "Time that a live source took, failures included.");
}

/// The metrics of one project, looked up once so that a lookup only adds to them.
pub struct ProjectMetrics {
    /// Outcome `found`.
    pub found: Counter,
    /// Outcome `unknown`.
    pub unknown: Counter,
    /// Outcome `undetermined`.
    pub undetermined: Counter,
    /// Outcome `withheld`.
    pub withheld: Counter,
    /// Rules that failed.
    pub rules_failed: Counter,
    /// Above the rate.
    pub over_rate: Counter,
    /// Time of the whole answer.
    pub seconds: Histogram,
    /// Answers from the cache.
    pub cache_hits: Counter,
    /// Answers that had to be asked for.
    pub cache_misses: Counter,
}

impl ProjectMetrics {
    /// The metrics of this project; they count nothing while no recorder is installed.
    #[must_use]
    pub fn of(project: &str) -> Self {
        let project = project.to_owned();
        let outcome = |outcome: &'static str| counter!(LOOKUPS, "project" => project.clone(), "outcome" => outcome);
        Self {
            found: outcome("found"),
            unknown: outcome("unknown"),
            undetermined: outcome("undetermined"),
            withheld: outcome("withheld"),
            rules_failed: counter!(RULES_FAILED, "project" => project.clone()),
            over_rate: counter!(OVER_RATE, "project" => project.clone()),
            seconds: histogram!(LOOKUP_SECONDS, "project" => project.clone()),
            cache_hits: counter!(CACHE, "cache" => "hit"),
            cache_misses: counter!(CACHE, "cache" => "miss"),
        }
    }
}

/// The metrics of one live source, looked up once.
pub struct SourceMetrics {
    name: String,
    seconds: Histogram,
    found: Counter,
    unknown: Counter,
    retries: Counter,
    in_flight: Gauge,
    breaker: Gauge,
    refused: Gauge,
}

impl SourceMetrics {
    /// The metrics of this source; they count nothing while no recorder is installed.
    #[must_use]
    pub fn of(source: &str) -> Self {
        let name = source.to_owned();
        let outcome = |outcome: &'static str| counter!(SOURCE_LOOKUPS, "source" => name.clone(), "outcome" => outcome);
        Self {
            seconds: histogram!(SOURCE_SECONDS, "source" => name.clone()),
            found: outcome("found"),
            unknown: outcome("unknown"),
            retries: counter!(SOURCE_RETRIES, "source" => name.clone()),
            in_flight: gauge!(SOURCE_IN_FLIGHT, "source" => name.clone()),
            breaker: gauge!(SOURCE_BREAKER, "source" => name.clone()),
            refused: gauge!(SOURCE_REFUSED, "source" => name.clone()),
            name,
        }
    }

    /// Counts a lookup: whether somebody was found, or the kind of the failure.
    pub fn count(&self, outcome: Result<bool, Kind>, took: Duration) {
        self.seconds.record(took);
        match outcome {
            Ok(true) => self.found.increment(1),
            Ok(false) => self.unknown.increment(1),
            Err(kind) => {
                counter!(SOURCE_LOOKUPS, "source" => self.name.clone(), "outcome" => kind.as_str()).increment(1);
            }
        }
    }

    /// Counts a second try.
    pub fn count_retry(&self) {
        self.retries.increment(1);
    }

    /// Shows one more request on its way, as long as what it returns lives.
    #[must_use]
    pub fn in_flight(&self) -> impl Drop + Send + use<> {
        self.in_flight.increment(1.0);
        InFlight(self.in_flight.clone())
    }

    /// Shows the state of the breaker, and whether credentials were refused.
    pub fn show_breaker(&self, level: u8, refused: bool) {
        self.breaker.set(f64::from(level));
        self.refused.set(f64::from(u8::from(refused)));
    }

    /// Shows what is left of the budget; nothing where there is none.
    pub fn show_budget(&self, left: Option<u32>) {
        if let Some(left) = left {
            gauge!(SOURCE_BUDGET, "source" => self.name.clone()).set(f64::from(left));
        }
    }
}

struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
