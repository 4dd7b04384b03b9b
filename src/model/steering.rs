//! What a steering value must look like before a PBX may be told it, whoever stored it.
//!
//! A directory stores text as it was given; a CRM's text must not dial. The import reports values that fail here, the
//! lookup answers null for them.

/// Longest agent or queue that is answered, in characters.
pub const DIRECT_LINE_LENGTH: usize = 128;

/// From so many digits on a text of digits is a telephone number, not the name of a queue.
const BARE_NUMBER_DIGITS: usize = 7;

/// Ways to reach an agent that may stand before his name.
const TECHNOLOGIES: [&str; 4] = ["SIP/", "PJSIP/", "IAX2/", "Local/"];

/// Reads a place in the queue: a whole number from 0 to 100, never clamped.
#[must_use]
pub fn queue_position(text: &str) -> Option<u8> {
    let digits = !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|&place| place <= 100)
}

/// Says whether a text names an agent (`SIP/ion-popescu`) or a queue (`sales-queue`) and is neither a bare telephone
/// number nor able to dial one.
#[must_use]
pub fn is_direct_line(text: &str) -> bool {
    let technology = TECHNOLOGIES.iter().find_map(|technology| text.strip_prefix(technology));
    let name = technology.unwrap_or(text);
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let fits = (1..=DIRECT_LINE_LENGTH).contains(&name.len()) && name.bytes().all(harmless);
    fits && (technology.is_some() || !is_bare_number(name))
}

/// Says whether a link has one of these schemes (in small letters), and something behind it.
#[must_use]
pub fn has_scheme<'a>(link: &str, schemes: impl IntoIterator<Item = &'a str>) -> bool {
    let Some((scheme, rest)) = link.split_once(':') else { return false };
    let scheme = scheme.to_ascii_lowercase();
    let web = scheme == "http" || scheme == "https";
    let behind = if web { rest.strip_prefix("//").unwrap_or_default() } else { rest };
    let harmless = !link.contains(|character: char| character.is_control() || character.is_whitespace());
    harmless && !behind.is_empty() && schemes.into_iter().any(|allowed| allowed == scheme)
}

fn is_bare_number(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    digits >= BARE_NUMBER_DIGITS && !name.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_queue_is_a_whole_number_up_to_a_hundred() {
        assert_eq!(queue_position("0"), Some(0));
        assert_eq!(queue_position("100"), Some(100));
        for text in ["", "101", "256", "-1", "+1", "1.0", "1 ", "high", "٣", "0000"] {
            assert_eq!(queue_position(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_direct_line_is_an_agent_or_a_queue_and_cannot_dial() {
        for text in ["SIP/ion-popescu", "PJSIP/101", "IAX2/a.b", "Local/ion_popescu", "sales-queue", "600"] {
            assert!(is_direct_line(text), "{text}");
        }
        for text in [
            "", "SIP/", "0722111222", "+40722111222", "0722-111-222", "Local/0900@outside", "SIP/a&SIP/b", "SIP/a,60",
            "DAHDI/g1/0900", "ion popescu", "SIP/${X}", "SIP/ion\n",
        ] {
            assert!(!is_direct_line(text), "{text:?}");
        }
    }

    #[test]
    fn a_link_has_an_allowed_scheme_and_no_blank() {
        let web = ["http", "https"];
        assert!(has_scheme("https://crm.example.com/?id=1", web));
        assert!(has_scheme("HTTP://crm.example.com", web));
        assert!(has_scheme("zoiper:101", ["zoiper"]));
        for link in ["javascript:alert(1)", "crm.example.com", "https:", "https://", "http://a b", " http://a", "http:a"] {
            assert!(!has_scheme(link, web), "{link:?}");
        }
    }
}
