//! The accounts of agents who watch the page: made by an administrator, opened by a personal link or a password.
//!
//! The store holds no secret that opens anything: links and sessions as SHA-256 of random tokens, passwords as argon2id
//! hashes. A personal link works once and for a while; whoever has got in by it may set a password. An agent belongs to
//! one project and is named as the PBX names him.

mod password;
mod session;
mod token;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::EventStore;
use crate::error::{Error, Kind, Result};
use crate::store::failure;

pub use password::{LONGEST_PASSWORD, SHORTEST_PASSWORD};
pub(super) use session::SIGNED_OUT;
pub use session::{Session, SignedIn};
use token::{hash, new_token};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: i64,
    /// The project.
    pub project: String,
    /// The agent, as the PBX names him.
    pub name: String,
    /// Whether a password has been set.
    pub has_password: bool,
    /// When it was made, in milliseconds since 1970 UTC.
    pub created: i64,
    /// Pages that are signed in.
    pub sessions: u64,
}

const COLUMNS: &str = "SELECT agent.id, agent.project, agent.name, password IS NOT NULL, agent.created, \
     (SELECT count(*) FROM session WHERE session.agent = agent.id) FROM agent";

/// Longest name of an agent, in characters.
const LONGEST_NAME: usize = 64;

impl EventStore {
    /// Makes an account.
    ///
    /// # Errors
    /// `Invalid` when the name cannot be one, or is taken in this project.
    pub async fn add_agent(&self, project: &str, name: &str, now: i64) -> Result<()> {
        check_name(name)?;
        let (project, name) = (project.to_owned(), name.to_owned());
        self.writer
            .write(move |connection| {
                if find(connection, &project, &name)?.is_some() {
                    return Err(Error::new(Kind::Invalid, format!("{project} has an agent {name} already")));
                }
                let sql = "INSERT INTO agent (project, name, created) VALUES (?1, ?2, ?3)";
                let added = connection.execute(sql, params![project, name, now]);
                added.map(drop).map_err(|error| failure("add an agent", error))
            })
            .await
    }

    /// The accounts of a project, or all.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn agents(&self, project: Option<String>) -> Result<Vec<Account>> {
        self.read("list agents", move |connection| {
            let sql = format!("{COLUMNS} WHERE ?1 IS NULL OR project = ?1 ORDER BY project, name");
            connection.prepare(&sql)?.query_map([project], account)?.collect()
        })
        .await
    }

    /// The account of an agent.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn agent(&self, project: &str, name: &str) -> Result<Account> {
        let (project, name) = (project.to_owned(), name.to_owned());
        self.writer.write(move |connection| existing(connection, &project, &name)).await
    }

    /// Whether an account has exactly this name, which is in lower case and holds an `@`. When that cannot be read it has:
    /// a call that reaches nobody's page does less harm than one that reaches a stranger's.
    pub(super) fn has_account(&self, project: &str, name: &str) -> bool {
        let read = |connection: &Connection| {
            let sql = "SELECT name FROM agent WHERE project = ?1 AND instr(name, '@') > 0";
            let mut statement = connection.prepare_cached(sql)?;
            let names: Vec<String> =
                statement.query_map([project], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            Ok(names.iter().any(|known| known.to_lowercase() == name))
        };
        self.read_here("find an agent", read).unwrap_or(true)
    }

    /// Makes a personal link for an agent; returns its token, which is stored nowhere. Links from before work no more.
    ///
    /// # Errors
    /// `NotFound` when there is no such agent.
    pub async fn invite(&self, project: &str, name: &str, expires: i64) -> Result<String> {
        let token = new_token()?;
        let (project, name, hash) = (project.to_owned(), name.to_owned(), hash(&token));
        self.writer
            .write(move |connection| {
                let agent = existing(connection, &project, &name)?;
                let write = || {
                    connection.execute("DELETE FROM invitation WHERE agent = ?1", [agent.id])?;
                    let sql = "INSERT INTO invitation (hash, agent, expires) VALUES (?1, ?2, ?3)";
                    connection.execute(sql, params![hash, agent.id, expires]).map(drop)
                };
                write().map_err(|error| failure("invite an agent", error))
            })
            .await?;
        Ok(token)
    }

    /// Closes an account: its pages, its link and its password work no more.
    ///
    /// # Errors
    /// `NotFound` when there is no such agent.
    pub async fn revoke(&self, project: &str, name: &str) -> Result<()> {
        let (project, name) = (project.to_owned(), name.to_owned());
        self.writer
            .write(move |connection| {
                let agent = existing(connection, &project, &name)?;
                let remove = || {
                    connection.execute("DELETE FROM session WHERE agent = ?1", [agent.id])?;
                    session::note_end(connection)?;
                    connection.execute("DELETE FROM invitation WHERE agent = ?1", [agent.id])?;
                    connection.execute("DELETE FROM agent WHERE id = ?1", [agent.id]).map(drop)
                };
                remove().map_err(|error| failure("remove an agent", error))
            })
            .await
    }
}

fn check_name(name: &str) -> Result<()> {
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-' | '@' | '+');
    if (1..=LONGEST_NAME).contains(&name.chars().count()) && name.chars().all(fits) {
        return Ok(());
    }
    let message = format!(
        "{name:?} is no name of an agent; expected the user name of the PBX: 1 to {LONGEST_NAME} letters, digits and . _ - @ +"
    );
    Err(Error::new(Kind::Invalid, message))
}

fn find(connection: &Connection, project: &str, name: &str) -> Result<Option<Account>> {
    let sql = format!("{COLUMNS} WHERE project = ?1 AND name = ?2 COLLATE NOCASE");
    let found = connection.prepare_cached(&sql).and_then(|mut it| it.query_row([project, name], account).optional());
    found.map_err(|error| failure("find an agent", error))
}

fn existing(connection: &Connection, project: &str, name: &str) -> Result<Account> {
    let missing =
        || Error::new(Kind::NotFound, format!("{project} has no agent {name}; add it with `calldex agent add`"));
    find(connection, project, name)?.ok_or_else(missing)
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: row.get(0)?,
        project: row.get(1)?,
        name: row.get(2)?,
        has_password: row.get(3)?,
        created: row.get(4)?,
        sessions: row.get::<_, i64>(5)?.cast_unsigned(),
    })
}
