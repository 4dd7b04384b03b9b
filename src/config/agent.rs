//! `[agent.NAME]`: a person at the PBX, by the name of his user there; the one place where an agent is described.
//!
//! Rules send calls to agents, events name them, and a CRM knows them as owners of contacts under ids of its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use toml::de::DeValue;

use super::directory::full_name;
use super::keys::{Key, Kind, Section};
use super::namespace::Namespace;
use super::owner::plain_owner;
use super::reader::Reader;
use super::sheet::Value;

/// `[agent.NAME]`: a person at the PBX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The user of the PBX, without the file: `ion-popescu`.
    pub name: Arc<str>,
    /// The extension of his telephone.
    pub extension: Option<String>,
    /// His address, in lower case, by which a source may name him as owner.
    pub email: Option<String>,
    /// His ids in sources, by the full names of these.
    pub owner: BTreeMap<Arc<str>, String>,
    /// Whether project files may use him.
    pub shared: bool,
}

impl Agent {
    /// The agent whom a PBX calls so: by his name, else by his extension.
    #[must_use]
    pub fn find<'a>(agents: &'a BTreeMap<String, Self>, name: &str) -> Option<&'a Self> {
        let by_extension = || agents.values().find(|agent| agent.extension.as_deref() == Some(name));
        agents.get(name).or_else(by_extension)
    }

    /// By what he is found besides his name, each with a word for it.
    fn marks(&self) -> impl Iterator<Item = (String, &str)> {
        let owners = self.owner.iter().map(|(source, id)| (format!("his owner in {source}"), plain_owner(id)));
        let extension = self.extension.iter().map(|extension| ("his extension".to_owned(), extension.as_str()));
        let email = self.email.iter().map(|email| ("his email".to_owned(), email.as_str()));
        owners.chain(extension).chain(email)
    }
}

/// Most characters of an agent's name; a channel of Asterisk with such a name still fits into `direct_line`.
const LONGEST_NAME: usize = 64;

/// The keys of `[agent.NAME]`.
pub(crate) static SECTION: Section = Section {
    path: "agent.NAME",
    about: "An agent, named as the PBX names its user: 1 to 64 characters of `A-Z a-z 0-9 . _ -`, the first a letter or \
            a digit. In a project file he is that file's own.",
    groups: &[&[
        Key::new(
            "extension",
            Kind::Text("1 to 20 characters of A-Z a-z 0-9 * # . _ -, such as \"101\""),
            "",
            "The extension of his telephone.",
        ),
        Key::new(
            "email",
            Kind::Text("an e-mail address"),
            "",
            "His address. A contact whose `owner` is this address is his.",
        ),
        Key::new(
            "owner",
            Kind::Map("his id in a source, by the name of the source, such as { helpdesk = \"7000123\" }"),
            "",
            "His id in each source. A contact of that source whose `owner` is this id is his: `contact.agent` in rules \
             and templates is then his name.",
        ),
        Key::new("shared", Kind::Switch, "false", "Whether project files may use him. Only in the main file."),
    ]],
};

/// Reads the agents of the file whose names `namespace` finds, by full name: `ion`, or `acme/ion` from
/// `projects/acme.toml`.
pub(crate) fn read_all(root: &Reader<'_>, namespace: &Namespace<'_>) -> BTreeMap<Arc<str>, Agent> {
    let mut taken = HashMap::new();
    let read = |(name, reader): (&str, Reader<'_>)| {
        let place = reader.place.clone();
        let agent = Agent::read(name, reader, namespace);
        for (what, key) in agent.marks() {
            let first = taken.entry((what.clone(), key.to_owned())).or_insert_with(|| name.to_owned());
            if first != name {
                let message =
                    format!("[agent.{name}]: {what} is that of the agent {first} too; only one of them counts");
                root.sheet.warn(&place, message);
            }
        }
        (full_name(namespace.file, name), agent)
    };
    root.tables("agent").into_iter().map(read).collect()
}

