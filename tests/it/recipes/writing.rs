//! What calldex writes into a CRM, and what it searches there: as the CRM wants it, whatever a name is made of.

use super::bench::{Bench, with_each};
use super::fault::Fault;
use crate::harness::text;

/// What people call their contacts, and what others would like a CRM to read.
const NAMES: [&str; 8] = [
    "Ana Pop",
    "O'Neil \"the Fox\" \\ Sons",
    "two\nlines\r\nand\ta tab",
    "{{ 7 * 7 }} {% for x in y %} {# no #} ${HOME}",
    "\u{1}\u{7f}\u{202e}bell\u{7}",
    "\u{1f98a} Foxtrot țș 株式会社",
    "'; DROP TABLE contacts; --",
    "</name><script>alert(1)</script>&amp;%00",
];

impl Bench {
    fn call(&self, operation: &[&str]) -> (bool, String) {
        let output = self.workplace.run(&[&["recipe", "call", "crm"], operation].concat());
        let said = text(&output.stdout) + &text(&output.stderr);
        for secret in self.crm.secrets() {
            assert!(!said.contains(secret), "{}: {said}", self.crm.recipe());
        }
        (output.status.success(), said)
    }

    fn create(&self, name: &str) -> (bool, String) {
        let new = serde_json::json!({ "name": name, "number": "+40722111222" });
        self.workplace.write("new.json", new.to_string());
        self.call(&["create", "--event", "new.json"])
    }

    /// Whether a recipe does it; Salesforce is none. Its journal has tests of its own, and it is not searched by text.
    fn is_of_recipe(&self) -> bool {
        self.crm.recipe() != "salesforce"
    }
}

/// A text without what a query language could read as its own.
fn harmless(text: &str) -> String {
    let kept = |letter: char| if letter.is_alphanumeric() || "@._+- ".contains(letter) { letter } else { ' ' };
    text.chars().map(kept).collect::<String>().trim().to_owned()
}

#[test]
fn a_finished_call_is_written_down_as_the_crm_wants_it() {
    with_each(|bench| {
        if !bench.is_of_recipe() {
            return;
        }
        bench.workplace.write("call.json", bench.crm.call().to_string());
        let (succeeded, said) = bench.call(&["log_call", "--event", "call.json"]);
        assert!(succeeded && (said == "900\n" || said.starts_with("nothing to write down, or no id")), "{said}");
        let path = bench.crm.log_path();
        let arrived = bench.stand_in.received().iter().filter(|request| request.path.starts_with(path)).count();
        assert!(arrived >= 1, "{}: nothing arrived at {path}", bench.crm.recipe());
    });
}

#[test]
fn a_new_contact_arrives_with_its_name_byte_by_byte() {
    with_each(|bench| {
        for name in NAMES {
            let (succeeded, said) = bench.create(name);
            assert!(succeeded && said.ends_with("950\n"), "{}: {name:?}: {said}", bench.crm.recipe());
            let made: Vec<String> =
                bench.stand_in.received().iter().filter_map(|request| bench.crm.created(request)).collect();
            assert_eq!(made.last().map(String::as_str), Some(name), "{}", bench.crm.recipe());
        }
    });
}

#[test]
fn a_search_asks_for_the_letters_of_a_text_and_for_nothing_that_a_query_obeys() {
    with_each(|bench| {
        if !bench.is_of_recipe() {
            return;
        }
        for name in NAMES {
            let (succeeded, said) = bench.call(&["search", "--text", name]);
            assert!(succeeded, "{}: {name:?}: {said}", bench.crm.recipe());
            let found = said.starts_with("42\tAna Pop\t");
            assert_eq!(found, name == "Ana Pop", "{}: {name:?}: {said}", bench.crm.recipe());
            let searched: Vec<String> =
                bench.stand_in.received().iter().filter_map(|request| bench.crm.searched(request)).collect();
            assert_eq!(searched.last(), Some(&harmless(name)), "{}", bench.crm.recipe());
        }
    });
}

#[test]
fn what_a_crm_does_not_take_is_a_failure_and_says_why() {
    with_each(|bench| {
        if !bench.is_of_recipe() {
            return;
        }
        let name = bench.crm.recipe();
        for (fault, words) in [
            (Fault::Refuse, "refuses the credentials"),
            (Fault::RefuseSessions, "refuses the credentials"),
            (Fault::Forbid, "(status 403)"),
            (Fault::Missing, "(status 404)"),
            (Fault::Limit, "wants no requests for 600 s"),
            (Fault::Down, "fails"),
            (Fault::Page, "is no JSON"),
            (Fault::Reset, "broke off"),
        ] {
            bench.stand_in.order(fault.clone());
            for (succeeded, said) in [bench.create("Ana Pop"), bench.call(&["search", "--text", "Ana Pop"])] {
                assert!(!succeeded && said.contains(words), "{name}: {fault:?}: {said}");
            }
        }
    });
}
