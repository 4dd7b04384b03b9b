//! Templates that run away or show null, in every place of a recipe that takes a template.

use super::{read, recipe, try_out};

/// A recipe in which every place that takes a template has a mark, and a test of each thing that it can do.
const EVERYWHERE: &str = r##"
format = 1
title = "CRM"
prefer = ["<prefer>"]
[param]
key = { title = "Key", secret = true }
[http]
base = "https://<base>crm.example.com"
hosts = ["<hosts>crm.example.com"]
headers = { X-All = "<http-header>" }
[auth]
kind = "session"
name = "X-Auth"
value = "{{ session.token }}<auth-value>"
session = { token = "token" }
[auth.login]
post = "/login<login-path>"
json = { key = "<login-json>" }
[[lookup]]
when = "<lookup-when>"
post = "/find<lookup-path>"
query = { q = "<lookup-query>" }
headers = { X-One = "<lookup-header>" }
records = "items"
json = { a = "<lookup-json>", b = ["x <lookup-json-text>"] }
[map]
id = "id"
numbers = "[phone]"
owner = "owner"
[[then]]
when = "<then-when>"
get = "/then<then-path>"
query = { q = "<then-query>" }
map = { company = "name" }
[users]
get = "/users<users-path>"
query = { q = "<users-query>" }
map = { email = "email" }
[out]
name = "<out>"
backend_link = "/<out-link>"
[[log_call]]
when = "<log-when>"
post = "/log<log-path>"
form = { a = "<log-form>" }
id = "id"
[create]
put = "/create<create-path>"
xml = "<x><create-xml></x>"
id = "id"
[search]
get = "/search<search-path>"
query = { q = "<search-query>" }
records = "items"
"##;

const LOGIN: &str = "[[test.exchange]]\nrequest = \"POST https://crm.example.com/login\"\nbody = '{\"token\":\"t\"}'\n";
const FOUND: &str = "[[test.exchange]]\nrequest = \"POST https://crm.example.com/find?q=\"\nheaders = { x-auth = \"t\" }\n\
                     body = '{\"items\":[{\"id\":7,\"phone\":\"+40722111222\",\"owner\":3}]}'\n";
const THEN: &str = "[[test.exchange]]\nrequest = \"GET https://crm.example.com/then?q=\"\nbody = '{}'\n";
const USERS: &str = "[[test.exchange]]\nrequest = \"GET https://crm.example.com/users?q=\"\nbody = '{}'\n";
const LOG: &str = "[[test.exchange]]\nrequest = \"POST https://crm.example.com/log\"\nbody = '{\"id\":\"9\"}'\n";
const CREATE: &str = "[[test.exchange]]\nrequest = \"PUT https://crm.example.com/create\"\nbody = '{\"id\":\"9\"}'\n";
const SEARCH: &str =
    "[[test.exchange]]\nrequest = \"GET https://crm.example.com/search?q=\"\nbody = '{\"items\":[]}'\n";

const LOOKUP: &str = "telephone = \"+40722111222\"\ncontacts = [{ id = 7 }]\n";
const CALL: &str = "call = { key = \"k\", contact = 7, name = \"\", nothing = \"\" }\nid = \"9\"\n";

