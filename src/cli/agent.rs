//! `calldex agent add | list | invite | revoke`: who may watch the page for agents.

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Duration;

use clap::Subcommand;
use serde_json::json;

use crate::clock::{Clock, SystemClock};
use crate::config::{Config, format_duration, parse_duration};
use crate::error::{Error, Kind, Result};
use crate::events::EventStore;

use super::Outcome;
use super::events::time;
use super::workshop::{self, unwritable};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account for an agent, and print his personal link
    Add {
        #[command(flatten)]
        agent: Agent,
        #[command(flatten)]
        link: Link,
    },
    /// Print the accounts
    List {
        /// Only of this project
        #[arg(long, value_name = "NAME")]
        project: Option<String>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Print a new personal link; one from before works no more
    Invite {
        #[command(flatten)]
        agent: Agent,
        #[command(flatten)]
        link: Link,
    },
    /// Set an agent's password: one line from standard input
    Password {
        #[command(flatten)]
        agent: Agent,
    },
    /// Close an account: its pages, its link and its password work no more
    Revoke {
        #[command(flatten)]
        agent: Agent,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Agent {
    /// The agent, as the PBX names him in its events
    name: String,
    /// His project
    #[arg(long, value_name = "NAME")]
    project: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Link {
    /// How long the link works
    #[arg(long, default_value = "24h", value_name = "TIME", value_parser = read_duration)]
    valid: Duration,
}

fn read_duration(text: &str) -> std::result::Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "expected a duration such as 24h or 7d".to_owned())
}

pub(crate) fn run(file: &Path, command: &Command, input: &mut dyn BufRead, out: &mut dyn Write) -> Outcome {
    let store = workshop::events(file)?;
    let now = SystemClock.utc_millis();
    workshop::block_on(async {
        match command {
            Command::Add { agent, link } => {
                let config = workshop::load(file)?;
                check_project(&config, &agent.project)?;
                page(&config)?;
                store.add_agent(&agent.project, &agent.name, now).await?;
                invite(&config, &store, agent, link, out).await
            }
            Command::List { project, json } => list(&store, project.clone(), *json, out).await,
            Command::Invite { agent, link } => invite(&workshop::load(file)?, &store, agent, link, out).await,
            Command::Password { agent } => {
                let mut password = String::new();
                let unread = |error| Error::new(Kind::Invalid, "cannot read the password").because(error);
                input.read_line(&mut password).map_err(unread)?;
                let account = store.agent(&agent.project, &agent.name).await?;
                store.set_password(account.id, password.trim_end_matches(['\r', '\n']).to_owned(), None).await?;
                writeln!(out, "the password of {} was set", account.name).map_err(unwritable)
            }
            Command::Revoke { agent } => {
                store.revoke(&agent.project, &agent.name).await?;
                writeln!(out, "{} of {} is signed out and cannot sign in any more", agent.name, agent.project)
                    .map_err(unwritable)
            }
        }
    })?
}

fn check_project(config: &Config, name: &str) -> Result<()> {
    if config.projects.contains_key(name) {
        return Ok(());
    }
    Err(workshop::no_such("project", name, config.projects.keys().map(|name| &**name)))
}

async fn invite(config: &Config, store: &EventStore, agent: &Agent, link: &Link, out: &mut dyn Write) -> Outcome {
    let page = page(config)?;
    let valid = i64::try_from(link.valid.as_millis()).unwrap_or(i64::MAX);
    let expires = SystemClock.utc_millis().saturating_add(valid);
    let token = store.invite(&agent.project, &agent.name, expires).await?;
    // Behind the # nothing leaves the browser: no log and no other page sees it.
    writeln!(out, "{page}/agent/invite#{token}").map_err(unwritable)?;
    writeln!(out, "works once, for {}", format_duration(link.valid)).map_err(unwritable)
}

/// Where browsers reach this server.
fn page(config: &Config) -> Result<String> {
    let server = &config.server;
    if let Some(url) = &server.public_url {
        return Ok(url.clone());
    }
    if server.listen.ip().is_unspecified() {
        let message = format!(
            "[server] listen = \"{}\" does not say how browsers reach this server; add [server] public_url, such as \
             \"https://calldex.example.com\"",
            server.listen
        );
        return Err(Error::new(Kind::Invalid, message));
    }
    let scheme = if server.tls.is_some() { "https" } else { "http" };
    Ok(format!("{scheme}://{}", server.listen))
}

async fn list(store: &EventStore, project: Option<String>, json: bool, out: &mut dyn Write) -> Outcome {
    for account in store.agents(project).await? {
        let line = if json {
            json!({
                "project": account.project,
                "agent": account.name,
                "created": time(account.created),
                "password": account.has_password,
                "sessions": account.sessions,
            })
            .to_string()
        } else {
            let password = if account.has_password { "has a password" } else { "no password" };
            format!("{}  {}  {password}  {} sessions", account.project, account.name, account.sessions)
        };
        writeln!(out, "{line}").map_err(unwritable)?;
    }
    Ok(())
}
