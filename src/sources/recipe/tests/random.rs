//! Random answers, and recorded ones with random changes, through everything that a shipped recipe reads out of answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use super::super::engine::Engine;
use super::super::pages::Page;
use super::super::view::Vars;
use super::super::{answer, mapping, trial};
use super::all_shipped;
use crate::model::{Contact, ContactId};
use crate::number::{Number, Numbering, parse};
use crate::sources::http::Answer;

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

/// How many times everything is read; `CALLDEX_RANDOM_ANSWERS=100000` is the figure of the promise. Each time every recipe
/// gets one random answer and one changed one.
fn random_answers() -> u32 {
    std::env::var("CALLDEX_RANDOM_ANSWERS").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000)
}

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

/// An answer in which something else stands in some places.
fn changed(answer: &Value, changes: &[(Index, String)]) -> Value {
    let mut answer = answer.clone();
    for (place, other) in changes {
        let count = count(&answer);
        if let (Some(node), Ok(other)) = (node(&mut answer, &mut place.index(count)), serde_json::from_str(other)) {
            *node = other;
        }
    }
    answer
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

/// The value at this place, counted from the outside in.
fn node<'a>(value: &'a mut Value, place: &mut usize) -> Option<&'a mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| node(item, place)),
        Value::Object(entries) => entries.values_mut().find_map(|item| node(item, place)),
        _ => None,
    }
}

/// What a recipe puts before ids of other kinds of records that count from 1 too.
const MARKS: [&str; 2] = ["CO_", "L_"];

/// The texts and whole numbers of an answer.
#[derive(Default)]
struct Words {
    texts: BTreeSet<String>,
    numbers: BTreeSet<String>,
}

impl Words {
    fn of(value: &Value) -> Self {
        let mut words = Self::default();
        words.add(value);
        words
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(entries) => entries.values().for_each(|item| self.add(item)),
            Value::String(text) => drop(self.texts.insert(text.clone())),
            Value::Number(number) => drop(self.numbers.insert(number.to_string())),
            Value::Bool(_) | Value::Null => {}
        }
    }

    /// An id is of the type that the answer gives it. A mark before it makes it a text.
    fn have_id(&self, id: &ContactId) -> bool {
        match id {
            ContactId::Integer(number) => self.numbers.contains(&number.to_string()),
            ContactId::Text(text) => match MARKS.iter().find_map(|mark| text.strip_prefix(mark)) {
                Some(id) => self.texts.contains(id) || self.numbers.contains(id),
                None => {
                    self.texts.contains(&**text) || (self.numbers.contains(&**text) && text.parse::<u32>().is_err())
                }
            },
        }
    }

    fn say_null(&self) -> bool {
        self.texts.iter().any(|text| text.contains("null") || text.to_lowercase().contains("none"))
    }

    /// Says what is wrong with a contact that was made of the answer.
    fn explain(&self, contact: &Contact, has_id: bool) -> Option<String> {
        if has_id && !self.have_id(&contact.id) {
            return Some(format!("the id {:?} is not that of the answer", contact.id));
        }
        let texts = contact.fields.values().chain(contact.custom.values());
        let null = |text: &&String| text.is_empty() || text.contains("null") || text.to_lowercase().contains("none");
        texts.filter(|_| !self.say_null()).find(null).map(|text| format!("{text:?} was made of nothing"))
    }
}

/// What was read how often, by recipe and request.
type Counts = BTreeMap<String, u32>;

impl Bench {
    /// Everything that could be read out of an answer.
    fn read(&self, json: &Value, number: &Number, counts: &mut Counts) -> Result<(), TestCaseError> {
        let (text, words) = (json.to_string(), Words::of(json));
        let data = mapping::read_json(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let mut note =
            |what: String, found: bool| *counts.entry(format!("{} {what}", self.name)).or_default() += u32::from(found);
        let recipe = &self.engine.settings.recipe;
        for status in [200, 204, 400, 401, 403, 429, 500, 503] {
            answer::read(recipe, &answered(status, &text), 0);
        }
        for (index, plan) in recipe.lookups.iter().enumerate() {
            let hits = self.engine.hits(plan, &data, (number, &self.engine.settings.numbering)).unwrap_or_default();
            note(format!("lookup {index}"), !hits.is_empty());
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
                note(format!("next {index}"), led.is_ok_and(|lead| lead.is_some()));
            }
        }
        for (index, plan) in recipe.then.iter().chain(&recipe.users).enumerate() {
            let mut contact = Contact::default();
            plan.map.fill(&mut contact, &data);
            note(format!("follow-up {index}"), contact != Contact::default());
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
            note("session".to_owned(), self.engine.begin(plan, &data).is_ok());
        }
        Ok(())
    }
}

fn answered(status: u16, body: &str) -> Answer {
    Answer { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new(), body: body.to_owned().into() }
}

#[test]
fn no_answer_whatever_its_shape_harms_a_mapping_or_is_read_as_what_it_is_not() {
    let (benches, number) = (benches(), parse("+40722111222", &Numbering::of_country("RO")));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: random_answers(),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let counts = std::cell::RefCell::new(Counts::new());
    let changes = prop::collection::vec((any::<Index>(), any_json()), 0..4);
    let outcome = runner.run(&(any_json(), any::<Index>(), changes), |(json, place, changes)| {
        let random: Value = serde_json::from_str(&json).map_err(|error| TestCaseError::fail(error.to_string()))?;
        for bench in &benches {
            let recorded = &bench.recorded[place.index(bench.recorded.len())];
            bench.read(&random, &number, &mut counts.borrow_mut())?;
            bench.read(&changed(recorded, &changes), &number, &mut counts.borrow_mut())?;
        }
        Ok(())
    });
    outcome.unwrap();
    let never: Vec<String> = counts.take().into_iter().filter(|(_, count)| *count == 0).map(|(what, _)| what).collect();
    // A page of a hundred records leads on there, and no answer here has so many.
    assert_eq!(never, ["minicrm next 0"], "no answer ever got there");
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
