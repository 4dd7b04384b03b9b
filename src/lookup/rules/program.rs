//! Programs: the conditions and templates of a project, several of them in each.
//!
//! MiniJinja reserves some 13 KB for a program, however short it is, and 1,000 projects may have 50,000 conditions that
//! all differ. So up to [`MOST`] texts become one program. It evaluates the one whose place has the bits that it sees, or
//! all of its conditions at once, which is cheaper than one after another. Equal programs are held once for the whole
//! process.

use std::sync::Arc;

use minijinja::value::{Object, Value};
use minijinja::{Environment, Expression};

use super::language::{self, Escaping, Failure};
use super::shared::Shared;

/// How many texts one program holds at most. With more, a project of few rules would pay for those it never gets to.
const MOST: usize = 1 << BITS.len();

/// What the bits of a place are called within a program. No rule can use the names: they do not exist for it.
const BITS: [&str; 4] = ["bit0", "bit1", "bit2", "bit3"];

/// What is true when all conditions of a program are evaluated.
const ALL: &str = "all";

/// The texts of a project, each of which compiles by itself.
#[derive(Default)]
pub(super) struct Texts<'a> {
    conditions: Vec<&'a str>,
    links: Vec<&'a str>,
    others: Vec<&'a str>,
}

impl<'a> Texts<'a> {
    /// Adds a condition; its place is for [`Asking::evaluate`].
    pub(super) fn add_condition(&mut self, text: &'a str) -> usize {
        self.conditions.push(text);
        self.conditions.len() - 1
    }

    /// Adds a template; its place is for [`Programs::render`].
    pub(super) fn add_template(&mut self, escaping: Escaping, text: &'a str) -> usize {
        let templates = if escaping == Escaping::Link { &mut self.links } else { &mut self.others };
        templates.push(text);
        templates.len() - 1
    }

    /// Compiles them.
    ///
    /// # Errors
    /// What is wrong with a text that does not compile by itself.
    pub(super) fn compile(&self) -> Result<Programs, String> {
        static CONDITIONS: Shared<Expression<'static, 'static>> = Shared::new();
        static LINKS: Shared<Environment<'static>> = Shared::new();
        static OTHERS: Shared<Environment<'static>> = Shared::new();
        let condition = |text: &str| CONDITIONS.get(text, || language::compile_condition(text));
        let link = |text: &str| LINKS.get(text, || language::compile_template(Escaping::Link, text));
        let other = |text: &str| OTHERS.get(text, || language::compile_template(Escaping::None, text));
        Ok(Programs {
            conditions: gather(Kind::Condition, &self.conditions, &condition)?,
            links: gather(Kind::Template, &self.links, &link)?,
            others: gather(Kind::Template, &self.others, &other)?,
        })
    }
}

/// The compiled texts of a project, by their places.
#[derive(Default)]
pub(super) struct Programs {
    conditions: Vec<Member<Expression<'static, 'static>>>,
    links: Vec<Member<Environment<'static>>>,
    others: Vec<Member<Environment<'static>>>,
}

impl Programs {
    /// Asks conditions about one call.
    pub(super) fn ask<'a>(&'a self, scene: &'a Value) -> Asking<'a> {
        Asking { conditions: &self.conditions, scene, latest: None }
    }

    /// Makes a text of a template.
    ///
    /// # Errors
    /// What failed, for the explanation.
    pub(super) fn render(&self, escaping: Escaping, place: usize, scene: &Value) -> Result<String, Failure> {
        let member = if escaping == Escaping::Link { &self.links[place] } else { &self.others[place] };
        let template = member.program.get_template(escaping.name());
        let rendered = template.and_then(|template| template.render(member.alone(scene)));
        rendered.map_err(|error| Failure::of(&error))
    }
}

/// The conditions of a project, asked in their order about one call.
pub(super) struct Asking<'a> {
    conditions: &'a [Member<Expression<'static, 'static>>],
    /// What conditions and templates see.
    pub(super) scene: &'a Value,
    /// The values of all conditions of the program that was asked last; `None` when one of them failed.
    latest: Option<(&'a Arc<Expression<'static, 'static>>, Option<Value>)>,
}

