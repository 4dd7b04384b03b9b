//! The reference of all keys, generated from the lists that the reader uses: `docs/configuration.md`.

use std::fmt::Write;

use super::keys::{Key, Kind, Section};
use super::sections::MAIN;
use super::token_list;

/// What stands before the sections.
const INTRODUCTION: &str = "\
# Configuration

<!-- Written by `calldex config reference`; a test compares the two. -->

calldex reads one TOML file, `calldex.toml` (or `--config FILE`, or the environment variable `CALLDEX_CONFIG`), and every
`projects/*.toml` beside it. `calldex config check` names every mistake with its line, those in rules once the rest of their
project is right; `calldex config print` shows what holds with all defaults. `etc/calldex.example.toml` is an example of every
key.

- An unknown key, a wrong type and a value out of range are refused. Durations are written as `\"800ms\"`, `\"1.5s\"`,
  `\"15m\"`, `\"24h\"` or `\"7d\"`.
- `${NAME}` in any string is replaced by the environment variable of that name, after the file was parsed; `$${` stands for
  a plain `${`. A missing variable is a mistake. Secrets are never printed.
- Relative paths start at the folder of the main file.
- Names of projects, directories and sources have 1 to 64 characters of `a-z 0-9 _ -`, the first a letter or a digit. No
  project can be called `api`, `agent`, `events`, `metrics`, `healthz`, `readyz` or `static`.
- A project file holds `[directory.NAME]`, `[source.NAME]`, `[journal.NAME]`, `[agent.NAME]` and `[project.NAME]` only, and they
  are private: `customers` in `projects/acme.toml` is `acme/customers` in the store and on the command line. Its projects may
  also use what the main file has of these with `shared = true`. A project file with mistakes does not stop the others: while the server
  runs, its last good copy stays in use.
";

/// Writes the reference as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut out = INTRODUCTION.to_owned();
    for section in MAIN.descendants() {
        write_section(&mut out, &format!("`[{}]`", section.path), section);
    }
    write_section(&mut out, "Tokens", &token_list::SECTION);
    out
}

fn write_section(out: &mut String, title: &str, section: &Section) {
    let _ = writeln!(out, "\n## {title}\n\n{}", section.about);
    if section.keys().all(|key| key.kind.is_section()) {
        return;
    }
    out.push_str("\n| key | value | default | meaning |\n|---|---|---|---|\n");
    for key in section.keys().filter(|key| !key.kind.is_section()) {
        let default = if key.default.is_empty() { String::new() } else { format!("`{}`", key.default) };
        let cells = [format!("`{}`", key.name), describe(key), default, key.about.to_owned()];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

/// What a value may be, without the example that a default already gives.
fn describe(key: &Key) -> String {
    let expected = key.expected();
    match key.kind {
        Kind::Duration { .. } => expected.split(", such as").next().unwrap_or_default().to_owned(),
        _ => expected,
    }
}
