//! `calldex recipe`: the recipes there are, what is wrong with one, its tests, a first one, and one at work.
//!
//! Only `call` needs a configuration; the others look at `recipes/` beside it when that folder exists.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;

use crate::config::{RecipeText, RecipeTexts, is_name, nearest, read_recipes};
use crate::error::{Error, Kind, Result};
use crate::sources::TYPES;
use crate::sources::recipe::{self, Recipe};

use super::workshop::unwritable;

mod call;
mod event;

/// What to do with recipes.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List every recipe: those that come with calldex, and those of `recipes/`
    List,
    /// Print a recipe as it stands
    Show {
        /// The name of a recipe, or a file
        recipe: String,
    },
    /// Read a recipe and run its tests; exit code 1 when something is wrong
    Check {
        /// The name of a recipe, or a file
        recipe: String,
    },
    /// Run the tests of one recipe, or of all of them, and say what became of each
    Test {
        /// The name of a recipe, or a file; every recipe without it
        recipe: Option<String>,
    },
    /// Write a first recipe to `recipes/NAME.toml` beside the configuration, or a copy of the shipped one of that name
    New {
        /// The name that sources will call it, their `type`
        name: String,
    },
    /// Print the JSON Schema of recipes, etc/recipe.schema.json
    Schema,
    /// Print the reference of the format, docs/recipes.md
    Reference,
    /// Have a source of the configuration do something in its CRM
    Call(call::Arguments),
}

/// Runs `calldex recipe`. `config` is the main file, which need not exist; results go to `out`.
///
/// # Errors
/// [`Kind::NotFound`] for a recipe that there is not, [`Kind::Invalid`] for one with mistakes.
pub(crate) fn run(command: &Command, config: &Path, out: &mut dyn Write) -> Result<()> {
    let folder = config.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match command {
        Command::List => list(folder, out),
        Command::Show { recipe } => print(out, &find(recipe, folder)?.content()?),
        Command::Check { recipe } => {
            let found = find(recipe, folder)?;
            let tests = found.check()?;
            print(out, &format!("{}: ok, {}\n", found.file, count(tests)))
        }
        Command::Test { recipe } => test(recipe.as_deref(), folder, out),
        Command::New { name } => new(name, folder, out),
        Command::Schema => print(out, &recipe::schema()),
        Command::Reference => print(out, &recipe::reference()),
        Command::Call(arguments) => call::run(arguments, config, out),
    }
}

/// A recipe by name or file.
struct Found {
    name: String,
    file: String,
    text: std::result::Result<String, String>,
}

impl Found {
    fn of_text(text: &RecipeText) -> Self {
        Self { name: text.name.to_string(), file: text.file.to_string(), text: text.text.clone() }
    }

    fn content(&self) -> Result<String> {
        self.text.clone().map_err(|why| Error::new(Kind::Invalid, format!("{}: {why}", self.file)))
    }

    fn read(&self) -> Result<Arc<Recipe>> {
        let read = recipe::read(&self.name, &self.file, &self.content()?);
        Ok(Arc::new(read.map_err(|problems| Error::new(Kind::Invalid, problems.to_string()))?))
    }

    /// Reads it and runs its tests; returns how many there are.
    fn check(&self) -> Result<usize> {
        explain_taken(&self.name)?;
        let checked = recipe::check(&self.name, &self.file, &self.content()?);
        let checked = checked.map_err(|problems| Error::new(Kind::Invalid, problems.to_string()))?;
        Ok(recipe::try_out(&Arc::new(checked)).len())
    }
}

fn find(name: &str, folder: &Path) -> Result<Found> {
    if name.ends_with(".toml") || name.contains('/') {
        return Ok(Found::of_text(&RecipeText::read(&PathBuf::from(name))));
    }
    let own = own(folder)?;
    if let Some(text) = own.get(name) {
        return Ok(Found::of_text(text));
    }
    if let Some(shipped) = recipe::shipped(name) {
        return Ok(of_shipped(shipped));
    }
    let known: Vec<&str> = own.keys().map(|name| &**name).chain(recipe::SHIPPED.iter().map(|it| it.name)).collect();
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}; a file is named with its .toml", known.join(", ")),
    };
    Err(Error::new(Kind::NotFound, format!("there is no recipe {name}; {hint}")))
}

fn of_shipped(shipped: &recipe::Shipped) -> Found {
    Found { name: shipped.name.to_owned(), file: format!("{}.toml", shipped.name), text: Ok(shipped.text.to_owned()) }
}

