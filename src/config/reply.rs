//! The keys that say how the answer of a project looks on the wire.

use super::keys::{Key, Kind, words};
use super::nearest::did_you_mean;
use super::phone::{PHONES, Phone};
use super::reader::Reader;

/// How the answer looks on the wire; the default is that of a project that has no keys about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// Whether `outbound_number`, `language` and `external_id` are sent.
    pub extended: bool,
    /// Format when the request does not name one.
    pub format: Format,
    /// Root element (XML) or the one key around the object (JSON).
    pub root_tag: Option<String>,
    /// Element around the root element.
    pub xml_wrap: Option<String>,
    /// Most characters of a name.
    pub name_length: Option<usize>,
    /// Whether names are transliterated to ASCII.
    pub name_ascii: bool,
    /// Whether `: / @ " \ %` are taken out of names.
    pub name_sip_safe: bool,
    /// Schemes that a link may have, beside `http` and `https`; lower case.
    pub link_schemes: Vec<String>,
    /// Whether `direct_line` may hold `@ & ,` or a bare telephone number.
    pub direct_line_any: bool,
    /// The only agents and queues that `direct_line` may name, when the project lists them.
    pub direct_lines: Option<Vec<String>>,
}

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// `application/json`
    #[default]
    Json,
    /// `application/xml`
    Xml,
    /// `text/plain`: the name alone.
    Text,
}

const REPLIES: [(&str, bool); 2] = [("standard", false), ("extended", true)];
const FORMATS: [(&str, Format); 3] = [("json", Format::Json), ("xml", Format::Xml), ("text", Format::Text)];
const XML_NAME: &str = "the name of an XML element, such as \"response\"";

/// Schemes that run code or read files in a browser; they stay out whatever the project wishes.
const DANGEROUS_SCHEMES: [&str; 5] = ["javascript", "data", "vbscript", "file", "blob"];

/// Part of `[project.NAME]`.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "reply",
        Kind::Choice(&words(&REPLIES)),
        "\"standard\"",
        "The six fields of the contract, or also `outbound_number`, `language` and `external_id`.",
    ),
    Key::new(
        "phone",
        Kind::Choice(&words(&PHONES)),
        "",
        "A profile for what shows the name: it sets `format`, `name_length`, `name_ascii` and `name_sip_safe`, as far as \
         they are not set here. docs/API.md has the list.",
    ),
    Key::new("format", Kind::Choice(&words(&FORMATS)), "\"json\"", "The format when the request does not name one."),
    Key::new("root_tag", Kind::Text(XML_NAME), "", "The root element of XML, and the one key around a JSON answer."),
    Key::new("xml_wrap", Kind::Text(XML_NAME), "", "An element around the root element of XML."),
    Key::new(
        "name_length",
        Kind::Whole { min: 1, max: 255 },
        "",
        "Most characters of a name, for telephones with a small display.",
    ),
    Key::new("name_ascii", Kind::Switch, "false", "Whether names are written in ASCII letters."),
    Key::new(
        "name_sip_safe",
        Kind::Switch,
        "false",
        "Whether `: / @ \" \\ %` are taken out of names, which FreeSWITCH mangles.",
    ),
    Key::new(
        "link_schemes",
        Kind::Texts("a scheme such as \"tel\""),
        "",
        "Schemes that a link may have; `http` and `https` always may.",
    ),
    Key::new(
        "direct_line_any",
        Kind::Switch,
        "false",
        "Whether `direct_line` may be a bare telephone number or hold `@ & ,`. Then whoever can edit a contact can \
         make the PBX dial.",
    ),
    Key::new(
        "direct_lines",
        Kind::Texts("an agent or a queue, such as \"SIP/ion-popescu\""),
        "",
        "The only agents and queues that `direct_line` may name. Without it any that is well formed.",
    ),
];

