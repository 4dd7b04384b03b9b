//! Everything that can be wrong with a row, a number or a value, and the words for it.

use crate::model::Field;
use crate::number::indexed::Reason;

use super::reader::Fault;

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The row was not imported.
    Skipped,
    /// A number that no call can ever be matched with; it is stored as written.
    Number,
    /// A value that is stored but that no call will be answered with.
    NotAnswered,
    /// The row was imported, with something worth knowing.
    Remark,
}

impl Group {
    /// Every group, in the order of the report.
    pub const ALL: [Self; 4] = [Self::Skipped, Self::Number, Self::NotAnswered, Self::Remark];

    /// The key in a JSON report.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Skipped => "rows_skipped",
            Self::Number => "numbers_never_matched",
            Self::NotAnswered => "values_not_answered",
            Self::Remark => "remarks",
        }
    }

    /// The heading in a report for people.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::Skipped => "Rows that were skipped",
            Self::Number => "Numbers that can never match a call (stored as written)",
            Self::NotAnswered => {
                "Values that calls are not answered with, unless a project allows them (stored as written)"
            }
            Self::Remark => "Rows that were imported, with a remark",
        }
    }
}

/// What is wrong. The order is the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// More cells than columns, and the further ones are not empty.
    TooManyCells,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// A quote that is not closed.
    Quote,
    /// Lines behind such a quote that have not as many cells as there are columns: they belong to its text.
    BehindQuote,
    /// A cell above 1 MiB.
    LongCell,
    /// A row above 4 MiB.
    LongRow,
    /// An object that is no JSON.
    Json,
    /// Something in a file of JSON that is no object.
    NotObject,
    /// A card that cannot be read.
    CardUnreadable,
    /// No id and no number: it could never be found, nor matched by the next import.
    Nobody,
    /// Nothing in any cell.
    Empty,
    /// A number of no use, and why.
    Number(Reason),
    /// A value of this field that fails the checks of the lookup.
    NotAnswered(Field),
    /// Fewer cells than columns.
    TooFewCells,
    /// A NUL byte, which became a blank.
    Nul,
    /// A country that is not a two-letter code.
    Country,
    /// `primary` that is neither yes nor no.
    Primary,
    /// A block that cannot be read.
    Block,
    /// A card without its last line.
    Card,
    /// A line of a card that is no property.
    CardLine,
    /// A field that the first contacts did not have.
    LateField,
}

impl Problem {
    /// What it is about.
    #[must_use]
    pub fn group(self) -> Group {
        match self {
            Self::TooManyCells
            | Self::NotUtf8
            | Self::Quote
            | Self::BehindQuote
            | Self::LongCell
            | Self::LongRow
            | Self::Json
            | Self::NotObject
            | Self::CardUnreadable
            | Self::Nobody
            | Self::Empty => Group::Skipped,
            Self::Number(_) => Group::Number,
            Self::NotAnswered(_) => Group::NotAnswered,
            Self::TooFewCells
            | Self::Nul
            | Self::Country
            | Self::Primary
            | Self::Block
            | Self::Card
            | Self::CardLine
            | Self::LateField => Group::Remark,
        }
    }

    /// The word in a JSON report.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooManyCells => "too_many_cells",
            Self::NotUtf8 => "not_utf8",
            Self::Quote => "quote_not_closed",
            Self::BehindQuote => "behind_open_quote",
            Self::LongCell => "cell_too_long",
            Self::LongRow => "row_too_long",
            Self::Json => "no_json",
            Self::NotObject => "no_object",
            Self::CardUnreadable => "card_unreadable",
            Self::Nobody => "no_id_and_no_number",
            Self::Empty => "empty",
            Self::Number(why) => why.as_str(),
            Self::NotAnswered(field) => field.as_str(),
            Self::TooFewCells => "too_few_cells",
            Self::Nul => "nul_byte",
            Self::Country => "country",
            Self::Primary => "primary",
            Self::Block => "block",
            Self::Card => "card_without_end",
            Self::CardLine => "no_property",
            Self::LateField => "late_field",
        }
    }

    /// What was found and what was expected.
    #[must_use]
    pub fn explain(self) -> &'static str {
        match self {
            Self::TooManyCells => "more cells than columns",
            Self::NotUtf8 => "bytes that are not UTF-8; save the file as UTF-8, or say --encoding",
            Self::Quote => "a quote is not closed",
            Self::BehindQuote => "lines behind an open quote with another number of cells",
            Self::LongCell => "a cell above 1 MiB",
            Self::LongRow => "a row above 4 MiB",
            Self::Json => "an object that is no JSON",
            Self::NotObject => "something that is no object; expected {...}",
            Self::CardUnreadable => "a card that cannot be read",
            Self::Nobody => "neither an id nor a number",
            Self::Empty => "nothing in any cell",
            Self::Number(why) => why.explain(),
            Self::NotAnswered(field) => field.as_str(),
            Self::TooFewCells => "fewer cells than columns; the missing ones are taken as empty",
            Self::Nul => "a NUL byte, taken as a blank",
            Self::Country => "country: expected a two-letter code; the country of the directory was used",
            Self::Primary => "primary: expected yes or no; taken as no",
            Self::Block => "block: expected a form such as +40 21 312 34xx; it was left out",
            Self::Card => "a card without END:VCARD; what there is of it was read",
            Self::CardLine => "a line that is no property of a card, or above 1 MiB; it was passed over",
            Self::LateField => {
                "a field that the first 1,000 contacts do not have; left out, name it with --map custom.NAME=FIELD"
            }
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Quote => Self::Quote,
            Fault::LongCell => Self::LongCell,
            Fault::LongRow => Self::LongRow,
            Fault::Json => Self::Json,
            Fault::NotObject => Self::NotObject,
            Fault::CardUnreadable => Self::CardUnreadable,
            Fault::Card => Self::Card,
            Fault::CardLine => Self::CardLine,
            Fault::LateField => Self::LateField,
        }
    }
}
