//! How large an expression in JMESPath may be.
//!
//! The library parses and evaluates on the stack, as deep as the expression goes, and a stack that ends ends the process:
//! a file of one tenant would take all others with it.

/// Longest expression, in bytes.
const LONGEST: usize = 4_000;

/// Most characters that may take an expression one step deeper; some 2 KB of stack each, of the 2 MB that a thread has.
const MOST_STEPS: usize = 300;

/// Refuses an expression that is too long or may go too deep, with the end of a message.
pub(super) fn check_size(expression: &str) -> Result<(), String> {
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
mod tests {
    use super::*;

    /// Texts that nest so often.
    fn nested(times: usize) -> [String; 6] {
        [
            "(".repeat(times) + "a" + &")".repeat(times),
            "[".repeat(times) + "a" + &"]".repeat(times),
            "!".repeat(times) + "a",
            "a".to_owned() + &".a".repeat(times),
            "a".to_owned() + &"[?b".repeat(times) + &"]".repeat(times),
            "a".to_owned() + &"|a".repeat(times),
        ]
    }

    #[test]
    fn the_deepest_that_is_allowed_is_compiled_and_evaluated_and_nothing_deeper_is_tried() {
        for deepest in nested(MOST_STEPS) {
            check_size(&deepest).unwrap();
            let expression = jmespath::compile(&deepest).unwrap();
            assert!(expression.search(jmespath::Variable::Null).is_ok(), "{deepest}");
        }
        for deeper in nested(MOST_STEPS + 1).iter().chain(&nested(100_000)) {
            assert!(check_size(deeper).is_err());
        }
        assert!(check_size(&"a".repeat(LONGEST + 1)).is_err());
    }
}
