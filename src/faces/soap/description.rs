//! The WSDL of the face, in two styles.
//!
//! With rpc/encoded and one part of any type every form in which PHP calls arrives whole; with named parts most do not.
//! Programs that do not speak encoded SOAP any more, such as those of .NET, take the other one.

use crate::soap::message::escaped_attribute;

/// The namespace of the function.
const NAMESPACE: &str = "urn:calldex";

/// What is described.
pub(in crate::faces) struct Described<'a> {
    /// The address to call.
    pub(in crate::faces) location: &'a str,
    /// What the function shall be called; it must be a name.
    pub(in crate::faces) function: &'a str,
    /// Whether document/literal is wanted.
    pub(in crate::faces) is_document: bool,
}

/// Writes the WSDL.
pub(in crate::faces) fn describe(described: &Described<'_>) -> String {
    let Described { function, .. } = described;
    let location = escaped_attribute(described.location);
    let (types, parts, answer, style, body) = if described.is_document {
        let parts = format!("<part name=\"parameters\" element=\"tns:{function}\"/>");
        let answer = format!("<part name=\"parameters\" element=\"tns:{function}Response\"/>");
        (schema(function), parts, answer, "document", "use=\"literal\"".to_owned())
    } else {
        let body = format!(
            "use=\"encoded\" namespace=\"{NAMESPACE}\" encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\""
        );
        let part = |name| format!("<part name=\"{name}\" type=\"xsd:anyType\"/>");
        (String::new(), part("params"), part("return"), "rpc", body)
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <definitions name=\"calldex\" targetNamespace=\"{NAMESPACE}\" xmlns=\"http://schemas.xmlsoap.org/wsdl/\" \
         xmlns:tns=\"{NAMESPACE}\" xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">\n\
         <types>{types}</types>\n\
         <message name=\"question\">{parts}</message>\n\
         <message name=\"answer\">{answer}</message>\n\
         <portType name=\"CallerInfo\"><operation name=\"{function}\"><input message=\"tns:question\"/>\
         <output message=\"tns:answer\"/></operation></portType>\n\
         <binding name=\"CallerInfoBinding\" type=\"tns:CallerInfo\">\
         <soap:binding style=\"{style}\" transport=\"http://schemas.xmlsoap.org/soap/http\"/>\
         <operation name=\"{function}\"><soap:operation soapAction=\"{NAMESPACE}#{function}\" style=\"{style}\"/>\
         <input><soap:body {body}/></input><output><soap:body {body}/></output></operation></binding>\n\
         <service name=\"calldex\"><port name=\"CallerInfoPort\" binding=\"tns:CallerInfoBinding\">\
         <soap:address location=\"{location}\"/></port></service>\n\
         </definitions>\n"
    )
}

/// The elements of a document: what goes in, and the fields that come out.
fn schema(function: &str) -> String {
    let input: String = ["telephone", "dnid", "token"]
        .map(|name| format!("<xsd:element name=\"{name}\" type=\"xsd:string\" minOccurs=\"0\"/>"))
        .concat();
    let field = |name: &str, least: &str| {
        let kind = if name == "queue_position" { "int" } else { "string" };
        format!("<xsd:element name=\"{name}\" type=\"xsd:{kind}\" nillable=\"true\"{least}/>")
    };
    let always = ["id", "name", "queue_position", "direct_line", "backend_link", "route_identifier"];
    let extended = ["outbound_number", "language", "external_id"];
    let output = always.map(|name| field(name, "")).concat();
    let more = extended.map(|name| field(name, " minOccurs=\"0\"")).concat();
    let element = |name: &str, inside: &str| {
        format!(
            "<xsd:element name=\"{name}\"><xsd:complexType><xsd:sequence>{inside}</xsd:sequence></xsd:complexType></xsd:element>"
        )
    };
    let elements = element(function, &input) + &element(&format!("{function}Response"), &format!("{output}{more}"));
    format!("<xsd:schema targetNamespace=\"{NAMESPACE}\" elementFormDefault=\"qualified\">{elements}</xsd:schema>")
}
