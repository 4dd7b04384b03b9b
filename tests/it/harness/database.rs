//! Real database servers: a folder and a port of their own, stopped by process id.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Certificate, PATIENCE, has_program, is_installed, own_port, send_signal, text};

/// A running server with a database `crm` and a user `reader` with the password `secret`, who may write too: that a query
/// cannot is not the user's doing.
pub(crate) struct Database {
    kind: Kind,
    folder: tempfile::TempDir,
    pub(crate) port: u16,
    child: Option<Child>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Postgres,
    MariaDb,
}

impl Database {
    /// PostgreSQL; `None` when it is not installed.
    pub(crate) fn postgres(suite: &str) -> Option<Self> {
        // The client alone, without the server, is on many machines.
        let server = postgres("initdb").is_some();
        let all = is_installed(server, "PostgreSQL", suite) && has_program("psql", suite);
        all.then(|| Self::start(Kind::Postgres))
    }

    /// MariaDB; `None` when it is not installed.
    pub(crate) fn mariadb(suite: &str) -> Option<Self> {
        // The first comes with the server, the second is the client.
        let all = ["mariadb-install-db", "mariadb"].into_iter().all(|program| has_program(program, suite));
        all.then(|| Self::start(Kind::MariaDb))
    }

    fn start(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Self { kind, folder, port: 0, child: None };
        database.give_away(database.folder.path());
        match kind {
            Kind::Postgres => database.prepare_postgres(),
            Kind::MariaDb => database.prepare_mariadb(),
        }
        // Another process may have got the port a moment ago; then the next one is tried.
        for _ in 0..5 {
            database.port = own_port();
            if database.run() {
                database.fill();
                return database;
            }
        }
        panic!("the database server does not start: {}", database.log());
    }

    /// A file belongs to the user that the server runs as, when the tests are run by root.
    fn give_away(&self, path: &Path) {
        if let Some(user) = self.user() {
            let status = Command::new("chown").arg(user).arg(path).status().unwrap();
            assert!(status.success());
        }
    }

