//! Reads WSDL 1.1: where a function is called, in which shape, and what its parameters are.
//!
//! A description may be spread over several documents. They are added one after the other; whoever fetches them decides
//! from where, and how many.

mod schema;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::namespaces::{APACHE, WSDL, WSDL_SOAP_11, WSDL_SOAP_12, XSD};
use super::{Element, Shape, Version, is_name};
use crate::error::{Error, Kind, Result};

/// Most elements of one document; the description of everything that Salesforce holds has about 50,000.
pub const MOST_ELEMENTS: usize = 200_000;

/// The documents of a description.
#[derive(Debug, Default)]
pub struct Wsdl {
    definitions: Vec<Element>,
    schemas: Vec<Element>,
}

/// How a function is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The version of the protocol.
    pub version: Version,
    /// How its arguments are written.
    pub shape: Shape,
    /// The value of `SOAPAction`.
    pub action: String,
    /// The address to call.
    pub location: String,
    /// The namespace of the element that is sent.
    pub namespace: String,
    /// The name of the element that is sent: the function, or what a document is called.
    pub element: String,
    /// Its parameters in order.
    pub parameters: Vec<Parameter>,
}

/// A parameter of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The namespace of its element, where it has one.
    pub namespace: Option<Arc<str>>,
    /// What it takes.
    pub takes: Takes,
    /// Whether it has to be there.
    pub is_required: bool,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A text, or anything that is written as one.
    Text,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// Whatever is given.
    Anything,
    /// An array with names.
    Map,
    /// An object.
    Struct,
}

impl Wsdl {
    /// Adds a document, and returns the addresses of those that belong to it, as they are written there.
    ///
    /// # Errors
    /// `Corrupt`, when it is neither a description nor a schema.
    pub fn add(&mut self, root: Element) -> Result<Vec<String>> {
        let mut wanted = Vec::new();
        if root.is(XSD, "schema") {
            wanted.extend(schema::imports(&root));
            self.schemas.push(root);
        } else if root.is(WSDL, "definitions") {
            let imports = root.children.iter().filter(|child| child.is(WSDL, "import"));
            wanted.extend(imports.filter_map(|import| import.attribute(None, "location")).map(ToOwned::to_owned));
            for types in root.children.iter().filter(|child| child.is(WSDL, "types")) {
                let schemas = || types.children.iter().filter(|child| child.is(XSD, "schema"));
                wanted.extend(schemas().flat_map(schema::imports));
                self.schemas.extend(schemas().cloned());
            }
            self.definitions.push(root);
        } else {
            return Err(corrupt(format!("it is no WSDL 1.1; its root element is {}", root.name)));
        }
        Ok(wanted)
    }

    /// How a function is called; `version` chooses where the service speaks both, and 1.1 comes first otherwise.
    ///
    /// # Errors
    /// `Invalid`, when there is no such function, with those that there are; `Corrupt`, when the description
    /// contradicts itself.
    pub fn operation(&self, function: &str, version: Option<Version>) -> Result<Operation> {
        let versions = version.map_or(vec![Version::V11, Version::V12], |version| vec![version]);
        for version in versions {
            for (port, binding) in self.ports(version) {
                let of_name = |operation: &&Element| operation.attribute(None, "name") == Some(function);
                if let Some(operation) = children(binding, WSDL, "operation").find(of_name) {
                    return self.read_operation(function, version, port, binding, operation);
                }
            }
        }
        let functions = self.functions();
        let known = functions.iter().map(String::as_str).take(20).collect::<Vec<_>>().join(", ");
        let message = if known.is_empty() {
            "the WSDL has no function that is called by SOAP over HTTP".to_owned()
        } else {
            format!("the WSDL has no function {function}; it has {known}")
        };
        Err(Error::new(Kind::Invalid, message))
    }

    /// The names of the functions that can be called.
    #[must_use]
    pub fn functions(&self) -> BTreeSet<String> {
        let bindings = [Version::V11, Version::V12].into_iter().flat_map(|version| self.ports(version));
        let operations = bindings.flat_map(|(_, binding)| children(binding, WSDL, "operation"));
        operations.filter_map(|operation| operation.attribute(None, "name")).map(ToOwned::to_owned).collect()
    }

    /// The address and the binding of each port of a version.
    fn ports(&self, version: Version) -> Vec<(&str, &Element)> {
        let services = self.definitions.iter().flat_map(|definitions| children(definitions, WSDL, "service"));
        let ports = services.flat_map(|service| children(service, WSDL, "port"));
        let found = ports.filter_map(|port| {
            let address = port.child(soap(version), "address")?.attribute(None, "location")?;
            let binding = self.find("binding", port, port.attribute(None, "binding")?)?;
            binding.child(soap(version), "binding")?;
            Some((address, binding))
        });
        found.collect()
    }

