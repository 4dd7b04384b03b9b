//! The command line: one file for each command, results on standard output, everything else on standard error.
//!
//! Exit code 0: done, also when a report names problems in rows of a file. 1: refused or failed. 2: wrong usage.

mod agent;
mod backup;
mod config;
mod contact;
mod demo;
mod directory;
mod erase;
mod events;
mod healthcheck;
mod import;
mod journal;
mod lookup;
mod number;
mod priority;
mod recipe;
mod restore;
mod serve;
mod snippet;
mod source;
mod token;
mod workshop;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::clock::SystemClock;
use crate::config::process_environment;
use crate::error::Error;

use workshop::Workshop;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "calldex",
    version,
    about = "Answers one question for any phone system: who is calling, and where should the call go?",
    after_help = "Exit codes: 0 done, also when a report names problems in rows of a file; 1 refused or failed; 2 wrong usage."
)]
pub struct Arguments {
    /// The configuration file
    #[arg(long, short, global = true, env = "CALLDEX_CONFIG", default_value = "calldex.toml", value_name = "FILE")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer the calls of the configured projects until told to stop
    Serve,
    /// Run a server with sample contacts, and say what to try
    Demo(demo::Arguments),
    /// Look up one caller as a PBX would, without a server
    Lookup(lookup::Arguments),
    /// Read telephone numbers and print them in canonical form
    Number {
        /// The numbers; `-` or nothing reads lines of `text<TAB>region` from standard input
        #[arg(allow_negative_numbers = true)]
        numbers: Vec<String>,
        /// The country of numbers without a country code, such as RO
        #[arg(long, value_name = "CC")]
        country: Option<String>,
    },
    /// Load contacts from a file into an address book
    Import(import::ImportArgs),
    /// Add, show, remove or find contacts
    #[command(subcommand)]
    Contact(contact::Command),
    /// List, show, check, export or remove address books
    #[command(subcommand)]
    Directory(directory::Command),
    /// Take a person out of every address book for good, with a receipt
    Erase(erase::Arguments),
    /// Show what PBXs have reported
    #[command(subcommand)]
    Events(events::Command),
    /// Look after calls that are to be written down in other systems
    #[command(subcommand)]
    Journal(journal::Command),
    /// Say which agents may watch their page
    #[command(subcommand)]
    Agent(agent::Command),
    /// Copy the store into a new folder, also while a server runs
    Backup(backup::Arguments),
    /// Put a backup in the place of the store, after checking it
    Restore(restore::Arguments),
    /// Check or print the configuration, or its reference
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// List, show, check, test or begin recipes: CRMs as text files
    #[command(subcommand)]
    Recipe(recipe::Command),
    /// Print configuration for a phone system, to copy
    Snippet(snippet::Arguments),
    /// Try a live source
    #[command(subcommand)]
    Source(source::Command),
    /// Make a token, or the hash of one
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Ask the running server whether it is ready
    Healthcheck(healthcheck::Arguments),
}

/// What a command ends with: done, or done and the answer is no.
pub(crate) type Outcome = Result<(), Error>;

/// Parses the command line, runs the command, and turns its end into an exit code.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has seen enough: `calldex … | head` is not a failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // When even standard error is gone, the exit code is all that is left to say.
            let _ = writeln!(std::io::stderr(), "calldex: {}", harmless(&error.to_string()));
            ExitCode::from(1)
        }
    }
}

fn run(arguments: Arguments) -> Outcome {
    let file = &arguments.config;
    match arguments.command {
        Command::Serve => serve::run(file),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Lookup(arguments) => lookup::run(file, &arguments),
        Command::Number { numbers, country } => {
            number::run(&numbers, country.as_deref(), std::io::stdin().lock(), std::io::stdout().lock())
        }
        Command::Import(arguments) => import_into(file, &arguments),
        Command::Contact(command) => contact::run(file, &command),
        Command::Directory(command) => directory::run(file, &command),
        Command::Erase(arguments) => erase::run(file, &arguments),
        Command::Events(command) => events::run(file, &command, &mut std::io::stdout()),
        Command::Journal(command) => journal::run(file, &command, &mut std::io::stdout()),
        Command::Agent(command) => agent::run(file, &command, &mut std::io::stdin().lock(), &mut std::io::stdout()),
        Command::Backup(arguments) => backup::run(file, &arguments, &mut std::io::stdout()),
        Command::Restore(arguments) => restore::run(file, &arguments, &mut std::io::stdout()),
        Command::Config(command) => {
            config::run(command, file, &process_environment, &SystemClock, &mut std::io::stdout().lock())
        }
        Command::Source(command) => source::run(file, &command, &mut std::io::stdout()),
        Command::Recipe(command) => recipe::run(&command, file, &mut std::io::stdout()),
        Command::Snippet(arguments) => {
            let (mut input, mut out) = (std::io::stdin().lock(), std::io::stdout().lock());
            snippet::run(file, &arguments, &mut input, &mut out, &mut std::io::stderr().lock())
        }
        Command::Token(command) => token::run(&command, &mut std::io::stdin().lock(), &mut std::io::stdout().lock()),
        Command::Healthcheck(arguments) => healthcheck::run(file, &arguments),
    }
}

fn import_into(file: &Path, arguments: &import::ImportArgs) -> Outcome {
    // First of all: what is started from here on has the same priority.
    if !arguments.full_speed {
        priority::give_way();
    }
    let workshop = Workshop::open(file)?;
    let book = workshop.book(&arguments.directory)?;
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let terminal = err.is_terminal();
    import::run(arguments, workshop.directory.as_ref(), &book, terminal, &mut out, &mut err)
}

/// What files and other systems say stands in messages, and must not steer the terminal.
fn harmless(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() && letter != '\n' { ' ' } else { letter }).collect()
}

fn is_broken_pipe(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(it) = cause {
        if it.downcast_ref::<std::io::Error>().is_some_and(|it| it.kind() == std::io::ErrorKind::BrokenPipe) {
            return true;
        }
        cause = it.source();
    }
    false
}
