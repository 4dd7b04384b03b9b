//! The effective configuration: what was written, with the defaults, and no secret.
//!
//! A value that takes part of itself from the environment is shown as written, `${NAME}`: what the variable holds may be
//! a secret.

use std::fmt::Write;

use toml::de::{DeTable, DeValue};

use super::directory::full_name;
use super::keys::{Key, Kind, Section};
use super::phone::Phone;

/// What stands in place of a secret.
const HIDDEN: &str = "\"***\"";

/// Prints a file by the list of its sections. `file` is the stem and the name of a project file.
pub(crate) fn print_effective(document: &DeTable<'_>, root: &Section, file: Option<(&str, &str)>) -> String {
    let mut out = String::new();
    if let Some((_, name)) = file {
        let _ = writeln!(out, "\n# {name}");
    }
    for key in root.keys() {
        print_tables(&mut out, key, document, "", file.map(|(stem, _)| stem));
    }
    out
}

fn print_tables(out: &mut String, key: &Key, parent: &DeTable<'_>, path: &str, stem: Option<&str>) {
    let value = parent.get(key.name).map(|value| value.get_ref());
    let path = format!("{path}{}", key.name);
    match (&key.kind, value.and_then(DeValue::as_table)) {
        (Kind::Table(section), Some(table)) => print_section(out, section, table, &path),
        (Kind::Table(section), None) if section.keys().any(|key| !key.default.is_empty()) => {
            print_section(out, section, &DeTable::new(), &path);
        }
        (Kind::Tables(section), Some(tables)) => {
            for (name, value) in tables {
                // A project has one name everywhere, it stands in the URL; what a file keeps to itself has two parts.
                let owner = stem.filter(|_| key.name != "project");
                let name = print_name(&full_name(owner, name.get_ref()));
                value.get_ref().as_table().into_iter().for_each(|table| {
                    print_section(out, section, table, &format!("{path}.{name}"));
                });
            }
        }
        _ => {}
    }
    if let (Kind::List(section), Some(items)) = (&key.kind, value.and_then(DeValue::as_array)) {
        for table in items.iter().filter_map(|item| item.get_ref().as_table()) {
            print_section(out, section, table, &format!("[{path}]"));
        }
    }
}

fn print_section(out: &mut String, section: &Section, table: &DeTable<'_>, path: &str) {
    let line_before = if out.is_empty() { "" } else { "\n" };
    let _ = writeln!(out, "{line_before}[{path}]");
    let phone = table.get("phone").and_then(|value| Phone::find(value.get_ref().as_str()?));
    for key in section.keys() {
        if let Some(value) = table.get(key.name) {
            print_line(out, key, value.get_ref());
        } else if let Some(default) = phone.and_then(|phone| phone.default_of(key.name)) {
            let _ = writeln!(out, "{} = {default}", key.name);
        } else if !key.default.is_empty() {
            let _ = writeln!(out, "{} = {}", key.name, key.default);
        }
    }
    for key in section.keys() {
        print_tables(out, key, table, &format!("{}.", path.trim_matches(['[', ']'])), None);
    }
}

fn print_line(out: &mut String, key: &Key, value: &DeValue<'_>) {
    let printed = match key.kind {
        Kind::Table(_) | Kind::Tables(_) | Kind::List(_) => return,
        Kind::Secret(_) | Kind::Params => HIDDEN.to_owned(),
        Kind::Secrets(section) => print_secrets(section, value),
        _ => print_value(value),
    };
    let _ = writeln!(out, "{} = {printed}", key.name);
}

fn print_secrets(section: &Section, value: &DeValue<'_>) -> String {
    let print_item = |item: &DeValue<'_>| match item {
        DeValue::Table(table) => {
            let parts = table.iter().map(|(name, value)| match section.key(name.get_ref()).map(|key| &key.kind) {
                Some(Kind::Text(_) | Kind::Moment) => format!("{} = {}", name.get_ref(), print_value(value.get_ref())),
                _ => format!("{} = {HIDDEN}", name.get_ref()),
            });
            format!("{{ {} }}", parts.collect::<Vec<_>>().join(", "))
        }
        _ => HIDDEN.to_owned(),
    };
    let items = value.as_array().into_iter().flatten().map(|item| print_item(item.get_ref()));
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn print_value(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => toml::Value::String(text.as_ref().to_owned()).to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(on) => on.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| print_value(item.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(table) => {
            let print_part = |(name, value): (&toml::Spanned<toml::de::DeString<'_>>, &toml::Spanned<DeValue<'_>>)| {
                format!("{} = {}", print_name(name.get_ref()), print_value(value.get_ref()))
            };
            format!("{{ {} }}", table.iter().map(print_part).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A key as TOML, quoted when it has to be.
fn print_name(name: &str) -> String {
    let bare = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if bare && !name.is_empty() { name.to_owned() } else { toml::Value::String(name.to_owned()).to_string() }
}
