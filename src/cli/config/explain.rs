//! What calldex has made of the parameters of each source, for whoever wonders where a `&` has gone.
//!
//! Any value may be a secret, so only those are shown that cannot be one: the switches and words of the API types.

use crate::config::{Config, Param, Params};

/// Values that are no secret, whatever parameter has them.
const HARMLESS: [&str; 7] = ["", "0", "1", "true", "false", "json", "xml"];

/// Parameters whose values are names, not secrets.
const NAMES: [&str; 4] = ["root_tag", "func_name", "method", "xml"];

/// Parameters whose inner ones are the arguments of a function, which may be called anything.
const ARGUMENTS: [&str; 3] = ["init_params", "func_params", "arguments"];

/// Every source with its parameters as a tree.
pub(super) fn explain(config: &Config) -> String {
    let mut out = String::new();
    for source in config.sources.values() {
        out.push_str(&format!("source {} (type {})\n", source.name, source.api_type));
        if source.params.is_empty() {
            out.push_str("  no parameters\n");
        }
        add(&source.params, 1, true, &mut out);
    }
    out
}

/// `named`: whether the names here are calldex's own, and not those of arguments of somebody's function.
fn add(params: &Params, depth: usize, named: bool, out: &mut String) {
    for (name, param) in params.iter() {
        let indent = "  ".repeat(depth);
        match param {
            Param::Text(text) => {
                out.push_str(&format!("{indent}{name} = {}\n", masked(named.then(|| name.to_string()), text.reveal())))
            }
            Param::Inner(inner) => {
                out.push_str(&format!("{indent}{name}\n"));
                let is_own = !ARGUMENTS.contains(&name.to_string().as_str());
                add(inner, depth + 1, named && is_own, out);
            }
        }
    }
}

fn masked(name: Option<String>, value: &str) -> String {
    if HARMLESS.contains(&value) || name.is_some_and(|name| NAMES.contains(&name.as_str())) {
        return format!("{value:?}");
    }
    format!("… ({} characters)", value.chars().count())
}
