//! Fifth step: addresses. Finds the part that may be a number in a SIP header, a URI or the name of a channel.
//!
//! `"Ion" <sip:+40722111222;npdi@host;user=phone>, <tel:…>` becomes `+40722111222`. The first address of a list counts
//! (RFC 3325), parameters of routing and verification are dropped, `ext` and `phone-context` (RFC 3966) are kept. All
//! of it is what a caller writes himself, so nothing here is trusted to be well-formed.

use std::borrow::Cow;

use super::clean::fold;
use super::withheld::is_anonymous_host;

/// Kinds of channels whose names hold a number or a user, in lower case.
const CHANNELS: [&str; 9] = ["sip/", "pjsip/", "iax2/", "sccp/", "dahdi/", "local/", "sofia/", "chan_sip/", "motif/"];

/// Most characters of an extension that an `ext` parameter may have (RFC 3966 as libphonenumber reads it).
const LONGEST_EXTENSION: usize = 20;

/// The part of an address that may be a number.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// What stands in the place of the number.
    pub(super) user: Cow<'a, str>,
    /// It is the user part of a SIP address or a channel: when it is not a number, it is a user.
    pub(super) is_user: bool,
    /// It is written as an address, with its scheme; an e-mail address is not.
    pub(super) has_scheme: bool,
    /// The host says that the caller is anonymous.
    pub(super) anonymous: bool,
    /// Digits of the country code of `phone-context`.
    pub(super) context: Option<String>,
    /// Digits of the `ext` parameter.
    pub(super) extension: Option<String>,
}

/// Finds the first address in the text; without one, the text itself.
pub(super) fn address(text: &str) -> Address<'_> {
    let text = first_in_brackets(text);
    if let Some(rest) = strip_any(text, &["sip:", "sips:"]) {
        return sip_address(rest);
    }
    if let Some(rest) = strip_any(text, &["tel:"]) {
        return Address { has_scheme: true, ..with_parameters(rest.trim()) };
    }
    if let Some(rest) = strip_any(text, &CHANNELS) {
        return Address { user: channel_user(rest).into(), is_user: true, has_scheme: true, ..Address::default() };
    }
    match text.split_once('@') {
        Some((user, host)) if is_host(host) && is_bare_user(user) => {
            Address { is_user: true, anonymous: is_anonymous_host(host), ..with_parameters(user) }
        }
        _ => with_parameters(text),
    }
}

/// What stands in the first angle brackets outside of quotes, or all of it.
fn first_in_brackets(text: &str) -> &str {
    let mut quoted = false;
    let mut escaped = false;
    for (position, byte) in text.bytes().enumerate() {
        match byte {
            b'\\' if quoted && !escaped => escaped = true,
            b'"' if !escaped => quoted = !quoted,
            b'<' if !quoted => {
                let inner = &text[position + 1..];
                let inner = inner.split('>').next().unwrap_or(inner).trim();
                return if inner.is_empty() { text[..position].trim() } else { inner };
            }
            _ => escaped = false,
        }
    }
    text
}

/// `user:password@host;parameters`, or `user;parameters` without a host.
fn sip_address(rest: &str) -> Address<'_> {
    let rest = rest.trim_start_matches('/');
    let (user, host) = rest.split_once('@').unwrap_or((rest, ""));
    let address = with_parameters(user.split([':', '?']).next().unwrap_or(user));
    Address { is_user: true, has_scheme: true, anonymous: is_anonymous_host(host), ..address }
}

/// Splits parameters off a number: keeps `ext` and `phone-context`, drops the others. Text without a parameter that
/// has a name stays whole, because `;` also stands before a second number.
fn with_parameters(text: &str) -> Address<'_> {
    let text = decode(text);
    let mut address = Address::default();
    let Some(start) = text.find(';').filter(|start| text[start + 1..].trim_start().starts_with(char::is_alphabetic))
    else {
        address.user = text;
        return address;
    };
    for parameter in text[start + 1..].split(';') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = name.trim();
        if name.eq_ignore_ascii_case("ext") && address.extension.is_none() {
            address.extension = extension_digits(value);
        } else if name.eq_ignore_ascii_case("phone-context") && address.context.is_none() {
            address.context = value.trim().strip_prefix('+').map(digits_of).filter(|digits| !digits.is_empty());
        }
    }
    address.user = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text[..start].trim_end()),
        Cow::Owned(text) => Cow::Owned(text[..start].trim_end().to_owned()),
    };
    address
}

