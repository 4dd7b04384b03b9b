//! The JSON Schema that `calldex recipe schema` prints, by a validator that knows nothing of calldex.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Workplace, has_program, text};

/// Makes a recipe wrong.
type Change = fn(&mut Value);

/// The recipe of the guide, as it stands there.
fn of_guide() -> String {
    let guide = include_str!("../../../docs/guides/your-own-crm.md");
    guide.split("```toml recipes/tinycrm.toml\n").nth(1).unwrap().split("\n```").next().unwrap().to_owned()
}

/// Whether a recipe is valid, and what the validator says.
fn validate(workplace: &Workplace, name: &str, recipe: &Value) -> (bool, String) {
    workplace.write(&format!("{name}.json"), recipe.to_string());
    let (file, schema) = (workplace.path(&format!("{name}.json")), workplace.path("schema.json"));
    let done = Command::new("jsonschema").arg("-i").arg(file).arg(schema).output().unwrap();
    (done.status.success(), text(&done.stderr) + &text(&done.stdout))
}

#[test]
fn the_printed_schema_takes_every_recipe_and_refuses_what_calldex_refuses() {
    if !has_program("jsonschema", "recipes against their JSON Schema") {
        return;
    }
    let workplace = Workplace::new("");
    let schema = workplace.succeed(&["recipe", "schema"]);
    workplace.write("schema.json", &schema);
    workplace.succeed(&["recipe", "new", "first"]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sources/recipes");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let shipped = files.filter(|file| file.extension().is_some_and(|kind| kind == "toml"));
    let mut recipes: Vec<String> = shipped.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    assert!(recipes.len() >= 10, "{}", recipes.len());
    recipes.extend([of_guide(), std::fs::read_to_string(workplace.path("recipes/first.toml")).unwrap()]);
    for (index, recipe) in recipes.iter().enumerate() {
        let recipe: Value = toml::from_str(recipe).unwrap();
        let (valid, said) = validate(&workplace, &format!("recipe{index}"), &recipe);
        assert!(valid, "{}: {said}", recipe["title"]);
    }
    let good: Value = toml::from_str(&recipes[0]).unwrap();
    let wrong: [(&str, Change); 5] = [
        ("unknown", |recipe| recipe["outt"] = Value::from("x")),
        ("missing", |recipe| drop(recipe.as_object_mut().unwrap().remove("title"))),
        ("word", |recipe| recipe["auth"]["kind"] = Value::from("barer")),
        ("spelling", |recipe| recipe["forms"] = Value::from(vec!["nosuch"])),
        ("kind", |recipe| recipe["lookup"][0]["next"] = Value::from(1)),
    ];
    for (name, change) in wrong {
        let mut recipe = good.clone();
        change(&mut recipe);
        assert!(!validate(&workplace, name, &recipe).0, "{name} passes");
    }
}
