//! `[source.NAME]`: a system that is asked at the moment of the call.
//!
//! What is common to all API types is read here. What a type makes of its parameters, only the type knows: it lies above
//! the configuration and is asked through [`Checks`] while the file is read, so that its complaints have
//! a place too.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use toml::de::DeValue;

use super::checks::{Checks, Complaint};
use super::directory::full_name;
use super::duration::format_duration;
use super::keys::{Key, Kind, Section};
use super::names::check_name;
use super::nearest::{did_you_mean, nearest};
use super::numbering;
use super::params::Params;
use super::project::Project;
use super::reader::Reader;
use super::recipe_text::{RecipeText, RecipeTexts};
use super::secret::{Environment, Secret, substitute};
use crate::number::{Numbering, Spelling};

/// `[source.NAME]`: a system that is asked at the moment of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The full name: `helpdesk`, or `acme/helpdesk` from `projects/acme.toml`.
    pub name: Arc<str>,
    /// The API type, such as `generic`.
    pub api_type: String,
    /// The name of a file of `recipes/` that is nearly the type, where none is called like it.
    pub near_recipe: Option<Arc<str>>,
    /// The file of `recipes/` that is called like the type.
    pub recipe: Option<Arc<RecipeText>>,
    /// Where it is; it may hold a password.
    pub url: Option<Secret>,
    /// The parameters of the type.
    pub params: Params,
    /// The statement of an SQL source.
    pub query: Option<String>,
    /// How the numbers in it are read.
    pub numbering: Numbering,
    /// How numbers are sent to it; `None` leaves it to the type.
    pub form: Option<Spelling>,
    /// The spellings to try, in order; empty leaves it to the type.
    pub forms: Vec<Spelling>,
    /// The fields or columns of its answers that hold numbers.
    pub numbers: Vec<String>,
    /// JMESPath expressions, or columns, by the field of calldex that they fill.
    pub map: BTreeMap<String, String>,
    /// How long one request may take.
    pub timeout: Duration,
    /// Most requests in a time.
    pub rate: Option<Rate>,
    /// Most requests at once.
    pub max_in_flight: usize,
    /// A file with certificates that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// The folder of the main file, where the paths in its parameters start.
    pub folder: PathBuf,
    /// Whether project files may use it.
    pub shared: bool,
    /// Whether a tenant wrote it, so that it reaches public addresses only: a project of its file that lists it, or any
    /// project of its project file, has `tenant = true`.
    pub tenant: bool,
}

/// So many requests in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub requests: u32,
    /// In what time.
    pub per: Duration,
}

/// What a variable must not carry into a URL: everything but RFC 3986's unreserved characters is encoded.
const IN_A_URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Most requests of a rate, in its time.
const MOST_REQUESTS: u32 = 1_000_000;

/// The keys of `[source.NAME]`.
pub(crate) static SECTION: Section = Section {
    path: "source.NAME",
    about: "A system that is asked at the moment of the call, for projects that list it in `sources`. In a project file \
            it is private, as directories are.",
    groups: &[
        &[
            Key::new(
                "type",
                Kind::Text("the name of an API type, such as \"generic\""),
                "",
                "The API type: what is asked, and in which protocol.",
            ),
            Key::new(
                "url",
                Kind::Secret("a URL such as \"https://crm.example.com/api/caller\""),
                "",
                "Where the system is; a database as `postgres://`, `mysql://` or `sqlite:`. A variable at its start is \
                 taken as it stands, one further on is percent-encoded.",
            ),
            Key::new(
                "params",
                Kind::Params,
                "",
                "The parameters of the API type: a query string as the PBX has it, \
                 `\"domain=acme&user=${KEY}&password=X\"`, or a table `[source.NAME.params]`. Variables are put in \
                 after the string was taken apart. In a table `{ file = \"key.txt\" }` is what stands in that file, from \
                 the folder of the main file.",
            ),
            Key::new(
                "query",
                Kind::Text("an SQL statement such as \"SELECT * FROM contacts WHERE telephone = :national\""),
                "",
                "The query of an SQL source, with named parameters that are bound: the spellings of `form`, such as \
                 `:national`; `:forms` for all of `forms` in `IN (:forms)`; `:suffix` for the last seven digits; \
                 `:raw :dnid :project`.",
            ),
        ],
        numbering::COMMON,
        &[
            Key::new(
                "form",
                Kind::Choice(&Spelling::WORDS),
                "",
                "How the number is sent, where the type sends one spelling.",
            ),
            Key::new(
                "forms",
                Kind::Texts("the name of a spelling, such as \"e164\""),
                "",
                "The spellings that are looked for, in order, where the type looks for several. Without them all are.",
            ),
            Key::new(
                "numbers",
                Kind::Texts("the name of a field or column"),
                "",
                "The fields of an answer that hold numbers. One of them has to be the caller's, and a contact without \
                 one is nobody; where this is not set, the answer is taken at its word.",
            ),
            Key::new(
                "map",
                Kind::Map("JMESPath expressions or columns, by field, such as { name = \"person.full_name\" }"),
                "",
                "What fills the fields of a contact, by field: `{ name = \"person.full_name\" }`. `contacts` says where in \
                 the answer the contacts are.",
            ),
            Key::new(
                "timeout",
                Kind::Duration { min: Duration::from_millis(100), max: Duration::from_secs(60) },
                "\"10s\"",
                "How long one request may take. Longer than the deadline of a project: a late answer is remembered for \
                 the next call.",
            ),
            Key::new(
                "rate",
                Kind::Text("a number of requests and a time, such as \"20/2s\""),
                "",
                "Most requests in a time, as the system allows them.",
            ),
            Key::new("max_in_flight", Kind::Whole { min: 1, max: 1000 }, "32", "Most requests at once."),
            Key::new(
                "ca_file",
                Kind::Text("the path of a file in PEM"),
                "",
                "Certificates of authorities that are trusted beside those of the system; from the folder of the \
                 main file.",
            ),
            Key::new("shared", Kind::Switch, "false", "Whether project files may use it. Only in the main file."),
        ],
    ],
};

