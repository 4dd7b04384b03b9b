//! Writes the answer to a call: an object of the fields with nil for null, or the fields as parts of a document.

use std::sync::Arc;

use super::{Mistake, Question};
use crate::faces::http::{Part, parts};
use crate::model::CallerData;
use crate::soap::message::{Argument, Message, Shape, write_fault};
use crate::soap::{Value, Version};

/// The answer to a call, in its version and style.
pub(in crate::faces) fn write(question: &Question, caller_data: &CallerData, extended: bool) -> String {
    let fields = parts(caller_data, extended).map(|(name, part)| (name.to_owned(), value(part)));
    let (shape, arguments) = if question.is_document {
        let namespace: Arc<str> = question.namespace.as_str().into();
        let part = |(name, value)| Argument { name, namespace: Some(Arc::clone(&namespace)), value };
        (Shape::DocumentLiteral, fields.map(part).collect())
    } else {
        (Shape::RpcEncoded, vec![Argument::new("return", Value::Struct(fields.collect()))])
    };
    let message = Message {
        version: question.version,
        shape,
        namespace: &question.namespace,
        function: &format!("{}Response", question.function),
        arguments: &arguments,
        header: None,
        is_answer: true,
    };
    message.write()
}

/// The fault that answers a mistake.
pub(in crate::faces) fn refuse(mistake: &Mistake) -> String {
    write_fault(mistake.version, mistake.code, &mistake.text)
}

fn value(part: Part<'_>) -> Value {
    match part {
        Part::Null => Value::Null,
        Part::Integer(number) => Value::Integer(number.into()),
        Part::Text(text) => Value::text(text),
    }
}

impl Mistake {
    /// The status of the answer: SOAP 1.2 tells mistakes of the sender from others, 1.1 does not.
    pub(in crate::faces) fn status(&self) -> http::StatusCode {
        match (self.version, self.code) {
            (Version::V12, "Client") => http::StatusCode::BAD_REQUEST,
            _ => http::StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
