//! The one thread that writes the events' file, many pieces of work in one transaction.
//!
//! A write is acknowledged when it is on the disk, and bringing it there costs the same for one event as for two hundred.
//! So whatever has come while the disk was busy goes into the next transaction together. A piece of work that fails is
//! taken back alone. The thread owns the writing connection and opens a new one after a failure; it ends when the last
//! [`Writer`] is dropped, with what it has taken on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::error::{Error, Kind, Result};
use crate::store::{Durability, Store, failure};

/// Most pieces of work that wait; further ones are refused at once.
const WAITING: usize = 10_000;

/// Most bytes of what was sent that wait: an event may have 80 KiB, and ten thousand of these would be all the memory
/// that a small machine has.
const WAITING_BYTES: usize = 64 * 1024 * 1024;

/// Most pieces of work in one transaction.
const TOGETHER: usize = 512;

/// In one transaction are events, accounts and whatever else.
const DOING: &str = "write into the events' file";

/// Hands work to the thread. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: SyncSender<Box<dyn Job>>,
    /// The bytes of all work that waits or is being done.
    held: Arc<AtomicUsize>,
}

/// Bytes that a piece of work takes, until it is done or lost.
struct Held {
    all: Arc<AtomicUsize>,
    bytes: usize,
}

impl Held {
    /// `None` when there would be too many.
    fn take(all: &Arc<AtomicUsize>, bytes: usize) -> Option<Self> {
        // Counted from here on: dropped, it is taken off again.
        let held = Self { all: Arc::clone(all), bytes };
        let before = all.fetch_add(bytes, Ordering::Relaxed);
        (before.saturating_add(bytes) <= WAITING_BYTES).then_some(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A piece of work in two steps: inside the transaction, and after its end.
trait Job: Send {
    /// Does the work; `false` takes it back.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Tells whoever waits how it ended; `broken` is why the transaction did.
    fn finish(self: Box<Self>, broken: Option<&Error>);
}

struct Task<T, W, A> {
    work: Option<W>,
    result: Option<Result<T>>,
    after: A,
    reply: oneshot::Sender<Result<T>>,
    _held: Held,
}

impl<T, W, A> Job for Task<T, W, A>
where
    T: Send,
    W: FnOnce(&Connection) -> Result<T> + Send,
    A: FnOnce(&T) + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else { return false };
        let panicked = |_| Err(Error::new(Kind::Internal, "a write has a defect: please report it"));
        let result = catch_unwind(AssertUnwindSafe(|| work(connection))).unwrap_or_else(panicked);
        self.result.insert(result).is_ok()
    }

    fn finish(self: Box<Self>, broken: Option<&Error>) {
        let lost = || Error::new(Kind::Internal, "a write was not done");
        let result = match (broken, self.result) {
            (Some(error), _) => Err(Error::new(error.kind(), error.to_string())),
            (None, result) => result.unwrap_or_else(|| Err(lost())),
        };
        if let Ok(value) = &result {
            (self.after)(value);
        }
        // Whoever asked may have gone; what was written stays written.
        let _ = self.reply.send(result);
    }
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(store: &Store) -> Result<Self> {
        let (jobs, waiting) = mpsc::sync_channel(WAITING);
        let store = store.clone();
        let thread = std::thread::Builder::new().name("events".to_owned());
        thread.spawn(move || work_through(&waiting, &store)).map_err(|error| {
            Error::new(Kind::Unavailable, "cannot start the thread that writes events").because(error)
        })?;
        Ok(Self { jobs, held: Arc::default() })
    }

    /// Puts `work` into the next transaction. `after` is called on the writer's thread when its value is on the disk,
    /// in the order of the writes, also when nobody waits any more. `bytes` is what the work keeps in memory, where
    /// somebody else decides how much that is.
    ///
    /// # Errors
    /// `Full` when too much is waiting; through the receiver, whatever `work` or the disk says.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T>>> {
        let full = || Error::new(Kind::Full, "more is reported than the disk can take");
        let held = Held::take(&self.held, bytes).ok_or_else(full)?;
        let (reply, outcome) = oneshot::channel();
        let task = Task { work: Some(work), result: None, after, reply, _held: held };
        self.jobs.try_send(Box::new(task)).map_err(|error| match error {
            TrySendError::Full(_) => full(),
            TrySendError::Disconnected(_) => Error::new(Kind::Internal, "nobody writes events any more"),
        })?;
        Ok(outcome)
    }

    /// Writes, and waits until it is on the disk.
    ///
    /// # Errors
    /// As [`Writer::submit`].
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.write_then(work, |_| {}).await
    }

    /// The same, and `after` learns of it in the order of the writes, as with [`Writer::submit`].
    ///
    /// # Errors
    /// As [`Writer::submit`].
    pub(crate) async fn write_then<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T> {
        let lost = |_| Error::new(Kind::Internal, "nobody writes events any more");
        self.submit(0, work, after)?.await.map_err(lost)?
    }
}

