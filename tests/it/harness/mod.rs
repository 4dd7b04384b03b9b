//! The real binary on a free port of 127.0.0.1, in a temporary folder, stopped by process id.

mod asterisk;
mod authority;
mod browser;
mod client;
mod crm;
mod database;
mod line;
mod network;
mod page;
mod patience;
mod pooler;
mod port;
mod process;
mod proxy;
mod secure;
mod silent;
mod tap;
mod telephony;
mod troublemaker;

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub(crate) use asterisk::{Asterisk, Dialogue, Incoming};
pub(crate) use authority::{Authority, Certificate};
pub(crate) use browser::{Browser, View};
pub(crate) use client::{Reply, get, head, post, read_some, report, send};
pub(crate) use crm::{RECIPE, TinyCrm};
pub(crate) use database::Database;
pub(crate) use line::Line;
pub(crate) use network::{Network, PUBLIC};
pub(crate) use page::Page;
pub(crate) use patience::{PATIENCE, unless_stalled, wait_for_count, wait_until};
pub(crate) use pooler::Pooler;
pub(crate) use port::own_port;
pub(crate) use process::{allow_open_files, resident_kilobytes, send_signal};
pub(crate) use proxy::{Proxy, Weather};
pub(crate) use secure::Secure;
pub(crate) use silent::Silent;
pub(crate) use tap::Tap;
pub(crate) use telephony::{Callee, Kamailio};
pub(crate) use troublemaker::{Mood, Troublemaker};

/// The token of the project `sales` in [`CONFIGURATION`].
pub(crate) const TOKEN: &str = "a-token-for-the-tests-0123456789";

/// The administrators' token in [`CONFIGURATION`].
pub(crate) const ADMIN: &str = "an-administrators-token-0123456789";

/// A configuration with one address book and one project, whose deadline no busy machine misses; the tests add to it.
pub(crate) const CONFIGURATION: &str = r#"
[server]
listen = "127.0.0.1:0"
store = "sqlite:calldex.db"
admin_tokens = ["an-administrators-token-0123456789"]

[directory.customers]
country = "RO"

[project.sales]
country = "RO"
timezone = "Europe/Bucharest"
deadline = "10s"
tokens = ["a-token-for-the-tests-0123456789"]
sources = ["customers"]
backend_link = "https://crm.example.com/contact/{{ contact.id }}"
"#;

/// Contacts for [`CONFIGURATION`].
pub(crate) const CONTACTS: &str = "\
id,name,company,telephone,queue_position,direct_line,route_identifier,language
12345,Ana Popescu,Acme SRL,+40 722 111 222,5,SIP/ion-popescu,shop,ro
12346,Dan Ionescu,,0722.333.444,,,,
007,Jim Bond,,(021) 312 34 56,,,,en
";

/// A temporary folder with a configuration, in which commands run.
pub(crate) struct Workplace {
    folder: tempfile::TempDir,
    /// Given to every command that runs here.
    pub(crate) environment: Vec<(&'static str, OsString)>,
}

impl Workplace {
    /// A folder with this configuration.
    pub(crate) fn new(configuration: &str) -> Self {
        let workplace = Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() };
        workplace.write("calldex.toml", configuration);
        workplace
    }

    /// A folder with [`CONFIGURATION`] and [`CONTACTS`].
    pub(crate) fn with_contacts() -> Self {
        Self::with(CONFIGURATION, CONTACTS)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A database of this folder, beside whoever else works on it and may be slow with its locks.
    pub(crate) fn database(&self, name: &str) -> rusqlite::Connection {
        let database = rusqlite::Connection::open(self.path(name)).unwrap();
        database.busy_timeout(PATIENCE).unwrap();
        database
    }

    /// A command of the binary in this folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calldex"));
        command.args(arguments).current_dir(self.folder.path()).env_remove("CALLDEX_CONFIG").stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a command that must be refused with exit code 1, and returns what it said.
    pub(crate) fn fail(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stdout));
        text(&output.stderr)
    }

    /// A folder with this configuration and these contacts in its directory `customers`.
    pub(crate) fn with(configuration: &str, contacts: &str) -> Self {
        let workplace = Self::new(configuration);
        workplace.write("contacts.csv", contacts);
        workplace.succeed(&["import", "contacts.csv", "--directory", "customers"]);
        workplace
    }

    /// Starts a server and waits until it answers.
    pub(crate) fn serve(&self) -> Server {
        self.serve_with(|_| {})
    }

    /// Starts a server that may open only so many files.
    pub(crate) fn serve_with_open_files(&self, limit: u32) -> Server {
        let inner = self.command(&["serve"]);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {limit} && exec \"$0\" serve")]).arg(inner.get_program());
        command.current_dir(self.folder.path()).env_remove("CALLDEX_CONFIG").stdin(Stdio::null());
        Server::start(command)
    }

    /// Starts a server with a changed environment.
    pub(crate) fn serve_with(&self, change: impl FnOnce(&mut Command)) -> Server {
        let mut command = self.command(&["serve"]);
        change(&mut command);
        Server::start(command)
    }
}

