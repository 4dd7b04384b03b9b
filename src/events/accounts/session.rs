//! Signing in and out: a session is a random token in a cookie, and another one that changes have to carry.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Account, COLUMNS, account, hash, new_token, password};
use crate::error::Result;
use crate::events::EventStore;

/// Where the store counts how often sessions were ended.
pub(in crate::events) const SIGNED_OUT: &str = "signed_out";

/// How long a session lasts, in milliseconds: a month, so that nobody signs in every morning.
const SESSION: i64 = 30 * 86_400 * 1_000;

/// Most sessions of an agent; the oldest one ends with the next.
const MOST_SESSIONS: i64 = 20;

/// Somebody who has just signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The token for the cookie; stored nowhere.
    pub token: String,
    /// The session.
    pub session: Session,
}

/// A page that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub account: Account,
    /// What a request that changes something has to carry, beside the cookie.
    pub csrf: String,
    /// When it ends, in milliseconds since 1970 UTC.
    pub expires: i64,
}

impl EventStore {
    /// Signs in by the token of a personal link, which works no more after that.
    ///
    /// # Errors
    /// When the store cannot be written; a token that opens nothing is `None`.
    pub async fn sign_in_by_link(&self, token: &str, now: i64) -> Result<Option<SignedIn>> {
        let (hash, fresh) = (hash(token), Fresh::new(now)?);
        self.change("sign in", move |connection| {
            let sql = "DELETE FROM invitation WHERE hash = ?1 RETURNING agent, expires";
            let found = connection.query_row(sql, [hash], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).optional()?;
            let Some((agent, _)) = found.filter(|(_, expires)| *expires > now) else { return Ok(None) };
            fresh.begin(connection, agent)
        })
        .await
    }

    /// Signs in by name and password.
    ///
    /// # Errors
    /// When the store cannot be read or written; a name or password that is wrong is `None`.
    pub async fn sign_in(&self, project: &str, name: &str, password: String, now: i64) -> Result<Option<SignedIn>> {
        let (project, name) = (project.to_owned(), name.to_owned());
        let found = self
            .read("find an agent", move |connection| {
                let sql = "SELECT id, password FROM agent WHERE project = ?1 AND name = ?2 COLLATE NOCASE";
                let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?));
                connection.query_row(sql, [project, name], row).optional()
            })
            .await?;
        let (agent, stored) = found.map_or((None, None), |(agent, stored)| (Some(agent), stored));
        let fits = password::fits(password, stored).await?;
        let Some(agent) = agent.filter(|_| fits) else { return Ok(None) };
        let fresh = Fresh::new(now)?;
        self.change("sign in", move |connection| fresh.begin(connection, agent)).await
    }

    /// Who has this token in his cookie.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn session(&self, token: &str, now: i64) -> Result<Option<Session>> {
        let hash = hash(token);
        self.read("find a session", move |connection| find(connection, &hash, now)).await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn sign_out(&self, token: &str) -> Result<()> {
        let hash = hash(token);
        self.change("sign out", move |connection| {
            connection.execute("DELETE FROM session WHERE hash = ?1", [hash])?;
            note_end(connection)
        })
        .await
    }

    /// Sets a password, and ends every session of the agent but the one with this token.
    ///
    /// # Errors
    /// `Invalid` for a password that is too short or too long.
    pub async fn set_password(&self, agent: i64, password: String, token: Option<&str>) -> Result<()> {
        let (own, password) = (token.map(hash).unwrap_or_default(), password::hash(password).await?);
        self.change("set a password", move |connection| {
            connection.execute("UPDATE agent SET password = ?2 WHERE id = ?1", params![agent, password])?;
            connection.execute("DELETE FROM session WHERE agent = ?1 AND hash <> ?2", params![agent, own])?;
            note_end(connection)
        })
        .await
    }
}

/// The tokens of a session that is about to begin.
struct Fresh {
    token: String,
    csrf: String,
    now: i64,
}

impl Fresh {
    fn new(now: i64) -> Result<Self> {
        Ok(Self { token: new_token()?, csrf: new_token()?, now })
    }

    fn begin(self, connection: &Connection, agent: i64) -> rusqlite::Result<Option<SignedIn>> {
        let hash = hash(&self.token);
        let sql = "INSERT INTO session (hash, agent, csrf, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)";
        connection.execute(sql, params![hash, agent, self.csrf, self.now, self.now + SESSION])?;
        let sql = "DELETE FROM session WHERE agent = ?1 AND hash NOT IN \
                   (SELECT hash FROM session WHERE agent = ?1 ORDER BY created DESC LIMIT ?2)";
        connection.execute(sql, params![agent, MOST_SESSIONS])?;
        let session = find(connection, &hash, self.now)?;
        Ok(session.map(|session| SignedIn { token: self.token, session }))
    }
}

/// Notes that sessions were ended: the running server has every open page look after its own.
pub(super) fn note_end(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (name, value) VALUES (?1, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1";
    connection.prepare_cached(sql)?.execute([SIGNED_OUT]).map(drop)
}

fn find(connection: &Connection, hash: &[u8], now: i64) -> rusqlite::Result<Option<Session>> {
    let sql = "SELECT agent, csrf, expires FROM session WHERE hash = ?1 AND expires > ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let row = statement.query_row(params![hash, now], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?)));
    let Some((agent, csrf, expires)) = row.optional()? else { return Ok(None) };
    let mut statement = connection.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?;
    let account = statement.query_row([agent], account).optional()?;
    Ok(account.map(|account| Session { account, csrf, expires }))
}
