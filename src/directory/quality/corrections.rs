//! A CSV file of contacts with something wrong, to be edited and imported.
//!
//! One line for each number. Every number of the contact is there, also the good ones, because an import replaces the
//! numbers of a contact by those of the file. What is beyond doubt is proposed: several numbers in one text are taken
//! apart, a number that could be read two ways gets the country in which it is read now. The columns with `#` are for
//! people; an import does not read them.

use std::io::Write;

use super::{Finding, Verdict};
use crate::directory::import::own::{COUNTRY, LABEL, REMARK, guard};
use crate::error::{Error, Kind, Result};
use crate::model::{Contact, ContactNumber, Field};
use crate::number::Numbering;
use crate::number::indexed::Reason;
use crate::number::several::split_several;

/// The file while it is written.
pub(super) struct Corrections<'a> {
    writer: csv::Writer<&'a mut dyn Write>,
    lines: u64,
}

/// A number as it is proposed.
struct Proposal {
    telephone: String,
    problem: &'static str,
}

impl<'a> Corrections<'a> {
    pub(super) fn begin(out: &'a mut dyn Write) -> Result<Self> {
        let mut writer = csv::Writer::from_writer(out);
        let names = [
            "id".to_owned(),
            "name".to_owned(),
            "telephone".to_owned(),
            format!("telephone{LABEL}"),
            format!("telephone{COUNTRY}"),
            format!("{REMARK} was"),
            format!("{REMARK} problem"),
        ];
        writer.write_record(names).map_err(unwritable)?;
        Ok(Self { writer, lines: 0 })
    }

    /// Writes the whole contact.
    pub(super) fn add(&mut self, contact: &Contact, numbering: &Numbering) -> Result<()> {
        let nothing = ContactNumber::default();
        if contact.numbers.is_empty() {
            let problem = if contact.blocks.is_empty() { "no number" } else { "" };
            return self.line(contact, &nothing, &Proposal { telephone: String::new(), problem });
        }
        for number in &contact.numbers {
            for proposal in propose(number, numbering) {
                self.line(contact, number, &proposal)?;
            }
        }
        Ok(())
    }

    fn line(&mut self, contact: &Contact, number: &ContactNumber, proposal: &Proposal) -> Result<()> {
        self.lines += 1;
        let nameless = contact.get(Field::Name).or(contact.get(Field::Company)).is_none();
        let mut problems = vec![proposal.problem];
        if nameless {
            problems.push("no name");
        }
        problems.retain(|problem| !problem.is_empty());
        let id = contact.id.to_string();
        let problem = problems.join("; ");
        let was = if proposal.problem.is_empty() { "" } else { &number.written };
        let name = contact.get(Field::Name).unwrap_or_default();
        let cells = [&id, name, &proposal.telephone, &number.label, &number.country, was, &problem];
        self.writer.write_record(cells.map(|cell| guard(cell).into_owned())).map_err(unwritable)
    }

    /// Returns how many lines there are.
    pub(super) fn end(mut self) -> Result<u64> {
        self.writer.flush().map_err(|error| unwritable(error.into()))?;
        Ok(self.lines)
    }
}

fn propose(number: &ContactNumber, numbering: &Numbering) -> Vec<Proposal> {
    let as_written = |problem| vec![Proposal { telephone: number.written.clone(), problem }];
    match Verdict::of(number, numbering) {
        Verdict::Good | Verdict::Extension => as_written(""),
        Verdict::TwoWays { first, .. } => {
            vec![Proposal { telephone: first, problem: "could be read two ways; this is how it is read now" }]
        }
        Verdict::Doubtful => as_written(Finding::Doubtful.explain()),
        Verdict::Never(reason @ Reason::Several) => {
            let part = |text: &str| Proposal { telephone: text.to_owned(), problem: reason.explain() };
            split_several(&number.written).into_iter().map(part).collect()
        }
        Verdict::Never(reason) => as_written(reason.explain()),
    }
}

fn unwritable(error: csv::Error) -> Error {
    Error::new(Kind::Unavailable, "cannot write the file of corrections").because(error)
}
