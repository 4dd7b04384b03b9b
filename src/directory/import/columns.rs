//! Decides what each column of a file is: said by the user, called as calldex calls it, guessed, or a custom field.
//!
//! A field with one value takes the surest column, the first among equals; what loses becomes a custom field, so that
//! nothing of the file is lost. Numbers are taken from every column that holds some.

use std::collections::BTreeSet;

use crate::directory::Covers;
use crate::error::{Error, Kind, Result};
use crate::model::Field;

use super::mapping::{Mapping, nearest, parse_target};
use super::own;
use super::words::{Folded, Meaning};

/// What a column is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The id of the contact.
    Id,
    /// A field that calldex knows.
    Field(Field),
    /// The first half of a name.
    FirstName,
    /// The second half of a name.
    LastName,
    /// Numbers, and what they are called.
    Telephone {
        /// `mobile`, `Phone 2`.
        label: String,
    },
    /// What the numbers in another column (counted from 0) are called.
    LabelOf(usize),
    /// The extension of the number in another column (counted from 0).
    ExtensionOf(usize),
    /// The country of the number in another column (counted from 0); only in calldex's own exports.
    CountryOf(usize),
    /// A range of numbers, such as `+40 21 312 34xx`.
    Block,
    /// The country in which the numbers of the row are read.
    Country,
    /// Whether the contact speaks for all who share its number.
    Primary,
    /// A field of the user's own, by its name.
    Custom(String),
    /// Left out.
    Ignored,
}

impl Target {
    /// The word for it in `--map` and in reports.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Id => "id".to_owned(),
            Self::Field(field) => field.as_str().to_owned(),
            Self::FirstName => "first_name".to_owned(),
            Self::LastName => "last_name".to_owned(),
            Self::Telephone { .. } => "telephone".to_owned(),
            Self::LabelOf(_) => "label".to_owned(),
            Self::ExtensionOf(_) => "extension".to_owned(),
            Self::CountryOf(_) => "country of number".to_owned(),
            Self::Block => "block".to_owned(),
            Self::Country => "country".to_owned(),
            Self::Primary => "primary".to_owned(),
            Self::Custom(name) => format!("custom.{name}"),
            Self::Ignored => "ignore".to_owned(),
        }
    }

    /// Whether several columns may be this.
    fn takes_many(&self) -> bool {
        matches!(
            self,
            Self::Telephone { .. }
                | Self::Block
                | Self::LabelOf(_)
                | Self::ExtensionOf(_)
                | Self::CountryOf(_)
                | Self::Custom(_)
                | Self::Ignored
        )
    }
}

/// How sure it is what a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// Nothing known: a custom field.
    Unknown,
    /// Guessed from the words of the header.
    Guessed,
    /// The header is calldex's own name of the field.
    Exact,
    /// The user said so with `--map`.
    Given,
}

impl Certainty {
    /// The word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Guessed => "guessed",
            Self::Exact => "exact",
            Self::Given => "given",
        }
    }
}

/// One column of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name in the file, or `column 3`.
    pub name: String,
    /// What it is for.
    pub target: Target,
    /// How sure that is.
    pub certainty: Certainty,
}

/// The columns of a file without a line of names.
pub(crate) fn unnamed(count: usize) -> Vec<String> {
    (1..=count).map(|place| format!("column {place}")).collect()
}

/// Decides for every column.
///
/// # Errors
/// A `--map` that names no column; no column with numbers, unless `without_numbers` says that there is none, and then
/// no column with ids.
pub(crate) fn decide(headers: &[String], maps: &[Mapping], without_numbers: bool) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = headers.iter().enumerate().map(|(place, header)| guess(place, header)).collect();
    prefer_family_names(&mut columns, headers);
    for map in maps {
        let place = find_column(headers, &map.column)?;
        if let Some(column) = columns.get_mut(place) {
            column.target = match &map.target {
                Target::Telephone { label } if label.is_empty() => Target::Telephone { label: column.name.clone() },
                target => target.clone(),
            };
            column.certainty = Certainty::Given;
        }
    }
    settle_perhaps(&mut columns, headers);
    leave_one_each(&mut columns);
    pair_with_numbers(&mut columns, headers);
    own::pair(&mut columns, headers);
    name_custom_fields_apart(&mut columns);
    refuse_without_numbers(&columns, without_numbers)?;
    Ok(columns)
}