impl Asking<'_> {
    /// Evaluates a condition; what counts is whether the value is true.
    ///
    /// # Errors
    /// What failed, for the explanation.
    pub(super) fn evaluate(&mut self, place: usize) -> Result<Value, String> {
        let member = &self.conditions[place];
        if let Some(value) = self.among_others(place) {
            return Ok(value);
        }
        member.program.eval(member.alone(self.scene)).map_err(|error| Failure::of(&error).to_string())
    }

    /// The value as one of those of its program; `None` when it stands alone, or when some of them fail or take too long
    /// together: then each is evaluated by itself.
    fn among_others(&mut self, place: usize) -> Option<Value> {
        let member = &self.conditions[place];
        let index = usize::from(member.place?);
        if !self.latest.as_ref().is_some_and(|(program, _)| Arc::ptr_eq(program, &member.program)) {
            let all = Value::from_object(Asked { scene: self.scene.clone(), place: None });
            self.latest = Some((&member.program, member.program.eval(all).ok()));
        }
        self.latest.as_ref()?.1.as_ref()?.get_item_by_index(index).ok()
    }
}

/// A text within a program.
struct Member<P> {
    program: Arc<P>,
    /// Its place in it, when it is not the only one.
    place: Option<u8>,
}

impl<P> Member<P> {
    /// What the program sees when this one is meant.
    fn alone(&self, scene: &Value) -> Value {
        match self.place {
            place @ Some(_) => Value::from_object(Asked { scene: scene.clone(), place }),
            None => scene.clone(),
        }
    }
}

/// The scene, and the place of the text that is meant; `None` for all conditions.
#[derive(Debug)]
struct Asked {
    scene: Value,
    place: Option<u8>,
}

impl Object for Asked {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match BITS.iter().position(|bit| *bit == key) {
            Some(bit) => Some(Value::from(self.place.is_some_and(|place| place >> bit & 1 == 1))),
            None if key == ALL => Some(Value::from(self.place.is_none())),
            None => self.scene.get_attr(key).ok().filter(|value| !value.is_undefined()),
        }
    }
}

/// Turns texts into programs. Where some cannot stand together (nested too deeply), they are split up.
fn gather<P>(
    kind: Kind,
    texts: &[&str],
    compile: &dyn Fn(&str) -> Result<Arc<P>, String>,
) -> Result<Vec<Member<P>>, String> {
    let mut members = Vec::with_capacity(texts.len());
    let mut waiting: Vec<&[&str]> = texts.chunks(MOST).rev().collect();
    while let Some(together) = waiting.pop() {
        match (compile(&kind.join(together)), together.len()) {
            (Ok(program), 1) => members.push(Member { program, place: None }),
            (Ok(program), _) => members.extend(
                (0..).zip(together).map(|(place, _)| Member { program: Arc::clone(&program), place: Some(place) }),
            ),
            (Err(why), 1) => return Err(why),
            (Err(_), several) => {
                let (first, second) = together.split_at(several / 2);
                waiting.extend([second, first]);
            }
        }
    }
    Ok(members)
}

/// What texts are joined.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Condition,
    Template,
}

impl Kind {
    fn join(self, texts: &[&str]) -> String {
        match (self, texts) {
            (_, [text]) => (*text).to_owned(),
            (Self::Template, _) => self.choose(texts),
            (Self::Condition, _) => {
                let all: Vec<String> = texts.iter().map(|text| self.enclose(text)).collect();
                format!("[{}] if {ALL} else {}", all.join(", "), self.choose(texts))
            }
        }
    }

    /// A text that stands for the one whose place has the bits that it finds.
    fn choose(self, texts: &[&str]) -> String {
        if let [text] = texts {
            return self.enclose(text);
        }
        let bit = (texts.len() - 1).ilog2() as usize;
        let (clear, set) = texts.split_at(1 << bit);
        let (bit, set, clear) = (BITS[bit], self.choose(set), self.choose(clear));
        match self {
            Self::Condition => format!("({set} if {bit} else {clear})"),
            Self::Template => format!("{{% if {bit} %}}{set}{{% else %}}{clear}{{% endif %}}"),
        }
    }

