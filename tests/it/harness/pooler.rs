//! PgBouncer before a PostgreSQL of the tests, with one connection to the server for all its clients.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Database, PATIENCE, has_program, is_installed, own_port, text};

/// A running PgBouncer; stopped by its process id.
pub(crate) struct Pooler {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
    child: Option<Child>,
}

impl Pooler {
    /// Whether it is installed.
    pub(crate) fn is_there(suite: &str) -> bool {
        is_installed(program().is_some(), "pgbouncer", suite) && has_program("psql", suite)
    }

    /// Starts it in a pooling mode with further settings.
    pub(crate) fn start(database: &Database, settings: &str) -> Self {
        let mut pooler = Self { folder: tempfile::tempdir().unwrap(), port: 0, child: None };
        let give_away = Command::new("chown").arg("postgres").arg(pooler.folder.path()).output().unwrap();
        assert!(give_away.status.success() || !is_root(), "{give_away:?}");
        std::fs::write(pooler.folder.path().join("users"), "\"reader\" \"secret\"\n").unwrap();
        // Another process may have got the port a moment ago; then the next one is tried.
        for _ in 0..5 {
            pooler.port = own_port();
            let text = format!(
                "[databases]\ncrm = host=127.0.0.1 port={} dbname=crm\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
                 listen_port = {}\nunix_socket_dir =\nauth_type = plain\nauth_file = users\ndefault_pool_size = 1\n{settings}\n",
                database.port, pooler.port
            );
            std::fs::write(pooler.folder.path().join("ini"), text).unwrap();
            if pooler.run() {
                return pooler;
            }
        }
        panic!("PgBouncer does not start: {}", pooler.log());
    }

    fn run(&mut self) -> bool {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = Command::new(if is_root() { PathBuf::from("setpriv") } else { program().unwrap() });
        if is_root() {
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program().unwrap());
        }
        command.arg("ini").current_dir(self.folder.path()).stdin(Stdio::null());
        self.child = Some(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// What a statement of another program of the same user returns.
    pub(crate) fn query(&self, statement: &str) -> String {
        let url = format!("postgres://reader:secret@127.0.0.1:{}/crm", self.port);
        let output = Command::new("psql").args(["-q", "-A", "-t", "-c", statement, &url]).output().unwrap();
        assert!(output.status.success(), "{statement}: {} {}", text(&output.stderr), self.log());
        text(&output.stdout).trim().to_owned()
    }

    /// Stops it at once and starts it again on its port.
    pub(crate) fn restart(&mut self) {
        self.stop();
        let end = Instant::now() + PATIENCE;
        while !self.run() {
            assert!(Instant::now() < end, "PgBouncer does not start again: {}", self.log());
        }
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.stop();
    }
}

fn is_root() -> bool {
    text(&Command::new("id").arg("-u").output().unwrap().stdout).trim() == "0"
}

/// Debian keeps it where only root looks.
fn program() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&paths).chain([PathBuf::from("/usr/sbin")]);
    all.map(|folder| folder.join("pgbouncer")).find(|path| path.is_file())
}