/// Every mark, what has to come of a template there that takes too long, and the requests that are made before or all the
/// same. `None`: the operation goes on without what the template would have made.
fn marks() -> Vec<(&'static str, bool, &'static str, Vec<&'static str>)> {
    let fails = |marks: &[&'static str], what: &'static str, before: &[&'static str]| {
        marks.iter().map(|mark| (*mark, true, what, before.to_vec())).collect::<Vec<_>>()
    };
    let goes_on = |marks: &[&'static str], exchanges: &[&'static str]| {
        marks.iter().map(|mark| (*mark, false, LOOKUP, exchanges.to_vec())).collect::<Vec<_>>()
    };
    let lookup = ["<lookup-path>", "<lookup-query>", "<lookup-header>", "<lookup-json>", "<lookup-json-text>"];
    [
        fails(&["<base>", "<hosts>", "<login-path>", "<login-json>", "<http-header>", "<lookup-when>"], LOOKUP, &[]),
        fails(&lookup, LOOKUP, &[LOGIN]),
        fails(&["<auth-value>"], LOOKUP, &[LOGIN]),
        fails(&["<log-when>"], CALL, &[]),
        fails(&["<log-path>", "<log-form>"], CALL, &[LOGIN]),
        fails(&["<create-path>", "<create-xml>"], "new = { number = \"+40722111222\" }\nid = \"9\"\n", &[LOGIN]),
        fails(&["<search-path>", "<search-query>"], "search = \"x\"\ncontacts = []\n", &[LOGIN]),
        goes_on(&["<then-when>", "<then-path>", "<then-query>"], &[LOGIN, FOUND, USERS]),
        goes_on(&["<users-path>", "<users-query>"], &[LOGIN, FOUND, THEN]),
        goes_on(&["<out>", "<out-link>", "<prefer>"], &[LOGIN, FOUND, THEN, USERS]),
    ]
    .concat()
}

/// The recipe with `inside` at a mark; what all others have there does nothing.
fn with(mark: &str, inside: &str) -> String {
    let nothing = |mark: &str| if is_condition(mark) { "true" } else { "" };
    let inside = if inside.is_empty() { nothing(mark) } else { inside };
    let rest = |text: String, other: &str| text.replace(other, nothing(other));
    marks().iter().map(|(other, ..)| *other).fold(EVERYWHERE.replace(mark, inside), rest)
}

fn is_condition(mark: &str) -> bool {
    mark.ends_with("when>") || mark == "<prefer>"
}

fn tested(text: &str, what: &str, exchanges: &[&str]) -> Result<(), String> {
    let text = format!("{text}[[test]]\nname = \"t\"\nparam = {{ key = \"k\" }}\n{what}{}", exchanges.concat());
    try_out(&recipe("crm", &text)).remove(0).outcome
}

#[test]
fn a_template_that_takes_too_long_is_stopped_in_every_place() {
    let long = format!("'{}'{}", "a".repeat(2_000), "|upper".repeat(300));
    for (mark, fails, what, exchanges) in marks() {
        let inside = if is_condition(mark) { format!("{long} == 'A'") } else { format!("{{{{ {long} }}}}") };
        let outcome = tested(&with(mark, &inside), what, &exchanges);
        match outcome {
            Ok(()) => assert!(!fails, "{mark} does not stop it"),
            Err(why) => assert!(fails && why.contains("fails as invalid") && why.contains("too long"), "{mark}: {why}"),
        }
    }
}

#[test]
fn a_template_that_makes_too_much_is_stopped_in_every_place() {
    let much = format!("'{}'{}", "a".repeat(30), "|replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')".repeat(6));
    for (mark, fails, what, exchanges) in marks() {
        let inside = if is_condition(mark) { format!("{much} == 'A'") } else { format!("{{{{ {much} }}}}") };
        match tested(&with(mark, &inside), what, &exchanges) {
            Ok(()) => assert!(!fails, "{mark} does not stop it"),
            Err(why) => assert!(fails && why.contains("too long"), "{mark}: {why}"),
        }
    }
}

#[test]
fn a_loop_is_refused_in_every_place() {
    for (mark, ..) in marks() {
        for inside in ["{% for x in y %}a{% endfor %}", "{% set x = 1 %}", "{{ 'a' * 99 }}"] {
            let refused = read("crm", "crm.toml", &with(mark, inside)).unwrap_err().to_string();
            assert!(refused.contains("not allowed") || refused.contains("no braces"), "{mark}: {refused}");
        }
    }
}

#[test]
fn an_expression_that_is_too_deep_is_refused_in_every_place() {
    let deep = format!("{}1", "-".repeat(30_000));
    for (mark, ..) in marks() {
        let inside = if is_condition(mark) { deep.clone() } else { format!("{{{{ {deep} }}}}") };
        let refused = read("crm", "crm.toml", &with(mark, &inside)).unwrap_err().to_string();
        assert!(refused.contains("longer than 4000 bytes"), "{mark}: {refused:.200}");
    }
}

#[test]
fn every_place_works_when_nothing_is_wrong_with_it() {
    for (mark, _, what, exchanges) in marks() {
        let rest: &[&str] = match what {
            LOOKUP => &[LOGIN, FOUND, THEN, USERS],
            CALL => &[LOGIN, LOG],
            create if create.starts_with("new") => &[LOGIN, CREATE],
            _ => &[LOGIN, SEARCH],
        };
        assert!(exchanges.iter().all(|exchange| rest.contains(exchange)), "{mark}");
        assert_eq!(tested(&with(mark, ""), what, rest), Ok(()), "{mark}");
    }
}

#[test]
fn null_of_a_call_stands_nowhere_as_a_word() {
    let texts = [
        ("{{ call.name }}", ""),
        ("{{ call.name | upper }}", ""),
        ("{{ call.inner.name | lower }}", ""),
        ("{{ call.name or 'nobody' }}", r#""a":"nobody""#),
        ("{{ call.name | default('nobody') }}", r#""a":"nobody""#),
        ("{% if call.name %}x{% endif %}", r#""a":"""#),
    ];
    for (template, sent) in texts {
        let text = format!(
            "{}[[test]]\nname = \"t\"\nparam = {{ key = \"k\" }}\ncall = {{ key = \"k\", contact = 7 }}\nid = \"9\"\n{LOGIN}{LOG}sends = '{{{sent}}}'\n",
            with("<log-form>", "").replace("form = { a = \"\" }", &format!("json = {{ a = \"{template}\" }}"))
        );
        let mut recipe = recipe("crm", &text);
        let nulls = serde_json::json!({ "name": null, "inner": { "name": null } });
        let call = std::sync::Arc::get_mut(&mut recipe).unwrap().tests[0].call.as_mut().unwrap();
        call.extend(nulls.as_object().unwrap().clone());
        assert_eq!(try_out(&recipe).remove(0).outcome, Ok(()), "{template}");
    }
}
