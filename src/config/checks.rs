//! What lies above the configuration and has a say while a file is read.
//!
//! Which API types there are, and what a type makes of its parameters, is known to the modules above this one. They hand
//! in functions, so that what they complain about is reported with file, line and column like everything else, and a
//! project file with such a mistake keeps its last good copy.

use std::ops::Range;

use super::problem::Problems;
use super::project::Project;
use super::recipe_text::RecipeText;
use super::source::Source;

/// The owners of sections that the configuration does not know itself.
pub struct Checks<'a> {
    /// Looks at a source: its type, its parameters.
    pub source: &'a dyn Fn(&Source) -> Vec<Complaint>,
    /// Reads a file of `recipes/`, and runs the tests in it.
    pub recipe: &'a dyn Fn(&RecipeText) -> Result<(), Problems>,
    /// Looks at the templates and rules of a project, and runs the tests of its rules.
    pub project: &'a dyn Fn(&Project) -> Vec<Complaint>,
}

/// Something that is wrong with a section, or probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The key that it is about; the whole section without one.
    pub key: Option<&'static str>,
    /// Where it stands, when it is about a part of the section; the message then says of which.
    pub place: Option<Range<usize>>,
    /// What was found, what was expected, the nearest right thing.
    pub message: String,
    /// Whether it is allowed all the same.
    pub is_warning: bool,
}

impl Checks<'static> {
    /// Finds nothing, for tests of everything else.
    pub const NONE: Self = Self { source: &|_| Vec::new(), recipe: &|_| Ok(()), project: &|_| Vec::new() };
}

impl Complaint {
    /// A mistake.
    #[must_use]
    pub fn mistake(key: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { key, place: None, message: message.into(), is_warning: false }
    }

    /// A mistake in a part of a section; the message says of which.
    #[must_use]
    pub fn at(place: &Range<usize>, message: impl Into<String>) -> Self {
        Self { key: None, place: Some(place.clone()), message: message.into(), is_warning: false }
    }

    /// The same, but allowed.
    #[must_use]
    pub fn into_warning(self) -> Self {
        Self { is_warning: true, ..self }
    }

    /// What is allowed but probably not meant.
    #[must_use]
    pub fn warning(key: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { key, place: None, message: message.into(), is_warning: true }
    }
}
