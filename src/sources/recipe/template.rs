//! Templates: whatever a recipe sends or shows. Values are escaped by the position that they go to, never by the author.
//!
//! A template sees what is handed to it and nothing else: no files, no other templates. Its steps are counted (fuel), it
//! cannot loop, and what it makes is bounded. A value that does not exist is an error, never the word `None`.

use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, ErrorKind, Output, State, UndefinedBehavior};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::filters::add_filters;
use super::pieces;

/// Steps that one template may take; the longest of the shipped ones needs some sixty.
const FUEL: u64 = 5_000;

/// Longest text that a template or a filter may make, in bytes.
pub(super) const LONGEST: usize = 64 * 1024;

/// What a value must not carry into a part of a URL: everything but RFC 3986's unreserved characters is encoded.
const URL_PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where a template goes, which decides how its values are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// A path, or a link for people: values are percent-encoded.
    Url,
    /// A host or a whole address: values are host names or start an address, and are checked once it is whole.
    Address,
    /// A text that is encoded as a whole afterwards: a query, a form, JSON.
    Text,
    /// The same, with quotes of a query language around values: quotes and backslashes in values are left out.
    Quoted,
    /// A header: no control characters.
    Header,
    /// XML.
    Xml,
}

impl Position {
    const ALL: [(&'static str, Self); 6] = [
        ("url", Self::Url),
        ("address", Self::Address),
        ("text", Self::Text),
        ("quoted", Self::Quoted),
        ("header", Self::Header),
        ("xml", Self::Xml),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, position)| *position == self).map_or("text", |(word, _)| word)
    }

    fn of(word: &str) -> Self {
        Self::ALL.iter().find(|(other, _)| *other == word).map_or(Self::Text, |(_, position)| *position)
    }
}

/// A template of a recipe; [`Templates`] renders it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Template {
    name: String,
    /// The expression, when there is nothing else.
    lone: Option<String>,
    /// The names that it uses, such as `param.domain`.
    pub(super) uses: Vec<String>,
}

impl Template {
    /// Whether it names what a login gave.
    pub(super) fn names_session(&self) -> bool {
        self.uses.iter().any(|used| used.starts_with("session."))
    }
}

/// A condition on what a template sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition(Template);

/// All templates of one recipe.
#[derive(Debug)]
pub(super) struct Templates {
    environment: Environment<'static>,
    count: usize,
}

impl Templates {
    /// None yet.
    pub(super) fn new() -> Self {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|name| {
            let position = name.split(':').next().map_or(Position::Text, Position::of);
            AutoEscape::Custom(position.word().into())
        });
        environment.set_formatter(write_value);
        add_filters(&mut environment);
        Self { environment, count: 0 }
    }

    /// Adds a template.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn add(&mut self, source: &str, position: Position) -> Result<Template, String> {
        if source.len() > LONGEST {
            return Err(format!("the template is longer than {LONGEST} bytes"));
        }
        if let Some(why) = pieces::explain_forbidden(source) {
            return Err(why);
        }
        self.count += 1;
        let name = format!("{}:{}", position.word(), self.count);
        self.environment
            .add_template_owned(name.clone(), source.to_owned())
            .map_err(|error| format!("the template cannot be read: {}", explain(&error)))?;
        let template = self.environment.get_template(&name).map_err(|error| error.to_string())?;
        let mut uses: Vec<String> = template.undeclared_variables(true).into_iter().collect();
        uses.sort_unstable();
        Ok(Template { name, lone: pieces::lone_expression(source).map(str::to_owned), uses })
    }

    /// Adds a condition: an expression without braces.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn add_condition(&mut self, source: &str) -> Result<Condition, String> {
        if source.contains("{{") || source.contains("{%") {
            return Err("a condition has no braces; expected one such as `contact.kind == 'Person'`".to_owned());
        }
        if let Some(why) = pieces::explain_operator(source) {
            return Err(why);
        }
        let compiled = self.environment.compile_expression(source).map(|_| ());
        compiled.map_err(|error| format!("the condition cannot be read: {}", explain(&error)))?;
        self.add(&format!("{{% if {source} %}}1{{% endif %}}"), Position::Text).map(Condition)
    }

    /// Makes the text of a template; `None` when a value that it shows does not exist.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub(super) fn render(&self, template: &Template, context: &Value) -> Result<Option<String>, String> {
        let found = self.environment.get_template(&template.name).map_err(|error| error.to_string())?;
        match found.render(context) {
            Ok(text) if text.len() > LONGEST => Err(format!("the template makes more than {LONGEST} bytes")),
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::UndefinedError => Ok(None),
            Err(error) => Err(explain(&error)),
        }
    }

    /// Makes the value of a template for JSON: one lone expression keeps its type; `None` when there is no value.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub(super) fn value(&self, template: &Template, context: &Value) -> Result<Option<serde_json::Value>, String> {
        let Some(lone) = &template.lone else {
            return Ok(self.render(template, context)?.map(serde_json::Value::String));
        };
        let value = self.environment.compile_expression(lone).and_then(|expression| expression.eval(context));
        let value = match value {
            Ok(value) => value,
            Err(error) if error.kind() == ErrorKind::UndefinedError => return Ok(None),
            Err(error) => return Err(explain(&error)),
        };
        match value.kind() {
            ValueKind::Undefined | ValueKind::None => Ok(None),
            ValueKind::Bool | ValueKind::Number | ValueKind::String if value.to_string().len() <= LONGEST => {
                serde_json::to_value(&value).map(Some).map_err(|error| error.to_string())
            }
            kind => Err(format!("the template makes a {kind}; expected a text, a number or a switch")),
        }
    }

    /// Whether a condition holds; one about something that does not exist does not.
    ///
    /// # Errors
    /// Why nobody can say.
    pub(super) fn holds(&self, condition: &Condition, context: &Value) -> Result<bool, String> {
        Ok(self.render(&condition.0, context)?.is_some_and(|text| text == "1"))
    }
}

