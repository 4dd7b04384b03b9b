//! The recipes that come with calldex, and what every recipe must survive.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn recipe(name: &str, text: &str) -> Arc<Recipe> {
    Arc::new(read(name, &format!("{name}.toml"), text).unwrap_or_else(|problems| panic!("{problems}")))
}

fn all_shipped() -> impl Iterator<Item = (&'static Shipped, Arc<Recipe>)> {
    SHIPPED.iter().map(|shipped| (shipped, recipe(shipped.name, shipped.text)))
}

#[test]
fn every_shipped_recipe_passes_its_own_tests() {
    let mut failed = Vec::new();
    for (shipped, recipe) in all_shipped() {
        for trial in try_out(&recipe) {
            if let Err(why) = trial.outcome {
                failed.push(format!("{}: {}: {why}", shipped.name, trial.name));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What each shipped recipe has to show, by a word in the name of a test.
const SHOWN: [&str; 7] = ["found", "unknown", "several", "wrong credential", "limit", "server error", "hostile"];

#[test]
fn every_shipped_recipe_shows_every_kind_of_answer() {
    for (shipped, recipe) in all_shipped() {
        for word in SHOWN {
            let shows = recipe.tests.iter().any(|test| test.name.contains(word));
            assert!(shows, "{} has no test with {word:?} in its name", shipped.name);
        }
    }
}

#[test]
fn a_shipped_recipe_is_short() {
    for (shipped, _) in all_shipped() {
        let own = shipped.text.split("[[test]]").next().unwrap();
        let lines = own.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')).count();
        assert!(lines <= 70, "{} has {lines} lines", shipped.name);
    }
}

#[test]
fn a_new_recipe_passes_its_own_tests() {
    let trials = try_out(&recipe("new", NEW));
    assert!(trials.len() >= 2);
    for trial in trials {
        assert_eq!(trial.outcome, Ok(()), "{}", trial.name);
    }
}

fn problems(text: &str) -> String {
    read("crm", "recipes/crm.toml", text).unwrap_err().to_string()
}

/// A recipe that has everything it needs, and in it `more` in the place of its lookup.
fn with_lookup(lookup: &str) -> String {
    format!(
        "format = 1\ntitle = \"CRM\"\n[param.key]\ntitle = \"Key\"\nsecret = true\n[http]\nbase = \"https://crm.example.com\"\n\
         [map]\nid = \"id\"\nnumbers = \"[phone]\"\n[[lookup]]\n{lookup}\n"
    )
}

#[test]
fn every_mistake_has_its_place_and_the_nearest_right_thing() {
    let found = [
        ("an unknown key", with_lookup("gett = \"/x\"")),
        ("an unknown word", with_lookup("get = \"/x\"\nrecords = \"@\"\n[auth]\nkind = \"barer\"")),
        ("a missing key", "format = 1\n".to_owned()),
        ("no TOML", "format = = 1".to_owned()),
        ("a newer format", with_lookup("get = \"/x\"\nrecords = \"@\"").replace("format = 1", "format = 2")),
        ("a broken template", with_lookup("get = \"/x/{{ number\"\nrecords = \"@\"")),
        ("a name that does not exist", with_lookup("get = \"/x/{{ numer }}\"\nrecords = \"@\"")),
        (
            "a parameter that does not exist",
            with_lookup("get = \"/x\"\nquery = { q = \"{{ param.kee }}\" }\nrecords = \"@\""),
        ),
        ("a secret in an address", with_lookup("get = \"/x?k={{ param.key }}\"\nrecords = \"@\"")),
        ("a secret in a query", with_lookup("get = \"/x\"\nquery = { k = \"{{ param.key }}\" }\nrecords = \"@\"")),
        ("a loop", with_lookup("get = \"/{% for x in y %}a{% endfor %}\"\nrecords = \"@\"")),
        ("no JMESPath", with_lookup("get = \"/x\"\nrecords = \"a[\"")),
        ("two methods", with_lookup("get = \"/x\"\npost = \"/y\"\nrecords = \"@\"")),
        ("a path without a slash", with_lookup("get = \"x\"\nrecords = \"@\"")),
        (
            "a place deep in a body",
            with_lookup("post = \"/x\"\nrecords = \"@\"\n[lookup.json]\na = [{ b = \"{{ nummer }}\" }]"),
        ),
        (
            "a key of another kind",
            with_lookup("get = \"/x\"\nrecords = \"@\"\n[auth]\nkind = \"bearer\"\ntoken = \"t\"\nusername = \"u\""),
        ),
        ("a missing credential", with_lookup("get = \"/x\"\nrecords = \"@\"\n[auth]\nkind = \"basic\"")),
        ("an unknown spelling", with_lookup("get = \"/x\"\nrecords = \"@\"\n[phone]\nforms = [\"e146\"]")),
        ("an unknown field", with_lookup("get = \"/x\"\nrecords = \"@\"\n[out]\nbackendlink = \"x\"")),
        ("a rule for everything", with_lookup("get = \"/x\"\nrecords = \"@\"\n[[error]]\nas = \"unknown\"")),
    ];
    let found: Vec<String> =
        found.iter().map(|(what, text)| format!("{what}\n  {}", problems(text).replace('\n', "\n  "))).collect();
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn a_test_that_fails_is_a_mistake_with_a_place() {
    let text = NEW.replace("name = \"Ana Pop\", backend_link", "name = \"Ana Popa\", backend_link");
    let found = check("crm", "recipes/crm.toml", &text).unwrap_err().to_string();
    assert!(found.contains("recipes/crm.toml:4"), "{found}");
    assert!(found.contains("expected name = \"Ana Popa\", found \"Ana Pop\""), "{found}");
}

/// Any JSON, and in it often what recipes look for.
fn any_json() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "id",
        "Id",
        "ID",
        "name",
        "phone",
        "mobile",
        "results",
        "Results",
        "data",
        "items",
        "item",
        "value",
        "result",
        "properties",
        "phones",
        "PHONE",
        "VALUE",
        "Phone",
        "owner",
        "user_id",
        "contactid",
        "telephone1",
        "error",
        "updated_at",
        "Modified_Time",
        "access_token",
    ]);
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|on| on.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| serde_json::json!(text).to_string()),
        Just("\"+40722111222\"".to_owned()),
        Just("\"0722 111 222\"".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let entry = (words.clone(), inner.clone()).prop_map(|(key, value)| format!("\"{key}\":{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(entry, 0..5).prop_map(|entries| format!("{{{}}}", entries.join(","))),
        ]
    })
}

/// How many random answers go through every mapping; `CALLDEX_RANDOM_ANSWERS=100000` is the figure of the promise.
fn random_answers() -> u32 {
    std::env::var("CALLDEX_RANDOM_ANSWERS").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000)
}

