//! The secrets of a source's settings, which a system may repeat in its answer or want in a path.

use url::Url;

use crate::config::{Param, Params, Source};
use crate::sources::watch::{Hidden, SHOWN};

/// Names of parameters whose values are secrets.
const NAMES: [&str; 8] = ["pass", "key", "token", "secret", "auth", "session", "user", "login"];

/// What must not be printed.
pub(super) struct Secrets(Hidden);

impl Secrets {
    /// Those of a source: what its parameters and its address keep.
    pub(super) fn of(source: &Source) -> Self {
        let mut hidden = Hidden::default();
        collect(&source.params, &mut hidden);
        if let Some(url) = source.url.as_ref().and_then(|url| Url::parse(url.reveal()).ok()) {
            url.password().into_iter().for_each(|password| hidden.add(&decoded(password)));
            let query = url.query_pairs().filter(|(name, _)| !SHOWN.contains(&&**name));
            query.for_each(|(_, value)| hidden.add(&value));
        }
        Self(hidden)
    }

    /// A text without them.
    pub(super) fn hide(&self, text: &str) -> String {
        self.0.hide(text)
    }

    /// A request without them; its host stays.
    pub(super) fn hide_in_request(&self, request: &str) -> String {
        let path = request.find("://").and_then(|start| Some(start + 3 + request[start + 3..].find('/')?));
        let (host, rest) = request.split_at(path.unwrap_or(0));
        host.to_owned() + &self.hide(rest)
    }
}

fn collect(params: &Params, hidden: &mut Hidden) {
    for (name, param) in params.iter() {
        match param {
            Param::Text(text) if is_secret(&name.to_string(), text.reveal()) => hidden.add(text.reveal()),
            Param::Text(_) => {}
            Param::Inner(inner) => collect(inner, hidden),
        }
    }
}

/// By its name, or because it looks like a key.
fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_key = value.len() >= 16 && value.bytes().any(|byte| byte.is_ascii_digit()) && !value.contains(['/', ' ']);
    is_key || NAMES.iter().any(|part| name.contains(part))
}

fn decoded(written: &str) -> String {
    percent_encoding::percent_decode_str(written).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn secrets(keys: &str) -> Secrets {
        let text = format!("[source.crm]\ntype = \"generic\"\n{keys}");
        Secrets::of(&config::load_text(&text, &|_| None).unwrap().sources["crm"])
    }

    #[test]
    fn what_a_system_repeats_of_the_settings_is_hidden() {
        let secrets = secrets(
            "url = \"https://ion:hunt%2B2@crm.example.com/x?code=hunter3\"\n\
             params = \"APIKey=hunter4&root_tag=data&domain=acme&init_params[password]=hunter5\"",
        );
        let said = "data acme hunt+2 hunter3 hunter4 hunter5";
        assert_eq!(secrets.hide(said), "data acme … … … …");
        let sent = "GET https://hunter4.example.com/rest/hunter4?telephone=0722111222";
        assert_eq!(secrets.hide_in_request(sent), "GET https://hunter4.example.com/rest/…?telephone=0722111222");
    }
}
