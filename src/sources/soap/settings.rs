//! What the parameters of a SOAP source mean.
//!
//! `func_name`, `init_params` and `func_params` are those of the PBX, which hands `init_params` to PHP's `SoapClient` as
//! texts. PHP looks at some options only when they are whole numbers, so as texts they do nothing there; they do nothing
//! here either, and a warning says what to write instead.

use std::path::PathBuf;

use url::Url;

use crate::config::{self, Complaint, Param, ParamName, Params, nearest};
use crate::soap::{Key, Shape, Value, Version, is_name};

/// The parameters, besides those of the PBX the own ones of calldex.
const KNOWN: [&str; 13] = [
    "func_name",
    "init_params",
    "func_params",
    "version",
    "style",
    "use",
    "arguments",
    "order",
    "action",
    "wsdl",
    "unknown_fault",
    "log_func",
    "log_order",
];

/// Options of `SoapClient` that calldex does as PHP does.
const OBEYED: [&str; 5] = ["login", "password", "location", "uri", "user_agent"];

/// Options that do nothing as texts, and what to write instead.
const IGNORED: [(&str, &str); 17] = [
    ("soap_version", "; write version=1.2 beside func_name"),
    ("style", "; write style=document beside func_name"),
    ("use", "; write use=literal beside func_name"),
    ("trace", "; calldex source test shows request and answer"),
    ("exceptions", ""),
    ("keep_alive", ""),
    ("compression", ""),
    ("authentication", "; calldex sends HTTP Basic"),
    ("features", ""),
    ("cache_wsdl", "; calldex keeps the WSDL for a day"),
    ("connection_timeout", "; write timeout into the section of the source"),
    ("ssl_method", ""),
    ("local_cert", ""),
    ("classmap", ""),
    ("typemap", ""),
    ("stream_context", ""),
    ("encoding", "; calldex sends UTF-8"),
];

/// How the arguments are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arguments {
    /// One array with names, PHP's `f([...])`.
    Map,
    /// One object.
    Struct,
    /// Each under its name.
    Named,
    /// One after the other.
    Positional,
}

/// The settings of a source.
pub(super) struct Settings {
    /// The function that is called.
    pub(super) function: String,
    /// Where its description is; `None` when there is none.
    pub(super) description: Option<Place>,
    /// Where it is called, when the settings say so.
    pub(super) location: Option<Url>,
    /// The namespace of a function without a description.
    pub(super) namespace: String,
    /// User and password of HTTP Basic.
    pub(super) login: Option<(String, String)>,
    /// The value of `User-Agent`.
    pub(super) user_agent: Option<String>,
    /// The arguments that always go along.
    pub(super) arguments: Vec<(Key, Value)>,
    /// How they are put together; `None` leaves it to the description.
    pub(super) put: Option<Arguments>,
    /// The order of positional arguments, by name.
    pub(super) order: Vec<String>,
    /// The version, when the settings say so.
    pub(super) version: Option<Version>,
    /// The shape of a call without a description.
    pub(super) shape: Shape,
    /// The value of `SOAPAction`, when the settings say so.
    pub(super) action: Option<String>,
    /// A part of the faults that mean that nobody is known.
    pub(super) unknown_fault: Option<String>,
    /// The function that gets calls which are over, and the order of its positional arguments.
    log: Option<(String, Vec<String>)>,
}

impl Settings {
    /// The same service, with the function that gets calls which are over; `None` when there is none.
    pub(super) fn for_calls(self) -> Option<Self> {
        let (function, order) = self.log?;
        // Whoever takes calls is no lookup: a fault of his never means that nobody is known.
        Some(Self { function, order, action: None, unknown_fault: None, log: None, ..self })
    }
}

/// Where a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// On the web.
    Web(Url),
    /// On this machine.
    File(PathBuf),
}

/// Reads the settings, with everything that is wrong with them.
pub(super) fn read(source: &config::Source) -> (Option<Settings>, Vec<Complaint>) {
    let mut reader = Reader { params: &source.params, complaints: Vec::new() };
    reader.refuse_unknown();
    let settings = reader.settings(source);
    let is_wrong = reader.complaints.iter().any(|complaint| !complaint.is_warning);
    (settings.filter(|_| !is_wrong), reader.complaints)
}

struct Reader<'a> {
    params: &'a Params,
    complaints: Vec<Complaint>,
}

