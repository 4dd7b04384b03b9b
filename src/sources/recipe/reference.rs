//! Documentation of the format, made from its types: docs/recipes.md and the JSON Schema for editors.

use std::fmt::Write;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::format::RecipeFile;

/// What stands above the tables.
const INTRODUCTION: &str = include_str!("reference.md");

/// The tables of the reference in their order: the name of the type, and what stands above it.
const TABLES: [(&str, &str); 11] = [
    ("RecipeFile", "The file"),
    ("ParamTable", "`[param.NAME]`"),
    ("HttpTable", "`[http]`"),
    ("AuthTable", "`[auth]`"),
    ("AuthKind", "`[auth] kind`"),
    ("RequestTable", "`[[lookup]]`, `[[then]]`, `[users]`, `[[log_call]]`, `[create]`, `[search]`, `[auth.login]`"),
    ("ErrorTable", "`[[error]]`"),
    ("Meaning", "`[[error]] as`"),
    ("BudgetTable", "`[[budget]]`"),
    ("TestTable", "`[[test]]`"),
    ("ExchangeTable", "`[[test.exchange]]`"),
];

/// The JSON Schema of a recipe, for editors.
#[must_use]
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&schema_value()).unwrap_or_default();
    text.push('\n');
    text
}

/// The reference of the format, docs/recipes.md.
#[must_use]
pub fn reference() -> String {
    let schema = schema_value();
    let mut page = INTRODUCTION.to_owned();
    for (name, heading) in TABLES {
        let table = if name == "RecipeFile" { Some(&schema) } else { schema.pointer(&format!("/$defs/{name}")) };
        if let Some(table) = table {
            let _ = write!(page, "\n### {heading}\n\n");
            write_table(&mut page, table);
        }
    }
    page
}

fn schema_value() -> Value {
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    generator.into_root_schema_for::<RecipeFile>().to_value()
}

fn write_table(page: &mut String, table: &Value) {
    if let Some(text) = description(table) {
        let _ = writeln!(page, "{text}\n");
    }
    if let Some(choices) = table.get("oneOf").and_then(Value::as_array) {
        page.push_str("| word | meaning |\n|---|---|\n");
        for choice in choices {
            let word = choice.get("const").and_then(Value::as_str).unwrap_or_default();
            let _ = writeln!(page, "| `{word}` | {} |", cell(&description(choice).unwrap_or_default()));
        }
        return;
    }
    let Some(properties) = table.get("properties").and_then(Value::as_object) else { return };
    let required: Vec<&str> =
        table.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    page.push_str("| key | value | meaning |\n|---|---|---|\n");
    for (key, property) in properties {
        let kind = kind(property);
        let needed = if required.contains(&key.as_str()) { ", needed" } else { "" };
        let _ = writeln!(page, "| `{key}` | {kind}{needed} | {} |", cell(&description(property).unwrap_or_default()));
    }
}

fn description(value: &Value) -> Option<String> {
    value.get("description").and_then(Value::as_str).map(|text| text.replace('\n', " "))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The kind of a value in words.
fn kind(property: &Value) -> String {
    let Some(table) = property.as_object() else { return "anything".to_owned() };
    if let Some(name) = reference_of(table) {
        return match name {
            "AuthKind" | "Meaning" | "AnswerFormat" => "a word".to_owned(),
            _ => "a table".to_owned(),
        };
    }
    if let Some(choices) = table.get("anyOf").and_then(Value::as_array) {
        return choices.first().map(kind).unwrap_or_default();
    }
    match type_of(table) {
        "array" => format!("a list of {}", plural(&table.get("items").map(kind).unwrap_or_default())),
        "object" => format!("a table of {}", plural(&table.get("additionalProperties").map(kind).unwrap_or_default())),
        "string" => "a text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" => "a number".to_owned(),
        _ => "anything".to_owned(),
    }
}

fn type_of(table: &Map<String, Value>) -> &str {
    match table.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    }
}

fn reference_of(table: &Map<String, Value>) -> Option<&str> {
    let direct = table.get("$ref").and_then(Value::as_str);
    direct.and_then(|reference| reference.rsplit('/').next())
}

fn plural(kind: &str) -> String {
    match kind {
        "a text" => "texts".to_owned(),
        "a number" => "numbers".to_owned(),
        "a table" => "tables".to_owned(),
        other => other.replace("a table of ", "tables of "),
    }
}
