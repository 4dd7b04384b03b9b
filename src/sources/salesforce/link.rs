//! The page to open: `contact_url` for a contact, `custom_url` for a caller whom nobody knows.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::model::{Contact, Field};
use crate::number::Number;

/// RFC 3986's unreserved characters stay, everything else is encoded.
const IN_A_URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The addresses of the settings.
#[derive(Default)]
pub(super) struct Links {
    /// The page of a contact, with `{id}`, or the id is appended.
    pub(super) contact: Option<String>,
    /// The page for a caller whom nobody knows, with `{telephone}`, or the number is appended.
    pub(super) custom: Option<String>,
}

impl Links {
    /// Sets the link of a contact; without `contact_url` it is the address of the record.
    pub(super) fn set(&self, contact: &mut Contact, instance: &Url, number: &Number) {
        let id = contact.id.to_string();
        let link = match &self.contact {
            Some(template) => filled(template, "{id}", &[("{id}", &id), ("{telephone}", &written(number))]),
            None => format!("{}/{}", instance.origin().ascii_serialization(), encoded(&id)),
        };
        contact.set(Field::BackendLink, link);
    }

    /// The link for a caller whom nobody knows.
    pub(super) fn of_nobody(&self, number: &Number) -> Option<String> {
        let template = self.custom.as_ref()?;
        Some(filled(template, "{telephone}", &[("{id}", ""), ("{telephone}", &written(number))]))
    }
}

/// Puts values into their places; where there is none, the one of `usual` goes behind the address.
fn filled(template: &str, usual: &str, values: &[(&str, &str)]) -> String {
    let has_place = values.iter().any(|(place, _)| template.contains(place));
    let template = if has_place { template.to_owned() } else { format!("{template}{usual}") };
    values.iter().fold(template, |address, (place, value)| address.replace(place, &encoded(value)))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, IN_A_URL).to_string()
}

fn written(number: &Number) -> String {
    match number {
        Number::Phone { phone, .. } => phone.key.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContactId;
    use crate::number::{Numbering, parse};

    fn links(contact: Option<&str>, custom: Option<&str>) -> Links {
        Links { contact: contact.map(str::to_owned), custom: custom.map(str::to_owned) }
    }

    fn of_contact(template: Option<&str>) -> String {
        let mut contact = Contact { id: ContactId::Text("003A/&x".into()), ..Contact::default() };
        let number = parse("0722111222", &Numbering::of_country("RO"));
        let instance = Url::parse("https://acme.my.salesforce.com/services/Soap/u/59.0/00D").unwrap();
        links(template, None).set(&mut contact, &instance, &number);
        contact.get(Field::BackendLink).unwrap().to_owned()
    }

    #[test]
    fn the_id_goes_to_its_place_or_behind_the_address_and_can_be_nothing_else() {
        assert_eq!(of_contact(Some("https://a.example/{id}/view")), "https://a.example/003A%2F%26x/view");
        assert_eq!(of_contact(Some("https://a.example/?id=")), "https://a.example/?id=003A%2F%26x");
        let both = of_contact(Some("https://a.example/{id}?tel={telephone}"));
        assert_eq!(both, "https://a.example/003A%2F%26x?tel=%2B40722111222");
        assert_eq!(of_contact(Some("https://a.example/?tel={telephone}")), "https://a.example/?tel=%2B40722111222");
        assert_eq!(of_contact(None), "https://acme.my.salesforce.com/003A%2F%26x");
    }

    #[test]
    fn a_stranger_gets_the_custom_page_with_his_number() {
        let number = parse("0722111222", &Numbering::of_country("RO"));
        assert_eq!(links(None, None).of_nobody(&number), None);
        let shown = |template| links(None, Some(template)).of_nobody(&number).unwrap();
        assert_eq!(shown("https://a.example/new?phone="), "https://a.example/new?phone=%2B40722111222");
        assert_eq!(shown("https://a.example/{telephone}/new"), "https://a.example/%2B40722111222/new");
    }
}