fn work_through(waiting: &Receiver<Box<dyn Job>>, store: &Store) {
    let mut connection = None;
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        while batch.len() < TOGETHER
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        let broken = commit(&mut connection, store, &mut batch).err();
        if broken.is_some() {
            connection = None;
        }
        for job in batch {
            job.finish(broken.as_ref());
        }
    }
}

/// Does all of a batch in one transaction.
fn commit(connection: &mut Option<Connection>, store: &Store, batch: &mut [Box<dyn Job>]) -> Result<()> {
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(store.writer(Durability::Acknowledged)?),
    };
    let written = || -> rusqlite::Result<()> {
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        for job in batch {
            transaction.prepare_cached("SAVEPOINT job")?.execute([])?;
            if !job.run(&transaction) {
                transaction.prepare_cached("ROLLBACK TO job")?.execute([])?;
            }
            transaction.prepare_cached("RELEASE job")?.execute([])?;
        }
        transaction.commit()
    };
    written().map_err(|error| failure(DOING, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::EVENTS;

    fn count(store: &Store) -> i64 {
        store.reader().unwrap().query_row("SELECT count(*) FROM choice", [], |row| row.get(0)).unwrap()
    }

    fn choose(number: i64) -> impl FnOnce(&Connection) -> Result<i64> + Send {
        move |connection| {
            let sql = "INSERT INTO choice VALUES ('sales', ?1, 'crm', '1', 'ion', 0)";
            connection.execute(sql, [number]).map_err(|error| failure("choose", error))?;
            if number < 0 { Err(Error::new(Kind::Invalid, "no")) } else { Ok(number) }
        }
    }

    #[tokio::test]
    async fn work_that_fails_or_panics_is_taken_back_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("events.db"), &EVENTS).unwrap();
        let writer = Writer::start(&store).unwrap();
        let all: Vec<_> = [1, -2, 3].map(|number| writer.submit(0, choose(number), |_| {}).unwrap()).into();
        let defect = writer.submit(0, |_| -> Result<()> { panic!("a defect for the test") }, |()| {}).unwrap();
        let mut ends = Vec::new();
        for end in all {
            ends.push(end.await.unwrap().map_err(|error| error.kind()));
        }
        assert_eq!(ends, [Ok(1), Err(Kind::Invalid), Ok(3)]);
        assert_eq!(defect.await.unwrap().unwrap_err().kind(), Kind::Internal);
        assert_eq!(writer.write(choose(4)).await.unwrap(), 4, "the thread lives on");
        assert_eq!(count(&store), 3);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_written_and_announced_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("events.db"), &EVENTS).unwrap();
        let writer = Writer::start(&store).unwrap();
        let (announce, announced) = mpsc::channel();
        for number in 0..1_000 {
            let announce = announce.clone();
            drop(writer.submit(0, choose(number), move |number| announce.send(*number).unwrap()).unwrap());
        }
        drop(announce);
        let order: Vec<i64> = announced.iter().collect();
        assert_eq!(order, (0..1_000).collect::<Vec<_>>());
        assert_eq!(count(&store), 1_000);
    }

    #[tokio::test]
    async fn large_work_is_refused_while_the_disk_stalls_and_taken_again_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("events.db"), &EVENTS).unwrap();
        let writer = Writer::start(&store).unwrap();
        let (go_on, stalled) = mpsc::channel::<()>();
        let stall = writer.submit(0, move |_| stalled.recv().map_err(|_| Error::new(Kind::Internal, "no")), |()| {});
        let large = 80 * 1024;
        let fit = WAITING_BYTES / large;
        let taken: Vec<_> = (1..).map_while(|number| writer.submit(large, choose(number), |_| {}).ok()).collect();
        assert_eq!(taken.len(), fit, "far fewer than {WAITING} pieces");
        assert_eq!(writer.submit(large, choose(0), |_| {}).err().map(|error| error.kind()), Some(Kind::Full));
        let small = writer.submit(100, choose(0), |_| {}).expect("there is room for a small one");
        go_on.send(()).unwrap();
        stall.unwrap().await.unwrap().unwrap();
        for end in taken.into_iter().chain([small]) {
            end.await.unwrap().expect("what was taken is written");
        }
        assert_eq!(count(&store), i64::try_from(fit).unwrap() + 1);
        writer.write(choose(1_000_000)).await.expect("nothing is held any more");
        assert_eq!(writer.held.load(Ordering::Relaxed), 0);
    }
}
