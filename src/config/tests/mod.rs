//! Tests of the configuration as a whole; those of a single piece stand below it.

mod bad_input;
mod example;
mod files;

use super::{Config, Problems, load_text};

/// The environment of these tests.
fn environment(name: &str) -> Option<String> {
    match name {
        "SALES_TOKEN" => Some("a-token-of-more-than-16-characters".to_owned()),
        "CRM_KEY" => Some("a-key-of-the-crm".to_owned()),
        "LISTEN" => Some("in-the-environment".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn read(text: &str) -> Result<Config, Problems> {
    load_text(text, &environment)
}

/// What is wrong with a text, one problem a line.
fn problems(text: &str) -> String {
    read(text).err().map(|problems| problems.to_string()).unwrap_or_default()
}
