//! From the tables of a recipe file to a recipe that can be used, and every mistake to its place in the file.

mod limits;
mod requests;

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderName;
use regex::Regex;

use super::auth_plan::AuthPlan;
use super::format::{ParamTable, RecipeFile, RequestTable};
use super::mapping::{Mapping, Path};
use super::template::{Condition, Position, Template, Templates};
use super::{Plan, Recipe};
use crate::config::did_you_mean;
use crate::model::Field;
use crate::number::Spelling;

/// Where something stands: keys, and places in lists, from the top of the file.
pub(super) type Place = Vec<String>;

/// What templates of one place may name.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    names: &'static [&'static str],
    secrets: bool,
    /// Of a contact, its owner and nothing else.
    owner_only: bool,
}

/// What an address begins with, and the credentials of a login.
pub(super) const SETTINGS: Scope = Scope::of(&["param", "base"]);
/// The same, once there is a session.
pub(super) const SESSION: Scope = Scope::of(&["param", "base", "session"]);
const LOOKUP: Scope = Scope::of(&["param", "base", "session", "number", "forms", "call", "next", "page"]);
const FOLLOW_UP: Scope = Scope::of(&["param", "base", "session", "number", "forms", "call", "contact"]);
const USERS: Scope = Scope { owner_only: true, ..Scope::of(&["param", "base", "session", "contact"]) };
const CONTACT: Scope = Scope::of(&["contact"]);
const SHOWN: Scope = Scope::of(&["param", "base", "session", "forms", "call", "contact"]).without_secrets();
const LOG_CALL: Scope = Scope::of(&["param", "base", "session", "forms", "call", "contact", "agent"]);
const CREATE: Scope = Scope::of(&["param", "base", "session", "forms", "new"]);
const SEARCH: Scope = Scope::of(&["param", "base", "session", "search"]);

impl Scope {
    const fn of(names: &'static [&'static str]) -> Self {
        Self { names, secrets: true, owner_only: false }
    }

    /// For addresses and for what is shown.
    pub(super) const fn without_secrets(self) -> Self {
        Self { secrets: false, ..self }
    }
}

/// The fields of the answer that `[out]` may make.
const OUT: [Field; 8] = [
    Field::Name,
    Field::BackendLink,
    Field::DirectLine,
    Field::QueuePosition,
    Field::RouteIdentifier,
    Field::OutboundNumber,
    Field::Language,
    Field::ExternalId,
];

/// Compiles one recipe.
pub(super) struct Compiler<'a> {
    pub(super) templates: Templates,
    pub(super) problems: Vec<(Place, String)>,
    params: &'a BTreeMap<String, ParamTable>,
}

/// Compiles a file; what is wrong comes with its place.
pub(super) fn compile(name: &str, file: RecipeFile) -> Result<Recipe, Vec<(Place, String)>> {
    let mut compiler = Compiler { templates: Templates::new(), problems: Vec::new(), params: &file.param };
    compiler.check_top(&file);
    let http = &file.http;
    let base = compiler.optional(&http.base, &place(&["http", "base"]), Position::Address, SESSION.without_secrets());
    let hosts = compiler.list(&http.hosts, &place(&["http", "hosts"]), Position::Address, SETTINGS.without_secrets());
    compiler.check_base(base.as_ref(), &http.hosts);
    let headers = compiler.headers(&http.headers, &place(&["http", "headers"]), SESSION);
    let auth = AuthPlan::compile(&file.auth, &mut compiler);
    let recipe = Recipe {
        name: name.into(),
        base,
        hosts,
        headers,
        answer: http.answer,
        auth,
        rate: compiler.rate(file.rate.as_deref()),
        daily: file.daily,
        forms: compiler.forms(&file.forms),
        verify: file.verify,
        lookups: compiler.plans("lookup", &file.lookup, LOOKUP),
        map: compiler.mapping(&file.map, &place(&["map"])),
        prefer: compiler.conditions(&file.prefer, &place(&["prefer"]), CONTACT),
        then: compiler.plans("then", &file.then, FOLLOW_UP),
        users: file.users.as_ref().map(|table| compiler.plan(table, &place(&["users"]), USERS)),
        out: compiler.out(&file.out),
        log_call: compiler.plans("log_call", &file.log_call, LOG_CALL),
        create: file.create.as_ref().map(|table| compiler.plan(table, &place(&["create"]), CREATE)),
        search: file.search.as_ref().map(|table| compiler.search(table, &file.lookup)),
        rules: compiler.rules(&file.error),
        budgets: compiler.budgets(&file.budget),
        patterns: compiler.patterns(),
        templates: std::mem::replace(&mut compiler.templates, Templates::new()),
        tests: file.test.clone(),
        title: file.title.clone(),
        docs: file.docs.clone(),
        params: file.param.clone(),
    };
    let problems = compiler.problems;
    if problems.is_empty() { Ok(recipe) } else { Err(problems) }
}

