//! No CRM at all: whoever waits at the end of a redirect.

use serde_json::json;

use super::super::book::Book;
use super::super::stand_in::{Answer, Crm, Request};

/// Takes whatever is sent to it, and lets everybody in.
pub(crate) struct Thief;

impl Crm for Thief {
    fn recipe(&self) -> &'static str {
        "none"
    }
    fn params(&self) -> &'static str {
        "{}"
    }
    fn secrets(&self) -> &'static [&'static str] {
        &[]
    }
    fn lets_in(&self, _: &Request) -> bool {
        true
    }
    fn refuse(&self, _: &Request) -> Answer {
        Answer::empty(500)
    }
    fn answer(&self, _: &Request, _: Book) -> Answer {
        Answer::json(200, &json!({}))
    }
    fn link(&self) -> &'static str {
        ""
    }
    fn log_path(&self) -> &'static str {
        ""
    }
}