impl Condition {
    /// The names that it uses.
    pub(super) fn uses(&self) -> &[String] {
        &self.0.uses
    }
}

fn explain(error: &minijinja::Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => "the template takes too long".to_owned(),
        kind => error.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}")),
    }
}

/// Writes a value, escaped for where it goes, and never the word `None`.
fn write_value(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    let text = match value.kind() {
        ValueKind::Undefined | ValueKind::None => {
            return Err(minijinja::Error::new(ErrorKind::UndefinedError, "no value"));
        }
        ValueKind::Bool => value.is_true().to_string(),
        ValueKind::Number | ValueKind::String => value.to_string(),
        kind => {
            let message = format!("a {kind} cannot stand in a text");
            return Err(minijinja::Error::new(ErrorKind::InvalidOperation, message));
        }
    };
    let position = match state.auto_escape() {
        AutoEscape::Custom(word) => Position::of(word),
        _ => Position::Text,
    };
    let escaped = if value.is_safe() { text } else { escape(text, position)? };
    out.write_str(&escaped).map_err(minijinja::Error::from)
}

fn escape(text: String, position: Position) -> Result<String, minijinja::Error> {
    let refuse = |message: &'static str| Err(minijinja::Error::new(ErrorKind::InvalidOperation, message));
    Ok(match position {
        Position::Url if matches!(text.as_str(), "." | "..") => return refuse("dots alone cannot be a part of a path"),
        Position::Url => utf8_percent_encode(&text, URL_PART).to_string(),
        Position::Header if text.contains(char::is_control) => {
            return refuse("a header cannot hold control characters");
        }
        Position::Quoted => text.chars().filter(|letter| !matches!(letter, '"' | '\'' | '\\' | '`')).collect(),
        Position::Xml => escape_xml(&text),
        Position::Text | Position::Header | Position::Address => text,
    })
}

