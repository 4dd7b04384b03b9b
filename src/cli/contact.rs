//! `calldex contact add | show | remove | find`: single contacts of an address book.
//!
//! A change is seen by a running server in its next answer: both look at the same store.

use std::io::Write;
use std::path::Path;

use clap::{Args, Subcommand};

use crate::config;
use crate::directory::{Book, Change, Directory, Prepared};
use crate::error::{Error, Kind, Result};
use crate::model::{self, ContactId, ContactNumber, Field};
use crate::number::indexed::{Indexed, indexed};

use super::Outcome;
use super::workshop::{self, Workshop};

/// Highest place in a queue.
const LAST_PLACE: u8 = 100;

/// How the name of a custom field starts in `--set`.
const CUSTOM: &str = "custom.";

/// What to do with a contact.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add a contact, or add numbers and fields to the one with this id
    Add(Add),
    /// Show a contact with everything that is stored of it
    Show(Show),
    /// Remove a contact
    Remove(Show),
    /// Find contacts by number, id, or a part of a name, company or e-mail address
    Find(Find),
}

/// Options of every command.
#[derive(Debug, Args)]
struct Common {
    /// The address book; may be left out when there is only one
    #[arg(long, value_name = "NAME")]
    directory: Option<String>,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    common: Common,
    /// The id; without it the contact with one of the numbers and this name is meant, or gets a new one
    #[arg(long)]
    id: Option<String>,
    /// What the agent sees
    #[arg(long)]
    name: Option<String>,
    /// A telephone number, extension or SIP user; may be given several times
    #[arg(long = "number", alias = "telephone", value_name = "NUMBER")]
    numbers: Vec<String>,
    /// Country of these numbers, when it is not that of the address book
    #[arg(long, value_name = "CC")]
    country: Option<String>,
    /// A block of numbers, such as "+40 21 312 34xx"; may be given several times
    #[arg(long = "block", value_name = "BLOCK")]
    blocks: Vec<String>,
    /// A field such as company=Acme, or one of your own as custom.NAME=VALUE; nothing behind = removes it
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// This contact speaks for all who share its numbers
    #[arg(long)]
    primary: bool,
    /// Store the contact although this person was erased before
    #[arg(long)]
    again: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    common: Common,
    /// The id of the contact
    id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Find {
    #[command(flatten)]
    common: Common,
    /// A number, an id, or a part of a name, company or e-mail address
    text: String,
    /// Most contacts to print
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    limit: usize,
}

/// Runs the command on the store of the configuration.
pub(crate) fn run(file: &Path, command: &Command) -> Outcome {
    let workshop = Workshop::open(file)?;
    let name = command.directory(workshop.config.directories.keys().map(|name| &**name))?;
    let book = workshop.book(name)?;
    let mut out = std::io::stdout();
    workshop::block_on(command.run(workshop.directory.as_ref(), &book, &mut out))?
}

impl Command {
    /// The address book that was named, or the only one.
    fn directory<'a>(&'a self, known: impl Iterator<Item = &'a str>) -> Result<&'a str> {
        let common = match self {
            Self::Add(add) => &add.common,
            Self::Show(show) | Self::Remove(show) => &show.common,
            Self::Find(find) => &find.common,
        };
        let known: Vec<&str> = known.collect();
        match (&common.directory, &known[..]) {
            (Some(name), _) => Ok(name),
            (None, [only]) => Ok(only),
            (None, []) => Err(Error::new(Kind::Invalid, "the configuration has no directory")),
            (None, _) => {
                let message = format!("which address book? give --directory with one of: {}", known.join(", "));
                Err(Error::new(Kind::Invalid, message))
            }
        }
    }

