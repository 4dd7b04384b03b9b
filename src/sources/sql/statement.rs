//! The user's query: finds its named parameters and turns them into those of the database.
//!
//! Pure. Texts in quotes, comments and casts (`::text`) are left alone. A value is only ever handed to the database
//! beside the statement, so whatever a caller sends stays a value.

use crate::config::nearest;
use crate::model::Call;
use crate::number::{Forms, Spelling};

/// Parameters beside the spellings of [`Spelling::ALL`].
const OTHERS: [&str; 5] = ["raw", "dnid", "project", "forms", "suffix"];

/// How many of the last digits `:suffix` has: enough to find few, the verification does the rest.
const SUFFIX: usize = 7;

/// A query with its parameters found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// As written.
    Text(String),
    /// A parameter by its name.
    Parameter(&'static str),
}

/// Where the values of the parameters come from.
pub(super) struct Values<'a> {
    pub(super) forms: &'a Forms,
    /// The spellings of `forms = [...]`; empty for all.
    pub(super) wanted: &'a [Spelling],
    pub(super) call: &'a Call,
}

impl Statement {
    /// Finds the parameters of a query.
    ///
    /// # Errors
    /// A message about a parameter that does not exist, an unfinished text, or more than one statement.
    pub(super) fn read(query: &str) -> Result<Self, String> {
        let query = query.trim().trim_end_matches(';').trim_end();
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = query;
        while let Some(next) = rest.chars().next() {
            let length = match skipped(rest)? {
                Some(length) => length,
                None if next == ':' && rest.starts_with("::") => 2,
                None if next == ';' => return Err("the query holds more than one statement".to_owned()),
                None if next == ':' && is_name_start(rest[1..].chars().next()) => {
                    let name: String =
                        rest[1..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                    pieces.push(Piece::Parameter(known(&name)?));
                    rest = &rest[1 + name.len()..];
                    continue;
                }
                None => next.len_utf8(),
            };
            text.push_str(&rest[..length]);
            rest = &rest[length..];
        }
        pieces.push(Piece::Text(text));
        Ok(Self { pieces })
    }

    pub(super) fn uses(&self, name: &str) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Parameter(used) if *used == name))
    }

    pub(super) fn uses_forms(&self) -> bool {
        self.uses("forms")
    }

    pub(super) fn asks_for_a_number(&self) -> bool {
        let of_project = |name: &str| matches!(name, "dnid" | "project");
        self.pieces.iter().any(|piece| matches!(piece, Piece::Parameter(name) if !of_project(name)))
    }

    /// The query in the language of the database, with the values in order. `mark` writes the parameter of a place,
    /// counted from 0.
    pub(super) fn bind(&self, values: &Values<'_>, mark: impl Fn(usize) -> String) -> (String, Vec<String>) {
        let (mut sql, mut bound) = (String::new(), Vec::new());
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => sql.push_str(text),
                Piece::Parameter(name) => {
                    let marks: Vec<String> = values
                        .of(name)
                        .into_iter()
                        .map(|value| {
                            bound.push(value);
                            mark(bound.len() - 1)
                        })
                        .collect();
                    sql.push_str(&marks.join(", "));
                }
            }
        }
        (sql, bound)
    }
}

impl Values<'_> {
    fn of(&self, name: &str) -> Vec<String> {
        let spelling = Spelling::ALL.iter().find(|(word, _)| *word == name).map(|(_, spelling)| *spelling);
        match (name, spelling) {
            (_, Some(spelling)) => vec![self.spelled(spelling).to_owned()],
            ("raw", _) => vec![self.call.telephone.clone()],
            ("dnid", _) => vec![self.call.dnid.clone()],
            ("project", _) => vec![self.call.project.to_string()],
            ("suffix", _) => vec![self.forms.digits[self.forms.digits.len().saturating_sub(SUFFIX)..].to_owned()],
            _ if self.wanted.is_empty() => self.forms.spellings().into_iter().map(str::to_owned).collect(),
            _ => {
                let mut spelled: Vec<String> = Vec::new();
                for form in self.wanted.iter().map(|spelling| self.spelled(*spelling)) {
                    if !spelled.iter().any(|other| other == form) {
                        spelled.push(form.to_owned());
                    }
                }
                spelled
            }
        }
    }

    /// A foreign number has no national spelling here; it is then looked for as it would be dialled.
    fn spelled(&self, spelling: Spelling) -> &str {
        let foreign = spelling.is_national() && !self.forms.at_home;
        if foreign { &self.forms.double_zero } else { self.forms.spelled(spelling) }
    }
}

