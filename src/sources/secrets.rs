//! The secrets of a source's settings, which a system may repeat in its answer or want in a path.

use url::Url;

use super::watch::{Hidden, SHOWN};
use crate::config::{Param, Params, Source};

/// Names of parameters whose values are secrets.
const NAMES: [&str; 8] = ["pass", "key", "token", "secret", "auth", "session", "user", "login"];

/// What of a source must not be shown: what its parameters and its address keep.
pub(crate) fn secrets_of(source: &Source) -> Vec<String> {
    let mut secrets = Vec::new();
    collect(&source.params, &mut secrets);
    if let Some(url) = source.url.as_ref().and_then(|url| Url::parse(url.reveal()).ok()) {
        secrets.extend(url.password().map(decoded));
        let query = url.query_pairs().filter(|(name, _)| !SHOWN.contains(&&**name));
        secrets.extend(query.map(|(_, value)| value.into_owned()));
    }
    secrets
}

/// The same, to hide it.
pub(crate) fn hidden_of(source: &Source) -> Hidden {
    let mut hidden = Hidden::default();
    secrets_of(source).iter().for_each(|secret| hidden.add(secret));
    hidden
}

fn collect(params: &Params, secrets: &mut Vec<String>) {
    for (name, param) in params.iter() {
        match param {
            Param::Text(text) if is_secret(&name.to_string(), text.reveal()) => secrets.push(text.reveal().to_owned()),
            Param::Text(_) => {}
            Param::Inner(inner) => collect(inner, secrets),
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
    use crate::sources::settings_for_tests;

    #[test]
    fn what_a_system_repeats_of_the_settings_is_hidden() {
        let keys = "url = \"https://ion:hunt%2B2@crm.example.com/x?code=hunter3&telephone=0722\"\n\
                    params = \"APIKey=hunter4&root_tag=data&domain=acme&init_params[password]=hunter5\"";
        let source = settings_for_tests("crm", keys);
        assert_eq!(hidden_of(&source).hide("data acme 0722 hunt+2 hunter3 hunter4 hunter5"), "data acme 0722 … … … …");
    }
}