fn own(folder: &Path) -> Result<RecipeTexts> {
    read_recipes(folder).map_err(|problem| Error::new(Kind::Invalid, problem.to_string()))
}

/// Every recipe by name; one of `recipes/` stands in the place of a shipped one.
fn all(folder: &Path) -> Result<BTreeMap<String, Found>> {
    let shipped = recipe::SHIPPED.iter().map(|shipped| (shipped.name.to_owned(), of_shipped(shipped)));
    let mut all: BTreeMap<String, Found> = shipped.collect();
    all.extend(own(folder)?.values().map(|text| (text.name.to_string(), Found::of_text(text))));
    Ok(all)
}

fn list(folder: &Path, out: &mut dyn Write) -> Result<()> {
    for (name, found) in all(folder)? {
        let from = if found.file.contains('/') { found.file.as_str() } else { "shipped" };
        let line = match found.read() {
            Ok(recipe) => {
                let params = recipe.params.iter().map(shown_param).collect::<Vec<_>>().join(" ");
                let operations = recipe.operations().join(" ");
                format!("{name}\t{}\t{from}\tparams: {params}\tcan: find {operations}\n", recipe.title)
            }
            Err(_) => format!("{name}\t(has mistakes, `calldex recipe check {name}` names them)\t{from}\n"),
        };
        print(out, &line)?;
    }
    Ok(())
}

/// A parameter by name, in brackets when it may be left out.
fn shown_param((name, param): (&String, &recipe::ParamTable)) -> String {
    if param.optional || param.default.is_some() { format!("[{name}]") } else { name.clone() }
}

fn test(name: Option<&str>, folder: &Path, out: &mut dyn Write) -> Result<()> {
    let chosen = match name {
        Some(name) => vec![find(name, folder)?],
        None => all(folder)?.into_values().collect(),
    };
    let mut failed = 0;
    for found in chosen {
        let recipe = match found.read() {
            Ok(recipe) => recipe,
            // The others are tried all the same.
            Err(why) if name.is_none() => {
                failed += 1;
                print(out, &format!("{}: FAILED: {why}\n", found.name))?;
                continue;
            }
            Err(why) => return Err(why),
        };
        for trial in recipe::try_out(&recipe) {
            let outcome = match &trial.outcome {
                Ok(()) => "ok".to_owned(),
                Err(why) => format!("FAILED: {why}"),
            };
            failed += usize::from(trial.outcome.is_err());
            print(out, &format!("{}: {}: {outcome}\n", found.name, trial.name))?;
        }
    }
    if failed == 0 { Ok(()) } else { Err(Error::new(Kind::Invalid, format!("{} failed", count(failed)))) }
}

fn new(name: &str, folder: &Path, out: &mut dyn Write) -> Result<()> {
    if !is_name(name) {
        let message = format!("{name:?} cannot be the name of a recipe; expected small letters, digits, - and _");
        return Err(Error::new(Kind::Invalid, message));
    }
    explain_taken(name)?;
    let folder = folder.join("recipes");
    let file = folder.join(format!("{name}.toml"));
    if file.exists() {
        let message = format!("{} is there already; `calldex recipe check {name}` reads it", file.display());
        return Err(Error::new(Kind::Invalid, message));
    }
    let failed = |error: std::io::Error| {
        Error::new(Kind::Unavailable, format!("cannot write {}", file.display())).because(error)
    };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let mut made = std::fs::File::options().write(true).create_new(true).open(&file).map_err(failed)?;
    let shipped = recipe::shipped(name);
    made.write_all(shipped.map_or(recipe::NEW, |shipped| shipped.text).as_bytes()).map_err(failed)?;
    std::fs::write(folder.join("recipe.schema.json"), recipe::schema()).map_err(failed)?;
    let what = if shipped.is_some() { "written, a copy of the recipe that it takes the place of" } else { "written" };
    print(out, &format!("{}: {what}; `calldex recipe check {name}` reads it\n", file.display()))
}

/// The types that are code cannot be recipes too.
fn explain_taken(name: &str) -> Result<()> {
    if TYPES.iter().all(|api_type| api_type.name != name) {
        return Ok(());
    }
    let message = format!("{name} is an API type of calldex; expected another name for a recipe");
    Err(Error::new(Kind::Invalid, message))
}

fn count(tests: usize) -> String {
    format!("{tests} {}", if tests == 1 { "test" } else { "tests" })
}

fn print(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(unwritable)
}
