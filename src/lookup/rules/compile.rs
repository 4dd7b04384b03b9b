//! Turns the rules and templates of a project into something that can be evaluated, and finds what is wrong with them:
//! syntax, names that do not exist, values out of range, routes and queues that the PBX does not have.

use std::sync::Arc;

use super::around_id::AroundId;
use super::language::{Escaping, is_literal, names_of_condition, names_of_template};
use super::names::{self, Mentions, Use};
use super::program::{Programs, Texts};
use super::{Fields, Lists, Rule, Ruleset, Source, Template, calendar, words};
use crate::config::{self, Complaint, Project, Script, Target, nearest};
use crate::lookup::safety::{self, Checked};
use crate::model::Field;

impl Ruleset {
    /// Compiles the rules and default fields of a project, with everything that is wrong with them.
    pub(in crate::lookup) fn compile(project: &Project) -> (Self, Vec<Complaint>) {
        let mut compiler = Compiler::of(project);
        let defaults = compiler.defaults();
        let rules = compiler.rules();
        let programs = compiler.texts.compile().unwrap_or_else(|why| {
            compiler.complaints.push(Complaint::mistake(None, why));
            Programs::default()
        });
        let mut mentions = Mentions::default();
        for rule in &rules {
            mentions.history |= rule.mentions.history;
            mentions.dnid |= rule.mentions.dnid;
        }
        let ruleset = Self {
            programs,
            titles: titles(project),
            zone: calendar::zone(&project.timezone),
            lists: Lists::of(project),
            defaults,
            rules,
            mentions,
        };
        (ruleset, compiler.complaints)
    }

    /// Everything that is wrong with them, without making them ready.
    pub(super) fn find_mistakes(project: &Project) -> Vec<Complaint> {
        let mut compiler = Compiler::of(project);
        compiler.defaults();
        compiler.rules();
        compiler.complaints
    }
}

/// `rule 3`, or `rule 3 (VIP first)`.
fn titles(project: &Project) -> Arc<[Arc<str>]> {
    let title = |(place, rule): (usize, &config::Rule)| match &rule.title {
        Some(title) => format!("rule {} ({title})", place + 1).into(),
        None => format!("rule {}", place + 1).into(),
    };
    project.routing.rules.iter().enumerate().map(title).collect()
}

struct Compiler<'a> {
    project: &'a Project,
    complaints: Vec<Complaint>,
    texts: Texts<'a>,
}

impl<'a> Compiler<'a> {
    fn of(project: &'a Project) -> Self {
        Self { project, complaints: Vec::new(), texts: Texts::default() }
    }

    fn rules(&mut self) -> Vec<Rule> {
        self.project.routing.rules.iter().map(|rule| self.rule(rule)).collect()
    }

    fn rule(&mut self, rule: &'a config::Rule) -> Rule {
        let mut mentions = Mentions::default();
        let when = rule.when.as_ref().and_then(|script| self.condition(script, &mut mentions));
        let mut set = Vec::with_capacity(rule.set.len());
        for setting in &rule.set {
            let described = format!("{} in [[project.{}.rule]]", setting.target.key(), self.project.name);
            let shown = if setting.value.has_variable { "a variable" } else { &format!("{:?}", setting.value.text) };
            let said = |why: String| Complaint::at(&setting.value.place, format!("{described}{why}"));
            match self.source(setting.target, &setting.value.text, &mut mentions) {
                Ok((source, slips)) => {
                    self.complaints.extend(slips.into_iter().map(|slip| said(format!(": {slip}")).into_warning()));
                    set.push((setting.target, source));
                }
                Err(Fault::Text(why)) => self.complaints.push(said(format!(": {why}"))),
                Err(Fault::Value(why)) => self.complaints.push(said(format!(" is {shown}: {why}"))),
            }
        }
        let clear: Fields = rule.clear.iter().copied().collect();
        Rule { when, set, clear, stop: rule.stop, mentions }
    }

