//! How files become a configuration: the main file, then each file of `projects/` beside it.
//!
//! A problem in the main file refuses everything. A problem in a project file refuses that file alone, so that a slip in
//! one customer's file does not stop the others; [`Config::keep_last_good`] then keeps what it said before.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::agent;
use super::cache::Cache;
use super::checks::Checks;
use super::directory;
use super::journal;
use super::keys::Section;
use super::log::Log;
use super::names::explain_name;
use super::namespace::{Names, Namespace};
use super::nearest::did_you_mean;
use super::print::print_effective;
use super::problem::{Lines, Problem, Problems};
use super::project;
use super::reader::Reader;
use super::recipe_text::{RecipeTexts, read_recipes};
use super::roster::Roster;
use super::secret::Environment;
use super::sections::{MAIN, PROJECT_FILE};
use super::server::{Server, UNREADABLE};
use super::sheet::{Sheet, shown};
use super::source::{self, Source};
use super::tenant::Written;
use super::{Config, ProjectFile};

/// A configuration, and what could not become part of it.
#[derive(Debug)]
pub struct Loaded {
    /// What holds, without the failed files.
    pub config: Config,
    /// Files of `projects/` that have problems.
    pub failed_files: Vec<FailedFile>,
    /// What is wrong with files of `recipes/`: the sources that use them fail, all others go on.
    pub failed_recipes: Vec<Problems>,
    /// Earlier recipes whose files are gone.
    pub gone_recipes: RecipeTexts,
    /// The configuration with its defaults, as TOML without secrets.
    pub effective: String,
}

/// A file of `projects/` that has problems.
#[derive(Debug, Clone)]
pub struct FailedFile {
    /// Its name without folder and `.toml`, which is the name of its namespace.
    pub stem: Arc<str>,
    /// Its name for messages.
    pub file: Arc<str>,
    /// What is wrong with it.
    pub problems: Problems,
}

/// The files of a configuration, read into memory.
#[derive(Debug)]
struct Files {
    main: SourceFile,
    projects: Vec<SourceFile>,
    recipes: RecipeTexts,
    folder: PathBuf,
}

/// One file, or why it could not be read.
#[derive(Debug)]
pub(super) struct SourceFile {
    pub(super) file: Arc<str>,
    pub(super) stem: Arc<str>,
    pub(super) text: Result<String, String>,
}

/// Reads the main file at `path` and every `projects/*.toml` and `recipes/*.toml` beside it.
///
/// # Errors
/// Every problem of the main file, and then those of the project files too.
pub fn load(path: &Path, environment: Environment<'_>, checks: &Checks<'_>) -> Result<Loaded, Problems> {
    load_again(path, environment, checks, RecipeTexts::new())
}

/// As [`load`], while a configuration is in force whose recipes are `earlier`: one whose file is gone still counts.
///
/// # Errors
/// As [`load`].
pub fn load_again(
    path: &Path,
    environment: Environment<'_>,
    checks: &Checks<'_>,
    earlier: RecipeTexts,
) -> Result<Loaded, Problems> {
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let main = SourceFile::read_main(path);
    let projects = list_files(&folder.join("projects")).map_err(|problem| Problems(vec![problem]))?;
    let projects = projects.iter().map(|path| SourceFile::read(path)).collect();
    let mut recipes = read_recipes(&folder).map_err(|problem| Problems(vec![problem]))?;
    let gone: RecipeTexts = earlier.into_iter().filter(|(name, _)| !recipes.contains_key(name)).collect();
    recipes.extend(gone.clone());
    let loaded = load_files(&Files { main, projects, recipes, folder }, environment, checks)?;
    Ok(Loaded { gone_recipes: gone, ..loaded })
}