fn escape_xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' => escaped.push(letter),
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests_of_templates {
    use super::*;
    use minijinja::context;

    fn render(source: &str, position: Position) -> Result<Option<String>, String> {
        let mut templates = Templates::new();
        let template = templates.add(source, position)?;
        let context = context! {
            contact => context! { id => 42, name => "A&B \"O'Neil\" <x>\r\nX", none => () },
            base => Value::from_safe_string("https://crm.example.com".to_owned()),
            open => true,
        };
        templates.render(&template, &context)
    }

    fn made(source: &str, position: Position) -> String {
        render(source, position).unwrap().unwrap()
    }

    #[test]
    fn a_value_is_escaped_for_where_it_goes() {
        assert_eq!(made("/a/{{ contact.name }}", Position::Url), "/a/A%26B%20%22O%27Neil%22%20%3Cx%3E%0D%0AX");
        assert_eq!(made("{{ base }}/{{ contact.id }}", Position::Url), "https://crm.example.com/42");
        assert_eq!(made("'{{ contact.name }}'", Position::Quoted), "'A&B ONeil <x>\r\nX'");
        assert_eq!(
            made("<n>{{ contact.name }}</n>", Position::Xml),
            "<n>A&amp;B &quot;O&#39;Neil&quot; &lt;x&gt;\nX</n>"
        );
        assert!(render("{{ contact.name }}", Position::Header).is_err());
        assert!(render("/{{ '..' }}/x", Position::Url).is_err());
    }

    #[test]
    fn what_does_not_exist_is_no_word() {
        for source in ["{{ contact.none }}", "{{ contact.missing }}", "a {{ contact.none }} b", "{{ missing.deep }}"] {
            assert_eq!(render(source, Position::Text), Ok(None), "{source}");
        }
        for filter in ["lower", "upper", "trim", "int", "default('x', true) | lower", "times(2)", "clock", "minutes"] {
            let found = render(&format!("{{{{ contact.none | {filter} }}}}"), Position::Text);
            let text = found.unwrap_or_default().unwrap_or_default().to_lowercase();
            assert!(!text.contains("none") && !text.contains("null") && text != "0", "{filter}: {text}");
            assert!(render(&format!("{{{{ contact | {filter} }}}}"), Position::Text).is_err(), "{filter} of a table");
        }
        assert_eq!(made("{{ contact.none or 'nobody' }} {{ open }}", Position::Text), "nobody true");
        assert_eq!(made("{% if contact.none %}x{% endif %}", Position::Text), "");
    }

    #[test]
    fn a_lone_expression_keeps_its_type() {
        let mut templates = Templates::new();
        let context = context! { contact => context! { id => 42, big => 18_446_744_073_709_551_615_u64, none => () } };
        for (source, expected) in [
            ("{{ contact.id }}", Some(serde_json::json!(42))),
            ("{{ contact.big }}", Some(serde_json::json!(18_446_744_073_709_551_615_u64))),
            ("x{{ contact.id }}", Some(serde_json::json!("x42"))),
            ("{{ contact.id == 42 }}", Some(serde_json::json!(true))),
            ("{{ contact.none }}", None),
        ] {
            let template = templates.add(source, Position::Text).unwrap();
            assert_eq!(templates.value(&template, &context).unwrap(), expected, "{source}");
        }
    }

    #[test]
    fn a_template_that_runs_away_is_stopped() {
        assert!(render("{% for x in contact %}x{% endfor %}", Position::Text).is_err());
        assert!(render("{{ 'x' * 100000000 }}", Position::Text).is_err());
        let long = "{{ contact.name|upper|lower }}".repeat(2_000);
        assert_eq!(render(&long, Position::Text), Err("the template takes too long".to_owned()));
        let growing = "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'".to_owned()
            + &"|replace('a','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')".repeat(6)
            + "|length }}";
        assert!(render(&growing, Position::Text).unwrap_err().contains("too long"));
    }

    #[test]
    fn moments_and_durations_are_written_as_crms_want_them() {
        assert_eq!(made("{{ 1764000000123|date('%Y-%m-%dT%H:%M:%SZ') }}", Position::Text), "2025-11-24T16:00:00Z");
        assert_eq!(made("{{ 61|clock }} {{ 35|times(1000) }}", Position::Text), "00:02 35000");
    }

    #[test]
    fn a_condition_about_nothing_does_not_hold() {
        let mut templates = Templates::new();
        let context = context! { contact => context! { kind => "Person" } };
        for (source, expected) in [
            ("contact.kind == 'Person'", true),
            ("contact.missing", false),
            ("missing.deep == 1", false),
            ("not contact.missing", true),
        ] {
            let condition = templates.add_condition(source).unwrap();
            assert_eq!(templates.holds(&condition, &context), Ok(expected), "{source}");
        }
        assert!(templates.add_condition("{{ x }}").is_err() && templates.add_condition("a ==").is_err());
    }
}
