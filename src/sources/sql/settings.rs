//! Where a database is and how safely it is connected to, read from `url`.
//!
//! Away from this machine TLS is verified, unless the URL says otherwise. A parameter that nobody knows is refused: the
//! driver would pass over it, and with it perhaps over the wish for a safe connection.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;
use url::Url;

use crate::config::{self, nearest};
use crate::error::{Error, Kind, Result};

/// Parameters of the URL that PostgreSQL's driver knows, beside `options[...]`.
const OF_POSTGRES: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Those that MySQL's driver knows.
const OF_MYSQL: [&str; 14] = [
    "sslmode",
    "ssl-mode",
    "sslca",
    "ssl-ca",
    "charset",
    "collation",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "socket",
    "timezone",
    "time-zone",
];

/// Words of `sslmode` for PostgreSQL.
const MODES_OF_POSTGRES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Words of `ssl-mode` for MariaDB and MySQL, in capitals or not.
const MODES_OF_MYSQL: [&str; 5] = ["DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"];

/// Where the database is and how long it may take.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) database: Database,
    pub(super) timeout: Duration,
    /// Certificates that are trusted beside those of the system.
    pub(super) ca_file: Option<PathBuf>,
}

/// How each database is connected to.
#[derive(Clone)]
pub(super) enum Database {
    Postgres(Box<PgConnectOptions>),
    MySql(Box<MySqlConnectOptions>),
    Sqlite(Box<SqliteConnectOptions>),
}

impl Settings {
    /// Reads the URL of a source.
    ///
    /// # Errors
    /// [`Kind::Invalid`] in words that show neither user nor password.
    pub(super) fn read(source: &config::Source) -> Result<Self> {
        let Some(url) = &source.url else { return Err(unlike("there is no url")) };
        let (url, ca_file) = (url.reveal(), source.ca_file.as_ref());
        let database = match url.split(':').next().unwrap_or_default() {
            "postgres" | "postgresql" => Database::Postgres(Box::new(postgres(url, ca_file)?)),
            "mysql" | "mariadb" => Database::MySql(Box::new(mysql(url, ca_file)?)),
            "sqlite" => {
                let options = SqliteConnectOptions::from_str(url).map_err(|_| unlike("url is none of SQLite"))?;
                let options = options.read_only(true).create_if_missing(false).busy_timeout(source.timeout);
                Database::Sqlite(Box::new(options))
            }
            _ => return Err(unlike("url names no database that is known")),
        };
        Ok(Self { database, timeout: source.timeout, ca_file: source.ca_file.clone() })
    }
}

fn postgres(written: &str, ca_file: Option<&PathBuf>) -> Result<PgConnectOptions> {
    let chosen = chosen_mode(written, &OF_POSTGRES, &MODES_OF_POSTGRES)?;
    let mut options = PgConnectOptions::from_str(written).map_err(|_| broken())?;
    if let Some(file) = ca_file {
        options = options.ssl_root_cert(file);
    }
    if chosen || options.get_socket().is_some() || is_here(options.get_host()) {
        return Ok(options);
    }
    Ok(options.ssl_mode(PgSslMode::VerifyFull))
}

fn mysql(written: &str, ca_file: Option<&PathBuf>) -> Result<MySqlConnectOptions> {
    let chosen = chosen_mode(written, &OF_MYSQL, &MODES_OF_MYSQL)?;
    let mut options = MySqlConnectOptions::from_str(written).map_err(|_| broken())?;
    if let Some(file) = ca_file {
        options = options.ssl_ca(file);
    }
    if chosen || options.get_socket().is_some() || is_here(options.get_host()) {
        return Ok(options);
    }
    Ok(options.ssl_mode(MySqlSslMode::VerifyIdentity))
}

/// Looks at the parameters of a URL, and says whether it chooses how safe the connection is.
fn chosen_mode(written: &str, known: &[&str], modes: &[&str]) -> Result<bool> {
    let url = Url::parse(written).map_err(|_| broken())?;
    let mut chosen = false;
    for (name, value) in url.query_pairs() {
        if !known.contains(&&*name) && !name.starts_with("options[") {
            return Err(Error::new(Kind::Invalid, unknown_parameter(&name, known)));
        }
        if matches!(&*name, "sslmode" | "ssl-mode") {
            chosen = true;
            if !modes.iter().any(|mode| mode.eq_ignore_ascii_case(&value)) {
                let message = format!("{name} in url is \"{value}\"; expected one of {}", modes.join(", "));
                return Err(Error::new(Kind::Invalid, message));
            }
        }
    }
    Ok(chosen)
}

fn unknown_parameter(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("url has the parameter {name}, which does not exist; did you mean {near}?"),
        None => format!("url has the parameter {name}, which does not exist; there are {}", known.join(", ")),
    }
}

fn is_here(host: &str) -> bool {
    host.starts_with('/') || matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]")
}

fn broken() -> Error {
    unlike("url cannot be read (in user and password # / ? @ : are written as %23 %2F %3F %40 %3A)")
}

fn unlike(why: &str) -> Error {
    let expected = "expected \"postgres://user:password@host/database\", \"mysql://…\" or \"sqlite:contacts.db\"";
    Error::new(Kind::Invalid, format!("{why}; {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::settings_for_tests;

    fn read(url: &str) -> Result<Settings> {
        Settings::read(&settings_for_tests("crm", &format!("url = \"{url}\"")))
    }

    fn refused(url: &str) -> String {
        read(url).err().unwrap().to_string()
    }

    #[test]
    fn the_certificate_is_verified_away_from_this_machine_unless_the_url_says_otherwise() {
        for (url, verified) in [
            ("postgres://u:p@db.example.com/crm", true),
            ("postgres://u:p@127.0.0.1/crm?host=db.example.com", true),
            ("postgres://u:p@db.example.com/crm?sslmode=require", false),
            ("postgres://u:p@127.0.0.1/crm", false),
            ("postgres://u:p@localhost/crm", false),
            ("mysql://u:p@db.example.com/crm", true),
            ("mariadb://u:p@db.example.com/crm?ssl-mode=required", false),
            ("mysql://u:p@[::1]/crm", false),
        ] {
            let is_verified = match read(url).unwrap().database {
                Database::Postgres(options) => matches!(options.get_ssl_mode(), PgSslMode::VerifyFull),
                Database::MySql(options) => matches!(options.get_ssl_mode(), MySqlSslMode::VerifyIdentity),
                Database::Sqlite(_) => false,
            };
            assert_eq!(is_verified, verified, "{url}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_its_password() {
        let near = "url has the parameter sslmod, which does not exist; did you mean sslmode?";
        assert_eq!(refused("postgres://u:hunter2@h/crm?sslmod=require"), near);
        assert!(refused("mysql://u:hunter2@h/crm?ssl-mode=verify-full").contains("VERIFY_CA, VERIFY_IDENTITY"));
        assert!(refused("postgres://u:hunter2#@h/crm").contains("%23"));
        assert!(refused("oracle://u:hunter2@h/crm").contains("no database that is known"));
        for url in ["postgres://u:hunter2#@h/crm", "mysql://u:hunter2@h/crm?x=1", "oracle:hunter2"] {
            assert!(!refused(url).contains("hunter2"), "{}", refused(url));
        }
    }
}
