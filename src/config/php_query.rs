//! Reads a query string with brackets exactly as PHP does: `webservices[send_call][xml]=Create&list[]=1`.
//!
//! The parameter strings of the PBX are PHP query strings. Their traps are kept: the last of two equal names wins at the
//! place of the first, a dot or a blank in a name becomes an underscore, an unclosed bracket too. Bytes, because PHP
//! knows no characters. The rules were measured with PHP 8.2 (`tests/data/captures/parse_str`).

/// Most variables of one string; PHP passes over the rest (`max_input_vars`).
const MOST_VARIABLES: usize = 1000;

/// Deepest nesting of brackets; PHP drops a deeper variable whole (`max_input_nesting_level`).
const DEEPEST: usize = 64;

/// An ordered array of PHP.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Array(pub(crate) Vec<(Key, Node)>);

/// The key of an element: PHP turns canonical decimal numbers into integers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Integer(i64),
    Text(Vec<u8>),
}

/// The value of an element.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Text(Vec<u8>),
    Array(Array),
}

/// Reads a query string. Never fails: what PHP passes over is passed over.
pub(crate) fn parse(query: &[u8]) -> Array {
    let query = before(query, 0);
    let pieces = query.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty());
    let mut array = Array::default();
    for piece in pieces.take(MOST_VARIABLES) {
        let equals = piece.iter().position(|byte| *byte == b'=');
        let (name, value) = equals.map_or((piece, &[][..]), |at| (&piece[..at], &piece[at + 1..]));
        array.register(&decode(name), decode(value));
    }
    array
}

/// Reads any bytes, for fuzzers and property tests.
///
/// # Panics
/// When more comes out than PHP allows, or more bytes than went in.
pub fn fuzz_bytes(query: &[u8]) {
    let read = parse(query);
    assert!(read.0.len() <= MOST_VARIABLES, "more variables than PHP reads");
    assert!(depth(&read) <= DEEPEST + 1, "deeper than PHP reads");
    assert!(size(&read) <= query.len(), "more bytes than there were");
}

fn depth(array: &Array) -> usize {
    let inner = |(_, node): &(Key, Node)| match node {
        Node::Text(_) => 0,
        Node::Array(inner) => depth(inner),
    };
    1 + array.0.iter().map(inner).max().unwrap_or(0)
}

fn size(array: &Array) -> usize {
    let of = |(key, node): &(Key, Node)| {
        let of_key = if let Key::Text(name) = key { name.len() } else { 0 };
        of_key
            + match node {
                Node::Text(text) => text.len(),
                Node::Array(inner) => size(inner),
            }
    };
    array.0.iter().map(of).sum()
}

/// `+` is a blank, `%XX` a byte; a percent sign without two hexadecimal digits stays.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind) {
            (b'+', _) => decoded.push(b' '),
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                decoded.push(digit(*high) << 4 | digit(*low));
                rest = after;
            }
            _ => decoded.push(first),
        }
    }
    decoded
}

fn digit(hexadecimal: u8) -> u8 {
    char::from(hexadecimal).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or_default()
}

fn before(text: &[u8], end: u8) -> &[u8] {
    text.iter().position(|byte| *byte == end).map_or(text, |at| &text[..at])
}

/// A name taken apart: `a[b][]` is `a`, then `b`, then the next free place.
struct Name {
    first: Vec<u8>,
    inner: Vec<Option<Vec<u8>>>,
}

impl Name {
    /// `None` for a name that PHP drops: an empty one, or one that begins with a bracket.
    fn read(decoded: &[u8]) -> Option<Self> {
        let name = before(decoded, 0);
        let name = &name[name.iter().position(|byte| *byte != b' ').unwrap_or(name.len())..];
        let bracket = name.iter().position(|byte| *byte == b'[');
        let first = bracket.map_or(name, |at| &name[..at]);
        if first.is_empty() {
            return None;
        }
        let mut inner = Vec::new();
        let mut rest = bracket.map_or(&[][..], |at| &name[at..]);
        while let [b'[', inside @ ..] = rest {
            let shift = usize::from(inside.first().is_some_and(|byte| is_space(*byte)));
            let Some(close) = inside[shift..].iter().position(|byte| *byte == b']').map(|at| at + shift) else {
                // Without its closing bracket, the first opening one belongs to the name; a later one ends it.
                if inner.is_empty() {
                    return Some(Self { first: mangle(name, b"[. "), inner });
                }
                break;
            };
            inner.push((close > shift).then(|| inside[..close].to_vec()));
            rest = &inside[close + 1..];
        }
        Some(Self { first: mangle(first, b". "), inner })
    }
}

fn mangle(name: &[u8], bad: &[u8]) -> Vec<u8> {
    name.iter().map(|byte| if bad.contains(byte) { b'_' } else { *byte }).collect()
}