/// Reads `[server]` alone, for whoever asks the process that runs: mistakes in the file are no obstacle, since that one
/// goes on with its last good configuration.
///
/// # Errors
/// What is wrong when the file cannot be read or does not say where the server listens.
pub fn load_server(path: &Path, environment: Environment<'_>) -> Result<Server, Problems> {
    let main = SourceFile::read_main(path);
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let (checks, recipes) = (Checks::NONE, RecipeTexts::new());
    let context = Context { folder: &folder, environment, main_file: &main.file, checks: &checks, recipes: &recipes };
    let sheet = context.sheet(&main, main.text()?, &MAIN);
    let (document, _) = DeTable::parse_recoverable(sheet.text);
    let server = Server::read(sheet.reader(document.get_ref()).table("server"));
    if server.listen == UNREADABLE {
        Problems::check(sheet.problems.take())?;
    }
    Ok(server)
}

/// Reads only `[server]`, for commands that need no more than the store: whoever has to be shut out is shut out also while
/// the file has a mistake elsewhere.
///
/// # Errors
/// What is wrong, where that leaves open which store it is.
pub fn load_store(path: &Path, environment: Environment<'_>) -> Result<Server, Problems> {
    let main = SourceFile::read_main(path);
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let (checks, recipes) = (Checks::NONE, RecipeTexts::new());
    let context = Context { folder: &folder, environment, main_file: &main.file, checks: &checks, recipes: &recipes };
    let sheet = context.sheet(&main, main.text()?, &MAIN);
    let (document, errors) = DeTable::parse_recoverable(sheet.text);
    let reader = sheet.reader(document.get_ref()).table("server");
    // In what is no TOML the place of the store may have got lost, or be another one.
    let place = reader.place_of("store");
    let touches = |at: Range<usize>| at.start <= place.end && at.end >= place.start;
    let is_lost = !errors.is_empty() && !reader.is_set("store");
    if is_lost || errors.iter().filter_map(toml::de::Error::span).any(touches) {
        parse(&sheet)?;
    }
    let server = Server::read(reader);
    if server.store == PathBuf::new() {
        Problems::check(sheet.problems.take())?;
    }
    Ok(server)
}

/// Reads a configuration out of a text alone, for tests and for the demonstration. Sources are not checked.
///
/// # Errors
/// Every problem, with `calldex.toml` as the name of the file.
pub fn load_text(text: &str, environment: Environment<'_>) -> Result<Config, Problems> {
    let main = SourceFile { file: "calldex.toml".into(), stem: "calldex".into(), text: Ok(text.to_owned()) };
    let files = Files { main, projects: Vec::new(), recipes: RecipeTexts::new(), folder: PathBuf::new() };
    load_files(&files, environment, &Checks::NONE).map(|loaded| loaded.config)
}

fn load_files(files: &Files, environment: Environment<'_>, checks: &Checks<'_>) -> Result<Loaded, Problems> {
    let context =
        Context { folder: &files.folder, environment, main_file: &files.main.file, checks, recipes: &files.recipes };
    let text = files.main.text()?;
    let sheet = context.sheet(&files.main, text, &MAIN);
    let document = parse(&sheet)?;
    let mut config = read_main(sheet.reader(&document), &context);
    let mut effective = print_effective(&document, &MAIN, None);
    let mut failed_files = Vec::new();
    let mut owners = config.projects.keys().map(|name| (Arc::clone(name), Arc::clone(&files.main.file))).collect();
    for file in &files.projects {
        match read_project_file(file, &mut config, &mut owners, &context) {
            Ok(printed) => effective.push_str(&printed),
            Err(problems) => {
                failed_files.push(FailedFile { stem: Arc::clone(&file.stem), file: Arc::clone(&file.file), problems })
            }
        }
    }
    check_default_project(&sheet, &document, &config, !failed_files.is_empty());
    config.warnings.splice(0..0, sheet.take_warnings());
    let mut problems = sheet.problems.take();
    if !problems.is_empty() {
        problems.extend(failed_files.iter().flat_map(|failed| failed.problems.iter().cloned()));
    }
    Problems::check(problems)?;
    let failed_recipes = files.recipes.values().filter_map(|recipe| (checks.recipe)(recipe).err()).collect();
    Ok(Loaded { config, failed_files, failed_recipes, gone_recipes: RecipeTexts::new(), effective })
}

/// What all files of one configuration have in common.
struct Context<'a> {
    folder: &'a Path,
    environment: Environment<'a>,
    main_file: &'a Arc<str>,
    checks: &'a Checks<'a>,
    recipes: &'a RecipeTexts,
}

