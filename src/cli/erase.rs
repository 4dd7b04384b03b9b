//! `calldex erase NUMBER | --id ID`: takes a person out of the address books and the history of calls for good, and says
//! what was removed.

mod choice;
mod history;
mod receipt;

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use clap::Args;

use crate::directory::{Book, Erasure, Reach, Selected};
use crate::error::{Error, Kind, Result};
use crate::events::Wiped;
use crate::model::{Contact, ContactId, ContactNumber, Field};
use crate::number::{Numbering, parse};

use super::Outcome;
use super::workshop::{self, Workshop, unwritable};

/// Whom to erase.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The number, in any spelling
    #[arg(required_unless_present = "id", conflicts_with = "id")]
    number: Option<String>,
    /// The id of the contact
    #[arg(long)]
    id: Option<String>,
    /// Only in this address book; without it in every one of the store
    #[arg(long, value_name = "NAME")]
    directory: Option<String>,
    /// Take every contact that has the number, without asking
    #[arg(long)]
    yes: bool,
    /// Erase nobody, but let this number or id come back with the next import
    #[arg(long)]
    forget_block: bool,
    /// Print the receipt as JSON
    #[arg(long)]
    json: bool,
}

/// A contact that may be meant.
struct Candidate {
    book: Book,
    contact: Contact,
}

/// Runs the command; asks on the terminal when several contacts may be meant.
pub(crate) fn run(file: &Path, arguments: &Arguments) -> Outcome {
    let workshop = Workshop::open(file)?;
    let stdin = std::io::stdin();
    let mut asked = (stdin.is_terminal() && std::io::stderr().is_terminal()).then(|| stdin.lock());
    let ask = asked.as_mut().map(|input| input as &mut dyn BufRead);
    erase(&workshop, arguments, ask, &mut std::io::stdout())
}

fn erase(workshop: &Workshop, arguments: &Arguments, ask: Option<&mut dyn BufRead>, out: &mut dyn Write) -> Outcome {
    let books = match &arguments.directory {
        Some(name) => vec![workshop.existing_book(name)?],
        None => workshop.books()?,
    };
    if arguments.forget_block {
        return forget_block(workshop, arguments, &books, out);
    }
    let candidates = candidates(workshop, arguments, &books)?;
    if candidates.is_empty() {
        return erase_stranger(workshop, arguments, out);
    }
    let chosen = match candidates.len() {
        1 => candidates,
        _ if arguments.yes => candidates,
        _ => choice::choose(candidates, ask)?,
    };
    let who: Vec<Selected> =
        chosen.iter().map(|one| Selected { book: one.book.clone(), id: one.contact.id.clone() }).collect();
    let reach = if arguments.directory.is_some() { Reach::TheirBooks } else { Reach::Everywhere };
    let erasure = workshop::block_on(workshop.directory.erase(&who, reach))??;
    let numbers = history::numbers_of_nobody(workshop, arguments.number.as_deref(), &chosen, reach)?;
    let wiped = history::wipe(workshop, &numbers, &chosen)?;
    give_receipt(arguments, &erasure, &wiped, out)
}

/// Somebody who is in no directory may have called all the same: he too stays away once he is erased.
fn erase_stranger(workshop: &Workshop, arguments: &Arguments, out: &mut dyn Write) -> Outcome {
    let reach = if arguments.directory.is_some() { Reach::TheirBooks } else { Reach::Everywhere };
    let numbers = history::numbers_of_nobody(workshop, arguments.number.as_deref(), &[], reach)?;
    let wiped = history::wipe(workshop, &numbers, &[])?;
    if wiped.calls + wiped.choices == 0 {
        return Err(Error::new(Kind::NotFound, format!("nobody has {}; nothing was erased", arguments.whom())));
    }
    let blocks = workshop::block_on(workshop.directory.keep_out(&numbers))??;
    give_receipt(arguments, &Erasure { blocks, log_truncated: true, ..Erasure::default() }, &wiped, out)
}

fn give_receipt(arguments: &Arguments, erasure: &Erasure, wiped: &Wiped, out: &mut dyn Write) -> Outcome {
    let text = if arguments.json { receipt::json(erasure, wiped) } else { receipt::text(erasure, wiped) };
    out.write_all(text.as_bytes()).map_err(unwritable)
}

impl Arguments {
    /// The person, in the words of whoever asked.
    fn whom(&self) -> String {
        match (&self.number, &self.id) {
            (Some(number), _) => format!("the number {number:?}"),
            (None, id) => format!("the id {:?}", id.as_deref().unwrap_or_default()),
        }
    }
}

fn candidates(workshop: &Workshop, arguments: &Arguments, books: &[Book]) -> Result<Vec<Candidate>> {
    let mut found: Vec<Candidate> = Vec::new();
    for book in books {
        let contacts = match (&arguments.number, &arguments.id) {
            (Some(text), _) => holders(workshop, book, text)?,
            (None, Some(id)) => {
                let id = ContactId::from_text(id);
                workshop::block_on(workshop.directory.get(book, &id))??.into_iter().collect()
            }
            (None, None) => Vec::new(),
        };
        found.extend(contacts.into_iter().map(|contact| Candidate { book: book.clone(), contact }));
    }
    Ok(found)
}

/// A book that the configuration does not name any more has no country: its numbers are looked for in all of them.
fn holders(workshop: &Workshop, book: &Book, text: &str) -> Result<Vec<Contact>> {
    let configured = workshop.config.directories.get(&book.name);
    let numberings: Vec<&Numbering> = match configured {
        Some(settings) => vec![&settings.numbering],
        None => workshop.config.directories.values().map(|settings| &settings.numbering).collect(),
    };
    let mut found: Vec<Contact> = Vec::new();
    for numbering in numberings.into_iter().chain([&*book.numbering]) {
        let number = parse(text, numbering);
        for contact in workshop::block_on(workshop.directory.holders(book, &number))?? {
            if !found.iter().any(|known| known.id == contact.id) {
                found.push(contact);
            }
        }
    }
    Ok(found)
}

fn forget_block(workshop: &Workshop, arguments: &Arguments, books: &[Book], out: &mut dyn Write) -> Outcome {
    let mut lifted = 0;
    for book in books {
        let id = arguments.id.as_deref().map(ContactId::from_text).unwrap_or_default();
        let number = |written: &String| ContactNumber { written: written.clone(), ..ContactNumber::default() };
        let numbers = arguments.number.iter().map(number).collect();
        let contact = Contact { id, numbers, ..Contact::default() };
        lifted += workshop::block_on(workshop.directory.forget_erased(book, contact))??;
    }
    if lifted == 0 {
        return Err(Error::new(Kind::NotFound, format!("{} was not erased", arguments.whom())));
    }
    writeln!(out, "{} may be imported or added again", arguments.whom()).map_err(unwritable)
}

/// One line about a contact, harmless for a terminal.
fn line(candidate: &Candidate) -> String {
    let Candidate { book, contact } = candidate;
    let numbers: Vec<&str> = contact.numbers.iter().map(|number| number.written.as_str()).collect();
    let name = contact.get(Field::Name).or(contact.get(Field::Company)).unwrap_or("(no name)");
    let text = format!("{}  {}  {name}  {}", book.name, contact.id, numbers.join(", "));
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests;