/// A place out of words.
pub(super) fn place(words: &[&str]) -> Place {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A place inside of another one.
pub(super) fn inside(outer: &Place, word: impl ToString) -> Place {
    let mut place = outer.clone();
    place.push(word.to_string());
    place
}

impl Compiler<'_> {
    /// Notes a mistake.
    pub(super) fn wrong(&mut self, place: &Place, message: impl Into<String>) {
        self.problems.push((place.clone(), message.into()));
    }

    fn check_top(&mut self, file: &RecipeFile) {
        if file.format != 1 {
            self.wrong(&place(&["format"]), format!("format is {}; this calldex knows format 1", file.format));
        }
        if file.lookup.is_empty() {
            self.wrong(&Place::new(), "there is no [[lookup]]; expected at least one request that finds contacts");
        }
        let map = place(&["map"]);
        if !file.map.contains_key("id") {
            self.wrong(&map, "[map] has no id; expected the path to the id of a record, such as id = \"id\"");
        }
        if file.verify && !file.map.contains_key("numbers") {
            let message = "[map] has no numbers; expected the path to the numbers of a record, such as numbers = \
                           \"[phone, mobile]\", since a contact counts only when one of its numbers is the caller's";
            self.wrong(&map, message);
        }
    }

    /// An address that a login says could be anywhere.
    fn check_base(&mut self, base: Option<&Template>, hosts: &[String]) {
        if base.is_some_and(Template::names_session) && hosts.is_empty() {
            let message = "base is what the login says; hosts has to say which hosts that may be";
            self.wrong(&place(&["http", "base"]), message);
        }
    }

    /// Compiles a template and checks the names in it.
    pub(super) fn template(
        &mut self,
        source: &str,
        place: &Place,
        position: Position,
        scope: Scope,
    ) -> Option<Template> {
        match self.templates.add(source, position) {
            Ok(template) => {
                self.check_names(&template.uses, place, scope);
                Some(template)
            }
            Err(why) => {
                self.wrong(place, why);
                None
            }
        }
    }

    /// A template that goes into a header or body, or a whole that is encoded later.
    pub(super) fn optional(
        &mut self,
        source: &Option<String>,
        place: &Place,
        position: Position,
        scope: Scope,
    ) -> Option<Template> {
        source.as_ref().and_then(|source| self.template(source, place, position, scope))
    }

    /// A search is answered as the first lookup is, unless it says otherwise.
    fn search(&mut self, table: &RequestTable, lookups: &[RequestTable]) -> Plan {
        let mut table = table.clone();
        table.records = table.records.or_else(|| lookups.first()?.records.clone());
        self.plan(&table, &place(&["search"]), SEARCH)
    }

    fn list(&mut self, sources: &[String], place: &Place, position: Position, scope: Scope) -> Vec<Template> {
        let numbered = sources.iter().enumerate();
        numbered.filter_map(|(index, source)| self.template(source, &inside(place, index), position, scope)).collect()
    }

    fn check_names(&mut self, uses: &[String], place: &Place, scope: Scope) {
        for used in uses {
            let mut parts = used.split('.');
            let first = parts.next().unwrap_or_default();
            if !scope.names.contains(&first) {
                let hint = did_you_mean(first, scope.names.iter().copied());
                let known = scope.names.join(", ");
                self.wrong(
                    place,
                    format!("the template names {first:?}, which does not exist here; there is {known}{hint}"),
                );
            } else if first == "param" {
                self.check_param(parts.next(), place, scope);
            } else if matches!(used.as_str(), "call" | "call.params") {
                // What of a call is used is part of what an answer is remembered under.
                self.wrong(place, "write call.NAME or call.params.NAME, such as call.dnid");
            } else if used == "session" {
                // By a name that a template makes, or as a whole, the token would come with it.
                self.wrong(place, "write session.NAME with a name of [auth.session]");
            } else if used == "session.token" && !scope.secrets {
                self.wrong(place, "the token of a session cannot stand in an address or in what is shown");
            } else if scope.owner_only && first == "contact" && used != "contact.owner" {
                // Who an owner is, is remembered by the owner's id.
                self.wrong(place, "[users] asks once for every owner; of a contact it may use contact.owner only");
            }
        }
    }

    fn check_param(&mut self, name: Option<&str>, place: &Place, scope: Scope) {
        let Some(name) = name else {
            self.wrong(place, "write param.NAME with the name of a parameter");
            return;
        };
        match self.params.get(name) {
            None => {
                let hint = did_you_mean(name, self.params.keys().map(String::as_str));
                self.wrong(place, format!("there is no parameter {name:?} in [param]{hint}"));
            }
            Some(param) if param.secret && !scope.secrets => {
                let message = format!("the secret {name:?} cannot stand in an address or in what is shown; use [auth]");
                self.wrong(place, message);
            }
            Some(_) => {}
        }
    }

    fn headers(
        &mut self,
        headers: &BTreeMap<String, String>,
        place: &Place,
        scope: Scope,
    ) -> Vec<(HeaderName, Template)> {
        let mut compiled = Vec::new();
        for (name, source) in headers {
            let place = inside(place, name);
            let template = self.template(source, &place, Position::Header, scope);
            match (name.parse::<HeaderName>(), template) {
                (Ok(name), Some(template)) => compiled.push((name, template)),
                (Err(_), _) => self.wrong(&place, format!("{name:?} is no name of a header")),
                _ => {}
            }
        }
        compiled
    }

    fn conditions(&mut self, sources: &[String], place: &Place, scope: Scope) -> Vec<Condition> {
        let numbered = sources.iter().enumerate();
        numbered.filter_map(|(index, source)| self.condition(source, &inside(place, index), scope)).collect()
    }

    fn condition(&mut self, source: &str, place: &Place, scope: Scope) -> Option<Condition> {
        match self.templates.add_condition(source) {
            Ok(condition) => {
                self.check_names(condition.uses(), place, scope);
                Some(condition)
            }
            Err(why) => {
                self.wrong(place, why);
                None
            }
        }
    }

    /// Compiles a JMESPath expression.
    pub(super) fn path(&mut self, expression: &Option<String>, place: &Place) -> Option<Path> {
        match Path::compile(expression.as_ref()?) {
            Ok(path) => Some(path),
            Err(why) => {
                self.wrong(place, why);
                None
            }
        }
    }

    fn mapping(&mut self, map: &BTreeMap<String, String>, place: &Place) -> Mapping {
        let mut wrong = Vec::new();
        let mapping = Mapping::compile(map, &mut |key, why| wrong.push((inside(place, key), why)));
        self.problems.extend(wrong);
        mapping
    }

    fn out(&mut self, out: &BTreeMap<String, String>) -> Vec<(Field, Template)> {
        let mut compiled = Vec::new();
        for (key, source) in out {
            let place = place(&["out", key]);
            let Some(field) = Field::parse(key).filter(|field| OUT.contains(field)) else {
                let hint = did_you_mean(key, OUT.iter().map(|field| field.as_str()));
                self.wrong(&place, format!("{key:?} is no field of an answer{hint}"));
                continue;
            };
            let position = if field == Field::BackendLink { Position::Url } else { Position::Text };
            compiled.extend(self.template(source, &place, position, SHOWN).map(|template| (field, template)));
        }
        compiled
    }

    fn forms(&mut self, words: &[String]) -> Vec<Spelling> {
        let place = place(&["forms"]);
        let mut forms = Vec::new();
        for (index, word) in words.iter().enumerate() {
            match Spelling::ALL.iter().find(|(other, _)| other == word) {
                Some((_, spelling)) => forms.push(*spelling),
                None => {
                    let hint = did_you_mean(word, Spelling::WORDS);
                    self.wrong(&inside(&place, index), format!("{word:?} is no spelling of a number{hint}"));
                }
            }
        }
        if words.is_empty() {
            self.wrong(&place, "forms is empty; expected at least one spelling, such as [\"e164\"]");
        }
        forms
    }

    fn patterns(&mut self) -> BTreeMap<String, Regex> {
        let mut patterns = BTreeMap::new();
        let mut names = BTreeSet::new();
        for (name, param) in self.params {
            let place = place(&["param", name]);
            if !names.insert(name.to_lowercase()) {
                self.wrong(&place, format!("there are two parameters {name:?} that differ in case only"));
            }
            let Some(pattern) = &param.pattern else { continue };
            match Regex::new(&format!("^(?:{pattern})$")) {
                Ok(regex) => {
                    patterns.insert(name.clone(), regex);
                }
                Err(_) => self.wrong(&inside(&place, "pattern"), format!("{pattern:?} is no regular expression")),
            }
        }
        patterns
    }
}
