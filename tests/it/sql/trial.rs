//! `calldex source test` with databases: every step, and in words what is wrong.

use std::process::Command;

use crate::harness::{Database, Workplace, has_program, text};

const QUERY: &str = "SELECT * FROM contacts WHERE telephone = :national";

/// What is printed, and the first words of its lines; no password is in it.
fn tried(url: &str, query: &str, keys: &str) -> (String, Vec<String>) {
    let workplace = Workplace::new(&format!(
        "[server]\nstore = \"sqlite:calldex.db\"\n\
         [source.crm]\ntype = \"sql\"\ncountry = \"RO\"\nurl = \"{url}\"\nquery = \"{query}\"\n{keys}\n"
    ));
    if url.starts_with("sqlite:") {
        let tables = "CREATE TABLE contacts (id INTEGER, name TEXT, telephone TEXT); \
                      INSERT INTO contacts VALUES (7, 'Ana Popescu', '0722111222')";
        assert!(Command::new("sqlite3").arg(workplace.path("crm.db")).arg(tables).status().unwrap().success());
        workplace.write("text.db", "this is no database, though long enough to be taken for the head of one");
    }
    let output = workplace.run(&["source", "test", "crm", "--telephone", "0722111222"]);
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert!(!printed.contains("secret") && !printed.contains("hunter2"), "{printed}");
    let steps = printed.lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect();
    (printed, steps)
}

fn tells_every_step(mut database: Database, slow: &str) {
    database.execute("CREATE TABLE contacts (id INTEGER, name VARCHAR(40), telephone VARCHAR(20))");
    database.execute("INSERT INTO contacts VALUES (1, 'Ana Popescu', '0722111222')");
    let url = database.url("secret");
    let (printed, steps) = tried(&url, QUERY, "");
    let expected = ["crm", "connect", "tls", "session", "sent", "prepare", "answer", "", "verified", "contact", "took"];
    assert_eq!(steps[..expected.len()], expected, "{printed}");
    assert!(printed.contains("tls       the database offers none"), "{printed}");
    let by_name = url.replace("127.0.0.1", "localhost");
    assert_eq!(tried(&by_name, QUERY, "").1[..3], ["crm", "name", "connect"]);

    let closed = url.replace(&format!(":{}", database.port), ":1");
    let no_host = url.replace("127.0.0.1", "no-such-host.invalid");
    for (url, query, keys, words) in [
        (&url.replace("secret", "hunter2"), QUERY, "", &["session ", "refuses user or password"][..]),
        (
            &url.replace("/crm", "/nowhere"),
            QUERY,
            "",
            &["session ", "no such database (3D000)", "there is none of this name"],
        ),
        (
            &url,
            "SELECT * FROM contacts WHERE phone = :national",
            "",
            &["prepare   the database does not take it", "phone"],
        ),
        (
            &url,
            "SELECT id, name FROM contacts WHERE telephone = :national",
            "",
            &["no column of the query holds a number"],
        ),
        (&url, slow, "timeout = \"5s\"", &["not done within", "took longer than"]),
        (&closed, QUERY, "", &["connect   port 1 does not", "cannot be reached"]),
        (&no_host, QUERY, "", &["name      no-such-host.invalid", "cannot be reached"]),
    ] {
        let (printed, _) = tried(url, query, keys);
        assert!(
            words.iter().any(|words| printed.contains(*words)) && printed.contains("failed "),
            "{words:?}: {printed}"
        );
    }
    database.stop();
}

#[test]
fn every_step_with_postgresql_is_told() {
    let Some(database) = Database::postgres("source test with PostgreSQL") else { return };
    tells_every_step(database, "SELECT *, pg_sleep(600) FROM contacts WHERE telephone = :national");
}

#[test]
fn every_step_with_mariadb_is_told() {
    let Some(database) = Database::mariadb("source test with MariaDB") else { return };
    tells_every_step(database, "SELECT *, SLEEP(600) FROM contacts WHERE telephone = :national");
}

#[test]
fn every_step_with_sqlite_is_told() {
    if !has_program("sqlite3", "source test with SQLite") {
        return;
    }
    let (printed, steps) = tried("sqlite:crm.db", QUERY, "");
    assert_eq!(steps[..5], ["crm", "file", "session", "sent", "answer"], "{printed}");
    for (url, query, words) in [
        ("sqlite:nowhere.db", QUERY, "cannot be read: No such file"),
        ("sqlite:text.db", QUERY, "no database of SQLite"),
        ("sqlite:crm.db", "SELECT * FROM contacts WHERE phone = :national", "no such column: phone"),
    ] {
        let (printed, _) = tried(url, query, "");
        assert!(printed.contains(words) && printed.contains("failed "), "{words}: {printed}");
    }
}
