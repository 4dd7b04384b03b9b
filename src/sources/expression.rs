//! Expressions in JMESPath, bounded in size and in what they may cost.
//!
//! Whoever writes a file of the configuration writes expressions, tenants among them. The library parses on the stack, as deep as the
//! expression goes, and a stack that ends ends the process; so the size is limited before ([`Expression::compile`]). It
//! evaluates without a limit too: `[@, @][]`, written 40 times with `|` between, makes 2^40 values of one. So the walk
//! over the parsed expression is our own ([`evaluate`]), and counts its [`Effort`]; parsing and functions are the library's.

mod evaluate;
mod functions;

use std::cell::Cell;

use jmespath::ast::Ast;
use jmespath::{Rcvar, Runtime, Variable};

/// Longest expression, in bytes.
const LONGEST: usize = 4_000;

/// Most characters that may take an expression one step deeper; some 2 KB of stack each, of the 2 MB that a thread has.
const MOST_STEPS: usize = 300;

/// Most work on one answer: values looked at, made or copied. A MiB of JSON has at most as many values; a usual answer
/// takes some hundred.
const MOST_EFFORT: usize = 500_000;

/// Bytes of text that count as one more value.
const BYTES: usize = 32;

/// A compiled expression.
#[derive(Clone)]
pub(super) struct Expression {
    written: String,
    parsed: Ast,
    runtime: &'static Runtime,
}

/// What may still be done with one answer; all expressions that are applied to it take from the same.
pub(super) struct Effort {
    left: Cell<usize>,
}

impl Expression {
    /// Parses an expression that may use the functions of a runtime.
    ///
    /// # Errors
    /// The end of a message that says what is wrong with it.
    pub(super) fn compile(written: &str, runtime: &'static Runtime) -> Result<Self, String> {
        check_size(written).map_err(|why| format!("a JMESPath is {why}"))?;
        let parsed = jmespath::parse(written)
            .map_err(|why| format!("\"{written}\" is no JMESPath: {}", functions::first_line(&why)))?;
        Ok(Self { written: written.to_owned(), parsed, runtime })
    }

    /// What it finds in the data.
    ///
    /// # Errors
    /// A function that does not take what it gets, or more work than is left.
    pub(super) fn search(&self, data: &Rcvar, effort: &Effort) -> Result<Rcvar, String> {
        let found = evaluate::Walk { expression: self, effort }.evaluate(data, &self.parsed)?;
        // What was made by naming one value many times is small until somebody reads it.
        effort.weigh(&found)?;
        Ok(found)
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.written)
    }
}

impl Effort {
    /// As much as one answer is worth.
    pub(super) fn of_an_answer() -> Self {
        Self { left: Cell::new(MOST_EFFORT) }
    }

    /// Whether something was left out because nothing was left.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    fn take(&self, steps: usize) -> Result<(), String> {
        match self.left.get().checked_sub(steps) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                // Whatever comes after it on this answer ends at once.
                self.left.set(0);
                Err(format!(
                    "it takes more than {MOST_EFFORT} steps on this answer; lists that an expression makes of lists, such as \
                     [@, @][], grow with every step"
                ))
            }
        }
    }

    fn take_text(&self, bytes: usize) -> Result<(), String> {
        self.take(bytes / BYTES)
    }

    /// Takes as much as it costs to read a value whole.
    fn weigh(&self, value: &Variable) -> Result<(), String> {
        self.take(1)?;
        match value {
            Variable::String(text) => self.take_text(text.len()),
            Variable::Array(values) => values.iter().try_for_each(|value| self.weigh(value)),
            Variable::Object(values) => values.iter().try_for_each(|(key, value)| {
                self.take_text(key.len())?;
                self.weigh(value)
            }),
            _ => Ok(()),
        }
    }
}

/// Refuses an expression that is too long or may go too deep, with the end of a message.
fn check_size(expression: &str) -> Result<(), String> {
    if expression.len() > LONGEST {
        return Err(format!("longer than {LONGEST} bytes"));
    }
    let steps = expression.bytes().filter(|byte| b"([{.!|&<>=".contains(byte)).count();
    if steps > MOST_STEPS {
        return Err(format!("more than {MOST_STEPS} of the characters ( [ {{ . ! | & < > ="));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
