//! The language of rules: MiniJinja, for conditions and for templates, with a bounded amount of work for each.
//!
//! A condition takes a value that does not exist for false, since most callers lack most fields. A template that shows
//! one fails, since half a link or half a name is worse than none.

use std::fmt;
use std::sync::OnceLock;

use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Expression, Output, State, UndefinedBehavior};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::LONGEST_SCRIPT;
use crate::model::Field;

/// Work that one condition or template may cost: instructions, and 64 bytes of text each. The longest sensible one needs
/// a few hundred.
const FUEL: u64 = 5_000;

/// What a value must not carry into a part of a URL; everything but RFC 3986's unreserved characters is encoded.
pub(super) const URL_PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The name of a template decides how values are written into it.
const LINK: &str = "link";

/// How a template writes values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lookup) enum Escaping {
    /// Encoded, as parts of a link.
    Link,
    /// As they are.
    None,
}

impl Escaping {
    /// What a field needs.
    pub(super) fn of(field: Field) -> Self {
        if field == Field::BackendLink { Self::Link } else { Self::None }
    }

    /// The name of such a template, by which the engine knows how to write.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Link => LINK,
            Self::None => "text",
        }
    }
}

/// Compiles an expression.
///
/// # Errors
/// What is wrong with it, for the end of a message.
pub(super) fn compile_condition(text: &str) -> Result<Expression<'static, 'static>, String> {
    conditions().compile_expression_owned(text.to_owned()).map_err(|error| explain_syntax(&error))
}

/// The names that a condition looks at, with their attributes.
///
/// # Errors
/// What is wrong with it, for the end of a message.
pub(super) fn names_of_condition(text: &str) -> Result<Vec<String>, String> {
    check_length(text)?;
    Ok(sorted(compile_condition(text)?.undeclared_variables(true).into_iter().collect()))
}

/// Compiles a template; the environment holds it under the name of its escaping.
///
/// # Errors
/// What is wrong with it, for the end of a message.
pub(super) fn compile_template(escaping: Escaping, text: &str) -> Result<Environment<'static>, String> {
    let mut environment = templates().clone();
    let added = environment.add_template_owned(escaping.name(), text.to_owned());
    added.map(|()| environment).map_err(|error| explain_syntax(&error))
}

/// The names that a template looks at, with their attributes.
///
/// # Errors
/// What is wrong with it, for the end of a message.
pub(super) fn names_of_template(escaping: Escaping, text: &str) -> Result<Vec<String>, String> {
    check_length(text)?;
    let environment = compile_template(escaping, text)?;
    let template = environment.get_template(escaping.name()).map_err(|error| explain_syntax(&error))?;
    Ok(sorted(template.undeclared_variables(true).into_iter().collect()))
}

fn check_length(text: &str) -> Result<(), String> {
    if text.len() <= LONGEST_SCRIPT { Ok(()) } else { Err(format!("it is longer than {LONGEST_SCRIPT} bytes")) }
}

/// Whether a text stands for itself: nothing in it is evaluated.
pub(super) fn is_literal(text: &str) -> bool {
    !["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// Whether MiniJinja has a filter of this name.
pub(super) fn is_filter(name: &str) -> bool {
    answers("name is filter", name)
}

/// Whether MiniJinja has a test of this name.
pub(super) fn is_test(name: &str) -> bool {
    answers("name is test", name)
}

fn answers(question: &'static str, name: &str) -> bool {
    let answer = conditions().compile_expression(question).and_then(|asked| asked.eval(minijinja::context! { name }));
    answer.is_ok_and(|answer| answer.is_true())
}

fn conditions() -> &'static Environment<'static> {
    static CONDITIONS: OnceLock<Environment<'static>> = OnceLock::new();
    CONDITIONS.get_or_init(|| {
        let mut environment = bounded();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment
    })
}

/// Holds no templates; every template starts from a copy, which shares the filters.
fn templates() -> &'static Environment<'static> {
    static TEMPLATES: OnceLock<Environment<'static>> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let mut environment = bounded();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_auto_escape_callback(|name| {
            if name == LINK { AutoEscape::Custom("url".into()) } else { AutoEscape::None }
        });
        environment.set_formatter(write_value);
        environment
    })
}

