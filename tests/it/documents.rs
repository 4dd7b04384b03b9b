//! What README.md and docs/ show is true: their commands run, their configurations load, their lists are complete.
//!
//! How blocks are marked. All blocks of a page share one temporary folder and run from top to bottom:
//! - `sh`: run with bash, must succeed. When its last line is `calldex serve`, that server runs until the page ends, and
//!   `127.0.0.1:8080` means its address. Commands of [`ELSEWHERE`] are not run here.
//! - `output`: what the block before has printed on standard output; `…` stands for anything within a line.
//! - `toml NAME` or `csv NAME`: a file of that name; one of `recipes/` is a recipe, which the page checks by a command. `toml` without a name: a part of a configuration, which must load.
//! - `text`: nothing is done with it. Another word is a mistake.

mod page;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::harness::{Server, Workplace, has_program, send_signal, text};
use page::{Block, all, blocks, code_words, linked_files, read, root};

/// The address in every example.
const SHOWN_ADDRESS: &str = "127.0.0.1:8080";

/// Commands that are shown and tried elsewhere: the demo below, the tests by running them.
const ELSEWHERE: [&str; 3] = ["cargo run --release -- demo", "scripts/test", "cargo install --path ."];

/// Most lines of README.md.
const README_LINES: usize = 80;

#[test]
fn every_command_and_configuration_that_is_shown_works() {
    if !has_program("curl", "the examples of README.md and docs/") {
        return;
    }
    std::thread::scope(|scope| {
        for page in all() {
            scope.spawn(move || Reader::new().follow(&blocks(&page)));
        }
    });
}

/// Somebody who does what a page says.
struct Reader {
    workplace: Workplace,
    server: Option<Server>,
    printed: String,
}

impl Reader {
    fn new() -> Self {
        let workplace = Workplace::new("");
        std::fs::remove_file(workplace.path("calldex.toml")).unwrap();
        Self { workplace, server: None, printed: String::new() }
    }

    fn follow(mut self, blocks: &[Block]) {
        for block in blocks {
            match (block.language.as_str(), block.file.as_str()) {
                ("sh", "") if ELSEWHERE.contains(&block.text.trim()) => {}
                ("sh", "") => self.run(block),
                ("output", "") => self.compare(block),
                ("toml", "") => check_part(block),
                ("toml", file) if file.starts_with("recipes/") => self.workplace.write(file, &block.text),
                ("toml", file) => {
                    // Any free port: the tests of other pages run at the same time.
                    self.workplace.write(file, block.text.replace(SHOWN_ADDRESS, "127.0.0.1:0"));
                    check_configuration(&self.workplace, block);
                }
                ("csv", file) if !file.is_empty() => self.workplace.write(file, &block.text),
                ("text", "") => {}
                _ => panic!("{}: a block is marked as the top of tests/it/documents.rs says", block.place),
            }
        }
    }

    fn run(&mut self, block: &Block) {
        let (commands, serve) = match block.text.trim_end().strip_suffix("calldex serve") {
            Some(commands) => (commands, true),
            None => (block.text.as_str(), false),
        };
        let commands = match &self.server {
            Some(server) => commands.replace(SHOWN_ADDRESS, &server.address.to_string()),
            None => commands.to_owned(),
        };
        let output = self.shell(&commands).output().unwrap();
        assert!(output.status.success(), "{}: {}{}", block.place, text(&output.stdout), text(&output.stderr));
        self.printed = text(&output.stdout);
        if serve {
            self.server = Some(self.workplace.serve());
        }
    }

    /// Bash in the folder of the page, with this calldex on the path.
    fn shell(&self, commands: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_calldex")).parent().unwrap();
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("timeout");
        shell.args([
            "600",
            "bash",
            "-euo",
            "pipefail",
            "-c",
            &format!("curl() {{ command curl -sS \"$@\"; }}\n{commands}"),
        ]);
        shell.current_dir(self.workplace.path("")).env("PATH", path).env_remove("CALLDEX_CONFIG").stdin(Stdio::null());
        shell
    }

    fn compare(&self, block: &Block) {
        let printed = self.printed.replace('\r', "");
        let printed = match &self.server {
            Some(server) => printed.replace(&server.address.to_string(), SHOWN_ADDRESS),
            None => printed,
        };
        assert!(
            fits(block.text.trim_end(), printed.trim_end()),
            "{}: shown\n{}\nprinted\n{printed}",
            block.place,
            block.text
        );
    }
}

/// Whether a text is as shown, where `…` stands for anything within a line.
fn fits(shown: &str, printed: &str) -> bool {
    let lines = shown.lines().count() == printed.lines().count();
    lines && shown.lines().zip(printed.lines()).all(|(shown, printed)| line_fits(shown, printed))
}

fn line_fits(shown: &str, printed: &str) -> bool {
    let Some((start, rest)) = shown.split_once('…') else { return shown == printed };
    let Some(printed) = printed.strip_prefix(start) else { return false };
    let mut places = printed.char_indices().map(|(place, _)| place).chain([printed.len()]);
    places.any(|place| line_fits(rest, &printed[place..]))
}

/// A part of a configuration loads on its own, with some value for each variable.
fn check_part(block: &Block) {
    check_configuration(&Workplace::new(&block.text), block);
}

fn check_configuration(workplace: &Workplace, block: &Block) {
    let mut command = workplace.command(&["config", "check"]);
    for rest in block.text.split("${").skip(1) {
        command.env(rest.split('}').next().unwrap(), "a-value-of-more-than-16-characters");
    }
    let output = command.output().unwrap();
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{}: {printed}{}", block.place, text(&output.stderr));
    assert!(!printed.contains("warning:"), "{}: {printed}", block.place);
}