    fn user(&self) -> Option<&'static str> {
        let id = Command::new("id").arg("-u").output().unwrap();
        let user = if self.kind == Kind::Postgres { "postgres" } else { "mysql" };
        (text(&id.stdout).trim() == "0").then_some(user)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = match self.user() {
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        // A MariaDB that starts removes what it takes for left-overs in the folder of temporary files, also those of another.
        command.env("TMPDIR", self.folder.path()).env("HOME", self.folder.path());
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn succeed(mut command: Command) {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    }

    fn prepare_postgres(&self) {
        let mut command = self.command(&postgres("initdb").unwrap());
        command.args(["-D", "data", "-U", "admin", "--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8"]);
        command.args(["--locale=C", "--no-sync"]);
        Self::succeed(command);
    }

    fn prepare_mariadb(&self) {
        let mut command = self.command(Path::new("mariadb-install-db"));
        command.args([
            "--no-defaults",
            &self.mariadb_data(),
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ]);
        Self::succeed(command);
    }

    fn mariadb_data(&self) -> String {
        format!("--datadir={}", self.folder.path().join("data").display())
    }

    /// Starts the server; says whether it answers.
    fn run(&mut self) -> bool {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let (port, folder) = (self.port.to_string(), self.folder.path().display().to_string());
        let mut command = match self.kind {
            Kind::Postgres => {
                let mut command = self.command(&postgres("postgres").unwrap());
                command.args(["-D", "data", "-p", &port, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
                command.args(["-c", &format!("unix_socket_directories={folder}"), "-c", "max_connections=12"]);
                command
            }
            Kind::MariaDb => {
                let mut command = self.command(&mariadbd());
                command.args([
                    "--no-defaults",
                    &self.mariadb_data(),
                    "--bind-address=127.0.0.1",
                    "--max-connections=12",
                ]);
                command.args([&format!("--port={port}"), &format!("--socket={folder}/socket"), "--pid-file=pid"]);
                command
            }
        };
        command.args(self.tls_options()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if self.ask("SELECT 1").is_ok() {
                return true;
            }
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    fn fill(&self) {
        match self.kind {
            Kind::Postgres => {
                self.execute("CREATE ROLE reader LOGIN PASSWORD 'secret'");
                self.execute("CREATE DATABASE crm");
                self.execute("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO reader");
            }
            Kind::MariaDb => {
                self.execute("CREATE DATABASE crm CHARACTER SET utf8mb4");
                self.execute("CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'secret'");
                self.execute("GRANT ALL ON crm.* TO reader@'127.0.0.1'");
            }
        }
    }

    /// The URL of the database `crm`.
    pub(crate) fn url(&self, password: &str) -> String {
        let scheme = if self.kind == Kind::Postgres { "postgres" } else { "mysql" };
        format!("{scheme}://reader:{password}@127.0.0.1:{}/crm", self.port)
    }

    /// Starts the server again, and from now on it speaks TLS with this certificate.
    pub(crate) fn secure(&mut self, certificate: &Certificate) {
        self.stop();
        for (name, text) in [("server.pem", &certificate.certificate), ("server.key", &certificate.key)] {
            let path = self.folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            self.give_away(&path);
        }
        self.start_again();
    }

    /// What the server is started with to speak TLS.
    fn tls_options(&self) -> Vec<String> {
        let [certificate, key] = ["server.pem", "server.key"].map(|name| self.folder.path().join(name));
        let (certificate, key) = (certificate.display(), key.display());
        match self.kind {
            _ if !self.folder.path().join("server.pem").exists() => Vec::new(),
            Kind::Postgres => {
                ["ssl=on".to_owned(), format!("ssl_cert_file={certificate}"), format!("ssl_key_file={key}")]
                    .into_iter()
                    .flat_map(|setting| ["-c".to_owned(), setting])
                    .collect()
            }
            Kind::MariaDb => vec![format!("--ssl-cert={certificate}"), format!("--ssl-key={key}")],
        }
    }

    /// Runs statements as the administrator, in the database `crm` when it exists.
    pub(crate) fn execute(&self, statements: &str) {
        if let Err(why) = self.ask(statements) {
            panic!("{statements}: {why}\n{}", self.log());
        }
    }

    /// What a statement of the administrator prints.
    pub(crate) fn query(&self, statement: &str) -> String {
        self.ask(statement).unwrap_or_else(|why| panic!("{statement}: {why}")).trim().to_owned()
    }

    fn ask(&self, statements: &str) -> Result<String, String> {
        let folder = self.folder.path().display().to_string();
        let mut command = match self.kind {
            Kind::Postgres => {
                let mut command = Command::new("psql");
                let port = self.port.to_string();
                command.args(["-h", &folder, "-p", &port, "-U", "admin", "-v", "ON_ERROR_STOP=1", "-q", "-A", "-t"]);
                let about_crm =
                    ["SELECT 1", "CREATE ROLE", "CREATE DATABASE"].iter().all(|no| !statements.starts_with(no));
                command.args(["-d", if about_crm { "crm" } else { "postgres" }, "-c", statements]);
                command
            }
            Kind::MariaDb => {
                let mut command = Command::new("mariadb");
                command.args(["--no-defaults", &format!("--socket={folder}/socket"), "-u", "root", "-N", "-B", "-e"]);
                let about_crm = ["SELECT 1", "CREATE DATABASE"].iter().all(|no| !statements.starts_with(no));
                let use_crm = if about_crm { "USE crm; " } else { "" };
                command.arg(format!("{use_crm}{statements}"));
                command
            }
        };
        let output = command.stdin(Stdio::null()).output().unwrap();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Stops the server as a restart of its machine would.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let signal = if self.kind == Kind::Postgres { "INT" } else { "TERM" };
        send_signal(signal, child.id());
        let end = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > end {
                let _ = child.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts a stopped server again on its port.
    pub(crate) fn start_again(&mut self) {
        let end = Instant::now() + PATIENCE;
        // Where the system hands out low ports too, somebody else may have its own for a while.
        while !self.run() {
            assert!(Instant::now() < end, "the database server does not start again: {}", self.log());
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A program of the newest PostgreSQL that Debian has installed.
fn postgres(program: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let programs = versions.map(|version| version.unwrap().path().join("bin").join(program));
    programs.filter(|path| path.is_file()).max()
}

fn mariadbd() -> PathBuf {
    let sbin = PathBuf::from("/usr/sbin/mariadbd");
    if sbin.is_file() { sbin } else { "mariadbd".into() }
}
