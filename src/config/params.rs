//! The parameters of a source: a query string as the PBX has it, or a table of the file.
//!
//! A string is taken apart before `${NAME}` is put in, so that a `&` or a `+` in a secret does no harm. Every value may be
//! a secret, so printing parameters shows their names only.

use std::fmt;

use toml::de::{DeTable, DeValue};

use super::php_query::{self, Array, Node};
use super::secret::{Environment, Secret, read_secret_file, substitute};
use super::sheet::Sheet;

/// The parameters of a source, in their order.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Params(Vec<(ParamName, Param)>);

/// The name of a parameter: a list has numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamName {
    /// A place in a list.
    Place(i64),
    /// A name.
    Name(String),
}

/// The value of a parameter.
#[derive(Clone, PartialEq, Eq)]
pub enum Param {
    /// A text, perhaps a secret.
    Text(Secret),
    /// Further parameters: `webservices[send_call][xml]=...`.
    Inner(Params),
}

impl Params {
    /// The text of a parameter, by its path of names; `None` when it is absent or has inner parameters.
    #[must_use]
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        match self.find(path)? {
            Param::Text(text) => Some(text.reveal()),
            Param::Inner(_) => None,
        }
    }

    /// The parameters inside of one, by its path of names; `None` when there are none.
    #[must_use]
    pub fn inner(&self, path: &[&str]) -> Option<&Self> {
        match self.find(path)? {
            Param::Text(_) => None,
            Param::Inner(inner) => Some(inner),
        }
    }

    fn find(&self, path: &[&str]) -> Option<&Param> {
        let (name, rest) = path.split_first()?;
        let (_, param) = self.0.iter().find(|(other, _)| other.to_string() == *name)?;
        match (param, rest) {
            (param, []) => Some(param),
            (Param::Inner(inner), rest) => inner.find(rest),
            (Param::Text(_), _) => None,
        }
    }

    /// Every parameter, in order.
    pub fn iter(&self) -> impl Iterator<Item = &(ParamName, Param)> {
        self.0.iter()
    }

    /// Says whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads a parameter string; a lone `-` stands for none, as in the documentation of the PBX.
    ///
    /// # Errors
    /// A message that names what is wrong, without any value.
    pub(crate) fn from_string(written: &str, environment: Environment<'_>) -> Result<Self, String> {
        if written.trim() == "-" {
            return Ok(Self::default());
        }
        Self::from_php(php_query::parse(written.as_bytes()), environment)
    }

    fn from_php(array: Array, environment: Environment<'_>) -> Result<Self, String> {
        let read = |(key, node)| {
            let name = match key {
                php_query::Key::Integer(number) => ParamName::Place(number),
                php_query::Key::Text(text) => ParamName::Name(utf8(text, "the name of a parameter")?),
            };
            let param = match node {
                Node::Text(text) => {
                    let text = utf8(text, &format!("the parameter {name}"))?;
                    let text = substitute(&text, environment).map_err(|why| format!("the parameter {name}: {why}"))?;
                    Param::Text(Secret::new(text))
                }
                Node::Array(inner) => Param::Inner(Self::from_php(inner, environment)?),
            };
            Ok((name, param))
        };
        array.0.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Reads a table of the file, in the order in which it is written, since that may be the order of arguments: `true` and
    /// `false` are `1` and `0`, as PHP writes them, and `{ file = "key.txt" }` is the text in that file.
    ///
    /// # Errors
    /// A message that names what is wrong, without any value.
    pub(crate) fn from_table(table: &DeTable<'_>, sheet: &Sheet<'_>) -> Result<Self, String> {
        let mut written: Vec<_> = table.iter().collect();
        written.sort_by_key(|(name, _)| name.span().start);
        let named = written.into_iter().map(|(name, value)| {
            let name = name.get_ref();
            Ok((ParamName::of(name), read_value(name, value.get_ref(), sheet)?))
        });
        named.collect::<Result<_, _>>().map(Self)
    }
}

/// The path of a table that stands for what is in a file.
pub(crate) fn file_in<'a>(table: &'a DeTable<'_>) -> Option<&'a str> {
    table.get("file").filter(|_| table.len() == 1)?.get_ref().as_str()
}

fn read_file(name: &str, written: &str, sheet: &Sheet<'_>) -> Result<Param, String> {
    let path = substitute(written, sheet.environment).map_err(|why| format!("the parameter {name}: {why}"))?;
    let secret = read_secret_file(&sheet.path(&path));
    // The path as written: what a variable put into it is not shown.
    let hint = "a table with a file alone is a secret from that file; where a parameter inside is really called file, write \
                params as a string";
    secret.map(Param::Text).map_err(|why| format!("the parameter {name}: cannot read {written:?}: {why}; {hint}"))
}

