//! Bodies: a form, or a JSON object whose entries are parameters.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::Parameters;

impl Parameters<'_> {
    /// Adds a body by its content type; without a helpful one, a body that starts with `{` is JSON and any other a form.
    ///
    /// A body that cannot be read adds nothing: an unknown caller is better than a refused call.
    pub(crate) fn add_body(&mut self, content_type: Option<&str>, body: &[u8]) {
        let body = body.trim_ascii();
        let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if body.is_empty() {
            return;
        }
        if kind == "application/x-www-form-urlencoded" {
            self.add_form_body(body);
        } else if kind.ends_with("json") || body.starts_with(b"{") {
            self.add_json(body);
        } else if kind.starts_with("multipart/") {
            self.unreadable = true;
        } else {
            self.add_form_body(body);
        }
    }

    /// A body does not live as long as the query.
    fn add_form_body(&mut self, body: &[u8]) {
        for (name, value) in form_urlencoded::parse(body) {
            self.push(name.into_owned(), value.into_owned());
        }
    }

    /// Adds the entries of a JSON object. Null is absent, the items of a list are repeats of their name, a name that stands twice
    /// is a repeat too, and objects inside, and lists in lists, are their JSON text.
    pub(crate) fn add_json(&mut self, body: &[u8]) {
        let text = String::from_utf8_lossy(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body));
        let mut entries = Parameters::default();
        let mut reader = serde_json::Deserializer::from_str(&text);
        if Object(&mut entries).deserialize(&mut reader).and_then(|()| reader.end()).is_err() {
            self.unreadable = true;
            return;
        }
        self.overflowed |= entries.overflowed;
        for (name, value) in entries.pairs {
            self.push(name, value);
        }
    }
}

/// Reads an object into parameters; serde's own map would keep the last of equal names and hide the conflict.
struct Object<'a, 'p>(&'a mut Parameters<'p>);

impl<'de> DeserializeSeed<'de> for Object<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object of parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(Entry { name: &name, into: &mut *self.0, is_item: false })?;
        }
        Ok(())
    }
}

/// The value of one entry, or one item of its list.
struct Entry<'a, 'p> {
    name: &'a str,
    into: &'a mut Parameters<'p>,
    is_item: bool,
}

impl Entry<'_, '_> {
    fn push(self, value: String) {
        self.into.push(self.name.to_owned(), value);
    }
}

impl<'de> DeserializeSeed<'de> for Entry<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.push(text.to_owned());
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.push(value.to_string());
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.push(value.to_string());
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.push(value.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.push(value.to_string());
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.is_item {
            let inner = Value::deserialize(SeqAccessDeserializer::new(list))?;
            self.push(inner.to_string());
            return Ok(());
        }
        while list.next_element_seed(Entry { name: self.name, into: &mut *self.into, is_item: true })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let inner = Value::deserialize(MapAccessDeserializer::new(map))?;
        self.push(inner.to_string());
        Ok(())
    }
}
