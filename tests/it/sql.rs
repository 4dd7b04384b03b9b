//! SQL sources on real PostgreSQL, MariaDB and SQLite: what they find, and what happens when the database does not.

mod columns;
mod pooler;
mod tls;
mod trial;

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Database, Server, TOKEN, Workplace, get, has_program, wait_until};

/// The tables of the tests, in words that all three databases understand.
const TABLES: [&str; 4] = [
    "CREATE TABLE contacts (id INTEGER PRIMARY KEY, name VARCHAR(100), telephone VARCHAR(40), backend_link VARCHAR(200), \
     queue_position INTEGER, segment VARCHAR(20), balance DECIMAL(10,2))",
    "INSERT INTO contacts VALUES (1, 'Ana Popescu', '0722111222', 'https://crm.example.com/1', 5, 'gold', 12.50), \
     (2, 'Dan Ștefănescu', '+40 722 333 444', NULL, NULL, NULL, NULL), (3, 'Ion', '0049301234567', NULL, NULL, NULL, NULL), \
     (4, 'Stranger', '0311722111222', NULL, NULL, NULL, NULL)",
    "CREATE TABLE numbers (customer VARCHAR(20), full_name VARCHAR(100), digits BIGINT)",
    "INSERT INTO numbers VALUES ('C-7', 'Maria Ene', 40722555666)",
];

/// The name of each project, with the query of its source and further keys.
const PROJECTS: [(&str, &str, &str); 8] = [
    ("national", "SELECT * FROM contacts WHERE telephone = :national", ""),
    ("mixed", "SELECT * FROM contacts WHERE REPLACE(telephone, ' ', '') IN (:forms);", ""),
    ("suffix", "SELECT * FROM contacts WHERE REPLACE(telephone, ' ', '') LIKE :suffix_pattern", ""),
    (
        "number",
        "SELECT * FROM numbers WHERE digits = :digits",
        "map = { id = \"customer\", name = \"full_name\" }\nnumbers = [\"digits\"]",
    ),
    ("raw", "SELECT * FROM contacts WHERE telephone = :raw OR telephone = :dnid", ""),
    ("blind", "SELECT id, name FROM contacts WHERE telephone = :national", ""),
    ("missing", "SELECT * FROM nowhere WHERE telephone = :national", ""),
    ("writes", "DELETE FROM contacts WHERE telephone = :national", ""),
];

fn configuration(url: &str, slow: &str) -> String {
    let mut text = "[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\n\
        admin_tokens = [\"an-administrators-token-0123456789\"]\n\
        [cache]\nfound_entries = 0\nunknown_entries = 0\n"
        .to_owned();
    let mut add = |name: &str, url: &str, query: &str, keys: &str, timeout: &str| {
        text.push_str(&format!(
            "[source.{name}-db]\ntype = \"sql\"\nurl = \"{url}\"\nquery = \"{query}\"\ncountry = \"RO\"\n\
             timeout = \"{timeout}\"\n{keys}\n\
             [project.{name}]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = [\"{name}-db\"]\ndeadline = \"10s\"\n"
        ));
    };
    for (name, query, keys) in PROJECTS {
        let query = query.replace("LIKE :suffix_pattern", "LIKE CONCAT('%', :suffix)");
        add(name, url, &query, keys, "60s");
    }
    add("wrong", &url.replace("secret", "wrong"), "SELECT * FROM contacts WHERE telephone = :national", "", "60s");
    if !slow.is_empty() {
        add("slow", url, slow, "", "200ms");
    }
    text
}

fn ask(server: &Server, project: &str, telephone: &str) -> Value {
    get(server.address, &format!("/{project}/lookup?telephone={telephone}&token={TOKEN}")).json()
}

fn name(server: &Server, project: &str, telephone: &str) -> Value {
    ask(server, project, telephone)["name"].clone()
}