impl Agent {
    fn read(name: &str, reader: Reader<'_>, namespace: &Namespace<'_>) -> Self {
        if !is_user(name) {
            let message = format!(
                "the agent name {name:?} is not allowed; expected 1 to {LONGEST_NAME} characters of A-Z a-z 0-9 . _ -, \
                 the first a letter or a digit"
            );
            reader.sheet.problem(&reader.place, message);
        }
        let agent = Self {
            name: name.into(),
            extension: reader.parse("extension", read_extension),
            email: reader.parse("email", read_email),
            owner: read_owner(&reader, namespace),
            shared: reader.switch("shared"),
        };
        if reader.is_set("shared") && namespace.file.is_some() {
            let message = format!(
                "shared in [{}] does nothing in a project file; only agents of the main file can be shared",
                reader.path
            );
            reader.sheet.problem(&reader.place_of("shared"), message);
        }
        reader.finish();
        agent
    }
}

/// Whether a text can be the name of an agent, and so stand in `direct_line`.
#[must_use]
pub fn is_user(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    starts_well && text.len() <= LONGEST_NAME && text.bytes().all(fits)
}

fn read_extension(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"*#._-".contains(&byte);
    if text.len() <= 20 && text.bytes().all(fits) { Ok(text.to_owned()) } else { Err(String::new()) }
}

fn read_email(text: &str) -> Result<String, String> {
    let is_address = text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
    let blank = text.contains(|c: char| c.is_whitespace() || c.is_control());
    if is_address && !blank { Ok(text.to_lowercase()) } else { Err(String::new()) }
}

/// His ids by the full names of the sources; an id is a text or a whole number.
fn read_owner(reader: &Reader<'_>, namespace: &Namespace<'_>) -> BTreeMap<Arc<str>, String> {
    let mut owner = BTreeMap::new();
    for (source, place, value) in reader.entries("owner") {
        let Some(id) = read_id(reader, &value) else { continue };
        match namespace.find_source(source) {
            Ok(full) => {
                owner.insert(full, id);
            }
            Err(hint) => {
                let message =
                    format!("owner in [{}] names the source \"{source}\", which is not known{hint}", reader.path);
                reader.sheet.problem(&place, message);
            }
        }
    }
    owner
}

fn read_id<'a>(reader: &Reader<'a>, value: &Value<'a>) -> Option<String> {
    let key = SECTION.key("owner")?;
    match value.get_ref() {
        DeValue::Integer(digits) if digits.radix() == 10 => Some(digits.as_str().to_owned()),
        DeValue::String(_) => reader.text_of(key, value).map(|text| text.value),
        _ => reader.refuse(key, value, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::super::load_text;
    use super::*;

    #[test]
    fn an_agent_is_known_by_extension_address_and_the_ids_of_sources() {
        let text = "[directory.helpdesk]\n[agent.ion-popescu]\nextension = \"101\"\nemail = \"Ion@Example.com\"\n\
                    owner = { helpdesk = 7000123 }\n[agent.\"Ana.Pop\"]\nshared = true\n";
        let agents = load_text(text, &|_| None).unwrap().agents;
        let ion = &agents["ion-popescu"];
        assert_eq!((ion.extension.as_deref(), ion.email.as_deref()), (Some("101"), Some("ion@example.com")));
        assert_eq!(ion.owner["helpdesk"], "7000123");
        assert!(agents["Ana.Pop"].shared);
    }

    #[test]
    fn two_agents_with_one_mark_are_warned_of() {
        let text = "[directory.crm]\n[agent.ana]\nowner = { crm = \"001D000000IqhSL\" }\nextension = \"101\"\n\
                    [agent.ion]\nowner = { crm = \"001D000000IqhSLIAZ\" }\nextension = \"102\"\nemail = \"a@b.ro\"\n\
                    [agent.dan]\nowner = { crm = \"001D000000IqhSLIAA\" }\nemail = \"A@b.ro\"\n";
        let warnings = load_text(text, &|_| None).unwrap().warnings;
        let expected = ["his email is that of the agent dan", "his owner in crm is that of the agent ana"];
        assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
        for (warning, expected) in warnings.iter().zip(expected) {
            assert!(warning.contains("[agent.ion]: ") && warning.contains(expected), "{warnings:?}");
        }
    }

    #[test]
    fn what_could_not_stand_in_a_direct_line_is_no_name_of_an_agent() {
        for name in ["ion-popescu", "Ana.Pop", "101", "a_b"] {
            assert!(is_user(name), "{name}");
        }
        for name in ["", "-a", "ion popescu", "a@b", "a&b", "a/b", "ș", &"a".repeat(65)] {
            assert!(!is_user(name), "{name}");
        }
    }
}