/// The digits of an extension, visual separators left out; `None` when it is none.
fn extension_digits(value: &str) -> Option<String> {
    let value = value.trim();
    let readable = value.chars().all(|character| character.is_ascii_digit() || "-.() ".contains(character));
    let digits = digits_of(value);
    (readable && !digits.is_empty() && digits.len() <= LONGEST_EXTENSION).then_some(digits)
}

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Decodes `%2B40…` that arrives undecoded, twice at most: some proxies encode what is encoded already.
fn decode(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..2 {
        if !has_escape(&text) {
            break;
        }
        let decoded = percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned();
        text = Cow::Owned(fold(&decoded));
    }
    text
}

fn has_escape(text: &str) -> bool {
    text.as_bytes().windows(3).any(|three| three[0] == b'%' && three[1..].iter().all(u8::is_ascii_hexdigit))
}

/// `trunk-0000a1` becomes `trunk`; `Local/0722111222@context-00001;1` becomes `0722111222`; of `i1/0722111222-7` the
/// part behind the last slash counts.
fn channel_user(rest: &str) -> &str {
    let name = rest.split(['@', ';', ' ', ',']).next().unwrap_or(rest);
    let name = name.rsplit('/').find(|part| !part.is_empty()).unwrap_or(name);
    match name.rsplit_once('-') {
        Some((user, serial)) if !user.is_empty() && (6..=10).contains(&serial.len()) && is_hexadecimal(serial) => user,
        _ => name,
    }
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `host` behind an `@`: not empty, one word.
fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:;=[]+".contains(&byte))
}

/// The user of an address without scheme is one word; anything else is a sentence with an `@` in it.
fn is_bare_user(user: &str) -> bool {
    !user.is_empty() && !user.contains([' ', '<', '>', '"', ',', '='])
}

/// The rest behind the first of the beginnings that fits, compared without case.
fn strip_any<'a>(text: &'a str, beginnings: &[&str]) -> Option<&'a str> {
    beginnings.iter().find_map(|beginning| {
        let start = text.get(..beginning.len())?;
        start.eq_ignore_ascii_case(beginning).then(|| &text[beginning.len()..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_in_addresses() {
        for (text, user) in [
            ("sip:+40722111222@pbx.example.com", "+40722111222"),
            ("SIPS:0722111222;npdi;rn=+4012345@pbx.example.com;user=phone", "0722111222"),
            ("\"Ion\" <sip:+40722111222@host>, <tel:+40733222333>", "+40722111222"),
            ("\"a <sip:1@x> \\\" b\" <sip:+40722111222@host>;tag=1", "+40722111222"),
            ("sip:%2B40722111222@host", "+40722111222"),
            ("tel:+40-722-111-222;isub=1411", "+40-722-111-222"),
            ("\"Ion Popescu\" <0722111222>", "0722111222"),
            ("%252B40722111222", "+40722111222"),
            ("sip:0722111222:secret@host", "0722111222"),
            ("PJSIP/trunk-0000a1", "trunk"),
            ("SIP/+40722111222-00000a1b", "+40722111222"),
            ("Local/0722111222@from-internal-00001;1", "0722111222"),
            ("DAHDI/i1/0722111222-7", "0722111222-7"),
            ("0722111222;0733222333", "0722111222;0733222333"),
        ] {
            assert_eq!(address(text).user, user, "{text}");
        }
    }

    #[test]
    fn extension_and_context_are_kept() {
        let found = address("tel:0722111222;ext=1-23;phone-context=+40");
        assert_eq!((found.extension.as_deref(), found.context.as_deref()), (Some("123"), Some("40")));
        let found = address("tel:0722111222;phone-context=example.com");
        assert_eq!(found.context, None);
    }

    #[test]
    fn a_user_is_told_from_an_e_mail_address_by_its_scheme() {
        assert!(address("sip:ion@host").has_scheme && address("sip:ion@host").is_user);
        assert!(!address("ion@host").has_scheme && address("ion@host").is_user);
        assert!(address("sip:x@anonymous.invalid").anonymous && address("x@anonymous.invalid:5060").anonymous);
    }
}
