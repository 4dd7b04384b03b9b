//! What templates see: contacts, spellings, calls.

use std::collections::BTreeMap;

use minijinja::value::Value;

use crate::model::{Call, Contact, ContactId};
use crate::number::{Forms, Spelling};

/// Values by the name that templates use.
pub(super) type Vars = BTreeMap<&'static str, Value>;

/// `contact`: its id with its type, its fields, and whatever else was mapped.
pub(super) fn contact(contact: &Contact) -> Value {
    let mut view: BTreeMap<String, Value> =
        contact.custom.iter().map(|(key, text)| (key.clone(), Value::from(text.as_str()))).collect();
    view.extend(contact.fields.iter().map(|(field, text)| (field.as_str().to_owned(), Value::from(text.as_str()))));
    view.insert("id".to_owned(), id(&contact.id));
    Value::from(view)
}

/// An id with its type.
pub(super) fn id(id: &ContactId) -> Value {
    match id {
        ContactId::Integer(number) => Value::from(*number),
        ContactId::Text(text) => Value::from(&**text),
    }
}

/// `forms`: every spelling of the number by its name, and whether it is a number of the source's country.
pub(super) fn forms(forms: &Forms) -> Value {
    let spelled =
        Spelling::ALL.iter().map(|(word, spelling)| ((*word).to_owned(), Value::from(forms.spelled(*spelling))));
    let at_home = [("at_home".to_owned(), Value::from(forms.at_home))];
    Value::from(spelled.chain(at_home).collect::<BTreeMap<_, _>>())
}

/// `call` of a lookup.
pub(super) fn call(call: &Call) -> Value {
    let params: BTreeMap<String, Value> =
        call.params.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let view = [("dnid", Value::from(call.dnid.as_str())), ("params", Value::from(params))];
    Value::from(view.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>())
}