impl Reply {
    pub(crate) fn read(reader: &Reader<'_>) -> Self {
        let phone: Phone = reader.choice("phone", &PHONES);
        let own = |name, value: bool, profile: bool| if reader.is_set(name) { value } else { profile };
        let format = reader.choice("format", &FORMATS);
        let name_length = reader.whole("name_length").and_then(|length| usize::try_from(length).ok());
        let direct_line_any = reader.switch("direct_line_any");
        let lines = reader.parse_list("direct_lines", |text| read_direct_line(text, direct_line_any));
        Self {
            extended: reader.choice("reply", &REPLIES),
            format: if reader.is_set("format") { format } else { phone.format },
            root_tag: reader.parse("root_tag", read_xml_name),
            xml_wrap: reader.parse("xml_wrap", read_xml_name),
            name_length: name_length.or(phone.name_length),
            name_ascii: own("name_ascii", reader.switch("name_ascii"), phone.name_ascii),
            name_sip_safe: own("name_sip_safe", reader.switch("name_sip_safe"), phone.name_sip_safe),
            link_schemes: reader.parse_list("link_schemes", read_scheme),
            direct_line_any,
            direct_lines: reader.is_set("direct_lines").then_some(lines),
        }
    }
}

/// Reads the name of an element: <https://www.w3.org/TR/xml/#NT-Name> in ASCII, which every reader takes, and without the
/// colon, which would need a namespace.
fn read_xml_name(text: &str) -> Result<String, String> {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let inside = |c: char| letter(c) || c.is_ascii_digit() || matches!(c, '-' | '.');
    if text.starts_with(letter) && text.chars().all(inside) {
        return Ok(text.to_owned());
    }
    if text.contains(char::is_alphabetic) && !text.is_ascii() {
        return Err("; its letters are A to Z, which every reader of XML takes".to_owned());
    }
    let near: String = text.chars().filter(|c| inside(*c)).collect();
    let prefix = if near.starts_with(letter) { "" } else { "_" };
    Err(if near.is_empty() { String::new() } else { format!("; did you mean \"{prefix}{near}\"?") })
}

fn read_scheme(text: &str) -> Result<String, String> {
    let scheme = text.to_lowercase();
    let plain = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    if DANGEROUS_SCHEMES.contains(&scheme.trim_end_matches([':', '/'])) {
        return Err("; a link with this scheme could run code or read files, no project may allow it".to_owned());
    }
    if plain && scheme.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Ok(scheme);
    }
    Err(did_you_mean(&scheme, [scheme.trim_end_matches([':', '/'])].into_iter().filter(|near| *near != scheme)))
}

fn read_direct_line(text: &str, any: bool) -> Result<String, String> {
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err("; blanks and control characters are not allowed".to_owned());
    }
    if !any && text.contains(['@', '&', ',']) {
        return Err("; @ & , need direct_line_any = true".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_has_a_name_that_xml_allows() {
        for name in ["response", "_a", "a-b.c1"] {
            assert!(read_xml_name(name).is_ok(), "{name}");
        }
        // The face writes no element of this name, and the PBX would look for one.
        assert_eq!(read_xml_name("răspuns").unwrap_err(), "; its letters are A to Z, which every reader of XML takes");
        assert_eq!(read_xml_name("1st answer").unwrap_err(), "; did you mean \"_1stanswer\"?");
        assert_eq!(read_xml_name("<a>").unwrap_err(), "; did you mean \"a\"?");
        assert_eq!(read_xml_name("soap:Body").unwrap_err(), "; did you mean \"soapBody\"?");
    }

    #[test]
    fn a_scheme_that_runs_code_is_never_allowed() {
        assert_eq!(read_scheme("TEL").unwrap(), "tel");
        assert_eq!(read_scheme("tel:").unwrap_err(), "; did you mean \"tel\"?");
        for scheme in ["javascript", "JavaScript:", "data", "file://"] {
            assert!(read_scheme(scheme).unwrap_err().contains("no project may allow it"), "{scheme}");
        }
    }
}
