//! `calldex journal list | retry | drop`: calls that are to be written down in other systems.

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
    /// Try parked entries again, or the one with this number
    Retry {
        #[command(flatten)]
        which: Chosen,
    },
    /// Take parked entries out for good, or the one with this number; the calls stay in the history
    Drop {
        #[command(flatten)]
        which: Chosen,
    },
}

/// Which entries are changed.
#[derive(Debug, clap::Args)]
pub(crate) struct Chosen {
    /// The number of the entry, as `list` prints it
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    entry: Option<i64>,
    /// Every parked one
    #[arg(long)]
    all: bool,
    /// With --all: only of this journal
    #[arg(long, value_name = "NAME", requires = "all")]
    journal: Option<String>,
}

pub(crate) fn run(file: &Path, command: &Command, out: &mut dyn Write) -> Outcome {
    let store = workshop::events(file)?;
    workshop::block_on(async {
        match command {
            Command::List { waiting, written, journal, limit, json } => {
                let which = match (waiting, written) {
                    (true, _) => Which::Waiting,
                    (_, true) => Which::Written,
                    _ => Which::Parked,
                };
                let entries = store.journal(which, journal.clone(), *limit).await?;
                entries.iter().try_for_each(|entry| print(entry, *json, out))
            }
            Command::Retry { which } => change(&store, which, "will be tried again", Change::Retry, out).await,
            Command::Drop { which } => change(&store, which, "dropped", Change::Drop, out).await,
        }
    })?
}

#[derive(Clone, Copy)]
enum Change {
    Retry,
    Drop,
}

async fn change(store: &EventStore, chosen: &Chosen, done: &str, change: Change, out: &mut dyn Write) -> Outcome {
    let which = chosen.entry.map_or(Which::Parked, Which::One);
    let mut total = 0;
    loop {
        let target = chosen.journal.clone();
        let changed = match change {
            Change::Retry => store.journal_retry(which, target, SystemClock.utc_millis(), AT_A_TIME).await?,
            Change::Drop => store.journal_drop(which, target, AT_A_TIME).await?,
        };
        total += changed;
        if changed < AT_A_TIME {
            break;
        }
        tokio::time::sleep(BREATH).await;
    }
    if let (0, Some(entry)) = (total, chosen.entry) {
        return Err(Error::new(Kind::NotFound, format!("the journal has no entry {entry} that is not written")));
    }
    let word = if total == 1 { "entry" } else { "entries" };
    writeln!(out, "{total} {word} {done}").map_err(unwritable)
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
        format!(
            "{}  {}  {}  {}  {} tries{error}",
            entry.id,
            time(entry.created),
            entry.target,
            entry.state,
            entry.tries
        )
    };
    writeln!(out, "{line}").map_err(unwritable)
}
