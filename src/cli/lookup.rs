//! `calldex lookup`: what a PBX would be told, without a PBX and without a server.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Format};
use crate::error::Error;
use crate::events::Glance;
use crate::faces::http;
use crate::lookup::Lookup;
use crate::model::{Call, Direction, RequestId};
use crate::sources::{self, LiveSources};

use super::Outcome;
use super::workshop::{self, Workshop};

/// Arguments of `calldex lookup`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The caller's number, as the PBX would send it; empty for a withheld one
    #[arg(allow_hyphen_values = true)]
    telephone: String,
    /// The number that was called
    #[arg(long, default_value = "")]
    dnid: String,
    /// The project that is asked; not needed when there is only one
    #[arg(long, short)]
    project: Option<String>,
    /// `in` or `out`
    #[arg(long, value_parser = parse_direction)]
    direction: Option<Direction>,
    /// What else the PBX sends, for rules: `call.params.NAME`. May be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parse_param)]
    params: Vec<(String, String)>,
    /// Say how the answer came to be
    #[arg(long)]
    explain: bool,
    /// Print the explanation as JSON
    #[arg(long, requires = "explain")]
    json: bool,
}

pub(crate) fn run(file: &Path, arguments: &Arguments) -> Outcome {
    let workshop = Workshop::open(file)?;
    let config = &workshop.config;
    let settings = workshop::project(config, arguments.project.as_deref())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut lookup = Lookup::new(Arc::clone(&workshop.directory), Arc::clone(&clock), &config.cache);
    if let Some(history) = history(config) {
        lookup = lookup.with_history(Arc::new(history));
    }
    let answer = workshop::block_on(async {
        let live = sources::build(config, &LiveSources::none(Arc::clone(&clock)));
        let project = lookup.prepare(config, &live, settings).await?;
        let call = Call {
            project: Arc::clone(&settings.name),
            telephone: arguments.telephone.clone(),
            dnid: arguments.dnid.clone(),
            direction: arguments.direction,
            params: arguments.params.iter().cloned().collect(),
            request_id: RequestId::from_bits(0),
        };
        Ok::<_, Error>(lookup.answer(&project, call, clock.now()).await)
    })??;
    let rendered = http::render(&answer.caller_data, &settings.reply, Format::Json);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{:#}", answer.explanation.to_json()).map_err(workshop::unwritable)
    } else {
        let explanation = if arguments.explain { answer.explanation.to_text() } else { String::new() };
        writeln!(out, "{}", String::from_utf8_lossy(&rendered.body))
            .and_then(|()| out.write_all(explanation.as_bytes()))
            .map_err(workshop::unwritable)
    }
}

/// The earlier calls, as far as there are any. A server answers also when they cannot be read, so this does too.
fn history(config: &Config) -> Option<Glance> {
    let unreadable = |error: &Error| {
        // When standard error is gone, there is nobody to warn.
        let _ = writeln!(std::io::stderr(), "earlier calls cannot be read, rules see none: {error}");
    };
    Glance::open(&config.server.store).inspect_err(unreadable).ok().flatten()
}

fn parse_param(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, such as campaign=spring".to_owned()),
    }
}

fn parse_direction(text: &str) -> Result<Direction, String> {
    Direction::parse(text).ok_or_else(|| "expected \"in\" or \"out\"".to_owned())
}
