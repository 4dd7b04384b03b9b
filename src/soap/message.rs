//! Writes envelopes in the bytes of PHP's `SoapClient` and `SoapServer`: what the other side has been tried with.
//!
//! PHP declares each namespace on the envelope in the order in which it first needs it, so values are written before the
//! envelope around them is.

use std::fmt::Write;
use std::sync::Arc;

use super::namespaces::{APACHE, RPC, XSD, XSI};
use super::{Key, Value, Version};

/// What an answer of SOAP 1.2 has before its result.
const RESULT: &str = "<rpc:result>return</rpc:result>";

/// How the arguments of a call are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Shape {
    /// An element of the function's name; each argument says its type.
    #[default]
    RpcEncoded,
    /// An element of the function's name, arguments without types.
    RpcLiteral,
    /// The element that the service declares, its children without types.
    DocumentLiteral,
}

/// A call, or the answer to one.
#[derive(Debug)]
pub struct Message<'a> {
    /// The version of the protocol.
    pub version: Version,
    /// How the arguments are written.
    pub shape: Shape,
    /// The namespace of the function.
    pub namespace: &'a str,
    /// The function, or the element of a document.
    pub function: &'a str,
    /// The arguments in order.
    pub arguments: &'a [Argument],
    /// A block of the header.
    pub header: Option<Header<'a>>,
    /// Whether this is an answer whose one argument is the result; SOAP 1.2 has an element that says so.
    pub is_answer: bool,
}

/// An argument by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// The namespace of its element, where it has one.
    pub namespace: Option<Arc<str>>,
    /// Its value.
    pub value: Value,
}

/// A block of the header with texts in it, all in one namespace.
#[derive(Debug)]
pub struct Header<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The name of the block.
    pub name: &'a str,
    /// What is in it.
    pub fields: &'a [(&'a str, &'a str)],
}

impl Argument {
    /// An argument in no namespace.
    pub fn new(name: impl Into<String>, value: Value) -> Self {
        Self { name: name.into(), namespace: None, value }
    }
}

impl Message<'_> {
    /// The bytes, with the line end that PHP puts behind them.
    #[must_use]
    pub fn write(&self) -> String {
        let mut writer = Writer::new(self.version);
        let function = writer.prefixed(Some(self.namespace), self.function);
        let is_encoded = self.shape == Shape::RpcEncoded;
        let says_result = self.is_answer && is_encoded && self.version == Version::V12;
        let mut inside = if says_result { RESULT.to_owned() } else { String::new() };
        for Argument { name, namespace, value } in self.arguments {
            inside.push_str(&match self.shape {
                Shape::RpcEncoded => writer.encoded(name, value),
                Shape::RpcLiteral | Shape::DocumentLiteral => writer.literal(namespace.as_deref(), name, value),
            });
        }
        let header = self.header.as_ref().map(|header| writer.header(header)).unwrap_or_default();
        if is_encoded {
            writer.prefix(XSD);
            writer.prefix(self.version.encoding());
        }
        let encoding = format!(" {}:encodingStyle=\"{}\"", writer.envelope_prefix(), self.version.encoding());
        // SOAP 1.1 says the encoding on the envelope, 1.2 on the call.
        let (on_envelope, on_call) = match self.version {
            _ if !is_encoded => ("", ""),
            Version::V11 => (encoding.as_str(), ""),
            Version::V12 => ("", encoding.as_str()),
        };
        let on_body = if says_result { format!(" xmlns:rpc=\"{RPC}\"") } else { String::new() };
        envelope(&writer, on_envelope, &header, &on_body, &element(&function, on_call, &inside))
    }
}

/// A fault; `code` is `Client` or `Server`, `MustUnderstand` or `VersionMismatch`.
#[must_use]
pub fn write_fault(version: Version, code: &str, text: &str) -> String {
    let writer = Writer::new(version);
    let inside = match version {
        Version::V11 => {
            format!("<faultcode>SOAP-ENV:{code}</faultcode><faultstring>{}</faultstring>", escaped(text))
        }
        Version::V12 => {
            let code = match code {
                "Client" => "Sender",
                "Server" => "Receiver",
                other => other,
            };
            format!(
                "<env:Code><env:Value>env:{code}</env:Value></env:Code>\
                 <env:Reason><env:Text xml:lang=\"en\">{}</env:Text></env:Reason>",
                escaped(text)
            )
        }
    };
    let fault = element(&format!("{}:Fault", writer.envelope_prefix()), "", &inside);
    envelope(&writer, "", "", "", &fault)
}