#[test]
fn no_answer_whatever_its_shape_harms_a_mapping() {
    let engines: Vec<_> = all_shipped().map(|(_, recipe)| trial::engine_of_first_test(&recipe)).collect();
    let number = crate::number::parse("+40722111222", &crate::number::Numbering::of_country("RO"));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: random_answers(),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&any_json(), |json| {
        let data = mapping::read_json(&json).map_err(|error| TestCaseError::fail(error.to_string()))?;
        for engine in &engines {
            for plan in &engine.settings.recipe.lookups {
                if let Ok(hits) = engine.hits(plan, &data, &number) {
                    for hit in hits {
                        prop_assert!(!hit.contact.numbers.is_empty());
                        prop_assert!(hit.contact.id.to_string() != "null" && !hit.contact.id.to_string().is_empty());
                        let texts = hit.contact.fields.values().chain(hit.contact.custom.values());
                        let is_null = |text: &String| matches!(text.as_str(), "" | "null" | "None");
                        let written = |text: &String| json.contains(&serde_json::json!(text).to_string());
                        let invented = texts.into_iter().any(|text| is_null(text) && !written(text));
                        prop_assert!(!invented, "a value was made of nothing");
                    }
                }
            }
            for plan in engine.settings.recipe.then.iter().chain(&engine.settings.recipe.users) {
                plan.map.fill(&mut crate::model::Contact::default(), &data);
            }
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn the_reference_and_the_schema_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let written = |file: &str| std::fs::read_to_string(root.join(file)).unwrap_or_default();
    assert_eq!(written("docs/recipes.md"), reference(), "run: calldex recipe reference > docs/recipes.md");
    assert_eq!(written("etc/recipe.schema.json"), schema(), "run: calldex recipe schema > etc/recipe.schema.json");
}

#[test]
fn a_lookup_names_the_inputs_that_its_templates_use() {
    let text = with_lookup(
        "get = \"/x\"\nquery = { d = \"{{ call.dnid }}\", p = \"{{ call.params.campaign }}\" }\nrecords = \"@\"",
    );
    let recipe = recipe("crm", &text);
    let uses: Vec<&str> = recipe.uses().into_iter().collect();
    assert_eq!(uses, ["call.dnid", "call.params.campaign"]);
}

/// What the first lookup of a recipe says with these parameters, when every request is answered with nothing known.
fn attempt(text: &str, param: &str) -> String {
    let test =
        format!("{text}\n[[test]]\nname = \"t\"\nparam = {param}\ntelephone = \"+40722111222\"\nfails = \"invalid\"\n");
    try_out(&recipe("crm", &test))
        .remove(0)
        .outcome
        .map_or_else(|why| why, |()| "refused before it was sent".to_owned())
}

#[test]
fn no_parameter_sends_the_credentials_to_another_host() {
    let text = with_lookup("get = \"/x\"\nrecords = \"@\"\n[auth]\nkind = \"bearer\"\ntoken = \"{{ param.key }}\"")
        .replace("[param.key]", "[param.domain]\ntitle = \"Domain\"\n[param.key]")
        .replace("https://crm.example.com\"", "https://{{ param.domain }}.example.com\"\nhosts = [\"*.example.com\"]");
    for domain in
        ["evil.test/", "evil.test#", "evil.test?", "evil.test\\\\", "user@evil.test/", "a:8443/", "evil.test/@a"]
    {
        let outcome = attempt(&text, &format!("{{ domain = \"{domain}\", key = \"k\" }}"));
        assert_eq!(outcome, "refused before it was sent", "{domain}");
    }
    let sent = attempt(&text, "{ domain = \"acme\", key = \"k\" }");
    assert!(sent.contains("this request was not expected: GET https://acme.example.com/x"), "{sent}");
}

#[test]
fn a_key_with_a_line_end_makes_no_second_header() {
    let text = with_lookup("get = \"/x\"\nrecords = \"@\"\n[auth]\nkind = \"bearer\"\ntoken = \"{{ param.key }}\"");
    assert_eq!(attempt(&text, "{ key = \"k\\r\\nX-Evil: 1\" }"), "refused before it was sent");
}
