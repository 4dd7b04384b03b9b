//! Reads the configuration again, on SIGHUP and when a file changes, and puts it in force as one piece or not at all.
//!
//! A main file with a problem is refused and the old configuration stays. A project file with a problem keeps its last
//! good copy, while all others are replaced; so does a recipe, also when its file is gone. Requests under way end with the configuration they began with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use metrics::counter;
use notify::{RecursiveMode, Watcher};
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, watch};

use crate::config::{self, Config, RecipeTexts};
use crate::error::{Error, Kind, Result, contain};
use crate::events::Events;
use crate::faces::Reception;
use crate::lookup::CHECKS;
use crate::metrics::RELOADS;
use crate::sources::recipe::shipped;

use super::agi::AgiDoor;
use super::listen::ListenSettings;

/// An editor writes a file in several steps: this long nothing must have changed before it is read.
const SETTLE: Duration = Duration::from_millis(300);

/// The folders of further files, beside the main file.
const FOLDERS: [&str; 2] = ["projects", "recipes"];

/// What a reload brings up to date.
pub(super) struct Reloaded {
    pub(super) reception: Arc<Reception>,
    pub(super) events: Arc<Events>,
    pub(super) listening: Arc<ArcSwap<ListenSettings>>,
    pub(super) agi: Arc<AgiDoor>,
}

/// Waits for SIGHUP (`hang_up`) and for changed files, one reload after the other, until the server stops. Changes from the
/// return of this function on are noticed; its future does the rest.
pub(super) fn watch(
    file: PathBuf,
    reloaded: Reloaded,
    hang_up: std::io::Result<Signal>,
    stopped: watch::Receiver<bool>,
) -> impl Future<Output = ()> {
    let (changed, mut changes) = mpsc::channel(1);
    // Held by the future until its end: the watching ends with it.
    let mut watcher = watch_files(&file, changed);
    async move {
        let Ok(mut hang_up) = hang_up else { return };
        loop {
            tokio::select! {
                () = super::until(stopped.clone()) => return,
                _ = hang_up.recv() => {}
                Some(()) = changes.recv() => settle(&mut changes).await,
            }
            if let Some(watcher) = &mut watcher {
                watch_folders(watcher, &file);
            }
            report(contain(reload(&file, &reloaded)).await.and_then(|outcome| outcome));
        }
    }
}

/// Waits until the files have been left alone for a moment.
async fn settle(changes: &mut mpsc::Receiver<()>) {
    while let Ok(Some(())) = tokio::time::timeout(SETTLE, changes.recv()).await {}
}

