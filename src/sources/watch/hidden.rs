//! Values that must not be shown, in every form in which a system may repeat them.
//!
//! A page of errors repeats a request as it stands, decoded, encoded once more, or cut to fit. So a long enough piece of a value
//! is hidden as the whole is. What a system encrypts, or spells with something between every few letters, is not recognised.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A shorter value is hidden nowhere: it would take ordinary words with it.
const SHORTEST: usize = 4;

/// A shorter value is hidden only whole.
const SHORTEST_IN_PIECES: usize = 8;

/// So many bytes of a value in a row are hidden wherever they stand; of a value that has less than twice as many, half of it.
const PIECE: usize = 8;

/// Values that must not be shown. They are secrets, so they are not printed.
#[derive(Default)]
pub struct Hidden {
    /// Every form in lower case.
    forms: BTreeSet<String>,
    /// Every piece of a form in lower case, by its length.
    pieces: BTreeMap<usize, HashSet<Vec<u8>>>,
}

impl Hidden {
    /// Hides one value more.
    pub fn add(&mut self, secret: &str) {
        if secret.chars().count() < SHORTEST {
            return;
        }
        for form in forms(secret).into_iter().filter(|form| form.chars().count() >= SHORTEST) {
            let form = form.to_ascii_lowercase();
            if is_hidden_in_pieces(secret) && !self.forms.contains(&form) {
                let length = (secret.len() / 2).min(PIECE);
                let pieces = form.as_bytes().windows(length).map(<[u8]>::to_vec);
                self.pieces.entry(length).or_default().extend(pieces);
            }
            self.forms.insert(form);
        }
    }

    /// A text without them, whatever the case of their letters.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        // Lower case of ASCII leaves every place where it was.
        let lower = text.to_ascii_lowercase();
        let mut hidden = vec![false; lower.len()];
        for form in &self.forms {
            lower.match_indices(form.as_str()).for_each(|(start, found)| hidden[start..start + found.len()].fill(true));
        }
        for (length, pieces) in &self.pieces {
            let windows = lower.as_bytes().windows(*length).enumerate();
            windows
                .filter(|(_, window)| pieces.contains(*window))
                .for_each(|(start, _)| hidden[start..start + length].fill(true));
        }
        without(text, &hidden)
    }
}

/// Addresses of people and sentences are hidden whole only: parts of them are names of hosts and ordinary words.
fn is_hidden_in_pieces(secret: &str) -> bool {
    secret.len() >= SHORTEST_IN_PIECES && !secret.contains(['@', ' '])
}

/// A text in which a sign stands in the place of every run of letters of which something is hidden.
fn without(text: &str, hidden: &[bool]) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut was_hidden = false;
    for (start, letter) in text.char_indices() {
        let is_hidden = hidden[start..start + letter.len_utf8()].contains(&true);
        match (is_hidden, was_hidden) {
            (true, false) => shown.push('…'),
            (true, true) => {}
            (false, _) => shown.push(letter),
        }
        was_hidden = is_hidden;
    }
    shown
}

fn forms(secret: &str) -> Vec<String> {
    let in_json = serde_json::Value::from(secret).to_string();
    let in_json = in_json.trim_matches('"').to_owned();
    let in_url = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let in_form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let in_xml = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let in_attribute = in_xml.replace('"', "&quot;").replace('\'', "&#39;");
    let in_php = in_json.replace('/', "\\/");
    let mut forms = vec![secret.to_owned(), in_json, in_url, in_form, in_xml, in_attribute, in_php];
    for before in 0..3 {
        forms.extend(in_base64(secret, before));
    }
    forms
}

/// What stays the same of a secret in base64 when so many bytes stand before it and any number behind it.
fn in_base64(secret: &str, before: usize) -> [String; 2] {
    let bytes = [vec![0; before], secret.as_bytes().to_vec()].concat();
    let own = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
    [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)].map(|text| text[own.clone()].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_in_every_form_in_which_it_comes_back() {
        let secret = "p/a\"s&s+W<ör>'d";
        let mut hidden = Hidden::default();
        hidden.add(secret);
        let standard = base64::engine::general_purpose::STANDARD;
        for said in [
            secret.to_owned(),
            secret.to_ascii_uppercase(),
            "p/a\\\"s&s+W<ör>'d".to_owned(),
            "p\\/a\\\"s&s+W<ör>'d".to_owned(),
            "p%2Fa%22s%26s%2BW%3C%C3%B6r%3E%27d".to_owned(),
            "p%2fa%22s%26s%2bW%3c%c3%b6r%3e%27d".to_owned(),
            "p/a\"s&amp;s+W&lt;ör&gt;'d".to_owned(),
            "p/a&quot;s&amp;s+W&lt;ör&gt;&#39;d".to_owned(),
        ] {
            assert_eq!(hidden.hide(&format!("<{said}>")), "<…>", "{said}");
        }
        for before in ["", "i", "io", "ion:", "user:"] {
            let said = standard.encode(format!("{before}{secret} and more"));
            let shown = hidden.hide(&said);
            assert!(shown.contains('…') && shown.len() < said.len() - secret.len(), "{before}: {shown}");
        }
    }

    #[test]
    fn a_piece_of_a_secret_is_hidden_as_the_whole_is() {
        let secret = "sk_live_9f8e7d6c5b4a/3210";
        let mut hidden = Hidden::default();
        hidden.add(secret);
        let standard = base64::engine::general_purpose::STANDARD;
        let encoded = standard.encode(secret);
        for (said, shown) in [
            ("no: sk_live_9f8e7d", "no: …"),
            ("no: …7d6c5b4a/3210", "no: ……"),
            ("sk_live_9f8e\n7d6c5b4a/3210", "…\n…"),
            ("sk_live_9f8e7d6c5b4a\\u002f3210", "…u002f3210"),
            ("sk_live_9f8e7d6c5b4a%2", "…"),
            (&encoded[..20], "…"),
            ("https://9f8e7d6c5b4a.example", "https://….example"),
            ("sk_live is no key", "sk_live is no key"),
        ] {
            assert_eq!(hidden.hide(said), shown, "{said}");
        }
        let mut hidden = Hidden::default();
        hidden.add("ion@helpdesk.example");
        hidden.add("Tr0ub4dor");
        assert_eq!(hidden.hide("helpdesk.example does not answer"), "helpdesk.example does not answer");
        assert_eq!(hidden.hide("not ion@helpdesk.example with Tr0ub"), "not … with …");
    }

    #[test]
    fn what_is_short_or_something_else_is_shown() {
        let mut hidden = Hidden::default();
        hidden.add("X");
        assert_eq!(hidden.hide("an X for a U"), "an X for a U");
        hidden.add("hook");
        hidden.add("hook-and-line");
        assert_eq!(hidden.hide("Țhe HOOK-AND-LINE, a hook, a hoo"), "Țhe …, a …, a hoo");
    }
}