/// What a source answered to the last lookup, as the explanation tells it.
fn degraded(server: &Server, project: &str, telephone: &str) -> bool {
    let reply = get(server.address, &format!("/{project}/lookup?telephone={telephone}&token={TOKEN}"));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["name"], Value::Null);
    reply.header("x-calldex-degraded").is_some()
}

/// Whatever the database is, it finds these people and no others.
fn finds_the_right_people(server: &Server) {
    let ana = ask(server, "national", "0722111222");
    assert_eq!((&ana["id"], &ana["name"], &ana["queue_position"]), (&json!(1), &json!("Ana Popescu"), &json!(5)));
    assert_eq!(name(server, "national", "%2B40722111222"), "Ana Popescu");
    assert_eq!(name(server, "national", "0722999999"), Value::Null);
    assert_eq!(name(server, "national", "0722333444"), Value::Null, "it is stored in another spelling");
    assert_eq!(name(server, "mixed", "0722333444"), "Dan Ștefănescu");
    assert_eq!(name(server, "mixed", "%2B49301234567"), "Ion");
    assert_eq!(name(server, "suffix", "0722111222"), "Ana Popescu", "a stranger ends with the same digits");
    let maria = ask(server, "number", "0722555666");
    assert_eq!((&maria["id"], &maria["name"]), (&json!("C-7"), &json!("Maria Ene")));
    assert!(!degraded(server, "national", "0722999999"));
    for hostile in ["0722111222%27%20OR%20%271%27=%271", "%27;DROP%20TABLE%20contacts;--", "%25", "0722111222%00"] {
        for dnid in ["", "%27%20OR%20%271%27=%271", "%25"] {
            let reply = get(server.address, &format!("/raw/lookup?telephone={hostile}&dnid={dnid}&token={TOKEN}"));
            assert_eq!(reply.status, 200);
            let found = reply.json()["name"].clone();
            assert!(found.is_null() || found == "Ana Popescu", "{hostile}: {found}");
        }
    }
    for broken in ["blind", "missing", "writes"] {
        assert!(degraded(server, broken, "0722111222"), "{broken}");
    }
    assert_eq!(name(server, "national", "0722111222"), "Ana Popescu", "nothing was deleted");
}

/// What each database says in its own words.
struct Own {
    /// Further statements that prepare the tables.
    tables: &'static [&'static str],
    /// A query that takes ten minutes.
    slow: &'static str,
    /// How many statements of that kind are running.
    running: &'static str,
    /// A query that deletes a contact, if it may.
    writes: &'static str,
    /// One connection for the user, and as many as he likes.
    limits: [&'static str; 2],
}

/// What a served database goes through.
fn survives(mut database: Database, own: &Own) {
    TABLES.iter().chain(own.tables).for_each(|statement| database.execute(statement));
    let text = configuration(&database.url("secret"), own.slow);
    let workplace = Workplace::new(&text.replace("DELETE FROM contacts WHERE telephone = :national", own.writes));
    let server = workplace.serve();
    finds_the_right_people(&server);
    assert!(degraded(&server, "slow", "0722111222"));
    wait_until("the end of the slow statement on the server", || database.query(own.running) == "0");
    assert!(
        degraded(&server, "wrong", "0722111222"),
        "a refused password is never unknown, and the first one is an alarm"
    );
    server.wait_for_metrics("calldex_source_refused{source=\"wrong-db\"} 1");
    let ready = get(server.address, "/readyz");
    assert_eq!((ready.status, &ready.json()["sources"]["wrong-db"]), (200, &json!("refused")));

    database.stop();
    assert!(degraded(&server, "national", "0722111222"));
    assert_eq!(get(server.address, "/readyz").status, 200, "a source that is down does not take the server out");
    database.start_again();
    wait_until("the restarted database", || name(&server, "national", "0722111222") == "Ana Popescu");

    // One connection is all that the user may have; MariaDB counts from here on, so another source takes it first.
    database.execute(own.limits[0]);
    let full = Workplace::new(&configuration(&database.url("secret"), ""));
    let late = full.serve();
    ask(&late, "national", "0722111222");
    assert!(degraded(&late, "mixed", "0722333444"));
    database.execute(own.limits[1]);
    wait_until("a free connection", || name(&late, "mixed", "0722333444") == "Dan Ștefănescu");
    let log = server.whole_log();
    assert!(!log.contains("0722111222") && !log.contains("secret"), "{log}");
}

