//! Reads the text of a recipe, and gives every mistake its line and column.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::Recipe;
use super::compile::{Place, compile};
use super::format::RecipeFile;
use crate::config::{Lines, Problem, Problems, RecipeText, did_you_mean};

/// Reads a recipe. `name` is what sources call it, `file` what messages call it.
///
/// # Errors
/// Every mistake, with its place.
pub fn read(name: &str, file: &str, text: &str) -> Result<Recipe, Problems> {
    let file: Arc<str> = file.into();
    let lines = Lines::new(text);
    let at = |byte: usize, message: String| Problem::at(&file, lines.place(byte), message);
    let tables: RecipeFile = toml::from_str(text).map_err(|error| {
        let byte = error.span().map_or(0, |span| span.start);
        Problems::of(vec![at(byte, explain(error.message()))])
    })?;
    let document = DeTable::parse(text).map(|document| document.into_inner()).unwrap_or_default();
    compile(name, tables).map_err(|problems| {
        Problems::of(problems.into_iter().map(|(place, message)| at(find(&document, &place), message)).collect())
    })
}

/// Reads a recipe and runs its own tests: what stands between a file and its use.
///
/// # Errors
/// Every mistake, and every test that fails, with its place.
pub fn check(name: &str, file: &str, text: &str) -> Result<Recipe, Problems> {
    let recipe = Arc::new(read(name, file, text)?);
    let document = DeTable::parse(text).map(|document| document.into_inner()).unwrap_or_default();
    let lines = Lines::new(text);
    let named: Arc<str> = file.into();
    let mut problems = Vec::new();
    for (index, trial) in super::try_out(&recipe).into_iter().enumerate() {
        if let Err(why) = trial.outcome {
            let byte = find(&document, &["test".to_owned(), index.to_string()].to_vec());
            problems.push(Problem::at(&named, lines.place(byte), format!("the test {:?} fails: {why}", trial.name)));
        }
    }
    if !problems.is_empty() {
        return Err(Problems::of(problems));
    }
    Arc::try_unwrap(recipe).or_else(|_| read(name, file, text))
}

/// Reads a file of `recipes/` and runs its tests.
///
/// # Errors
/// Every mistake, and every test that fails, with its place.
pub fn read_text(text: &RecipeText) -> Result<Arc<Recipe>, Problems> {
    match &text.text {
        Ok(content) => check(&text.name, &text.file, content).map(Arc::new),
        Err(why) => Err(Problems::of(vec![Problem::with_file(&text.file, why.as_str())])),
    }
}

/// The byte where something stands; what does not exist stands where the nearest table around it does.
fn find(document: &DeTable<'_>, place: &Place) -> usize {
    let mut byte = 0;
    let Some((first, rest)) = place.split_first() else { return byte };
    let Some((key, mut value)) = document.get_key_value(first.as_str()) else { return byte };
    byte = key.span().start;
    for word in rest {
        let next = match value.get_ref() {
            DeValue::Table(table) => table.get_key_value(word.as_str()).map(|(key, value)| (key.span().start, value)),
            DeValue::Array(items) => {
                word.parse::<usize>().ok().and_then(|index| items.get(index)).map(|item| (item.span().start, item))
            }
            _ => None,
        };
        let Some((start, inner)) = next else { break };
        byte = start;
        value = inner;
    }
    byte
}

/// Turns what the parser says into a sentence with the nearest right word.
fn explain(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let Some((found, known)) = quoted.split_first() else { return message.to_owned() };
    if message.starts_with("unknown field") {
        let hint = did_you_mean(found, known.iter().copied());
        let list = if hint.is_empty() { format!("; expected one of {}", known.join(", ")) } else { hint };
        return format!("unknown key {found:?}{list}");
    }
    if message.starts_with("unknown variant") {
        let hint = did_you_mean(found, known.iter().copied());
        return format!("{found:?} is not one of {}{hint}", known.join(", "));
    }
    if message.starts_with("missing field") {
        return format!("the key {found} is missing");
    }
    message.to_owned()
}
