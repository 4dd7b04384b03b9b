//! The way to a database, step by step, for whoever watches: its name, the connection, TLS where the database offers it.
//!
//! The driver makes a connection with all of it in one piece, and says too little about what went wrong on it.

use std::path::Path;

use sqlx::mysql::MySqlSslMode;
use sqlx::postgres::PgSslMode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::settings::{Database, Settings};
use crate::sources::http::address::Reach;
use crate::sources::http::{CONNECT_LIMIT, shake_hands, way};
use crate::sources::watch::Step;

/// PostgreSQL's request for TLS, and what allows it ("Message Formats", `SSLRequest`).
const POSTGRES_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// The flag of MySQL's protocol by which a server offers TLS, in the lower half of its abilities.
const MYSQL_TLS: u16 = 0x0800;

/// Longest greeting of a MySQL server that is read, in bytes.
const LONGEST_GREETING: usize = 1024;

/// How a connection that is wanted with TLS deals with its certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// Without TLS.
    None,
    /// With TLS, whoever signed the certificate.
    Any,
    /// By a trusted authority, for whatever host.
    Authority,
    /// By a trusted authority, for this host.
    Host,
}

/// Goes the way as far as it leads.
pub(super) async fn show(settings: &Settings) {
    let ca_file = settings.ca_file.as_deref();
    match &settings.database {
        Database::Postgres(options) => match options.get_socket() {
            Some(socket) => show_socket(&socket.join(format!(".s.PGSQL.{}", options.get_port()))),
            None if options.get_host().starts_with('/') => show_socket(Path::new(options.get_host())),
            None => {
                let wish = wish_of_postgres(options.get_ssl_mode());
                go(options.get_host(), options.get_port(), wish, ca_file, offered_by_postgres).await;
            }
        },
        Database::MySql(options) => match options.get_socket() {
            Some(socket) => show_socket(socket),
            None => {
                let wish = wish_of_mysql(options.get_ssl_mode());
                go(options.get_host(), options.get_port(), wish, ca_file, offered_by_mysql).await;
            }
        },
        Database::Sqlite(options) => show_file(options.get_filename()),
    }
}

fn wish_of_postgres(mode: PgSslMode) -> Wish {
    match mode {
        PgSslMode::Disable | PgSslMode::Allow => Wish::None,
        PgSslMode::Prefer | PgSslMode::Require => Wish::Any,
        PgSslMode::VerifyCa => Wish::Authority,
        PgSslMode::VerifyFull => Wish::Host,
    }
}

fn wish_of_mysql(mode: MySqlSslMode) -> Wish {
    match mode {
        MySqlSslMode::Disabled => Wish::None,
        MySqlSslMode::Preferred | MySqlSslMode::Required => Wish::Any,
        MySqlSslMode::VerifyCa => Wish::Authority,
        MySqlSslMode::VerifyIdentity => Wish::Host,
    }
}

fn show_socket(socket: &Path) {
    let step = Step::begin("connect");
    let there = if socket.exists() { "is there" } else { "is not there" };
    step.end(format!("the socket {} {there}", socket.display()));
}

fn show_file(file: &Path) {
    let step = Step::begin("file");
    step.end(match std::fs::metadata(file) {
        Ok(found) if found.is_file() => format!("{} has {} bytes", file.display(), found.len()),
        Ok(_) => format!("{} is no file", file.display()),
        Err(why) => format!("{} cannot be read: {why}", file.display()),
    });
}

async fn go(
    host: &str,
    port: u16,
    wish: Wish,
    ca_file: Option<&Path>,
    offered: impl AsyncFnOnce(&mut TcpStream) -> std::io::Result<bool>,
) {
    let Some(mut stream) = way::reach_host(host, port, Reach::Anywhere).await else { return };
    if wish == Wish::None {
        return;
    }
    let step = Step::begin("tls");
    let host = host.trim_matches(['[', ']']);
    let shaking = async {
        match offered(&mut stream).await {
            Ok(true) => told(shake_hands(stream, host, ca_file).await.map_err(|why| why.to_string()), wish),
            Ok(false) if wish == Wish::Any => "the database offers none".to_owned(),
            Ok(false) => "the database offers none, and url or its host wants it".to_owned(),
            Err(why) => format!("the database does not say whether it offers it: {why}"),
        }
    };
    let told = timeout(CONNECT_LIMIT, shaking).await;
    step.end(told.unwrap_or_else(|_| "it does not answer".to_owned()));
}

fn told(shaken: Result<(), String>, wish: Wish) -> String {
    match (shaken, wish) {
        (Ok(()), _) => "its certificate is trusted".to_owned(),
        (Err(why), Wish::Any) => format!("any certificate is taken here; where it is looked at: {why}"),
        (Err(why), Wish::Authority) => format!("the one of another host is taken here; {why}"),
        (Err(why), _) => why,
    }
}

async fn offered_by_postgres(stream: &mut TcpStream) -> std::io::Result<bool> {
    stream.write_all(&POSTGRES_REQUEST).await?;
    Ok(stream.read_u8().await? == b'S')
}

/// Reads the greeting, and asks for TLS where the server offers it (MariaDB's page "Connection", `SSLRequest`).
async fn offered_by_mysql(stream: &mut TcpStream) -> std::io::Result<bool> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let length = usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16;
    let mut greeting = vec![0; length.min(LONGEST_GREETING)];
    stream.read_exact(&mut greeting).await?;
    if abilities(&greeting).is_none_or(|flags| flags & MYSQL_TLS == 0) {
        return Ok(false);
    }
    // Its length and number, protocol 4.1 with TLS, no limit of a packet, UTF-8, and 23 zeros.
    let mut request = vec![32, 0, 0, 1, 0x00, 0x0a, 0, 0, 0, 0, 0, 1, 45];
    request.resize(36, 0);
    stream.write_all(&request).await?;
    Ok(true)
}

/// The lower half of a server's abilities: behind its version, its thread, eight random bytes and a zero.
fn abilities(greeting: &[u8]) -> Option<u16> {
    let version = greeting.get(1..)?.iter().position(|byte| *byte == 0)? + 2;
    let flags = greeting.get(version + 13..version + 15)?;
    Some(u16::from_le_bytes([flags[0], flags[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_says_whether_there_is_tls() {
        let mut greeting = b"\x0a10.11.6-MariaDB\0\x01\0\0\0abcdefgh\0".to_vec();
        assert_eq!(abilities(&greeting), None);
        greeting.extend([0xfe, 0xff]);
        assert_eq!(abilities(&greeting), Some(0xfffe));
        assert_eq!((abilities(b""), abilities(b"\x0a10")), (None, None));
    }

    #[test]
    fn what_is_wrong_with_a_certificate_matters_only_where_it_is_looked_at() {
        let wrong = || Err("its certificate is not trusted".to_owned());
        assert!(told(wrong(), Wish::Any).starts_with("any certificate is taken"));
        assert_eq!(told(wrong(), Wish::Host), "its certificate is not trusted");
    }
}
