//! PostgreSQL behind a real PgBouncer: the same people are found, and nothing is left on the connections of others.

use super::{TABLES, ask, configuration, degraded, finds_the_right_people, name};
use crate::harness::{Database, Pooler, Workplace, wait_until};

/// What of a connection another client would notice.
const LEFT: &str = "SELECT current_setting('statement_timeout') || ' ' || current_setting('default_transaction_read_only') \
                    || ' ' || (SELECT count(*) FROM pg_prepared_statements)";

fn works_behind(database: &Database, settings: &str) {
    let mut pooler = Pooler::start(database, settings);
    let url = database.url("secret").replace(&format!(":{}/", database.port), &format!(":{}/", pooler.port));
    let slow = "SELECT *, pg_sleep(600) FROM contacts WHERE telephone = :national";
    let text = configuration(&url, slow)
        .replace("DELETE FROM contacts WHERE telephone = :national", "SELECT * FROM wipe(:national)");
    let workplace = Workplace::new(&text);
    let server = workplace.serve();
    finds_the_right_people(&server);
    assert_eq!(pooler.query(LEFT), "0 off 0", "{settings}");
    // All of them through one connection of the server, between the lines of others.
    std::thread::scope(|scope| {
        for project in ["national", "mixed", "suffix", "number"] {
            let server = &server;
            scope.spawn(move || {
                for _ in 0..20 {
                    let (telephone, id) = if project == "number" { ("0722555666", "C-7") } else { ("0722111222", "1") };
                    let found = ask(server, project, telephone)["id"].clone();
                    assert_eq!(found.as_str().map_or_else(|| found.to_string(), str::to_owned), id, "{project}");
                }
            });
        }
        for number in 0..10 {
            pooler.query(&format!("INSERT INTO numbers VALUES ('C-{number}', 'Writer', {number})"));
        }
    });
    assert!(degraded(&server, "slow", "0722111222"), "{settings}");
    wait_until("the end of the slow statement", || pooler.query(LEFT) == "0 off 0");
    pooler.restart();
    wait_until("the restarted pooler", || name(&server, "national", "0722111222") == "Ana Popescu");
    let log = server.whole_log();
    assert!(!log.contains("0722111222") && !log.contains("secret"), "{log}");
}

#[test]
fn behind_pgbouncer_the_same_people_are_found_and_nothing_is_left_behind() {
    let suite = "SQL sources behind PgBouncer";
    let Some(database) = Database::postgres(suite).filter(|_| Pooler::is_there(suite)) else { return };
    TABLES.iter().for_each(|statement| database.execute(statement));
    database.execute(
        "CREATE FUNCTION wipe(text) RETURNS SETOF contacts LANGUAGE sql AS \
         'DELETE FROM contacts WHERE telephone = $1 RETURNING *'",
    );
    works_behind(&database, "pool_mode = transaction");
    works_behind(&database, "pool_mode = transaction\nignore_startup_parameters = extra_float_digits, options");
}
