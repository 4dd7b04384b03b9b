//! SOAP with PHP's own `SoapClient` and `SoapServer` at the other end.

mod face;
mod source;

pub(crate) use source::{Service, has_soap};
