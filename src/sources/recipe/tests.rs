//! The recipes that come with calldex, and what every recipe must survive.

mod crm;
mod follow_ups;
mod logins;
mod nameless;
mod random;
mod readings;
mod runaway;
mod several;
mod written;

use std::path::Path;
use std::sync::Arc;

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

#[test]
fn whatever_of_a_call_a_template_uses_is_told_to_the_cache_however_it_is_written() {
    for used in ["{{ call.dnid }}", "{{ call['dnid'] }}", "{{ call['dnid'] | lower }}", "{{ (call).dnid }}"] {
        let text = NEW.replace("{{ number }}", &format!("{{{{ number }}}}-{used}"));
        assert_ne!(text, NEW);
        match read("own", "own.toml", &text) {
            Ok(recipe) => assert!(source::inputs(&recipe).dnid, "{used}"),
            Err(problems) => assert!(problems.to_string().contains("call"), "{used}: {problems}"),
        }
    }
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
fn every_shipped_recipe_has_a_page_with_the_same_headings_and_all_its_parameters() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipes");
    for (shipped, recipe) in all_shipped() {
        let page = std::fs::read_to_string(folder.join(format!("{}.md", shipped.name))).unwrap_or_default();
        let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let expected =
            ["What to create in the CRM", "Parameters", "What is looked up", "Limits", "What is not confirmed"];
        assert_eq!(headings, expected, "{}", shipped.name);
        assert_eq!(page.lines().filter(|line| line.starts_with("# ")).count(), 1, "{}", shipped.name);
        for param in recipe.params.keys() {
            assert!(page.contains(&format!("`{param}`")), "the page of {} does not name {param}", shipped.name);
        }
        assert!(page.contains(&format!("type    = \"{}\"", shipped.name)), "{} shows no source", shipped.name);
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), SHIPPED.len(), "a page of no recipe");
}