    async fn run(&self, directory: &dyn Directory, book: &Book, out: &mut dyn Write) -> Result<()> {
        match self {
            Self::Add(add) => run_add(add, directory, book, out).await,
            Self::Show(show) => run_show(show, directory, book, out).await,
            Self::Remove(show) => run_remove(show, directory, book, out).await,
            Self::Find(find) => run_find(find, directory, book, out).await,
        }
    }
}

async fn run_add(add: &Add, directory: &dyn Directory, book: &Book, out: &mut dyn Write) -> Result<()> {
    let id = add.id.as_deref().map(ContactId::from_text).unwrap_or_default();
    let stored = if add.id.is_some() { directory.get(book, &id).await? } else { None };
    let mut contact = stored.unwrap_or_else(|| model::Contact { id, ..model::Contact::default() });
    add.change(&mut contact, book)?;
    Prepared::read(contact.clone(), &book.numbering)?;
    if add.again {
        directory.forget_erased(book, contact.clone()).await?;
    }
    let stored = directory.put(book, contact).await?;
    let (change, text) = match stored.change {
        Change::Added => ("added", "added to"),
        Change::Changed => ("changed", "changed in"),
        Change::Unchanged => ("unchanged", "already so in"),
        Change::Erased => ("erased", "erased before, so not stored in"),
    };
    if add.common.json {
        let id = id_json(&stored.id);
        return print(out, &serde_json::json!({ "directory": &*book.name, "id": id, "change": change }));
    }
    print(out, &format!("contact {} {text} {}", printable(&stored.id.to_string()), book.name))
}

impl Add {
    /// Puts what was given into the contact.
    fn change(&self, contact: &mut model::Contact, book: &Book) -> Result<()> {
        if let Some(name) = &self.name {
            contact.set(Field::Name, name.trim());
        }
        for setting in &self.fields {
            set(contact, setting)?;
        }
        for written in &self.numbers {
            let number = ContactNumber {
                written: written.clone(),
                country: self.country.as_deref().unwrap_or_default().to_ascii_uppercase(),
                label: String::new(),
            };
            if let Indexed::Unread { reason, .. } = read(&number, book) {
                let message = format!("--number {written:?} can never match a call: {}", reason.explain());
                return Err(Error::new(Kind::Invalid, message));
            }
            let known = contact.numbers.iter().any(|other| read(other, book) == read(&number, book));
            if !known {
                contact.numbers.push(number);
            }
        }
        contact
            .blocks
            .extend(self.blocks.iter().filter(|block| !contact.blocks.contains(block)).cloned().collect::<Vec<_>>());
        contact.primary |= self.primary;
        match contact.fields.is_empty() && contact.numbers.is_empty() && contact.blocks.is_empty() {
            true => Err(Error::new(
                Kind::Invalid,
                "a contact needs a name, a number or a field: give --name, --number or --set",
            )),
            false => Ok(()),
        }
    }
}

fn set(contact: &mut model::Contact, setting: &str) -> Result<()> {
    let refuse = |message: String| Err(Error::new(Kind::Invalid, message));
    let Some((name, value)) = setting.split_once('=') else {
        return refuse(format!("--set {setting:?}: expected FIELD=VALUE, such as company=Acme"));
    };
    if let Some(custom) = name.strip_prefix(CUSTOM).filter(|custom| !custom.is_empty()) {
        contact.custom.remove(custom);
        if !value.is_empty() {
            contact.custom.insert(custom.to_owned(), value.to_owned());
        }
        return Ok(());
    }
    let Some(field) = Field::parse(name) else {
        let near = config::nearest(name, Field::ALL.iter().map(|field| field.as_str()));
        let nearest = near.map_or_else(String::new, |near| format!(", did you mean {near:?}?"));
        return refuse(format!(
            "--set {setting:?}: there is no field {name:?}{nearest}; a field of your own is {CUSTOM}{name}=..."
        ));
    };
    let is_place = value.is_empty() || value.parse::<u8>().is_ok_and(|place| place <= LAST_PLACE);
    if field == Field::QueuePosition && !is_place {
        return refuse(format!("--set {setting:?}: a queue_position is a whole number from 0 to {LAST_PLACE}"));
    }
    contact.set(field, value);
    Ok(())
}

async fn run_show(show: &Show, directory: &dyn Directory, book: &Book, out: &mut dyn Write) -> Result<()> {
    let contact = directory.get(book, &ContactId::from_text(&show.id)).await?.ok_or_else(|| nobody(&show.id, book))?;
    if show.common.json {
        return print(out, &to_json(&contact, book));
    }
    print(out, &format!("id: {}", printable(&contact.id.to_string())))?;
    for (field, value) in &contact.fields {
        print(out, &format!("{}: {}", field.as_str(), printable(value)))?;
    }
    for (name, value) in &contact.custom {
        print(out, &format!("{CUSTOM}{}: {}", printable(name), printable(value)))?;
    }
    for number in &contact.numbers {
        print(out, &format!("number: {} ({})", printable(&number.written), meaning(number, book)))?;
    }
    for block in &contact.blocks {
        print(out, &format!("block: {}", printable(block)))?;
    }
    if contact.primary { print(out, &"primary: yes") } else { Ok(()) }
}

async fn run_remove(show: &Show, directory: &dyn Directory, book: &Book, out: &mut dyn Write) -> Result<()> {
    if !directory.remove(book, &ContactId::from_text(&show.id)).await? {
        return Err(nobody(&show.id, book));
    }
    if show.common.json {
        let id = id_json(&ContactId::from_text(&show.id));
        return print(out, &serde_json::json!({ "directory": &*book.name, "id": id, "change": "removed" }));
    }
    print(out, &format!("contact {} removed from {}", printable(&show.id), book.name))
}

async fn run_find(find: &Find, directory: &dyn Directory, book: &Book, out: &mut dyn Write) -> Result<()> {
    let found = directory.search(book, &find.text, find.limit).await?;
    if found.is_empty() && !find.common.json {
        return print(out, &format!("nobody in {} has {:?}", book.name, find.text));
    }
    for contact in &found {
        if find.common.json {
            print(out, &to_json(contact, book))?;
            continue;
        }
        let field = |field| printable(contact.get(field).unwrap_or_default());
        let numbers: Vec<_> = contact.numbers.iter().map(|number| printable(&number.written)).collect();
        let id = printable(&contact.id.to_string());
        print(out, &format!("{id}\t{}\t{}\t{}", field(Field::Name), field(Field::Company), numbers.join(", ")))?;
    }
    Ok(())
}

fn nobody(id: &str, book: &Book) -> Error {
    Error::new(Kind::NotFound, format!("there is no contact {id:?} in {}", book.name))
}

fn read(number: &ContactNumber, book: &Book) -> Indexed {
    indexed(&number.written, &number.country, &number.label, &book.numbering)
}

/// What a number was read as.
fn meaning(number: &ContactNumber, book: &Book) -> String {
    match read(number, book) {
        Indexed::Number { key, extension: Some(extension), .. } => format!("{key} extension {extension}"),
        Indexed::Number { key, .. } => key.to_string(),
        Indexed::Local(text) => format!("local {}", printable(&text)),
        Indexed::Unread { reason, .. } => format!("never matches: {}", reason.explain()),
    }
}

fn to_json(contact: &model::Contact, book: &Book) -> serde_json::Value {
    let number = |number: &ContactNumber| {
        let (e164, extension) = match read(number, book) {
            Indexed::Number { key, extension, .. } => (Some(key.to_string()), extension),
            _ => (None, None),
        };
        let (written, country, label) = (&number.written, &number.country, &number.label);
        serde_json::json!({ "written": written, "country": country, "label": label, "e164": e164, "extension": extension })
    };
    let fields: serde_json::Map<_, _> =
        contact.fields.iter().map(|(field, value)| (field.as_str().to_owned(), value.as_str().into())).collect();
    serde_json::json!({
        "directory": &*book.name,
        "id": id_json(&contact.id),
        "fields": fields,
        "custom": contact.custom,
        "numbers": contact.numbers.iter().map(number).collect::<Vec<_>>(),
        "blocks": contact.blocks,
        "primary": contact.primary,
        "updated": contact.updated,
    })
}

fn id_json(id: &ContactId) -> serde_json::Value {
    match id {
        ContactId::Integer(number) => (*number).into(),
        ContactId::Text(text) => (&**text).into(),
    }
}

/// Text from a file must not steer the terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn print(out: &mut dyn Write, line: &dyn std::fmt::Display) -> Result<()> {
    writeln!(out, "{line}").map_err(workshop::unwritable)
}

#[cfg(test)]
mod tests;