/// Watches the folders, not the files: editors and deployment tools replace a file by another one of its name.
fn watch_files(file: &Path, changed: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
    let folder = folder_of(file);
    let main = file.file_name().map(std::ffi::OsStr::to_os_string);
    let notice = move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        let concerns = |path: &PathBuf| {
            path.extension().is_some_and(|extension| extension == "toml")
                || path.file_name() == main.as_deref()
                || FOLDERS.iter().any(|folder| path.ends_with(folder))
                // Where the files themselves are links, as in a volume of Kubernetes, a link to their folder changes.
                || path.is_symlink()
        };
        if !event.kind.is_access() && event.paths.iter().any(concerns) {
            // One waiting notice is enough: the reload reads everything.
            let _ = changed.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(notice).ok()?;
    let watched = watcher.watch(&folder, RecursiveMode::NonRecursive);
    if let Err(error) = watched {
        tracing::warn!("changes of the configuration are not seen by themselves, send SIGHUP: {error}");
    }
    watch_folders(&mut watcher, file);
    Some(watcher)
}

/// Watches the folders of further files, which may be made later; watching one again changes nothing.
fn watch_folders(watcher: &mut notify::RecommendedWatcher, file: &Path) {
    for name in FOLDERS {
        let folder = folder_of(file).join(name);
        if folder.is_dir() && watcher.watch(&folder, RecursiveMode::NonRecursive).is_err() {
            tracing::warn!("changes in {} are not seen by themselves, send SIGHUP", folder.display());
        }
    }
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf()
}

async fn reload(file: &Path, reloaded: &Reloaded) -> Result<Vec<String>> {
    let Reloaded { reception, events, listening, agi } = reloaded;
    let old = reception.current();
    let path = file.to_path_buf();
    let earlier = earlier_recipes(&old.config);
    let load = move || config::load_again(&path, &config::process_environment, &CHECKS, earlier);
    let loaded = tokio::task::spawn_blocking(load)
        .await
        .map_err(|error| Error::new(Kind::Internal, "the configuration could not be read").because(error))?
        .map_err(|problems| Error::new(Kind::Invalid, problems.to_string()))?;
    let mut notes = Vec::new();
    let mut config = loaded.config;
    for (failed, kept) in loaded.failed_files.iter().zip(config.keep_last_good(&old.config, &loaded.failed_files)) {
        notes.push(format!("{kept}\n{}", failed.problems));
    }
    if !loaded.failed_recipes.is_empty() {
        notes.extend(config.keep_last_recipes(&old.config, &|recipe| (CHECKS.recipe)(recipe).is_ok()));
        notes.extend(loaded.failed_recipes.iter().map(|problems| format!("a recipe has problems\n{problems}")));
    }
    notes.extend(config.explain_gone_recipes(&old.config, &loaded.gone_recipes));
    let gone =
        loaded.gone_recipes.keys().filter(|name| config.sources.values().any(|source| uses(source, name))).count();
    notes.extend(needs_a_restart(&old.config, &config));
    let config = Arc::new(config);
    let current = super::prepare(&reception.lookup, Arc::clone(&config), &old.live).await?;
    let settings = ListenSettings::from_config(&config.server)?;
    let of_events = super::events::settings(&current);
    super::warm_up(&config);
    // The last step that can fail: everything behind it is in force together with it.
    if let Some(address) = agi.move_to(config.server.agi).await? {
        tracing::info!(%address, "the FastAGI listener was opened");
    }
    reception.gate.set_refused_per_minute(config.server.refused_per_minute);
    listening.store(Arc::new(settings));
    reception.replace(current);
    events.configure(of_events);
    super::count_failed_recipes(loaded.failed_recipes.len() + gone);
    Ok(notes)
}

/// The recipes in force that nothing else could take the place of.
fn earlier_recipes(config: &Config) -> RecipeTexts {
    let own = config.sources.values().filter_map(|source| source.recipe.clone());
    own.filter(|recipe| shipped(&recipe.name).is_none()).map(|recipe| (Arc::clone(&recipe.name), recipe)).collect()
}

fn uses(source: &config::Source, name: &str) -> bool {
    source.recipe.as_ref().is_some_and(|recipe| *recipe.name == *name)
}

/// What a reload cannot change.
fn needs_a_restart(old: &Config, new: &Config) -> Option<String> {
    let mut keys = Vec::new();
    if old.server.listen != new.server.listen {
        keys.push("[server] listen");
    }
    if old.server.store != new.server.store {
        keys.push("[server] store");
    }
    if old.server.tls.is_some() != new.server.tls.is_some() {
        keys.push("[server] tls");
    }
    if old.cache != new.cache {
        keys.push("[cache]");
    }
    if old.log.format != new.log.format {
        keys.push("[log] format");
    }
    (!keys.is_empty()).then(|| format!("changed, but in force only after a restart: {}", keys.join(", ")))
}

fn report(outcome: Result<Vec<String>>) {
    match outcome {
        Ok(notes) => {
            counter!(RELOADS, "result" => "loaded").increment(1);
            for note in notes {
                tracing::warn!("{note}");
            }
            tracing::info!("the configuration was read again and is in force");
        }
        Err(error) => {
            counter!(RELOADS, "result" => "refused").increment(1);
            tracing::error!("the configuration was read again and is refused, the old one stays in force\n{error}");
        }
    }
}
