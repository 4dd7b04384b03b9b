//! `calldex config check | print | reference`: what is wrong, what holds, what there is.

mod explain;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use clap::Subcommand;

use crate::clock::{Clock, SystemClock};
use crate::config::{self, Config, Environment, Loaded, Problem, Problems};
use crate::error::{Error, Kind, Result};
use crate::lookup::CHECKS;
use crate::sources::{self, LiveSources};

use super::workshop;

/// What to do with the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read every file and name every mistake; exit code 1 when there is one
    Check {
        /// Print what was made of the parameters of each source, secrets masked
        #[arg(long)]
        explain: bool,
    },
    /// Print what holds, with all defaults and without secrets
    Print,
    /// Print the reference of all keys, docs/configuration.md
    Reference,
}

/// Runs `calldex config`. `path` is the main file; results and warnings go to `out`.
///
/// # Errors
/// [`Kind::Invalid`] with every problem when a file has one; also when `out` cannot be written.
pub(crate) fn run(
    command: ConfigCommand,
    path: &Path,
    environment: Environment<'_>,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<()> {
    match command {
        ConfigCommand::Check { explain } => check(path, environment, clock, explain, out),
        ConfigCommand::Print => print(path, environment, out),
        ConfigCommand::Reference => write(out, &config::reference()),
    }
}

fn check(
    path: &Path,
    environment: Environment<'_>,
    clock: &dyn Clock,
    explain: bool,
    out: &mut dyn Write,
) -> Result<()> {
    let loaded = config::load(path, environment, &CHECKS)?;
    let live = workshop::block_on(async { sources::build(&loaded.config, &LiveSources::none(Arc::new(SystemClock))) })?;
    let mut further = expired_tokens(&loaded.config, clock.utc_millis());
    further.extend(faulty_sources(&live));
    further.extend(silent_journals(&loaded.config, &live));
    for warning in loaded.config.warnings.iter().chain(&further) {
        write(out, &format!("warning: {warning}\n"))?;
    }
    if explain {
        write(out, &explain::explain(&loaded.config))?;
    }
    refuse_failed_files(&loaded)?;
    let warnings = loaded.config.warnings.len() + further.len();
    write(out, &format!("{}: ok, {}\n", path.display(), summary(&loaded.config, warnings)))
}

fn print(path: &Path, environment: Environment<'_>, out: &mut dyn Write) -> Result<()> {
    let loaded = config::load(path, environment, &CHECKS)?;
    write(out, &loaded.effective)?;
    refuse_failed_files(&loaded)
}

/// A running server would go on without these files; whoever checks wants to hear of them.
fn refuse_failed_files(loaded: &Loaded) -> Result<()> {
    let of_recipes = loaded.failed_recipes.iter().flat_map(Problems::iter);
    let of_files = loaded.failed_files.iter().flat_map(|file| file.problems.iter());
    let problems: Vec<Problem> = of_files.chain(of_recipes).cloned().collect();
    Ok(Problems::check(problems)?)
}

/// `3 projects, 1 directory, 1 project file, 2 warnings`.
fn summary(config: &Config, warnings: usize) -> String {
    let count = |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let mut parts = vec![
        count(config.projects.len(), "project", "projects"),
        count(config.directories.len(), "directory", "directories"),
    ];
    if !config.sources.is_empty() {
        parts.push(count(config.sources.len(), "source", "sources"));
    }
    if !config.files.is_empty() {
        parts.push(count(config.files.len(), "project file", "project files"));
    }
    if warnings > 0 {
        parts.push(count(warnings, "warning", "warnings"));
    }
    parts.join(", ")
}

/// A token that is over is refused and does no harm; that somebody still counts on it is worth a line.
fn expired_tokens(config: &Config, now: i64) -> Vec<String> {
    let projects = config.projects.values();
    let of_projects = projects.map(|project| (format!("[project.{}]", project.name), &project.access.tokens));
    let lists = of_projects.chain([("[server]".to_owned(), &config.server.admin_tokens)]);
    let expired = lists.filter(|(_, tokens)| tokens.iter().any(|token| token.expires.is_some_and(|end| end <= now)));
    expired.map(|(place, _)| format!("{place} has a token that has expired")).collect()
}

/// Sources that do not work as they are set up, as far as that can be said without asking anybody.
fn faulty_sources(live: &LiveSources) -> Vec<String> {
    let faulty = live.iter().filter_map(|(name, live)| live.fault.as_ref().map(|fault| (name, fault)));
    faulty.map(|(name, fault)| format!("[source.{name}]: {fault}")).collect()
}

/// Calls for a source that cannot write any wait until it can, which somebody should know.
fn silent_journals(config: &Config, live: &LiveSources) -> Vec<String> {
    let listed = config.projects.values().flat_map(|project| project.journal.iter().map(move |name| (project, name)));
    let writes = |name: &Arc<str>| live.get(name).is_some_and(|live| live.call_log.is_some());
    let silent = listed.filter(|(_, name)| !config.journals.contains_key(*name) && !writes(name));
    let words = "cannot write calls, so they wait; take it out of journal, or set it up to";
    silent.map(|(project, name)| format!("[project.{}]: the source {name} {words}", project.name)).collect()
}

