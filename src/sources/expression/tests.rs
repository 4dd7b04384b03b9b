use jmespath::DEFAULT_RUNTIME;
use serde_json::{Value, json};

use super::*;

/// Texts that nest so often.
fn nested(times: usize) -> [String; 6] {
    [
        "(".repeat(times) + "a" + &")".repeat(times),
        "[".repeat(times) + "a" + &"]".repeat(times),
        "!".repeat(times) + "a",
        "a".to_owned() + &".a".repeat(times),
        "a".to_owned() + &"[?b".repeat(times) + &"]".repeat(times),
        "a".to_owned() + &"|a".repeat(times),
    ]
}

fn variable(value: &Value) -> Rcvar {
    Rcvar::new(Variable::from_serializable(value).unwrap())
}

fn search(written: &str, data: &Value) -> Result<Value, String> {
    let found = Expression::compile(written, &DEFAULT_RUNTIME)?.search(&variable(data), &Effort::of_an_answer())?;
    Ok(serde_json::to_value(&*found).unwrap())
}

/// The same expression once after the other.
fn chain(step: &str, times: usize) -> String {
    vec![step; times].join("|")
}

/// `map(&map(&…, [@, @]), [@, @])`: in time alone.
fn nested_map(times: usize) -> String {
    "map(&".repeat(times) + "@" + &", [@,@])".repeat(times)
}

#[test]
fn the_deepest_that_is_allowed_is_compiled_and_evaluated_and_nothing_deeper_is_tried() {
    for deepest in nested(MOST_STEPS) {
        assert!(search(&deepest, &Value::Null).is_ok(), "{deepest}");
    }
    for deeper in nested(MOST_STEPS + 1).iter().chain(&nested(100_000)) {
        assert!(check_size(deeper).is_err());
    }
    assert!(check_size(&"a".repeat(LONGEST + 1)).is_err());
}

#[test]
fn what_grows_with_every_step_ends_with_an_explanation() {
    let many: Vec<Value> = (0..1000).map(|id| json!({ "id": id, "s": "x".repeat(900) })).collect();
    let projected = "[@,@][*].[".repeat(60) + "a" + &"]".repeat(60);
    for expression in [
        chain("[@,@][]", 90),
        "[@,@][] | [@,@][] ".to_owned() + &chain("| [@,@][]", 40).replace("||", "|"),
        chain("[@,@]", 140),
        chain("{a:@,b:@}", 140),
        chain("[@,@]", 100) + "|to_string(@)",
        chain("[@,@]", 70) + "|[@,@]|[0]==[1]",
        chain("join('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',[to_string(@),to_string(@)])", 40),
        "to_string(@)|".to_owned() + &chain("join('',[@,@])", 60),
        chain("to_string(@)", 100),
        format!("length({})", nested_map(60)),
        nested_map(70),
        format!("length({projected})"),
        chain("sort_by([@,@][],&to_string(@))", 20),
        chain("merge({a:@},{b:@})", 60),
        chain("[@,@][?contains(@,@)==`false`]", 60),
        chain("[[@,@][],[@,@][]][]", 40),
        chain("values({a:@,b:@})[]", 50),
        chain("[@,@][]|[::-1]", 50),
        "[*].s|join('',@)|".to_owned() + &chain("[@,@][].length(@)|[0]|to_string(@)", 1) + "|" + &chain("[@,@][]", 60),
    ] {
        for data in [json!(many), json!({"a": many}), json!("a\"\\"), json!([[1]])] {
            let Err(why) = search(&expression, &data) else { continue };
            assert!(why.len() < 300, "{why}");
        }
        let why = [json!(many), json!([1]), json!("\"")].iter().find_map(|data| search(&expression, data).err());
        assert!(why.is_some(), "{expression} ends");
    }
    let why = search(&chain("[@,@][]", 90), &json!(1)).unwrap_err();
    assert!(why.contains("more than 500000 steps on this answer"), "{why}");
}

