//! The example file and the reference hold what the program knows, and nothing else.

use std::fs;
use std::path::Path;

use super::super::keys::{Kind, Section};
use super::super::sections::MAIN;
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
    let everything: String = example().lines().map(|line| line.trim_start_matches('#').to_owned() + "\n").collect();
    for section in MAIN.descendants() {
        for key in section.keys().filter(|key| !matches!(key.kind, Kind::Table(_) | Kind::Tables(_))) {
            let named = everything.lines().any(|line| line.contains(&format!("{} = ", key.name)));
            assert!(named, "[{}] {} is missing in etc/calldex.example.toml", section.path, key.name);
        }
    }
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
    if std::env::var_os("CALLDEX_WRITE_DOCS").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md"), reference()).unwrap();
    }
    assert_eq!(file("docs/configuration.md"), reference(), "run `calldex config reference > docs/configuration.md`");
}

#[test]
fn every_default_is_right_for_its_key_and_every_key_is_described() {
    let check = |section: &Section| {
        for key in section.keys().filter(|key| !matches!(key.kind, Kind::Table(_) | Kind::Tables(_))) {
            assert!(key.about.ends_with('.'), "[{}] {} is not described by a sentence", section.path, key.name);
        }
        assert!(section.about.ends_with('.'), "[{}] is not described by a sentence", section.path);
    };
    MAIN.descendants().into_iter().for_each(check);
    assert_eq!(problems(""), "");
}