impl<'a> Context<'a> {
    fn sheet(&self, file: &SourceFile, text: &'a str, root: &'static Section) -> Sheet<'a> {
        Sheet {
            file: Arc::clone(&file.file),
            text,
            lines: Lines::new(text),
            folder: self.folder,
            environment: self.environment,
            root,
            problems: RefCell::default(),
            warnings: RefCell::default(),
        }
    }
}

/// What the parser says when somebody forgot the quotes around a text.
const BARE_WORDS: [&str; 4] = ["invalid boolean", "invalid float", "invalid integer", "invalid datetime"];

/// What a word processor or a wiki makes of quotes.
const CURLY_QUOTES: [char; 5] = ['“', '”', '„', '‘', '’'];

fn parse<'a>(sheet: &Sheet<'a>) -> Result<DeTable<'a>, Problems> {
    let (document, errors) = DeTable::parse_recoverable(sheet.text);
    for error in errors {
        let place = error.span().unwrap_or_default();
        let bare = BARE_WORDS.iter().any(|kind| error.message().starts_with(kind));
        let curly = sheet.text.get(place.start..).is_some_and(|rest| rest.starts_with(CURLY_QUOTES));
        let hint = match (bare, curly) {
            (_, true) => "; these are the quotes of a word processor, write \"",
            (true, false) => "; text stands in quotes",
            (false, false) => "",
        };
        sheet.problem(&place, format!("this is not TOML: {}{hint}", error.message()));
    }
    Problems::check(sheet.problems.take())?;
    Ok(document.into_inner())
}

fn read_main(root: Reader<'_>, context: &Context<'_>) -> Config {
    let server = Server::read(root.table("server"));
    let directories = directory::read_all(&root, None);
    let mut sources = source::read_all(&root, None, context.checks, context.recipes);
    refuse_double_names(&root, &directories, &sources);
    let mut journals = journal::read_all(&root, None);
    let names = Names { directories: &directories, sources: &sources, journals: &journals };
    let namespace =
        Namespace { file: None, main_file: context.main_file, own: names, main: names, projects: &BTreeMap::new() };
    let agents = agent::read_all(&root, &namespace);
    let roster = Arc::new(Roster::of(agents.values()));
    let projects = project::read_all(&root, &namespace, &server, &roster, context.checks);
    Written { sources: &mut sources, journals: &mut journals, projects: &projects }.mark(&root, None);
    source::warn_of_haste(&root, &sources, &projects, None);
    let config = Config {
        log: Log::read(root.table("log")),
        cache: Cache::read(root.table("cache")),
        projects: projects.into_iter().map(|project| (Arc::clone(&project.name), Arc::new(project))).collect(),
        files: BTreeMap::new(),
        warnings: Vec::new(),
        directories,
        sources,
        journals,
        agents,
        server,
    };
    root.finish();
    config
}

