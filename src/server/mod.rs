//! The running server: what starts in which order, what a reload replaces, and how it ends.
//!
//! Order at start: configuration, log, metrics, store, projects, listener. Each step needs those before it, and a step
//! that fails ends the start with a message. At the end the listener closes first, requests under way are answered, then
//! the log is written out; the store needs no goodbye, what was acknowledged is on the disk.

mod agi;
mod connection;
mod counts;
mod events;
mod files;
mod listen;
mod log;
mod reload;
mod stream;
mod tls;
mod tolerant;
mod web;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ::metrics::{counter, gauge};
use arc_swap::ArcSwap;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::access::Gate;
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Config};
use crate::directory::{Directory, SqliteDirectory};
use crate::error::{Error, Kind, Result};
use crate::events::{EventStore, Events};
use crate::faces::agi::Agi;
use crate::faces::http::{self, Face, Http};
use crate::faces::{Current, Reception};
use crate::lookup::{CHECKS, Lookup};
use crate::metrics::{CONNECTION_EVENTS, CONNECTIONS};
use crate::model::History;
use crate::sources::{self, LiveSources};
use crate::{metrics, number};

use agi::AgiDoor;
use counts::ConnectionCounts;
use listen::{ListenSettings, Listener};
use web::Web;

/// How often the metrics library folds its samples together; without it they would pile up while nobody scrapes.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Runs the server until SIGTERM or SIGINT. `on_ready` is called with the address when it accepts connections.
///
/// # Errors
/// Whatever keeps it from starting: the configuration, the store, the listener.
pub fn run(file: &Path, on_ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let (calls, sources) = (runtime("calls")?, runtime("sources")?);
    // First of all: uncaught, an order to read the configuration again would end a server that is still starting.
    let hang_up = {
        let _inside = calls.enter();
        signal(SignalKind::hangup())
    };
    let loaded = config::load(file, &config::process_environment, &CHECKS)?;
    // Held to the end of this function: whatever tasks still live then, the last lines are written out.
    let (_logging, dropped_lines) = log::start(&loaded.config.log);
    let recorder = metrics::install().map_err(|error| Error::new(Kind::Internal, "cannot count").because(error))?;
    let serving = serve(file, loaded, recorder, dropped_lines, sources.handle().clone(), hang_up, on_ready);
    let ended = calls.block_on(serving);
    // Flights that still wait for a slow source are dropped here; nobody waits for them any more.
    sources.shutdown_background();
    calls.shutdown_background();
    ended
}

/// A thread for each processor. Calls are answered on one runtime and other systems asked on another, so that the kernel
/// shares the processors between them (docs/decisions/two-runtimes.md).
fn runtime(name: &str) -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name(name)
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Unavailable, "cannot start the runtime").because(error))
}

/// An alarm while files of `recipes/` have problems.
fn count_failed_recipes(count: usize) {
    ::metrics::gauge!(crate::metrics::RECIPES_FAILED).set(u32::try_from(count).unwrap_or(u32::MAX));
}

async fn serve(
    file: &Path,
    loaded: config::Loaded,
    recorder: PrometheusHandle,
    dropped_lines: log::Dropped,
    sources: Handle,
    hang_up: std::io::Result<Signal>,
    on_ready: impl FnOnce(SocketAddr),
) -> Result<()> {
    for failed in &loaded.failed_files {
        tracing::error!(file = %failed.file, "a project file is refused, its projects do not answer\n{}", failed.problems);
    }
    for problems in &loaded.failed_recipes {
        tracing::error!("a recipe is refused, the sources that use it fail\n{problems}");
    }
    count_failed_recipes(loaded.failed_recipes.len());
    let config = Arc::new(loaded.config);
    warn_about(&config);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let directory: Arc<dyn Directory> = Arc::new(SqliteDirectory::open(&config.server.store, Arc::clone(&clock))?);
    let store = Arc::new(EventStore::open(&config.server.store)?);
    let lookup = Lookup::new(Arc::clone(&directory), Arc::clone(&clock), &config.cache);
    let lookup = Arc::new(lookup.with_history(Arc::clone(&store) as Arc<dyn History>).asking_on(sources));
    let current = prepare(&lookup, Arc::clone(&config), &LiveSources::none(Arc::clone(&clock))).await?;
    warm_up(&config);
    let events = Events::start(store, Arc::clone(&lookup), Arc::clone(&clock), events::settings(&current));
    let gate = Gate::new(config.server.refused_per_minute, clock.now());
    let reception = Arc::new(Reception::new(current, lookup, gate, Arc::clone(&clock)));
    let settings = Arc::new(ArcSwap::from_pointee(ListenSettings::from_config(&config.server)?));
    let listener = Listener::bind("listen", config.server.listen, Arc::clone(&settings), Arc::clone(&clock))?;
    let address = listener.address()?;
    let seed = getrandom::u64().map_err(|error| Error::new(Kind::Unavailable, "no randomness").because(error))?;
    let door = Arc::new(AgiDoor::new(Agi::new(Arc::clone(&reception), !seed), Arc::clone(&settings), clock));
    let agi = door.move_to(config.server.agi).await?;
    let measures = measures([("http", listener.counts()), ("agi", door.counts())], dropped_lines);
    let http = Arc::new(Http::new(Arc::clone(&reception), Arc::clone(&events), recorder.clone(), measures, seed));
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(keep_up(recorder));
    tokio::spawn(tidy(directory));
    let reloaded = reload::Reloaded { reception, events, listening: settings, agi: Arc::clone(&door) };
    tokio::spawn(reload::watch(file.to_path_buf(), reloaded, hang_up, stopped.clone()));
    tokio::spawn(wait_for_the_end(Arc::clone(&http), stop));
    let agi = agi.map(tracing::field::display);
    tracing::info!(%address, agi, projects = config.projects.len(), "calldex {} answers", env!("CARGO_PKG_VERSION"));
    on_ready(address);
    let close_agi = async {
        until(stopped.clone()).await;
        door.close().await;
    };
    tokio::join!(listener.serve(Web(Face::new(http)), until(stopped.clone())), close_agi);
    tracing::info!("stopped");
    Ok(())
}

