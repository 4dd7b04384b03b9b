//! PostgreSQL, by itself or behind a pooler such as PgBouncer.
//!
//! The settings of a session go along when it is opened. A pooler that hands its connections from one client to the next
//! refuses them or passes over them, and so gives itself away. Behind one nothing may be left on a connection: a setting
//! would meet the next client, who may not write any more, and a prepared statement is gone or already there. There
//! everything happens within one transaction, which has a connection of the server to itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{
    AssertSqlSafe, Connection as _, Either, Executor as _, Row as _, SqlSafeStr as _, Statement as _, TypeInfo as _,
};

use super::engine::{MOST_ROWS, Record, prepare};
use super::statement::{Statement, Values};
use super::{failure, values};

/// What poolers say to settings that they do not pass on: "unsupported startup parameter", "not supported".
const OF_POOLERS: [&str; 2] = ["08P01", "0A000"];

/// "Could not determine data type": nothing in the query says of what type a parameter is.
const NO_TYPE: &str = "42P18";

/// Opens sessions, and remembers whether there is a pooler.
#[derive(Default)]
pub(super) struct Postgres {
    pooled: AtomicBool,
}

/// One session.
pub(super) struct Session {
    connection: PgConnection,
    /// Behind a pooler: the limit of each statement.
    pooled: Option<Duration>,
    /// How often that was done, for names that have not been used.
    asked: u64,
}

impl Postgres {
    /// Begins a session that is read-only and whose statements end in time.
    pub(super) async fn begin(&self, options: &PgConnectOptions, timeout: Duration) -> sqlx::Result<Session> {
        let bare = options.clone().extra_float_digits(None);
        if !self.pooled.load(Ordering::Relaxed)
            && let Some(connection) = begin_alone(&bare, timeout).await?
        {
            return Ok(Session { connection, pooled: None, asked: 0 });
        }
        let connection = PgConnection::connect_with(&bare).await?;
        self.pooled.store(true, Ordering::Relaxed);
        Ok(Session { connection, pooled: Some(timeout), asked: 0 })
    }
}

/// Begins a session that has a connection of the server to itself; `None` when there is a pooler.
async fn begin_alone(options: &PgConnectOptions, timeout: Duration) -> sqlx::Result<Option<PgConnection>> {
    let millis = timeout.as_millis().to_string();
    let settings = [("statement_timeout", millis.as_str()), ("default_transaction_read_only", "on")];
    match PgConnection::connect_with(&options.clone().options(settings)).await {
        Ok(mut connection) => Ok(obeys(&mut connection, &millis).await?.then_some(connection)),
        Err(error) if failure::code(&error).is_some_and(|code| OF_POOLERS.contains(&code.as_str())) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the settings of the session have arrived.
async fn obeys(connection: &mut PgConnection, millis: &str) -> sqlx::Result<bool> {
    let question = format!(
        "SELECT current_setting('default_transaction_read_only') = 'on' \
         AND current_setting('statement_timeout')::interval = '{millis} ms'::interval"
    );
    connection.fetch_one(AssertSqlSafe(question)).await?.try_get(0)
}

impl Session {
    pub(super) fn describe(&self) -> &'static str {
        match self.pooled {
            None => "a connection of its own, logged in",
            Some(_) => "logged in to a pooler: each query is a transaction",
        }
    }

    /// Runs the query. PostgreSQL says what type it expects of each parameter, and makes JSON of each row, so that every
    /// type of column works.
    pub(super) async fn ask(&mut self, statement: &Statement, values: &Values<'_>) -> sqlx::Result<Vec<Record>> {
        let (sql, _) = statement.bind(values, |place| format!("${}", place + 1));
        let Some(timeout) = self.pooled else {
            let expected = prepare(self.expected(around(&sql))).await?;
            return self.fetch(statement, values, &expected).await;
        };
        let expected = match prepare(self.begin_expecting(&around(&sql), timeout)).await {
            Err(error) if failure::code(&error).as_deref() == Some(NO_TYPE) => {
                self.connection.execute("ROLLBACK").await?;
                self.connection.execute(AssertSqlSafe(begin(timeout))).await?;
                Ok(Vec::new())
            }
            expected => expected,
        };
        let found = match expected {
            Ok(expected) => self.fetch(statement, values, &expected).await,
            Err(error) => Err(error),
        };
        // Whatever happened, the connection goes back to the pooler with nothing left on it.
        let ended = self.connection.execute("COMMIT").await;
        found.and_then(|rows| ended.map(|_| rows))
    }

    /// The type of each parameter. The driver remembers prepared statements, so this asks once for each connection.
    async fn expected(&mut self, sql: String) -> sqlx::Result<Vec<String>> {
        match self.connection.prepare(AssertSqlSafe(sql).into_sql_str()).await {
            Ok(prepared) => Ok(match prepared.parameters() {
                Some(Either::Left(types)) => types.iter().map(|expected| expected.name().to_owned()).collect(),
                _ => Vec::new(),
            }),
            Err(error) if failure::code(&error).as_deref() == Some(NO_TYPE) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Begins a transaction and finds out the types in it, in one message and without the driver's prepared statements,
    /// which live as long as a connection.
    async fn begin_expecting(&mut self, sql: &str, timeout: Duration) -> sqlx::Result<Vec<String>> {
        self.asked += 1;
        let name = format!("calldex_{}_{:p}_{}", std::process::id(), self, self.asked);
        let messages = format!(
            "{}; PREPARE {name} AS {sql}; SELECT unnest(parameter_types)::text FROM pg_prepared_statements \
             WHERE name = '{name}'; DEALLOCATE {name}",
            begin(timeout)
        );
        let types = self.connection.fetch_all(AssertSqlSafe(messages)).await?;
        types.iter().map(|row| row.try_get(0)).collect()
    }

    async fn fetch(
        &mut self,
        statement: &Statement,
        values: &Values<'_>,
        expected: &[String],
    ) -> sqlx::Result<Vec<Record>> {
        let (sql, bound) = statement.bind(values, |place| mark(place, expected));
        let mut query = sqlx::query(AssertSqlSafe(around(&sql))).persistent(self.pooled.is_none());
        for value in bound {
            query = query.bind(value);
        }
        let rows = query.fetch_all(&mut self.connection).await?;
        rows.iter().map(|row| values::from_json(&row.try_get::<String, _>(0)?)).collect()
    }
}

fn around(sql: &str) -> String {
    format!("SELECT row_to_json(found)::text FROM (\n{sql}\n) AS found LIMIT {MOST_ROWS}")
}

fn begin(timeout: Duration) -> String {
    format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {}", timeout.as_millis())
}

/// A parameter, which is always sent as text, as the type that is expected of it; a driver and the server name some types
/// differently.
fn mark(place: usize, expected: &[String]) -> String {
    let text = format!("CAST(${} AS text)", place + 1);
    match expected.get(place).map(String::as_str) {
        None | Some("TEXT" | "VARCHAR" | "UNKNOWN" | "text" | "character varying" | "unknown") => text,
        Some("CHAR" | "character") => format!("{text}::bpchar"),
        Some(other) => format!("{text}::{other}"),
    }
}
