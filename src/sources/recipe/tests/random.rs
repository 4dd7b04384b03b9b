//! Random answers, and recorded ones with random changes, through everything that a shipped recipe reads out of answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use serde_json::Value;

use super::super::engine::Engine;
use super::super::pages::Page;
use super::super::view::Vars;
use super::super::{answer, mapping, trial};
use super::all_shipped;
use crate::model::{Contact, ContactId};
use crate::number::{Number, Numbering, parse};
use crate::sources::http::Answer;
use crate::sources::random_answers::{Words, for_each};

/// A shipped recipe at work, and the answers of its tests.
struct Bench {
    name: &'static str,
    engine: Engine,
    recorded: Vec<Value>,
}

fn benches() -> Vec<Bench> {
    let bench = |(shipped, recipe): (&super::Shipped, Arc<super::Recipe>)| {
        let exchanges = recipe.tests.iter().flat_map(|test| &test.exchange);
        let recorded: Vec<Value> =
            exchanges.filter_map(|exchange| serde_json::from_str(&exchange.body).ok()).filter(is_short).collect();
        Bench { name: shipped.name, engine: trial::engine_of_first_test(&recipe), recorded }
    };
    all_shipped().map(bench).collect()
}

/// Full pages of a hundred records only take time.
fn is_short(answer: &Value) -> bool {
    answer.to_string().len() < 1_500
}

/// What was read how often, by recipe and request.
type Counts = Mutex<BTreeMap<(&'static str, &'static str, usize), u32>>;

impl Bench {
    /// Everything that could be read out of an answer with this status.
    fn read(&self, json: &Value, status: u16, number: &Number, counts: &Counts) -> Result<(), TestCaseError> {
        let (text, words) = (json.to_string(), Words::of(json));
        let data = mapping::read_json(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let note = |what: &'static str, index: usize, found: bool| {
            *counts.lock().unwrap().entry((self.name, what, index)).or_default() += u32::from(found);
        };
        let recipe = &self.engine.settings.recipe;
        answer::read(recipe, &answered(status, &text), 0);
        for (index, plan) in recipe.lookups.iter().enumerate() {
            let hits = self.engine.hits(plan, &data, (number, &self.engine.settings.numbering)).unwrap_or_default();
            note("lookup", index, !hits.is_empty());
            for mut hit in self.engine.prefer(hits) {
                prop_assert!(!hit.contact.numbers.is_empty());
                let contact = Arc::make_mut(&mut hit.contact);
                self.engine.write_fields(contact, &mut Vars::new(), None);
                prop_assert_eq!(words.explain(contact, true), None, "{} of {}", self.name, text);
            }
            if let Some(next) = &plan.next {
                let page =
                    Page { data: Arc::clone(&data), answer: answered(200, &text), url: "https://x/".parse().unwrap() };
                let led = next.of(&page);
                note("next", index, led.is_ok_and(|lead| lead.is_some()));
            }
        }
        for (index, plan) in recipe.then.iter().chain(&recipe.users).enumerate() {
            let mut contact = Contact::default();
            plan.map.fill(&mut contact, &data);
            note("follow-up", index, contact != Contact::default());
            prop_assert_eq!(words.explain(&contact, false), None, "{} of {}", self.name, text);
        }
        for plan in recipe.log_call.iter().chain(&recipe.create) {
            let id = plan.id.as_ref().and_then(|path| path.text(&data));
            prop_assert!(id.is_none_or(|id| !id.is_empty() && (words.say_null() || !id.contains("null"))));
        }
        if let Some(plan) = &recipe.search {
            for contact in self.engine.contacts(plan, &data).unwrap_or_default() {
                prop_assert_eq!(words.explain(&contact, true), None, "{} of {}", self.name, text);
            }
        }
        if let Some(plan) = &recipe.auth.session {
            note("session", 0, self.engine.begin(plan, &data).is_ok());
        }
        Ok(())
    }
}

const STATUSES: [u16; 8] = [200, 204, 400, 401, 403, 429, 500, 503];

fn answered(status: u16, body: &str) -> Answer {
    Answer { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new(), body: body.to_owned().into() }
}

#[test]
fn no_answer_whatever_its_shape_harms_a_mapping_or_is_read_as_what_it_is_not() {
    let (benches, number) = (benches(), parse("+40722111222", &Numbering::of_country("RO")));
    let counts = Counts::default();
    for_each(|random| {
        let status = STATUSES[random.place.index(STATUSES.len())];
        for bench in &benches {
            bench.read(&random.answer, status, &number, &counts)?;
            let recorded = &bench.recorded[random.place.index(bench.recorded.len())];
            bench.read(&random.change(recorded), status, &number, &counts)?;
        }
        Ok(())
    });
    let counts = counts.into_inner().unwrap();
    let never: Vec<_> = counts.into_iter().filter(|(_, count)| *count == 0).map(|(what, _)| what).collect();
    // A page of a hundred records leads on there, and no answer here has so many.
    assert_eq!(never, [("minicrm", "next", 0)], "no answer ever got there");
}

#[test]
fn an_id_keeps_its_type_in_every_shipped_recipe() {
    for bench in benches() {
        for plan in &bench.engine.settings.recipe.lookups {
            let map = bench.engine.settings.map.with(&plan.map);
            for (written, expected) in [
                ("7", ContactId::Integer(7)),
                ("\"7\"", ContactId::Text("7".into())),
                ("\"007\"", ContactId::Text("007".into())),
                ("5000000001", ContactId::Text("5000000001".into())),
                ("\"003A\"", ContactId::Text("003A".into())),
            ] {
                let names = ["id", "Id", "ID", "contactid"].map(|name| format!("\"{name}\":{written}"));
                let records = mapping::read_json(&format!("[{{{}}}]", names.join(","))).unwrap();
                assert_eq!(map.people(&records).unwrap().contacts[0].id, expected, "{}", bench.name);
            }
        }
    }
}