#[test]
fn all_expressions_on_one_answer_take_from_the_same_effort() {
    let effort = Effort::of_an_answer();
    let expression = Expression::compile(&chain("[@,@][]", 14), &DEFAULT_RUNTIME).unwrap();
    let searches = (0..1000).take_while(|_| expression.search(&variable(&json!(1)), &effort).is_ok()).count();
    assert!((2..20).contains(&searches), "{searches}");
    let cheap = Expression::compile("@", &DEFAULT_RUNTIME).unwrap();
    assert!(cheap.search(&variable(&json!(1)), &effort).is_err(), "nothing is left");
}

#[test]
fn a_full_answer_of_a_usual_system_is_far_from_the_limit() {
    let person = |id: usize| json!({"id": id, "name": format!("Person {id}"), "active": id < 4500, "phones": [{"v": "0722"}, {"v": "0733"}]});
    let data = json!({ "data": (0..9000).map(person).collect::<Vec<_>>() });
    assert!(data.to_string().len() > 600_000);
    let found = search("data[?active].{id: id, name: name, numbers: phones[].v}", &data).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 4500);
}

/// Whether the walk and the library agree on every expression that ends within the limits.
#[test]
fn an_expression_means_what_the_library_says() {
    let data = json!({
        "a": [{"b": 1, "n": "x"}, {"b": 3, "n": "y"}, {"b": 2, "n": "z", "c": [1, [2, 3]]}, null, 7],
        "o": {"k": "v", "l": [], "m": {"d": null, "e": false}}, "s": "Ana Pop", "t": "", "z": 0, "f": 1.5, "n": null,
    });
    let parts = [
        "a",
        "a[0].b",
        "a[-1]",
        "a[9]",
        "a[-9]",
        "a[1:3]",
        "a[::-1]",
        "a[::2].b",
        "a[*].b",
        "a[].c",
        "a[].c[]",
        "a[].c[][]",
        "o.*",
        "o.*.d",
        "o.m.e || s",
        "t || z",
        "n || o.l",
        "s && a[0]",
        "n && s",
        "!t",
        "!s",
        "a[?b > `1`].n",
        "a[?b == `2` || n == 'x']",
        "a[?b].n | [0]",
        "a[?n == 'x' && b < `5`] | [0].b",
        "z == f",
        "s != t",
        "s < t",
        "f >= z",
        "@",
        "`{\"q\": [1]}`.q",
        "'raw'",
        "o.[k, l]",
        "n.[k]",
        "o.{x: k, y: l}",
        "n.{x: k}",
        "length(a)",
        "length(s)",
        "length(z)",
        "keys(o)",
        "values(o)",
        "join('-', a[?n].n)",
        "join('-', a)",
        "sort(a[?b].b)",
        "sort_by(a[?b], &b)[*].n",
        "sort_by(a, &b)",
        "max_by(a[?b], &b).n",
        "min_by(a[?b], &n).n",
        "max_by(o.l, &b)",
        "map(&n, a)",
        "map(&b, a[?b])",
        "map(&b, s)",
        "sum(a[?b].b)",
        "avg(o.l)",
        "contains(s, 'Pop')",
        "contains(a, `7`)",
        "to_string(o)",
        "to_number('12')",
        "to_array(s)",
        "type(n)",
        "not_null(n, s)",
        "reverse(s)",
        "merge(o, {k: s})",
        "starts_with(s, t)",
        "nothing(s)",
        "abs(z)",
        "floor(f)",
        "max(a[?b].b)",
        "min(a[].n)",
        "a[].n[]",
        "*",
        "*.k",
        "[*]",
        "[]",
        "a.b",
        "s.x[0].*",
    ];
    for part in parts {
        for expression in [part.to_owned(), format!("[{part}, @][]"), format!("{{x: {part}}}"), format!("o | {part}")] {
            let expected = jmespath::compile(&expression).unwrap().search(&data);
            let expected = expected.map(|found| serde_json::to_value(&*found).unwrap()).ok();
            assert_eq!(search(&expression, &data).ok(), expected, "{expression}");
        }
    }
}
