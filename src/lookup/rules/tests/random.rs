//! Rule sets made at random, most of them nonsense: each is refused when it is read or gives an answer within its fuel,
//! the same one every time, and none panics.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::language::{self, Escaping};
use super::super::program::Texts;
use super::super::{Ruling, words};
use super::{Case, Ruleset, project};
use crate::model::Field;
use crate::number::ladder::Rung;

/// A value of an expression.
fn atom() -> impl Strategy<Value = String> {
    let names = [
        "contact.name",
        "contact.id",
        "contact.agent",
        "contact",
        "candidates",
        "call.telephone.e164",
        "call.telephone.country",
        "call.dnid.national",
        "call.params",
        "call.params.x",
        "call.direction",
        "caller.unknown",
        "caller.outcome",
        "time.hour",
        "time.weekday",
        "time.hours.x",
        "list.vip",
        "history.last_hour.calls",
        "history.last_agent",
        "range(1000000)",
        "range(10)",
        "nothing.at.all",
        "true",
        "none",
        "0",
        "-1",
        "99999999999999999999",
        "1.5",
        "'text'",
        "''",
        "[1, 'a']",
        "{'a': 1}",
    ];
    prop::sample::select(names.to_vec()).prop_map(str::to_owned)
}

/// An expression; it may be as wrong as anything that an administrator writes.
fn expression() -> impl Strategy<Value = String> {
    atom().prop_recursive(5, 40, 3, |inner| {
        let operators = [
            "+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">", "and", "or", "in", "not in", "is", "|", ".",
        ];
        let filters = [
            "upper",
            "lower",
            "length",
            "float",
            "int",
            "join(',')",
            "replace('a', 'aaaaaaaa')",
            "list",
            "sort",
            "map(attribute='name')",
            "first",
            "default('x')",
            "title",
            "round",
            "batch(2)",
            "sum",
            "unique",
            "reverse",
            "tojson",
            "nosuch",
            "format('%s')",
        ];
        prop_oneof![
            (inner.clone(), prop::sample::select(operators.to_vec()), inner.clone())
                .prop_map(|(a, o, b)| format!("({a} {o} {b})")),
            (inner.clone(), prop::sample::select(filters.to_vec())).prop_map(|(a, filter)| format!("{a} | {filter}")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
            inner.clone().prop_map(|a| format!("not {a}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            (inner, 0_u32..100_000_000).prop_map(|(a, times)| format!("({a} * {times})")),
        ]
    })
}

fn template() -> impl Strategy<Value = String> {
    prop_oneof![
        expression().prop_map(|it| format!("{{{{ {it} }}}}")),
        (expression(), expression()).prop_map(|(a, b)| format!("{{% if {a} %}}{{{{ {b} }}}}{{% endif %}}")),
        (expression(), expression()).prop_map(|(a, b)| format!(
            "{{% if {a} %}}{{{{ {b} ~ {b} ~ {b} }}}}{{% else %}}{{{{ {a} }}}}{{% endif %}}"
        )),
        "\\PC{0,30}",
        (0_i64..120).prop_map(|place| place.to_string()),
    ]
}

/// A rule, as it stands in a file.
fn rule() -> impl Strategy<Value = String> {
    let keys =
        ["name", "queue_position", "direct_line", "backend_link", "route_identifier", "language", "agent", "queue"];
    let clear = prop::sample::select(vec!["name", "direct_line", "language"]);
    let set = (prop::sample::select(keys.to_vec()), template());
    (prop::option::of(expression()), set, prop::option::of(clear), any::<bool>()).prop_map(
        |(when, (key, value), clear, stop)| {
            let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
            let when = when.map_or_else(String::new, |when| format!("when = {}\n", text(&when)));
            let clear = clear.filter(|clear| *clear != key && !["agent", "queue"].contains(&key));
            let clear = clear.map_or_else(String::new, |clear| format!("clear = [\"{clear}\"]\n"));
            // An empty value is refused when the file is read.
            let value = if value.is_empty() { "x".to_owned() } else { value.replace("${", "$ {") };
            format!("[[project.sales.rule]]\n{when}{key} = {}\n{clear}stop = {stop}\n", text(&value))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Texts share programs, which must not be seen in what they say.
    #[test]
    fn a_text_says_the_same_alone_and_among_others(
        expressions in prop::collection::vec(expression(), 2..20),
        templates in prop::collection::vec(template(), 2..20),
    ) {
        let usable = |text: &&str| language::compile_condition(text).is_ok() && words::find_mistake(text).is_none();
        let conditions: Vec<&str> = expressions.iter().map(String::as_str).filter(usable).collect();
        let usable = |text: &&str| language::compile_template(Escaping::None, text).is_ok() && words::find_mistake_in_template(text).is_none();
        let templates: Vec<&str> = templates.iter().map(String::as_str).filter(usable).collect();
        let scene = minijinja::context! { contact => minijinja::context! { name => "Ana", id => 7 }, candidates => [1, 2] };
        let mut texts = Texts::default();
        for (place, text) in conditions.iter().enumerate() {
            prop_assert_eq!(texts.add_condition(text), place);
        }
        for (place, text) in templates.iter().enumerate() {
            prop_assert_eq!(texts.add_template(Escaping::None, text), place);
        }
        let together = texts.compile().unwrap();
        let mut asking = together.ask(&scene);
        for (place, text) in conditions.iter().enumerate() {
            let mut alone = Texts::default();
            alone.add_condition(text);
            let alone = alone.compile().unwrap().ask(&scene).evaluate(0);
            prop_assert_eq!(format!("{:?}", asking.evaluate(place)), format!("{alone:?}"), "{}", text);
        }
        for (place, text) in templates.iter().enumerate() {
            let mut alone = Texts::default();
            alone.add_template(Escaping::None, text);
            let alone = alone.compile().unwrap().render(Escaping::None, 0, &scene);
            prop_assert_eq!(together.render(Escaping::None, place, &scene), alone, "{}", text);
        }
    }

    #[test]
    fn any_rules_give_an_answer_within_their_fuel_and_always_the_same(rules in prop::collection::vec(rule(), 1..8)) {
        let text = |rules: &str| format!("[project.sales.hours.x]\nopen = [\"daily 00:00-12:00\"]\n[project.sales.list.vip]\n{rules}");
        // A rule with a mistake is refused when it is read; those that are left are asked.
        let usable = |rule: &String| Ruleset::compile(&project(&text(rule))).1.iter().all(|complaint| complaint.is_warning);
        let rules: Vec<String> = rules.into_iter().filter(usable).collect();
        let project: Arc<_> = project(&text(&rules.concat()));
        let (ruleset, _) = Ruleset::compile(&project);
        for known in [false, true] {
            let case = || if known { Case::found(&[(Field::Name, "Ana"), (Field::Owner, "7")], Rung::Exact) } else { Case::default() };
            let first = case().decide_by(&project, &ruleset);
            let second = case().decide_by(&project, &ruleset);
            prop_assert_eq!(&first.caller_data, &second.caller_data);
            prop_assert_eq!(first.origins, second.origins);
            let said = |ruling: Option<Box<Ruling>>| ruling.map(|ruling| ruling.to_json());
            prop_assert_eq!(said(first.ruling), said(second.ruling));
        }
    }
}