/// A running server. It is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// The address of the FastAGI listener, when the configuration has one.
    pub(crate) agi: Option<SocketAddr>,
    log: Arc<Mutex<String>>,
    /// Reads the log to its end, which comes with that of the process.
    reader: Option<JoinHandle<()>>,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let (address, agi) = loop {
            let Some(Ok(line)) = lines.next() else {
                let _ = child.kill();
                panic!("the server did not start: {}", log.lock().unwrap());
            };
            log.lock().unwrap().push_str(&format!("{line}\n"));
            if line.contains(" answers ") {
                let field = |name: &str| Some(line.split_once(name)?.1.split_whitespace().next()?.parse().unwrap());
                break (field("address=").unwrap(), field("agi="));
            }
        };
        let kept = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        Self { child, address, agi, log, reader: Some(reader) }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What has been read of the log so far, to be shown and nothing else: a line comes later than the effect that it
    /// tells of. A test waits for it with [`Self::wait_for_log`], and asks [`Self::whole_log`] what is not there.
    pub(crate) fn log(&self) -> impl std::fmt::Display {
        self.log_so_far()
    }

    fn log_so_far(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log holds a text.
    pub(crate) fn wait_for_log(&self, text: &str) {
        self.wait_in(text, || self.log_so_far());
    }

    /// Waits until the metrics hold a text: they may be counted after the answer has left.
    pub(crate) fn wait_for_metrics(&self, text: &str) {
        self.wait_in(text, || get(self.address, "/metrics").text());
    }

    /// Waits until a text is part of another one, which is shown when the wait is in vain.
    fn wait_in(&self, text: &str, whole: impl Fn() -> String) {
        let end = Instant::now() + PATIENCE;
        loop {
            let seen = whole();
            if seen.contains(text) {
                return;
            }
            assert!(Instant::now() < end, "waited in vain for {text:?} in\n{seen}\nthe log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How often the log holds a text.
    pub(crate) fn count_in_log(&self, text: &str) -> usize {
        self.log_so_far().matches(text).count()
    }

    /// A lookup of the project `sales` with its token; `query` stands as it is in the URL.
    pub(crate) fn lookup(&self, query: &str) -> Reply {
        get(self.address, &format!("/sales/lookup?{query}&token={TOKEN}"))
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(send_signal(name, self.id()));
    }

    /// Ends the server as a supervisor does, and waits for it.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Ends the server, and returns everything that it has ever logged.
    pub(crate) fn whole_log(mut self) -> String {
        self.signal("TERM");
        let status = self.wait();
        self.reader.take().unwrap().join().unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.log());
        self.log_so_far()
    }

    /// Ends the server as a power cut does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the server did not end: {}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether a program is installed. Under `CI=true` a missing one is a failure; else the suite says that it is left out.
pub(crate) fn has_program(name: &str, suite: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|paths| std::env::split_paths(&paths).any(|folder| Path::new(&folder).join(name).is_file()));
    is_installed(found, name, suite)
}

/// Says aloud that a suite is left out when what it needs was not found; under `CI` that is a failure.
fn is_installed(found: bool, name: &str, suite: &str) -> bool {
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{name} is missing: scripts/test installs it");
        // Printed past the capture of the test runner, so that it is seen.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("\n*** LEFT OUT: {suite}, because {name} is not installed. scripts/test installs it. ***\n")
                .as_bytes(),
        );
    }
    found
}
