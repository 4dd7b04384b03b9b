//! Brings notices to the agents' pages: who is connected, and what waits for each.
//!
//! A stream has a short queue. When its reader is too slow, nothing waits for him: the queue is given up, and when he
//! reads again he gets the present state of his calls from the store. So a stream costs a bounded piece of memory, and
//! nothing is missed, since a notice is the state of a call and not a step of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Notify, mpsc, watch};

/// Notices that wait for one stream.
const WAITING: usize = 32;

/// One agent of one project, by his key (`party.rs`).
pub(super) type Place = (Arc<str>, String);

/// A notice as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The change of the call that it is about; what a page sends back as `Last-Event-ID`.
    pub change: i64,
    /// The server-sent events that tell it.
    pub text: Arc<str>,
}

/// The streams of all agents. The lock is held to look up, to add and to remove.
#[derive(Default)]
pub(super) struct Hub {
    streams: Arc<Mutex<HashMap<Place, Vec<Weak<Slot>>>>>,
    signal: watch::Sender<Signal>,
}

/// What concerns every stream.
#[derive(Clone, Copy, Default)]
struct Signal {
    closed: bool,
    /// How often everybody was told to read all anew.
    reloads: u64,
    /// How often everybody was told to look whether his session lives.
    looks: u64,
}

/// The end of a stream that the hub holds.
struct Slot {
    queue: mpsc::Sender<Notice>,
    /// Told of each notice that did not fit.
    overflowed: Notify,
}

/// The end of a stream that its reader holds; dropped, the hub forgets it.
pub struct Stream {
    slot: Arc<Slot>,
    queue: mpsc::Receiver<Notice>,
    place: Place,
    streams: Arc<Mutex<HashMap<Place, Vec<Weak<Slot>>>>>,
    signal: watch::Receiver<Signal>,
    reloads: u64,
}

/// What a stream has for its reader.
pub enum Next {
    /// The state of a call.
    Notice(Notice),
    /// What he shows may have been wiped: he has to read all anew.
    Reload,
    /// Some session has ended: he has to look whether it is his.
    Look,
    /// He was too slow: he has to read the present state.
    Overflowed,
    /// The server stops.
    Closed,
}

impl Hub {
    /// Connects an agent's page.
    pub(super) fn connect(&self, place: Place) -> Stream {
        let (queue, receiver) = mpsc::channel(WAITING);
        let slot = Arc::new(Slot { queue, overflowed: Notify::new() });
        let mut streams = lock(&self.streams);
        streams.entry(place.clone()).or_default().push(Arc::downgrade(&slot));
        drop(streams);
        let signal = self.signal.subscribe();
        let reloads = signal.borrow().reloads;
        Stream { slot, queue: receiver, place, streams: Arc::clone(&self.streams), signal, reloads }
    }

    /// Whether anybody watches as this agent.
    pub(super) fn is_watched(&self, place: &Place) -> bool {
        lock(&self.streams).contains_key(place)
    }

    /// Hands a notice to every page of an agent.
    pub(super) fn send(&self, place: &Place, notice: &Notice) {
        let slots: Vec<Arc<Slot>> =
            lock(&self.streams).get(place).into_iter().flatten().filter_map(Weak::upgrade).collect();
        for slot in slots {
            if slot.queue.try_send(notice.clone()).is_err() {
                slot.overflowed.notify_one();
            }
        }
    }

    /// Ends every stream: pages connect again, to whoever answers then.
    pub(super) fn close(&self) {
        self.signal.send_modify(|signal| signal.closed = true);
    }

    /// Tells every page to read all anew.
    pub(super) fn reload(&self) {
        self.signal.send_modify(|signal| signal.reloads += 1);
    }

    /// Has every page look whether its session lives.
    pub(super) fn look(&self) {
        self.signal.send_modify(|signal| signal.looks += 1);
    }

    /// How many pages are connected.
    pub(super) fn count(&self) -> usize {
        lock(&self.streams).values().map(Vec::len).sum()
    }
}

impl Stream {
    /// Waits for what comes next.
    pub async fn next(&mut self) -> Next {
        if self.signal.borrow().closed {
            return Next::Closed;
        }
        tokio::select! {
            // In this order: whoever was too slow is spared what is in his queue.
            biased;
            // An error means that the hub is gone.
            changed = self.signal.changed() => self.signalled(changed.is_ok()),
            // The `Notify` remembers what comes while nobody waits, and the store has the call before its notice is sent:
            // whatever did not fit is followed by a look into the store.
            () = self.slot.overflowed.notified() => {
                while self.queue.try_recv().is_ok() {}
                Next::Overflowed
            }
            notice = self.queue.recv() => notice.map_or(Next::Closed, Next::Notice),
        }
    }

    /// A reload is a look as well: the page asks for its state then.
    fn signalled(&mut self, is_open: bool) -> Next {
        let signal = *self.signal.borrow_and_update();
        let before = std::mem::replace(&mut self.reloads, signal.reloads);
        match signal {
            Signal { closed, .. } if closed || !is_open => Next::Closed,
            Signal { reloads, .. } if reloads != before => Next::Reload,
            _ => Next::Look,
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut streams = lock(&self.streams);
        if let Some(slots) = streams.get_mut(&self.place) {
            slots.retain(|slot| slot.as_ptr() != Arc::as_ptr(&self.slot));
            if slots.is_empty() {
                streams.remove(&self.place);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(agent: &str) -> Place {
        ("sales".into(), agent.to_owned())
    }

    fn notice(change: i64) -> Notice {
        Notice { change, text: "".into() }
    }

    #[tokio::test]
    async fn a_notice_reaches_every_page_of_its_agent_and_no_other() {
        let hub = Hub::default();
        let (mut first, mut second, other) =
            (hub.connect(place("ion")), hub.connect(place("ion")), hub.connect(place("ana")));
        hub.send(&place("ion"), &notice(7));
        for stream in [&mut first, &mut second] {
            assert!(matches!(stream.next().await, Next::Notice(Notice { change: 7, .. })));
        }
        assert!(other.queue.is_empty());
        drop((first, second, other));
        assert_eq!(hub.count(), 0);
    }

    #[tokio::test]
    async fn all_pages_read_anew_when_they_are_told_and_end_when_the_hub_closes() {
        let hub = Hub::default();
        let (mut ion, mut ana) = (hub.connect(place("ion")), hub.connect(place("ana")));
        hub.reload();
        for stream in [&mut ion, &mut ana] {
            assert!(matches!(stream.next().await, Next::Reload));
        }
        hub.send(&place("ion"), &notice(7));
        assert!(matches!(ion.next().await, Next::Notice(_)), "once");
        hub.look();
        assert!(matches!(ion.next().await, Next::Look), "and only when that is what they are told");
        hub.look();
        hub.reload();
        assert!(matches!(ana.next().await, Next::Reload));
        hub.close();
        let mut late = hub.connect(place("late"));
        for stream in [&mut ion, &mut ana, &mut late] {
            assert!(matches!(stream.next().await, Next::Closed));
        }
    }

    #[tokio::test]
    async fn a_page_that_does_not_read_keeps_a_bounded_queue_and_reads_the_state_later() {
        let hub = Hub::default();
        let mut stream = hub.connect(place("ion"));
        for change in 0..10_000 {
            hub.send(&place("ion"), &notice(change));
        }
        assert_eq!(stream.queue.len(), WAITING);
        assert!(matches!(stream.next().await, Next::Overflowed));
        hub.send(&place("ion"), &notice(10_000));
        assert!(matches!(stream.next().await, Next::Notice(Notice { change: 10_000, .. })));
    }
}
