//! `calldex recipe call SOURCE OPERATION`: has a source of the configuration do in its CRM what the journal and the pop-up
//! have it do, so that an administrator sees a recipe work before he relies on it.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;

use crate::clock::{Clock, SystemClock};
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::model::{Contact, Field};
use crate::sources::recipe::{CallFields, NewContact};
use crate::sources::secrets::hidden_of;
use crate::sources::{self, Alone};

use super::super::contact::printable;
use super::super::workshop::{block_on, load, no_such};
use super::event::read_call;
use super::print;

/// Which source, and what it does.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The name of a source in the configuration: of a recipe; `salesforce` for `log_call` and `create`; `soap` and `ticketsys`
    /// for `log_call`
    source: String,
    /// What it does
    operation: Operation,
    /// `log_call`, `create`: a file with a JSON object, `-` for standard input. Of a finished call: the fields that the journal
    /// sends, of which `key number direction outcome started duration` are enough; of a new contact: `number name company email`
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
    /// `search`: what is searched for
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

/// What a recipe does beside finding callers.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Operation {
    /// Write a finished call down
    #[value(name = "log_call")]
    LogCall,
    /// Make a contact
    Create,
    /// Find contacts by a text
    Search,
}

/// Runs the operation and prints the id of what was made, or what was found.
///
/// # Errors
/// What the configuration, the file or the CRM says.
pub(super) fn run(arguments: &Arguments, config: &Path, out: &mut dyn Write) -> Result<()> {
    let config = load(config)?;
    let name = arguments.source.as_str();
    let settings =
        config.sources.get(name).ok_or_else(|| no_such("source", name, config.sources.keys().map(|name| &**name)))?;
    let mut hidden = hidden_of(settings);
    let done = block_on(async {
        let source = sources::alone(&config, settings, Arc::new(SystemClock))?;
        if let Alone::Recipe(recipe) = &source {
            recipe.secrets().iter().for_each(|secret| hidden.add(secret));
        }
        match arguments.operation {
            Operation::Create => create(arguments, source).await,
            Operation::LogCall => log_call(arguments, settings, source).await,
            Operation::Search => search(arguments, source).await,
        }
    })?;
    // A system may repeat what it was sent, also in the place of an id.
    let done = done.map_err(|error: Error| error.reworded(|text| hidden.hide(text)))?;
    print(out, &hidden.hide(&done))
}

async fn create(arguments: &Arguments, source: Alone) -> Result<String> {
    let fields = read_object(arguments)?.into_iter();
    let fields = fields.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect();
    let new = NewContact { fields };
    let made = match source {
        Alone::Recipe(recipe) => recipe.create(&new).await?,
        Alone::Code(built) => {
            built.contact_maker.ok_or_else(|| unable(arguments, "make contacts"))?.make_contact(new).await?
        }
    };
    Ok(said(made, "made, without an id in the answer"))
}

async fn log_call(arguments: &Arguments, settings: &config::Source, source: Alone) -> Result<String> {
    let call = read_object(arguments)?;
    match source {
        Alone::Recipe(recipe) => {
            Ok(said(recipe.log_fields(call).await?, "nothing to write down, or no id in the answer"))
        }
        Alone::Code(built) => {
            let log = built.call_log.ok_or_else(|| unable(arguments, "write calls down"))?;
            log.log_call(Arc::new(read_call(&call, &settings.name, SystemClock.utc_millis())?)).await?;
            Ok("written down\n".to_owned())
        }
    }
}

async fn search(arguments: &Arguments, source: Alone) -> Result<String> {
    let text = arguments.text.as_deref().ok_or_else(|| missing("--text TEXT"))?;
    let Alone::Recipe(recipe) = source else { return Err(unable(arguments, "search by text")) };
    Ok(recipe.search(text).await?.iter().map(line).collect())
}

fn unable(arguments: &Arguments, what: &str) -> Error {
    Error::new(
        Kind::Invalid,
        format!("the source {} cannot {what}; its type is no recipe that could", arguments.source),
    )
}

fn said(id: Option<String>, otherwise: &str) -> String {
    id.map_or_else(|| otherwise.to_owned(), |id| printable(&id)) + "\n"
}

fn line(contact: &Contact) -> String {
    let numbers: Vec<&str> = contact.numbers.iter().map(|number| number.written.as_str()).collect();
    let name = contact.get(Field::Name).unwrap_or_default();
    format!("{}\t{}\t{}\n", printable(&contact.id.to_string()), printable(name), printable(&numbers.join(", ")))
}

fn read_object(arguments: &Arguments) -> Result<CallFields> {
    let file = arguments.event.as_ref().ok_or_else(|| missing("--event FILE"))?;
    let failed =
        |error: std::io::Error| Error::new(Kind::Invalid, format!("cannot read {}", file.display())).because(error);
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).map_err(failed)?;
    } else {
        text = std::fs::read_to_string(file).map_err(failed)?;
    }
    serde_json::from_str(&text)
        .map_err(|error| Error::new(Kind::Invalid, format!("{} is no JSON object: {error}", file.display())))
}

fn missing(what: &str) -> Error {
    Error::new(Kind::Invalid, format!("this operation needs {what}"))
}

#[cfg(test)]
mod tests {
    use crate::model::{ContactId, ContactNumber};

    use super::*;

    #[test]
    fn what_a_crm_calls_a_contact_does_not_steer_the_terminal() {
        let number = ContactNumber { written: "0722\u{9b}2J".into(), ..ContactNumber::default() };
        let mut contact = Contact { id: ContactId::from_text("a\nb"), numbers: vec![number], ..Contact::default() };
        contact.set(Field::Name, "Ana\u{1b}[2J\t");
        assert_eq!(line(&contact), "a b\tAna [2J \t0722 2J\n");
    }
}
