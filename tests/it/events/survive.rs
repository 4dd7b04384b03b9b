//! `kill -9` and a store that cannot be written: nothing that was acknowledged is lost.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::stand_in::StandIn;
use super::{events, report};
use crate::harness::{Line, TOKEN, Workplace, get, wait_for_count};

/// Events of the whole run.
const EVENTS: usize = 10_000;

/// Connections that report them.
const CONNECTIONS: usize = 8;

/// Kills during the run.
const KILLS: usize = 6;

#[test]
fn no_acknowledged_event_and_no_call_of_the_journal_is_missing_after_kills_at_any_point() {
    let crm = StandIn::start();
    let workplace = super::journal::workplace(&crm, "");
    let next = AtomicUsize::new(0);
    let acknowledged = Mutex::new(BTreeSet::new());
    for kill in 0..=KILLS {
        let server = workplace.serve();
        let (address, stop) = (server.address, AtomicBool::new(false));
        // Outlives the threads of its last life.
        let mut server = Some(server);
        // Where the server is killed: after so many answers of this life.
        let enough = EVENTS * (kill + 1) / (KILLS + 1) + kill % 3;
        std::thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let mut line = Line::open(address);
                    let mut again = None;
                    while !stop.load(Ordering::Relaxed) {
                        let number = again.take().unwrap_or_else(|| next.fetch_add(1, Ordering::Relaxed));
                        if number >= EVENTS {
                            break;
                        }
                        let request = format!(
                            "GET /sales/events?event=missed_calls&uniqueid={number}&telephone=07{number:08}&token={TOKEN} \
                             HTTP/1.1\r\nHost: calldex\r\n\r\n"
                        );
                        if !line.send(request.as_bytes()) {
                            break;
                        }
                        match line.reply() {
                            // Too late to the disk on a machine that has stopped: not acknowledged, so sent again.
                            Some(reply) if reply.status == 503 => again = Some(number),
                            Some(reply) => {
                                assert_eq!(reply.status, 200);
                                acknowledged.lock().unwrap().insert(number);
                            }
                            None => break,
                        }
                    }
                });
            }
            if kill < KILLS {
                let all_are_sent = || next.load(Ordering::Relaxed) >= EVENTS;
                wait_for_count("events acknowledged", enough, || {
                    if all_are_sent() { enough } else { acknowledged.lock().unwrap().len() }
                });
                server.take().unwrap().kill();
                stop.store(true, Ordering::Relaxed);
            }
        });
    }
    let kept = events(&workplace);
    let numbers: Vec<usize> =
        kept.iter().map(|event| event["params"]["uniqueid"].as_str().unwrap().parse().unwrap()).collect();
    let unique: BTreeSet<usize> = numbers.iter().copied().collect();
    assert_eq!(unique.len(), numbers.len(), "none is kept twice");
    let acknowledged = acknowledged.into_inner().unwrap();
    let missing: Vec<_> = acknowledged.difference(&unique).collect();
    assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), acknowledged.len());
    // At most one request of each connection was cut off by each kill.
    assert!(acknowledged.len() >= EVENTS - KILLS * CONNECTIONS, "{}", acknowledged.len());
    every_call_is_written_under_one_key(&workplace, &crm, &unique);
}

/// Every event of the test above ends a call: each call arrives, and under one key however often it is sent, although the
/// server is killed in the middle of that too.
fn every_call_is_written_under_one_key(workplace: &Workplace, crm: &StandIn, calls: &BTreeSet<usize>) {
    let arrived = || -> BTreeSet<usize> {
        crm.got().iter().map(|written| written.body["uniqueid"].as_str().unwrap().parse().unwrap()).collect()
    };
    for part in 1..4 {
        let server = workplace.serve();
        let enough = crm.got().len() + calls.len().saturating_sub(arrived().len()) / 4 + part;
        wait_for_count("calls written, of a part", enough, || {
            if arrived().is_superset(calls) { enough } else { crm.got().len() }
        });
        server.kill();
    }
    let server = workplace.serve();
    wait_for_count("calls written", calls.len(), || arrived().intersection(calls).count());
    let keys: BTreeSet<(String, String)> =
        crm.got().into_iter().map(|written| (written.key, written.body["uniqueid"].to_string())).collect();
    assert_eq!(keys.len(), arrived().len(), "a call has one key, and a key one call");
    drop(server);
}

#[test]
fn an_event_that_cannot_be_written_is_not_acknowledged() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let database = workplace.database("calldex-events.db");
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let reply = get(server.address, &format!("/sales/events?event=hangup&uniqueid=1&token={TOKEN}"));
    assert_eq!((reply.status, reply.body.len(), reply.header("retry-after")), (503, 0, Some("1")));
    assert_eq!(server.lookup("telephone=0722111222").json()["id"], 12345, "lookups go on");
    database.execute_batch("ROLLBACK").unwrap();
    assert_eq!(report(&server, "event=hangup&uniqueid=1").status, 200, "sent again, it is taken");
    assert_eq!(events(&workplace).len(), 1, "and counts once");
}
