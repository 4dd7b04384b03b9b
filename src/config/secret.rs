//! Values from outside the file: `${NAME}` from the environment, and secrets that never print.
//!
//! Substitution happens after the file was parsed, inside one value: a quote, a newline or a `#` in a variable cannot
//! change what the file means.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// Where `${NAME}` is looked up; [`process_environment`] outside of tests.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Looks a variable up in the environment of the process; a value that is not UTF-8 counts as missing.
#[must_use]
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A text that must not be seen. Printing it shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Largest file that is read for a secret, in bytes: a private key with its certificates is smaller.
const LARGEST_FILE: u64 = 64 * 1024;

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// Replaces every `${NAME}` by its variable; `$${` stands for a plain `${`.
///
/// # Errors
/// A message that names the variable that is missing, or says what is wrong with the braces.
pub(crate) fn substitute(written: &str, environment: Environment<'_>) -> Result<String, String> {
    let mut value = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(start) = rest.find("${") {
        if rest[..start].ends_with('$') {
            value.push_str(&rest[..start - 1]);
            value.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        value.push_str(&rest[..start]);
        let (name, behind) = rest[start + 2..].split_once('}').ok_or("\"${\" has no closing \"}\"")?;
        if !is_variable_name(name) {
            return Err(format!(
                "\"${{{name}}}\" does not name an environment variable; expected letters, digits and _, \
                 or \"$${{\" for a plain \"${{\""
            ));
        }
        value.push_str(&environment(name).ok_or_else(|| format!("the environment variable {name} is not set"))?);
        rest = behind;
    }
    value.push_str(rest);
    Ok(value)
}

/// Reads a secret out of a file; line ends behind it are cut off.
///
/// # Errors
/// What is wrong with the file, without anything of it.
pub(crate) fn read_secret_file(path: &Path) -> Result<Secret, String> {
    // What is no file may never end.
    if !fs::metadata(path).map_err(|error| error.to_string())?.is_file() {
        return Err("it is no file".to_owned());
    }
    let (mut content, file) = (String::new(), File::open(path));
    let read = file.and_then(|file| file.take(LARGEST_FILE + 1).read_to_string(&mut content));
    match read.map_err(|error| error.to_string())? as u64 {
        LARGEST_FILE.. => Err(format!("the file is larger than {} KB", LARGEST_FILE / 1024)),
        _ if content.trim().is_empty() => Err("the file is empty".to_owned()),
        _ => Ok(Secret::new(content.trim_end_matches(['\r', '\n']).to_owned())),
    }
}

/// Whether something in a text is taken from the environment.
pub(crate) fn has_variable(written: &str) -> bool {
    substitute(written, &|_| None).is_err()
}

fn is_variable_name(name: &str) -> bool {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts_well && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        (name == "KEY").then(|| "a&b\"${KEY}".to_owned())
    }

    #[test]
    fn a_variable_is_replaced_once_and_never_read_again() {
        assert_eq!(substitute("x=${KEY};", &environment).unwrap(), "x=a&b\"${KEY};");
        assert_eq!(substitute("plain $ {} text", &environment).unwrap(), "plain $ {} text");
        assert_eq!(substitute("$${KEY} ${KEY}", &environment).unwrap(), "${KEY} a&b\"${KEY}");
    }

    #[test]
    fn a_missing_variable_and_a_missing_brace_are_named() {
        assert_eq!(substitute("${NONE}", &environment).unwrap_err(), "the environment variable NONE is not set");
        assert_eq!(substitute("${KEY", &environment).unwrap_err(), "\"${\" has no closing \"}\"");
        assert!(substitute("${a b}", &environment).unwrap_err().contains("does not name an environment variable"));
    }

    #[test]
    fn a_secret_comes_from_a_small_file_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let read = |content: &str| {
            fs::write(&file, content).unwrap();
            read_secret_file(&file).map(|secret| secret.reveal().to_owned())
        };
        assert_eq!(read(" a b \r\n\n").as_deref(), Ok(" a b "));
        assert_eq!(read("\n").unwrap_err(), "the file is empty");
        assert_eq!(read(&"x".repeat(64 * 1024 + 1)).unwrap_err(), "the file is larger than 64 KB");
        for endless in [Path::new("/dev/zero"), folder.path()] {
            assert_eq!(read_secret_file(endless).unwrap_err(), "it is no file");
        }
        assert!(read_secret_file(&folder.path().join("none")).unwrap_err().contains("No such file"));
    }

    #[test]
    fn a_secret_shows_nothing_when_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "Secret(…)");
    }
}
