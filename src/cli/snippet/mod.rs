//! `calldex snippet`: configuration for a PBX, to copy. Beside this file stands what is printed, with `@WORDS@` for what
//! differs from project to project; the guides of docs/guides/ show it, and the tests make calls with it.

mod target;

use std::io::{BufRead, Write};
use std::path::Path;

use crate::clock::{Clock, SystemClock};
use crate::config::Format;
use crate::error::{Error, Kind, Result};

use super::Outcome;
use super::workshop;
use target::Target;

/// Arguments of `calldex snippet`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The phone system
    #[arg(value_enum)]
    pbx: Pbx,
    /// The project that it will ask; not needed when there is only one
    #[arg(long, short)]
    project: Option<String>,
    /// A token of the project, to print it; `-` reads a line of standard input, which keeps it out of the shell's history
    // A token may begin with a hyphen.
    #[arg(long, allow_hyphen_values = true)]
    token: Option<String>,
}

/// The phone systems that calldex has configuration for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Pbx {
    /// While1 Voice: the settings of a project
    While1,
    /// Asterisk over HTTP: a dial plan with CURL and JSON_DECODE
    Asterisk,
    /// Asterisk over FastAGI: a dial plan of one line
    AsteriskAgi,
    /// FreePBX: a CallerID lookup source
    Freepbx,
    /// FreeSWITCH: mod_cidlookup for the name, or a Lua script for everything
    Freeswitch,
    /// Kamailio: a route with http_client and jansson
    Kamailio,
}

/// Prints the configuration; what has to be done to it by hand is said on standard error.
pub(crate) fn run(
    file: &Path,
    arguments: &Arguments,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
    notes: &mut dyn Write,
) -> Outcome {
    let config = workshop::load(file)?;
    let project = workshop::project(&config, arguments.project.as_deref())?;
    let token = match arguments.token.as_deref() {
        Some("-") => Some(read_line(input)?),
        given => given.map(str::to_owned),
    };
    let target = Target::new(&config.server, project, token, SystemClock.utc_millis())?;
    let printed = print(arguments.pbx, &target)?;
    out.write_all(printed.as_bytes()).map_err(workshop::unwritable)?;
    if let Some(note) = target.note() {
        // When standard error is gone, there is nobody to tell.
        let _ = writeln!(notes, "calldex: {note}");
    }
    Ok(())
}

fn print(pbx: Pbx, target: &Target<'_>) -> Result<String> {
    match pbx {
        Pbx::While1 => print_while1(target),
        Pbx::Asterisk => {
            let url = target.bare_json_url()?;
            Ok(target.fill(include_str!("asterisk.conf"), &[("URL", url), ("LIMIT", target.limit_in_seconds())]))
        }
        Pbx::AsteriskAgi => Ok(target.fill(include_str!("asterisk-agi.conf"), &[("URL", target.agi_url()?)])),
        Pbx::Freepbx => print_freepbx(target),
        Pbx::Freeswitch => print_freeswitch(target),
        Pbx::Kamailio => Ok(target.fill(include_str!("kamailio.cfg"), &[("URL", target.bare_json_url()?)])),
    }
}

fn print_while1(target: &Target<'_>) -> Result<String> {
    let reply = &target.project.reply;
    // The PBX reads JSON or XML; a project that answers in text is asked for JSON in the URL.
    let (format, kind) = match reply.format {
        Format::Json => (None, "json"),
        Format::Xml => (None, "xml"),
        Format::Text => (Some(Format::Json), "json"),
    };
    let tag = reply.root_tag.clone().unwrap_or_default();
    let url = target.while1_url(format)?;
    Ok(target.fill(include_str!("while1.txt"), &[("URL", url), ("TYPE", kind.to_owned()), ("TAG", tag)]))
}

fn print_freepbx(target: &Target<'_>) -> Result<String> {
    let url = target.lookup_url(Format::Text)?;
    let unreadable = || Error::new(Kind::Invalid, format!("cannot take {url} apart for FreePBX"));
    let parsed = url::Url::parse(&url).map_err(|error| unreadable().because(error))?;
    let host = parsed.host_str().ok_or_else(unreadable)?.to_owned();
    let port = parsed.port_or_known_default().ok_or_else(unreadable)?.to_string();
    let path = parsed.path().trim_start_matches('/').to_owned();
    let query = parsed.query().unwrap_or_default().to_owned();
    let scheme = parsed.scheme().to_uppercase();
    let words = [("SCHEME", scheme), ("HOST", host), ("PORT", port), ("PATH", path), ("QUERY", query)];
    Ok(target.fill(include_str!("freepbx.txt"), &words))
}

fn print_freeswitch(target: &Target<'_>) -> Result<String> {
    let lua = target.fill(include_str!("freeswitch.lua"), &[("URL", target.bare_json_url()?)]);
    let text_url = target.lookup_url(Format::Text)?.replace('&', "&amp;");
    Ok(target.fill(include_str!("freeswitch.txt"), &[("TEXT_URL", text_url), ("LUA", lua)]))
}

fn read_line(input: &mut dyn BufRead) -> Result<String> {
    let mut line = String::new();
    let failed = |error| Error::new(Kind::Invalid, "cannot read the token from standard input").because(error);
    input.read_line(&mut line).map_err(failed)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests;
