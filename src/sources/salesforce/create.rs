//! Makes a contact of a caller whom nobody knows.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::org::Org;
use crate::error::{Error, Kind, Result};
use crate::sources::recipe::NewContact;
use crate::sources::{ContactMaker, Making};

/// Makes contacts for one source.
pub(super) struct Contacts(pub(super) Arc<Org>);

impl ContactMaker for Contacts {
    fn make_contact(&self, new: NewContact) -> Making<'static> {
        let org = Arc::clone(&self.0);
        Box::pin(async move { make(&org, &new).await.map(Some) })
    }
}

async fn make(org: &Org, new: &NewContact) -> Result<String> {
    let made = org.create("Contact", &Value::Object(fields(new))).await?;
    let id = made.get("id").and_then(Value::as_str).filter(|id| super::task::is_id(id));
    id.map(str::to_owned).ok_or_else(|| Error::new(Kind::Corrupt, "the answer has no id of a contact"))
}

/// A contact needs a last name. Which word of a name that is nobody knows, so all of it is; without a name it is the company or
/// the number. A company is a record of its own in Salesforce, and is not made.
fn fields(new: &NewContact) -> Map<String, Value> {
    let text = |name: &str| new.fields.get(name).map(String::as_str).filter(|text| !text.trim().is_empty());
    let called = ["name", "company", "number"].into_iter().find_map(text);
    let fields = [("LastName", called), ("Phone", text("number")), ("Email", text("email"))];
    let known = fields.into_iter().filter_map(|(field, text)| Some((field.to_owned(), Value::from(text?))));
    known.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_of(known: &[(&str, &str)]) -> String {
        let fields = known.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Value::Object(super::fields(&NewContact { fields: fields.collect() })).to_string()
    }

    #[test]
    fn a_contact_has_a_last_name_whatever_is_known() {
        assert_eq!(
            made_of(&[("name", "Ana Pop"), ("company", "Acme"), ("number", "+40722111222"), ("email", "a@x.example")]),
            r#"{"LastName":"Ana Pop","Phone":"+40722111222","Email":"a@x.example"}"#
        );
        let company = made_of(&[("name", " "), ("company", "Acme"), ("number", "+40722111222")]);
        assert_eq!(company, r#"{"LastName":"Acme","Phone":"+40722111222"}"#);
        assert_eq!(made_of(&[("number", "+40722111222")]), r#"{"LastName":"+40722111222","Phone":"+40722111222"}"#);
    }
}
