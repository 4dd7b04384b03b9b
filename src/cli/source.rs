//! `calldex source test NAME --telephone N`: one live lookup, told step by step, and in words what is wrong.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;

use crate::clock::{Clock, SystemClock};
use crate::config::{self, Config};
use crate::directory::Hit;
use crate::error::{Error, Kind, Result};
use crate::model::{Call, Field, RequestId};
use crate::number::{self, Number, Numbering};
use crate::sources::secrets::{hidden_of, secrets_of};
use crate::sources::watch::{Hidden, Note, excerpt, hide, watch};
use crate::sources::{self, LiveSources, Question, Source as _};

use super::Outcome;
use super::workshop;

/// What to do with live sources.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask a live source for one number, and say what happens and what is wrong; exit code 1 when it fails
    Test(Test),
}

/// Arguments of `calldex source test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// The source, by its name in the configuration
    name: String,
    /// The caller's number
    #[arg(long, allow_hyphen_values = true)]
    telephone: String,
    /// The number that was called
    #[arg(long, default_value = "")]
    dnid: String,
    /// The project that asks; without one the first that lists the source
    #[arg(long, short)]
    project: Option<String>,
}

pub(crate) fn run(file: &Path, command: &Command, out: &mut dyn Write) -> Outcome {
    let Command::Test(arguments) = command;
    let config = workshop::load(file)?;
    let source = config
        .sources
        .get(arguments.name.as_str())
        .ok_or_else(|| workshop::no_such("source", &arguments.name, config.sources.keys().map(|name| &**name)))?;
    let question = Arc::new(question(&config, source, arguments)?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let live = sources::build(&config, &LiveSources::none(Arc::clone(&clock)));
    let guard = &live.get(&source.name).ok_or_else(|| Error::new(Kind::Internal, "the source was not made"))?.guard;
    let told = workshop::block_on(async {
        let start = clock.now();
        let asking = async {
            hide(|| secrets_of(source));
            guard.find(Arc::clone(&question)).await
        };
        let (found, notes) = watch(asking).await;
        Told { notes, found, took: clock.now().saturating_duration_since(start) }
    })?;
    out.write_all(told.to_text(source, &question).as_bytes()).map_err(workshop::unwritable)?;
    match told.found {
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

fn question(config: &Config, source: &config::Source, arguments: &Test) -> Result<Question> {
    let lists = |project: &&Arc<config::Project>| project.sources.contains(&source.name);
    let project = match &arguments.project {
        Some(name) => Some(
            config
                .projects
                .get(name.as_str())
                .ok_or_else(|| workshop::no_such("project", name, config.projects.keys().map(|name| &**name)))?,
        ),
        None => config.projects.values().find(lists),
    };
    let numbering = project.map_or_else(|| source.numbering.clone(), |project| project.numbering.clone());
    let number = number::parse(&arguments.telephone, &numbering);
    if !matches!(number, Number::Phone { .. }) {
        let mut message = format!(
            "{} is no telephone number ({}); a live source is never asked for it",
            arguments.telephone,
            number.kind()
        );
        if numbering.country.is_none() {
            message += ". No project asks this source yet, so nobody says the country: write +40…, or give --project";
        }
        return Err(Error::new(Kind::Invalid, message));
    }
    let call = Call {
        project: project.map_or_else(|| "test".into(), |project| Arc::clone(&project.name)),
        telephone: arguments.telephone.clone(),
        dnid: arguments.dnid.clone(),
        direction: None,
        params: std::collections::BTreeMap::new(),
        request_id: RequestId::from_bits(0),
    };
    Ok(Question { call: Arc::new(call), number: Arc::new(number), numbering: Arc::new(numbering) })
}

/// What happened in one lookup.
struct Told {
    notes: Vec<Note>,
    found: Result<Vec<Hit>>,
    took: Duration,
}

impl Told {
    fn to_text(&self, source: &config::Source, question: &Question) -> String {
        let mut lines = vec![format!(
            "{} (type {}), asked as project {} for {}",
            source.name,
            source.api_type,
            question.call.project,
            spelled(&question.number, &question.numbering),
        )];
        let hidden = hidden_of(source);
        lines.extend(self.notes.iter().flat_map(|note| tell(note, &hidden)));
        match &self.found {
            Ok(hits) => {
                lines.extend(hits.iter().map(|hit| describe(hit, &hidden)));
                lines.push(format!("took      {} in all{}", millis(self.took), self.mapping()));
                lines.push(self.conclude(hits, source));
            }
            Err(error) => lines.push(format!("failed    {} ({})", advise(error.kind()), error.kind().as_str())),
        }
        lines.join("\n") + "\n"
    }

    /// How much of the time contacts were made of the answers.
    fn mapping(&self) -> String {
        let times =
            self.notes.iter().filter_map(|note| if let Note::Mapped { took } = note { Some(*took) } else { None });
        times.reduce(|all, took| all + took).map_or_else(String::new, |took| format!(", the mapping {}", millis(took)))
    }

    fn conclude(&self, hits: &[Hit], source: &config::Source) -> String {
        let compared = self.notes.iter().rev().find_map(|note| match note {
            Note::Verified { contacts, kept, .. } => Some((*contacts, *kept)),
            _ => None,
        });
        let nothing = self.notes.iter().any(|note| matches!(note, Note::NothingAt { .. }));
        match compared {
            _ if !hits.is_empty() => "It works: the caller is known.".to_owned(),
            Some((contacts, 0)) if contacts > 0 => format!(
                "{contacts} contacts came back, and none has the caller's number. Look at the numbers above: are they read \
                 with the right country ({})? Does numbers name the right fields?",
                source.numbering.country.as_deref().unwrap_or("that of the project"),
            ),
            _ if nothing => "Nobody was found, and parts of map match nothing in the answer; see above.".to_owned(),
            _ => "It works: the source knows nobody of this number.".to_owned(),
        }
    }
}

fn spelled(number: &Number, numbering: &Numbering) -> String {
    match number {
        Number::Phone { phone, .. } => number::forms(phone, numbering.country.as_deref()).international,
        other => other.kind().to_owned(),
    }
}

fn tell(note: &Note, hidden: &Hidden) -> Vec<String> {
    match note {
        Note::Step { name, told, took } => vec![format!("{name:<9} {told} ({})", millis(*took))],
        Note::Sent(request) => {
            vec![format!("sent      {}", request.replace('\n', "\n          "))]
        }
        Note::Answered { head, excerpt, first, took } => {
            let first = first.map(|first| format!("first byte after {}, all after ", millis(first)));
            let times = first.unwrap_or_default() + &millis(*took);
            let excerpt = if excerpt.is_empty() { "(nothing)".to_owned() } else { excerpt.clone() };
            vec![format!("answer    {head} ({times})"), format!("          {excerpt}")]
        }
        // Said once for all answers, with the time of the whole.
        Note::Mapped { .. } => Vec::new(),
        Note::Again => vec!["again     once more, because such a failure may pass".to_owned()],
        Note::NothingAt { field } => vec![format!("map       {field} matches nothing in the answer")],
        Note::Verified { contacts, kept, strangers } => {
            let mut line = format!("verified  {kept} of {contacts} contacts are the caller");
            if !strangers.is_empty() {
                line += &format!("; other numbers: {}", hidden.hide(&strangers.join(", ")));
            }
            vec![line]
        }
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn describe(hit: &Hit, hidden: &Hidden) -> String {
    let name = hit.contact.get(Field::Name).unwrap_or("(no name)");
    // What a system calls a contact must not steer the terminal.
    excerpt(&hidden.hide(&format!("contact   {} {name} ({})", hit.contact.id, hit.rung.as_str())))
}

fn advise(kind: Kind) -> &'static str {
    match kind {
        Kind::Refused => "Look at user, password or key: the system refuses them, or it does not let this machine in.",
        Kind::Timeout => "The system is too slow, or something on the way drops what is sent.",
        Kind::Unavailable => {
            "The system cannot be reached or answers with failures; this may pass. The lines above say how far it goes."
        }
        Kind::NotFound => {
            "There is nothing at this address: look at url and params. If that is how the system says that it knows nobody, it needs a \
             recipe with [[error]] status = [404], as = \"unknown\"."
        }
        Kind::Corrupt => "The system answers, but not with what is expected: look at type, root_tag, map and numbers.",
        Kind::Busy => "A limit of the source is reached: rate or max_in_flight.",
        Kind::Invalid => "The system does not take the request: look at url, params and query.",
        Kind::Full | Kind::Internal => "This is not the system's fault.",
    }
}