/// Adds what a project file says to the configuration, all or nothing; returns it as effective TOML.
///
/// `owners` are the projects so far and the file of each.
fn read_project_file(
    file: &SourceFile,
    config: &mut Config,
    owners: &mut BTreeMap<Arc<str>, Arc<str>>,
    context: &Context<'_>,
) -> Result<String, Problems> {
    let text = file.text()?;
    let sheet = context.sheet(file, text, &PROJECT_FILE);
    if let Some(message) = explain_name("file", &file.stem) {
        sheet.problems.borrow_mut().push(Problem::with_file(&file.file, message));
    }
    let document = parse(&sheet)?;
    let root = sheet.reader(&document);
    let directories = directory::read_all(&root, Some(&file.stem));
    let mut sources = source::read_all(&root, Some(&file.stem), context.checks, context.recipes);
    refuse_double_names(&root, &directories, &sources);
    let mut journals = journal::read_all(&root, Some(&file.stem));
    let namespace = Namespace {
        file: Some(&file.stem),
        main_file: context.main_file,
        own: Names { directories: &directories, sources: &sources, journals: &journals },
        main: Names { directories: &config.directories, sources: &config.sources, journals: &config.journals },
        projects: owners,
    };
    let agents = agent::read_all(&root, &namespace);
    let shared = config.agents.values().filter(|agent| agent.shared);
    let roster = Arc::new(Roster::of(agents.values().chain(shared)));
    let projects = project::read_all(&root, &namespace, &config.server, &roster, context.checks);
    Written { sources: &mut sources, journals: &mut journals, projects: &projects }.mark(&root, Some(&file.stem));
    source::warn_of_haste(&root, &sources, &projects, Some(&file.stem));
    root.finish();
    Problems::check(sheet.problems.take())?;
    let contents = ProjectFile {
        file: Arc::clone(&file.file),
        directories: directories.keys().cloned().collect(),
        sources: sources.keys().cloned().collect(),
        journals: journals.keys().cloned().collect(),
        agents: agents.keys().cloned().collect(),
        projects: projects.iter().map(|project| Arc::clone(&project.name)).collect(),
    };
    owners.extend(contents.projects.iter().map(|name| (Arc::clone(name), Arc::clone(&file.file))));
    config.files.insert(Arc::clone(&file.stem), contents);
    config.directories.extend(directories);
    config.sources.extend(sources);
    config.journals.extend(journals);
    config.agents.extend(agents);
    config.projects.extend(projects.into_iter().map(|project| (Arc::clone(&project.name), Arc::new(project))));
    config.warnings.extend(sheet.take_warnings());
    Ok(print_effective(&document, &PROJECT_FILE, Some((&file.stem, &file.file))))
}

/// A project lists directories and sources in one list, so they have one set of names.
fn refuse_double_names(
    root: &Reader<'_>,
    directories: &BTreeMap<Arc<str>, directory::Directory>,
    sources: &BTreeMap<Arc<str>, Source>,
) {
    for name in sources.keys().filter(|name| directories.contains_key(*name)) {
        let short = name.rsplit('/').next().unwrap_or_default();
        let message =
            format!("[source.{short}] and [directory.{short}] have one name; expected each a name of its own");
        root.sheet.problem(&root.place_of("source"), message);
    }
}

/// The default project may stand in a file that has problems today; then its name alone refuses nothing.
fn check_default_project(sheet: &Sheet<'_>, document: &DeTable<'_>, config: &Config, some_failed: bool) {
    let Some(name) = &config.server.default_project else { return };
    if config.projects.contains_key(name) {
        return;
    }
    let Some(value) = written_value(document, "server", "default_project") else { return };
    let near = did_you_mean(name, config.projects.keys().map(Arc::as_ref));
    let found = shown(value.get_ref());
    let message =
        format!("default_project in [server] is {found}; expected the name of a project that is defined{near}");
    let place = value.span();
    if some_failed { sheet.warn(&place, message) } else { sheet.problem(&place, message) }
}

fn written_value<'a>(document: &'a DeTable<'a>, table: &str, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
    document.get(table)?.get_ref().as_table()?.get(key)
}

impl SourceFile {
    fn read_main(path: &Path) -> Self {
        let main = Self::read(path);
        let explain =
            |message| format!("{message}; `--config FILE` or CALLDEX_CONFIG names another, `calldex demo` needs none");
        Self { text: main.text.map_err(explain), ..main }
    }

    pub(super) fn read(path: &Path) -> Self {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read(path).map_err(|error| format!("cannot read the file: {error}"));
        let text = text.and_then(|bytes| {
            String::from_utf8(bytes).map_err(|error| {
                let place = error.utf8_error().valid_up_to();
                format!("expected text in UTF-8, found something else at byte {place}")
            })
        });
        Self { file: path.display().to_string().into(), stem: stem.into(), text }
    }

    fn text(&self) -> Result<&str, Problems> {
        self.text.as_deref().map_err(|message| Problems(vec![Problem::with_file(&self.file, message.as_str())]))
    }
}

/// The `*.toml` files of a folder by name; none when there is no such folder. Hidden files are those of editors.
pub(super) fn list_files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let file: Arc<str> = folder.display().to_string().into();
    let wrong = |error: std::io::Error| Problem::with_file(&file, format!("cannot read the folder: {error}"));
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrong(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(wrong)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
