//! `calldex journal list | retry | drop`: calls that are to be written down in other systems.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use clap::Subcommand;
use serde_json::json;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Kind, Result};
use crate::events::EventStore;
use crate::events::journal::{Listed, Which};

use super::Outcome;
use super::events::time;
use super::workshop::{self, unwritable};

/// Entries changed at a time: an event that comes meanwhile waits for no more.
const AT_A_TIME: usize = 1_000;

/// Pause between two times, so that a running server comes first.
const BREATH: Duration = Duration::from_millis(20);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print entries: parked ones, unless --waiting or --written is given
    List {
        /// Those that still wait for their turn
        #[arg(long, conflicts_with = "written")]
        waiting: bool,
        /// Those that were written
        #[arg(long)]
        written: bool,
        /// Only of this journal
        #[arg(long, value_name = "NAME")]
        journal: Option<String>,
        /// How many
        #[arg(long, default_value_t = 100, value_name = "COUNT")]
        limit: usize,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Try entries again: those with these numbers, or with --all every parked one
    Retry {
        #[command(flatten)]
        which: Chosen,
    },
    /// Take entries out for good: those with these numbers, or with --all every parked one; the calls stay in the history
    Drop {
        #[command(flatten)]
        which: Chosen,
    },
}

/// Which entries are changed.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("chosen").required(true))]
pub(crate) struct Chosen {
    /// Numbers of entries, as `list` prints them
    #[arg(group = "chosen", value_name = "ENTRY")]
    entries: Vec<i64>,
    /// Every parked one
    #[arg(long, group = "chosen")]
    all: bool,
    /// With --all: those that wait, not the parked ones
    #[arg(long, requires = "all")]
    waiting: bool,
    /// With --all: only of this journal
    #[arg(long, value_name = "NAME", requires = "all")]
    journal: Option<String>,
}

impl Chosen {
    fn each(&self) -> Vec<Which> {
        match self.all {
            true if self.waiting => vec![Which::Waiting],
            true => vec![Which::Parked],
            false => self.entries.iter().map(|entry| Which::One(*entry)).collect(),
        }
    }
}

pub(crate) fn run(file: &Path, command: &Command, out: &mut dyn Write) -> Outcome {
    let store = workshop::events(file)?;
    let (Command::List { journal, .. }
    | Command::Retry { which: Chosen { journal, .. } }
    | Command::Drop { which: Chosen { journal, .. } }) = command;
    workshop::block_on(async {
        check(file, &store, journal.as_deref()).await?;
        match command {
            Command::List { waiting, written, journal, limit, json } => {
                let which = match (waiting, written) {
                    (true, _) => Which::Waiting,
                    (_, true) => Which::Written,
                    _ => Which::Parked,
                };
                list(&store, which, journal.as_deref(), *limit, *json, out).await
            }
            Command::Retry { which } => change(&store, which, "will be tried again", Change::Retry, out).await,
            Command::Drop { which } => change(&store, which, "dropped", Change::Drop, out).await,
        }
    })?
}

/// A journal is one that entries of the store are for, whose name may have gone from the configuration since, or one that
/// a project writes to.
async fn check(file: &Path, store: &EventStore, journal: Option<&str>) -> Outcome {
    let Some(name) = journal else { return Ok(()) };
    for which in [Which::Parked, Which::Waiting, Which::Written] {
        if !store.journal(which, Some(name.to_owned()), 1).await?.is_empty() {
            return Ok(());
        }
    }
    let config = workshop::load(file)?;
    let of_projects = config.projects.values().flat_map(|project| &project.journal);
    let known: BTreeSet<&str> = config.journals.keys().chain(of_projects).map(|name| &**name).collect();
    if known.contains(name) {
        return Ok(());
    }
    Err(workshop::no_such("journal", name, known.into_iter()))
}

async fn list(
    store: &EventStore,
    which: Which,
    journal: Option<&str>,
    limit: usize,
    json: bool,
    out: &mut dyn Write,
) -> Outcome {
    let mut entries = store.journal(which, journal.map(str::to_owned), limit.saturating_add(1)).await?;
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    entries.iter().try_for_each(|entry| print(entry, json, out))?;
    if json {
        return Ok(());
    }
    let mut note = |text: String| writeln!(out, "{text}").map_err(unwritable);
    if has_more {
        note(format!("there are more than these {limit}: --limit COUNT prints more"))?;
    }
    if !entries.is_empty() {
        return Ok(());
    }
    let counts = store.journal_counts().await?;
    let of = |state: &str| -> u64 {
        let fits = |(target, own, _): &&(String, &str, u64)| *own == state && journal.is_none_or(|name| name == target);
        counts.iter().filter(fits).map(|(_, _, count)| count).sum()
    };
    match which {
        Which::Written => note("no entry is written".to_owned()),
        _ => note(format!("{} parked, {} waiting", of("parked"), of("waiting"))),
    }
}

#[derive(Clone, Copy)]
enum Change {
    Retry,
    Drop,
}

async fn change(store: &EventStore, chosen: &Chosen, done: &str, change: Change, out: &mut dyn Write) -> Outcome {
    let now = SystemClock.utc_millis();
    let mut total = 0;
    let mut missing = Vec::new();
    for which in chosen.each() {
        let changed = change_all(store, which, chosen.journal.as_deref(), change, now).await?;
        if let (0, Which::One(entry)) = (changed, which) {
            missing.push(entry.to_string());
        }
        total += changed;
    }
    let word = if total == 1 { "entry" } else { "entries" };
    if total > 0 || missing.is_empty() {
        writeln!(out, "{total} {word} {done}").map_err(unwritable)?;
    }
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("the journal has no entry {} that is not written", missing.join(", "));
    Err(Error::new(Kind::NotFound, message))
}

async fn change_all(
    store: &EventStore,
    which: Which,
    journal: Option<&str>,
    change: Change,
    now: i64,
) -> Result<usize> {
    let mut total = 0;
    loop {
        let target = journal.map(str::to_owned);
        let changed = match change {
            Change::Retry => store.journal_retry(which, target, now, AT_A_TIME).await?,
            Change::Drop => store.journal_drop(which, target, AT_A_TIME).await?,
        };
        total += changed;
        if changed < AT_A_TIME {
            return Ok(total);
        }
        tokio::time::sleep(BREATH).await;
    }
}

fn print(entry: &Listed, json: bool, out: &mut dyn Write) -> Result<()> {
    let line = if json {
        json!({
            "id": entry.id,
            "key": entry.key,
            "project": entry.project,
            "journal": entry.target,
            "call": entry.call,
            "state": entry.state,
            "tries": entry.tries,
            "due": time(entry.due),
            "created": time(entry.created),
            "error": entry.error,
        })
        .to_string()
    } else {
        let error = entry.error.as_deref().map(|error| format!("  {error}")).unwrap_or_default();
        let tries = if entry.tries == 1 { "1 try".to_owned() } else { format!("{} tries", entry.tries) };
        let next = if entry.state == "waiting" { format!(", next {}", time(entry.due)) } else { String::new() };
        let (id, created, project) = (entry.id, time(entry.created), &entry.project);
        format!("{id}  {created}  {project}  {}  {}  {tries}{next}{error}", entry.target, entry.state)
    };
    writeln!(out, "{line}").map_err(unwritable)
}
