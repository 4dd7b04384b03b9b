//! `calldex recipe call SOURCE OPERATION`: has a source of the configuration do in its CRM what the journal and the pop-up
//! have it do, so that an administrator sees a recipe work before he relies on it.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;

use crate::clock::SystemClock;
use crate::config::{self, Config};
use crate::error::{Error, Kind, Result};
use crate::model::{Contact, Field};
use crate::sources::recipe::{CallFields, NewContact, RecipeSource};
use crate::sources::secrets::hidden_of;
use crate::sources::watch::Hidden;
use crate::sources::{contact_maker_for, workbench_for};

use super::super::contact::printable;
use super::super::workshop::{block_on, load, no_such};
use super::print;

/// Which source, and what it does.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The name of a source in the configuration whose type is a recipe; for `create` also `salesforce`
    source: String,
    /// What it does
    operation: Operation,
    /// `log_call`, `create`: a file with a JSON object, `-` for standard input. Of a finished call: `number direction outcome
    /// started duration dnid agent contact key ...`; of a new contact: `number name company email`
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
        match arguments.operation {
            Operation::Create => create(arguments, &config, settings).await,
            Operation::LogCall => {
                let (call, source) = (read_object(arguments)?, recipe_source(&config, settings, &mut hidden)?);
                Ok(said(source.log_fields(call).await?, "nothing to write down, or no id in the answer"))
            }
            Operation::Search => {
                let text = arguments.text.as_deref().ok_or_else(|| missing("--text TEXT"))?;
                let found = recipe_source(&config, settings, &mut hidden)?.search(text).await?;
                Ok(found.iter().map(line).collect())
            }
        }
    })?;
    // A system may repeat what it was sent, also in the place of an id.
    let done = done.map_err(|error: Error| error.reworded(|text| hidden.hide(text)))?;
    print(out, &hidden.hide(&done))
}

fn recipe_source(config: &Config, settings: &config::Source, hidden: &mut Hidden) -> Result<RecipeSource> {
    let (recipe, workbench) = workbench_for(config, settings, Arc::new(SystemClock))?;
    let source = RecipeSource::new(&recipe, settings, workbench)?;
    source.secrets().iter().for_each(|secret| hidden.add(secret));
    Ok(source)
}

/// Makes a contact; Salesforce can do that too, which is no recipe.
async fn create(arguments: &Arguments, config: &Config, settings: &config::Source) -> Result<String> {
    let fields = read_object(arguments)?.into_iter();
    let fields = fields.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect();
    let maker = contact_maker_for(config, settings, Arc::new(SystemClock))?;
    Ok(said(maker.make_contact(NewContact { fields }).await?, "made, without an id in the answer"))
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