    fn read_operation(
        &self,
        function: &str,
        version: Version,
        location: &str,
        binding: &Element,
        operation: &Element,
    ) -> Result<Operation> {
        let around = operation.child(soap(version), "operation");
        let body = operation.child(WSDL, "input").and_then(|input| input.child(soap(version), "body"));
        let style = text(around, "style").or_else(|| text(binding.child(soap(version), "binding"), "style"));
        let shape = shape(style.unwrap_or("document"), text(body, "use").unwrap_or("literal"))
            .ok_or_else(|| corrupt(format!("the WSDL wants {function} as document/encoded, which nobody speaks")))?;
        let parts = self.parts(function, binding)?;
        let mut read = Operation {
            version,
            shape,
            action: text(around, "soapAction").unwrap_or_default().to_owned(),
            location: location.trim().to_owned(),
            namespace: text(body, "namespace").or_else(|| self.namespace_of(binding)).unwrap_or_default().to_owned(),
            element: function.to_owned(),
            parameters: Vec::new(),
        };
        match parts.iter().find_map(|part| Some((*part, part.attribute(None, "element")?))) {
            Some((part, name)) if shape == Shape::DocumentLiteral => self.read_document(&mut read, part, name)?,
            _ => read.parameters = parts.iter().filter_map(|part| parameter(part)).collect(),
        }
        Ok(read)
    }

    /// The parts of the message that goes in.
    fn parts(&self, function: &str, binding: &Element) -> Result<Vec<&Element>> {
        let missing = |what: &str| corrupt(format!("the WSDL has no {what} of {function}"));
        let port_type = binding.attribute(None, "type").and_then(|name| self.find("portType", binding, name));
        let port_type = port_type.ok_or_else(|| missing("portType"))?;
        let of_name = |operation: &&Element| operation.attribute(None, "name") == Some(function);
        let operation = children(port_type, WSDL, "operation").find(of_name).ok_or_else(|| missing("operation"))?;
        let Some(input) = operation.child(WSDL, "input") else { return Ok(Vec::new()) };
        let message = input.attribute(None, "message").and_then(|name| self.find("message", input, name));
        Ok(children(message.ok_or_else(|| missing("message"))?, WSDL, "part").collect())
    }

    fn read_document(&self, operation: &mut Operation, part: &Element, name: &str) -> Result<()> {
        let (namespace, local) = part.resolve(name);
        let declared = schema::Schemas(&self.schemas);
        let parameters = declared.fields_of_element(namespace.as_deref(), local);
        operation.parameters =
            parameters.ok_or_else(|| corrupt(format!("the WSDL does not declare the element {local}")))?;
        operation.namespace = namespace.as_deref().unwrap_or_default().to_owned();
        operation.element = local.to_owned();
        Ok(())
    }

    /// A top-level element of the description that is named in an attribute.
    fn find(&self, kind: &'static str, at: &Element, name: &str) -> Option<&Element> {
        let (namespace, local) = at.resolve(name);
        let fits = |definitions: &&Element| definitions.attribute(None, "targetNamespace") == namespace.as_deref();
        let inside = self.definitions.iter().filter(fits).flat_map(|definitions| children(definitions, WSDL, kind));
        inside.into_iter().find(|element| element.attribute(None, "name") == Some(local))
    }

    /// The namespace of the document that holds a binding.
    fn namespace_of(&self, binding: &Element) -> Option<&str> {
        let holds = |definitions: &&Element| definitions.children.iter().any(|child| std::ptr::eq(child, binding));
        self.definitions.iter().find(holds)?.attribute(None, "targetNamespace")
    }
}

fn children<'a>(
    element: &'a Element,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = &'a Element> + use<'a> {
    element.children.iter().filter(move |child| child.is(namespace, name))
}

fn shape(style: &str, used: &str) -> Option<Shape> {
    match (style, used) {
        ("rpc", "encoded") => Some(Shape::RpcEncoded),
        ("rpc", _) => Some(Shape::RpcLiteral),
        (_, "literal") => Some(Shape::DocumentLiteral),
        _ => None,
    }
}

fn soap(version: Version) -> &'static str {
    match version {
        Version::V11 => WSDL_SOAP_11,
        Version::V12 => WSDL_SOAP_12,
    }
}

/// A part of a message as a parameter; its element is in no namespace.
fn parameter(part: &Element) -> Option<Parameter> {
    let takes = part.attribute(None, "type").map_or(Takes::Anything, |kind| takes(part, kind));
    let name = part.attribute(None, "name").filter(|name| is_name(name))?.to_owned();
    Some(Parameter { name, namespace: None, takes, is_required: true })
}

/// The value of an attribute of an element that may be missing.
fn text<'a>(element: Option<&'a Element>, name: &str) -> Option<&'a str> {
    element?.attribute(None, name)
}

/// What a type takes; one of the service's own is an object.
fn takes(at: &Element, kind: &str) -> Takes {
    let (namespace, local) = at.resolve(kind);
    match (namespace.as_deref(), local) {
        (Some(XSD), "anyType" | "anySimpleType" | "ur-type") => Takes::Anything,
        (Some(XSD), "boolean") => Takes::Boolean,
        (Some(XSD), "int" | "integer" | "long" | "short" | "byte" | "unsignedInt" | "unsignedLong") => Takes::Integer,
        (Some(XSD), _) => Takes::Text,
        (Some(APACHE), "Map") => Takes::Map,
        (Some(namespace), "string") if namespace == Version::V11.encoding() => Takes::Text,
        _ => Takes::Struct,
    }
}

fn corrupt(message: impl Into<String>) -> Error {
    Error::new(Kind::Corrupt, message)
}

#[cfg(test)]
mod tests;
