//! Turns an XML answer into JSON, so that one kind of answer is read by one kind of mapping.
//!
//! Names lose their prefix. An element with text alone is that text, an empty one and one with `xsi:nil` is null; any
//! other one is an object of its children, where a repeated name becomes a list. Attributes are left out: the contract
//! of the PBX has none. What is refused while the tree is read (document types, depth, number of elements) is said in
//! [`crate::soap::tree`].

use serde_json::{Map, Value};

use crate::soap::Element;

/// Most elements of an answer.
pub const MOST_ELEMENTS: usize = 50_000;

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// An element as JSON.
#[must_use]
pub fn to_json(element: &Element) -> Value {
    if element.attribute(Some(XSI), "nil").is_some_and(|nil| matches!(nil.trim(), "true" | "1")) {
        return Value::Null;
    }
    if element.children.is_empty() {
        let text = element.text.trim();
        return if text.is_empty() { Value::Null } else { Value::String(text.to_owned()) };
    }
    let mut fields = Map::new();
    for child in &element.children {
        let value = to_json(child);
        match fields.get_mut(&child.name) {
            None => {
                fields.insert(child.name.clone(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(fields)
}

/// The first element of a name, the root included, in the order of the document.
#[must_use]
pub fn find<'a>(root: &'a Element, name: &str) -> Option<&'a Element> {
    if root.name == name {
        return Some(root);
    }
    root.children.iter().find_map(|child| find(child, name))
}

/// Turns any bytes into JSON, for fuzzers and property tests.
///
/// # Panics
/// When what comes out is none of an object, a text and null.
pub fn fuzz_bytes(bytes: &[u8]) {
    if let Ok(root) = Element::read(bytes, None, MOST_ELEMENTS) {
        let json = to_json(&root);
        assert!(json.is_object() || json.is_string() || json.is_null(), "an element is {json}");
        assert!(find(&root, &root.name).is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn json_of(text: &str) -> Value {
        to_json(&Element::read(text.as_bytes(), None, MOST_ELEMENTS).unwrap())
    }

    #[test]
    fn elements_become_objects_lists_texts_and_nulls() {
        let read = json_of(
            "<r xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><id> 007 </id><name><![CDATA[A & B]]></name>\
             <none/><nil xsi:nil='true'>x</nil><p>1</p><p>2</p><p><q>3</q></p><blank>  </blank></r>",
        );
        let expected = json!({
            "id": "007", "name": "A & B", "none": null, "nil": null, "p": ["1", "2", {"q": "3"}], "blank": null,
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn the_first_element_of_a_name_is_found_wherever_it_is() {
        let root = Element::read(b"<a><b><c>1</c></b><c>2</c></a>", None, 10).unwrap();
        assert_eq!(find(&root, "c").map(to_json), Some(json!("1")));
        assert_eq!(find(&root, "a").map(|found| found.children.len()), Some(2));
        assert!(find(&root, "d").is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String, nested in "(<[ab]>|</[ab]>|x|&[a-z#0-9]{0,4};?|<!--|-->|<![CDATA[|]]>| ){0,60}") {
            for text in [text, nested.clone(), format!("<r>{nested}</r>")] {
                fuzz_bytes(text.as_bytes());
            }
        }
    }
}
