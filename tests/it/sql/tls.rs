//! Databases over TLS: a certificate that is not the one of the server that was meant is refused, in words.

use crate::harness::{Authority, Database, Proxy, Workplace, text};

/// The servers' TLS is verified in this way by the word of its URL.
struct Words<'a> {
    verified: &'a str,
    by_authority: &'a str,
    any: &'a str,
    none: &'a str,
}

fn workplace(database: &Database, port: Option<&Proxy>, authority: &Authority, words: &Words<'_>) -> Workplace {
    let url = database.url("secret");
    let mut configuration = "[server]\nlisten = \"127.0.0.1:0\"\n\
        [project.sales]\ncountry = \"RO\"\nsources = [\"default\"]\nallow = [\"127.0.0.1\"]\ndeadline = \"10s\"\n"
        .to_owned();
    let elsewhere = port.map_or_else(
        || url.clone(),
        |proxy| url.replace(&format!("127.0.0.1:{}", database.port), &proxy.address.to_string()),
    );
    let mut add = |name: &str, url: &str, keys: &str| {
        configuration.push_str(&format!(
            "[source.{name}]\ntype = \"sql\"\nurl = \"{url}\"\ncountry = \"RO\"\ntimeout = \"60s\"\n{keys}\n\
             query = \"SELECT * FROM contacts WHERE telephone = :national\"\n"
        ));
    };
    let ca_file = "ca_file = \"authority.pem\"";
    add("default", &elsewhere, ca_file);
    add("verified", &format!("{url}?{}", words.verified), ca_file);
    add("stranger", &format!("{url}?{}", words.verified), "");
    add("by_authority", &format!("{url}?{}", words.by_authority), ca_file);
    add("any", &format!("{url}?{}", words.any), "");
    add("none", &format!("{url}?{}", words.none), "");
    let workplace = Workplace::new(&configuration);
    workplace.write("authority.pem", &authority.pem);
    workplace
}

/// Whether a source finds Ana; if not, it says that the connection is not safe, and why.
fn finds(workplace: &Workplace, source: &str) -> bool {
    let output = workplace.run(&["source", "test", source, "--telephone", "0722111222"]);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(!said.contains("secret"), "{said}");
    if output.status.success() {
        assert!(said.contains("Ana Popescu (exact)"), "{said}");
        return true;
    }
    assert!(said.contains("the connection to the database is not safe"), "{source}: {said}");
    false
}

fn is_only_trusted_when_it_should_be(mut database: Database, words: &Words<'_>) {
    database.execute("CREATE TABLE contacts (id INTEGER, name VARCHAR(40), telephone VARCHAR(20))");
    database.execute("INSERT INTO contacts VALUES (1, 'Ana Popescu', '0722111222')");
    let authority = Authority::new();
    let proxy = Proxy::at("127.0.0.2", database.port);
    let workplace = workplace(&database, Some(&proxy), &authority, words);
    let found =
        || ["default", "verified", "stranger", "by_authority", "any", "none"].map(|name| finds(&workplace, name));

    database.secure(&authority.sign(&["127.0.0.1", "127.0.0.2"]));
    assert_eq!(found(), [true, true, false, true, true, true], "the right certificate");
    database.secure(&Authority::new().sign(&["127.0.0.1", "127.0.0.2"]));
    assert_eq!(found(), [false, false, false, false, true, true], "another authority");
    database.secure(&authority.sign(&["db.example.com"]));
    assert_eq!(found(), [false, false, false, true, true, true], "another host");
    database.secure(&authority.sign_until(&["127.0.0.1", "127.0.0.2"], 2020));
    assert_eq!(found(), [false, false, false, false, true, true], "an old certificate");
}

#[test]
fn the_certificate_of_postgresql_is_verified() {
    let Some(database) = Database::postgres("PostgreSQL over TLS") else { return };
    assert!(!finds_without_tls(&database, "sslmode=require"), "a server without TLS");
    let words = Words {
        verified: "sslmode=verify-full",
        by_authority: "sslmode=verify-ca",
        any: "sslmode=require",
        none: "sslmode=disable",
    };
    is_only_trusted_when_it_should_be(database, &words);
}

#[test]
fn the_certificate_of_mariadb_is_verified() {
    let Some(database) = Database::mariadb("MariaDB over TLS") else { return };
    assert!(!finds_without_tls(&database, "ssl-mode=REQUIRED"), "a server without TLS");
    let words = Words {
        verified: "ssl-mode=VERIFY_IDENTITY",
        by_authority: "ssl-mode=VERIFY_CA",
        any: "ssl-mode=REQUIRED",
        none: "ssl-mode=DISABLED",
    };
    is_only_trusted_when_it_should_be(database, &words);
}

/// A server that has no certificate, asked with a word that wants one.
fn finds_without_tls(database: &Database, word: &str) -> bool {
    let words = Words { verified: word, by_authority: word, any: word, none: word };
    finds(&workplace(database, None, &Authority::new(), &words), "any")
}