/// For which parts of a contact the columns speak.
pub(crate) fn covers(columns: &[Column]) -> Covers {
    let mut covers = Covers { fields: BTreeSet::new(), custom: BTreeSet::new(), ..Covers::default() };
    for column in columns {
        match &column.target {
            Target::Field(field) => _ = covers.fields.insert(*field),
            Target::FirstName | Target::LastName => _ = covers.fields.insert(Field::Name),
            Target::Custom(name) => _ = covers.custom.insert(name.clone()),
            Target::Telephone { .. } => covers.numbers = true,
            Target::Block => covers.blocks = true,
            Target::Primary => covers.primary = true,
            // What the cell says is kept beside the numbers that are read with it.
            Target::Country => _ = covers.custom.insert(column.name.clone()),
            Target::Id | Target::LabelOf(_) | Target::ExtensionOf(_) | Target::CountryOf(_) | Target::Ignored => {}
        }
    }
    covers
}

fn guess(place: usize, header: &str) -> Column {
    let name = if header.is_empty() { format!("column {}", place + 1) } else { header.to_owned() };
    let own = header.trim().to_lowercase().replace([' ', '-'], "_");
    let guessed = || Folded::new(header).meaning().and_then(|meaning| target_of(meaning, &name));
    let (target, certainty) = match own::target(header).or_else(|| own_target(&own, &name)) {
        Some(target) => (target, Certainty::Exact),
        None => match guessed() {
            Some(target) => (target, Certainty::Guessed),
            None => (Target::Custom(name.clone()), Certainty::Unknown),
        },
    };
    Column { name, target, certainty }
}

/// The target whose own name stands above the column.
fn own_target(own: &str, name: &str) -> Option<Target> {
    let second = own.strip_prefix("telephone_").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    if second || ["telephone", "phone", "mobile", "work"].contains(&own) {
        return Some(Target::Telephone { label: name.to_owned() });
    }
    let numbers = |target: &Target| matches!(target, Target::Telephone { .. } | Target::Ignored | Target::Custom(_));
    parse_target(own).filter(|target| !numbers(target))
}

fn target_of(meaning: Meaning, name: &str) -> Option<Target> {
    Some(match meaning {
        Meaning::Id => Target::Id,
        Meaning::Field(field) => Target::Field(field),
        Meaning::FirstName | Meaning::ForeignFirstName => Target::FirstName,
        Meaning::LastName => Target::LastName,
        Meaning::Country => Target::Country,
        Meaning::Primary => Target::Primary,
        Meaning::Telephone => Target::Telephone { label: name.to_owned() },
        Meaning::Block => Target::Block,
        Meaning::NumberLabel | Meaning::NumberExtension | Meaning::PerhapsTelephone => return None,
    })
}

/// `Nume` beside `Prenume`, `Nom` beside `Prénom` and `Name` beside `Vorname` are family names; `Nombre` beside
/// `Apellidos` is a first name.
fn prefer_family_names(columns: &mut [Column], headers: &[String]) {
    let meanings: Vec<Option<Meaning>> = headers.iter().map(|header| Folded::new(header).meaning()).collect();
    let has = |meaning: Meaning| meanings.contains(&Some(meaning));
    let first = has(Meaning::FirstName) || has(Meaning::ForeignFirstName);
    for (column, header) in columns.iter_mut().zip(headers) {
        let whole = Folded::new(header).whole();
        if has(Meaning::ForeignFirstName)
            && !has(Meaning::LastName)
            && ["nume", "nom", "name"].contains(&whole.as_str())
        {
            *column = Column { name: column.name.clone(), target: Target::LastName, certainty: Certainty::Guessed };
        }
        if has(Meaning::LastName) && !first && whole == "nombre" {
            *column = Column { name: column.name.clone(), target: Target::FirstName, certainty: Certainty::Guessed };
        }
    }
}

/// The place of a column by its name, by its name in other case and blanks, or by its number from 1.
fn find_column(headers: &[String], wanted: &str) -> Result<usize> {
    let folded = Folded::new(wanted).whole();
    let by_name = headers.iter().position(|header| header == wanted);
    let alike = || headers.iter().position(|header| !folded.is_empty() && Folded::new(header).whole() == folded);
    let by_number = || wanted.parse::<usize>().ok().filter(|number| (1..=headers.len()).contains(number));
    let place = by_name.or_else(alike).or_else(|| by_number().map(|number| number - 1));
    place.ok_or_else(|| {
        let near = nearest(wanted, headers.iter().map(String::as_str));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
        Error::new(Kind::Invalid, format!("--map: the file has no column {wanted:?}{hint} (it has {})", list(headers)))
    })
}

