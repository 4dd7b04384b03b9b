//! The example file and the reference hold what the program knows, and nothing else.

use std::fs;
use std::path::Path;

use toml::de::DeValue;

use super::super::keys::Section;
use super::super::sections::MAIN;
use super::super::token_list;
use super::{problems, read};
use crate::config::reference;

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether a line is a setting that is switched off: `#key = value` or `#[section]`, unlike `# prose`.
fn is_switched_off(line: &str) -> bool {
    line.starts_with('#') && line.chars().nth(1).is_some_and(|second| second.is_ascii_lowercase() || second == '[')
}

fn example() -> String {
    file("etc/calldex.example.toml")
}

#[test]
fn the_example_loads() {
    let config = read(&example()).unwrap();
    assert_eq!(config.projects.keys().map(AsRef::as_ref).collect::<Vec<&str>>(), ["sales", "trial"]);
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn the_example_names_every_key_of_every_section() {
    let example = example();
    let switched_on = example.lines().map(|line| if is_switched_off(line) { &line[1..] } else { line });
    let everything: toml::Table = switched_on.collect::<Vec<_>>().join("\n").parse().unwrap();
    let everything = toml::Value::Table(everything);
    for section in MAIN.descendants() {
        let tables = tables_of(&everything, section.path);
        for key in section.keys() {
            let named = tables.iter().any(|table| table.get(key.name).is_some());
            assert!(named, "[{}] {} is missing in etc/calldex.example.toml", section.path, key.name);
        }
    }
    for key in token_list::SECTION.keys() {
        assert!(example.contains(&format!("{} = ", key.name)), "no token of the example has {}", key.name);
    }
}

/// The tables of the example for a section: `NAME` stands for any name.
fn tables_of<'a>(document: &'a toml::Value, path: &str) -> Vec<&'a toml::Value> {
    path.trim_matches(['[', ']']).split('.').fold(vec![document], |tables, part| {
        let inner = tables.into_iter().filter_map(toml::Value::as_table);
        match part {
            "NAME" => inner.flat_map(|table| table.values()).flat_map(items_of).collect(),
            part => inner.filter_map(|table| table.get(part)).flat_map(items_of).collect(),
        }
    })
}

/// The tables of a list, or the value itself.
fn items_of(value: &toml::Value) -> Vec<&toml::Value> {
    value.as_array().map_or_else(|| vec![value], |items| items.iter().collect())
}

#[test]
fn every_setting_that_the_example_switches_off_works_when_it_is_switched_on() {
    let example = example();
    let lines: Vec<&str> = example.lines().collect();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| is_switched_off(line)) {
        let mut changed: Vec<&str> = lines.clone();
        changed[index] = &line[1..];
        let found = problems(&changed.join("\n"));
        // The files of the certificate are not here, and the open project of the example wants no proxy.
        let excused = ["server.tls", "trusted_proxies", "certificate = ", "key = "];
        assert!(found.is_empty() || excused.iter().any(|word| line.contains(word)), "{line}: {found}");
    }
}

#[test]
fn a_bogus_key_is_refused_in_every_table_of_the_example() {
    let example = example();
    let tables = example.lines().filter(|line| line.starts_with('['));
    let mut tried = 0;
    for header in tables {
        let changed = example.replacen(&format!("{header}\n"), &format!("{header}\nbogus = 1\n"), 1);
        let found = problems(&changed);
        assert!(found.contains(&format!("unknown key \"bogus\" in {header}")), "{header}: {found}");
        tried += 1;
    }
    assert!(tried >= 6, "the example has lost its tables");
    assert!(problems(&example.replacen('[', "bogus = 1\n[", 1)).contains("\"bogus\""));
}

#[test]
fn the_reference_in_docs_is_what_the_program_prints() {
    assert_eq!(file("docs/configuration.md"), reference(), "run `calldex config reference > docs/configuration.md`");
}

#[test]
fn every_default_is_right_for_its_key_and_every_key_is_described() {
    let check = |section: &Section| {
        for key in section.keys().filter(|key| !key.kind.is_section()) {
            assert!(key.about.ends_with('.'), "[{}] {} is not described by a sentence", section.path, key.name);
            let default_is_toml = key.default.is_empty() || DeValue::parse(key.default).is_ok();
            assert!(default_is_toml, "[{}] {} has a default that is not TOML", section.path, key.name);
        }
        assert!(section.about.ends_with('.'), "[{}] is not described by a sentence", section.path);
    };
    MAIN.descendants().into_iter().for_each(check);
    assert_eq!(problems(""), "");
}

proptest::proptest! {
    /// Whatever somebody does to a file in an editor: it is read or refused with a place, and never ends the process.
    #[test]
    fn a_damaged_file_is_refused_and_never_a_panic(from in 0_usize..4_000, length in 0_usize..60, put in "[\\PC\n]{0,12}") {
        let characters: Vec<char> = example().chars().collect();
        let from = from.min(characters.len());
        let behind = (from + length).min(characters.len());
        let damaged: String = characters[..from].iter().copied().chain(put.chars()).chain(characters[behind..].iter().copied()).collect();
        if let Err(problems) = read(&damaged) {
            proptest::prop_assert!(problems.count() > 0);
            for problem in problems.iter() {
                proptest::prop_assert!(problem.line > 0 && problem.line <= damaged.lines().count() + 1, "{}", problem);
            }
        }
    }
}