    fn enclose(self, text: &str) -> String {
        match self {
            Self::Condition => format!("({text})"),
            Self::Template => {
                // The engine takes a line end off the end of a template, and what stands alone must not open a tag here.
                let text = text.strip_suffix('\n').unwrap_or(text);
                let text = text.strip_suffix('\r').unwrap_or(text);
                text.strip_suffix('{').map_or_else(|| text.to_owned(), |head| format!("{head}{{{{ '{{' | safe }}}}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn scene() -> Value {
        context! { contact => context! { name => "Ana", id => 1 } }
    }

    fn conditions(texts: &[&str]) -> Programs {
        Texts { conditions: texts.to_vec(), ..Texts::default() }.compile().unwrap()
    }

    fn templates(escaping: Escaping, texts: &[&str]) -> Programs {
        let mut all = Texts::default();
        texts.iter().for_each(|text| assert!(all.add_template(escaping, text) < texts.len()));
        all.compile().unwrap()
    }

    #[test]
    fn each_of_many_conditions_has_the_value_that_it_has_alone() {
        let scene = scene();
        for number in 1..=2 * MOST + 1 {
            let texts: Vec<String> = (0..number).map(|place| format!("contact.id + {place} or none")).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let conditions = conditions(&texts);
            let mut asking = conditions.ask(&scene);
            for (place, member) in conditions.conditions.iter().enumerate() {
                let alone = member.program.eval(member.alone(&scene)).unwrap();
                assert_eq!(alone, Value::from(place + 1), "{place} of {number}");
                assert_eq!(asking.evaluate(place).unwrap(), alone, "{place} of {number}");
            }
        }
    }

    #[test]
    fn each_of_many_templates_makes_the_text_that_it_makes_alone() {
        let texts = [
            "{{ contact.name }}{",
            "{{ contact.name }}\n",
            "\n {{ contact.name }} \r\n",
            "{{ contact.name }}\n\n",
            "  {{- contact.name -}}  ",
            "{% if contact.id == 1 %}one{% else %}more{% endif %}",
            "{% set bit1 = true %}{{ contact.name }}",
            "{% raw %}{{ x }}{% endraw %}{",
            "{# nothing #}}",
            "%}{{ '{' }}{%- if true -%}  x  {% endif %}",
            "{{ '/' }}a/b",
            "}}{{ contact.id }}",
        ];
        for escaping in [Escaping::Link, Escaping::None] {
            let together = templates(escaping, &texts);
            for (place, text) in texts.into_iter().enumerate() {
                let alone = templates(escaping, &[text]);
                assert_eq!(together.render(escaping, place, &scene()), alone.render(escaping, 0, &scene()), "{text:?}");
            }
        }
    }

    #[test]
    fn what_fails_fails_alone() {
        let conditions = conditions(&["true", "contact.name | float > 1", "contact.id"]);
        let scene = scene();
        let mut asking = conditions.ask(&scene);
        assert_eq!(asking.evaluate(0).unwrap(), Value::from(true));
        assert_eq!(asking.evaluate(1).unwrap_err(), "invalid operation: invalid float literal");
        assert_eq!(asking.evaluate(2).unwrap(), Value::from(1));
    }

    #[test]
    fn conditions_that_take_too_long_together_have_each_their_own_fuel() {
        let long = format!("contact.id{}", " + 0".repeat(1_500));
        let longer = format!("contact.id{}", " + 0".repeat(6_000));
        let conditions = conditions(&[&long, &long, &longer, "contact.id"]);
        let scene = scene();
        let mut asking = conditions.ask(&scene);
        let values: Vec<_> = (0..4).map(|place| asking.evaluate(place).map_err(drop)).collect();
        assert_eq!(values, [Ok(Value::from(1)), Ok(Value::from(1)), Err(()), Ok(Value::from(1))]);
    }

    #[test]
    fn few_programs_hold_many_texts() {
        let texts: Vec<String> = (0..50).map(|place| format!("contact.name == 'n{place}'")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let programs = conditions(&texts);
        let mut programs: Vec<_> = programs.conditions.iter().map(|member| Arc::as_ptr(&member.program)).collect();
        programs.dedup();
        assert_eq!(programs.len(), 50_usize.div_ceil(MOST));
    }

    #[test]
    fn texts_that_are_nested_too_deeply_to_stand_together_stand_alone() {
        let deepest = (1..).map(|depth| format!("{}contact.id{}", "(".repeat(depth), ")".repeat(depth)));
        let fits = |text: &String| language::compile_condition(text).is_ok();
        let deepest = deepest.take_while(fits).last().unwrap();
        let conditions = conditions(&[&deepest, "false", "true"]);
        let values: Vec<Value> = (0..3).map(|place| conditions.ask(&scene()).evaluate(place).unwrap()).collect();
        assert_eq!(values, [Value::from(1), Value::from(false), Value::from(true)]);
    }
}
