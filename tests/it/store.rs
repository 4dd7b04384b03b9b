//! The database file is damaged, locked or gone: a clear message at start, null answers with a word while running.

use std::fs::OpenOptions;

use crate::harness::{CONFIGURATION, Workplace, get, wait_until};

#[test]
fn a_file_that_is_no_database_is_refused_at_start() {
    let workplace = Workplace::new(CONFIGURATION);
    workplace.write("calldex.db", "this is a text, and long enough to be taken for something ".repeat(100));
    let message = workplace.fail(&["serve"]);
    assert!(message.contains("calldex.db") && message.contains("not a"), "{message}");
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let workplace = Workplace::new(&CONFIGURATION.replace("sqlite:calldex.db", "sqlite:nowhere/calldex.db"));
    let message = workplace.fail(&["serve"]);
    assert!(message.contains("nowhere"), "{message}");
}

#[test]
fn a_store_that_is_truncated_while_running_costs_names_and_no_call() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    assert_eq!(server.lookup("telephone=0722111222").json()["id"], 12345);
    for name in ["calldex.db", "calldex.db-wal"] {
        if workplace.path(name).exists() {
            OpenOptions::new().write(true).open(workplace.path(name)).unwrap().set_len(0).unwrap();
        }
    }
    for telephone in ["0733444555", "0744555666"] {
        let reply = server.lookup(&format!("telephone={telephone}"));
        assert_eq!(reply.status, 200);
        assert_eq!(reply.json()["id"], serde_json::Value::Null);
    }
    wait_until("the degraded header", || {
        let reply = server.lookup("telephone=0755666777");
        assert_eq!(reply.status, 200);
        reply.header("x-calldex-degraded") == Some("customers")
    });
    assert_eq!(get(server.address, "/healthz").status, 200);
    wait_until("the readiness", || get(server.address, "/readyz").status == 503);
}

#[test]
fn a_store_that_somebody_locks_does_not_hold_up_a_call() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let locker = workplace.database("calldex.db");
    locker.execute_batch("BEGIN EXCLUSIVE").unwrap();
    for round in 0..10 {
        let reply = server.lookup(&format!("telephone=07224000{round:02}"));
        assert_eq!(reply.status, 200);
    }
    assert_eq!(server.lookup("telephone=0722111222").json()["name"], "Ana Popescu", "readers do not wait for a writer");
    locker.execute_batch("COMMIT").unwrap();
}
