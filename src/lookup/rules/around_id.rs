//! A text around the contact's id, as most links are: `https://crm.example.com/contact/{{ contact.id }}`.
//!
//! It needs no template engine, which would cost a sixth of a lookup. It says what the template would say, to the byte.

use percent_encoding::utf8_percent_encode;

use super::language::{URL_PART, is_literal};
use crate::model::{ContactId, Field};

/// What stands before and behind the id.
pub(in crate::lookup) struct AroundId {
    before: Box<str>,
    behind: Box<str>,
}

impl AroundId {
    /// Reads a template; `None` when it is more than an id in a text.
    pub(super) fn read(template: &str) -> Option<Self> {
        let (before, rest) = template.split_once("{{")?;
        let (inside, behind) = rest.split_once("}}")?;
        // The engine takes a line end off the end of a template.
        let is_plain = |text: &str| is_literal(text) && !text.ends_with('\n');
        (inside.trim_matches(' ') == "contact.id" && is_plain(before) && is_plain(behind))
            .then(|| Self { before: before.into(), behind: behind.into() })
    }

    /// The text for a contact with this id, encoded where the field is a link.
    pub(in crate::lookup) fn write(&self, field: Field, id: &ContactId) -> String {
        let mut text = String::with_capacity(self.before.len() + self.behind.len() + 16);
        text.push_str(&self.before);
        match id {
            ContactId::Integer(number) => text.push_str(&number.to_string()),
            ContactId::Text(id) if field == Field::BackendLink => text.extend(utf8_percent_encode(id, URL_PART)),
            ContactId::Text(id) => text.push_str(id),
        }
        text.push_str(&self.behind);
        text
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;
    use minijinja::value::Value;

    use super::super::language::Escaping;
    use super::super::program::Texts;
    use super::*;

    #[test]
    fn it_says_what_the_template_says() {
        let ids = ["12345", "0", "007", "a b", "../x?y=1&z#", "${x}", "Ana\"<>", "Ștefan", "%41", "{{ contact.id }}"];
        for template in
            ["https://crm.example.com/{{ contact.id }}", "{{contact.id}}", "a }} b { {{  contact.id }}%}c\n d"]
        {
            let around = AroundId::read(template).unwrap_or_else(|| panic!("{template}"));
            for field in [Field::BackendLink, Field::ExternalId] {
                let escaping = Escaping::of(field);
                let mut texts = Texts::default();
                let place = texts.add_template(escaping, template);
                let compiled = texts.compile().unwrap();
                for id in ids {
                    let id = ContactId::from_text(id);
                    let value = match &id {
                        ContactId::Integer(number) => Value::from(*number),
                        ContactId::Text(text) => Value::from(&**text),
                    };
                    let scene = context! { contact => context! { id => value } };
                    assert_eq!(
                        compiled.render(escaping, place, &scene).unwrap(),
                        around.write(field, &id),
                        "{template} {id}"
                    );
                }
            }
        }
    }

    #[test]
    fn whatever_is_more_than_that_is_left_to_the_engine() {
        for template in [
            "https://crm.example.com/",
            "{{ contact.name }}",
            "{{ contact.id }}{{ contact.id }}",
            "{{ contact.id }}\n",
            "{{ contact.id | upper }}",
            "{{- contact.id }}",
            "{# {{ contact.id }} #}",
            "{% if true %}{{ contact.id }}{% endif %}",
            "{{ contact.id",
            "{{\ncontact.id }}",
        ] {
            assert!(AroundId::read(template).is_none(), "{template}");
        }
    }
}