/// Reads the sources of one file; `file` is the stem of a project file.
pub(crate) fn read_all(
    root: &Reader<'_>,
    file: Option<&str>,
    checks: &Checks<'_>,
    recipes: &RecipeTexts,
) -> BTreeMap<Arc<str>, Source> {
    let tables = root.tables("source").into_iter();
    let sources =
        tables.map(|(name, reader)| Source::read(full_name(file, name), name, reader, file.is_some(), checks, recipes));
    sources.map(|source| (Arc::clone(&source.name), source)).collect()
}

impl Source {
    fn read(
        full_name: Arc<str>,
        name: &str,
        reader: Reader<'_>,
        in_project_file: bool,
        checks: &Checks<'_>,
        recipes: &RecipeTexts,
    ) -> Self {
        let before = reader.sheet.problems.borrow().len();
        check_name("source", name, &reader);
        if in_project_file && reader.is_set("shared") {
            let message = format!(
                "shared in [{}] does nothing in a project file; only sources of the main file can be shared",
                reader.path
            );
            reader.sheet.problem(&reader.place_of("shared"), message);
        }
        let api_type = read_type(&reader);
        let source = Self {
            name: full_name,
            near_recipe: near_recipe(&api_type, recipes),
            recipe: recipes.get(api_type.as_str()).cloned(),
            api_type,
            url: reader.raw("url", read_url).map(|url| Secret::new(resolve_file(url, &reader))),
            params: read_params(&reader),
            query: reader.text("query").map(|text| text.value),
            numbering: numbering::read_common(&reader),
            form: reader.parse("form", read_spelling),
            forms: reader.parse_list("forms", read_spelling),
            numbers: reader.texts("numbers").into_iter().map(|text| text.value).collect(),
            map: read_map(&reader),
            timeout: reader.duration("timeout"),
            rate: reader.parse("rate", read_rate),
            max_in_flight: reader.whole("max_in_flight").and_then(|most| usize::try_from(most).ok()).unwrap_or(1),
            ca_file: reader.text("ca_file").map(|text| reader.sheet.folder.join(text.value)),
            folder: reader.sheet.folder.to_path_buf(),
            shared: reader.switch("shared"),
            tenant: false,
        };
        // A section that can be read is checked, whatever is wrong elsewhere.
        if reader.sheet.problems.borrow().len() == before {
            report(&reader, &(checks.source)(&source));
        }
        reader.finish();
        source
    }
}

fn near_recipe(api_type: &str, recipes: &RecipeTexts) -> Option<Arc<str>> {
    if recipes.contains_key(api_type) {
        return None;
    }
    nearest(api_type, recipes.keys().map(|name| &**name)).map(Arc::from)
}