/// Makes every source and project of a configuration ready; sources that did not change are taken over from `before`.
async fn prepare(lookup: &Lookup, config: Arc<Config>, before: &LiveSources) -> Result<Current> {
    let live = lookup.beside(|| sources::build(&config, before));
    let mut projects = std::collections::HashMap::with_capacity(config.projects.len());
    for (name, project) in &config.projects {
        projects.insert(Arc::clone(name), Arc::new(lookup.prepare(&config, &live, project).await?));
    }
    live.log_in_ahead();
    Ok(Current { config, live, projects })
}

/// Reads one number of every country before the first call does, since the first reading compiles its rules.
fn warm_up(config: &Config) {
    let of_directories = config.directories.values().map(|directory| &directory.numbering);
    let of_projects = config.projects.values().map(|project| &project.numbering);
    let of_sources = config.sources.values().map(|source| &source.numbering);
    let mut countries: Vec<Option<&str>> =
        of_directories.chain(of_projects).chain(of_sources).map(|numbering| numbering.country.as_deref()).collect();
    countries.sort_unstable();
    countries.dedup();
    for country in countries {
        number::warm_up(country);
    }
}

fn warn_about(config: &Config) {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    if config.projects.is_empty() {
        tracing::warn!("no project is configured: every lookup will be refused");
    }
}

/// Owns nothing but the handle; ends with the runtime.
async fn keep_up(recorder: PrometheusHandle) {
    loop {
        tokio::time::sleep(METRICS_UPKEEP).await;
        recorder.run_upkeep();
    }
}

/// Removes in the background what a killed import has left behind. It is never seen by a lookup.
async fn tidy(directory: Arc<dyn Directory>) {
    if let Err(error) = directory.tidy().await {
        tracing::warn!("what a killed import has left behind could not be removed: {error}");
    }
}

/// Waits for SIGTERM or SIGINT, then has everything stop. A second one ends the process at once. The signals are caught
/// from the return of this function on; its future does the rest. Must be called within a tokio runtime.
fn wait_for_the_end(http: Arc<Http>, stop: watch::Sender<bool>) -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        // Without signal handlers the system's own apply, which end the process.
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else { return std::future::pending().await };
        next_order_to_stop(&mut terminate, &mut interrupt).await;
        tracing::info!("told to stop: no new connections, requests under way are answered");
        http.stopping.store(true, Ordering::Relaxed);
        http.events.close();
        stop.send_replace(true);
        next_order_to_stop(&mut terminate, &mut interrupt).await;
        std::process::exit(1);
    }
}

async fn next_order_to_stop(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that nobody can say stop any more, which is a reason to stop too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn measures(listeners: [(&'static str, Arc<ConnectionCounts>); 2], dropped_lines: log::Dropped) -> Vec<http::Measure> {
    let count_connections = move || {
        let counts = listeners
            .iter()
            .flat_map(|(listener, counts)| counts.all().map(|(event, count)| (*listener, event, count)));
        for (listener, event, count) in counts {
            match event {
                "open" => gauge!(CONNECTIONS, "listener" => listener).set(count as f64),
                event => counter!(CONNECTION_EVENTS, "listener" => listener, "event" => event).absolute(count),
            }
        }
    };
    vec![Box::new(count_connections), Box::new(move || dropped_lines.count())]
}
