//! Reads an expression word by word, for what MiniJinja finds out only when a call is there: filters and tests that do
//! not exist, and texts that are compared with numbers.

use super::language::{is_filter, is_test};
use crate::config::nearest;

/// A word of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'a> {
    /// A name, with its attributes: `contact.owner`.
    Name(&'a str),
    /// A text in quotes.
    Text,
    /// A number.
    Number,
    /// Anything else, one or two characters.
    Mark(&'a str),
}

/// Filters that people write; the nearest one is suggested.
const FILTERS: [&str; 14] = [
    "default", "first", "float", "int", "join", "last", "length", "lower", "map", "replace", "round", "title", "trim",
    "upper",
];

/// Tests that people write; the nearest one is suggested.
const TESTS: [&str; 8] = ["containing", "defined", "divisibleby", "endingwith", "even", "in", "odd", "startingwith"];

/// The statements that a template may have.
const STATEMENTS: [&str; 4] = ["elif", "else", "endif", "if"];

const ORDER: [&str; 4] = ["<", ">", "<=", ">="];

/// What is wrong with the words of an expression, for the end of a message.
pub(super) fn find_mistake(expression: &str) -> Option<String> {
    let words = split(expression);
    let mistake_at = |place| {
        let mistake = unknown_word(&words, place).or_else(|| text_as_number(&words, place));
        mistake.or_else(|| multiplication(words[place]))
    };
    (0..words.len()).find_map(mistake_at)
}

/// `[1] * 99999999` costs no fuel until it is shown, and then minutes, so there is no multiplication at all.
fn multiplication(word: Word<'_>) -> Option<String> {
    matches!(word, Word::Mark("*" | "**"))
        .then(|| "rules cannot multiply; divide instead, or compare with another number".to_owned())
}

/// What is wrong with the words of a template.
pub(super) fn find_mistake_in_template(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some((code, behind)) = next_code(rest) {
        let mistake = match code {
            Code::Statement(code) => unknown_statement(code).or_else(|| find_mistake(code)),
            Code::Shown(code) => find_mistake(code),
            Code::Comment => None,
        };
        if mistake.is_some() {
            return mistake;
        }
        rest = behind;
    }
    None
}

/// Nothing may give a value a name: `{% set a = [a, a] %}` thirty times costs no fuel until it is looked at, and then hours.
/// What stands between `raw` and `endraw` is no code, which could hide the rest of the template from this look.
fn unknown_statement(code: &str) -> Option<String> {
    let code = code.trim_start_matches(['-', '+']).trim_start();
    let word = &code[..length_of(code, is_letter)];
    let known = STATEMENTS.contains(&word);
    (!known).then(|| format!("a rule has no `{word}`; its templates show values, and choose with if, elif and else"))
}

/// A piece of code of a template.
enum Code<'a> {
    /// `{{ ... }}`
    Shown(&'a str),
    /// `{% ... %}`
    Statement(&'a str),
    /// `{# ... #}`
    Comment,
}

/// The first piece of code of a template, and what stands behind it. Braces within quotes do not end it.
fn next_code<'a>(text: &'a str) -> Option<(Code<'a>, &'a str)> {
    let start = ["{{", "{%", "{#"].iter().filter_map(|mark| text.find(mark)).min()?;
    let inside = &text[start + 2..];
    let (close, code): (_, fn(&'a str) -> Code<'a>) = match text.as_bytes()[start + 1] {
        b'#' => return Some((Code::Comment, inside.find("#}").map_or("", |end| &inside[end + 2..]))),
        b'%' => ("%}", Code::Statement),
        _ => ("}}", Code::Shown),
    };
    let mut place = 0;
    while let Some(first) = inside[place..].chars().next() {
        if inside[place..].starts_with(close) {
            return Some((code(&inside[..place]), &inside[place + 2..]));
        }
        place += if matches!(first, '"' | '\'') { text_length(&inside[place..], first) } else { first.len_utf8() };
    }
    Some((code(inside), ""))
}

fn unknown_word(words: &[Word<'_>], place: usize) -> Option<String> {
    let Word::Name(name) = words[place] else { return None };
    match before(words, place, 1) {
        Some(Word::Mark("|")) if !is_filter(name) => {
            Some(format!("there is no filter `{name}`{}", near(name, &FILTERS)))
        }
        Some(Word::Name("is")) if name == "not" => None,
        Some(Word::Name("not")) if before(words, place, 2) == Some(Word::Name("is")) => unknown_test(name),
        Some(Word::Name("is")) => unknown_test(name),
        _ => None,
    }
}

fn unknown_test(name: &str) -> Option<String> {
    (!is_test(name)).then(|| format!("there is no test `{name}`{}", near(name, &TESTS)))
}

fn near(name: &str, known: &[&str]) -> String {
    nearest(name, known.iter().copied()).map_or_else(String::new, |word| format!("; did you mean `{word}`?"))
}

/// Fields of contacts and parameters of calls are texts, and a text is never equal to a number and always greater.
fn text_as_number(words: &[Word<'_>], place: usize) -> Option<String> {
    let Word::Mark(operator) = words[place] else { return None };
    if !ORDER.contains(&operator) && operator != "==" && operator != "!=" {
        return None;
    }
    let is_filtered = before(words, place, 2) == Some(Word::Mark("|"));
    let left = before(words, place, 1).and_then(text_of).filter(|_| !is_filtered);
    let is_number = matches!(words.get(place + 1), Some(Word::Number))
        || (words.get(place + 1) == Some(&Word::Mark("-")) && words.get(place + 2) == Some(&Word::Number));
    let right =
        words.get(place + 1).copied().and_then(text_of).filter(|_| words.get(place + 2) != Some(&Word::Mark("|")));
    let name = match (left, right, before(words, place, 1)) {
        (Some(name), _, _) if is_number => name,
        (_, Some(name), Some(Word::Number)) => name,
        _ => return None,
    };
    Some(format!(
        "`{name}` is a text, and it is compared with a number; write `{name} | float`, or the number in quotes"
    ))
}

/// A name whose value is a text.
fn text_of(word: Word<'_>) -> Option<&str> {
    let Word::Name(name) = word else { return None };
    let of_contact = name.strip_prefix("contact.").is_some_and(|field| field != "id");
    (of_contact || name.starts_with("call.params.")).then_some(name)
}

fn before<'a>(words: &[Word<'a>], place: usize, steps: usize) -> Option<Word<'a>> {
    place.checked_sub(steps).map(|place| words[place])
}

fn split(expression: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => text_length(rest, first),
            _ if first.is_ascii_digit() => length_of(rest, |c| c.is_ascii_alphanumeric() || c == '.' || c == '_'),
            _ if is_letter(first) => length_of(rest, |c| is_letter(c) || c.is_ascii_digit() || c == '.'),
            _ => mark_length(rest, first),
        };
        let (word, behind) = rest.split_at(length);
        rest = behind;
        match first {
            '"' | '\'' => words.push(Word::Text),
            _ if first.is_ascii_digit() => words.push(Word::Number),
            _ if is_letter(first) => words.push(Word::Name(word)),
            _ if first.is_whitespace() => {}
            _ => words.push(Word::Mark(word)),
        }
    }
    words
}