#[test]
fn a_shipped_recipe_is_short() {
    for (shipped, _) in all_shipped() {
        let own = shipped.text.split("[[test]]").next().unwrap();
        let lines = own.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')).count();
        assert!(lines <= 64, "{} has {lines} lines", shipped.name);
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
        (
            "a token in a link",
            with_lookup("get = \"/x\"\nrecords = \"@\"\n[out]\nbackend_link = \"/?{{ session.token }}\""),
        ),
        (
            "a whole session in a link",
            with_lookup("get = \"/x\"\nrecords = \"@\"\n[out]\nbackend_link = \"/?{{ [session][0]['tok' + 'en'] }}\""),
        ),
        (
            "more than the owner for [users]",
            with_lookup("get = \"/x\"\nrecords = \"@\"\n[users]\nget = \"/u/{{ contact.owner }}/{{ contact.team }}\""),
        ),
        (
            "too many statements",
            with_lookup(&format!("get = \"/x{{%if 1%}}{}{{%endif%}}\"\nrecords = \"@\"", "{%elif 0%}".repeat(5_000))),
        ),
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
        ("an unknown spelling", format!("forms = [\"e146\"]\n{}", with_lookup("get = \"/x\""))),
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
    assert!(found.contains("recipes/crm.toml:37:1: the test"), "{found}");
    assert!(found.contains("expected name = \"Ana Popa\", found \"Ana Pop\""), "{found}");
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

#[test]
fn what_is_left_is_read_however_it_is_written() {
    for (left, quiet) in
        [("1", ""), ("0", "quiet = \"40s\""), ("0.0", "quiet = \"40s\""), ("-1", "quiet = \"40s\""), ("many", "")]
    {
        let text = with_lookup("get = \"/x\"\nrecords = \"@\"\n[[budget]]\nheader = \"x-left\"\nwait = \"40s\"")
            + "[[test]]\nname = \"t\"\nparam = { key = \"k\" }\ntelephone = \"+40722111222\"\ncontacts = []\n"
            + &format!("{quiet}\n[[test.exchange]]\nrequest = \"GET https://crm.example.com/x\"\n")
            + &format!("answer_headers = {{ x-left = \"{left}\" }}\nbody = '[]'\n");
        assert_eq!(try_out(&recipe("crm", &text)).remove(0).outcome, Ok(()), "{left}");
    }
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
fn a_login_gives_the_token_of_every_other_request_and_is_made_again_once_when_it_is_over() {
    let login = "[[test.exchange]]\nrequest = \"POST https://crm.example.com/login\"\nsends = '{\"key\":\"k\"}'\nbody = '{\"token\":\"TOKEN\"}'\n";
    let find = |token: &str, more: &str| {
        format!("[[test.exchange]]\nrequest = \"GET https://crm.example.com/x\"\nheaders = {{ {token} }}\n{more}\n")
    };
    let found = "body = '[{\"id\":7,\"phone\":\"+40722111222\"}]'";
    for (auth, header) in
        [("", "authorization = \"Bearer"), ("name = \"X-Token\"\nvalue = \"{{ session.token }}\"\n", "x-token = \"")]
    {
        let own = format!(
            "get = \"/x\"\nrecords = \"@\"\n[auth]\nkind = \"session\"\nsession = {{ token = \"token\" }}\n{auth}\
             [auth.login]\npost = \"/login\"\njson = {{ key = \"{{{{ param.key }}}}\" }}\n"
        );
        let of =
            |token: &str| if auth.is_empty() { format!("{header} {token}\"") } else { format!("{header}{token}\"") };
        let test = |outcome: &str, exchanges: &[String]| {
            let text = with_lookup(&own);
            let head = "[[test]]\nname = \"t\"\nparam = { key = \"k\" }\ntelephone = \"+40722111222\"\n";
            let outcome =
                try_out(&recipe("crm", &format!("{text}{head}{outcome}\n{}", exchanges.concat()))).remove(0).outcome;
            assert_eq!(outcome, Ok(()), "{header}");
        };
        let (first, second) = (login.replace("TOKEN", "a"), login.replace("TOKEN", "b"));
        let over = find(&of("a"), "status = 401");
        test("contacts = [{ id = 7 }]", &[first.clone(), find(&of("a"), found)]);
        test("contacts = [{ id = 7 }]", &[first.clone(), over.clone(), second.clone(), find(&of("b"), found)]);
        test("fails = \"refused\"", &[first, over, second, find(&of("b"), "status = 401")]);
    }
}

#[test]
fn a_login_may_say_the_address_within_the_allowed_hosts() {
    let own = "get = \"/x\"\nrecords = \"@\"\n[auth]\nkind = \"oauth2_client\"\ntoken_url = \"https://login.crm.example.com/t\"\n\
               client_id = \"c\"\nclient_secret = \"{{ param.key }}\"\nsession = { at = \"at\" }\n\
               [out]\nbackend_link = \"{{ base }}/of/{{ contact.id }}\"\n";
    let text = with_lookup(own).replace("base = \"https://crm.example.com\"", "base = \"{{ session.at }}\"");
    assert!(
        problems(&text).contains("crm.toml:7:1: base is what the login says; hosts has to say"),
        "{}",
        problems(&text)
    );
    let text = text.replace("base = ", "hosts = [\"*.crm.example.com\"]\nbase = ");
    let test = |at: &str, outcome: &str, more: &str| {
        let test = format!(
            "{text}[[test]]\nname = \"t\"\nparam = {{ key = \"k\" }}\ntelephone = \"+40722111222\"\n{outcome}\n[[test.exchange]]\n\
             request = \"POST https://login.crm.example.com/t\"\nbody = '{{\"access_token\":\"t\",\"at\":\"{at}\"}}'\n{more}"
        );
        assert_eq!(try_out(&recipe("crm", &test)).remove(0).outcome, Ok(()), "{at}");
    };
    let found = "[[test.exchange]]\nrequest = \"GET https://acme.crm.example.com/x\"\nheaders = { authorization = \"Bearer t\" }\n\
                 body = '[{\"id\":7,\"phone\":\"+40722111222\"}]'\n";
    let link = "contacts = [{ id = 7, backend_link = \"https://acme.crm.example.com/of/7\" }]";
    test("https://acme.crm.example.com", link, found);
    for evil in ["https://evil.test", "https://crm.example.com.evil.test", "http://acme.crm.example.com", "x"] {
        test(evil, "fails = \"invalid\"", "");
    }
}

#[test]
fn a_key_with_a_line_end_makes_no_second_header() {
    let text = with_lookup("get = \"/x\"\nrecords = \"@\"\n[auth]\nkind = \"bearer\"\ntoken = \"{{ param.key }}\"");
    assert_eq!(attempt(&text, "{ key = \"k\\r\\nX-Evil: 1\" }"), "refused before it was sent");
}
