//! `--map FIELD=COLUMN`: what the user says a column is.
//!
//! A field that does not exist is wrong usage and refused at once; whether the column exists is seen with the file.

use crate::model::Field;

use super::columns::Target;
use super::words::{Folded, Meaning};

/// `--map FIELD=COLUMN`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub(super) target: Target,
    pub(super) column: String,
}

/// Names that `--map` takes beside the fields of a contact.
const OTHER_FIELDS: [&str; 9] =
    ["id", "telephone", "first_name", "last_name", "block", "country", "primary", "custom.NAME", "ignore"];

impl std::str::FromStr for Mapping {
    type Err = String;

    /// Reads `name=Full name`; the message names what is wrong and the nearest field.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (field, column) = text
            .split_once('=')
            .ok_or_else(|| format!("found {text:?}, expected FIELD=COLUMN, such as telephone=\"Phone 2\""))?;
        let column = column.trim().trim_matches('"').to_owned();
        let target = parse_target(field.trim()).ok_or_else(|| unknown_field(field.trim()))?;
        Ok(Self { target, column })
    }
}

/// The field that a name means; any word for a telephone makes a number with that word as its label.
pub(super) fn parse_target(name: &str) -> Option<Target> {
    Some(match name {
        "id" => Target::Id,
        "first_name" => Target::FirstName,
        "last_name" => Target::LastName,
        "telephone" => Target::Telephone { label: String::new() },
        "block" => Target::Block,
        "country" => Target::Country,
        "primary" => Target::Primary,
        "ignore" => Target::Ignored,
        _ => match (Field::parse(name), name.strip_prefix("custom.")) {
            (Some(field), _) => Target::Field(field),
            (None, Some(own)) if !own.is_empty() => Target::Custom(own.to_owned()),
            _ if Folded::new(name).meaning() == Some(Meaning::Telephone) => {
                Target::Telephone { label: name.to_owned() }
            }
            _ => return None,
        },
    })
}

fn unknown_field(name: &str) -> String {
    let names = || OTHER_FIELDS.into_iter().chain(Field::ALL.map(Field::as_str));
    let list: Vec<&str> = names().collect();
    let hint = nearest(name, names()).map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    format!("{name:?} is no field of a contact{hint} (the fields are {})", list.join(", "))
}

/// The name that looks most like what was typed, if any does.
pub(super) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let scored = names.map(|name| (strsim::jaro_winkler(&typed, &name.to_lowercase()), name));
    let best = scored.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 >= 0.75).then_some(best.1)
}
