//! Keeps the connections to one database.
//!
//! The driver's own pool tries again and again while a database is down and then says only that it took too long. Here
//! whoever finds no idle connection makes one and hears at once what is wrong; the guard around the source limits how
//! many do so. A connection goes back only after it has answered: one that failed, or that nobody waited for, is closed,
//! and after a failure of the connection all idle ones are, because a database that was restarted has forgotten them all.
//! The mutex is held for a push or a pop.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::engine::{Connection, Engine, Record};
use super::statement::{Statement, Values};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::sources::http::CONNECT_LIMIT;

/// Most connections to one database; servers allow some hundred in all.
const MOST_CONNECTIONS: usize = 16;

/// How long an idle connection is kept: firewalls forget silent ones.
const IDLE_FOR: Duration = Duration::from_secs(60);

pub(super) struct Pool {
    engine: Engine,
    permits: Semaphore,
    idle: Mutex<Vec<(Connection, Instant)>>,
    clock: Arc<dyn Clock>,
}

impl Pool {
    pub(super) fn new(engine: Engine, most: usize, clock: Arc<dyn Clock>) -> Self {
        Self { engine, permits: Semaphore::new(most.min(MOST_CONNECTIONS)), idle: Mutex::default(), clock }
    }

    /// Runs a query on a connection of its own. Whoever drops the future gives up the connection with it.
    pub(super) async fn run(&self, statement: &Statement, values: &Values<'_>) -> Result<Vec<Record>> {
        let closed = |_| Error::new(Kind::Internal, "the pool is closed");
        let _permit = self.permits.acquire().await.map_err(closed)?;
        let idle = self.take_idle();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let found = connection.run(statement, values).await;
        match &found {
            Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::Timeout) => self.idle().clear(),
            _ => self.idle().push((connection, self.clock.now())),
        }
        found
    }

    async fn connect(&self) -> Result<Connection> {
        self.engine.show_way().await;
        let connected = match tokio::time::timeout(CONNECT_LIMIT, self.engine.connect()).await {
            Ok(connected) => connected,
            Err(_) => Err(Error::new(Kind::Timeout, "no connection to the database in time")),
        };
        connected.map_err(|error| error.before_asking(true))
    }

    /// The connection that was used last, when it was not too long ago.
    fn take_idle(&self) -> Option<Connection> {
        let now = self.clock.now();
        let mut idle = self.idle();
        idle.retain(|(_, since)| now.saturating_duration_since(*since) < IDLE_FOR);
        idle.pop().map(|(connection, _)| connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Connection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
