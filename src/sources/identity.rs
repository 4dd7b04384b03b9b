//! What tells one source with its settings from any other: a reload keeps those that are as before, and answers are
//! remembered under it.

use std::fmt::Write;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::Around;
use crate::config::{self, Param, Params};

/// Longest text that may be the path of a file, in bytes.
const LONGEST_PATH: usize = 255;

/// Largest file that is looked at, in bytes.
const LARGEST_FILE: u64 = 8 << 20;

/// Stands for all settings of a source, secrets and files included, without showing any: another credential may see other
/// people, and a key that was renewed or came late counts from the next reload on.
pub(super) fn identify(source: &config::Source, around: &Around) -> String {
    digest(source, &format!("{source:?} {around:?}"), &files_of(source))
}

/// Stands for the account on the other side.
pub(super) fn identify_account(source: &config::Source) -> String {
    digest(source, &source.api_type, &[])
}

/// Stands for some settings of a source, all of its secrets, and what stands in files.
fn digest(source: &config::Source, settings: &str, files: &[PathBuf]) -> String {
    let mut text = format!("{settings} {:?}", source.url.as_ref().map(config::Secret::reveal));
    reveal(&source.params, &mut text);
    let mut digest = Sha256::new_with_prefix(text);
    for file in files {
        let content = std::fs::read(file).unwrap_or_default();
        digest.update(content.len().to_le_bytes());
        digest.update(content);
    }
    let mut name = String::with_capacity(64);
    for byte in digest.finalize() {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// The files that a source may read: its authorities, and those that its parameters may name, such as a key or a WSDL.
fn files_of(source: &config::Source) -> Vec<PathBuf> {
    let mut texts = Vec::new();
    if !source.tenant {
        texts_of(&source.params, &mut texts);
    }
    let named = texts.iter().flat_map(|text| ["", ".wsdl", ".xml"].map(|end| format!("{text}{end}")));
    let named = named.map(|name| source.folder.join(name));
    let is_small = |file: &PathBuf| file.metadata().is_ok_and(|found| found.is_file() && found.len() <= LARGEST_FILE);
    source.ca_file.clone().into_iter().chain(named).filter(is_small).collect()
}

fn texts_of<'a>(params: &'a Params, texts: &mut Vec<&'a str>) {
    for (_, param) in params.iter() {
        match param {
            Param::Text(text) => texts.extend(Some(text.reveal()).filter(|text| text.len() <= LONGEST_PATH)),
            Param::Inner(inner) => texts_of(inner, texts),
        }
    }
}

fn reveal(params: &Params, out: &mut String) {
    for (name, param) in params.iter() {
        let _ = match param {
            Param::Text(text) => write!(out, " {name:?}={:?}", text.reveal()),
            Param::Inner(_) => write!(out, " {name:?}["),
        };
        if let Param::Inner(inner) = param {
            reveal(inner, out);
            out.push(']');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::settings_for_tests;

    #[test]
    fn a_file_that_a_source_names_belongs_to_its_settings_and_is_read_again_at_a_reload() {
        let folder = tempfile::tempdir().unwrap();
        let keys = "params = \"client_id=app&private_key=key.pem&webservices[send_call][xml]=Calls\"";
        let mut source = settings_for_tests("crm", keys);
        source.folder = folder.path().to_path_buf();
        source.ca_file = Some(folder.path().join("ca.pem"));
        let mut seen = vec![identify(&source, &Around::default())];
        for (file, content) in [("key.pem", "old"), ("key.pem", "new"), ("ca.pem", "old"), ("Calls.wsdl", "<a/>")] {
            std::fs::write(folder.path().join(file), content).unwrap();
            let settings = identify(&source, &Around::default());
            assert!(!seen.contains(&settings), "{file} is {content}");
            assert_eq!(settings, identify(&source, &Around::default()));
            seen.push(settings);
        }
    }
}
