//! Lists of tokens: `tokens` of a project and `admin_tokens` of the server.
//!
//! The text of a token is hashed as soon as it is read; only the hash goes on.

use std::ops::Range;

use toml::de::DeValue;

use super::keys::{Key, Kind, Section};
use super::reader::Reader;
use super::secret::{Secret, read_secret_file};
use super::sheet::{Text, Value};
use super::token::{Token, TokenHash};

/// A token shorter than this gets a warning, in characters: it may be guessed.
pub(crate) const SHORT_TOKEN: usize = 16;

/// The keys of a token that is written as a table.
pub(crate) static SECTION: Section = Section {
    path: "tokens",
    about: "A token of `tokens` or `admin_tokens` is a string, `\"${NAME}\"` included, or a table with exactly one of \
            `token`, `file` and `hash`. calldex keeps only its hash. Two may be valid at once, so that one can \
            be replaced without a gap.",
    groups: &[&[
        Key::new("token", Kind::Secret("the text of a token"), "", "The token itself."),
        Key::new(
            "file",
            Kind::Text("the path of a file"),
            "",
            "A file that holds the token, relative to the main file; line ends behind it do not count.",
        ),
        Key::new(
            "hash",
            Kind::Secret("\"sha256:\" and 64 hexadecimal digits, as `calldex token hash` prints"),
            "",
            "Its SHA-256, as `calldex token new` and `calldex token hash` print it.",
        ),
        Key::new("expires", Kind::Moment, "", "From when on it is refused. Without it the token stays valid."),
    ]],
};

/// Reads every token of a list.
pub(crate) fn read(reader: &Reader<'_>, name: &'static str) -> Vec<Token> {
    let Some((key, value)) = reader.value(name) else { return Vec::new() };
    let items = reader.items(key, &value);
    items.iter().filter_map(|item| read_item(reader, key, item)).collect()
}

fn read_item<'a>(reader: &Reader<'a>, key: &'static Key, item: &Value<'a>) -> Option<Token> {
    match item.get_ref() {
        DeValue::String(_) => {
            let text = reader.text_of(key, item)?;
            Some(Token { hash: hash(reader, &text.place, &Secret::new(text.value)), expires: None })
        }
        DeValue::Table(table) => {
            let path = format!("{}.{}", reader.path, key.name);
            read_table(Reader::new(reader.sheet, &SECTION, path, Some(table), item.span()))
        }
        _ => reader.refuse(key, item, ""),
    }
}

fn read_table(entry: Reader<'_>) -> Option<Token> {
    let ways = ["token", "file", "hash"].into_iter().filter(|way| entry.is_set(way)).count();
    if ways != 1 {
        let message = format!("an entry of [{}] has {ways} of token, file and hash; expected exactly one", entry.path);
        entry.sheet.problem(&entry.place, message);
    }
    let literal = entry.text("token").map(|text| hash(&entry, &text.place, &Secret::new(text.value)));
    let from_file = entry.text("file").and_then(|text| Some(hash(&entry, &text.place, &read_file(&entry, &text)?)));
    let hashed = entry.parse("hash", |text| TokenHash::parse(text).map_err(|_| String::new()));
    let expires = entry.moment("expires");
    entry.finish();
    Some(Token { hash: literal.or(from_file).or(hashed)?, expires })
}

fn hash(reader: &Reader<'_>, place: &Range<usize>, secret: &Secret) -> TokenHash {
    let length = secret.reveal().chars().count();
    if length < SHORT_TOKEN {
        let message = format!(
            "a token of [{}] has {length} characters and may be guessed; expected {SHORT_TOKEN} or more, such as \
             `calldex token new` makes",
            reader.path.trim_end_matches(".tokens").trim_end_matches(".admin_tokens")
        );
        reader.sheet.warn(place, message);
    }
    TokenHash::of(secret.reveal())
}

fn read_file(reader: &Reader<'_>, name: &Text) -> Option<Secret> {
    let problem = match read_secret_file(&reader.sheet.path(&name.value)) {
        Ok(secret) => return Some(secret),
        Err(problem) => problem,
    };
    // The path as written: what a variable put into it is not shown.
    let message = format!("file in [{}]: cannot read the secret from {:?}: {problem}", reader.path, name.written);
    reader.sheet.problem(&name.place, message);
    None
}