/// C's `isspace`.
fn is_space(byte: u8) -> bool {
    byte == b' ' || (b'\t'..=b'\r').contains(&byte)
}

impl Array {
    fn register(&mut self, name: &[u8], value: Vec<u8>) {
        let Some(Name { first, inner }) = Name::read(name) else { return };
        let first = Key::of(first);
        if inner.len() > DEEPEST {
            self.0.retain(|(key, _)| *key != first);
            return;
        }
        self.put(first, &inner, value);
    }

    /// Sets the element of a key, or one inside of it; what stood in the way is replaced.
    fn put(&mut self, key: Key, inner: &[Option<Vec<u8>>], value: Vec<u8>) {
        let place = self.0.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
            self.0.push((key, Node::default()));
            self.0.len() - 1
        });
        let Some((next, inner)) = inner.split_first() else {
            self.0[place].1 = Node::Text(value);
            return;
        };
        let mut array = match std::mem::take(&mut self.0[place].1) {
            Node::Array(array) => array,
            Node::Text(_) => Self::default(),
        };
        let key = next.as_ref().map_or_else(|| array.free_place(), |key| Some(Key::of(key.clone())));
        if let Some(key) = key {
            array.put(key, inner, value);
        }
        self.0[place].1 = Node::Array(array);
    }

    /// The place behind the largest number; `None` when there is no larger one.
    fn free_place(&self) -> Option<Key> {
        let numbers = self.0.iter().filter_map(|(key, _)| match key {
            Key::Integer(number) => Some(*number),
            Key::Text(_) => None,
        });
        numbers.max().map_or(Some(0), |largest| largest.checked_add(1)).map(Key::Integer)
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::Text(Vec::new())
    }
}

impl Key {
    pub(crate) fn of(text: Vec<u8>) -> Self {
        let number = std::str::from_utf8(&text).ok().and_then(|text| Some((text, text.parse::<i64>().ok()?)));
        match number {
            Some((text, number)) if number.to_string() == text => Self::Integer(number),
            _ => Self::Text(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use serde_json::Value;

    use super::*;

    const MEASURED: &str = include_str!("../../tests/data/captures/parse_str/parse_str.json");

    fn describe(node: &Node) -> Value {
        match node {
            Node::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => serde_json::json!({ "t": "string", "s": text }),
                Err(_) => {
                    let coded = base64::engine::general_purpose::STANDARD.encode(text);
                    serde_json::json!({ "t": "string", "s": null, "b64": coded })
                }
            },
            Node::Array(array) => {
                let items = array.0.iter().map(|(key, node)| {
                    let (kind, key) = match key {
                        Key::Integer(number) => ("int", Value::from(*number)),
                        Key::Text(text) => ("string", Value::from(String::from_utf8_lossy(text))),
                    };
                    serde_json::json!({ "k": key, "kt": kind, "v": describe(node) })
                });
                serde_json::json!({ "t": "array", "items": items.collect::<Vec<_>>() })
            }
        }
    }

    #[test]
    fn every_measured_string_is_read_as_php_reads_it_in_order_and_key_types() {
        let measured: Value = serde_json::from_str(MEASURED).unwrap();
        let rows = measured["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 137);
        for row in rows {
            let coded = row["input_b64"].as_str().unwrap();
            let input = base64::engine::general_purpose::STANDARD.decode(coded).unwrap();
            let read = Node::Array(parse(&input));
            assert_eq!(describe(&read), row["tree"], "{} ({})", row["input"], row["note"]);
        }
    }

    #[test]
    fn a_variable_nested_deeper_than_php_allows_is_dropped_whole() {
        let measured: Value = serde_json::from_str(MEASURED).unwrap();
        for row in measured["nesting"].as_array().unwrap() {
            let brackets = usize::try_from(row["brackets"].as_u64().unwrap()).unwrap();
            let read = parse(format!("a{}=1&z=2", "[b]".repeat(brackets)).as_bytes());
            let has = |name: &[u8]| read.0.iter().any(|(key, _)| *key == Key::Text(name.to_vec()));
            assert_eq!(Value::from(has(b"a")), row["a_present"], "{brackets}");
            assert_eq!(Value::from(has(b"z")), row["z_present"], "{brackets}");
        }
    }

    #[test]
    fn what_is_too_much_is_passed_over() {
        let many: Vec<String> = (0..1500).map(|number| format!("v{number}=1")).collect();
        assert_eq!(parse(many.join("&").as_bytes()).0.len(), MOST_VARIABLES);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(query: Vec<u8>) {
            fuzz_bytes(&query);
        }

        #[test]
        fn any_brackets_are_read_without_a_panic(query in "[a.&=\\[\\]%0-9 +-]{0,200}") {
            fuzz_bytes(query.as_bytes());
        }
    }
}
