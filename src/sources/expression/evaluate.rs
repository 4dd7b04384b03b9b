//! The walk over a parsed expression: what the specification of JMESPath says of each of its parts, with every step counted.

use std::collections::BTreeMap;

use jmespath::ast::{Ast, KeyValuePair};
use jmespath::{Rcvar, Variable};

use super::{Effort, Expression};

/// One evaluation of an expression.
pub(super) struct Walk<'a> {
    pub(super) expression: &'a Expression,
    pub(super) effort: &'a Effort,
}

pub(super) type Found = Result<Rcvar, String>;

impl Walk<'_> {
    /// What a part of the expression gives for the data.
    pub(super) fn evaluate(&self, data: &Rcvar, part: &Ast) -> Found {
        self.effort.take(1)?;
        match part {
            Ast::Identity { .. } => Ok(Rcvar::clone(data)),
            Ast::Literal { value, .. } => Ok(Rcvar::clone(value)),
            Ast::Field { name, .. } => {
                self.effort.take_text(name.len())?;
                Ok(data.get_field(name))
            }
            Ast::Index { idx, .. } => Ok(index(data, *idx)),
            Ast::Slice { start, stop, step, .. } => self.slice(data, (*start, *stop, *step)),
            Ast::Subexpr { lhs, rhs, .. } => self.evaluate(&self.evaluate(data, lhs)?, rhs),
            Ast::Projection { lhs, rhs, .. } => self.project(&self.evaluate(data, lhs)?, rhs),
            Ast::Flatten { node, .. } => self.flatten(&self.evaluate(data, node)?),
            Ast::ObjectValues { node, .. } => self.values(&self.evaluate(data, node)?),
            Ast::MultiList { elements, .. } => self.list(data, elements),
            Ast::MultiHash { elements, .. } => self.table(data, elements),
            Ast::Function { name, args, .. } => self.call(data, name, args),
            Ast::Expref { .. } => Err("& stands only before an argument of a function such as sort_by".to_owned()),
            choice => self.choose(data, choice),
        }
    }

    /// The parts whose way depends on what is true.
    fn choose(&self, data: &Rcvar, part: &Ast) -> Found {
        match part {
            Ast::Or { lhs, rhs, .. } => match self.evaluate(data, lhs)? {
                left if left.is_truthy() => Ok(left),
                _ => self.evaluate(data, rhs),
            },
            Ast::And { lhs, rhs, .. } => match self.evaluate(data, lhs)? {
                left if left.is_truthy() => self.evaluate(data, rhs),
                left => Ok(left),
            },
            Ast::Not { node, .. } => Ok(truth(!self.evaluate(data, node)?.is_truthy())),
            Ast::Condition { predicate, then, .. } => match self.evaluate(data, predicate)?.is_truthy() {
                true => self.evaluate(data, then),
                false => Ok(null()),
            },
            Ast::Comparison { comparator, lhs, rhs, .. } => {
                let (left, right) = (self.evaluate(data, lhs)?, self.evaluate(data, rhs)?);
                self.effort.weigh(&left)?;
                Ok(left.compare(comparator, &right).map_or_else(null, truth))
            }
            _ => Ok(null()),
        }
    }

    fn slice(&self, data: &Rcvar, (start, stop, step): (Option<i32>, Option<i32>, i32)) -> Found {
        if step == 0 {
            return Err("a slice cannot go in steps of 0".to_owned());
        }
        self.effort.take(data.as_array().map_or(0, Vec::len))?;
        Ok(data.slice(start, stop, step).map_or_else(null, array))
    }

    fn project(&self, left: &Rcvar, right: &Ast) -> Found {
        let Some(values) = left.as_array() else { return Ok(null()) };
        let mut found = Vec::new();
        for value in values {
            let value = self.evaluate(value, right)?;
            if !value.is_null() {
                found.push(value);
            }
        }
        Ok(array(found))
    }

    fn flatten(&self, list: &Rcvar) -> Found {
        let Some(values) = list.as_array() else { return Ok(null()) };
        let mut found = Vec::new();
        for value in values {
            match value.as_array() {
                Some(inner) => {
                    self.effort.take(inner.len())?;
                    found.extend(inner.iter().cloned());
                }
                None => {
                    self.effort.take(1)?;
                    found.push(Rcvar::clone(value));
                }
            }
        }
        Ok(array(found))
    }

    fn values(&self, table: &Rcvar) -> Found {
        let Some(values) = table.as_object() else { return Ok(null()) };
        self.effort.take(values.len())?;
        Ok(array(values.values().cloned().collect()))
    }

    fn list(&self, data: &Rcvar, elements: &[Ast]) -> Found {
        if data.is_null() {
            return Ok(null());
        }
        let found = elements.iter().map(|element| self.evaluate(data, element));
        Ok(array(found.collect::<Result<_, _>>()?))
    }

    fn table(&self, data: &Rcvar, elements: &[KeyValuePair]) -> Found {
        if data.is_null() {
            return Ok(null());
        }
        let mut found = BTreeMap::new();
        for element in elements {
            self.effort.take_text(element.key.len())?;
            found.insert(element.key.clone(), self.evaluate(data, &element.value)?);
        }
        Ok(Rcvar::new(Variable::Object(found)))
    }
}

fn index(data: &Variable, place: i32) -> Rcvar {
    let distance = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
    if place >= 0 { data.get_index(distance) } else { data.get_negative_index(distance) }
}

pub(super) fn null() -> Rcvar {
    Rcvar::new(Variable::Null)
}

pub(super) fn array(values: Vec<Rcvar>) -> Rcvar {
    Rcvar::new(Variable::Array(values))
}

fn truth(holds: bool) -> Rcvar {
    Rcvar::new(Variable::Bool(holds))
}