fn read_value(name: &str, value: &DeValue<'_>, sheet: &Sheet<'_>) -> Result<Param, String> {
    let text = match value {
        DeValue::String(text) => {
            substitute(text, sheet.environment).map_err(|why| format!("the parameter {name}: {why}"))?
        }
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(on) => u8::from(*on).to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(items) => {
            let numbered = (0..)
                .zip(items.iter())
                .map(|(place, item)| Ok((ParamName::Place(place), read_value(name, item.get_ref(), sheet)?)));
            return numbered.collect::<Result<_, String>>().map(|inner| Param::Inner(Params(inner)));
        }
        DeValue::Table(table) => {
            return match file_in(table) {
                Some(file) => read_file(name, file, sheet),
                None => Params::from_table(table, sheet).map(Param::Inner),
            };
        }
    };
    Ok(Param::Text(Secret::new(text)))
}

fn utf8(bytes: Vec<u8>, what: &str) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|_| format!("{what} is not UTF-8; expected percent signs in front of UTF-8 bytes"))
}

impl ParamName {
    fn of(text: &str) -> Self {
        match php_query::Key::of(text.as_bytes().to_vec()) {
            php_query::Key::Integer(number) => Self::Place(number),
            php_query::Key::Text(_) => Self::Name(text.to_owned()),
        }
    }
}

impl fmt::Display for ParamName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place) => place.fmt(out),
            Self::Name(name) => out.write_str(name),
        }
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.0.iter().map(|(name, param)| (name, param))).finish()
    }
}

impl fmt::Debug for Param {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(secret) => secret.fmt(out),
            Self::Inner(inner) => inner.fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        (name == "KEY").then(|| "a&b=c+d%".to_owned())
    }

    #[test]
    fn the_strings_of_the_documentation_are_read_as_they_stand() {
        let params =
            Params::from_string("webservices[send_call][xml]=Create&webservices[send_call][method]=send", &environment);
        let params = params.unwrap();
        assert_eq!(params.text(&["webservices", "send_call", "xml"]), Some("Create"));
        assert_eq!(params.text(&["webservices", "send_call"]), None);
        assert_eq!(params.inner(&["webservices", "send_call"]).unwrap().iter().count(), 2);
        assert!(Params::from_string("-", &environment).unwrap().is_empty());
    }

    #[test]
    fn a_table_keeps_the_order_in_which_it_is_written() {
        let text = "[source.crm]\ntype = \"generic\"\nurl = \"https://x.example\"\n[source.crm.params.func_params]\nzeta = 1\nalpha = 2\nmid = { b = 1, a = 2 }";
        let config = crate::config::load_text(text, &environment).unwrap();
        let params = config.sources["crm"].params.inner(&["func_params"]).unwrap();
        let names = |params: &Params| params.iter().map(|(name, _)| format!("{name:?}")).collect::<Vec<_>>();
        assert_eq!(names(params), ["Name(\"zeta\")", "Name(\"alpha\")", "Name(\"mid\")"]);
        assert_eq!(names(params.inner(&["mid"]).unwrap()), ["Name(\"b\")", "Name(\"a\")"]);
    }

    #[test]
    fn a_parameter_may_stand_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("calldex.toml");
        std::fs::write(folder.path().join("key.txt"), "a&b=c+d%\n").unwrap();
        let read = |params: &str| {
            let text = format!("[source.crm]\ntype = \"soap\"\nurl = \"https://x.example\"\nparams = {params}\n");
            std::fs::write(&main, text).unwrap();
            let loaded = crate::config::load(&main, &environment, &crate::config::Checks::NONE);
            loaded.map(|loaded| loaded.config.sources["crm"].params.clone()).map_err(|why| why.to_string())
        };
        let params =
            read(r#"{ user = { file = "key.txt" }, init_params = { password = { file = "key.txt" } } }"#).unwrap();
        assert_eq!(params.text(&["user"]), Some("a&b=c+d%"));
        assert_eq!(params.text(&["init_params", "password"]), Some("a&b=c+d%"));
        let params = read(r#"{ func_params = { file = "key.txt", x = 1 } }"#).unwrap();
        assert_eq!(params.text(&["func_params", "file"]), Some("key.txt"));
        assert_eq!(read(r#""func_params[file]=key.txt""#).unwrap().text(&["func_params", "file"]), Some("key.txt"));
        let missing = read(r#"{ user = { file = "none.txt" } }"#).unwrap_err();
        assert!(missing.contains("the parameter user: cannot read \"none.txt\": No such file"), "{missing}");
    }

    #[test]
    fn a_secret_is_put_in_after_the_string_was_taken_apart_and_never_printed() {
        let params = Params::from_string("user=${KEY}&password=X", &environment).unwrap();
        assert_eq!(params.text(&["user"]), Some("a&b=c+d%"));
        assert_eq!(params.text(&["password"]), Some("X"));
        assert!(!format!("{params:?}").contains("a&b"), "{params:?}");
        let missing = Params::from_string("user=${NONE}", &environment).unwrap_err();
        assert_eq!(missing, "the parameter user: the environment variable NONE is not set");
    }

    #[test]
    fn a_value_that_is_not_utf8_is_refused_by_its_name() {
        assert!(
            Params::from_string("password=%ff", &environment)
                .unwrap_err()
                .starts_with("the parameter password is not UTF-8")
        );
    }
}
