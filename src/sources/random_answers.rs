//! Random answers of systems, for the tests of everything that reads answers: JSON of any shape, and recorded answers in which
//! something random stands in some places.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use crate::model::{Contact, ContactId};

/// How many answers each mapping reads in all; half of them are recorded ones with random changes.
fn answers() -> u32 {
    std::env::var("CALLDEX_RANDOM_ANSWERS").ok().and_then(|text| text.parse().ok()).unwrap_or(ANSWERS)
}

/// The figure of the promise.
const ANSWERS: u32 = 100_000;

/// Threads that share them.
const THREADS: u32 = 2;

/// A random answer, and what to change in a recorded one.
#[derive(Debug)]
pub(crate) struct Random {
    /// JSON of any shape.
    pub(crate) answer: Value,
    /// Chooses one of several.
    pub(crate) place: Index,
    changes: Vec<(Index, Value)>,
}

impl Random {
    /// A recorded answer in which something else stands in some places.
    pub(crate) fn change(&self, recorded: &Value) -> Value {
        let mut answer = recorded.clone();
        for (place, other) in &self.changes {
            let count = count(&answer);
            if let Some(node) = node(&mut answer, &mut place.index(count)) {
                *node = other.clone();
            }
        }
        answer
    }
}

/// Reads all random answers. `read` reads two of each: the random one and a changed one.
pub(crate) fn for_each(read: impl Fn(&Random) -> Result<(), TestCaseError> + Sync) {
    let config =
        ProptestConfig { cases: answers() / 2 / THREADS, failure_persistence: None, ..ProptestConfig::default() };
    let (read, config) = (&read, &config);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed(thread));
            scope.spawn(move || {
                let changes = prop::collection::vec((any::<Index>(), any_json()), 0..4);
                let run = TestRunner::new_with_rng(config.clone(), rng).run(
                    &(any_json(), any::<Index>(), changes),
                    |drawn| {
                        let (answer, place, changes) = drawn;
                        let changes = changes.into_iter().map(|(place, other)| (place, parsed(&other))).collect();
                        read(&Random { answer: parsed(&answer), place, changes })
                    },
                );
                run.unwrap();
            });
        }
    });
}

/// The same answers in every run, or others: `CALLDEX_RANDOM_SEED`, a number.
fn seed(thread: u32) -> [u8; 32] {
    let wanted =
        std::env::var("CALLDEX_RANDOM_SEED").ok().and_then(|seed| seed.parse::<u64>().ok()).unwrap_or_default();
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&wanted.to_le_bytes());
    seed[8..12].copy_from_slice(&thread.to_le_bytes());
    seed
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
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
pub(crate) struct Words {
    texts: BTreeSet<String>,
    numbers: BTreeSet<String>,
}

impl Words {
    pub(crate) fn of(value: &Value) -> Self {
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

    pub(crate) fn say_null(&self) -> bool {
        self.texts.iter().any(|text| text.contains("null") || text.to_lowercase().contains("none"))
    }

    /// Says what is wrong with a contact that was made of the answer.
    pub(crate) fn explain(&self, contact: &Contact, has_id: bool) -> Option<String> {
        if has_id && !self.have_id(&contact.id) {
            return Some(format!("the id {:?} is not that of the answer", contact.id));
        }
        let texts = contact.fields.values().chain(contact.custom.values());
        let null = |text: &&String| text.is_empty() || text.contains("null") || text.to_lowercase().contains("none");
        texts.filter(|_| !self.say_null()).find(null).map(|text| format!("{text:?} was made of nothing"))
    }
}
