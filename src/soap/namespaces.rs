//! The names of the namespaces that several files of this folder need.

/// Types of XML Schema, such as `xsd:string`.
pub(super) const XSD: &str = "http://www.w3.org/2001/XMLSchema";
/// `xsi:type` and `xsi:nil`.
pub(super) const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// The type `Map` of Apache's SOAP, as which PHP writes an array with names.
pub(super) const APACHE: &str = "http://xml.apache.org/xml-soap";
/// The element that says which part of an answer of SOAP 1.2 is the result.
pub(super) const RPC: &str = "http://www.w3.org/2003/05/soap-rpc";
/// WSDL 1.1.
pub(super) const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
/// The binding of WSDL 1.1 to SOAP 1.1.
pub(super) const WSDL_SOAP_11: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
/// The binding of WSDL 1.1 to SOAP 1.2.
pub(super) const WSDL_SOAP_12: &str = "http://schemas.xmlsoap.org/wsdl/soap12/";
