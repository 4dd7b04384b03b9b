//! What calldex's own CSV files have that others have not, so that what was exported comes back as it was.
//!
//! - `custom.NAME` is the field NAME, whatever the word means otherwise.
//! - `telephone_1_label` and `telephone_1_country` speak about the number in `telephone_1`; an empty one says that the
//!   number has none.
//! - A column whose name begins with `#` is for people and is not read.
//! - A cell that a spreadsheet would take for a formula has a `'` before it ([`guard`]), which is taken off again.

use std::borrow::Cow;

use super::columns::{Certainty, Column, Target};

/// How the name of a column begins that is for people only.
pub(in crate::directory) const REMARK: &str = "#";

/// How the name of a column of a custom field begins.
pub(in crate::directory) const CUSTOM: &str = "custom.";

/// How the names of the columns end that speak about a number.
pub(in crate::directory) const LABEL: &str = "_label";
/// The same for its country.
pub(in crate::directory) const COUNTRY: &str = "_country";

/// The target of a column that only an export of calldex has.
pub(super) fn target(header: &str) -> Option<Target> {
    if header.starts_with(REMARK) {
        return Some(Target::Ignored);
    }
    header.strip_prefix(CUSTOM).filter(|name| !name.is_empty()).map(|name| Target::Custom(name.to_owned()))
}

/// Finds the number that a label or a country belongs to by the name of its column.
pub(super) fn pair(columns: &mut [Column], headers: &[String]) {
    for (place, header) in headers.iter().enumerate() {
        for (end, make) in [(LABEL, Target::LabelOf as fn(usize) -> Target), (COUNTRY, Target::CountryOf)] {
            let Some(number) = header.strip_suffix(end) else { continue };
            let is_number = |column: &Column| matches!(column.target, Target::Telephone { .. });
            let found = headers.iter().zip(&*columns).position(|(name, column)| name == number && is_number(column));
            let Some(found) = found else { continue };
            if end == LABEL
                && let Some(column) = columns.get_mut(found)
            {
                column.target = Target::Telephone { label: String::new() };
            }
            if let Some(column) = columns.get_mut(place).filter(|column| column.certainty != Certainty::Given) {
                (column.target, column.certainty) = (make(found), Certainty::Exact);
            }
        }
    }
}

/// Makes a text harmless for spreadsheets, which run what begins with one of these characters.
pub(in crate::directory) fn guard(text: &str) -> Cow<'_, str> {
    if is_formula(text.trim_start_matches('\'')) { format!("'{text}").into() } else { text.into() }
}

/// The text before [`guard`]; a text that was never guarded and has a `'` before a formula loses it.
pub(super) fn unguard(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| is_formula(rest.trim_start_matches('\''))).unwrap_or(text)
}

fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_harmless_and_comes_back_as_it_was() {
        for text in ["=1+1", "+40722111222", "-5", "@cmd", "\tx", "\r=x", "'=x", "''+4", "'Neill", "plain", ""] {
            let guarded = guard(text);
            assert!(!is_formula(&guarded), "{text:?}");
            assert_eq!(unguard(&guarded), text);
        }
        assert_eq!(guard("+40722111222"), "'+40722111222");
        assert_eq!(guard("0722111222"), "0722111222");
    }
}