    fn condition(&mut self, script: &'a Script, mentions: &mut Mentions) -> Option<usize> {
        let described = format!("when in [[project.{}.rule]]", self.project.name);
        let complain = |why: String| Complaint::at(&script.place, format!("{described}: {why}"));
        let looked_at = match names_of_condition(&script.text) {
            Ok(names) => names,
            Err(why) => {
                self.complaints.push(complain(why));
                return None;
            }
        };
        let mistakes = looked_at.iter().filter_map(|name| names::find_mistake(name, Use::Condition, self.project));
        let mistakes: Vec<String> = mistakes.chain(words::find_mistake(&script.text)).collect();
        self.complaints.extend(mistakes.into_iter().map(complain));
        let slips = looked_at.iter().filter_map(|name| names::find_slip(name));
        self.complaints.extend(slips.map(|slip| complain(slip).into_warning()));
        for name in &looked_at {
            mentions.look_at(name);
            mentions.speak_of(name);
        }
        Some(self.texts.add_condition(&script.text))
    }

    fn defaults(&mut self) -> Vec<(Field, Source)> {
        let mut defaults = Vec::new();
        for field in super::Answered::ALL {
            let Some(text) = self.project.defaults.get(field) else { continue };
            match self.source(Target::Field(field), text, &mut Mentions::default()) {
                Ok((source, slips)) => {
                    let warnings = slips.into_iter().map(|slip| Complaint::warning(Some(field.as_str()), slip));
                    self.complaints.extend(warnings);
                    defaults.push((field, source));
                }
                Err(Fault::Text(why) | Fault::Value(why)) => {
                    let why = format!("{}: {why}", field.as_str());
                    self.complaints.push(Complaint::mistake(Some(field.as_str()), why));
                }
            }
        }
        defaults
    }

    /// Compiles a value; what is probably not meant comes with it.
    fn source(
        &mut self,
        target: Target,
        text: &'a str,
        mentions: &mut Mentions,
    ) -> Result<(Source, Vec<String>), Fault> {
        if is_literal(text) {
            self.literal(target, text.trim()).map_err(Fault::Value)?;
            return Ok((Source::Literal(text.into()), Vec::new()));
        }
        let escaping = Escaping::of(target.field());
        let looked_at = names_of_template(escaping, text).map_err(Fault::Text)?;
        let mistake = looked_at.iter().find_map(|name| names::find_mistake(name, Use::Template, self.project));
        if let Some(why) = mistake.or_else(|| words::find_mistake_in_template(text)) {
            return Err(Fault::Text(why));
        }
        looked_at.iter().for_each(|name| mentions.look_at(name));
        let slips = looked_at.iter().filter_map(|name| names::find_slip(name)).collect();
        let place = self.texts.add_template(escaping, text);
        let names = looked_at.join(" ").into();
        Ok((Source::Template(Template { escaping, place, around_id: AroundId::read(text), names }), slips))
    }

    /// Checks a value that every call would get.
    fn literal(&self, target: Target, text: &str) -> Result<(), String> {
        let (field, value) = match target {
            Target::Field(field) => (field, text.to_owned()),
            Target::Agent => (Field::DirectLine, self.agent_line(text)?),
            Target::Queue => (Field::DirectLine, super::apply::queue_line(text)?),
        };
        if let Checked::Refused(why) = safety::check(field, &value, &self.project.reply) {
            return Err(why.into_owned());
        }
        safety::unlisted(field, &value, self.project).map_or(Ok(()), |why| Err(why.to_owned()))
    }

    fn agent_line(&self, name: &str) -> Result<String, String> {
        super::apply::agent_line(self.project, name).map_err(|why| {
            let near = nearest(name, self.project.roster.names());
            format!("{why}{}", near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?")))
        })
    }
}

/// What is wrong with a value.
enum Fault {
    /// It is a template that cannot be used.
    Text(String),
    /// It is not allowed.
    Value(String),
}
