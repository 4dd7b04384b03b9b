//! docs/guides/your-own-crm.md against a TinyCRM that answers: the recipe and the configuration as they stand there.

use std::sync::Arc;

use serde_json::{Value, json};

use super::book::{Book, Person};
use super::stand_in::{Answer, Crm, Request, StandIn};
use crate::harness::{Workplace, text, wait_until};

const KEY: &str = "a-key-of-more-than-16-characters";
const GUIDE: &str = include_str!("../../../docs/guides/your-own-crm.md");

/// What TinyCRM's note says of the call.
const SUMMARY: &str = "Incoming call from +40722111222 to 0310000000, answered, 61 s [1-2]";

/// The CRM of the guide.
struct TinyCrm;

impl Crm for TinyCrm {
    fn recipe(&self) -> &'static str {
        "tinycrm"
    }
    fn params(&self) -> &'static str {
        ""
    }
    fn secrets(&self) -> &'static [&'static str] {
        &[KEY]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.header("x-key") == KEY
    }
    fn refuse(&self, _: &Request) -> Answer {
        Answer::empty(401)
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        match request.path.as_str() {
            "/v1/people" => {
                let person = |person: Person| json!({ "id": person.id, "full_name": person.name, "phones": [person.phone], "assigned_to": 3 });
                let found: Vec<Value> = book.exactly(request.query("phone")).into_iter().map(person).collect();
                Answer::json(200, &json!({ "people": found }))
            }
            "/v1/staff/3" => Answer::json(200, &json!({ "id": 3, "email": "ion@example.com" })),
            "/v1/people/42/notes" if request.json()["text"] == SUMMARY => Answer::json(201, &json!({ "id": 900 })),
            _ => Answer::empty(404),
        }
    }
    fn link(&self) -> &'static str {
        "/people/42"
    }
    fn log_path(&self) -> &'static str {
        "/v1/people/42/notes"
    }
}

/// The block of the guide that is meant for this file.
fn block(file: &str) -> &'static str {
    let begin = format!("```toml {file}\n");
    GUIDE.split(&begin).nth(1).and_then(|rest| rest.split("```").next()).expect("a block of the guide")
}

#[test]
fn the_recipe_of_the_guide_finds_callers_and_writes_calls_down() {
    let stand_in = StandIn::start(Arc::new(TinyCrm));
    let url = format!("[source.crm]\nurl = \"{}\"\n", stand_in.url);
    let sales = "[project.sales]\ndeadline = \"10s\"\n";
    let configuration = block("calldex.toml").replace("[source.crm]\n", &url).replace("[project.sales]\n", sales);
    let workplace = Workplace::new(&configuration.replace("${TINYCRM_KEY}", KEY));
    workplace.write("recipes/tinycrm.toml", block("recipes/tinycrm.toml"));
    for (number, expected) in [("0722111222", TinyCrm.link()), ("0722333444", "Dan Ionescu"), ("0722999888", "unknown")]
    {
        wait_until(&format!("{expected} about {number}"), || {
            let output = workplace.run(&["lookup", number, "--explain"]);
            let seen = format!("{}{}", text(&output.stdout), text(&output.stderr));
            assert!(!seen.contains(KEY), "{seen}");
            seen.contains(expected)
        });
    }
    workplace.write("call.json", TinyCrm.call().to_string());
    assert_eq!(workplace.succeed(&["recipe", "call", "crm", "log_call", "--event", "call.json"]), "900\n");
}

#[test]
fn a_recipe_that_cannot_be_read_keeps_no_other_one_from_its_tests() {
    let workplace = Workplace::new("");
    workplace.write("recipes/broken.toml", "title = 5");
    let tried = workplace.run(&["recipe", "test"]);
    let (said, failed) = (text(&tried.stdout), text(&tried.stderr));
    assert!(said.contains("broken: FAILED: ") && failed.contains("1 test failed"), "{said}{failed}");
    assert!(said.contains("zoho: ") && said.matches("FAILED").count() == 1, "{said}");
    assert!(workplace.fail(&["recipe", "test", "broken"]).contains("broken.toml"));
}
