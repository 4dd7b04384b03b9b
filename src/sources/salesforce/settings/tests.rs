//! The parameters of the documentation, those of OAuth, and the mistakes between them.

use super::*;
use crate::sources::settings_for_tests;

fn read_params(keys: &str, params: &str) -> (Option<Settings>, Vec<String>) {
    let (settings, complaints) = read(&settings_for_tests("crm", &format!("{keys}\nparams = \"{params}\"")));
    (settings, complaints.into_iter().map(|complaint| complaint.message).collect())
}

#[test]
fn the_documented_string_is_read_as_it_stands_and_warns_of_its_end() {
    let (settings, complaints) = read_params(
        "",
        "username=u@x&password=pw&token=T&contact_url=https://c/&custom_url=https://n/\
         &webservices[send_call][xml]=CreateActivitiesWebService&webservices[send_call][method]=sendCallInfo",
    );
    let settings = settings.unwrap();
    assert!(
        matches!(&settings.access, Credentials::Password { username, password } if username == "u@x" && password == "pwT")
    );
    assert_eq!(settings.login.as_str(), "https://login.salesforce.com/");
    assert_eq!(settings.version, "59.0");
    let class = settings.class.unwrap();
    assert_eq!((class.name.as_str(), class.method.as_str()), ("CreateActivitiesWebService", "sendCallInfo"));
    assert!(complaints.len() == 1 && complaints[0].contains("1 June 2027"), "{complaints:?}");
}

#[test]
fn each_mistake_is_named_with_what_was_expected() {
    let own = "url = \"https://acme.my.salesforce.com\"";
    for (keys, params, words) in [
        ("", "", "expected username and password"),
        ("", "username=u", "expected username and password"),
        ("", "username=u&password=p&version=65.0", "64.0 at most"),
        ("", "username=u&password=p&version=20", "expected 37.0 to 99.0"),
        ("", "username=u&password=p&tokn=x", "did you mean token?"),
        ("", "client_id=a&client_secret=b", "the company's own host"),
        (own, "client_id=a", "either client_secret or private_key"),
        (own, "client_id=a&client_secret=b&private_key=c", "either client_secret or private_key"),
        (own, "client_id=a&private_key=k.pem", "username is missing"),
        ("url = \"ftp://x\"", "username=u&password=p", "url is no address"),
        ("", "username=u&password=p&direct_line=SIP/101", "no {extension}"),
        (
            "",
            "username=u&password=p&webservices[send_call][xml]=../x&webservices[send_call][method]=m",
            "name an Apex class",
        ),
        (
            "",
            "username=u&password=p&webservices[send_call][xml]=X&webservices[send_call][method]=m&webservices[send_call][arguments][a]=nothing",
            "no field of a call",
        ),
        (
            "",
            "username=u&password=p&webservices[send_calls][xml]=X",
            "no parameter webservices[send_calls]; did you mean webservices[send_call]?",
        ),
        (
            "",
            "username=u&password=p&webservices[send_call][xlm]=X&webservices[send_call][method]=m",
            "no parameter webservices[send_call][xlm]; did you mean webservices[send_call][xml]?",
        ),
        ("", "username=u&password=p&contact_url[x]=1", "contact_url is a list or a table; expected a text"),
    ] {
        let (settings, complaints) = read_params(keys, params);
        assert!(settings.is_none() && complaints.iter().any(|found| found.contains(words)), "{params}: {complaints:?}");
    }
    let (settings, complaints) = read_params(own, "client_id=a&client_secret=b&version=66");
    assert!(settings.is_some_and(|settings| settings.version == "66.0") && complaints.is_empty());
}
