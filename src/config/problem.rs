//! What is wrong with a configuration, and where: several problems are reported together.
//!
//! One line each, in the form that editors and terminals turn into a link: `calldex.toml:12:3: unknown key ...`.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Kind};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file as the user named it, or as it lies beside the main file.
    pub file: Arc<str>,
    /// Line, from 1; 0 when the problem is the file itself.
    pub line: usize,
    /// Column in characters, from 1; 0 when the problem is the file itself.
    pub column: usize,
    /// What was found, what was expected, the nearest right thing.
    pub message: String,
}

impl Problem {
    /// A problem with a file as a whole.
    pub(crate) fn with_file(file: &Arc<str>, message: impl Into<String>) -> Self {
        Self { file: Arc::clone(file), line: 0, column: 0, message: message.into() }
    }

    /// A problem at a line and column.
    pub(crate) fn at(file: &Arc<str>, (line, column): (usize, usize), message: impl Into<String>) -> Self {
        Self { file: Arc::clone(file), line, column, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.file, self.message),
            line => write!(out, "{}:{line}:{}: {}", self.file, self.column, self.message),
        }
    }
}

/// A text by its lines: a file of thousands of projects may hold as many problems, and each needs its place.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let behind_newlines = text.match_indices('\n').map(|(newline, _)| newline + 1);
        Self { text, starts: [0].into_iter().chain(behind_newlines).collect() }
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub(crate) fn place(&self, byte: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = self.starts[line - 1];
        let before = self.text.get(start..byte).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

/// Everything that is wrong, in the order of files and lines; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    /// Sorts what was found by place; `Ok` when there is nothing.
    pub(crate) fn check(mut found: Vec<Problem>) -> Result<(), Self> {
        found.sort();
        found.dedup();
        if found.is_empty() { Ok(()) } else { Err(Self(found)) }
    }

    /// What was found; at least one.
    pub(crate) fn of(mut found: Vec<Problem>) -> Self {
        found.sort();
        found.dedup();
        Self(found)
    }

    /// Every problem.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            write!(out, "{line_end}{problem}")?;
        }
        Ok(())
    }
}

impl StdError for Problems {}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        let count = problems.count();
        let noun = if count == 1 { "problem" } else { "problems" };
        Self::new(Kind::Invalid, format!("the configuration has {count} {noun}:\n{problems}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        let file: Arc<str> = "calldex.toml".into();
        let text = "a = 1\nș = \"ț\" x";
        let lines = Lines::new(text);
        assert_eq!((lines.place(0), lines.place(5), lines.place(6)), ((1, 1), (1, 6), (2, 1)));
        let place = lines.place(text.find('x').unwrap());
        assert_eq!(Problem::at(&file, place, "here").to_string(), "calldex.toml:2:9: here");
        assert_eq!(Problem::with_file(&file, "gone").to_string(), "calldex.toml: gone");
    }

    #[test]
    fn problems_come_in_the_order_of_the_file_and_once() {
        let file: Arc<str> = "c".into();
        let found = vec![Problem::at(&file, (2, 1), "late"), Problem::at(&file, (1, 1), "early")];
        let problems = Problems::check([found.clone(), found].concat()).unwrap_err();
        assert_eq!(problems.to_string(), "c:1:1: early\nc:2:1: late");
        let error = Error::from(problems);
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.to_string().starts_with("the configuration has 2 problems:\n"), "{error}");
    }
}
