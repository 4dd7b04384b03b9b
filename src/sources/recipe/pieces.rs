//! Takes a template apart without running it: its plain text, its expressions, its statements.
//!
//! Needed to see what a template engine does not tell: whether a template is one lone expression, which quotes stand around
//! one, and whether something in it could run away. Only `if` is allowed as a statement; without loops, assignments and
//! multiplication a template cannot make much out of little.

use crate::config::LONGEST_SCRIPT;

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text that stands as it is.
    Text(&'a str),
    /// What stands in `{{ }}`.
    Expression(&'a str),
    /// What stands in `{% %}`.
    Statement(&'a str),
}

/// Statements that a template may have.
const STATEMENTS: [&str; 4] = ["if", "elif", "else", "endif"];

/// Most statements of one template. The engine parses one inside of the other, `elif` too, some 400 bytes of stack each.
const MOST_STATEMENTS: usize = 200;

/// Takes a template apart. What is not closed is text; the template engine complains about it.
pub(super) fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(start) = ["{{", "{%", "{#"].iter().filter_map(|open| rest.find(open)).min() {
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        let (open, inside) = rest[start..].split_at(2);
        let Some(length) = length(inside, open) else {
            rest = &rest[start..];
            break;
        };
        let content = inside[..length].trim_matches('-').trim();
        match open {
            "{{" => pieces.push(Piece::Expression(content)),
            "{%" => pieces.push(Piece::Statement(content)),
            _ => {}
        }
        rest = &inside[length + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// How long what stands behind `open` is until it is closed; what closes it in quotes does not count.
fn length(inside: &str, open: &str) -> Option<usize> {
    let close = match open {
        "{{" => "}}",
        "{%" => "%}",
        _ => return inside.find("#}"),
    };
    let mut quotes = Quotes::default();
    let mut letters = inside.char_indices();
    letters
        .find(|(place, letter)| quotes.is_outside(*letter) && inside[*place..].starts_with(close))
        .map(|(place, _)| place)
}

/// Follows an expression letter by letter, and knows whether it is inside of quotes.
#[derive(Default)]
struct Quotes {
    open: Option<char>,
    escaped: bool,
}

impl Quotes {
    /// Whether the next letter stands outside of quotes.
    fn is_outside(&mut self, letter: char) -> bool {
        match (self.open, letter) {
            _ if self.escaped => self.escaped = false,
            (Some(_), '\\') => self.escaped = true,
            (Some(open), letter) if open == letter => self.open = None,
            (None, '"' | '\'') => self.open = Some(letter),
            (None, _) => return true,
            (Some(_), _) => {}
        }
        false
    }
}

/// The expression, when a template is one lone expression.
pub(super) fn lone_expression(template: &str) -> Option<&str> {
    match pieces(template.trim()).as_slice() {
        [Piece::Expression(expression)] => Some(expression),
        _ => None,
    }
}

/// Whether the plain text of a template has quotes, so that its values may stand inside of them.
pub(super) fn has_quotes(template: &str) -> bool {
    pieces(template).iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains(['"', '\''])))
}

/// Says what in a template could run away.
pub(super) fn explain_forbidden(template: &str) -> Option<String> {
    let pieces = pieces(template);
    if pieces.iter().filter(|piece| matches!(piece, Piece::Statement(_))).count() > MOST_STATEMENTS {
        return Some(format!("the template has more than {MOST_STATEMENTS} statements"));
    }
    pieces.into_iter().find_map(|piece| match piece {
        // Not closed, but read all the same before the engine finds that out.
        Piece::Text(text) => {
            (text.len() > LONGEST_SCRIPT && (text.contains("{{") || text.contains("{%"))).then(too_long)
        }
        Piece::Expression(expression) => explain_operator(expression),
        Piece::Statement(statement) => {
            let word = statement.split_whitespace().next().unwrap_or_default();
            match STATEMENTS.contains(&word) {
                true => explain_operator(statement),
                false => {
                    Some(format!("{{% {word} %}} is not allowed; a recipe's template has only if, elif, else, endif"))
                }
            }
        }
    })
}

fn too_long() -> String {
    format!("an expression is longer than {LONGEST_SCRIPT} bytes")
}

/// Says that an expression multiplies, which also makes long texts of short ones, or joins, which makes words of nulls and
/// tables, or may be too deep for the stack.
pub(super) fn explain_operator(expression: &str) -> Option<String> {
    if expression.len() > LONGEST_SCRIPT {
        return Some(too_long());
    }
    let mut quotes = Quotes::default();
    let found = expression.chars().find(|letter| quotes.is_outside(*letter) && matches!(letter, '*' | '~'))?;
    let instead = if found == '*' { "`| times(1000)` for numbers" } else { "`{{ a }}{{ b }}`" };
    Some(format!("{found} is not allowed in a template; write {instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_taken_apart_also_when_quotes_hold_braces() {
        let template = "a{{ x }}b{% if y == '%}' %}c{% endif %}{# no #}{{ \"}}\" ~ z }}";
        let expected = [
            Piece::Text("a"),
            Piece::Expression("x"),
            Piece::Text("b"),
            Piece::Statement("if y == '%}'"),
            Piece::Text("c"),
            Piece::Statement("endif"),
            Piece::Expression("\"}}\" ~ z"),
        ];
        assert_eq!(pieces(template), expected);
        assert_eq!(lone_expression(" {{- contact.id -}} "), Some("contact.id"));
        assert_eq!(lone_expression("{{ a }}{{ b }}"), None);
    }

    #[test]
    fn an_expression_that_could_use_up_the_stack_is_named() {
        let deep = format!("{}1", "-".repeat(LONGEST_SCRIPT));
        for template in
            [format!("a {{{{ {deep} }}}}"), format!("{{% if {deep} %}}{{% endif %}}"), format!("{{{{ {deep}")]
        {
            assert_eq!(explain_forbidden(&template).as_deref(), Some("an expression is longer than 4000 bytes"));
        }
        assert_eq!(explain_forbidden(&format!("{} {{{{ x }}}}", "a".repeat(10_000))), None);
    }

    #[test]
    fn statements_that_could_use_up_the_stack_are_refused() {
        for more in ["{%elif 0%}", "{%if 1%}", "{%- else -%}{%if 1%}"] {
            let template = format!("{{%if 1%}}{}{{%endif%}}", more.repeat(5_000));
            assert_eq!(explain_forbidden(&template).as_deref(), Some("the template has more than 200 statements"));
        }
        let usual = "{% if x %}1{% elif y %}2{% endif %}".repeat(60);
        assert_eq!(explain_forbidden(&usual), None);
    }

    #[test]
    fn what_could_run_away_is_named() {
        for template in [
            "{% for x in y %}{% endfor %}",
            "{%- set x = 1 %}",
            "{% macro a() %}{% endmacro %}",
            "{{ \"x\" * 100000000 }}",
            "{{ '\\'' ~ ('x' * 9) }}",
            "{% if 'x' * 9 %}{% endif %}",
            "{{ contact ~ '' }}",
            "{{ '~' ~ contact.none }}",
        ] {
            assert!(explain_forbidden(template).is_some(), "{template}");
        }
        for template in
            ["phone:*{{ number }}", "{% if a %}{{ '*~' }}{% else %}{% endif %}", "{{ call.duration | times(1000) }}"]
        {
            assert_eq!(explain_forbidden(template), None, "{template}");
        }
    }

    #[test]
    fn quotes_around_a_value_are_seen() {
        assert!(has_quotes("contains(phone,'{{ number }}')"));
        assert!(!has_quotes("{{ contact.name or 'nobody' }}"));
    }
}
