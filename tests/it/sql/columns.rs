//! Columns of every type: each is read as far as it is text or number, and none hides its contact.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Database, Workplace, has_program};

/// The row that `calldex source test` shows, after it was found to be the caller's.
fn row(url: &str, prepare: impl FnOnce(&Workplace)) -> Value {
    let workplace = Workplace::new(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n\
         [source.crm]\ntype = \"sql\"\nurl = \"{url}\"\nquery = \"SELECT * FROM kinds WHERE telephone = :national\"\n\
         country = \"RO\"\ntimeout = \"60s\"\n\
         [project.sales]\ncountry = \"RO\"\nsources = [\"crm\"]\nallow = [\"127.0.0.1\"]\ndeadline = \"10s\"\n"
    ));
    prepare(&workplace);
    let printed = workplace.succeed(&["source", "test", "crm", "--telephone", "0722111222"]);
    assert!(printed.contains("Ana Popescu (exact)"), "{printed}");
    let shown = printed.lines().find_map(|line| line.trim().strip_prefix("[{")).unwrap();
    let mut rows: Value = serde_json::from_str(&format!("[{{{shown}")).unwrap_or_else(|why| panic!("{why}: {shown}"));
    rows[0].take()
}

#[test]
fn postgresql_reads_columns_of_every_type() {
    let Some(database) = Database::postgres("columns of PostgreSQL") else { return };
    database.execute("CREATE TYPE tier AS ENUM ('gold', 'silver')");
    database.execute(
        "CREATE TABLE kinds (id uuid, name text, telephone numeric(12,0), born date, seen timestamp, seen_at timestamptz, \
         hour time, balance numeric(10,2), flags bit(4), picture bytea, extra jsonb, tier tier, tags text[], place point, \
         good boolean, big bigint, part real)",
    );
    database.execute(
        "INSERT INTO kinds VALUES ('6ecd8c99-4036-403d-bf84-cf8400f67836', 'Ana Popescu', 40722111222, '1980-01-02', \
         '2026-11-27 08:30:00.5', '2026-11-27 08:30:00+02', '08:30', 12.50, B'0101', '\\xff00', '{\"a\": 1}', 'gold', \
         '{x,y}', '(1,2)', true, 9007199254740993, 0.5)",
    );
    let found = row(&database.url("secret"), |workplace| {
        let text = std::fs::read_to_string(workplace.path("calldex.toml")).unwrap();
        workplace.write("calldex.toml", text.replace(":national", ":digits"));
    });
    let expected = json!({"id": "6ecd8c99-4036-403d-bf84-cf8400f67836", "name": "Ana Popescu", "telephone": 40_722_111_222_u64,
        "born": "1980-01-02", "seen": "2026-11-27T08:30:00.5", "seen_at": "2026-11-27T06:30:00+00:00", "hour": "08:30:00",
        "balance": 12.5, "flags": "0101", "picture": "\\xff00", "extra": {"a": 1}, "tier": "gold", "tags": ["x", "y"],
        "place": "(1,2)", "good": true, "big": 9_007_199_254_740_993_u64, "part": 0.5});
    assert_eq!(found, expected);
}

#[test]
fn mariadb_reads_columns_of_every_type() {
    let Some(database) = Database::mariadb("columns of MariaDB") else { return };
    database.execute(
        "CREATE TABLE kinds (id UUID, name VARCHAR(40), telephone VARCHAR(20), born DATE, seen DATETIME(3), \
         seen_at TIMESTAMP NULL, hour TIME, year YEAR, balance DECIMAL(10,2), flags BIT(4), picture BLOB, note BLOB, extra JSON, \
         tier ENUM('gold', 'silver'), tags SET('x', 'y'), place POINT, good BOOLEAN, big BIGINT UNSIGNED, part FLOAT, never DATE)",
    );
    database.execute(
        "SET sql_mode = ''; SET time_zone = '+02:00'; \
         INSERT INTO kinds VALUES ('6ecd8c99-4036-403d-bf84-cf8400f67836', 'Ana Popescu', '0722111222', '1980-01-02', \
         '2026-11-27 08:30:00.500', '2026-11-27 08:30:00', '-01:02:03', 2026, 12.50, b'0101', x'ff00', 'plain', \
         '{\"a\": 1}', 'gold', 'x,y', POINT(1, 2), TRUE, 18446744073709551615, 0.5, '0000-00-00')",
    );
    let expected = json!({"id": "6ecd8c99-4036-403d-bf84-cf8400f67836", "name": "Ana Popescu", "telephone": "0722111222",
        "born": "1980-01-02", "seen": "2026-11-27T08:30:00.5", "seen_at": "2026-11-27T06:30:00+00:00", "hour": "-01:02:03",
        "year": 2026, "balance": "12.50", "flags": 5, "note": "plain", "extra": "{\"a\": 1}", "tier": "gold",
        "tags": "x,y", "good": 1, "big": u64::MAX, "part": 0.5, "never": null});
    assert_eq!(row(&database.url("secret"), |_| {}), expected);
}

#[test]
fn sqlite_reads_values_of_every_type() {
    if !has_program("sqlite3", "columns of SQLite") {
        return;
    }
    let found = row("sqlite:crm.db", |workplace| {
        let tables = "CREATE TABLE kinds (id, name, telephone, born DATE, balance DECIMAL(10,2), picture BLOB, note BLOB, \
                      extra JSON, good BOOLEAN, part REAL, missing); \
                      INSERT INTO kinds VALUES (7, 'Ana Popescu', '0722111222', '1980-01-02', 12.50, x'ff00', 'plain', \
                      '{\"a\": 1}', TRUE, 0.5, NULL)";
        let made = Command::new("sqlite3").arg(workplace.path("crm.db")).arg(tables).output().unwrap();
        assert!(made.status.success(), "{made:?}");
    });
    let expected = json!({"id": 7, "name": "Ana Popescu", "telephone": "0722111222", "born": "1980-01-02", "balance": 12.5,
        "note": "plain", "extra": "{\"a\": 1}", "good": 1, "part": 0.5, "missing": null});
    assert_eq!(found, expected);
}