fn is_letter(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

fn length_of(text: &str, fits: impl Fn(char) -> bool) -> usize {
    text.find(|c| !fits(c)).unwrap_or(text.len())
}

/// The length of a text with its quotes; a backslash takes the next character with it.
fn text_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (place, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return place + 1,
            _ => {}
        }
    }
    text.len()
}

fn mark_length(text: &str, first: char) -> usize {
    let two = ["==", "!=", "<=", ">=", "//", "**"].iter().any(|mark| text.starts_with(mark));
    if two { 2 } else { first.len_utf8() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_or_test_that_does_not_exist_is_found_before_a_call_is_there() {
        assert_eq!(find_mistake("contact.name | lowr").unwrap(), "there is no filter `lowr`; did you mean `lower`?");
        assert_eq!(
            find_mistake("call.e164 is not startswith('+40')").unwrap(),
            "there is no test `startswith`; did you mean `startingwith`?"
        );
        for right in [
            "contact.name | lower",
            "a is startingwith 'x'",
            "a is not defined",
            "'x | y is z'",
            "\"\\\" | no\"",
            "a in [1]",
        ] {
            assert_eq!(find_mistake(right), None, "{right}");
        }
    }

    #[test]
    fn a_text_that_is_compared_with_a_number_is_found() {
        for wrong in ["contact.balance > 0", "contact.tier == 1", "0 < contact.balance", "call.params.x >= -5"] {
            assert!(find_mistake(wrong).unwrap().contains("is a text"), "{wrong}");
        }
        for right in [
            "contact.balance | float > 0",
            "contact.id == 1",
            "contact.tier == '1'",
            "contact.a > contact.b",
            "candidates | length > 1",
            "0 < contact.balance | float",
            "time.hour > 8",
        ] {
            assert_eq!(find_mistake(right), None, "{right}");
        }
    }

    #[test]
    fn a_template_is_read_inside_of_its_braces_only() {
        assert_eq!(find_mistake_in_template("a | b {{ contact.name | upper }} is c"), None);
        assert!(find_mistake_in_template("{% if contact.a | b %}x{% endif %}").is_some());
        assert!(find_mistake_in_template("{{ contact.name | shout }}").is_some());
    }

    #[test]
    fn no_statement_gives_a_value_a_name_or_hides_what_follows() {
        for wrong in [
            "{% set a = [1] %}{% set a = [a, a] %}{{ a }}",
            "{%- set a = contact.name -%}{{ a }}",
            "{%+ for x in [[1, 1]] %}{{ x }}{% endfor %}",
            "{% with a = [1] %}{{ a }}{% endwith %}",
            "{% raw %}{{ ' {% endraw %}{{ [1] * 9 }}",
            "{% filter upper %}x{% endfilter %}",
            "x{#' #}{% set a = 1 %}",
        ] {
            assert!(find_mistake_in_template(wrong).is_some(), "{wrong}");
        }
        for right in [
            "{% if contact.a %}x{% elif contact.b -%}y{%- else %}z{%+ endif %}",
            "{# {% set a = 1 %} #}",
            "{{ '{% set %}' }}",
        ] {
            assert_eq!(find_mistake_in_template(right), None, "{right}");
        }
    }

    #[test]
    fn a_multiplication_is_found_wherever_it_hides() {
        for wrong in ["[1] * 9", "2**3", "f(*x)"] {
            assert!(find_mistake(wrong).is_some(), "{wrong}");
        }
        for wrong in [
            "{{ '}}' ~ [1] * 9 }}",
            "{# }} #}{{ [1] * 9 }}",
            "a{%- if [1]*9 -%}",
            "{{ \"\\\"}}\" ~ 1 * 9 }}",
            "{{ a }}{{ 1*9 }}",
        ] {
            assert!(find_mistake_in_template(wrong).is_some(), "{wrong}");
        }
        for right in ["'2 * 3' ~ a", "a | replace('*', '')"] {
            assert_eq!(find_mistake(right), None, "{right}");
        }
        assert_eq!(find_mistake_in_template("2 * 3 {{ a }} * {# 2 * 3 #}"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "\\PC{0,60}") {
            let _ = find_mistake(&text);
            let _ = find_mistake_in_template(&text);
        }
    }
}
