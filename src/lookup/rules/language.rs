//! The language of rules: MiniJinja, for conditions and for templates, with a bounded amount of work for each.
//!
//! A condition takes a value that does not exist for false, since most callers lack most fields. A template that shows
//! one fails, since half a link or half a name is worse than none.

use std::sync::OnceLock;

use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Expression, Output, State, UndefinedBehavior};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Work that one condition or template may cost: instructions, and 64 bytes of text each. The longest sensible one needs
/// a few hundred.
const FUEL: u64 = 5_000;

/// What a value must not carry into a part of a URL; everything but RFC 3986's unreserved characters is encoded.
pub(super) const URL_PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The name of a template decides how values are written into it: a link ends with this.
pub(super) const LINK: &str = "backend_link";

/// A compiled condition.
pub(super) struct Condition(Expression<'static, 'static>);

impl Condition {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, for the end of a message.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        conditions().compile_expression_owned(text.to_owned()).map(Self).map_err(|error| explain_syntax(&error))
    }

    /// Evaluates it; what counts is whether the value is true.
    ///
    /// # Errors
    /// What failed, for the explanation.
    pub(super) fn evaluate(&self, scene: &Value) -> Result<Value, String> {
        self.0.eval(scene.clone()).map_err(|error| explain_failure(&error))
    }

    /// The names that it looks at, with their attributes.
    pub(super) fn names(&self) -> Vec<String> {
        sorted(self.0.undeclared_variables(true).into_iter().collect())
    }
}

/// The templates of a project, by name.
#[derive(Default)]
pub(super) struct Templates(Option<Box<Environment<'static>>>);

impl Templates {
    /// Compiles a template.
    ///
    /// # Errors
    /// What is wrong with it, for the end of a message.
    pub(super) fn add(&mut self, name: &str, text: &str) -> Result<(), String> {
        let environment = self.0.get_or_insert_with(|| Box::new(templates().clone()));
        environment.add_template_owned(name.to_owned(), text.to_owned()).map_err(|error| explain_syntax(&error))
    }

    /// Makes a text of a template.
    ///
    /// # Errors
    /// What failed, for the explanation.
    pub(super) fn render(&self, name: &str, scene: &Value) -> Result<String, String> {
        let Some(environment) = &self.0 else { return Err("there is no such template".to_owned()) };
        let template = environment.get_template(name);
        template.and_then(|template| template.render(scene)).map_err(|error| explain_failure(&error))
    }

    /// The names that a template looks at, with their attributes.
    pub(super) fn names(&self, name: &str) -> Vec<String> {
        let template = self.0.as_ref().and_then(|environment| environment.get_template(name).ok());
        template.map_or_else(Vec::new, |template| sorted(template.undeclared_variables(true).into_iter().collect()))
    }
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

/// Holds no templates; every project starts from a copy, which shares the filters.
fn templates() -> &'static Environment<'static> {
    static TEMPLATES: OnceLock<Environment<'static>> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let mut environment = bounded();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_auto_escape_callback(|name| {
            if name.ends_with(LINK) { AutoEscape::Custom("url".into()) } else { AutoEscape::None }
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

fn explain_failure(error: &Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => "it takes too long".to_owned(),
        ErrorKind::UndefinedError => "something that it shows has no value".to_owned(),
        _ => error.to_string(),
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}
