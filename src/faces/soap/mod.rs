//! The SOAP face: what a call asks, what it is answered, and the WSDL that says so. Bytes in, bytes out; the way there is
//! HTTP, in `faces::http::soap`.

mod answer;
mod description;
mod question;

pub(super) use answer::{refuse, write};
pub(super) use description::{Described, describe};
pub(super) use question::{Mistake, Question, read};