fn envelope(writer: &Writer, attributes: &str, header: &str, body_attributes: &str, call: &str) -> String {
    let prefix = writer.envelope_prefix();
    let mut out = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{prefix}:Envelope");
    let declared = std::iter::once((prefix, writer.version.envelope()));
    let used = writer.prefixes.iter().map(|(prefix, uri)| (prefix.as_str(), uri.as_str()));
    for (prefix, uri) in declared.chain(used) {
        let _ = write!(out, " xmlns:{prefix}=\"{}\"", escaped_attribute(uri));
    }
    let _ = write!(out, "{attributes}>");
    if !header.is_empty() {
        let _ = write!(out, "<{prefix}:Header>{header}</{prefix}:Header>");
    }
    let _ = writeln!(out, "<{prefix}:Body{body_attributes}>{call}</{prefix}:Body></{prefix}:Envelope>");
    out
}

/// Writes values and remembers the namespaces that they need.
struct Writer {
    version: Version,
    prefixes: Vec<(String, String)>,
    numbered: usize,
}

impl Writer {
    fn new(version: Version) -> Self {
        Self { version, prefixes: Vec::new(), numbered: 0 }
    }

    fn envelope_prefix(&self) -> &'static str {
        match self.version {
            Version::V11 => "SOAP-ENV",
            Version::V12 => "env",
        }
    }

    /// The prefix of a namespace, which is declared from now on.
    fn prefix(&mut self, uri: &str) -> String {
        if let Some((prefix, _)) = self.prefixes.iter().find(|(_, known)| known == uri) {
            return prefix.clone();
        }
        let prefix = match uri {
            XSD => "xsd".to_owned(),
            XSI => "xsi".to_owned(),
            _ if uri == Version::V11.encoding() => "SOAP-ENC".to_owned(),
            _ if uri == Version::V12.encoding() => "enc".to_owned(),
            _ => {
                self.numbered += 1;
                format!("ns{}", self.numbered)
            }
        };
        self.prefixes.push((prefix.clone(), uri.to_owned()));
        prefix
    }

    fn prefixed(&mut self, namespace: Option<&str>, name: &str) -> String {
        match namespace.filter(|namespace| !namespace.is_empty()) {
            Some(namespace) => format!("{}:{name}", self.prefix(namespace)),
            None => name.to_owned(),
        }
    }

    fn header(&mut self, header: &Header<'_>) -> String {
        let name = self.prefixed(Some(header.namespace), header.name);
        let field = |(field, text): &(&str, &str)| {
            let field = self.prefixed(Some(header.namespace), field);
            format!("<{field}>{}</{field}>", escaped(text))
        };
        let inside: String = header.fields.iter().map(field).collect();
        element(&name, "", &inside)
    }

    /// A value with its type.
    fn encoded(&mut self, name: &str, value: &Value) -> String {
        match value {
            Value::Null => {
                self.prefix(XSI);
                format!("<{name} xsi:nil=\"true\"/>")
            }
            Value::Text(text) => self.scalar(name, "string", &escaped(text)),
            Value::Integer(number) => self.scalar(name, "int", &number.to_string()),
            Value::Boolean(value) => self.scalar(name, "boolean", &value.to_string()),
            Value::List(items) => self.list(name, items),
            Value::Map(entries) => {
                let inside: String = entries.iter().map(|(key, value)| self.entry(key, value)).collect();
                let kind = format!("{}:Map", self.prefix(APACHE));
                self.typed(name, "", &kind, &inside)
            }
            Value::Struct(fields) => {
                let inside: String = fields.iter().map(|(name, value)| self.encoded(name, value)).collect();
                let kind = format!("{}:Struct", self.prefix(self.version.encoding()));
                self.typed(name, "", &kind, &inside)
            }
        }
    }

    fn scalar(&mut self, name: &str, kind: &str, text: &str) -> String {
        self.prefix(XSD);
        self.prefix(XSI);
        format!("<{name} xsi:type=\"xsd:{kind}\">{text}</{name}>")
    }

    fn typed(&mut self, name: &str, attributes: &str, kind: &str, inside: &str) -> String {
        self.prefix(XSI);
        element(name, &format!("{attributes} xsi:type=\"{kind}\""), inside)
    }

    fn entry(&mut self, key: &Key, value: &Value) -> String {
        self.prefix(XSI);
        let key = match key {
            Key::Integer(number) => format!("<key xsi:type=\"xsd:int\">{number}</key>"),
            Key::Text(text) => format!("<key xsi:type=\"xsd:string\">{}</key>", escaped(text)),
        };
        format!("<item>{key}{}</item>", self.encoded("value", value))
    }

    fn list(&mut self, name: &str, items: &[Value]) -> String {
        let kind = self.kind_of_items(items);
        let encoding = self.prefix(self.version.encoding());
        let inside: String = items.iter().map(|item| self.encoded("item", item)).collect();
        let attributes = match self.version {
            Version::V11 => format!(" {encoding}:arrayType=\"{kind}[{}]\"", items.len()),
            Version::V12 => format!(" {encoding}:itemType=\"{kind}\" {encoding}:arraySize=\"{}\"", items.len()),
        };
        self.typed(name, &attributes, &format!("{encoding}:Array"), &inside)
    }

    fn kind_of_items(&mut self, items: &[Value]) -> String {
        let first = items.first().map(std::mem::discriminant);
        let kind = match items.first().filter(|_| items.iter().all(|item| Some(std::mem::discriminant(item)) == first))
        {
            Some(Value::Text(_)) => "string",
            Some(Value::Integer(_)) => "int",
            Some(Value::Boolean(_)) => "boolean",
            Some(Value::Map(_)) => return format!("{}:Map", self.prefix(APACHE)),
            Some(Value::Struct(_)) => return format!("{}:Struct", self.prefix(self.version.encoding())),
            Some(Value::List(_)) => return format!("{}:Array", self.prefix(self.version.encoding())),
            Some(Value::Null) | None => {
                if self.version == Version::V11 {
                    "ur-type"
                } else {
                    "anyType"
                }
            }
        };
        self.prefix(XSD);
        format!("xsd:{kind}")
    }

    /// A value without a type. In a namespace its children are too; without one they are as PHP writes an array.
    fn literal(&mut self, namespace: Option<&str>, name: &str, value: &Value) -> String {
        let tag = self.prefixed(namespace, name);
        let inside = match value {
            Value::Null if namespace.is_some() => {
                self.prefix(XSI);
                return format!("<{tag} xsi:nil=\"true\"/>");
            }
            Value::Null => String::new(),
            Value::Text(text) => return format!("<{tag}>{}</{tag}>", escaped(text)),
            Value::Integer(number) => number.to_string(),
            Value::Boolean(value) => value.to_string(),
            Value::List(items) => items.iter().map(|item| self.literal(namespace, "item", item)).collect(),
            Value::Map(entries) => entries.iter().map(|entry| self.literal_entry(namespace, entry)).collect(),
            Value::Struct(fields) => fields.iter().map(|(name, value)| self.literal(namespace, name, value)).collect(),
        };
        element(&tag, "", &inside)
    }

    fn literal_entry(&mut self, namespace: Option<&str>, (key, value): &(Key, Value)) -> String {
        let key = match key {
            Key::Integer(number) => number.to_string(),
            Key::Text(text) => text.clone(),
        };
        if namespace.is_some() && super::is_name(&key) {
            return self.literal(namespace, &key, value);
        }
        format!("<item><key>{}</key>{}</item>", escaped(&key), self.literal(namespace, "value", value))
    }
}

fn element(name: &str, attributes: &str, inside: &str) -> String {
    if inside.is_empty() { format!("<{name}{attributes}/>") } else { format!("<{name}{attributes}>{inside}</{name}>") }
}

/// Text as PHP escapes it; what XML cannot hold is left out, since a caller may choose his name.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(letter),
            '\u{fffe}' | '\u{ffff}' => {}
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

/// Text of an attribute in double quotes.
#[must_use]
pub fn escaped_attribute(text: &str) -> String {
    let text = escaped(text).replace('"', "&quot;");
    text.replace('\t', "&#9;").replace('\n', "&#10;")
}
