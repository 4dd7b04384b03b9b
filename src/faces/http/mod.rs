//! The HTTP face: JSON, XML and text, asked by `GET` or `POST`.

pub mod credentials;
pub mod question;
pub mod refusal;
pub mod reply;

mod json;
mod text;
mod xml;

#[cfg(test)]
mod hostile;