/// Warns of sources that give up before those who ask them do; `projects` are those of the same file.
pub(crate) fn warn_of_haste(
    root: &Reader<'_>,
    sources: &BTreeMap<Arc<str>, Source>,
    projects: &[Project],
    file: Option<&str>,
) {
    if !root.sheet.problems.borrow().is_empty() {
        return;
    }
    for (name, reader) in root.tables("source") {
        let Some(source) = sources.get(&full_name(file, name)) else { continue };
        let asking = projects.iter().filter(|project| project.sources.contains(&source.name));
        let patient = asking.max_by_key(|project| project.deadline).filter(|most| most.deadline >= source.timeout);
        if let Some(project) = patient {
            let (path, name, deadline) = (&reader.path, &project.name, format_duration(project.deadline));
            let message = format!(
                "[{path}]: the timeout is not longer than the deadline of the project {name} ({deadline}), so that no late \
                 answer is remembered for the next call"
            );
            reader.sheet.warn(&reader.place_of("timeout"), message);
        }
    }
}

/// Puts what the owner of a section complains about to its place in the file.
pub(crate) fn report(reader: &Reader<'_>, complaints: &[Complaint]) {
    for Complaint { key, place, message, is_warning } in complaints {
        let (place, message) = match place {
            Some(place) => (place.clone(), message.clone()),
            None => {
                let place = key.map_or_else(|| reader.place.clone(), |key| reader.place_of(key));
                (place, format!("[{}]: {message}", reader.path))
            }
        };
        if *is_warning { reader.sheet.warn(&place, message) } else { reader.sheet.problem(&place, message) }
    }
}

fn read_type(reader: &Reader<'_>) -> String {
    if let Some(text) = reader.text("type") {
        return text.value;
    }
    if !reader.is_set("type") {
        let message = format!("[{}] has no type; expected one such as type = \"generic\"", reader.path);
        reader.sheet.problem(&reader.place, message);
    }
    String::new()
}

/// Puts variables into a URL: one at its start is part of the URL, one further on is data and is encoded.
fn read_url(written: &str, environment: Environment<'_>) -> Result<String, String> {
    let start = written.starts_with("${").then(|| written.find('}')).flatten().map_or(0, |brace| brace + 1);
    let (base, rest) = written.split_at(start);
    let encoded = |name: &str| environment(name).map(|value| utf8_percent_encode(&value, IN_A_URL).to_string());
    Ok(substitute(base, environment)? + &substitute(rest, &encoded)?)
}

/// A file of SQLite stands where the main file does, unless its path says otherwise.
fn resolve_file(url: String, reader: &Reader<'_>) -> String {
    match url.strip_prefix("sqlite:") {
        Some(file) if !file.starts_with('/') && !file.starts_with(':') => {
            format!("sqlite:{}", reader.sheet.path(file).display())
        }
        _ => url,
    }
}

fn read_params(reader: &Reader<'_>) -> Params {
    let Some((key, value)) = reader.value("params") else { return Params::default() };
    let environment = reader.sheet.environment;
    let read = match value.get_ref() {
        DeValue::String(written) => Params::from_string(written, environment),
        DeValue::Table(table) => Params::from_table(table, reader.sheet),
        _ => return reader.refuse(key, &value, "").unwrap_or_default(),
    };
    read.unwrap_or_else(|why| {
        reader.sheet.problem(&value.span(), format!("{}: {why}", reader.name_of(key)));
        Params::default()
    })
}

fn read_map(reader: &Reader<'_>) -> BTreeMap<String, String> {
    let Some((key, _)) = reader.value("map") else { return BTreeMap::new() };
    let entries = reader.entries("map").into_iter();
    entries.filter_map(|(field, _, value)| Some((field.to_owned(), reader.text_of(key, &value)?.value))).collect()
}

fn read_spelling(text: &str) -> Result<Spelling, String> {
    let found = Spelling::ALL.iter().find(|(word, _)| *word == text).map(|(_, spelling)| *spelling);
    found.ok_or_else(|| did_you_mean(text, Spelling::WORDS))
}

/// Reads a number of requests and a time, such as `20/2s`.
pub(crate) fn read_rate(text: &str) -> Result<Rate, String> {
    let Some((requests, per)) = text.split_once('/') else { return Err(String::new()) };
    let per = if per.starts_with(|first: char| first.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
    let requests = requests.trim().parse().ok().filter(|requests| (1..=MOST_REQUESTS).contains(requests));
    let per = super::duration::parse_duration(per.trim()).filter(|per| !per.is_zero());
    requests.zip(per).map(|(requests, per)| Rate { requests, per }).ok_or_else(String::new)
}
