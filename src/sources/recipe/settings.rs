//! The settings of one source that uses a recipe: its parameters, its address, and what it says otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use minijinja::value::Value;
use url::Url;

use super::mapping::{Mapping, Path};
use super::template::Template;
use super::{ParamTable, Recipe};
use crate::config::{self, Complaint, Param, did_you_mean};
use crate::error::{Error, Kind, Result};
use crate::number::{Numbering, Spelling};

/// How long a lookup of a recorded test may take, in which no time passes.
const TIME_OF_TESTS: Duration = Duration::from_secs(10);

/// A recipe with the settings of one source.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) recipe: Arc<Recipe>,
    /// The parameters, as templates see them.
    pub(super) params: Value,
    /// What takes the place of scheme, host and port of every address.
    pub(super) url: Option<Url>,
    /// How long one lookup may take.
    pub(super) timeout: Duration,
    pub(super) numbering: Numbering,
    pub(super) forms: Vec<Spelling>,
    pub(super) map: Mapping,
}

/// Says what is wrong with the settings of a source that uses this recipe.
#[must_use]
pub fn check_settings(recipe: &Recipe, source: &config::Source) -> Vec<Complaint> {
    let mut complaints: Vec<Complaint> =
        read_params(recipe, &given(source)).err().into_iter().flatten().map(|why| mistake("params", why)).collect();
    if source.url.is_none() && recipe.base.is_none() {
        let message = format!("there is no url; {} runs at an address of your own, expected it here", recipe.title);
        complaints.push(Complaint::mistake(None, message));
    }
    complaints.extend(read_url(source).err().map(|why| mistake("url", why)));
    complaints.extend(map_of(recipe, source).err().map(|why| mistake("map", why)));
    if source.query.is_some() {
        complaints.push(Complaint::warning(Some("query"), "query does nothing here; a recipe has requests of its own"));
    }
    complaints
}

fn mistake(key: &'static str, why: String) -> Complaint {
    Complaint::mistake(Some(key), why)
}

impl Settings {
    /// Takes the settings of a source.
    ///
    /// # Errors
    /// [`Kind::Invalid`] with what [`check_settings`] complains about.
    pub(super) fn of_source(recipe: Arc<Recipe>, source: &config::Source) -> Result<Self> {
        let invalid = |why: String| Error::new(Kind::Invalid, why);
        let params = read_params(&recipe, &given(source)).map_err(|why| invalid(why.join("; ")))?;
        let mut forms = source.forms.clone();
        forms.extend(source.form.filter(|_| source.forms.is_empty()));
        Ok(Self {
            params: as_value(params),
            url: read_url(source).map_err(invalid)?,
            timeout: source.timeout,
            numbering: source.numbering.clone(),
            forms: if forms.is_empty() { recipe.forms.clone() } else { forms },
            map: map_of(&recipe, source).map_err(invalid)?,
            recipe,
        })
    }

    /// Whether the address of the CRM is what its login says.
    pub(super) fn is_at_session(&self) -> bool {
        self.url.is_none() && self.recipe.base.as_ref().is_some_and(Template::names_session)
    }

    /// Takes the settings of a recorded test.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn of_test(
        recipe: Arc<Recipe>,
        params: &BTreeMap<String, String>,
        url: Option<&str>,
        country: &str,
    ) -> std::result::Result<Self, String> {
        let params = read_params(&recipe, params).map_err(|why| why.join("; "))?;
        let url = url.map(|url| url.parse().map_err(|_| format!("url {url:?} is no address"))).transpose()?;
        Ok(Self {
            params: as_value(params),
            url,
            timeout: TIME_OF_TESTS,
            numbering: Numbering::of_country(country),
            forms: recipe.forms.clone(),
            map: recipe.map.clone(),
            recipe,
        })
    }
}

impl Settings {
    /// The values of the parameters that the recipe calls secret.
    pub(super) fn secrets(&self) -> Vec<String> {
        let secret = self.recipe.params.iter().filter(|(_, param)| param.secret);
        let values = secret.filter_map(|(name, _)| self.params.get_attr(name).ok());
        values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }
}

fn as_value(params: BTreeMap<String, String>) -> Value {
    Value::from(params.into_iter().map(|(name, value)| (name, Value::from(value))).collect::<BTreeMap<_, _>>())
}

/// The parameters of a source by name; what has inner parameters has no value that a recipe could use.
fn given(source: &config::Source) -> BTreeMap<String, String> {
    let texts = source.params.iter().map(|(name, param)| match param {
        Param::Text(text) => (name.to_string(), text.reveal().to_owned()),
        Param::Inner(_) => (name.to_string(), String::new()),
    });
    texts.collect()
}

/// Checks parameters and fills in defaults; no message shows a value.
fn read_params(
    recipe: &Recipe,
    given: &BTreeMap<String, String>,
) -> std::result::Result<BTreeMap<String, String>, Vec<String>> {
    let mut wrong = Vec::new();
    for name in given.keys().filter(|name| !recipe.params.contains_key(*name)) {
        let hint = did_you_mean(name, recipe.params.keys().map(String::as_str));
        let known = recipe.params.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "none".to_owned() } else { known };
        wrong.push(format!("there is no parameter {name:?}; {} has {known}{hint}", recipe.title));
    }
    let mut params = BTreeMap::new();
    for (name, param) in &recipe.params {
        let value = given.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        match value.or(param.default.as_deref()) {
            Some(value) => match explain_value(recipe, name, param, value) {
                None => {
                    params.insert(name.clone(), value.to_owned());
                }
                Some(why) => wrong.push(why),
            },
            None if param.optional => {}
            None => wrong.push(format!("the parameter {name:?} is missing: {}", param.title)),
        }
    }
    if wrong.is_empty() { Ok(params) } else { Err(wrong) }
}

fn explain_value(recipe: &Recipe, name: &str, param: &ParamTable, value: &str) -> Option<String> {
    if !param.choices.is_empty() && !param.choices.iter().any(|choice| choice == value) {
        return Some(format!("the parameter {name:?} is none of {}", param.choices.join(", ")));
    }
    let pattern = recipe.patterns.get(name).filter(|pattern| !pattern.is_match(value))?;
    Some(format!(
        "the parameter {name:?} ({}) does not look like one; expected {}",
        param.title,
        shown(pattern.as_str())
    ))
}

/// A pattern as its author wrote it.
fn shown(pattern: &str) -> &str {
    pattern.strip_prefix("^(?:").and_then(|pattern| pattern.strip_suffix(")$")).unwrap_or(pattern)
}

fn read_url(source: &config::Source) -> std::result::Result<Option<Url>, String> {
    let Some(url) = &source.url else { return Ok(None) };
    let wrong = || "url is no address; expected one such as \"https://crm.example.com\"".to_owned();
    let url: Url = url.reveal().parse().map_err(|_| wrong())?;
    let plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let is_web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
    match (is_web, plain) {
        (true, true) => Ok(Some(url)),
        (true, false) => Err("url holds a user, a query or a fragment; credentials go into params".to_owned()),
        (false, _) => Err(wrong()),
    }
}

/// The mapping of the recipe with what the source says otherwise.
fn map_of(recipe: &Recipe, source: &config::Source) -> std::result::Result<Mapping, String> {
    let mut map = recipe.map.clone();
    for (key, expression) in &source.map {
        map.set(key, Path::compile(expression)?);
    }
    if !source.numbers.is_empty() {
        map.set("numbers", Path::compile(&format!("[{}]", source.numbers.join(", ")))?);
    }
    Ok(map)
}