fn write(out: &mut dyn Write, text: &str) -> Result<()> {
    let failed = |error| Error::new(Kind::Unavailable, "cannot write the result").because(error);
    out.write_all(text.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::time::Instant;

    use super::*;

    /// The first of January 2030.
    struct In2030(Instant);

    impl Clock for In2030 {
        fn now(&self) -> Instant {
            self.0
        }

        fn utc_millis(&self) -> i64 {
            1_893_456_000_000
        }
    }

    fn run_on(folder: &Path, command: ConfigCommand) -> (Result<()>, String) {
        let clock = In2030(tokio::time::Instant::now().into_std());
        let environment = |name: &str| (name == "SALES_TOKEN").then(|| "hunter2hunter2hunter2".to_owned());
        let mut out = Vec::new();
        let result = run(command, &folder.join("calldex.toml"), &environment, &clock, &mut out);
        let out = String::from_utf8(out).unwrap().replace(&format!("{}/", folder.display()), "");
        (result, out)
    }

    fn write_files(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("projects")).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let path = folder.path().to_path_buf();
        (folder, path)
    }

    const MAIN: &str = "\
[directory.customers]
country = \"RO\"
[project.sales]
country = \"RO\"
tokens = [\"${SALES_TOKEN}\"]
sources = [\"customers\"]
";

    #[test]
    fn a_good_configuration_is_ok_and_is_counted() {
        let (_folder, path) = write_files(&[("calldex.toml", MAIN)]);
        let (result, out) = run_on(&path, ConfigCommand::Check { explain: false });
        assert!(result.is_ok());
        assert_eq!(out, "calldex.toml: ok, 1 project, 1 directory\n");
    }

    #[test]
    fn a_check_warns_of_tokens_that_have_expired_and_of_short_ones() {
        let acme = "[project.acme]\ncountry = \"RO\"\nsources = [\"a\"]\n\
                    tokens = [{ token = \"short\", expires = \"2029-12-31T00:00:00Z\" }]\n[directory.a]\n";
        let (_folder, path) = write_files(&[("calldex.toml", MAIN), ("projects/acme.toml", acme)]);
        let (result, out) = run_on(&path, ConfigCommand::Check { explain: false });
        assert!(result.is_ok());
        assert_eq!(
            out,
            "warning: projects/acme.toml:4:21: a token of [project.acme] has 5 characters and may be guessed; expected \
             16 or more, such as `calldex token new` makes\n\
             warning: [project.acme] has a token that has expired\n\
             calldex.toml: ok, 2 projects, 2 directories, 1 project file, 2 warnings\n"
        );
    }

    #[test]
    fn a_check_names_a_source_that_is_to_write_calls_and_cannot() {
        let acme = "[source.web]\ntype = \"generic\"\nurl = \"https://crm.example.com/x\"\n[project.acme]\n\
                    country = \"RO\"\ntokens = [\"0123456789abcdef\"]\nsources = [\"web\"]\njournal = [\"web\"]\n";
        let (_folder, path) = write_files(&[("calldex.toml", MAIN), ("projects/acme.toml", acme)]);
        let (result, out) = run_on(&path, ConfigCommand::Check { explain: false });
        assert!(result.is_ok());
        assert!(
            out.contains("warning: [project.acme]: the source acme/web cannot write calls, so they wait;"),
            "{out}"
        );
    }

    #[test]
    fn a_check_fails_when_only_a_project_file_has_a_problem() {
        let (_folder, path) = write_files(&[("calldex.toml", MAIN), ("projects/acme.toml", "[project.acme]\n")]);
        let (result, _) = run_on(&path, ConfigCommand::Check { explain: false });
        let error = result.unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(
            error.to_string().contains("projects/acme.toml:1:10: [project.acme] is protected by nothing"),
            "{error}"
        );
    }

    #[test]
    fn what_is_printed_holds_defaults_and_no_secret_and_is_toml() {
        let (_folder, path) = write_files(&[("calldex.toml", MAIN)]);
        let (result, out) = run_on(&path, ConfigCommand::Print);
        assert!(result.is_ok());
        assert!(out.contains("[server]\nlisten = \"127.0.0.1:8080\"\n"), "{out}");
        assert!(out.contains("tokens = [\"***\"]\n"), "{out}");
        assert!(out.contains("deadline = \"800ms\"\n"), "{out}");
        assert!(!out.contains("hunter2"), "{out}");
        toml::from_str::<toml::Table>(&out).unwrap();
    }

    #[test]
    fn the_parameters_of_sources_are_shown_as_they_were_read_without_secrets() {
        let source = "[source.crm]\ntype = \"soap\"\nurl = \"https://crm.example.com/?wsdl\"\n\
                      params = \"func_name=getCallerInfo&init_params[login]=asdf&init_params[password]=a%26b&func_params[x]=true&func_params[method]=hush\"\n\
                      [source.page]\ntype = \"ticketsys\"\nurl = \"https://crm.example.com/\"\nparams = \"-\"\n";
        let (_folder, path) = write_files(&[("calldex.toml", &format!("{MAIN}{source}"))]);
        let (result, out) = run_on(&path, ConfigCommand::Check { explain: true });
        assert!(result.is_ok(), "{result:?}");
        let expected = "source crm (type soap)\n  func_name = \"getCallerInfo\"\n  init_params\n    login = … (4 characters)\n    \
                        password = … (3 characters)\n  func_params\n    x = \"true\"\n    method = … (4 characters)\nsource page (type ticketsys)\n  no parameters\n";
        assert!(out.contains(expected), "{out}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let (_folder, path) = write_files(&[]);
        let (result, _) = run_on(&path, ConfigCommand::Check { explain: false });
        let message = result.unwrap_err().to_string();
        assert!(message.contains("calldex.toml: cannot read the file: No such file"), "{message}");
    }
}
