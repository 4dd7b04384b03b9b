//! The part of XML Schema that says which children an element of a call has.

use std::sync::Arc;

use super::{Parameter, Takes, children, takes};
use crate::soap::Element;
use crate::soap::namespaces::{APACHE, XSD};
use crate::soap::{Version, is_name};

/// How far types that are built on others are followed.
const MOST_DEPTH: usize = 16;
/// Most parameters of a function.
const MOST_PARAMETERS: usize = 500;

/// The schemas of a description.
pub(super) struct Schemas<'a>(pub(super) &'a [Element]);

/// The addresses of the schemas that one imports or includes. Those that everybody knows are not fetched.
pub(super) fn imports(schema: &Element) -> Vec<String> {
    let known = [XSD, APACHE, Version::V11.encoding(), Version::V12.encoding()];
    let imports = schema.children.iter().filter(|child| child.is(XSD, "import") || child.is(XSD, "include"));
    let unknown = imports.filter(|import| !import.attribute(None, "namespace").is_some_and(|of| known.contains(&of)));
    unknown.filter_map(|import| import.attribute(None, "schemaLocation")).map(ToOwned::to_owned).collect()
}

impl<'a> Schemas<'a> {
    /// The children of an element; `None` when it is not declared.
    pub(super) fn fields_of_element(&self, namespace: Option<&str>, name: &str) -> Option<Vec<Parameter>> {
        let (schema, element) = self.find("element", namespace, name)?;
        let mut fields = Vec::new();
        match element.child(XSD, "complexType") {
            Some(inside) => self.add_fields(&mut fields, schema, inside, 0),
            None => self.add_fields_of_type(&mut fields, element, element.attribute(None, "type"), 0),
        }
        Some(fields)
    }

    fn add_fields_of_type(&self, fields: &mut Vec<Parameter>, at: &Element, kind: Option<&str>, depth: usize) {
        let Some((namespace, local)) = kind.map(|kind| at.resolve(kind)) else { return };
        if let Some((schema, found)) = self.find("complexType", namespace.as_deref(), local) {
            self.add_fields(fields, schema, found, depth + 1);
        }
    }

    fn add_fields(&self, fields: &mut Vec<Parameter>, schema: &Element, inside: &Element, depth: usize) {
        if depth > MOST_DEPTH {
            return;
        }
        for child in inside.children.iter().filter(|child| child.namespace.as_deref() == Some(XSD)) {
            match child.name.as_str() {
                "element" => fields.extend(field(schema, child).filter(|_| fields.len() < MOST_PARAMETERS)),
                "extension" => {
                    self.add_fields_of_type(fields, child, child.attribute(None, "base"), depth);
                    self.add_fields(fields, schema, child, depth + 1);
                }
                "sequence" | "all" | "choice" | "complexContent" => {
                    self.add_fields(fields, schema, child, depth + 1);
                }
                _ => {}
            }
        }
    }

    fn find(&self, kind: &'static str, namespace: Option<&str>, name: &str) -> Option<(&'a Element, &'a Element)> {
        self.0.iter().filter(|schema| schema.attribute(None, "targetNamespace") == namespace).find_map(|schema| {
            let named = |element: &&Element| element.attribute(None, "name") == Some(name);
            Some((schema, children(schema, XSD, kind).find(named)?))
        })
    }
}

fn field(schema: &Element, element: &Element) -> Option<Parameter> {
    let is_required = element.attribute(None, "minOccurs").is_none_or(|least| least.trim() != "0");
    if let Some(reference) = element.attribute(None, "ref") {
        let (namespace, name) = element.resolve(reference);
        let name = Some(name).filter(|name| is_name(name))?.to_owned();
        return Some(Parameter { name, namespace, takes: Takes::Text, is_required });
    }
    let form = element.attribute(None, "form").or_else(|| schema.attribute(None, "elementFormDefault"));
    let own = || schema.attribute(None, "targetNamespace").map(Arc::from);
    let takes = match element.attribute(None, "type") {
        Some(kind) => takes(element, kind),
        None if element.child(XSD, "complexType").is_some() => Takes::Struct,
        None => Takes::Text,
    };
    Some(Parameter {
        name: element.attribute(None, "name").filter(|name| is_name(name))?.to_owned(),
        namespace: form.filter(|form| *form == "qualified").and_then(|_| own()),
        takes,
        is_required,
    })
}