#[test]
fn postgresql_finds_the_caller_and_may_fail_in_every_way() {
    let Some(database) = Database::postgres("SQL sources on PostgreSQL") else { return };
    let own = Own {
        tables: &["CREATE FUNCTION wipe(text) RETURNS SETOF contacts LANGUAGE sql AS \
                   'DELETE FROM contacts WHERE telephone = $1 RETURNING *'"],
        slow: "SELECT *, pg_sleep(600) FROM contacts WHERE telephone = :national",
        running: "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader' AND query LIKE '%pg_sleep%' AND state = 'active'",
        writes: "SELECT * FROM wipe(:national)",
        limits: ["ALTER ROLE reader CONNECTION LIMIT 1", "ALTER ROLE reader CONNECTION LIMIT -1"],
    };
    survives(database, &own);
}

#[test]
fn mariadb_finds_the_caller_and_may_fail_in_every_way() {
    let Some(database) = Database::mariadb("SQL sources on MariaDB") else { return };
    let own = Own {
        tables: &[],
        slow: "SELECT *, SLEEP(600) FROM contacts WHERE telephone = :national",
        running: "SELECT count(*) FROM information_schema.processlist WHERE user = 'reader' AND info LIKE '%SLEEP%'",
        writes: "DELETE FROM contacts WHERE telephone = :national",
        limits: [
            "ALTER USER reader@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1",
            "ALTER USER reader@'127.0.0.1' WITH MAX_USER_CONNECTIONS 0",
        ],
    };
    survives(database, &own);
}

#[test]
fn sqlite_finds_the_caller_and_may_be_missing_or_locked() {
    if !has_program("sqlite3", "SQL sources on SQLite") {
        return;
    }
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) \
                   SELECT 1 AS telephone, max(x) AS name FROM n WHERE x > :national";
    let text = configuration("sqlite:crm.db", endless).replace("CONCAT('%', :suffix)", "'%' || :suffix");
    let workplace = Workplace::new(&text);
    let server = workplace.serve();
    assert!(degraded(&server, "national", "0722111222"), "there is no file yet");
    let tables = TABLES.join(";\n").replace("BIGINT", "INTEGER");
    let made = Command::new("sqlite3").arg(workplace.path("crm.db")).arg(tables).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    wait_until("the new file", || name(&server, "national", "0722111222") == "Ana Popescu");
    finds_the_right_people(&server);
    assert!(degraded(&server, "slow", "0722111222"), "a statement without an end is ended");
}

#[test]
fn the_mistakes_of_all_sources_are_said_at_once() {
    let workplace = Workplace::new(
        "[source.a]\ntype = \"sql\"\nurl = \"postgres://u:hunter2@127.0.0.1/crm?sslmod=disable\"\n\
         query = \"SELECT * FROM contacts WHERE telephone = :natonal\"\n\
         [source.b]\ntype = \"generic\"\nurl = \"https://crm.example.com/\"\nparams = \"rot_tag=data\"\n\
         [source.c]\ntype = \"minicrm\"\nparams = \"SystemId=1&APIKy=hunter2\"\n",
    );
    let said = workplace.fail(&["config", "check"]);
    for near in
        ["did you mean sslmode?", "did you mean :national?", "did you mean \"root_tag\"?", "did you mean \"APIKey\"?"]
    {
        assert!(said.contains(near), "{near}: {said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}