fn bounded() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(100);
    // Where a call goes needs no functions, and what is not there cannot be made to run long.
    for function in ["range", "dict", "namespace", "debug"] {
        environment.remove_global(function);
    }
    environment
}

/// Writes a value into a template's text: encoded in a link, as it is elsewhere, and never the words `None` and `True`.
fn write_value(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_none() || value.is_undefined() {
        return Err(Error::new(ErrorKind::UndefinedError, "no value"));
    }
    if let Ok(switch) = bool::try_from(value.clone())
        && value.kind() == ValueKind::Bool
    {
        return out.write_str(if switch { "true" } else { "false" }).map_err(Error::from);
    }
    match state.auto_escape() {
        AutoEscape::Custom(position) if position == "url" && !value.is_safe() => {
            let text = value.to_string();
            write!(out, "{}", utf8_percent_encode(&text, URL_PART)).map_err(Error::from)
        }
        _ => write!(out, "{value}").map_err(Error::from),
    }
}

fn explain_syntax(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

/// Why evaluating failed, without the place: a text does not stand alone in its program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Something that it shows has no value.
    NoValue,
    /// Anything else, in words.
    Other(String),
}

impl Failure {
    pub(super) fn of(error: &Error) -> Self {
        match (error.kind(), error.detail()) {
            (ErrorKind::UndefinedError, _) => Self::NoValue,
            (ErrorKind::OutOfFuel, _) => Self::Other("it takes too long".to_owned()),
            (kind, Some(detail)) => Self::Other(format!("{kind}: {detail}")),
            (kind, None) => Self::Other(kind.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoValue => out.write_str("something that it shows has no value"),
            Self::Other(why) => out.write_str(why),
        }
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::super::program::Texts;
    use super::*;

    /// Texts whose parts stand within each other, of about so many bytes: a beginning, what is repeated, and an end.
    fn nested(bytes: usize) -> Vec<String> {
        let shapes = [
            ("", "not ", "a"),
            ("", "-", "1"),
            ("contact", ".a", ""),
            ("contact.a", "|int", ""),
            ("1", "+1", ""),
            ("contact", "[0]", ""),
            ("1", "~1", ""),
            ("a", " or a", ""),
            ("", "1 if 1 else ", "1"),
            ("a", " in a", ""),
        ];
        let fill = |(begin, part, end): (&str, &str, &str)| {
            format!("{begin}{}{end}", part.repeat((bytes - begin.len() - end.len()) / part.len()))
        };
        shapes.into_iter().map(fill).collect()
    }

    #[test]
    fn a_script_that_is_too_deep_is_refused_and_none_uses_up_the_stack() {
        let too_long = format!("it is longer than {LONGEST_SCRIPT} bytes");
        for text in nested(200_000) {
            assert_eq!(names_of_condition(&text).unwrap_err(), too_long);
            assert_eq!(names_of_template(Escaping::None, &format!("{{{{ {text} }}}}")).unwrap_err(), too_long);
        }
        // Configurations are read on threads of tokio, which have this much.
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(|| {
            for text in nested(LONGEST_SCRIPT - 6) {
                let template = format!("{{{{ {text} }}}}");
                let _ = (names_of_condition(&text), names_of_template(Escaping::Link, &template));
                let mut texts = Texts::default();
                texts.add_condition("contact.name");
                texts.add_condition(&text);
                texts.add_template(Escaping::None, &template);
                let scene = minijinja::context! { a => 1 };
                let _ = texts.compile().unwrap().ask(&scene).evaluate(1);
            }
        });
        thread.unwrap().join().unwrap();
    }
}