fn known(name: &str) -> Result<&'static str, String> {
    let names = || Spelling::WORDS.into_iter().chain(OTHERS);
    names().find(|known| *known == name).ok_or_else(|| match nearest(name, names()) {
        Some(near) => format!("there is no parameter :{name}; did you mean :{near}?"),
        None => {
            let names: Vec<String> = names().map(|name| format!(":{name}")).collect();
            format!("there is no parameter :{name}; there are {}", names.join(" "))
        }
    })
}

fn is_name_start(character: Option<char>) -> bool {
    character.is_some_and(|character| character.is_ascii_alphabetic() || character == '_')
}

/// The length of what begins here and may hold colons without being a parameter: a text, a quoted name, a comment.
fn skipped(rest: &str) -> Result<Option<usize>, String> {
    let until = |skip: usize, end: &str, what: &str| {
        let found = rest[skip..].find(end).map(|place| Some(skip + place + end.len()));
        found.ok_or_else(|| format!("{what} of the query does not end"))
    };
    match rest.as_bytes() {
        [b'\'', ..] => until(1, "'", "a text"),
        [b'"', ..] => until(1, "\"", "a name in quotes"),
        [b'`', ..] => until(1, "`", "a name in backticks"),
        [b'-', b'-', ..] => Ok(Some(rest.find('\n').unwrap_or(rest.len()))),
        [b'/', b'*', ..] => until(2, "*/", "a comment"),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RequestId;
    use crate::number::{Key, Phone, forms};

    fn bound_with(query: &str, digits: u64, wanted: &[Spelling]) -> (String, Vec<String>) {
        let call = Call {
            project: "sales".into(),
            telephone: "0722'; DROP TABLE contacts; --".into(),
            dnid: "031:e164".into(),
            direction: None,
            params: std::collections::BTreeMap::new(),
            request_id: RequestId::from_bits(1),
        };
        let forms = forms(&Phone { key: Key::new(digits).unwrap(), valid: true }, Some("RO"));
        let values = Values { forms: &forms, wanted, call: &call };
        Statement::read(query).unwrap().bind(&values, |place| format!("${}", place + 1))
    }

    fn bound(query: &str) -> (String, Vec<String>) {
        bound_with(query, 40_722_111_222, &[])
    }

    #[test]
    fn the_query_of_the_documentation_is_bound() {
        let (sql, values) = bound("SELECT * FROM contacts WHERE telephone = :national;\n");
        assert_eq!(
            (sql.as_str(), values),
            ("SELECT * FROM contacts WHERE telephone = $1", vec!["0722111222".to_owned()])
        );
    }

    #[test]
    fn a_hostile_value_is_bound_and_never_read() {
        let (sql, values) = bound("SELECT 1 WHERE a = :raw OR b = :dnid");
        assert_eq!(sql, "SELECT 1 WHERE a = $1 OR b = $2");
        assert_eq!(values, ["0722'; DROP TABLE contacts; --", "031:e164"]);
    }

    #[test]
    fn texts_names_comments_and_casts_are_left_alone() {
        for query in [
            "SELECT ':e164', 'it''s :raw' FROM \"a:b\" -- :dnid\nWHERE x::text = '1'",
            "SELECT `a:raw` /* :national */ FROM t WHERE time > '12:30:00'",
            "SELECT x:: text, 'ț:raw'",
        ] {
            assert_eq!(bound(query), (query.to_owned(), vec![]), "{query}");
        }
    }

    #[test]
    fn several_spellings_are_one_list() {
        let (sql, values) = bound("SELECT * FROM t WHERE n IN (:forms)");
        assert_eq!((sql.matches('$').count(), values.len()), (6, 6));
        let wanted = [Spelling::E164, Spelling::National, Spelling::Dialled];
        let (sql, values) = bound_with("SELECT * FROM t WHERE n IN (:forms)", 40_722_111_222, &wanted);
        assert_eq!((sql.as_str(), values.len()), ("SELECT * FROM t WHERE n IN ($1, $2)", 2));
        assert_eq!(bound("SELECT :suffix").1, ["2111222"]);
    }

    #[test]
    fn a_foreign_number_is_not_taken_for_one_at_home() {
        assert_eq!(bound_with("SELECT :national", 493_012_345_678, &[]).1, ["00493012345678"]);
    }

    #[test]
    fn a_mistake_in_the_query_is_named() {
        let refused = |query: &str| Statement::read(query).unwrap_err();
        assert_eq!(refused("SELECT :natonal"), "there is no parameter :natonal; did you mean :national?");
        assert!(refused("SELECT :x").contains("there are :e164"));
        assert!(refused("SELECT 1; DROP TABLE t").contains("more than one statement"));
        assert!(refused("SELECT 'a").contains("does not end"));
    }

    proptest::proptest! {
        #[test]
        fn no_query_makes_it_panic(query in "(:[a-z0-9]{0,9}|'|\"|`|--|/\\*|\\*/|\n|;|:|ț| |x){0,40}") {
            let _ = Statement::read(&query);
        }
    }
}
