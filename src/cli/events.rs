//! `calldex events list | follow`: what PBXs have reported.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::error::Result;
use crate::events::{EventStore, ListedEvent};

use super::Outcome;
use super::workshop::{self, unwritable};

/// Time between two looks for new events.
const LOOK: Duration = Duration::from_millis(250);

/// Events read at a time.
const AT_A_TIME: usize = 1_000;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the newest events, oldest of them first
    List {
        #[command(flatten)]
        which: Arguments,
        /// How many; with --json all of them unless it is given
        #[arg(long, value_name = "COUNT")]
        limit: Option<usize>,
    },
    /// Print each event as it comes, until stopped
    Follow {
        #[command(flatten)]
        which: Arguments,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only of this project
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// One JSON object a line, with every parameter
    #[arg(long)]
    json: bool,
}

/// How many events are printed for people.
const FOR_PEOPLE: usize = 20;

pub(crate) fn run(file: &Path, command: &Command, out: &mut dyn Write) -> Outcome {
    let config = workshop::load(file)?;
    let store = EventStore::open(&config.server.store)?;
    let name = match command {
        Command::List { which, .. } | Command::Follow { which } => which.project.as_deref(),
    };
    if let Some(name) = name.filter(|name| !config.projects.contains_key(*name)) {
        return Err(workshop::no_such("project", name, config.projects.keys().map(|name| &**name)));
    }
    workshop::block_on(async {
        match command {
            Command::List { which, limit: None } if which.json => print_all(&store, which, out).await,
            Command::List { which, limit } => {
                let newest = store.latest_events(which.project.clone(), limit.unwrap_or(FOR_PEOPLE)).await?;
                newest.iter().try_for_each(|event| print(event, which.json, out))
            }
            Command::Follow { which } => follow(&store, which, out).await,
        }
    })?
}

async fn print_all(store: &EventStore, which: &Arguments, out: &mut dyn Write) -> Outcome {
    let mut last = 0;
    loop {
        let events = store.events(which.project.clone(), last, AT_A_TIME).await?;
        let Some(newest) = events.last() else { return Ok(()) };
        last = newest.id;
        events.iter().try_for_each(|event| print(event, which.json, out))?;
    }
}

async fn follow(store: &EventStore, which: &Arguments, out: &mut dyn Write) -> Outcome {
    let newest = store.latest_events(which.project.clone(), 1).await?;
    let mut last = newest.last().map_or(0, |event| event.id);
    loop {
        for event in store.events(which.project.clone(), last, AT_A_TIME).await? {
            last = event.id;
            print(&event, which.json, out)?;
        }
        out.flush().map_err(unwritable)?;
        tokio::time::sleep(LOOK).await;
    }
}

fn print(event: &ListedEvent, json: bool, out: &mut dyn Write) -> Result<()> {
    let line = if json { object(event).to_string() } else { words(event) };
    writeln!(out, "{line}").map_err(unwritable)
}

fn object(event: &ListedEvent) -> Value {
    let value = |values: &Vec<String>| match values.as_slice() {
        [only] => json!(only),
        several => json!(several),
    };
    let params: serde_json::Map<_, _> =
        event.params.iter().map(|(name, values)| (name.clone(), value(values))).collect();
    json!({
        "id": event.id,
        "project": event.project,
        "received": time(event.received),
        "event": event.name,
        "call": event.call,
        "params": params,
    })
}

/// One line, harmless for a terminal.
fn words(event: &ListedEvent) -> String {
    let named = |name: &str| {
        let values = event.params.get(name).filter(|values| values.iter().any(|value| !value.is_empty()));
        values.map(|values| format!("  {name}={}", values.join("|"))).unwrap_or_default()
    };
    let params: String = ["telephone", "dnid", "agent", "queue", "uniqueid"].into_iter().map(named).collect();
    let name = if event.name.is_empty() { "(no event)" } else { &event.name };
    let line = format!("{}  {}  {name}{params}", time(event.received), event.project);
    line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

pub(super) fn time(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map(|time| time.to_string()).unwrap_or_default()
}
