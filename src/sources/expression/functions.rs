//! Functions: those that take an expression (`&name`) are evaluated here, step by step as all else; the others are the
//! library's, which gets no more than can be paid for.

use std::cmp::Ordering;

use jmespath::ast::Ast;
use jmespath::{Context, JmespathError, Rcvar, Variable};

use super::evaluate::{Found, Walk, array, null};

/// Functions whose cost does not depend on how large their arguments are.
const CHEAP: [&str; 3] = ["not_null", "to_array", "type"];

impl Walk<'_> {
    /// Calls a function.
    pub(super) fn call(&self, data: &Rcvar, name: &str, arguments: &[Ast]) -> Found {
        match (name, arguments) {
            ("map", [Ast::Expref { ast, .. }, list]) => self.map(ast, &self.evaluate(data, list)?),
            ("sort_by" | "min_by" | "max_by", [list, Ast::Expref { ast, .. }]) => {
                self.by(name, &self.evaluate(data, list)?, ast)
            }
            ("map" | "sort_by" | "min_by" | "max_by", _) => {
                Err(format!("{name} needs a list and an expression after &, such as &name"))
            }
            _ => self.call_library(data, name, arguments),
        }
    }

    fn call_library(&self, data: &Rcvar, name: &str, arguments: &[Ast]) -> Found {
        let function = self.expression.runtime.get_function(name);
        let function = function.ok_or_else(|| format!("there is no function {name}"))?;
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.evaluate(data, argument)?);
        }
        if !CHEAP.contains(&name) {
            values.iter().try_for_each(|value| self.effort.weigh(value))?;
        }
        if let ("join", [Variable::String(glue), Variable::Array(parts)]) = (name, &*refs(&values)) {
            self.effort.take_text(glue.len().saturating_mul(parts.len()))?;
        }
        let mut context = Context::new(&self.expression.written, self.expression.runtime);
        function.evaluate(&values, &mut context).map_err(|why| first_line(&why))
    }

    fn map(&self, expression: &Ast, list: &Rcvar) -> Found {
        let values = list.as_array().ok_or("map needs a list")?;
        let mapped = values.iter().map(|value| self.evaluate(value, expression));
        Ok(array(mapped.collect::<Result<_, _>>()?))
    }

    /// Sorts by what an expression gives for each value, or takes the first of the smallest or greatest.
    fn by(&self, name: &str, list: &Rcvar, expression: &Ast) -> Found {
        let values = list.as_array().ok_or_else(|| format!("{name} needs a list"))?;
        let mut keyed = Vec::with_capacity(values.len());
        for value in values {
            let key = self.evaluate(value, expression)?;
            self.effort.weigh(&key)?;
            keyed.push((key, Rcvar::clone(value)));
        }
        let are_texts = keyed.iter().all(|(key, _)| key.is_string());
        if !are_texts && !keyed.iter().all(|(key, _)| key.is_number()) {
            return Err(format!("{name} needs a text for each value, or a number for each"));
        }
        let sign = if name == "max_by" { Ordering::reverse } else { std::convert::identity };
        keyed.sort_by(|(left, _), (right, _)| sign(left.cmp(right)));
        let mut sorted = keyed.into_iter().map(|(_, value)| value);
        Ok(if name == "sort_by" { array(sorted.collect()) } else { sorted.next().unwrap_or_else(null) })
    }
}

fn refs(values: &[Rcvar]) -> Vec<&Variable> {
    values.iter().map(|value| &**value).collect()
}

/// What is wrong, without the drawing of the library.
pub(super) fn first_line(why: &JmespathError) -> String {
    why.to_string().lines().next().unwrap_or_default().to_owned()
}
