//! The three databases: how each is connected to and asked.
//!
//! Every session is read-only and its statements end with the source's `timeout`, on the server too, so that a slow query
//! does not live on when nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt;
use serde_json::{Map, Value};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqlSafeStr as _};

use super::postgres::{Postgres, Session};
use super::settings::{Database, Settings};
use super::statement::{Statement, Values};
use super::{failure, values, way};
use crate::error::Result;
use crate::sources::mapping::MOST_CONTACTS;
use crate::sources::watch::{self, Note, Step};

/// Rows that are read: one more than contacts are taken, which is enough to see that it is too many.
pub(super) const MOST_ROWS: usize = MOST_CONTACTS + 1;

/// A row, by its columns.
pub(super) type Record = Map<String, Value>;

/// Connects to a database.
pub(super) struct Engine {
    settings: Settings,
    postgres: Postgres,
}

/// One session.
pub(super) enum Connection {
    Postgres(Session),
    MySql(MySqlConnection),
    Sqlite(SqliteConnection),
}

impl Engine {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, postgres: Postgres::default() }
    }

    /// Shows the way to the database, when somebody watches.
    pub(super) async fn show_way(&self) {
        if watch::is_on() {
            way::show(&self.settings).await;
        }
    }

    /// Begins a session: read-only, with the time limit on the server.
    pub(super) async fn connect(&self) -> Result<Connection> {
        let step = Step::begin("session");
        let timeout = self.settings.timeout;
        let connected = match &self.settings.database {
            Database::Postgres(options) => self.postgres.begin(options, timeout).await.map(Connection::Postgres),
            Database::MySql(options) => begin_mysql(options, timeout).await.map(Connection::MySql),
            Database::Sqlite(options) => SqliteConnection::connect_with(options).await.map(Connection::Sqlite),
        };
        let connected = connected.map_err(|error| failure::explain(&error));
        step.end(connected.as_ref().map_or_else(ToString::to_string, Connection::describe));
        connected
    }
}

async fn begin_mysql(options: &MySqlConnectOptions, timeout: Duration) -> sqlx::Result<MySqlConnection> {
    let mut connection = MySqlConnection::connect_with(options).await?;
    connection.execute("SET SESSION TRANSACTION READ ONLY").await?;
    connection.execute(AssertSqlSafe(format!("SET SESSION sql_select_limit = {MOST_ROWS}"))).await?;
    // MariaDB and MySQL name the limit differently; whichever it is knows one of them.
    let mariadb = format!("SET SESSION max_statement_time = {}", timeout.as_secs_f64());
    if connection.execute(AssertSqlSafe(mariadb)).await.is_err() {
        let mysql = format!("SET SESSION max_execution_time = {}", timeout.as_millis());
        connection.execute(AssertSqlSafe(mysql)).await?;
    }
    Ok(connection)
}

impl Connection {
    /// For whoever watches.
    fn describe(&self) -> String {
        match self {
            Self::Postgres(session) => session.describe(),
            _ => "a connection of its own, logged in",
        }
        .to_owned()
    }

    /// Runs the query.
    pub(super) async fn run(&mut self, statement: &Statement, values: &Values<'_>) -> Result<Vec<Record>> {
        watch::note(|| Note::Sent(statement.bind(values, |_| "?".to_owned()).0));
        let step = Step::begin("query");
        let found = match self {
            Self::Postgres(session) => session.ask(statement, values).await,
            Self::MySql(connection) => ask_mysql(connection, statement, values).await,
            Self::Sqlite(connection) => ask_sqlite(connection, statement, values).await,
        };
        let found = found.map_err(|error| failure::explain(&error));
        match &found {
            Ok(rows) => step.end_as(|took| answered(rows, took)),
            Err(error) => step.end(error.to_string()),
        }
        found
    }
}

fn answered(rows: &[Record], took: Duration) -> Note {
    let excerpt = watch::excerpt(&watch::without_hidden(&serde_json::to_string(rows).unwrap_or_default()));
    Note::Answered { head: format!("{} rows", rows.len()), excerpt, first: None, took }
}

/// Runs the step that prepares a query; what is wrong with it is told by the query itself.
pub(super) async fn prepare<T>(preparing: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    let step = Step::begin("prepare");
    let prepared = preparing.await;
    step.end(
        if prepared.is_ok() { "the database knows the query" } else { "the database does not take it" }.to_owned(),
    );
    prepared
}

async fn ask_mysql(
    connection: &mut MySqlConnection,
    statement: &Statement,
    values: &Values<'_>,
) -> sqlx::Result<Vec<Record>> {
    let (sql, bound) = statement.bind(values, |_| "?".to_owned());
    if watch::is_on() {
        prepare(connection.prepare(AssertSqlSafe(sql.clone()).into_sql_str())).await?;
    }
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in bound {
        query = query.bind(value);
    }
    query.fetch_all(connection).await?.iter().map(values::of_mysql).collect()
}

async fn ask_sqlite(
    connection: &mut SqliteConnection,
    statement: &Statement,
    values: &Values<'_>,
) -> sqlx::Result<Vec<Record>> {
    // SQLite runs on a thread of its own, which has to hear that nobody waits any more.
    let given_up = GivenUp(Arc::new(AtomicBool::new(false)));
    let seen = Arc::clone(&given_up.0);
    connection.lock_handle().await?.set_progress_handler(1000, move || !seen.load(Ordering::Relaxed));
    let (sql, bound) = statement.bind(values, |_| "?".to_owned());
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in bound {
        query = query.bind(value);
    }
    let mut rows = query.fetch(&mut *connection);
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await? {
        found.push(values::of_sqlite(&row)?);
        if found.len() == MOST_ROWS {
            break;
        }
    }
    drop(rows);
    Ok(found)
}

/// Tells a running statement, when it is dropped, that nobody waits for it.
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