/// A column that is only called "number" holds telephone numbers when no other does.
fn settle_perhaps(columns: &mut [Column], headers: &[String]) {
    if columns.iter().any(|column| matches!(column.target, Target::Telephone { .. })) {
        return;
    }
    for (column, header) in columns.iter_mut().zip(headers) {
        let perhaps = Folded::new(header).meaning() == Some(Meaning::PerhapsTelephone);
        if perhaps && column.certainty == Certainty::Unknown {
            column.target = Target::Telephone { label: column.name.clone() };
            column.certainty = Certainty::Guessed;
        }
    }
}

/// Of several columns for a field with one value the surest stays, the first among equals.
fn leave_one_each(columns: &mut [Column]) {
    for place in 0..columns.len() {
        let Some(column) = columns.get(place) else { return };
        let beats = |other: &Column, before: bool| {
            other.target == column.target
                && (other.certainty > column.certainty || (before && other.certainty == column.certainty))
        };
        let loses = columns.iter().enumerate().any(|(there, other)| there != place && beats(other, there < place));
        if loses && !column.target.takes_many() {
            let name = column.name.clone();
            if let Some(column) = columns.get_mut(place) {
                *column = Column { target: Target::Custom(name.clone()), name, certainty: Certainty::Unknown };
            }
        }
    }
}

/// Finds the number that a label or an extension belongs to: the one with the same subject, for an extension also the
/// column before it. An extension that stands alone is a number itself, an internal one.
fn pair_with_numbers(columns: &mut [Column], headers: &[String]) {
    let folded: Vec<Folded> = headers.iter().map(|header| Folded::new(header)).collect();
    let is_number: Vec<bool> = columns.iter().map(|column| matches!(column.target, Target::Telephone { .. })).collect();
    for (place, column) in columns.iter_mut().enumerate() {
        let Some(header) = folded.get(place).filter(|_| column.certainty == Certainty::Unknown) else { continue };
        let meaning = header.meaning();
        let same_subject = folded
            .iter()
            .zip(&is_number)
            .position(|(other, &is_number)| is_number && other.subject() == header.subject());
        let before = place.checked_sub(1).filter(|&before| is_number.get(before) == Some(&true));
        let target = match (meaning, same_subject) {
            (Some(Meaning::NumberLabel), Some(number)) => Target::LabelOf(number),
            (Some(Meaning::NumberExtension), Some(number)) => Target::ExtensionOf(number),
            (Some(Meaning::NumberExtension), None) => match before {
                Some(number) => Target::ExtensionOf(number),
                None => Target::Telephone { label: column.name.clone() },
            },
            _ => continue,
        };
        column.target = target;
        column.certainty = Certainty::Guessed;
    }
}

/// Two columns of one name become `Notes` and `Notes 2`.
fn name_custom_fields_apart(columns: &mut [Column]) {
    let mut taken = BTreeSet::new();
    for column in columns {
        if let Target::Custom(name) = &mut column.target {
            let first = name.clone();
            let mut count = 1;
            while !taken.insert(name.clone()) {
                count += 1;
                *name = format!("{first} {count}");
            }
        }
    }
}

fn refuse_without_numbers(columns: &[Column], without_numbers: bool) -> Result<()> {
    let has = |wanted: fn(&Target) -> bool| columns.iter().any(|column| wanted(&column.target));
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    if without_numbers && !has(|target| *target == Target::Id) {
        let message = format!("--no-numbers needs a column with ids; the columns are {}", list(&names));
        return Err(Error::new(Kind::Invalid, message));
    }
    if without_numbers || has(|target| matches!(target, Target::Telephone { .. } | Target::Block)) {
        return Ok(());
    }
    let looks_like_a_contact = names.iter().any(|name| name.bytes().filter(u8::is_ascii_digit).count() >= 6);
    let hint = match (names.len() == 1, looks_like_a_contact) {
        (true, _) => "; if line 1 is a title, delete what stands above the names of the columns",
        (false, true) => "; if line 1 is a contact, say --no-header",
        (false, false) => "",
    };
    let message = format!(
        "no column holds telephone numbers; the columns are {}; name one with --map telephone=COLUMN, \
         or say --no-numbers when the file only adds to contacts by their id{hint}",
        list(&names),
    );
    Err(Error::new(Kind::Invalid, message))
}

/// Most names in a message; a file may have a thousand columns, or none that is one.
const LISTED: usize = 40;

fn list(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(LISTED).map(|name| format!("{:?}", shorten(name))).collect();
    let more = names.len().saturating_sub(LISTED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}

/// At most 60 characters of a text, for messages.
pub(crate) fn shorten(text: &str) -> String {
    shorten_to(text, 60)
}

/// At most so many characters of a text; dots stand for the rest.
pub(crate) fn shorten_to(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
#[path = "columns_tests.rs"]
mod tests;
