//! The events' file: everything that is read from it and written to it goes through here.
//!
//! Writes share the transactions of `writer.rs`. Reads run on tokio's blocking threads, but for those that a lookup waits
//! for, which cost microseconds and run where they are asked.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::caller::{Caller, Named};
use super::choices::{self, PickedNumbers};
use super::erase::{self, Wiped};
use super::intake::{self, Accepted, Arrival};
use super::journal::{self, Entry, Listed, Step, Which};
use super::list::{self, ListedEvent};
use super::past;
use super::readers::Readers;
use super::rows::{self, CallRow};
use super::writer::Writer;
use crate::error::Result;
use crate::model::{ContactRef, History, PastCall, PendingCalls};
use crate::number::Key;
use crate::store::{EVENTS, Store, events_path, failure};

/// Events, calls, journal and accounts in one file.
pub struct EventStore {
    file: Store,
    pub(super) writer: Writer,
    readers: Arc<Readers>,
    pub(super) picked: Arc<PickedNumbers>,
}

impl EventStore {
    /// Opens the file beside the address books at `directory`, and creates it when it is missing.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(directory: &Path) -> Result<Self> {
        let file = Store::open(&events_path(directory), &EVENTS)?;
        let readers = Arc::new(Readers::new(file.clone()));
        let picked = Arc::new(readers.read("read the choices", PickedNumbers::read)?);
        Ok(Self { writer: Writer::start(&file)?, readers, picked, file })
    }

    /// Why the file cannot be read; `None` when it can.
    pub async fn obstacle(&self) -> Option<String> {
        let sql = "SELECT value FROM meta WHERE name = 'change'";
        let read = self.read("read the events", move |connection| connection.query_row(sql, [], |_| Ok(()))).await;
        read.err().map(|error| error.to_string())
    }

    /// Puts an event into the next transaction; `after` hears of it in the order of the writes.
    pub(super) fn accept(
        &self,
        arrival: Arrival,
        after: impl FnOnce(&Option<Accepted>) + Send + 'static,
    ) -> Result<tokio::sync::oneshot::Receiver<Result<Option<Accepted>>>> {
        self.writer.submit(arrival.bytes(), move |connection| intake::accept(connection, &arrival), after)
    }

    /// Notes who the caller of a call is. `after` gets the call as it is then, in the order of the writes: a page that has
    /// seen a later change takes no earlier one.
    pub(super) async fn bind(
        &self,
        call: i64,
        caller: Caller,
        after: impl FnOnce(&Arc<CallRow>) + Send + 'static,
    ) -> Result<Arc<CallRow>> {
        let bind = move |connection: &Connection| {
            let before = rows::call(connection, call)?.caller;
            note_caller(connection, call, &caller.after(before))
        };
        let work = move |connection: &Connection| bind(connection).map_err(|error| failure("note a caller", error));
        self.writer.write_then(work, after).await
    }

    /// Notes which of several contacts the caller is, for this call and for the next ones of the number, in one step.
    /// `after` as with [`EventStore::bind`]; `None` when he is none of them.
    pub(super) async fn pick(
        &self,
        call: i64,
        contact: Named,
        agent: &str,
        now: i64,
        after: impl FnOnce(&Option<Arc<CallRow>>) + Send + 'static,
    ) -> Result<Option<Arc<CallRow>>> {
        let (agent, numbers) = (agent.to_owned(), Arc::clone(&self.picked));
        let pick = move |connection: &Connection| {
            let row = rows::call(connection, call)?;
            let caller = row.caller.unwrap_or_default();
            let is_candidate = caller.candidates.iter().any(|choice| choice.contact == contact);
            let Some(number) = row.number.filter(|_| is_candidate) else { return Ok(None) };
            numbers.add(number);
            choices::remember(connection, &row.project, number, &contact.to_ref(), &agent, now)?;
            let caller = Caller { by_agent: true, ..caller.prefer(|choice| *choice == contact) };
            note_caller(connection, call, &caller).map(Some)
        };
        let work = move |connection: &Connection| pick(connection).map_err(|error| failure("remember a choice", error));
        self.writer.write_then(work, after).await
    }

    /// Projects with calls whose caller is still to be looked up.
    pub(super) async fn projects_with_unbound_calls(&self) -> Result<Vec<Arc<str>>> {
        self.read("find calls without a caller", |connection| {
            let sql = format!(
                "SELECT project FROM call WHERE bound = 0 UNION SELECT project FROM call WHERE {}",
                rows::RUNS_WITHOUT_CALLER
            );
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_map([], |row| row.get::<_, String>(0).map(Arc::from))?.collect()
        })
        .await
    }

    /// Calls of a project whose caller is still to be looked up, newest first: nobody has yet, or his sources could not tell
    /// and the call still runs.
    pub(super) async fn unbound(&self, project: Arc<str>, limit: i64) -> Result<Vec<Arc<CallRow>>> {
        self.read("find calls without a caller", move |connection| {
            let sql = format!(
                "SELECT {} FROM call WHERE id IN (SELECT id FROM call WHERE bound = 0 UNION SELECT id FROM call WHERE {}) \
                 AND project = ?1 ORDER BY id DESC LIMIT ?2",
                rows::COLUMNS,
                rows::RUNS_WITHOUT_CALLER
            );
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_map(params![&*project, limit], rows::from_row)?.map(|row| row.map(Arc::new)).collect()
        })
        .await
    }

    pub(super) async fn projects_with_running_calls(&self) -> Result<Vec<Arc<str>>> {
        self.read("find running calls", |connection| {
            let mut statement = connection.prepare_cached("SELECT DISTINCT project FROM call WHERE state < 2")?;
            statement.query_map([], |row| row.get::<_, String>(0).map(Arc::from))?.collect()
        })
        .await
    }

    /// Gives up calls of a project that nobody has ended since `before`.
    pub(super) async fn give_up(
        &self,
        project: Arc<str>,
        targets: Arc<[Arc<str>]>,
        before: i64,
        now: i64,
        after: impl FnOnce(&Vec<Arc<CallRow>>) + Send + 'static,
    ) -> Result<Vec<Arc<CallRow>>> {
        let work = move |connection: &Connection| intake::give_up(connection, &project, &targets, before, now);
        self.writer.write_then(work, after).await
    }

    /// Events in the order of their arrival, behind the one with the number `after`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn events(&self, project: Option<String>, after: i64, limit: usize) -> Result<Vec<ListedEvent>> {
        self.read("read events", move |connection| list::after(connection, project.as_deref(), after, limit)).await
    }

    /// The newest events, oldest of them first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn latest_events(&self, project: Option<String>, limit: usize) -> Result<Vec<ListedEvent>> {
        self.read("read events", move |connection| list::latest(connection, project.as_deref(), limit)).await
    }

    /// Wipes a person: the calls of these numbers and contacts, with their events and what the journal still holds of
    /// them, and what agents have chosen. Returns how much that was.
    ///
    /// # Errors
    /// When the file cannot be written; nothing is wiped then.
    pub async fn wipe(&self, numbers: Vec<Key>, contacts: Vec<ContactRef>, now: i64) -> Result<Wiped> {
        let work = move |connection: &Connection| erase::wipe(connection, &numbers, &contacts, now);
        let wiped = self.change("wipe calls", work).await?;
        let file = self.file.clone();
        let truncated = tokio::task::spawn_blocking(move || file.truncate_log()).await;
        let log_truncated = truncated.is_ok_and(|done| done.unwrap_or_default());
        Ok(Wiped { log_truncated, ..wiped })
    }

    /// Entries of the journal.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn journal(&self, which: Which, target: Option<String>, limit: usize) -> Result<Vec<Listed>> {
        self.read("read the journal", move |connection| journal::list(connection, which, target.as_deref(), limit))
            .await
    }

    /// Lets up to `limit` entries be tried again; returns how many.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn journal_retry(&self, which: Which, target: Option<String>, now: i64, limit: usize) -> Result<usize> {
        let work = move |connection: &Connection| journal::retry(connection, which, target.as_deref(), now, limit);
        self.change("try the journal again", work).await
    }

    /// Takes up to `limit` entries out of the journal; returns how many.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn journal_drop(&self, which: Which, target: Option<String>, limit: usize) -> Result<usize> {
        let work = move |connection: &Connection| journal::drop_entries(connection, which, target.as_deref(), limit);
        self.change("drop entries of the journal", work).await
    }

    /// How many entries wait and are parked, by target.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn journal_counts(&self) -> Result<Vec<(String, &'static str, u64)>> {
        self.read("count the journal", journal::counts).await
    }

    pub(super) async fn journal_due(&self, target: &Arc<str>, now: i64, limit: usize) -> Result<Vec<Entry>> {
        let target = Arc::clone(target);
        self.read("read the journal", move |connection| journal::due(connection, &target, now, limit)).await
    }

    pub(super) async fn journal_next_due(&self, target: &Arc<str>) -> Result<Option<i64>> {
        let target = Arc::clone(target);
        self.read("read the journal", move |connection| journal::next_due(connection, &target)).await
    }

    pub(super) async fn journal_note(&self, steps: Vec<(i64, Step)>, now: i64) -> Result<()> {
        self.change("note the journal", move |connection| {
            steps.iter().try_for_each(|(id, step)| journal::note(connection, *id, step, now))
        })
        .await
    }

    /// Reads on this thread; for what costs microseconds.
    pub(super) fn read_here<T>(&self, doing: &str, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.readers.read(doing, work)
    }

    /// Reads on a blocking thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read_elsewhere(doing, work).await
    }

    /// Writes in the next transaction.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write(move |connection| work(connection).map_err(|error| failure(doing, error))).await
    }
}

fn note_caller(connection: &Connection, call: i64, caller: &Caller) -> rusqlite::Result<Arc<CallRow>> {
    rows::bind(connection, call, caller)?;
    let row = rows::call(connection, call)?;
    if let Some(contact) = &caller.contact {
        journal::join_contact(connection, &row, contact)?;
    }
    Ok(Arc::new(row))
}

impl History for EventStore {
    fn calls<'a>(&'a self, project: &'a str, number: Key, since: i64, limit: usize) -> PendingCalls<'a> {
        let read =
            self.read_here("read earlier calls", |connection| past::calls(connection, project, number, since, limit));
        Box::pin(std::future::ready(read as Result<Vec<PastCall>>))
    }

    fn picked(&self, project: &str, number: Key) -> Result<Option<ContactRef>> {
        self.choice(project, number)
    }
}