#[test]
fn the_demo_is_answered_as_it_says_and_leaves_nothing_behind() {
    if !has_program("curl", "the three lines of the demo") {
        return;
    }
    let workplace = Workplace::new("");
    let folder = tempfile::tempdir().unwrap();
    let mut command = workplace.command(&["demo", "--port", "0"]);
    command.env("TMPDIR", folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut demo = Demo(command.spawn().unwrap());
    let mut log = BufReader::new(demo.0.stderr.take().unwrap()).lines();
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let introduction: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with("Stop with")).collect();
    assert!(log.any(|line| line.unwrap().contains(" answers ")), "the demo started");
    let tries: Vec<&[String]> = introduction.windows(2).filter(|pair| pair[0].starts_with("curl '")).collect();
    assert_eq!(tries.len(), 3, "{introduction:#?}");
    for pair in tries {
        let answer = Command::new("bash").args(["-c", &format!("{} -sS", pair[0])]).output().unwrap();
        assert_eq!(text(&answer.stdout), pair[1], "{}: {}", pair[0], text(&answer.stderr));
    }
    assert!(send_signal("TERM", demo.0.id()));
    let last = log.last().unwrap().unwrap();
    assert!(last.contains("stopped"), "the log is written out to its end: {last}");
    assert!(demo.0.wait().unwrap().success());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A running demo. It is killed when a test fails.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        // It has ended already when the test has passed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_readme_is_short_and_has_the_two_commands() {
    let readme = read("README.md");
    assert!(readme.lines().count() <= README_LINES, "{} lines", readme.lines().count());
    for command in ["cargo run --release -- demo", "scripts/test"] {
        assert!(blocks("README.md").iter().any(|block| block.text.trim() == command), "{command}");
    }
}

#[test]
fn every_metric_stands_in_the_documentation_and_every_one_there_exists() {
    let source = read("src/metrics.rs");
    let defined: BTreeSet<&str> =
        source.split('"').skip(1).step_by(2).filter(|text| text.starts_with("calldex_")).collect();
    let metrics = read("docs/metrics.md");
    let rows = metrics.lines().filter_map(|line| line.strip_prefix("| `calldex_")?.split('`').next());
    let described: BTreeSet<String> = rows.map(|name| format!("calldex_{name}")).collect();
    assert!(!defined.is_empty());
    assert_eq!(described.iter().map(String::as_str).collect::<BTreeSet<_>>(), defined);
    for page in all() {
        for word in code_words(&page).iter().flat_map(|word| metric_names(word)) {
            assert!(defined.contains(word.as_str()), "{page} names {word}");
        }
    }
}

/// The names of metrics in a piece of code, such as `rate(calldex_lookups_total[5m])`.
fn metric_names(code: &str) -> Vec<String> {
    let words = code.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("calldex_")).map(str::to_owned).collect()
}

#[test]
fn every_line_of_the_log_is_listed() {
    let words = code_words("docs/LOGGING.md");
    let listed = |message: &str| {
        words.iter().filter_map(|word| word.split('…').next()).any(|word| word.len() > 6 && message.starts_with(word))
    };
    let messages: Vec<String> = sources("src").iter().flat_map(|source| log_messages(source)).collect();
    assert!(messages.len() > 20, "{messages:#?}");
    for message in messages.iter().filter(|message| !message.starts_with('{')) {
        let message = message.replace("{}", env!("CARGO_PKG_VERSION"));
        assert!(listed(&message), "docs/LOGGING.md does not have {message:?}");
    }
}

/// The texts of all files of the program below a folder.
fn sources(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap());
    let read_all = |entry: std::fs::DirEntry| {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        match entry.file_type().unwrap().is_dir() {
            true => sources(&path),
            false if path.ends_with(".rs") => vec![read(&path)],
            false => Vec::new(),
        }
    };
    entries.flat_map(read_all).collect()
}

/// What stands in the calls that log at the default level: the first text that is no target.
fn log_messages(source: &str) -> Vec<String> {
    let message = |call: &str| {
        let (level, rest) = call.split_once("!(")?;
        let rest = rest.trim_start();
        let rest = rest.strip_prefix("target: \"").and_then(|target| Some(target.split_once('"')?.1)).unwrap_or(rest);
        let shown = ["info", "warn", "error"].contains(&level);
        Some(rest.split('"').nth(1)?.to_owned()).filter(|_| shown)
    };
    source.split("tracing::").skip(1).filter_map(message).collect()
}

#[test]
fn every_reason_of_a_refusal_is_explained() {
    let words = code_words("docs/API.md");
    for reason in calldex::access::Reason::ALL {
        assert!(words.iter().any(|word| word == reason.as_str()), "{}", reason.as_str());
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut pages = all();
    pages.extend(["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(str::to_owned));
    for page in pages {
        for file in linked_files(&page) {
            assert!(file.exists(), "{page} links to {}", file.display());
        }
    }
}

#[test]
fn the_map_of_the_code_names_files_that_exist_and_every_module() {
    let words = code_words("docs/ARCHITECTURE.md");
    for path in words.iter().filter(|word| ["src/", "tests/", "migrations/"].iter().any(|top| word.starts_with(top))) {
        assert!(root().join(path).exists(), "{path}");
    }
    let library = read("src/lib.rs");
    for module in library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')) {
        let named = [format!("src/{module}/"), format!("src/{module}.rs")];
        assert!(words.iter().any(|word| named.contains(word)), "{module} is missing");
    }
}
