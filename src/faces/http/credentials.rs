//! Takes the credentials out of a request before anything else sees it.

use http::HeaderMap;
use memchr::memchr2;

use super::question::{Parameters, plain_name};
use crate::access::Offered;

/// Takes every offered token: the parameter `token`, the last part of the path, and what `Authorization` holds.
///
/// Two different ones are refused by the access check, so a caller who smuggles a `token=` into the URL through his SIP
/// From header opens nothing.
pub(super) fn take<'a>(parameters: &mut Parameters<'a>, path: Option<&'a str>, headers: &'a HeaderMap) -> Offered<'a> {
    let mut offered = Offered::authorization(headers);
    take_parameters(parameters, &mut offered);
    offered.add(path.unwrap_or_default());
    offered
}

/// Takes every token out of the parameters, for protocols that have no other place for one too.
pub(in crate::faces) fn take_parameters<'a>(parameters: &mut Parameters<'a>, offered: &mut Offered<'a>) {
    // A name that only resembles `token` opens nothing, but it holds a secret and must not travel on.
    for (name, value) in parameters.take(is_secret_name) {
        if plain_name(&name) == "token" {
            offered.add(value);
        }
    }
}

/// `token`, in any case, as the item of a list, or behind the `amp;` of an URL that was escaped for HTML.
fn is_secret_name(name: &str) -> bool {
    // Of the usual names it is the only one with a k.
    if memchr2(b'k', b'K', name.as_bytes()).is_none() {
        return false;
    }
    let name = name.strip_prefix("amp;").unwrap_or(name);
    let plain = name.split('[').next().unwrap_or_default();
    plain.trim_matches(|edge: char| edge.is_whitespace() || edge.is_control()).eq_ignore_ascii_case("token")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of the parameters when the credentials are out.
    fn left(query: &str) -> String {
        let mut parameters = Parameters::from_query(query.as_bytes());
        let headers = HeaderMap::new();
        drop(take(&mut parameters, None, &headers));
        format!("{:?}", parameters.into_asked())
    }

    #[test]
    fn no_spelling_of_the_token_travels_on() {
        for query in [
            "telephone=1&token=s3cret&dnid=2",
            "telephone=1&%74oken=s3cret",
            "key=1?token=s3cret",
            "token[]=s3cret",
            "token%5B0%5D=s3cret",
            "token=a&token=s3cret",
            "TOKEN=s3cret",
            "amp;token=s3cret",
            "+token+=s3cret",
            "token%00=s3cret",
        ] {
            assert!(!left(query).contains("s3cret"), "{query}");
        }
        assert!(left("tokens=kept").contains("kept"));
    }
}
