//! Values that must not be shown, in every form in which a system may repeat them.
//!
//! A page of errors repeats a request as it stands, decoded, or encoded once more. What a system cuts into pieces or encrypts
//! is not recognised.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A shorter value is hidden nowhere: it would take ordinary words with it.
const SHORTEST: usize = 4;

/// Values that must not be shown. They are secrets, so they are not printed.
#[derive(Default)]
pub struct Hidden {
    /// Every form in lower case, the longest first, as one may be part of another.
    forms: BTreeSet<(Reverse<usize>, String)>,
}

impl Hidden {
    /// Hides one value more.
    pub fn add(&mut self, secret: &str) {
        if secret.chars().count() < SHORTEST {
            return;
        }
        let forms = forms(secret).into_iter().filter(|form| form.chars().count() >= SHORTEST);
        self.forms.extend(forms.map(|form| (Reverse(form.len()), form.to_ascii_lowercase())));
    }

    /// A text without them, whatever the case of their letters.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        self.forms.iter().fold(text.to_owned(), |text, (_, form)| without(&text, form))
    }
}

fn without(text: &str, form: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    // Lower case of ASCII leaves every place where it was.
    for (start, found) in text.to_ascii_lowercase().match_indices(form) {
        shown.push_str(&text[end..start]);
        shown.push('…');
        end = start + found.len();
    }
    shown + &text[end..]
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
    fn what_is_short_or_something_else_is_shown() {
        let mut hidden = Hidden::default();
        hidden.add("X");
        assert_eq!(hidden.hide("an X for a U"), "an X for a U");
        hidden.add("hook");
        hidden.add("hook-and-line");
        assert_eq!(hidden.hide("Țhe HOOK-AND-LINE, a hook, a hoo"), "Țhe …, a …, a hoo");
    }
}