impl Reader<'_> {
    fn settings(&mut self, source: &config::Source) -> Option<Settings> {
        let init = |name| self.params.text(&["init_params", name]);
        let (login, password) = (init("login"), init("password").unwrap_or_default());
        let login = login.map(|login| (login.to_owned(), password.to_owned()));
        let (user_agent, uri) = (init("user_agent").map(str::to_owned), init("uri").map(str::to_owned));
        let location = init("location").map(str::to_owned);
        let url = source.url.as_ref().map(|url| url.reveal().to_owned());
        let wsdl = self.params.text(&["wsdl"]).map(str::to_owned);
        let (wsdl, file) = match wsdl {
            Some(web) if web.starts_with("http://") || web.starts_with("https://") => (Some(web), None),
            file => (None, file.map(|file| Place::File(source.folder.join(file)))),
        };
        let location = self.address("init_params[location]", location);
        let url = self.address("url", url);
        let described = uri.is_none();
        let web = self.address("wsdl", wsdl).or_else(|| url.clone()).map(Place::Web);
        let description = file.or(web).filter(|_| described);
        let location = if described { location } else { location.or(url) };
        if description.is_none() && location.is_none() {
            self.complain(
                "there is no address; expected url, the address of the WSDL, or init_params[location] and [uri]",
            );
        }
        Some(Settings {
            function: self.function("func_name", "getCallerInfo")?,
            description,
            location,
            namespace: uri.unwrap_or_default(),
            login,
            user_agent,
            arguments: self.params.inner(&["func_params"]).map(entries).unwrap_or_default(),
            put: self.put(described),
            order: self.order("order"),
            version: self.choice("version", &[("1.1", Version::V11), ("1.2", Version::V12)]),
            shape: self.shape(described),
            action: self.params.text(&["action"]).map(str::to_owned),
            unknown_fault: self.params.text(&["unknown_fault"]).filter(|text| !text.is_empty()).map(str::to_owned),
            log: self.log(),
        })
    }

    fn complain(&mut self, message: impl Into<String>) {
        self.complaints.push(Complaint::mistake(Some("params"), message));
    }

    fn warn(&mut self, message: impl Into<String>) {
        self.complaints.push(Complaint::warning(Some("params"), message));
    }

    fn refuse_unknown(&mut self) {
        for (name, _) in self.params.iter() {
            let name = name.to_string();
            if !KNOWN.contains(&name.as_str()) {
                self.complain(unknown(&name, &KNOWN));
            }
        }
        for (name, _) in self.params.inner(&["init_params"]).into_iter().flat_map(Params::iter) {
            let name = name.to_string();
            if let Some((_, instead)) = IGNORED.iter().find(|(ignored, _)| *ignored == name) {
                self.warn(format!("init_params[{name}] does nothing, in PHP as here{instead}"));
            } else if name.starts_with("proxy_") {
                self.complain(format!("init_params[{name}] is not supported: calldex connects by itself"));
            } else if !OBEYED.contains(&name.as_str()) {
                self.warn(format!("init_params[{name}] does nothing: {}", unknown(&name, &OBEYED)));
            }
        }
    }

    fn log(&mut self) -> Option<(String, Vec<String>)> {
        self.params.text(&["log_func"])?;
        Some((self.function("log_func", "sendCallInfo")?, self.order("log_order")))
    }

    fn function(&mut self, param: &str, example: &str) -> Option<String> {
        let name = self.params.text(&[param]).unwrap_or_default().to_owned();
        if is_name(&name) {
            return Some(name);
        }
        let found = if name.is_empty() { "missing".to_owned() } else { format!("\"{name}\"") };
        self.complain(format!("{param} is {found}; expected the name of a function such as {example}"));
        None
    }

    fn address(&mut self, what: &str, written: Option<String>) -> Option<Url> {
        let written = written.filter(|written| !written.is_empty())?;
        match Url::parse(&written) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => Some(url),
            _ => {
                self.complain(format!(
                    "{what} is no address; expected one such as \"https://crm.example.com/soap?wsdl\""
                ));
                None
            }
        }
    }

    fn choice<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.params.text(&[name])?.to_owned();
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
            self.complain(format!("{name} is \"{text}\"; expected one of {words}"));
        }
        found
    }

    fn put(&mut self, described: bool) -> Option<Arguments> {
        let words = [
            ("map", Arguments::Map),
            ("struct", Arguments::Struct),
            ("named", Arguments::Named),
            ("positional", Arguments::Positional),
        ];
        let chosen = self.choice("arguments", &words);
        // The first form of PHP, and what the parameters of the PBX suggest: one array.
        chosen.or((!described).then_some(Arguments::Map))
    }

    fn order(&self, param: &str) -> Vec<String> {
        let text = self.params.text(&[param]).unwrap_or_default();
        text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    }

    fn shape(&mut self, described: bool) -> Shape {
        let is_document = self.choice("style", &[("rpc", false), ("document", true)]);
        let is_literal = self.choice("use", &[("encoded", false), ("literal", true)]);
        if described && (is_document.is_some() || is_literal.is_some()) {
            self.warn("style and use do nothing where there is a WSDL, which says them");
        }
        match (is_document.unwrap_or(false), is_literal.unwrap_or(false)) {
            (true, _) => Shape::DocumentLiteral,
            (false, true) => Shape::RpcLiteral,
            (false, false) => Shape::RpcEncoded,
        }
    }
}

fn unknown(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("there is no parameter {name}; did you mean {near}?"),
        None => format!("there is no parameter {name}; there are {}", known.join(", ")),
    }
}

/// Parameters as the arguments of a call; inner ones are lists when their names count from 0.
fn entries(params: &Params) -> Vec<(Key, Value)> {
    let key = |name: &ParamName| match name {
        ParamName::Place(place) => Key::Integer(*place),
        ParamName::Name(name) => Key::Text(name.clone()),
    };
    let value = |param: &Param| match param {
        Param::Text(text) => Value::text(text.reveal()),
        Param::Inner(inner) => collection(entries(inner)),
    };
    params.iter().map(|(name, param)| (key(name), value(param))).collect()
}

fn collection(entries: Vec<(Key, Value)>) -> Value {
    let counts = entries.iter().zip(0..).all(|((key, _), place)| *key == Key::Integer(place));
    if counts { Value::List(entries.into_iter().map(|(_, value)| value).collect()) } else { Value::Map(entries) }
}

#[cfg(test)]
mod tests;
